/* cases.h - what the self-test knows, in the order in which it is run.
 *
 * To add a case: write src/eval/case_NAME.c ending in one `const lofi_selftest_case lofi_case_NAME` (selftest_case.h),
 * and put one line LOFI_SELFTEST_CASE(lofi_case_NAME) here.
 * LOFI_SELFTEST_INPUTS(name): not a case: inputs of others.
 * Who includes this file defines the ones that it wants; they are undefined again at its end.
 */
#ifndef LOFI_SELFTEST_CASE
#define LOFI_SELFTEST_CASE(symbol)
#endif
#ifndef LOFI_SELFTEST_INPUTS
#define LOFI_SELFTEST_INPUTS(name)
#endif

LOFI_SELFTEST_CASE(lofi_case_tokenizer)
LOFI_SELFTEST_CASE(lofi_case_clap_tokenizer)
LOFI_SELFTEST_CASE(lofi_case_lyric_lines_small)
LOFI_SELFTEST_CASE(lofi_case_lyric_lines)
LOFI_SELFTEST_CASE(lofi_case_lyrics)
LOFI_SELFTEST_CASE(lofi_case_resample)
LOFI_SELFTEST_CASE(lofi_case_audio_to_latent)
LOFI_SELFTEST_CASE(lofi_case_dcae)
LOFI_SELFTEST_CASE(lofi_case_vocoder)
LOFI_SELFTEST_CASE(lofi_case_umt5)
LOFI_SELFTEST_CASE(lofi_case_lyric_encoder)
LOFI_SELFTEST_CASE(lofi_case_transformer)
LOFI_SELFTEST_CASE(lofi_case_transformer_unconditional)
LOFI_SELFTEST_CASE(lofi_case_clap)
LOFI_SELFTEST_CASE(lofi_case_vggish)
LOFI_SELFTEST_CASE(lofi_case_frechet)
LOFI_SELFTEST_CASE(lofi_case_hubert_mert)
LOFI_SELFTEST_CASE(lofi_case_hubert_mhubert)
LOFI_SELFTEST_CASE(lofi_case_ssl_targets)
LOFI_SELFTEST_CASE(lofi_case_ssl_loss)
LOFI_SELFTEST_CASE(lofi_case_schedules)
LOFI_SELFTEST_CASE(lofi_case_sampling)
LOFI_SELFTEST_CASE(lofi_case_pipeline)
LOFI_SELFTEST_CASE(lofi_case_gradients)
LOFI_SELFTEST_CASE(lofi_case_gradients_ssl)
LOFI_SELFTEST_CASE(lofi_case_train_steps)
LOFI_SELFTEST_CASE(lofi_case_train_steps_ssl)
LOFI_SELFTEST_CASE(lofi_case_adapter_effect)

LOFI_SELFTEST_INPUTS("train_inputs")

#undef LOFI_SELFTEST_CASE
#undef LOFI_SELFTEST_INPUTS
