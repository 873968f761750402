/* command.h - what a command of the program is: one file that parses nothing, calls the library and prints.
 *
 * To add a command: write src/cli/cmd_NAME.c ending in one `const lofi_command lofi_command_NAME`, and add one line to
 * src/cli/commands.h. The options table feeds parsing, --help and the manual page, so it cannot disagree with them.
 */
#ifndef LOFI_CLI_COMMAND_H
#define LOFI_CLI_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

typedef enum lofi_option_kind {
    LOFI_OPTION_FLAG,   /* bool          no value                                   */
    LOFI_OPTION_TEXT,   /* const char *  NULL when absent and without default       */
    LOFI_OPTION_PATH,   /* const char *  as TEXT; "~/" is expanded                  */
    LOFI_OPTION_INT,    /* int64_t       min..max                                   */
    LOFI_OPTION_NUMBER, /* double        min..max                                   */
    LOFI_OPTION_CHOICE, /* const char *  one of `choices`                           */
    LOFI_OPTION_LIST    /* lofi_list     repeatable; also takes several values up to the next flag */
} lofi_option_kind;

typedef struct lofi_list {
    const char **items; /* borrowed from the context */
    size_t count;
} lofi_list;

typedef struct lofi_option {
    const char
        *name; /* "input-dir": --input-dir VALUE and --input-dir=VALUE; for a positional: its name in the usage */
    lofi_option_kind kind;
    size_t offset;        /* where the value goes: offsetof(struct of the command, member) */
    const char *value;    /* how the value is called in the help: "DIR" */
    const char *fallback; /* default as text, or NULL; "$NAME" and "$NAME/rest": from the environment table (paths) */
    bool required;
    bool positional;     /* taken in order from the arguments that are no flags; a LIST takes all the rest */
    double min, max;     /* INT, NUMBER: both 0 means any */
    const char *choices; /* CHOICE: "tiny|small|full" */
    const char *help;    /* one sentence, no full stop; the default is added by the help itself */
} lofi_option;

/* What every command gets. */
typedef struct lofi_context {
    lofi_log *log; /* standard error */
    bool json;     /* --json: exactly one JSON document on standard output, through lofi_print_json */
    bool dry_run;  /* --dry-run: say what would be done, change nothing */
    bool verbose, quiet;
    const char *program; /* the path by which this program was started */
    int exit_status;     /* set by run() when success, or a failure of one code, has several faces (audio process: 2
                            when some files failed; export: 1 when the model cannot be loaded) */
    struct lofi_arena *arena; /* lives as long as the command */
    /* Of the framework: */
    const struct lofi_command *command; /* the one that runs */
    const bool *given;                  /* which of its options were on the command line */
    bool json_printed;                  /* the one document is out: a failure after it is said on standard error */
    char **arguments;                   /* main's, for starting the program anew (base/threads.h) */
} lofi_context;

typedef struct lofi_command {
    const char *name;           /* "audio process" */
    const char *alias;          /* "lofi_audio_processor process", or NULL: names of the original contract */
    const char *summary;        /* one line for the list of commands */
    const char *details;        /* paragraphs for --help and the manual: what is read, what is written, an example */
    const lofi_option *options; /* ends with a zeroed entry */
    size_t settings_bytes;      /* size of the struct that the offsets point into; zeroed before parsing */
    /* settings: the filled struct. A failure's code becomes the exit status through exit_for (NULL: the common rule:
     * USAGE 2, LIMIT 3, INTERRUPTED 130, else 1). */
    lofi_code (*run)(lofi_context *context, const void *settings, lofi_error *err);
    int (*exit_for)(lofi_code code);
    bool computes; /* runs networks: started anew with threads that do not spin for long (base/threads.h) */
} lofi_command;

/* For lofi_command.exit_for of commands that read files which a user writes: input that makes no sense is 2, as a flag that
 * makes none; else the common rule. */
int lofi_exit_for_input(lofi_code code);

/* Prints one document to standard output and takes the reference. */
lofi_code lofi_print_json(lofi_context *context, json_t *document, lofi_error *err) LOFI_MUST_USE;
/* Whether an option of the running command ("seed") was on the command line, rather than filled with its default. */
bool lofi_option_given(const lofi_context *context, const char *name);
/* A line of human output to standard output; nothing with --json or --quiet. */
void lofi_print(const lofi_context *context, const char *format, ...) LOFI_PRINTF(2, 3);
/* A setting of the environment (LOFI_DATA_DIR ...), or its default. A variable that is set but points nowhere is an
 * error that names it. Borrowed from the context. */
lofi_code lofi_environment_path(const char **out, lofi_context *context, const char *variable,
                                lofi_error *err) LOFI_MUST_USE;
/* A file of the installed data ("style_presets.json"): $LOFI_CONFIG_DIR, ./config, PREFIX/share/lofi/config beside the
 * program, the source tree of a build. Borrowed from the context. */
lofi_code lofi_data_file(const char **out, lofi_context *context, const char *name, lofi_error *err) LOFI_MUST_USE;
/* A folder of the installed data that no variable moves ("reference"): PREFIX/share/lofi beside the program, or the
 * source tree of a build. Borrowed from the context. */
lofi_code lofi_installed_folder(const char **out, lofi_context *context, const char *name,
                                lofi_error *err) LOFI_MUST_USE;

#endif
