/* audio_json.c - see audio_json.h. */
#include "cli/audio_json.h"

#include "audio/process_duplicates.h"
#include "base/json.h"

json_t *lofi_audio_result_json(const lofi_process_result *result) {
    json_t *object = json_object();
    json_object_set_new(object, "source", lofi_json_name(result->source));
    json_object_set_new(object, "status", json_string(lofi_process_status_name(result->status)));
    if (result->output != NULL) json_object_set_new(object, "output_path", json_string(result->output));
    if (result->seconds >= 0.0) json_object_set_new(object, "duration", json_real(result->seconds));
    if (result->measured) json_object_set_new(object, "quality_score", json_integer(result->score));
    if (result->reason[0] != '\0') json_object_set_new(object, "reason", json_string(result->reason));
    if (result->message != NULL) json_object_set_new(object, "message", lofi_json_name(result->message));
    if (result->measured) json_object_set_new(object, "measures", lofi_measures_json(&result->measures));
    return object;
}

json_t *lofi_audio_duplicates_json(const lofi_process_report *report) {
    json_t *pairs = json_array();
    for (size_t i = 0; i < report->duplicate_count; i++) {
        const lofi_process_duplicate *pair = &report->duplicates[i];
        json_array_append_new(pairs, lofi_process_duplicate_json(pair->first, pair->second, &pair->match));
    }
    return pairs;
}
