/* test_audio_features.c - resampling and log-mel against what torch and the original compute (tests/data/audio, made by
 * tools/make_audio_reference.py; original.*: the first 0.2 s of the original's own recording). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audio/log_mel.h"
#include "base/file.h"
#include "base/memory.h"

#define DATA LOFI_SOURCE_FOLDER "/tests/data/audio"

static lofi_error err;
#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        if ((expression) != LOFI_OK) fail_msg("%s", err.message);                                                      \
    } while (0)

static float *read_floats(const char *name, const char *part, size_t expected) {
    char path[LOFI_PATH_MAX];
    lofi_buffer buffer = LOFI_BUFFER_INIT;
    assert_ok(lofi_path_format(path, &err, DATA "/%s.%s.f32", name, part));
    assert_ok(lofi_file_read(&buffer, path, (size_t)1 << 24, &err));
    assert_int_equal(buffer.size, expected * sizeof(float));
    return (float *)(void *)buffer.data;
}

static double relative_error(const float *ours, const float *theirs, size_t count) {
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < count; i++) {
        difference += pow((double)ours[i] - (double)theirs[i], 2);
        size += pow((double)theirs[i], 2);
    }
    return sqrt(difference / size);
}

static void check_resample(const char *name, int channels, int64_t length, int from, int to, int64_t out_length) {
    float *x = read_floats(name, "in", (size_t)(channels * length));
    float *expected = read_floats(name, "out", (size_t)(channels * out_length));
    float *y = malloc((size_t)(channels * out_length) * sizeof *y);
    lofi_resampler *resampler;
    assert_ok(lofi_resampler_new(&resampler, from, to, &err));
    assert_int_equal(lofi_resampler_length(resampler, length), out_length);
    for (int c = 0; c < channels; c++) lofi_resampler_run(resampler, x + c * length, length, y + c * out_length);
    double error = relative_error(y, expected, (size_t)(channels * out_length));
    if (!(error <= 5e-7)) fail_msg("%s: relative error %g", name, error);
    lofi_resampler_free(resampler);
    free(x);
    free(expected);
    free(y);
}

static void check_log_mel(const char *name, int64_t length, const lofi_mel_settings *settings, int64_t frames) {
    size_t values = (size_t)(settings->n_mels * frames);
    float *x = read_floats(name, "in", (size_t)length), *expected = read_floats(name, "out", values);
    float *y = malloc(values * sizeof *y);
    lofi_mel *mel;
    assert_ok(lofi_mel_new(&mel, settings, &err));
    assert_int_equal(lofi_mel_frames(mel, length), frames);
    assert_ok(lofi_mel_run(mel, x, length, y, &err));
    double error = relative_error(y, expected, values);
    if (!(error <= 2e-6)) fail_msg("%s: relative error %g", name, error);
    lofi_mel_free(mel);
    free(x);
    free(expected);
    free(y);
}

static void test_recorded_cases(void **state) {
    (void)state;
    lofi_buffer index = LOFI_BUFFER_INIT;
    assert_ok(lofi_file_read(&index, DATA "/index.txt", 65536, &err));
    int resampled = 0, mels = 0;
    char *rest = NULL;
    for (char *line = strtok_r(index.data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char name[64];
        long long length, out;
        int channels, from, to;
        lofi_mel_settings s;
        if (sscanf(line, "resample %63s %d %lld %d %d %lld", name, &channels, &length, &from, &to, &out) == 6) {
            check_resample(name, channels, length, from, to, out);
            resampled++;
        } else if (sscanf(line, "log_mel %63s %lld %d %d %d %d %d %lf %lf %lld", name, &length, &s.sample_rate,
                          &s.n_fft, &s.window, &s.hop, &s.n_mels, &s.f_min, &s.f_max, &out) == 10) {
            check_log_mel(name, length, &s, out);
            mels++;
        } else {
            fail_msg("unknown line '%s'", line);
        }
    }
    lofi_buffer_free(&index);
    assert_int_equal(resampled, 8);
    assert_int_equal(mels, 3);
}

static void test_original_recording(void **state) {
    (void)state;
    enum { SAMPLES = 9600, RECORDED = 14, MELS = 128 };
    lofi_mel_settings settings = LOFI_MEL_SETTINGS_INIT;
    lofi_encoder_input_options options = LOFI_ENCODER_INPUT_OPTIONS_INIT;
    float *x = read_floats("original", "in", 2 * SAMPLES),
          *expected = read_floats("original", "out", 2 * MELS * RECORDED);
    lofi_mel *mel;
    lofi_encoder_input input;
    assert_ok(lofi_mel_new(&mel, &settings, &err));
    options.unscaled = true;
    assert_ok(lofi_encoder_input_make(&input, mel, x, SAMPLES, &options, &err));
    assert_int_equal(input.channels, 2);
    assert_int_equal(input.n_mels, MELS);
    assert_int_equal(input.frames, 24); /* 8,820 samples padded to 12,288 */
    float *ours = malloc(2 * MELS * RECORDED * sizeof *ours);
    for (int row = 0; row < 2 * MELS; row++)
        memcpy(ours + row * RECORDED, input.values + row * input.frames, RECORDED * sizeof *ours);
    double error = relative_error(ours, expected, 2 * MELS * RECORDED);
    if (!(error <= 1e-6)) fail_msg("relative error %g", error);
    lofi_encoder_input_free(&input);

    options.unscaled = false;
    assert_ok(lofi_encoder_input_make(&input, mel, x, SAMPLES, &options, &err));
    for (int row = 0; row < 2 * MELS; row++)
        for (int i = 0; i < RECORDED; i++) {
            double wanted = ((double)expected[row * RECORDED + i] + 11.0) / 14.0 * 2.0 - 1.0;
            assert_float_equal(input.values[row * input.frames + i], wanted, 1e-5);
        }
    lofi_encoder_input_free(&input);
    lofi_mel_free(mel);
    free(x);
    free(expected);
    free(ours);
}

static void test_padding_only_when_needed(void **state) {
    (void)state;
    lofi_mel_settings settings = LOFI_MEL_SETTINGS_INIT;
    lofi_encoder_input_options options = LOFI_ENCODER_INPUT_OPTIONS_INIT;
    options.sample_rate = 44100;
    lofi_mel *mel;
    assert_ok(lofi_mel_new(&mel, &settings, &err));
    float *x = calloc(2 * 8193, sizeof *x);
    lofi_encoder_input input;
    assert_ok(lofi_encoder_input_make(&input, mel, x, 8192, &options, &err));
    assert_int_equal(input.frames, 16);
    lofi_encoder_input_free(&input);
    assert_ok(lofi_encoder_input_make(&input, mel, x, 8193, &options, &err));
    assert_int_equal(input.frames, 24);
    /* silence: sqrt(1e-6) in every bin, under the floor of 1e-5 in no band */
    for (int64_t i = 0; i < 2 * 128 * 24; i++) assert_true(isfinite(input.values[i]));
    lofi_encoder_input_free(&input);
    assert_int_equal(lofi_encoder_input_make(&input, mel, x, 0, &options, &err), LOFI_ERR_USAGE);
    lofi_mel_free(mel);
    free(x);
}

static void test_clip_option(void **state) {
    (void)state;
    lofi_mel_settings settings = LOFI_MEL_SETTINGS_INIT;
    lofi_encoder_input_options options = LOFI_ENCODER_INPUT_OPTIONS_INIT;
    enum { N = 4800 };
    float *loud = malloc(2 * N * sizeof *loud), *limited = malloc(2 * N * sizeof *limited);
    for (int i = 0; i < 2 * N; i++) {
        loud[i] = 1.5f * sinf(0.05f * (float)i);
        limited[i] = loud[i] > 1.0f ? 1.0f : loud[i] < -1.0f ? -1.0f : loud[i];
    }
    lofi_mel *mel;
    lofi_encoder_input a, b, c;
    assert_ok(lofi_mel_new(&mel, &settings, &err));
    assert_ok(lofi_encoder_input_make(&a, mel, limited, N, &options, &err));
    assert_ok(lofi_encoder_input_make(&c, mel, loud, N, &options, &err));
    options.clip = true;
    assert_ok(lofi_encoder_input_make(&b, mel, loud, N, &options, &err));
    size_t bytes = (size_t)(2 * 128 * a.frames) * sizeof(float);
    assert_memory_equal(a.values, b.values, bytes);
    assert_true(memcmp(a.values, c.values, bytes) != 0);
    lofi_encoder_input_free(&a);
    lofi_encoder_input_free(&b);
    lofi_encoder_input_free(&c);
    lofi_mel_free(mel);
    free(loud);
    free(limited);
}

static void test_refusals(void **state) {
    (void)state;
    lofi_resampler *resampler;
    lofi_mel *mel;
    assert_int_equal(lofi_resampler_new(&resampler, 0, 48000, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_resampler_new(&resampler, 48000, -1, &err), LOFI_ERR_USAGE);
    lofi_mel_settings s = LOFI_MEL_SETTINGS_INIT;
    s.n_fft = 2000;
    assert_int_equal(lofi_mel_new(&mel, &s, &err), LOFI_ERR_UNSUPPORTED);
    s.n_fft = 1024;
    assert_int_equal(lofi_mel_new(&mel, &s, &err), LOFI_ERR_UNSUPPORTED);
    s = (lofi_mel_settings)LOFI_MEL_SETTINGS_INIT;
    s.f_min = 20000.0;
    assert_int_equal(lofi_mel_new(&mel, &s, &err), LOFI_ERR_UNSUPPORTED);
    s = (lofi_mel_settings)LOFI_MEL_SETTINGS_INIT;
    assert_ok(lofi_mel_new(&mel, &s, &err));
    float x[512] = {0}, y[128];
    assert_int_equal(lofi_mel_frames(mel, 512), 0);
    assert_int_equal(lofi_mel_run(mel, x, 512, y, &err), LOFI_ERR_USAGE);
    lofi_mel_free(mel);
}

/* An unusual pair must neither take gigabytes nor lose a tone. */
static void test_coprime_rates(void **state) {
    (void)state;
    lofi_resampler *resampler;
    assert_ok(lofi_resampler_new(&resampler, 44100, 48001, &err));
    enum { N = 44100 };
    float *x = malloc(N * sizeof *x);
    for (int i = 0; i < N; i++) x[i] = (float)sin(2.0 * M_PI * 440.0 * i / 44100.0);
    int64_t length = lofi_resampler_length(resampler, N);
    assert_int_equal(length, 48001);
    float *y = malloc((size_t)length * sizeof *y);
    lofi_resampler_run(resampler, x, N, y);
    for (int64_t i = 1000; i < length - 1000; i++)
        assert_float_equal(y[i], sin(2.0 * M_PI * 440.0 * (double)i / 48001.0), 0.01);
    lofi_resampler_free(resampler);
    free(x);
    free(y);
}

static void test_latent_length(void **state) {
    (void)state;
    assert_int_equal(lofi_latent_length(57600, 48000), 12);
    assert_int_equal(lofi_latent_length(240 * 48000, 48000), 2583);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded_cases),
                                       cmocka_unit_test(test_original_recording),
                                       cmocka_unit_test(test_padding_only_when_needed),
                                       cmocka_unit_test(test_clip_option),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_coprime_rates),
                                       cmocka_unit_test(test_latent_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
