/* error.c - see error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

/* Every formatter goes through a copy first, so that an argument may be the message that is being replaced. */
static void format_into(char *out, size_t size, const char *format, va_list arguments) {
    char text[sizeof(((lofi_error *)0)->message)];
    vsnprintf(text, sizeof text, format, arguments);
    snprintf(out, size, "%s", text);
}

/* What failed last in this thread: a hint or a prefix follows a failure, and without an error to ask, this says which. */
static _Thread_local lofi_code last_code = LOFI_ERR_USAGE;

lofi_code lofi_fail(lofi_error *err, lofi_code code, const char *format, ...) {
    last_code = code;
    if (err == NULL) return code;
    va_list arguments;
    va_start(arguments, format);
    format_into(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    err->code = code;
    err->hint[0] = '\0';
    return code;
}

static lofi_code code_for_errno(int errno_value) {
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR: return LOFI_ERR_NOT_FOUND;
    case ENOMEM: return LOFI_ERR_MEMORY;
    default: return LOFI_ERR_IO;
    }
}

lofi_code lofi_fail_errno(lofi_error *err, int errno_value, const char *format, ...) {
    lofi_code code = code_for_errno(errno_value);
    last_code = code;
    if (err == NULL) return code;
    char what[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    format_into(what, sizeof what, format, arguments);
    va_end(arguments);
    char buffer[128];
    const char *reason = strerror_r(errno_value, buffer, sizeof buffer);
    lofi_fail(err, code, "%s: %s", what, reason);
    if (errno_value == ENOSPC || errno_value == EDQUOT)
        lofi_hint(err, "free some space on that disk, then run the same command again");
    if (errno_value == EMFILE || errno_value == ENFILE)
        lofi_hint(err, "too many files are open: raise the limit with 'ulimit -n' or use fewer workers");
    return code;
}

lofi_code lofi_hint(lofi_error *err, const char *format, ...) {
    if (err == NULL) return last_code;
    va_list arguments;
    va_start(arguments, format);
    format_into(err->hint, sizeof err->hint, format, arguments);
    va_end(arguments);
    return err->code;
}

lofi_code lofi_error_prefix(lofi_error *err, const char *format, ...) {
    if (err == NULL) return last_code;
    char text[sizeof err->message];
    va_list arguments;
    va_start(arguments, format);
    format_into(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, ": %s", err->message);
    memcpy(err->message, text, sizeof text);
    return err->code;
}

const char *lofi_code_name(lofi_code code) {
    switch (code) {
    case LOFI_OK: return "ok";
    case LOFI_ERR_USAGE: return "usage";
    case LOFI_ERR_NOT_FOUND: return "not_found";
    case LOFI_ERR_IO: return "io";
    case LOFI_ERR_FORMAT: return "format";
    case LOFI_ERR_MEMORY: return "memory";
    case LOFI_ERR_UNSUPPORTED: return "unsupported";
    case LOFI_ERR_NUMERIC: return "numeric";
    case LOFI_ERR_LIMIT: return "limit";
    case LOFI_ERR_INTERRUPTED: return "interrupted";
    }
    return "unknown";
}
