/* recorded_settings.h - CASE.json beside a case: the settings of each recorded way of sampling, as the original's names say
 * them. Inside of eval/ only. */
#ifndef LOFI_EVAL_RECORDED_SETTINGS_H
#define LOFI_EVAL_RECORDED_SETTINGS_H

#include "diffusion/sampler.h"
#include "eval/selftest_case.h"

/* cases/CASE.json: an object of objects; *out is yours. */
lofi_code lofi_recorded_settings_load(json_t **out, const lofi_selftest *test, lofi_error *err) LOFI_MUST_USE;
/* Keys infer_steps or infer_step, guidance_scale, omega_scale, scheduler_type, cfg_type, guidance_interval,
 * guidance_interval_decay, min_guidance_scale, guidance_scale_text, guidance_scale_lyric, oss_steps; absent ones have the
 * original's values. Chosen steps are in the case's arena. */
lofi_code lofi_recorded_sampling(lofi_sampling *out, lofi_selftest *test, const json_t *settings, const char *name,
                                 lofi_error *err) LOFI_MUST_USE;

#endif
