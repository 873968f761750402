/* bundle_parts.c - see bundle_parts.h. */
#include "export/bundle_parts.h"

#include "audio/log_mel.h"
#include "base/json.h"
#include "models/ace_step_transformer.h"
#include "models/audio_encoder.h"
#include "models/music_dcae.h"
#include "models/music_vocoder.h"
#include "models/umt5.h"
#include "ops/ops.h"

lofi_code lofi_bundle_facts_read(lofi_bundle_facts *facts, const lofi_checkpoint_folder *folder, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    json_t *json = NULL;
    lofi_vocoder_config config;
    LOFI_TRY(lofi_path_format(path, err, "%s/config.json", folder->component[LOFI_COMPONENT_VOCODER]));
    LOFI_TRY(lofi_json_load(&json, path, err));
    lofi_code code = lofi_vocoder_config_read(&config, json, err);
    json_decref(json);
    if (code == LOFI_OK) *facts = (lofi_bundle_facts){.mel_bands = config.input_channels};
    return code == LOFI_OK ? code : lofi_error_prefix(err, "'%s'", path);
}

static lofi_tensor *input(lofi_builder *b, const char *name, lofi_dtype dtype, int rank, const lofi_dim *dims) {
    return lofi_graph_input(b->graph, name, lofi_shape_of(dtype, rank, dims));
}

static lofi_code build_text_encoder(lofi_builder *b, const json_t *json, lofi_bundle_facts *facts, lofi_error *err) {
    lofi_umt5_config config;
    LOFI_TRY(lofi_umt5_config_read(&config, json, err));
    lofi_dim dims[] = {lofi_dim_symbol(b->graph, "batch"), lofi_dim_symbol(b->graph, "text")};
    lofi_tensor *ids = input(b, "input_ids", LOFI_I64, 2, dims), *mask = input(b, "attention_mask", LOFI_F32, 2, dims);
    lofi_graph_output(b->graph, "last_hidden_state", lofi_umt5_build(b, &config, ids, mask, NULL));
    facts->vocabulary = config.vocabulary;
    return lofi_graph_check(b->graph, err);
}

static lofi_code build_encoder(lofi_builder *b, const json_t *json, lofi_bundle_facts *facts, lofi_error *err) {
    lofi_ace_step_config config;
    LOFI_TRY(lofi_ace_step_config_read(&config, json, err));
    lofi_dim batch = lofi_dim_symbol(b->graph, "batch"), text = lofi_dim_symbol(b->graph, "text");
    lofi_dim lyric = lofi_dim_symbol(b->graph, "lyric");
    lofi_dim states[] = {batch, text, config.text_width}, speaker[] = {batch, config.speaker_width};
    lofi_dim lyrics[] = {batch, lyric};
    lofi_ace_step_conditions conditions;
    conditions.text_states = input(b, "encoder_text_hidden_states", LOFI_F32, 3, states);
    conditions.text_mask = input(b, "text_attention_mask", LOFI_F32, 2, states);
    conditions.speaker = input(b, "speaker_embeds", LOFI_F32, 2, speaker);
    conditions.lyric_token_ids = input(b, "lyric_token_idx", LOFI_I64, 2, lyrics);
    conditions.lyric_mask = input(b, "lyric_mask", LOFI_F32, 2, lyrics);
    lofi_ace_step_encoded encoded = lofi_ace_step_encode(b, &config, &conditions, NULL);
    lofi_graph_output(b->graph, "encoder_hidden_states", encoded.states);
    lofi_graph_output(b->graph, "encoder_hidden_mask", encoded.mask);
    facts->vocabulary = config.lyric_vocabulary;
    return lofi_graph_check(b->graph, err);
}

/* One time for all of a batch, as the player has it. */
static lofi_code build_decoder(lofi_builder *b, const json_t *json, lofi_bundle_facts *facts, lofi_error *err) {
    lofi_ace_step_config config;
    (void)facts;
    LOFI_TRY(lofi_ace_step_config_read(&config, json, err));
    lofi_dim batch = lofi_dim_symbol(b->graph, "batch"), frames = lofi_dim_symbol(b->graph, "frames"), one = 1;
    lofi_dim latents[] = {batch, config.in_channels, config.height, frames}, mask[] = {batch, frames};
    lofi_dim states[] = {batch, lofi_dim_symbol(b->graph, "conditions"), config.width};
    lofi_tensor *hidden = input(b, "hidden_states", LOFI_F32, 4, latents);
    lofi_tensor *attention_mask = input(b, "attention_mask", LOFI_F32, 2, mask);
    lofi_ace_step_encoded encoded;
    encoded.states = input(b, "encoder_hidden_states", LOFI_F32, 3, states);
    encoded.mask = input(b, "encoder_hidden_mask", LOFI_F32, 2, states);
    lofi_tensor *timestep = input(b, "timestep", LOFI_F32, 1, &one);
    lofi_graph_output(b->graph, "sample",
                      lofi_ace_step_decode(b, &config, hidden, attention_mask, &encoded, timestep, NULL, NULL));
    return lofi_graph_check(b->graph, err);
}

/* Latents as they are sampled, log-mel as the vocoder takes it: as lofi_audio_decoder_run. */
static lofi_code build_dcae_decoder(lofi_builder *b, const json_t *json, lofi_bundle_facts *facts, lofi_error *err) {
    lofi_dcae_config config;
    LOFI_TRY(lofi_dcae_config_read(&config, json, err));
    const float half_range = (LOFI_MEL_HIGH - LOFI_MEL_LOW) / 2;
    lofi_dim dims[] = {lofi_dim_symbol(b->graph, "batch"), config.latent_channels,
                       facts->mel_bands / lofi_dcae_reduction(&config.decoder), lofi_dim_symbol(b->graph, "frames")};
    lofi_tensor *x = input(b, "latents", LOFI_F32, 4, dims);
    x = lofi_affine(b->graph, x, 1 / LOFI_LATENT_FACTOR, -LOFI_LATENT_SHIFT);
    x = lofi_dcae_decode(b, &config, x);
    x = lofi_affine(b->graph, x, half_range, half_range + LOFI_MEL_LOW);
    lofi_graph_output(b->graph, "mel_spectrogram", x);
    return lofi_graph_check(b->graph, err);
}

static lofi_code build_vocoder(lofi_builder *b, const json_t *json, lofi_bundle_facts *facts, lofi_error *err) {
    lofi_vocoder_config config;
    (void)facts;
    LOFI_TRY(lofi_vocoder_config_read(&config, json, err));
    lofi_dim dims[] = {lofi_dim_symbol(b->graph, "batch"), config.input_channels,
                       lofi_dim_symbol(b->graph, "mel_frames")};
    lofi_tensor *mel = input(b, "mel_spectrogram", LOFI_F32, 3, dims);
    lofi_graph_output(b->graph, "waveform", lofi_vocoder_head(b, &config, lofi_vocoder_backbone(b, &config, mel)));
    return lofi_graph_check(b->graph, err);
}

const lofi_bundle_part lofi_bundle_parts[LOFI_BUNDLE_PARTS] = {
    {.file = "text_encoder.onnx",
     .component = LOFI_COMPONENT_TEXT_ENCODER,
     .model = &lofi_model_umt5,
     .exact = true,
     .build = build_text_encoder,
     .integer_inputs = {"attention_mask"},
     .outputs = {"last_hidden_state"}},
    {.file = "transformer_encoder.onnx",
     .component = LOFI_COMPONENT_TRANSFORMER,
     .model = &lofi_model_ace_step_transformer,
     .build = build_encoder,
     .integer_inputs = {"text_attention_mask", "lyric_mask"},
     .outputs = {"encoder_hidden_states", "encoder_hidden_mask"}},
    {.file = "transformer_decoder.onnx",
     .weights_file = "transformer_decoder_weights.bin",
     .component = LOFI_COMPONENT_TRANSFORMER,
     .model = &lofi_model_ace_step_transformer,
     .build = build_decoder,
     .outputs = {"sample"}},
    {.file = "dcae_decoder.onnx",
     .component = LOFI_COMPONENT_DCAE,
     .model = &lofi_model_music_dcae,
     .build = build_dcae_decoder,
     .outputs = {"mel_spectrogram"}},
    {.file = "vocoder.onnx",
     .component = LOFI_COMPONENT_VOCODER,
     .model = &lofi_model_music_vocoder,
     .build = build_vocoder,
     .outputs = {"waveform"}},
};
