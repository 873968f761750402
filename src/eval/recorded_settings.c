/* recorded_settings.c - see the header. */
#include "eval/recorded_settings.h"

#include <stdio.h>

#include "base/json.h"

lofi_code lofi_recorded_settings_load(json_t **out, const lofi_selftest *test, lofi_error *err) {
    char name[256], path[LOFI_PATH_MAX];
    json_t *document;
    snprintf(name, sizeof name, "cases/%s.json", test->now->name);
    LOFI_TRY(lofi_selftest_path(path, test, name, err));
    LOFI_TRY(lofi_json_load(&document, path, err));
    if (json_is_object(document)) {
        *out = document;
        return LOFI_OK;
    }
    json_decref(document);
    return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': expected a JSON object", path);
}

static lofi_code read_chosen(lofi_sampling *out, lofi_selftest *test, const json_t *settings, const char *name,
                             lofi_error *err) {
    if (!json_object_get(settings, "oss_steps")) return LOFI_OK;
    int64_t *chosen = lofi_arena_alloc(test->arena, LOFI_MAX_SAMPLING_STEPS * sizeof *chosen);
    if (!chosen) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
    out->chosen = chosen;
    out->chosen_count = LOFI_MAX_SAMPLING_STEPS;
    return lofi_json_int_array(chosen, &out->chosen_count, settings, "oss_steps", name, err);
}

static lofi_code read_numbers(lofi_sampling *s, const json_t *settings, const char *name, lofi_error *err) {
    const struct {
        const char *key;
        double *value;
    } numbers[] = {{"guidance_scale", &s->guidance_scale},         {"omega_scale", &s->omega_scale},
                   {"guidance_interval", &s->guidance_interval},   {"guidance_interval_decay", &s->interval_decay},
                   {"min_guidance_scale", &s->min_guidance_scale}, {"guidance_scale_text", &s->prompt_scale},
                   {"guidance_scale_lyric", &s->lyric_scale}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        LOFI_TRY(lofi_json_number_or(numbers[i].value, settings, numbers[i].key, *numbers[i].value, name, err));
    const char *key = json_object_get(settings, "infer_steps") ? "infer_steps" : "infer_step";
    return lofi_json_int_or(&s->steps, settings, key, s->steps, 1, LOFI_MAX_SAMPLING_STEPS, name, err);
}

lofi_code lofi_recorded_sampling(lofi_sampling *out, lofi_selftest *test, const json_t *settings, const char *name,
                                 lofi_error *err) {
    lofi_sampling s = lofi_sampling_default();
    const char *scheduler, *guidance;
    LOFI_TRY(lofi_json_string_or(&scheduler, settings, "scheduler_type", "euler", name, err));
    LOFI_TRY(lofi_json_string_or(&guidance, settings, "cfg_type", "apg", name, err));
    s.scheduler = lofi_scheduler_find(scheduler);
    s.guidance = lofi_guidance_find(guidance);
    if (!s.scheduler || !s.guidance)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "%s: there is no %s '%s'", name,
                         s.scheduler ? "guidance" : "scheduler", s.scheduler ? guidance : scheduler);
    LOFI_TRY(read_numbers(&s, settings, name, err));
    LOFI_TRY(read_chosen(&s, test, settings, name, err));
    *out = s;
    return LOFI_OK;
}
