/* log.h - what the program says: lines and progress on standard error, results on standard output.
 *
 * A lofi_log is passed down to whoever has something to say; there is no global verbosity. NULL is allowed everywhere
 * and is silent.
 */
#ifndef LOFI_BASE_LOG_H
#define LOFI_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

typedef enum lofi_level { LOFI_LOG_ERROR, LOFI_LOG_WARNING, LOFI_LOG_INFO, LOFI_LOG_VERBOSE } lofi_level;

typedef struct lofi_log {
    FILE *stream;     /* standard error */
    lofi_level level; /* what is higher is not shown; --quiet: ERROR, default: INFO, --verbose: VERBOSE */
    bool terminal;    /* the stream is a terminal: progress is redrawn in place */
    bool colour;      /* a terminal, and NO_COLOR is not set */
    int64_t progress_shown_ns;
    bool progress_open; /* a progress line without newline stands on the terminal */
} lofi_log;

/* Standard error, found terminal and colour. */
lofi_log lofi_log_standard(lofi_level level);
void lofi_say(lofi_log *log, lofi_level level, const char *format, ...) LOFI_PRINTF(3, 4);
#define lofi_info(log, ...)    lofi_say(log, LOFI_LOG_INFO, __VA_ARGS__)
#define lofi_verbose(log, ...) lofi_say(log, LOFI_LOG_VERBOSE, __VA_ARGS__)
#define lofi_warn(log, ...)    lofi_say(log, LOFI_LOG_WARNING, __VA_ARGS__) /* shown as "warning: ..." */

/* Says the problem and its hint on standard error, and ends the process with status 1. For what cannot be returned: see library.h. */
_Noreturn void lofi_give_up(const lofi_error *problem);

/* Progress of a counted task: on a terminal one line with bar, count, rate and time left, redrawn at most ten times a
 * second; in a log a plain line at most every 10 s, and the last. */
typedef struct lofi_progress {
    lofi_log *log;
    const char *label; /* borrowed */
    const char *unit;  /* "songs", "steps": borrowed */
    int64_t total, done;
    int64_t started_ns, shown_ns;
} lofi_progress;
lofi_progress lofi_progress_start(lofi_log *log, const char *label, const char *unit, int64_t total);
/* `detail` (may be NULL) is shown behind: "loss 0.81". */
void lofi_progress_step(lofi_progress *progress, int64_t done, const char *detail);
void lofi_progress_end(lofi_progress *progress);

/* Monotonic time in nanoseconds. */
int64_t lofi_now_ns(void);
/* Now as ISO 8601 in UTC, "2025-01-31T08:15:00Z"; SOURCE_DATE_EPOCH is honoured. */
void lofi_now_iso8601(char text[32]);
/* The day of it: "2025-01-31". */
void lofi_today(char date[16]);

#endif
