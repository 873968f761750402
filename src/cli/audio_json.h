/* audio_json.h - results of preparing songs as the JSON of the commands. */
#ifndef LOFI_CLI_AUDIO_JSON_H
#define LOFI_CLI_AUDIO_JSON_H

#include <jansson.h>

#include "audio/process.h"

/* {"source", "status", "reason", "output_path", "duration", "quality_score", "message", "measures"}: what is known of them. */
json_t *lofi_audio_result_json(const lofi_process_result *result);
/* [{"first", "second", "offset_seconds", "overlap_seconds", "similarity"}] */
json_t *lofi_audio_duplicates_json(const lofi_process_report *report);

#endif
