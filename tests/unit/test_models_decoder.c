/* Latents to sound: in windows of any size the same as the whole; errors and progress. That the whole equals the original
 * is shown by the self-test's case audio_to_latent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "models/audio_decoder.h"

/* Products of other sizes add in another order: this is about as far as any build is from the original. A reach that is two
 * dozen mel frames, or three columns of features, too small shows as 1e-4. */
#define SAME 4e-6

static void must(lofi_code code, const lofi_error *err) {
    if (code != LOFI_OK) fail_msg("%s", err->message);
}

static lofi_audio_decoder *open_decoder(int threads) {
    char dcae[LOFI_PATH_MAX], vocoder[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    lofi_audio_decoder *decoder = NULL;
    must(lofi_path_format(dcae, &err, "%s/data/reference/model/music_dcae_f8c8", LOFI_SOURCE_FOLDER), &err);
    must(lofi_path_format(vocoder, &err, "%s/data/reference/model/music_vocoder", LOFI_SOURCE_FOLDER), &err);
    must(lofi_audio_decoder_open(&decoder, dcae, vocoder, threads, &err), &err);
    return decoder;
}

static float *random_latents(const lofi_audio_decoder *decoder, int64_t frames) {
    int64_t count = lofi_audio_decoder_channels(decoder) * lofi_audio_decoder_height(decoder) * frames;
    float *latents = calloc((size_t)count, sizeof *latents);
    lofi_random random = lofi_random_at(5, LOFI_RANDOM_TEST, (uint64_t)frames);
    lofi_random_fill_normal(&random, 0, latents, count);
    return latents;
}

static lofi_audio decode(lofi_audio_decoder *decoder, const float *latents, int64_t frames, int64_t window) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_audio audio = LOFI_AUDIO_INIT;
    lofi_audio_decoder_set_window(decoder, window);
    must(lofi_audio_decoder_run(decoder, latents, frames, &audio, &err), &err);
    assert_int_equal(audio.channels, 2);
    assert_int_equal(audio.sample_rate, 48000);
    assert_int_equal(audio.frames, lofi_audio_decoder_length(decoder, frames));
    return audio;
}

static double difference(const lofi_audio *a, const lofi_audio *b) {
    double wrong = 0, all = 0;
    assert_int_equal(a->frames, b->frames);
    for (int64_t i = 0; i < 2 * a->frames; i++) {
        double d = (double)a->samples[i] - b->samples[i];
        wrong += d * d;
        all += (double)b->samples[i] * b->samples[i];
    }
    return sqrt(wrong / all);
}

/* Lengths below, at and above a window and its reach, with odd remainders. */
static void windows_equal_the_whole(void **state) {
    (void)state;
    static const int64_t lengths[] = {1, 13, 60}, windows[] = {5, 24};
    lofi_audio_decoder *decoder = open_decoder(2);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        float *latents = random_latents(decoder, lengths[i]);
        lofi_audio whole = decode(decoder, latents, lengths[i], 0);
        assert_true(lofi_audio_peak(&whole) > 0.05f);
        for (size_t j = 0; j < sizeof windows / sizeof *windows; j++) {
            lofi_audio parts = decode(decoder, latents, lengths[i], windows[j]);
            double relative = difference(&parts, &whole);
            if (relative > SAME)
                fail_msg("%d frames in windows of %d: relative difference %g", (int)lengths[i], (int)windows[j],
                         relative);
            lofi_audio_free(&parts);
        }
        lofi_audio_free(&whole);
        free(latents);
    }
    lofi_audio_decoder_close(decoder);
}

static void threads_do_not_change_a_byte(void **state) {
    (void)state;
    enum { FRAMES = 37 };
    lofi_audio_decoder *one = open_decoder(1), *three = open_decoder(3);
    float *latents = random_latents(one, FRAMES);
    lofi_audio a = decode(one, latents, FRAMES, 16), b = decode(three, latents, FRAMES, 16);
    assert_memory_equal(a.samples, b.samples, (size_t)(2 * a.frames) * sizeof *a.samples);
    lofi_audio_free(&a);
    lofi_audio_free(&b);
    free(latents);
    lofi_audio_decoder_close(one);
    lofi_audio_decoder_close(three);
}

/* Activations follow the window and not the length. */
static void memory_is_bounded_by_the_window(void **state) {
    (void)state;
    size_t bytes[3];
    static const int64_t windows[] = {16, 16, 0}, lengths[] = {64, 192, 192};
    for (int i = 0; i < 3; i++) {
        lofi_audio_decoder *decoder = open_decoder(1);
        float *latents = random_latents(decoder, lengths[i]);
        lofi_audio audio = decode(decoder, latents, lengths[i], windows[i]);
        bytes[i] = lofi_audio_decoder_activation_bytes(decoder);
        lofi_audio_free(&audio);
        free(latents);
        lofi_audio_decoder_close(decoder);
    }
    assert_int_equal(bytes[1], bytes[0]);
    assert_true(bytes[2] > 3 * bytes[1]);
}

typedef struct watcher {
    double last;
    int calls, stop_after;
} watcher;

static bool watch(void *user, double share) {
    watcher *w = user;
    assert_true(share >= w->last && share <= 1.0 + 1e-12);
    w->last = share;
    return ++w->calls != w->stop_after;
}

static void progress_is_told_and_can_end_it(void **state) {
    (void)state;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_audio_decoder *decoder = open_decoder(1);
    float *latents = random_latents(decoder, 20);
    watcher w = {0};
    lofi_audio audio = LOFI_AUDIO_INIT;
    lofi_audio_decoder_set_progress(decoder, watch, &w);
    audio = decode(decoder, latents, 20, 8);
    assert_int_equal(w.calls, 18);
    assert_true(w.last > 0.999);
    lofi_audio_free(&audio);
    w = (watcher){.stop_after = 3};
    assert_int_equal(lofi_audio_decoder_run(decoder, latents, 20, &audio, &err), LOFI_ERR_INTERRUPTED);
    assert_null(audio.samples);
    assert_int_equal(lofi_audio_decoder_run(decoder, latents, 0, &audio, &err), LOFI_ERR_USAGE);
    free(latents);
    lofi_audio_decoder_close(decoder);
}

static void folders_that_do_not_fit_are_refused(void **state) {
    (void)state;
    char folder[LOFI_PATH_MAX];
    lofi_error err = LOFI_ERROR_INIT;
    lofi_audio_decoder *decoder = NULL;
    must(lofi_path_format(folder, &err, "%s/data/reference/model/music_dcae_f8c8", LOFI_SOURCE_FOLDER), &err);
    assert_int_not_equal(lofi_audio_decoder_open(&decoder, folder, folder, 1, &err), LOFI_OK);
    assert_null(decoder);
    assert_int_not_equal(lofi_audio_decoder_open(&decoder, "/nowhere/dcae", folder, 1, &err), LOFI_OK);
    assert_non_null(strstr(err.message, "/nowhere/dcae"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_equal_the_whole),
        cmocka_unit_test(threads_do_not_change_a_byte),
        cmocka_unit_test(memory_is_bounded_by_the_window),
        cmocka_unit_test(progress_is_told_and_can_end_it),
        cmocka_unit_test(folders_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
