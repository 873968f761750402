/* engine_native.c - the networks of a song computed by this program; see engine.h. */
#include <stdlib.h>

#include "base/memory.h"
#include "diffusion/engine.h"
#include "models/audio_decoder.h"
#include "models/text_encoder.h"
#include "store/checkpoint_folder.h"

typedef struct native {
    lofi_engine engine;
    lofi_log *log;
    lofi_checkpoint_folder folder;
    lofi_loaded *transformer;
    lofi_adapter *adapter; /* all that are used, as one; NULL: none */
    lofi_attachment attachment;
    lofi_adapter_hook hook;
    lofi_text_encoder *text;
    lofi_denoiser *denoiser;
    lofi_audio_decoder *decoder;
} native;

/* ---- opening ---- */

static lofi_code open_adapters(native *g, const lofi_generator_settings *s, lofi_error *err) {
    if (s->adapter_count == 0) return LOFI_OK;
    LOFI_TRY(lofi_adapter_load_all(&g->adapter, s->adapters, s->adapter_count, lofi_loaded_table(g->transformer),
                                   g->log, err));
    g->attachment = (lofi_attachment){.adapter = g->adapter, .strength = 1};
    g->hook = lofi_attachment_hook(&g->attachment);
    return LOFI_OK;
}

static lofi_code check_parts(const native *g, lofi_error *err) {
    const lofi_ace_step_config *config = lofi_denoiser_config(g->denoiser);
    if (lofi_text_encoder_width(g->text) != config->text_width)
        return lofi_fail(err, LOFI_ERR_FORMAT,
                         "the text encoder in '%s' gives states of %lld numbers, the transformer takes %lld",
                         g->folder.component[LOFI_COMPONENT_TEXT_ENCODER], (long long)lofi_text_encoder_width(g->text),
                         (long long)config->text_width);
    int64_t channels = lofi_audio_decoder_channels(g->decoder), height = lofi_audio_decoder_height(g->decoder);
    if (channels == config->out_channels && height == config->height) return LOFI_OK;
    return lofi_fail(
        err, LOFI_ERR_FORMAT,
        "the decoder in '%s' takes latents [%lld, %lld, frames], the transformer gives [%lld, %lld, frames]",
        g->folder.component[LOFI_COMPONENT_DCAE], (long long)channels, (long long)height,
        (long long)config->out_channels, (long long)config->height);
}

static unsigned possible_erg(const native *g) {
    unsigned parts = 0;
    if (lofi_text_encoder_can_weaken(g->text)) parts |= LOFI_ERG_TEXT;
    if (lofi_denoiser_can_weaken_lyrics(g->denoiser)) parts |= LOFI_ERG_LYRIC;
    if (lofi_denoiser_can_weaken_blocks(g->denoiser)) parts |= LOFI_ERG_DIFFUSION;
    return parts;
}

static lofi_code open_all(native *g, const lofi_generator_settings *s, lofi_error *err) {
    LOFI_TRY(lofi_checkpoint_folder_resolve(&g->folder, s->checkpoint_dir, err));
    char(*component)[LOFI_PATH_MAX] = g->folder.component;
    LOFI_TRY(lofi_loaded_open(&g->transformer, &lofi_model_ace_step_transformer, component[LOFI_COMPONENT_TRANSFORMER],
                              err));
    LOFI_TRY(lofi_text_encoder_open(&g->text, component[LOFI_COMPONENT_TEXT_ENCODER], s->threads, err));
    LOFI_TRY(lofi_audio_decoder_open(&g->decoder, component[LOFI_COMPONENT_DCAE], component[LOFI_COMPONENT_VOCODER],
                                     s->threads, err));
    LOFI_TRY(open_adapters(g, s, err));
    LOFI_TRY(lofi_denoiser_open(&g->denoiser, g->transformer, g->adapter ? &g->hook : NULL, s->threads, err));
    LOFI_TRY(check_parts(g, err));
    const lofi_ace_step_config *config = lofi_denoiser_config(g->denoiser);
    g->engine.channels = config->in_channels;
    g->engine.height = config->height;
    g->engine.lyric_vocabulary = config->lyric_vocabulary;
    g->engine.erg = possible_erg(g);
    g->engine.folder = g->folder.root;
    return LOFI_OK;
}

/* ---- the functions ---- */

static native *of(lofi_engine *engine) {
    return (native *)engine;
}

static void close_native(lofi_engine *engine) {
    native *g = of(engine);
    lofi_denoiser_close(g->denoiser);
    lofi_audio_decoder_close(g->decoder);
    lofi_text_encoder_close(g->text);
    lofi_adapter_free(g->adapter);
    lofi_loaded_close(g->transformer);
    free(g);
}

static lofi_code count_tokens(lofi_engine *engine, const char *prompt, int64_t *tokens, lofi_error *err) {
    return lofi_text_encoder_count(of(engine)->text, prompt, tokens, err);
}

static lofi_code encode_prompt(lofi_engine *engine, const char *prompt, bool weakened, const float **states,
                               int64_t *tokens, lofi_error *err) {
    lofi_text_encoder *text = of(engine)->text;
    return weakened ? lofi_text_encoder_run_weakened(text, prompt, states, tokens, err)
                    : lofi_text_encoder_run(text, prompt, states, tokens, err);
}

static lofi_code set_condition(lofi_engine *engine, lofi_condition condition, const lofi_condition_inputs *inputs,
                               lofi_error *err) {
    return lofi_denoiser_set_condition(of(engine)->denoiser, condition, inputs, err);
}

static lofi_code start(lofi_engine *engine, int64_t frames, lofi_error *err) {
    return lofi_denoiser_start(of(engine)->denoiser, frames, err);
}

static lofi_code predict(lofi_engine *engine, lofi_condition condition, const float *latents, float timestep,
                         float *output, lofi_error *err) {
    return lofi_denoiser_predict(of(engine)->denoiser, condition, latents, timestep, output, err);
}

static lofi_code measure(lofi_engine *engine, size_t *bytes, int64_t frames, int64_t text, int64_t lyric,
                         lofi_error *err) {
    return lofi_denoiser_measure(bytes, of(engine)->denoiser, frames, text, lyric, err);
}

static int64_t decoded_length(const lofi_engine *engine, int64_t frames) {
    return lofi_audio_decoder_length(((const native *)engine)->decoder, frames);
}

static lofi_code decode(lofi_engine *engine, const float *latents, int64_t frames,
                        bool (*progress)(void *user, double share), void *user, lofi_audio *out, lofi_error *err) {
    lofi_audio_decoder *decoder = of(engine)->decoder;
    lofi_audio_decoder_set_progress(decoder, progress, user);
    lofi_code code = lofi_audio_decoder_run(decoder, latents, frames, out, err);
    lofi_audio_decoder_set_progress(decoder, NULL, NULL);
    return code;
}

static const lofi_engine_functions functions = {close_native, count_tokens, encode_prompt,  set_condition, start,
                                                predict,      measure,      decoded_length, decode};

lofi_code lofi_engine_native_open(lofi_engine **out, const lofi_generator_settings *settings, lofi_log *log,
                                  lofi_error *err) {
    native *g = calloc(1, sizeof *g);
    if (!g) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the generator");
    g->engine.functions = &functions;
    g->log = log;
    lofi_code code = open_all(g, settings, err);
    if (code == LOFI_OK)
        *out = &g->engine;
    else
        close_native(&g->engine);
    return code;
}
