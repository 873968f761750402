/* error.h - how a function says that the world did not do as asked.
 *
 * Two kinds of wrong are kept apart. A programmer's mistake is an assert. A mistake of the world (a missing file,
 * damaged data, no memory, a full disk) is a lofi_code other than LOFI_OK together with a message in a lofi_error
 * that the CALLER owns (on its stack). Functions that can fail return lofi_code and take `lofi_error *err` last;
 * their result must be used. On failure out-parameters are left as they were, unless a header says otherwise.
 *
 * Message style: lower case, no full stop, what failed first, names quoted:
 *     cannot open 'x.wav': No such file or directory
 * The hint is one sentence for the user on what to do next; it may be empty.
 */
#ifndef LOFI_BASE_ERROR_H
#define LOFI_BASE_ERROR_H

typedef enum lofi_code {
    LOFI_OK = 0,
    LOFI_ERR_USAGE,       /* a flag or argument that makes no sense                   */
    LOFI_ERR_NOT_FOUND,   /* a file, folder, tensor or key that is not there          */
    LOFI_ERR_IO,          /* the operating system refused: permissions, full disk ... */
    LOFI_ERR_FORMAT,      /* data that is there but damaged or of an unknown kind     */
    LOFI_ERR_MEMORY,      /* an allocation that failed or would pass its maximum      */
    LOFI_ERR_UNSUPPORTED, /* understood, but this build or this program cannot do it  */
    LOFI_ERR_NUMERIC,     /* not finite, diverged                                     */
    LOFI_ERR_LIMIT,       /* a verification passed its limit                          */
    LOFI_ERR_INTERRUPTED  /* SIGINT or SIGTERM, after state was saved                 */
} lofi_code;

typedef struct lofi_error {
    lofi_code code;
    char message[1024]; /* what, where, why */
    char hint[512];     /* what to do, may be empty */
} lofi_error;

#define LOFI_ERROR_INIT                                                                                                \
    { LOFI_OK, "", "" }

#define LOFI_MUST_USE                          __attribute__((warn_unused_result))
#define LOFI_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

/* Sets code and message (truncated when too long), clears the hint, returns `code`. `err` may be NULL. */
lofi_code lofi_fail(lofi_error *err, lofi_code code, const char *format, ...) LOFI_PRINTF(3, 4);

/* As lofi_fail, for a failed system call: appends ": " and strerror(errno_value); code is LOFI_ERR_NOT_FOUND for
 * ENOENT and ENOTDIR, LOFI_ERR_MEMORY for ENOMEM, else LOFI_ERR_IO. For ENOSPC and EDQUOT a hint is set. */
lofi_code lofi_fail_errno(lofi_error *err, int errno_value, const char *format, ...) LOFI_PRINTF(3, 4);

/* Replaces the hint. Returns err->code (when err is NULL, the code of what failed last in this thread), so that it can end a
 * failing function:
 *     lofi_fail(err, LOFI_ERR_NOT_FOUND, ...); return lofi_hint(err, "run 'lofi model init'"); */
lofi_code lofi_hint(lofi_error *err, const char *format, ...) LOFI_PRINTF(2, 3);

/* Puts "<text>: " before the message that is there, to say where it happened. Returns as lofi_hint. */
lofi_code lofi_error_prefix(lofi_error *err, const char *format, ...) LOFI_PRINTF(2, 3);

/* The stable lower-case word for a code, as in the JSON of errors: "not_found", "format", ... */
const char *lofi_code_name(lofi_code code);

/* Returns from the enclosing function with the code of a failing expression. */
#define LOFI_TRY(expression)                                                                                           \
    do {                                                                                                               \
        lofi_code lofi_try_code_ = (expression);                                                                       \
        if (lofi_try_code_ != LOFI_OK) return lofi_try_code_;                                                          \
    } while (0)

/* As LOFI_TRY, but jumps to a clean-up label; needs a local `lofi_code code`. */
#define LOFI_TRY_GOTO(expression, label)                                                                               \
    do {                                                                                                               \
        code = (expression);                                                                                           \
        if (code != LOFI_OK) goto label;                                                                               \
    } while (0)

#endif
