/* test_audio_rules.c - which songs are accepted: a table of generated files, each rule from both sides of its edge. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/process.h"
#include "base/memory.h"
#include "scratch_folder.h"

enum { RATE = 48000, SECOND = RATE };

static lofi_error err;

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        if ((expression) != LOFI_OK) fail_msg("%s", err.message);                                                      \
    } while (0)

typedef struct song {
    const char *name;
    int64_t frames;  /* a stereo tone at half of full scale */
    int64_t clipped; /* samples that are set to clipped_at, one here and there */
    float clipped_at;
    int64_t silent_frames; /* at the beginning, at silent_at */
    float silent_at;
    const char *reason; /* "" accepted */
    bool trimmed;
} song;

/* With 2 to 4 s allowed. */
static const song songs[] = {
    {"a sample too short", 2 * SECOND - 1, 0, 0, 0, 0, "too_short", false},
    {"just long enough", 2 * SECOND, 0, 0, 0, 0, "", false},
    {"as long as can be", 4 * SECOND, 0, 0, 0, 0, "", false},
    {"longer by 20 ms", 4 * SECOND + 960, 0, 0, 0, 0, "", true},
    {"0.1 % clipped", 2 * SECOND, 192, 1.0f, 0, 0, "", false},
    {"a sample more than 0.1 % clipped", 2 * SECOND, 193, 1.0f, 0, 0, "excessive_clipping", false},
    {"clipped below", 2 * SECOND, 193, -1.0f, 0, 0, "excessive_clipping", false},
    {"0.99 is clipped", 2 * SECOND, 193, 0.99f, 0, 0, "excessive_clipping", false},
    {"0.9899 is not clipped", 2 * SECOND, 193, 0.9899f, 0, 0, "", false},
    {"beyond full scale is clipped", 2 * SECOND, 193, 1.7f, 0, 0, "excessive_clipping", false},
    {"half of it silence", 4 * SECOND, 0, 0, 2 * SECOND, 0.0f, "", false},
    {"a frame more than half silence", 4 * SECOND, 0, 0, 2 * SECOND + 1, 0.0f, "excessive_silence", false},
    {"0.0099 is silence", 4 * SECOND, 0, 0, 2 * SECOND + 1, 0.0099f, "excessive_silence", false},
    {"0.01 is not silence", 4 * SECOND, 0, 0, 2 * SECOND + 1, 0.01f, "", false},
    {"nothing but silence", 3 * SECOND, 0, 0, 3 * SECOND, 0.0f, "excessive_silence", false},
    {"short and clipped: too short", SECOND, 1000, 1.0f, 0, 0, "too_short", false},
    {"clipped and silent: clipped", 4 * SECOND, 1000, 1.0f, 3 * SECOND, 0.0f, "excessive_clipping", false},
    {"clipped where it is cut off: accepted", 6 * SECOND, -4000, 1.0f, 0, 0, "", true},
};

/* The tone crosses zero between samples: where it is on, no frame is below 0.01 for long. */
static void write_song(const song *s, const char *path) {
    const lofi_encode_options wav = {LOFI_AUDIO_WAV, 32, 0, 0, NULL, NULL};
    lofi_audio audio = {NULL, s->frames, 2, RATE};
    assert_ok(lofi_alloc((void **)&audio.samples, (size_t)s->frames * 2, sizeof(float), "a song", &err));
    for (int channel = 0; channel < 2; channel++)
        for (int64_t i = 0; i < s->frames; i++)
            audio.samples[channel * s->frames + i] = i < s->silent_frames
                                                         ? s->silent_at
                                                         : (float)(0.5 * sin(0.05 * (double)i + 0.7 * channel + 0.3));
    for (int64_t i = 0; i < s->clipped; i++)
        audio.samples[i % 2 * s->frames + s->frames - 1 - 20 * (i / 2)] = s->clipped_at;
    for (int64_t i = 0; i < -s->clipped; i++) audio.samples[s->frames - 1 - i] = s->clipped_at;
    assert_ok(lofi_audio_encode(path, &audio, &wav, &err));
    lofi_audio_free(&audio);
}

static void check(const song *s, const lofi_process_result *result) {
    if (strcmp(result->reason, s->reason) != 0)
        fail_msg("%s: '%s', not '%s' (clipped %g, silent %g)", s->name, result->reason, s->reason,
                 result->measures.clipped_share, result->measures.silence_share);
    bool skipped = strcmp(s->reason, "too_short") == 0, accepted = s->reason[0] == '\0';
    assert_int_equal(result->status, accepted  ? LOFI_PROCESS_SUCCESS
                                     : skipped ? LOFI_PROCESS_SKIPPED
                                               : LOFI_PROCESS_FAILED);
    assert_int_equal(result->trimmed, s->trimmed);
    assert_true(accepted ? result->output != NULL : result->message != NULL);
    assert_true(skipped || result->measured);
}

static void test_rules(void **state) {
    (void)state;
    const char *source = "song.wav", *output = "song.flac";
    lofi_process_options options = LOFI_PROCESS_OPTIONS_INIT;
    options.min_seconds = 2.0;
    options.max_seconds = 4.0;
    options.encoding = (lofi_encode_options){LOFI_AUDIO_FLAC, 24, 0, 0, NULL, NULL};
    for (size_t i = 0; i < sizeof songs / sizeof songs[0]; i++) {
        lofi_process_result result, examined;
        write_song(&songs[i], source);
        assert_ok(lofi_process_file(&result, source, "", output, &options, NULL, NULL, &err));
        check(&songs[i], &result);
        assert_int_equal(lofi_path_exists(output), songs[i].reason[0] == '\0');
        assert_ok(lofi_process_examine(&examined, source, &options, &err)); /* says the same and measures all */
        assert_string_equal(examined.reason, result.reason);
        assert_true(examined.measured);
        if (result.measured && result.status == LOFI_PROCESS_SUCCESS) assert_int_equal(examined.score, result.score);
        lofi_process_result_free(&examined);
        lofi_process_result_free(&result);
        assert_ok(lofi_path_remove(output, &err));
    }
}

/* The gain makes the peak, of a tone and of one that is far too quiet, and leaves silence alone. */
static void test_peak(void **state) {
    (void)state;
    static const float levels[] = {0.9f, 0.25f, 0.011f, 0.0001f};
    const lofi_encode_options wav = {LOFI_AUDIO_WAV, 32, 0, 0, NULL, NULL};
    const char *source = "song.wav", *output = "out.wav";
    lofi_process_options options = LOFI_PROCESS_OPTIONS_INIT;
    options.min_seconds = 0.5;
    options.encoding = wav;
    for (int i = 0; i < 4; i++) {
        lofi_audio audio = {NULL, SECOND, 2, RATE};
        lofi_process_result result;
        assert_ok(lofi_alloc((void **)&audio.samples, 2 * SECOND, sizeof(float), "a song", &err));
        for (int64_t frame = 0; frame < 2 * SECOND; frame++)
            audio.samples[frame] = levels[i] * (float)sin(0.3 * (double)frame);
        assert_ok(lofi_audio_encode(source, &audio, &wav, &err));
        assert_ok(lofi_process_file(&result, source, "", output, &options, NULL, NULL, &err));
        if (i < 3) {
            lofi_audio track;
            lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
            assert_int_equal(result.status, LOFI_PROCESS_SUCCESS);
            assert_ok(lofi_audio_decode(&track, NULL, output, &decode, &err));
            assert_float_equal(20.0 * log10((double)lofi_audio_peak(&track)), -1.0, 1e-4);
            lofi_audio_free(&track);
        } else {
            assert_string_equal(result.reason, "excessive_silence");
        }
        lofi_process_result_free(&result);
        lofi_audio_free(&audio);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {in_folder(test_rules), in_folder(test_peak)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
