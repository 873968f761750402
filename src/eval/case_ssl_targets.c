/* case_ssl_targets.c - 48 kHz sound to the targets of the self-supervised alignment, as the trainer makes them. */
#include "eval/selftest_case.h"
#include "models/ssl_encoder.h"

#define LIMIT                                                                                                          \
    5e-5 /* of sound: 1,500 states attend to one another, where the recordings themselves are 1.7e-5 from float64 */

static const char *const folders[LOFI_SSL_KINDS] = {"evaluation/mert-v1-330m", "evaluation/mhubert-147"};
static const char *const names[LOFI_SSL_KINDS] = {"mert", "hubert"};

static lofi_code compare(lofi_selftest *test, int kind, const lofi_stored_tensor *audio, int64_t valid,
                         lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    lofi_ssl_encoder *encoder;
    const float *samples;
    float *states = NULL;
    int64_t frames = 0;
    LOFI_TRY(lofi_recorded_f32(&samples, test, audio, 0, audio->count, err));
    LOFI_TRY(lofi_selftest_path(folder, test, folders[kind], err));
    LOFI_TRY(lofi_ssl_encoder_open(&encoder, &lofi_ssl_kinds[kind], folder, test->options->threads, err));
    lofi_code code = lofi_ssl_encoder_run(encoder, samples, audio->dims[2], valid, &states, &frames, err);
    int64_t dims[] = {frames, lofi_ssl_encoder_width(encoder)};
    if (code == LOFI_OK) code = lofi_selftest_compare(test, names[kind], states, 2, dims, LIMIT, err);
    lofi_free(states);
    lofi_ssl_encoder_close(encoder);
    return code;
}

static lofi_code run_case(lofi_selftest *test, lofi_error *err) {
    const lofi_stored_tensor *audio, *valid;
    const int64_t *count;
    LOFI_TRY(lofi_selftest_input(&audio, test, "audio_48k", 3, err));
    LOFI_TRY(lofi_selftest_input(&valid, test, "valid_samples", 1, err));
    LOFI_TRY(lofi_recorded_ids(&count, test, valid, err));
    if (audio->dims[0] != 1 || audio->dims[1] != 2)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'audio_48k' is not one stereo song");
    for (int kind = 0; kind < LOFI_SSL_KINDS; kind++) LOFI_TRY(compare(test, kind, audio, count[0], err));
    return LOFI_OK;
}

const lofi_selftest_case lofi_case_ssl_targets = {.name = "ssl_targets", .run = run_case};
