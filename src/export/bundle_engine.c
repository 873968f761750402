/* bundle_engine.c - see bundle_engine.h. */
#include "export/bundle_engine.h"

#include <stdlib.h>
#include <string.h>

#include "audio/log_mel.h"
#include "audio/resample_sinc.h"
#include "base/file.h"
#include "base/memory.h"
#include "export/bundle_parts.h"
#include "models/text_encoder.h"
#include "onnx/runtime.h"
#include "text/tokenizer.h"

enum { TEXT_ENCODER, ENCODER, DECODER, DCAE, VOCODER, MODELS = LOFI_BUNDLE_PARTS };

#define OUTPUT_RATE 48000
#define CHANNELS    2
#define MAX_INPUTS  5

/* What the player calls the inputs, in the order of lofi_bundle_parts; "" is any name. Outputs of parts whose inputs have any name
 * have any as well. */
static const char *const input_names[MODELS][MAX_INPUTS + 1] = {
    [TEXT_ENCODER] = {"", ""},
    [ENCODER] = {"encoder_text_hidden_states", "text_attention_mask", "speaker_embeds", "lyric_token_idx",
                 "lyric_mask"},
    [DECODER] = {"hidden_states", "attention_mask", "encoder_hidden_states", "encoder_hidden_mask", "timestep"},
    [DCAE] = {"latents"},
    [VOCODER] = {""},
};

static const char *file_of(int model) {
    return lofi_bundle_parts[model].file;
}

typedef struct condition {
    lofi_onnx_array states, mask;
} condition;

typedef struct bundle {
    lofi_engine engine;
    char folder[LOFI_PATH_MAX];
    lofi_onnx_runtime *runtime;
    lofi_onnx_session *models[MODELS];
    lofi_tokenizer *tokenizer;
    lofi_resampler *resampler;
    int64_t text_width, speaker_width, hop; /* hop: 44.1 kHz samples of a latent frame */
    lofi_onnx_array text;                   /* of the prompt that was encoded last */
    condition conditions[LOFI_CONDITION_COUNT];
    float *frame_mask;
    int64_t frames;
} bundle;

static bundle *of(lofi_engine *engine) {
    return (bundle *)engine;
}

/* ---- opening ---- */

static lofi_code check_names(const bundle *b, int model, bool outputs, lofi_error *err) {
    const char *const *wanted = outputs ? lofi_bundle_parts[model].outputs : input_names[model];
    bool any = !*input_names[model][0];
    for (size_t i = 0; wanted[i]; i++) {
        const char *name = outputs ? lofi_onnx_session_output(b->models[model], i)
                                   : lofi_onnx_session_input(b->models[model], i);
        if (name && (any || strcmp(name, wanted[i]) == 0)) continue;
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s/%s' is no model of a bundle: %s %zu is '%s', expected '%s'",
                         b->folder, file_of(model), outputs ? "output" : "input", i + 1, name ? name : "missing",
                         any ? "any" : wanted[i]);
    }
    return LOFI_OK;
}

/* Dimension `axis` of an input, which must be a number. */
static lofi_code fixed_dim(int64_t *out, bundle *b, int model, size_t input, int axis, lofi_error *err) {
    lofi_onnx_array shape;
    LOFI_TRY(lofi_onnx_session_describe(&shape, b->models[model], false, input, err));
    if (axis >= shape.rank || shape.dims[axis] < 1)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s/%s': axis %d of the input '%s' is no fixed number", b->folder,
                         file_of(model), axis, shape.name);
    *out = shape.dims[axis];
    return LOFI_OK;
}

static lofi_code open_models(bundle *b, int threads, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    for (int m = 0; m < MODELS; m++) {
        LOFI_TRY(lofi_path_format(path, err, "%s/%s", b->folder, file_of(m)));
        LOFI_TRY(lofi_onnx_session_open(&b->models[m], b->runtime, path, threads, err));
        LOFI_TRY(check_names(b, m, false, err));
        LOFI_TRY(check_names(b, m, true, err));
    }
    LOFI_TRY(lofi_path_format(path, err, "%s/tokenizer.json", b->folder));
    return lofi_tokenizer_open(&b->tokenizer, path, err);
}

static lofi_code open_all(bundle *b, const char *library, int threads, lofi_error *err) {
    int64_t bands;
    if (!lofi_path_is_folder(b->folder)) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no bundle: '%s' is no folder", b->folder);
        return lofi_hint(err, "make one with 'lofi export'");
    }
    LOFI_TRY(lofi_onnx_runtime_open(&b->runtime, library, err));
    LOFI_TRY(open_models(b, threads, err));
    LOFI_TRY(fixed_dim(&b->text_width, b, ENCODER, 0, 2, err));
    LOFI_TRY(fixed_dim(&b->speaker_width, b, ENCODER, 2, 1, err));
    LOFI_TRY(fixed_dim(&b->engine.channels, b, DECODER, 0, 1, err));
    LOFI_TRY(fixed_dim(&b->engine.height, b, DECODER, 0, 2, err));
    LOFI_TRY(fixed_dim(&bands, b, VOCODER, 0, 1, err));
    b->hop = bands / b->engine.height * 512; /* floor(seconds * 44100 / 512 / 8) frames: lofi_song_frames */
    return lofi_resampler_new(&b->resampler, LOFI_ENCODER_RATE, OUTPUT_RATE, err);
}

static void free_condition(condition *c) {
    lofi_free(c->states.data);
    lofi_free(c->mask.data);
    *c = (condition){0};
}

static void close_bundle(lofi_engine *engine) {
    bundle *b = of(engine);
    for (int m = 0; m < MODELS; m++) lofi_onnx_session_close(b->models[m]);
    for (int c = 0; c < LOFI_CONDITION_COUNT; c++) free_condition(&b->conditions[c]);
    lofi_onnx_runtime_close(b->runtime);
    lofi_tokenizer_free(b->tokenizer);
    lofi_resampler_free(b->resampler);
    lofi_free(b->text.data);
    lofi_free(b->frame_mask);
    free(b);
}

/* ---- the prompt ---- */

static lofi_code count_tokens(lofi_engine *engine, const char *prompt, int64_t *tokens, lofi_error *err) {
    return lofi_tokenizer_count(of(engine)->tokenizer, prompt, tokens, err);
}

static lofi_code run_text(bundle *b, int64_t *ids, int64_t *mask, int64_t count, lofi_error *err) {
    lofi_onnx_session *model = b->models[TEXT_ENCODER];
    for (int64_t i = 0; i < count; i++) mask[i] = 1;
    const lofi_onnx_array inputs[] = {{lofi_onnx_session_input(model, 0), LOFI_I64, 2, {1, count}, ids},
                                      {lofi_onnx_session_input(model, 1), LOFI_I64, 2, {1, count}, mask}};
    lofi_free(b->text.data);
    b->text = (lofi_onnx_array){.name = lofi_onnx_session_output(model, 0)};
    LOFI_TRY(lofi_onnx_session_run(model, inputs, 2, &b->text, 1, err));
    if (b->text.rank == 3 && b->text.dims[1] == count && b->text.dims[2] == b->text_width) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s/%s' gives no states [1, tokens, %lld], which the transformer takes",
                     b->folder, file_of(TEXT_ENCODER), (long long)b->text_width);
}

static lofi_code encode_prompt(lofi_engine *engine, const char *prompt, bool weakened, const float **states,
                               int64_t *tokens, lofi_error *err) {
    bundle *b = of(engine);
    int64_t *ids, *mask = NULL;
    size_t count;
    if (weakened) return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "a bundle holds no weakened text encoder");
    LOFI_TRY(lofi_tokenizer_encode(b->tokenizer, prompt, LOFI_TEXT_MAX_TOKENS, &ids, &count, err));
    lofi_code code = count ? lofi_alloc((void **)&mask, count, sizeof *mask, "a mask", err)
                           : lofi_fail(err, LOFI_ERR_FORMAT, "the tokenizer makes no token of the prompt '%s'", prompt);
    if (code == LOFI_OK) code = run_text(b, ids, mask, (int64_t)count, err);
    free(ids);
    lofi_free(mask);
    *states = b->text.data;
    *tokens = (int64_t)count;
    return code;
}

/* ---- conditions ---- */

/* Numbers, or `otherwise` in all places where there are none. */
static lofi_code numbers(void **out, const float *from, int64_t count, float otherwise, lofi_error *err) {
    LOFI_TRY(lofi_alloc(out, (size_t)count, sizeof(float), "a condition", err));
    for (int64_t i = 0; i < count; i++) ((float *)*out)[i] = from ? from[i] : otherwise;
    return LOFI_OK;
}

static lofi_code integers(void **out, const float *mask, const int64_t *ids, int64_t count, int64_t otherwise,
                          lofi_error *err) {
    LOFI_TRY(lofi_alloc(out, (size_t)count, sizeof(int64_t), "a condition", err));
    for (int64_t i = 0; i < count; i++) ((int64_t *)*out)[i] = mask ? mask[i] != 0 : ids ? ids[i] : otherwise;
    return LOFI_OK;
}

static lofi_code fill_condition(lofi_onnx_array *to, const bundle *b, const lofi_condition_inputs *in,
                                lofi_error *err) {
    const int64_t text = in->text, lyric = in->lyric;
    to[0] = (lofi_onnx_array){input_names[ENCODER][0], LOFI_F32, 3, {1, text, b->text_width}, NULL};
    to[1] = (lofi_onnx_array){input_names[ENCODER][1], LOFI_I64, 2, {1, text}, NULL};
    to[2] = (lofi_onnx_array){input_names[ENCODER][2], LOFI_F32, 2, {1, b->speaker_width}, NULL};
    to[3] = (lofi_onnx_array){input_names[ENCODER][3], LOFI_I64, 2, {1, lyric}, NULL};
    to[4] = (lofi_onnx_array){input_names[ENCODER][4], LOFI_I64, 2, {1, lyric}, NULL};
    LOFI_TRY(numbers(&to[0].data, in->text_states, text * b->text_width, 0, err));
    LOFI_TRY(integers(&to[1].data, in->text_mask, NULL, text, 1, err));
    LOFI_TRY(numbers(&to[2].data, in->speaker, b->speaker_width, 0, err));
    LOFI_TRY(integers(&to[3].data, NULL, in->lyric_token_ids, lyric, 0, err));
    return integers(&to[4].data, in->lyric_mask, NULL, lyric, 1, err);
}

static lofi_code set_condition(lofi_engine *engine, lofi_condition which, const lofi_condition_inputs *in,
                               lofi_error *err) {
    bundle *b = of(engine);
    lofi_onnx_array inputs[MAX_INPUTS] = {{0}}, outputs[2] = {{.name = lofi_bundle_parts[ENCODER].outputs[0]},
                                                              {.name = lofi_bundle_parts[ENCODER].outputs[1]}};
    if (in->weak_lyrics || in->weak_blocks)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "a bundle holds no weakened networks");
    lofi_code code = fill_condition(inputs, b, in, err);
    if (code == LOFI_OK) code = lofi_onnx_session_run(b->models[ENCODER], inputs, MAX_INPUTS, outputs, 2, err);
    for (int i = 0; i < MAX_INPUTS; i++) lofi_free(inputs[i].data);
    free_condition(&b->conditions[which]);
    b->conditions[which] = (condition){outputs[0], outputs[1]};
    return code;
}

/* ---- steps ---- */

static lofi_code start(lofi_engine *engine, int64_t frames, lofi_error *err) {
    bundle *b = of(engine);
    lofi_free(b->frame_mask);
    b->frame_mask = NULL;
    b->frames = frames;
    return numbers((void **)&b->frame_mask, NULL, frames, 1, err);
}

static lofi_code predict(lofi_engine *engine, lofi_condition which, const float *latents, float timestep, float *output,
                         lofi_error *err) {
    bundle *b = of(engine);
    const condition *c = &b->conditions[which];
    lofi_onnx_array inputs[MAX_INPUTS] = {
        {"", LOFI_F32, 4, {1, engine->channels, engine->height, b->frames}, (void *)(uintptr_t)latents},
        {"", LOFI_F32, 2, {1, b->frames}, b->frame_mask},
        c->states,
        c->mask,
        {"", LOFI_F32, 1, {1}, &timestep}};
    lofi_onnx_array sample = {.name = lofi_bundle_parts[DECODER].outputs[0]};
    for (int i = 0; i < MAX_INPUTS; i++) inputs[i].name = input_names[DECODER][i];
    LOFI_TRY(lofi_onnx_session_run(b->models[DECODER], inputs, MAX_INPUTS, &sample, 1, err));
    memcpy(output, sample.data, (size_t)(engine->channels * engine->height * b->frames) * sizeof(float));
    lofi_free(sample.data);
    return LOFI_OK;
}

static lofi_code measure(lofi_engine *engine, size_t *bytes, int64_t frames, int64_t text, int64_t lyric,
                         lofi_error *err) {
    (void)engine, (void)frames, (void)text, (void)lyric, (void)err;
    *bytes = 0;
    return LOFI_OK;
}

/* ---- sound ---- */

static int64_t decoded_length(const lofi_engine *engine, int64_t frames) {
    const bundle *b = (const bundle *)engine;
    return lofi_resampler_length(b->resampler, frames * b->hop);
}

/* Latents [channels, height, first .. first + count) as a picture; its columns go to their places in mel [2, bands, columns]. */
static lofi_code decode_window(bundle *b, const float *latents, int64_t frames, int64_t first, int64_t count,
                               lofi_onnx_array *mel, lofi_error *err) {
    int64_t rows = b->engine.channels * b->engine.height;
    float *window = NULL;
    LOFI_TRY(lofi_alloc((void **)&window, (size_t)(rows * count), sizeof *window, "latents", err));
    for (int64_t row = 0; row < rows; row++)
        memcpy(window + row * count, latents + row * frames + first, (size_t)count * sizeof *window);
    lofi_onnx_array in = {input_names[DCAE][0], LOFI_F32, 4, {1, b->engine.channels, b->engine.height, count}, window};
    lofi_onnx_array out = {.name = lofi_bundle_parts[DCAE].outputs[0]};
    lofi_code code = lofi_onnx_session_run(b->models[DCAE], &in, 1, &out, 1, err);
    lofi_free(window);
    if (code == LOFI_OK && (out.rank != 4 || out.dims[1] != CHANNELS || out.dims[3] % count != 0))
        code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s/%s' gives no pictures of stereo sound", b->folder, file_of(DCAE));
    if (code == LOFI_OK && !mel->data) {
        mel->dims[0] = CHANNELS, mel->dims[1] = out.dims[2], mel->dims[2] = out.dims[3] / count * frames;
        code = lofi_alloc(&mel->data, (size_t)(mel->dims[0] * mel->dims[1] * mel->dims[2]), sizeof(float), "pictures",
                          err);
    }
    int64_t columns = code == LOFI_OK ? out.dims[3] : 0;
    for (int64_t row = 0; code == LOFI_OK && row < CHANNELS * mel->dims[1]; row++)
        memcpy((float *)mel->data + row * mel->dims[2] + first * (columns / count), (float *)out.data + row * columns,
               (size_t)columns * sizeof(float));
    lofi_free(out.data);
    return code;
}

static lofi_code sing(bundle *b, const lofi_onnx_array *mel, int channel, float *samples, int64_t length,
                      lofi_error *err) {
    lofi_onnx_session *model = b->models[VOCODER];
    int64_t bands = mel->dims[1], columns = mel->dims[2], count = 1;
    lofi_onnx_array in = {lofi_onnx_session_input(model, 0), LOFI_F32, 3, {1, bands, columns}, NULL};
    lofi_onnx_array out = {.name = lofi_onnx_session_output(model, 0)};
    in.data = (float *)mel->data + channel * bands * columns;
    LOFI_TRY(lofi_onnx_session_run(model, &in, 1, &out, 1, err));
    for (int i = 0; i < out.rank; i++) count *= out.dims[i];
    lofi_code code = LOFI_OK;
    if (lofi_resampler_length(b->resampler, count) == length)
        lofi_resampler_run(b->resampler, out.data, count, samples);
    else
        code = lofi_fail(err, LOFI_ERR_FORMAT, "'%s/%s' gives %lld samples of %lld columns", b->folder,
                         file_of(VOCODER), (long long)count, (long long)columns);
    lofi_free(out.data);
    return code;
}

static lofi_code decode(lofi_engine *engine, const float *latents, int64_t frames,
                        bool (*progress)(void *user, double share), void *user, lofi_audio *out, lofi_error *err) {
    bundle *b = of(engine);
    lofi_onnx_array mel = {0};
    int64_t length = decoded_length(engine, frames);
    float *samples = NULL;
    lofi_code code = lofi_alloc((void **)&samples, (size_t)(CHANNELS * length), sizeof *samples, "decoded music", err);
    for (int64_t first = 0; first < frames && code == LOFI_OK; first += LOFI_PLAYER_FRAMES) {
        int64_t count = frames - first < LOFI_PLAYER_FRAMES ? frames - first : LOFI_PLAYER_FRAMES;
        code = decode_window(b, latents, frames, first, count, &mel, err);
        if (code == LOFI_OK && progress && !progress(user, 0.4 * (double)(first + count) / (double)frames))
            code = lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped while decoding");
    }
    for (int channel = 0; channel < CHANNELS && code == LOFI_OK; channel++) {
        code = sing(b, &mel, channel, samples + channel * length, length, err);
        if (code == LOFI_OK && progress && !progress(user, 0.7 + 0.3 * channel))
            code = lofi_fail(err, LOFI_ERR_INTERRUPTED, "stopped while decoding");
    }
    lofi_free(mel.data);
    if (code == LOFI_OK)
        *out = (lofi_audio){samples, length, CHANNELS, OUTPUT_RATE};
    else
        lofi_free(samples);
    return code;
}

static const lofi_engine_functions functions = {close_bundle, count_tokens, encode_prompt,  set_condition, start,
                                                predict,      measure,      decoded_length, decode};

lofi_code lofi_bundle_engine_open(lofi_engine **out, const char *folder, const char *library, int threads,
                                  lofi_error *err) {
    bundle *b = calloc(1, sizeof *b);
    if (!b) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a bundle");
    b->engine = (lofi_engine){.functions = &functions,
                              .without_lyrics = true,
                              .folder = b->folder,
                              .erg_gap = "a bundle holds no weakened networks"};
    lofi_code code = lofi_path_format(b->folder, err, "%s", folder);
    if (code == LOFI_OK) code = open_all(b, library, threads, err);
    if (code == LOFI_OK)
        *out = &b->engine;
    else
        close_bundle(&b->engine);
    return code;
}
