/* test_graph_device.c - sessions on a device that is none: its memory cannot be touched but through the device, and operators are
 * launched by computing them on the CPU. What is carried there and back, when, and what is left behind when something fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "graph/devices.h"
#include "graph/session.h"
#include "ops/gradient.h"
#include "ops/ops.h"
#include "train/optimizer.h"

/* ---- the device ---- */

enum { MOST_BLOCKS = 64, MOST_MOVES = 256, MOST_STEPS = 128, MOST_OPERANDS = 16 };

/* What the session gets is an address that nothing may read or write; the bytes lie elsewhere. */
typedef struct block {
    unsigned char *address, *memory;
    size_t bytes;
} block;

typedef struct move {
    const void *here; /* the side of this process */
    size_t bytes;
} move;

/* A launch or a copy, with everything that it needs: by the time it is played the session may have changed its own. */
typedef struct step {
    const lofi_op *op; /* NULL: a copy */
    lofi_call call;
    lofi_view operands[MOST_OPERANDS];
    void *to;
    const void *from;
    size_t bytes;
} step;

typedef struct recording {
    step steps[MOST_STEPS];
    size_t count;
} recording;

/* What can be made to fail. */
enum { ALLOCATE, UPLOAD, DOWNLOAD, COPY, LAUNCH, RECORD, RECORDED, REPLAY, FINISH, ARITHMETIC, ACTIONS };
static const char *const action_names[] = {"allocate", "upload",   "download", "copy",   "launch",
                                           "record",   "recorded", "replay",   "finish", "arithmetic"};

typedef struct fake {
    lofi_device base;
    block blocks[MOST_BLOCKS];
    move uploads[MOST_MOVES], downloads[MOST_MOVES];
    size_t upload_count, download_count;
    const void *known[MOST_BLOCKS];
    size_t known_count;
    int calls[ACTIONS];
    int fail_at[ACTIONS]; /* the call of that number fails; 0: none */
    recording *open;      /* between record and recorded */
    int recordings;       /* that exist */
    const char *lacking;  /* name of an operator that cannot be launched; NULL: none */
    bool closed;
} fake;

static fake *fake_of(lofi_device *device) {
    return (fake *)device;
}

static lofi_code act(lofi_device *device, int action, lofi_code code, lofi_error *err) {
    fake *f = fake_of(device);
    if (++f->calls[action] != f->fail_at[action]) return LOFI_OK;
    return lofi_fail(err, code, "%s failed", action_names[action]);
}

static size_t mapped_bytes(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes / page + 1) * page;
}

static lofi_code allocate(lofi_device *device, void **memory, size_t bytes, const char *what, lofi_error *err) {
    assert_non_null(what);
    LOFI_TRY(act(device, ALLOCATE, LOFI_ERR_MEMORY, err));
    block *b = fake_of(device)->blocks;
    while (b->address) b++;
    assert_true(b < fake_of(device)->blocks + MOST_BLOCKS);
    b->bytes = bytes;
    b->address = mmap(NULL, mapped_bytes(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(b->address != MAP_FAILED);
    assert_int_equal(posix_memalign((void **)&b->memory, 64, bytes ? bytes : 1), 0);
    memset(b->memory, 0xff, bytes);
    *memory = b->address;
    return LOFI_OK;
}

static void release(lofi_device *device, void *memory) {
    if (!memory) return;
    block *b = fake_of(device)->blocks;
    while (b < fake_of(device)->blocks + MOST_BLOCKS && b->address != memory) b++;
    assert_true(b < fake_of(device)->blocks + MOST_BLOCKS);
    munmap(b->address, mapped_bytes(b->bytes));
    free(b->memory);
    *b = (block){0};
}

/* Where the bytes of an address are; all of them must lie in one block. */
static void *inside(lofi_device *device, const void *address, size_t bytes) {
    const unsigned char *first = address;
    for (const block *b = fake_of(device)->blocks; b < fake_of(device)->blocks + MOST_BLOCKS; b++)
        if (b->address && first >= b->address && first + bytes <= b->address + b->bytes)
            return b->memory + (first - b->address);
    fail_msg("%zu bytes at %p are no memory of the device", bytes, address);
    return NULL;
}

static bool is_inside(lofi_device *device, const void *address) {
    const unsigned char *first = address;
    for (const block *b = fake_of(device)->blocks; b < fake_of(device)->blocks + MOST_BLOCKS; b++)
        if (b->address && first >= b->address && first < b->address + b->bytes) return true;
    return false;
}

static lofi_code upload(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err) {
    fake *f = fake_of(device);
    assert_null(f->open); /* a recording holds no memory of this process */
    LOFI_TRY(act(device, UPLOAD, LOFI_ERR_IO, err));
    assert_true(f->upload_count < MOST_MOVES);
    f->uploads[f->upload_count++] = (move){from, bytes};
    memcpy(inside(device, to, bytes), from, bytes);
    return LOFI_OK;
}

static lofi_code download(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err) {
    fake *f = fake_of(device);
    assert_null(f->open);
    LOFI_TRY(act(device, DOWNLOAD, LOFI_ERR_IO, err));
    assert_true(f->download_count < MOST_MOVES);
    f->downloads[f->download_count++] = (move){to, bytes};
    memcpy(to, inside(device, from, bytes), bytes);
    return LOFI_OK;
}

static void play(lofi_device *device, step *s) {
    if (!s->op) {
        memmove(inside(device, s->to, s->bytes), inside(device, s->from, s->bytes), s->bytes);
        return;
    }
    lofi_view there[MOST_OPERANDS];
    lofi_call call = s->call;
    int operands = call.input_count + call.output_count;
    for (int i = 0; i < operands; i++) {
        there[i] = s->operands[i];
        if (there[i].data)
            there[i].data = inside(device, there[i].data, (size_t)there[i].count * lofi_dtype_bytes(there[i].dtype));
    }
    call.inputs = there;
    call.outputs = there + call.input_count;
    if (call.workspace) call.workspace = inside(device, call.workspace, s->op->workspace(&call));
    s->op->cpu(&call);
}

/* Now, or in the recording that is open. */
static void take(lofi_device *device, step *s) {
    recording *r = fake_of(device)->open;
    if (!r) {
        play(device, s);
        return;
    }
    assert_true(r->count < MOST_STEPS);
    r->steps[r->count++] = *s;
}

static lofi_code copy(lofi_device *device, void *to, const void *from, size_t bytes, lofi_error *err) {
    LOFI_TRY(act(device, COPY, LOFI_ERR_IO, err));
    step s = {.to = to, .from = from, .bytes = bytes};
    take(device, &s);
    return LOFI_OK;
}

static lofi_code fill(lofi_device *device, void *to, int byte, size_t bytes, lofi_error *err) {
    (void)err;
    memset(inside(device, to, bytes), byte, bytes);
    return LOFI_OK;
}

static const char *gap(const lofi_op *op);

static size_t workspace(const lofi_op *op, const lofi_call *call) {
    return op->workspace ? op->workspace(call) : 0;
}

static lofi_code launch(lofi_device *device, const lofi_op *op, const lofi_call *call, lofi_error *err) {
    LOFI_TRY(act(device, LAUNCH, LOFI_ERR_IO, err));
    assert_false(op->view);
    assert_int_equal(call->bf16, device->bf16);
    step s = {.op = op, .call = *call};
    assert_true(call->input_count + call->output_count <= MOST_OPERANDS);
    memcpy(s.operands, call->inputs, (size_t)call->input_count * sizeof *s.operands);
    memcpy(s.operands + call->input_count, call->outputs, (size_t)call->output_count * sizeof *s.operands);
    take(device, &s);
    return LOFI_OK;
}

static void know(lofi_device *device, void *memory, size_t bytes) {
    fake *f = fake_of(device);
    assert_true(bytes > 0 && f->known_count < MOST_BLOCKS);
    for (size_t i = 0; i < f->known_count; i++)
        if (f->known[i] == memory) return; /* refused, as by CUDA */
    f->known[f->known_count++] = memory;
}

static void forget(lofi_device *device, void *memory) {
    fake *f = fake_of(device);
    for (size_t i = 0; i < f->known_count; i++)
        if (f->known[i] == memory) f->known[i] = f->known[--f->known_count];
}

static lofi_code record(lofi_device *device, lofi_error *err) {
    assert_null(fake_of(device)->open);
    LOFI_TRY(act(device, RECORD, LOFI_ERR_IO, err));
    fake_of(device)->open = calloc(1, sizeof(recording));
    assert_non_null(fake_of(device)->open);
    return LOFI_OK;
}

/* The recording ends, also when it comes to nothing. */
static lofi_code recorded(lofi_device *device, void **out, lofi_error *err) {
    fake *f = fake_of(device);
    recording *r = f->open;
    assert_non_null(r);
    f->open = NULL;
    lofi_code code = act(device, RECORDED, LOFI_ERR_IO, err);
    if (code != LOFI_OK) {
        free(r);
        return code;
    }
    f->recordings++;
    *out = r;
    return LOFI_OK;
}

static lofi_code replay(lofi_device *device, void *recorded_steps, lofi_error *err) {
    recording *r = recorded_steps;
    assert_null(fake_of(device)->open);
    LOFI_TRY(act(device, REPLAY, LOFI_ERR_IO, err));
    for (size_t i = 0; i < r->count; i++) play(device, &r->steps[i]);
    return LOFI_OK;
}

static void drop(lofi_device *device, void *recorded_steps) {
    if (!recorded_steps) return;
    fake_of(device)->recordings--;
    free(recorded_steps);
}

static lofi_code add(lofi_device *device, float *to, const float *from, size_t count, lofi_error *err) {
    LOFI_TRY(act(device, ARITHMETIC, LOFI_ERR_IO, err));
    float *sum = inside(device, to, count * sizeof *to);
    const float *added = inside(device, from, count * sizeof *from);
    for (size_t i = 0; i < count; i++) sum[i] += added[i];
    return LOFI_OK;
}

static lofi_code square_sum(lofi_device *device, double *sum, const float *values, size_t count, lofi_error *err) {
    LOFI_TRY(act(device, ARITHMETIC, LOFI_ERR_IO, err));
    double norm = lofi_gradient_norm(inside(device, values, count * sizeof *values), count, 1);
    *sum = norm * norm;
    return LOFI_OK;
}

static lofi_code adamw(lofi_device *device, const lofi_adamw_step *s, float *values, const float *gradient,
                       float *first, float *second, size_t count, lofi_error *err) {
    LOFI_TRY(act(device, ARITHMETIC, LOFI_ERR_IO, err));
    size_t bytes = count * sizeof *values;
    lofi_adamw_array(s, inside(device, values, bytes), inside(device, gradient, bytes), inside(device, first, bytes),
                     inside(device, second, bytes), count, 1);
    return LOFI_OK;
}

static lofi_code finish(lofi_device *device, lofi_error *err) {
    return act(device, FINISH, LOFI_ERR_IO, err);
}

static void close_device(lofi_device *device) {
    fake_of(device)->closed = true;
}

static const lofi_device_kind kind = {.allocate = allocate,
                                      .release = release,
                                      .upload = upload,
                                      .download = download,
                                      .copy = copy,
                                      .fill = fill,
                                      .gap = gap,
                                      .workspace = workspace,
                                      .launch = launch,
                                      .know = know,
                                      .forget = forget,
                                      .record = record,
                                      .recorded = recorded,
                                      .replay = replay,
                                      .drop = drop,
                                      .add = add,
                                      .square_sum = square_sum,
                                      .adamw = adamw,
                                      .finish = finish,
                                      .close = close_device};

static fake device; /* one at a time, for gap() is not told which */

static const char *gap(const lofi_op *op) {
    return device.lacking && strcmp(op->name, device.lacking) == 0 ? "the test has none of it" : NULL;
}

static int start(void **state) {
    (void)state;
    device = (fake){.base = {.kind = &kind, .name = "fake:0"}};
    return 0;
}

static void nothing_is_left(void) {
    for (int i = 0; i < MOST_BLOCKS; i++) assert_null(device.blocks[i].address);
    assert_null(device.base.copies);
    assert_int_equal(device.base.copy_count, 0);
    assert_int_equal(device.base.copy_bytes, 0);
    assert_int_equal(device.known_count, 0);
    assert_int_equal(device.recordings, 0);
    assert_null(device.open);
}

/* ---- a network ---- */

enum { WIDTH = 6, MATRIX = WIDTH * WIDTH };

/* Frozen weights, an adapter of two matrices and a vector side by side, and its gradient likewise. */
typedef struct weights {
    float frozen[MATRIX], bias[WIDTH];
    float adapter[2 * MATRIX + WIDTH], gradient[2 * MATRIX + WIDTH];
} weights;

typedef struct network {
    weights *w;
    lofi_graph *graph;
    lofi_session *session;
    lofi_tensor *x, *y, *same, *loss;
} network;

static void draw(float *values, size_t count, uint64_t what) {
    lofi_random random = lofi_random_at(5, LOFI_RANDOM_TEST, what);
    lofi_random_fill_normal(&random, 0, values, count);
}

static void fill_weights(weights *w) {
    draw(w->frozen, MATRIX, 1);
    draw(w->bias, WIDTH, 2);
    draw(w->adapter, 2 * MATRIX + WIDTH, 3);
    memset(w->gradient, 0xff, sizeof w->gradient);
}

static lofi_tensor *matrix(lofi_graph *g, const char *name, float *data, bool trainable) {
    return lofi_graph_parameter(g, name, lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){WIDTH, WIDTH}), data, trainable);
}

static lofi_tensor *vector(lofi_graph *g, const char *name, float *data, bool trainable) {
    return lofi_graph_parameter(g, name, lofi_shape_of(LOFI_F32, 1, (lofi_dim[]){WIDTH}), data, trainable);
}

static void differentiate(network *n, lofi_tensor **wanted) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_tensor *found[3];
    void *places[] = {n->w->gradient, n->w->gradient + MATRIX, n->w->gradient + 2 * MATRIX};
    lofi_gradient_options options = {.checkpoint = false};
    assert_int_equal(lofi_graph_differentiate(n->graph, n->loss, wanted, 3, places, options, found, &err), LOFI_OK);
}

/* y = silu(x F + x A) B * v + bias, where v goes through a view; loss = sum of y squared. */
static void build(network *n, weights *w, bool gradients, lofi_device *on) {
    lofi_error err = LOFI_ERROR_INIT;
    *n = (network){.w = w};
    assert_int_equal(lofi_graph_new(&n->graph, &err), LOFI_OK);
    lofi_graph *g = n->graph;
    lofi_dim dims[] = {lofi_dim_symbol(g, "rows"), WIDTH}, row[] = {1, WIDTH};
    n->x = lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 2, dims));
    lofi_tensor *f = matrix(g, "f", w->frozen, false), *bias = vector(g, "bias", w->bias, false);
    lofi_tensor *a = matrix(g, "a", w->adapter, true), *b = matrix(g, "b", w->adapter + MATRIX, true);
    lofi_tensor *v = vector(g, "v", w->adapter + 2 * MATRIX, true);
    lofi_matmul_attributes product = {.transpose_b = 1, .alpha = 1};
    lofi_tensor *h = lofi_matmul(g, n->x, a, lofi_matmul(g, n->x, f, NULL, product), product);
    lofi_tensor *y = lofi_mul(g, lofi_matmul(g, lofi_silu(g, h), b, NULL, product), lofi_reshape(g, v, 2, row));
    n->y = lofi_graph_output(g, "y", lofi_add(g, y, bias));
    n->same = lofi_graph_output(g, "same", lofi_reshape(g, bias, 2, row));
    n->loss = lofi_graph_output(g, "loss", lofi_sum(g, lofi_square(g, n->y), 3u, true));
    assert_int_equal(lofi_graph_check(g, &err), LOFI_OK);
    if (gradients) differentiate(n, (lofi_tensor *[]){a, b, v});
    lofi_session_options options = {.threads = 1, .device = on};
    assert_int_equal(lofi_session_new(&n->session, g, options, &err), LOFI_OK);
}

static void destroy(network *n) {
    lofi_session_free(n->session);
    lofi_graph_free(n->graph);
}

static void *data_of(network *n, const lofi_tensor *tensor, int64_t *count) {
    void *data = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_session_data(n->session, tensor, &data, count, &err), LOFI_OK);
    assert_false(is_inside(&device.base, data));
    return data;
}

static lofi_code prepare(network *n, int64_t rows, lofi_error *err) {
    lofi_session_set(n->session, "rows", rows);
    return lofi_session_prepare(n->session, err);
}

static void feed(network *n, uint64_t what) {
    int64_t count;
    float *x = data_of(n, n->x, &count);
    draw(x, (size_t)count, 100 + what);
}

static void run(network *n, int64_t rows, uint64_t what) {
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(prepare(n, rows, &err), LOFI_OK);
    lofi_session_poison(n->session);
    feed(n, what);
    assert_int_equal(lofi_session_run(n->session, &err), LOFI_OK);
}

static void same_numbers(network *a, network *b, const lofi_tensor *in_a, const lofi_tensor *in_b) {
    int64_t count_a, count_b;
    void *data_a = data_of(a, in_a, &count_a), *data_b = data_of(b, in_b, &count_b);
    assert_int_equal(count_a, count_b);
    assert_memory_equal(data_a, data_b, (size_t)count_a * sizeof(float));
}

static size_t moved(const move *moves, size_t count, const void *here) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) found += moves[i].here == here;
    return found;
}

static const move *last_moved(const move *moves, size_t count, const void *here) {
    const move *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (moves[i].here == here) found = &moves[i];
    assert_non_null(found);
    return found;
}

/* ---- tests ---- */

/* Two lengths, each launched, recorded and played, while the adapter changes. */
static void results_are_those_of_the_cpu(void **state) {
    (void)state;
    static weights there, here;
    network on_device, on_cpu;
    fill_weights(&there);
    fill_weights(&here);
    build(&on_device, &there, true, &device.base);
    build(&on_cpu, &here, true, NULL);
    static const int64_t rows[] = {5, 9, 5, 5, 9, 5, 9, 9, 40, 5};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run(&on_device, rows[i], i);
        run(&on_cpu, rows[i], i);
        same_numbers(&on_device, &on_cpu, on_device.y, on_cpu.y);
        same_numbers(&on_device, &on_cpu, on_device.same, on_cpu.same);
        same_numbers(&on_device, &on_cpu, on_device.loss, on_cpu.loss);
        assert_memory_equal(there.gradient, here.gradient, sizeof here.gradient);
        for (size_t k = 0; k < 2 * MATRIX + WIDTH; k++) {
            here.adapter[k] -= 0.01f * here.gradient[k];
            there.adapter[k] = here.adapter[k];
        }
    }
    assert_true(device.calls[COPY] > 0 && device.calls[LAUNCH] > 0 && device.calls[REPLAY] > 0);
    destroy(&on_device);
    destroy(&on_cpu);
    nothing_is_left();
}

static void inputs_keep_what_was_written(void **state) {
    (void)state;
    static weights w;
    network n;
    int64_t count;
    fill_weights(&w);
    build(&n, &w, false, &device.base);
    run(&n, 4, 0);
    float first[4 * WIDTH], *y = data_of(&n, n.y, &count);
    memcpy(first, y, sizeof first);
    memset(y, 0, sizeof first);
    assert_int_equal(lofi_session_run(n.session, NULL), LOFI_OK);
    assert_memory_equal(data_of(&n, n.y, &count), first, sizeof first);
    destroy(&n);
    nothing_is_left();
}

static void frozen_parameters_are_carried_once(void **state) {
    (void)state;
    static weights w;
    network first, second;
    fill_weights(&w);
    build(&first, &w, true, &device.base);
    build(&second, &w, false, &device.base);
    for (uint64_t i = 0; i < 3; i++) {
        run(&first, 5, i);
        run(&second, 7, i);
    }
    assert_int_equal(moved(device.uploads, device.upload_count, w.frozen), 1);
    assert_int_equal(moved(device.uploads, device.upload_count, w.bias), 1);
    assert_int_equal(device.base.copy_count, 4);
    assert_int_equal(device.base.copy_bytes, sizeof w);
    destroy(&first);
    assert_int_equal(device.base.copy_count, 3); /* nobody writes a gradient any more */
    run(&second, 7, 9);
    destroy(&second);
    nothing_is_left();
}

/* The adapter is trained between two runs, also by somebody else: it travels every time, in one piece, and so does the gradient. */
static void an_adapter_travels_with_every_run(void **state) {
    (void)state;
    static weights w;
    network training, measuring;
    fill_weights(&w);
    build(&training, &w, true, &device.base);
    build(&measuring, &w, false, &device.base);
    for (uint64_t i = 0; i < 4; i++) {
        run(&training, 5, i);
        run(&measuring, 5, i);
        same_numbers(&training, &measuring, training.y, measuring.y);
        assert_int_equal(moved(device.uploads, device.upload_count, w.adapter), 2 * (i + 1));
        assert_int_equal(last_moved(device.uploads, device.upload_count, w.adapter)->bytes, sizeof w.adapter);
        assert_int_equal(moved(device.downloads, device.download_count, w.gradient), i + 1);
        assert_int_equal(last_moved(device.downloads, device.download_count, w.gradient)->bytes, sizeof w.gradient);
        w.adapter[i] += 1;
    }
    destroy(&training);
    destroy(&measuring);
    nothing_is_left();
}

/* What one session keeps and another changes has two copies, even at one address. */
static void roles_at_one_address_are_kept_apart(void **state) {
    (void)state;
    static float values[WIDTH];
    lofi_session *sessions[2];
    lofi_graph *graphs[2];
    lofi_tensor *sums[2];
    lofi_error err = LOFI_ERROR_INIT;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lofi_graph_new(&graphs[i], &err), LOFI_OK);
        lofi_tensor *t = vector(graphs[i], "t", values, i);
        sums[i] = lofi_graph_output(graphs[i], "sum", lofi_sum(graphs[i], t, 1u, true));
        lofi_session_options options = {.threads = 1, .device = &device.base};
        assert_int_equal(lofi_session_new(&sessions[i], graphs[i], options, &err), LOFI_OK);
        assert_int_equal(lofi_session_prepare(sessions[i], &err), LOFI_OK);
    }
    for (int turn = 1; turn <= 2; turn++) {
        void *sum;
        values[0] = (float)turn;
        assert_int_equal(lofi_session_run(sessions[1], &err), LOFI_OK);
        assert_int_equal(lofi_session_data(sessions[1], sums[1], &sum, NULL, &err), LOFI_OK);
        assert_true(*(float *)sum == (float)turn);
    }
    for (int i = 0; i < 2; i++) {
        lofi_session_free(sessions[i]);
        lofi_graph_free(graphs[i]);
    }
    nothing_is_left();
}

/* One piece of memory under two sizes, as the beginning of a table is. */
static void sizes_at_one_address_are_kept_apart(void **state) {
    (void)state;
    static float table[4 * WIDTH];
    lofi_session *sessions[2];
    lofi_graph *graphs[2];
    lofi_tensor *sums[2];
    lofi_error err = LOFI_ERROR_INIT;
    for (int i = 0; i < 4 * WIDTH; i++) table[i] = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lofi_graph_new(&graphs[i], &err), LOFI_OK);
        lofi_shape shape = lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){i ? 4 : 2, WIDTH});
        lofi_tensor *t = lofi_graph_parameter(graphs[i], "table", shape, table, false);
        sums[i] = lofi_graph_output(graphs[i], "sum", lofi_sum(graphs[i], t, 3u, true));
        lofi_session_options options = {.threads = 1, .device = &device.base};
        assert_int_equal(lofi_session_new(&sessions[i], graphs[i], options, &err), LOFI_OK);
        assert_int_equal(lofi_session_prepare(sessions[i], &err), LOFI_OK);
    }
    for (int i = 0; i < 2; i++) { /* the first is gone when the second runs */
        void *sum;
        assert_int_equal(lofi_session_run(sessions[i], &err), LOFI_OK);
        assert_int_equal(lofi_session_data(sessions[i], sums[i], &sum, NULL, &err), LOFI_OK);
        assert_true(*(float *)sum == (float)((i ? 4 : 2) * WIDTH));
        lofi_session_free(sessions[i]);
        lofi_graph_free(graphs[i]);
    }
    nothing_is_left();
}

static void a_missing_operator_is_named(void **state) {
    (void)state;
    static weights w;
    network n;
    lofi_error err = LOFI_ERROR_INIT;
    fill_weights(&w);
    device.lacking = "silu";
    build(&n, &w, false, &device.base);
    assert_int_equal(prepare(&n, 4, &err), LOFI_ERR_UNSUPPORTED);
    assert_string_equal(err.message, "the operator 'silu' cannot run on fake:0: the test has none of it");
    destroy(&n);
    assert_int_equal(device.calls[ALLOCATE], 0);
    nothing_is_left();
}

/* ---- training ---- */

enum { ADAPTER = 2 * MATRIX + WIDTH };

/* A network that is trained, one that only looks at the loss, and what trains. */
typedef struct course {
    weights w;
    float first[ADAPTER], second[ADAPTER];
    network training, measuring;
    lofi_optimizer *optimizer;
} course;

static void open_course(course *c, lofi_device *on, int64_t visits) {
    lofi_error err = LOFI_ERROR_INIT;
    *c = (course){0};
    fill_weights(&c->w);
    build(&c->training, &c->w, true, on);
    build(&c->measuring, &c->w, false, on);
    lofi_optimizer_blocks blocks = {c->w.adapter, c->w.gradient, c->first, c->second, ADAPTER};
    assert_int_equal(lofi_optimizer_new(&c->optimizer, &blocks, on, visits, 1, &err), LOFI_OK);
}

static void close_course(course *c) {
    lofi_optimizer_free(c->optimizer);
    destroy(&c->measuring);
    destroy(&c->training);
}

static lofi_code update(course *c, int64_t number, int64_t visits, double *norm, lofi_error *err) {
    lofi_adamw settings = LOFI_ADAMW_INIT;
    settings.learning_rate = 1e-2;
    for (int64_t i = 0; i < visits; i++) {
        LOFI_TRY(prepare(&c->training, 5, err));
        feed(&c->training, (uint64_t)(number * visits + i));
        LOFI_TRY(lofi_session_run(c->training.session, err));
        LOFI_TRY(lofi_optimizer_take(c->optimizer, i, err));
    }
    LOFI_TRY(lofi_optimizer_norm(c->optimizer, norm, err));
    return lofi_optimizer_update(c->optimizer, &settings, number, 0.5, err);
}

/* From the first update on nothing of the adapter travels, and yet both networks see what the CPU's do. */
static void an_adapter_is_trained_where_it_is(void **state) {
    (void)state;
    static course here, there;
    lofi_error err = LOFI_ERROR_INIT;
    for (int64_t visits = 1; visits <= 3; visits += 2) {
        start(NULL);
        open_course(&here, NULL, visits);
        open_course(&there, &device.base, visits);
        for (int64_t number = 1; number <= 4; number++) {
            double norms[2];
            assert_int_equal(update(&here, number, visits, &norms[0], &err), LOFI_OK);
            assert_int_equal(update(&there, number, visits, &norms[1], &err), LOFI_OK);
            assert_float_equal(norms[0], norms[1], 1e-12 * norms[0]);
            run(&here.measuring, 7, 99);
            run(&there.measuring, 7, 99);
            same_numbers(&here.measuring, &there.measuring, here.measuring.loss, there.measuring.loss);
        }
        assert_int_equal(moved(device.uploads, device.upload_count, there.w.adapter), 1);
        assert_int_equal(moved(device.downloads, device.download_count, there.w.gradient), 1);
        assert_memory_not_equal(here.w.adapter, there.w.adapter, sizeof here.w.adapter);
        assert_int_equal(lofi_optimizer_fetch(there.optimizer, &err), LOFI_OK);
        assert_memory_equal(here.w.adapter, there.w.adapter, sizeof here.w.adapter);
        assert_memory_equal(here.first, there.first, sizeof here.first);
        assert_memory_equal(here.second, there.second, sizeof here.second);
        close_course(&there);
        close_course(&here);
        nothing_is_left();
    }
}

/* ---- failures ---- */

/* What a session and an optimizer do in their life; the first failure ends it. */
static lofi_code live(course *c, lofi_error *err) {
    double norm;
    for (int64_t number = 1; number <= 3; number++) LOFI_TRY(update(c, number, 2, &norm, err));
    LOFI_TRY(prepare(&c->measuring, 50, err));
    feed(&c->measuring, 9);
    LOFI_TRY(lofi_session_run(c->measuring.session, err));
    return lofi_optimizer_fetch(c->optimizer, err);
}

/* Every call of every kind fails in turn: the failure comes back, nothing is left behind, and the next life is whole. */
static void a_failure_is_told_and_leaves_nothing(void **state) {
    (void)state;
    static course c;
    lofi_error err = LOFI_ERROR_INIT;
    for (int action = 0; action < ACTIONS; action++)
        for (int at = 1;; at++) {
            start(NULL);
            open_course(&c, &device.base, 2);
            device.fail_at[action] = at;
            lofi_code code = live(&c, &err);
            bool reached = device.calls[action] >= at;
            if (reached) assert_int_equal(code, action == ALLOCATE ? LOFI_ERR_MEMORY : LOFI_ERR_IO);
            if (reached) assert_non_null(strstr(err.message, action_names[action]));
            if (reached) assert_int_equal(live(&c, &err), LOFI_OK);
            close_course(&c);
            nothing_is_left();
            if (!reached) {
                assert_int_equal(code, LOFI_OK);
                assert_true(at > 1); /* the life has such calls */
                break;
            }
        }
}

static void sessions_take_the_default(void **state) {
    (void)state;
    static weights w;
    network n;
    fill_weights(&w);
    lofi_device_set_default(&device.base);
    assert_ptr_equal(lofi_device_default(), &device.base);
    build(&n, &w, false, NULL);
    run(&n, 4, 0);
    assert_true(device.calls[LAUNCH] > 0);
    destroy(&n);
    lofi_device_close(&device.base);
    assert_true(device.closed);
    assert_null(lofi_device_default());
    nothing_is_left();
    lofi_device_close(NULL);
}

static void devices_have_names(void **state) {
    (void)state;
    static const char *const wrong[] = {"",        "gpu",     "CPU",     "cuda:",    "cuda:x",
                                        "cuda:-1", "cuda:1x", "cuda: 1", "cuda:1024"};
    lofi_error err = LOFI_ERROR_INIT;
    lofi_device *opened = &device.base;
    assert_int_equal(lofi_device_open(&opened, "cpu", false, &err), LOFI_OK);
    assert_null(opened);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(lofi_device_open(&opened, wrong[i], false, &err), LOFI_ERR_USAGE);
        assert_non_null(strstr(err.message, wrong[i]));
    }
    assert_int_equal(lofi_device_open(&opened, "cuda:1023", false, &err), LOFI_ERR_UNSUPPORTED);
    char reason[256];
    lofi_device_facts facts;
    if (lofi_device_list_cuda(&facts, 1, reason) == 0) assert_true(*reason);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(results_are_those_of_the_cpu, start),
        cmocka_unit_test_setup(inputs_keep_what_was_written, start),
        cmocka_unit_test_setup(frozen_parameters_are_carried_once, start),
        cmocka_unit_test_setup(an_adapter_travels_with_every_run, start),
        cmocka_unit_test_setup(roles_at_one_address_are_kept_apart, start),
        cmocka_unit_test_setup(sizes_at_one_address_are_kept_apart, start),
        cmocka_unit_test_setup(a_missing_operator_is_named, start),
        cmocka_unit_test_setup(an_adapter_is_trained_where_it_is, start),
        cmocka_unit_test_setup(a_failure_is_told_and_leaves_nothing, start),
        cmocka_unit_test_setup(sessions_take_the_default, start),
        cmocka_unit_test_setup(devices_have_names, start),
    };
    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
