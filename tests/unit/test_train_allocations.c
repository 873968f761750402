/* test_train_allocations.c - a training step takes memory the first time at a length, and never again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocations.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "kernels/gemm.h"
#include "models/checkpoint_init.h"
#include "models/registry.h"
#include "store/checkpoint_folder.h"
#include "train/optimizer.h"
#include "train/step.h"

enum { THREADS = 2, LONGEST = 64, TEXT = 12, LYRIC = 9 };

static char folder[LOFI_PATH_MAX];
static long mappings;

/* Stands in for the C library's, as allocations.c does for malloc: libraries that map memory of their own are heard too. */
void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    __atomic_add_fetch(&mappings, 1, __ATOMIC_RELAXED);
    return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

static void must(lofi_code code, const lofi_error *err) {
    if (code != LOFI_OK) fail_msg("%s", err->message);
}

static int make_model(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_log *log = NULL;
    lofi_checkpoint_summary summary;
    snprintf(folder, sizeof folder, "allocation-test-%ld", (long)getpid());
    lofi_checkpoint_init_settings settings = {.folder = folder, .preset = "tiny", .seed = 3};
    return lofi_checkpoint_init(&summary, &settings, log, &err) == LOFI_OK ? 0 : -1;
}

static int remove_model(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    return lofi_path_remove(folder, &err) == LOFI_OK ? 0 : -1;
}

/* A step of the small model, its adapter and moments, and inputs up to the longest. */
typedef struct bench {
    lofi_loaded *transformer;
    lofi_adapter *adapter;
    lofi_step *step;
    float *first, *second, *latents, *noise, *mask, *text, *text_mask, *lyric_mask, *speaker;
    int64_t lyric[LYRIC];
    float sigma, timestep;
    int64_t updates;
} bench;

static float *numbers(size_t count, uint64_t stream) {
    lofi_error err = LOFI_ERROR_INIT;
    float *values;
    must(lofi_alloc((void **)&values, count, sizeof *values, "numbers", &err), &err);
    lofi_random random = lofi_random_at(5, LOFI_RANDOM_TEST, stream);
    if (stream) lofi_random_fill_normal(&random, 0, values, count);
    return values;
}

static float *ones(size_t count) {
    float *values = numbers(count, 0);
    for (size_t i = 0; i < count; i++) values[i] = 1.0f;
    return values;
}

static void open_bench(bench *b, lofi_step_options options) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_checkpoint_folder parts;
    lofi_lora_config lora = lofi_lora_config_default();
    lora.rank = 4;
    *b = (bench){.sigma = 0.5f, .timestep = 500.0f};
    must(lofi_checkpoint_folder_resolve(&parts, folder, &err), &err);
    must(lofi_loaded_open(&b->transformer, &lofi_model_ace_step_transformer,
                          parts.component[LOFI_COMPONENT_TRANSFORMER], &err),
         &err);
    must(lofi_adapter_new(&b->adapter, &lora, lofi_loaded_table(b->transformer), &err), &err);
    lofi_adapter_init(b->adapter, 1);
    must(lofi_step_new(&b->step, b->transformer, b->adapter, options, &err), &err);
    const lofi_ace_step_config *config = lofi_step_config(b->step);
    size_t latent = (size_t)(config->in_channels * config->height * LONGEST);
    b->first = numbers(b->adapter->value_count, 0);
    b->second = numbers(b->adapter->value_count, 0);
    b->latents = numbers(latent, 1);
    b->noise = numbers(latent, 2);
    b->mask = ones(LONGEST);
    b->text = numbers((size_t)config->text_width * TEXT, 3);
    b->text_mask = ones(TEXT);
    b->lyric_mask = ones(LYRIC);
    b->speaker = numbers((size_t)config->speaker_width, 4);
    for (int i = 0; i < LYRIC; i++) b->lyric[i] = i + 1;
}

static void close_bench(bench *b) {
    lofi_step_free(b->step);
    lofi_adapter_free(b->adapter);
    lofi_loaded_close(b->transformer);
    float *blocks[] = {b->first, b->second,    b->latents,    b->noise,  b->mask,
                       b->text,  b->text_mask, b->lyric_mask, b->speaker};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) lofi_free(blocks[i]);
}

/* One whole training step at a length; the loss. */
static double train(bench *b, int64_t frames) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_step_losses losses = {0};
    lofi_step_inputs inputs = {.batch = 1,
                               .frames = frames,
                               .text = TEXT,
                               .lyric = LYRIC,
                               .latents = b->latents,
                               .noise = b->noise,
                               .attention_mask = b->mask,
                               .text_states = b->text,
                               .text_mask = b->text_mask,
                               .lyric_token_ids = b->lyric,
                               .lyric_mask = b->lyric_mask,
                               .speaker = b->speaker,
                               .sigma = &b->sigma,
                               .timestep = &b->timestep,
                               .seed = 1,
                               .step = (uint64_t)b->updates};
    must(lofi_step_run(b->step, &inputs, &losses, &err), &err);
    lofi_adamw adamw = LOFI_ADAMW_INIT;
    size_t count = b->adapter->value_count;
    double norm = lofi_gradient_norm(lofi_step_gradient(b->step), count, THREADS);
    assert_true(norm > 0);
    lofi_adamw_update(&adamw, ++b->updates, b->adapter->values, lofi_step_gradient(b->step),
                      lofi_clip_factor(norm, 0.5), b->first, b->second, count, THREADS);
    return losses.total;
}

static long taken(void) {
    return allocations_so_far() + __atomic_load_n(&mappings, __ATOMIC_RELAXED);
}

static void expect_none(lofi_step_options options) {
    bench b;
    open_bench(&b, options);
    long start = taken();
    train(&b, LONGEST);
    train(&b, 40);
    if (allocations_are_counted()) assert_true(taken() > start); /* the counter counts */
    static const int64_t frames[] = {LONGEST, 40, LONGEST, LONGEST, 40};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        long before = taken();
        train(&b, frames[i]);
        assert_int_equal(taken() - before, 0);
    }
    close_bench(&b);
}

static void no_allocation_after_the_first_step(void **state) {
    (void)state;
    if (!allocations_are_counted()) skip();
    expect_none((lofi_step_options){.gradients = true, .checkpoint = true, .dropout = true, .threads = THREADS});
    expect_none((lofi_step_options){.gradients = true, .threads = 1});
    expect_none((lofi_step_options){.gradients = true, .checkpoint = true, .bf16 = true, .threads = THREADS});
}

/* The same step twice from the same state: nothing of the first is left in the second. */
static void a_step_depends_on_its_inputs_only(void **state) {
    (void)state;
    lofi_step_options options = {.gradients = true, .checkpoint = true, .dropout = true, .threads = THREADS};
    bench a, b;
    open_bench(&a, options);
    open_bench(&b, options);
    for (int i = 0; i < 3; i++) {
        double ours = train(&a, LONGEST), theirs = train(&b, LONGEST);
        assert_true(ours == theirs);
    }
    assert_memory_equal(a.adapter->values, b.adapter->values, a.adapter->value_count * sizeof(float));
    close_bench(&a);
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_allocation_after_the_first_step),
        cmocka_unit_test(a_step_depends_on_its_inputs_only),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
