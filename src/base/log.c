/* log.c - see log.h. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buffer.h"

#define SECOND_NS 1000000000ll

int64_t lofi_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND_NS + now.tv_nsec;
}

void lofi_now_iso8601(char text[32]) {
    time_t now = time(NULL);
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    if (epoch != NULL && *epoch != '\0') {
        char *end;
        errno = 0;
        long long value = strtoll(epoch, &end, 10);
        if (errno == 0 && *end == '\0' && value >= 0) now = (time_t)value;
    }
    struct tm parts;
    if (gmtime_r(&now, &parts) == NULL || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(text, 32, "1970-01-01T00:00:00Z");
}

void lofi_today(char date[16]) {
    char now[32];
    lofi_now_iso8601(now);
    snprintf(date, 16, "%.10s", now);
}

lofi_log lofi_log_standard(lofi_level level) {
    const char *no_color = getenv("NO_COLOR");
    const char *terminal_kind = getenv("TERM");
    bool terminal = isatty(STDERR_FILENO) == 1;
    bool plain = (no_color != NULL && *no_color != '\0') ||
                 (terminal_kind != NULL && strcmp(terminal_kind, "dumb") == 0);
    return (lofi_log){.stream = stderr, .level = level, .terminal = terminal, .colour = terminal && !plain};
}

/* Names of files may hold bytes that would steer a terminal. */
static void make_harmless(char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 && *text != '\n' && *text != '\t') *text = '?';
}

static void close_progress_line(lofi_log *log) {
    if (log->progress_open) fputs("\r\033[K", log->stream);
    log->progress_open = false;
}

void lofi_say(lofi_log *log, lofi_level level, const char *format, ...) {
    if (log == NULL || level > log->level) return;
    int length;
    char fixed[1024], *text = fixed;
    va_list arguments;
    va_start(arguments, format);
    length = vsnprintf(fixed, sizeof fixed, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof fixed && (text = malloc((size_t)length + 1)) != NULL) {
        va_start(arguments, format);
        vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    if (text == NULL) text = fixed;
    if (log->terminal) make_harmless(text);
    static const char *const labels[] = {"error: ", "warning: ", "", ""};
    static const char *const colours[] = {"\033[1;31m", "\033[1;33m", "", ""};
    bool coloured = log->colour && *colours[level] != '\0';
    flockfile(log->stream);
    close_progress_line(log);
    fprintf(log->stream, "%s%s%s%s\n", coloured ? colours[level] : "", labels[level], coloured ? "\033[0m" : "", text);
    fflush(log->stream);
    funlockfile(log->stream);
    if (text != fixed) free(text);
}

void lofi_give_up(const lofi_error *problem) {
    lofi_log log = lofi_log_standard(LOFI_LOG_ERROR);
    lofi_say(&log, LOFI_LOG_ERROR, "%s", problem->message);
    if (problem->hint[0] != '\0') fprintf(log.stream, "hint: %s\n", problem->hint);
    fflush(log.stream);
    _exit(1); /* what is registered for an orderly end may be what cannot go on */
}

/* ---- progress ---- */

lofi_progress lofi_progress_start(lofi_log *log, const char *label, const char *unit, int64_t total) {
    int64_t now = lofi_now_ns();
    return (lofi_progress){
        .log = log, .label = label, .unit = unit, .total = total, .started_ns = now, .shown_ns = now};
}

static void format_duration(char text[24], double seconds) {
    if (!(seconds >= 0) || seconds > 359999)
        snprintf(text, 24, "--:--");
    else if (seconds < 3600)
        snprintf(text, 24, "%d:%02d", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(text, 24, "%d:%02d:%02d", (int)seconds / 3600, (int)seconds / 60 % 60, (int)seconds % 60);
}

static void format_rate(char text[48], double rate, const char *unit) {
    if (rate >= 1 || rate <= 0)
        snprintf(text, 48, "%.1f %s/s", rate, unit);
    else
        snprintf(text, 48, "%.1f s each", 1 / rate);
}

static int terminal_columns(const lofi_log *log) {
    struct winsize size;
    if (ioctl(fileno(log->stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
    return 80;
}

static void show(lofi_progress *progress, const char *detail, bool last) {
    lofi_log *log = progress->log;
    double seconds = (double)(lofi_now_ns() - progress->started_ns) / (double)SECOND_NS;
    double rate = seconds > 0 ? (double)progress->done / seconds : 0;
    char left[24], speed[48], line[512];
    format_duration(left, last ? seconds : rate > 0 ? (double)(progress->total - progress->done) / rate : -1);
    format_rate(speed, rate, progress->unit);
    int percent = progress->total > 0 ? (int)(100 * progress->done / progress->total) : 100;
    if (percent > 100) percent = 100;
    char bar[21] = "....................";
    for (int i = 0; i < percent / 5; i++) bar[i] = '#';
    bool draw = log->terminal;
    snprintf(line, sizeof line, "%s %s%s%s%3d%%  %lld/%lld %s  %s  %s %s%s%s", progress->label, draw ? "[" : "",
             draw ? bar : "", draw ? "] " : "", percent, (long long)progress->done, (long long)progress->total,
             progress->unit, speed, left, last ? "in all" : "left", detail != NULL ? "  " : "",
             detail != NULL ? detail : "");
    make_harmless(line);
    flockfile(log->stream);
    if (draw) {
        fprintf(log->stream, "\r%.*s\033[K", terminal_columns(log) - 1, line);
        if (last) fputc('\n', log->stream);
        log->progress_open = !last;
    } else {
        fprintf(log->stream, "%s\n", line);
    }
    fflush(log->stream);
    funlockfile(log->stream);
    progress->shown_ns = log->progress_shown_ns = lofi_now_ns();
}

void lofi_progress_step(lofi_progress *progress, int64_t done, const char *detail) {
    progress->done = done;
    lofi_log *log = progress->log;
    if (log == NULL || log->level < LOFI_LOG_INFO) return;
    int64_t pause_ns = log->terminal ? SECOND_NS / 10 : 10 * SECOND_NS;
    if (lofi_now_ns() - progress->shown_ns >= pause_ns) show(progress, detail, false);
}

void lofi_progress_end(lofi_progress *progress) {
    if (progress->log == NULL || progress->log->level < LOFI_LOG_INFO) return;
    show(progress, NULL, true);
}
