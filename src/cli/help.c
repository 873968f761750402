/* help.c - see help.h. */
#include "cli/help.h"

#include "cli/context.h"
#include "cli/options.h"
#include "cli/table.h"

#define WIDTH 80

/* ---- text of a fixed width ---- */

/* Words of one paragraph, broken at WIDTH; `column` is where the first word goes, `indent` where the other lines begin. */
static void wrap(lofi_buffer *out, const char *text, size_t length, size_t column, size_t indent) {
    size_t at = column;
    bool first = true;
    for (size_t i = 0; i < length;) {
        size_t word = 0;
        while (i + word < length && text[i + word] != ' ' && text[i + word] != '\n') word++;
        if (word > 0) {
            if (!first && at + 1 + word > WIDTH) {
                lofi_buffer_printf(out, "\n%*s", (int)indent, "");
                at = indent;
            } else if (!first) {
                lofi_buffer_text(out, " ");
                at++;
            }
            lofi_buffer_append(out, text + i, word);
            at += word;
            first = false;
        }
        i += word + 1;
    }
    lofi_buffer_text(out, "\n");
}

typedef void block_fn(lofi_buffer *out, const char *text, size_t length, bool verbatim);

/* Calls `each` for every paragraph: lines that begin with a space stay as they are, others flow together. */
static void each_paragraph(lofi_buffer *out, const char *text, block_fn *each) {
    while (*text != '\0') {
        if (*text == '\n') {
            text++;
            continue;
        }
        bool verbatim = *text == ' ';
        const char *end = text;
        while (*end != '\0') {
            end += strcspn(end, "\n");
            if (*end == '\0' || end[1] == '\n' || end[1] == '\0' || (end[1] == ' ') != verbatim) break;
            end++;
        }
        each(out, text, (size_t)(end - text), verbatim);
        text = end;
    }
}

static void plain_paragraph(lofi_buffer *out, const char *text, size_t length, bool verbatim) {
    lofi_buffer_text(out, "\n");
    if (!verbatim) {
        wrap(out, text, length, 0, 0);
        return;
    }
    lofi_buffer_append(out, text, length);
    lofi_buffer_text(out, "\n");
}

/* ---- options ---- */

static const char *value_name(const lofi_option *option) {
    if (option->kind == LOFI_OPTION_CHOICE && option->choices != NULL && option->value == NULL) return option->choices;
    return option->value == NULL ? "VALUE" : option->value;
}

/* "--seed N", "--only CASE...", "DIR". */
static void option_shape(lofi_buffer *out, const lofi_option *option) {
    if (option->positional) {
        lofi_buffer_printf(out, "%s%s", option->value == NULL ? option->name : option->value,
                           option->kind == LOFI_OPTION_LIST ? "..." : "");
        return;
    }
    lofi_buffer_printf(out, "--%s", option->name);
    if (option->kind != LOFI_OPTION_FLAG)
        lofi_buffer_printf(out, " %s%s", value_name(option), option->kind == LOFI_OPTION_LIST ? "..." : "");
}

/* The sentence with its range, choices and default. */
static void option_sentence(lofi_buffer *out, const lofi_option *option) {
    lofi_buffer_text(out, option->help == NULL ? "" : option->help);
    if (option->kind == LOFI_OPTION_CHOICE && option->value != NULL) lofi_buffer_printf(out, " (%s)", option->choices);
    if (option->fallback != NULL) lofi_buffer_printf(out, " (default: %s)", option->fallback);
    if (option->required) lofi_buffer_text(out, " (needed)");
}

static const char *short_name(const lofi_option *option) {
    if (strcmp(option->name, "help") == 0) return "-h, ";
    if (strcmp(option->name, "verbose") == 0) return "-v, ";
    if (strcmp(option->name, "quiet") == 0) return "-q, ";
    return "";
}

#define HELP_COLUMN 30

static void option_lines(lofi_buffer *out, const lofi_option *option, bool common) {
    size_t start = out->size;
    lofi_buffer_printf(out, "  %s", common ? short_name(option) : "");
    option_shape(out, option);
    size_t used = out->size - start;
    if (used + 2 > HELP_COLUMN)
        lofi_buffer_printf(out, "\n%*s", HELP_COLUMN, "");
    else
        lofi_buffer_printf(out, "%*s", (int)(HELP_COLUMN - used), "");
    lofi_buffer sentence = LOFI_BUFFER_INIT;
    option_sentence(&sentence, option);
    wrap(out, lofi_buffer_str(&sentence), sentence.size, HELP_COLUMN, HELP_COLUMN);
    lofi_buffer_free(&sentence);
}

static void common_lines(lofi_buffer *out) {
    lofi_buffer_text(out, "\nEvery command:\n");
    for (const lofi_option *option = lofi_common_options; option->name != NULL; option++)
        option_lines(out, option, true);
}

/* "--input-dir DIR [--seed N] SONG..." */
static void usage_words(lofi_buffer *out, const lofi_command *command) {
    bool optional = false;
    for (const lofi_option *option = command->options; option != NULL && option->name != NULL; option++) {
        if (option->positional) continue;
        optional = optional || !option->required;
        if (!option->required) continue;
        lofi_buffer_text(out, " ");
        option_shape(out, option);
    }
    if (optional) lofi_buffer_text(out, " [options]");
    for (const lofi_option *option = command->options; option != NULL && option->name != NULL; option++) {
        if (!option->positional) continue;
        lofi_buffer_text(out, option->required ? " " : " [");
        option_shape(out, option);
        if (!option->required) lofi_buffer_text(out, "]");
    }
}

static void usage_line(lofi_buffer *out, const lofi_command *command) {
    lofi_buffer words = LOFI_BUFFER_INIT;
    lofi_buffer_printf(&words, "lofi %s", command->name);
    usage_words(&words, command);
    lofi_buffer_text(out, "usage: ");
    wrap(out, lofi_buffer_str(&words), words.size, 7, 11);
    lofi_buffer_free(&words);
}

/* ---- help ---- */

static bool in_group(const lofi_command *command, const char *group) {
    if (group == NULL) return true;
    size_t length = strlen(group);
    return strncmp(command->name, group, length) == 0 &&
           (command->name[length] == ' ' || command->name[length] == '\0');
}

static void command_lines(lofi_buffer *out, const char *group) {
    size_t count;
    const lofi_table_entry *entries = lofi_table(&count);
    const char *heading = NULL;
    for (size_t i = 0; i < count; i++) {
        const lofi_command *command = entries[i].command;
        if (command == NULL) heading = entries[i].group;
        if (command == NULL || !in_group(command, group)) continue;
        if (heading != NULL) lofi_buffer_printf(out, "\n%s:\n", heading);
        heading = NULL;
        lofi_buffer_printf(out, "  %-20s ", command->name);
        wrap(out, command->summary, strlen(command->summary), 23, 23);
    }
}

void lofi_help_program(lofi_buffer *out, const char *group) {
    if (group != NULL) {
        lofi_buffer_printf(out, "usage: lofi %s COMMAND [options]\n", group);
        command_lines(out, group);
        lofi_buffer_printf(out, "\n'lofi %s COMMAND --help' says more about one of them.\n", group);
        return;
    }
    lofi_buffer_text(out, "usage: lofi COMMAND [options]\n\n"
                          "From a folder of songs to a LoRA adapter for ACE-Step.\n");
    command_lines(out, NULL);
    common_lines(out);
    lofi_buffer_text(out, "\nEnvironment:\n");
    for (const lofi_variable *variable = lofi_variables; variable->name != NULL; variable++) {
        lofi_buffer_printf(out, "  %-20s ", variable->name);
        wrap(out, variable->help, strlen(variable->help), 23, 23);
        out->size -= out->failed == LOFI_OK ? 1 : 0;
        lofi_buffer_printf(out, " (default: %s)\n", variable->fallback);
    }
    lofi_buffer_text(out,
                     "\n'lofi COMMAND --help' says more about one command; 'lofi doctor' shows whether all is well\n"
                     "on this machine.\n");
}

void lofi_help_command(lofi_buffer *out, const lofi_command *command) {
    usage_line(out, command);
    lofi_buffer_printf(out, "\n%c%s.\n", toupper((unsigned char)command->summary[0]), command->summary + 1);
    if (command->details != NULL) each_paragraph(out, command->details, plain_paragraph);
    if (lofi_options_count(command) > 0) lofi_buffer_text(out, "\nOptions:\n");
    for (const lofi_option *option = command->options; option != NULL && option->name != NULL; option++)
        option_lines(out, option, false);
    common_lines(out);
    if (command->alias != NULL) lofi_buffer_printf(out, "\nAlso installed as: %s\n", command->alias);
}

/* ---- manual pages ---- */

/* Text that roff must not take for its own: backslashes, dashes that are to be copied, leading dots and quotes. */
static void roff_text(lofi_buffer *out, const char *text, size_t length) {
    bool line_start = true;
    for (size_t i = 0; i < length; i++) {
        if (line_start && (text[i] == '.' || text[i] == '\'')) lofi_buffer_text(out, "\\&");
        if (text[i] == '\\')
            lofi_buffer_text(out, "\\e");
        else if (text[i] == '-')
            lofi_buffer_text(out, "\\-");
        else
            lofi_buffer_append(out, &text[i], 1);
        line_start = text[i] == '\n';
    }
}

static void roff_string(lofi_buffer *out, const char *text) {
    roff_text(out, text, strlen(text));
}

static void roff_paragraph(lofi_buffer *out, const char *text, size_t length, bool verbatim) {
    lofi_buffer_text(out, verbatim ? ".PP\n.nf\n" : ".PP\n");
    roff_text(out, text, length);
    lofi_buffer_text(out, verbatim ? "\n.fi\n" : "\n");
}

static void roff_option(lofi_buffer *out, const lofi_option *option, const char *before) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    lofi_buffer_text(&text, before);
    option_shape(&text, option);
    lofi_buffer_text(out, ".TP\n.B ");
    roff_string(out, lofi_buffer_str(&text));
    lofi_buffer_clear(&text);
    option_sentence(&text, option);
    lofi_buffer_text(out, "\n");
    roff_string(out, lofi_buffer_str(&text));
    lofi_buffer_text(out, ".\n");
    lofi_buffer_free(&text);
}

static void roff_common(lofi_buffer *out) {
    lofi_buffer_text(out, ".SH EVERY COMMAND\n");
    for (const lofi_option *option = lofi_common_options; option->name != NULL; option++)
        roff_option(out, option, short_name(option));
}

static void roff_environment(lofi_buffer *out) {
    lofi_buffer_text(out, ".SH ENVIRONMENT\n");
    for (const lofi_variable *variable = lofi_variables; variable->name != NULL; variable++) {
        lofi_buffer_printf(out, ".TP\n.B %s\n", variable->name);
        roff_string(out, variable->help);
        lofi_buffer_text(out, " (default: ");
        roff_string(out, variable->fallback);
        lofi_buffer_text(out, ").\n");
    }
}

static void manual_of_program(lofi_buffer *out) {
    lofi_buffer_printf(out,
                       ".TH LOFI 1 \"\" \"lofi %s\"\n.SH NAME\nlofi \\- from a folder of songs to a LoRA adapter\n",
                       LOFI_VERSION);
    lofi_buffer_text(out, ".SH SYNOPSIS\n.B lofi\nCOMMAND [options]\n.SH COMMANDS\n");
    size_t count;
    const lofi_table_entry *entries = lofi_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].command == NULL) continue;
        lofi_buffer_text(out, ".TP\n.B ");
        roff_string(out, entries[i].command->name);
        lofi_buffer_text(out, "\n");
        roff_string(out, entries[i].command->summary);
        lofi_buffer_text(out, ".\n");
    }
    roff_common(out);
    roff_environment(out);
}

static void manual_of_command(lofi_buffer *out, const lofi_command *command) {
    lofi_buffer_text(out, ".TH \"LOFI-");
    for (const char *at = command->name; *at != '\0'; at++) {
        char letter = *at == ' ' ? '-' : (char)toupper((unsigned char)*at);
        lofi_buffer_append(out, &letter, 1);
    }
    lofi_buffer_printf(out, "\" 1 \"\" \"lofi %s\"\n.SH NAME\nlofi ", LOFI_VERSION);
    roff_string(out, command->name);
    lofi_buffer_text(out, " \\- ");
    roff_string(out, command->summary);
    lofi_buffer_text(out, "\n.SH SYNOPSIS\n.B lofi ");
    roff_string(out, command->name);
    lofi_buffer_text(out, "\n");
    lofi_buffer words = LOFI_BUFFER_INIT;
    usage_words(&words, command);
    roff_string(out, words.size > 0 ? lofi_buffer_str(&words) + 1 : "");
    lofi_buffer_free(&words);
    lofi_buffer_text(out, "\n");
    if (command->details != NULL) {
        lofi_buffer_text(out, ".SH DESCRIPTION\n");
        each_paragraph(out, command->details, roff_paragraph);
    }
    if (lofi_options_count(command) > 0) lofi_buffer_text(out, ".SH OPTIONS\n");
    for (const lofi_option *option = command->options; option != NULL && option->name != NULL; option++)
        roff_option(out, option, "");
    roff_common(out);
    if (command->alias == NULL) return;
    lofi_buffer_text(out, ".SH ALSO INSTALLED AS\n");
    roff_string(out, command->alias);
    lofi_buffer_text(out, "\n");
}

void lofi_help_manual(lofi_buffer *out, const lofi_command *command) {
    if (command == NULL)
        manual_of_program(out);
    else
        manual_of_command(out, command);
}

/* ---- lists and completion ---- */

void lofi_help_aliases(lofi_buffer *out) {
    size_t count;
    const lofi_table_entry *entries = lofi_table(&count);
    for (size_t i = 0; i < count; i++) {
        const char *alias = entries[i].command == NULL ? NULL : entries[i].command->alias;
        if (alias == NULL) continue;
        size_t length = strcspn(alias, " ");
        bool seen = false;
        for (size_t j = 0; j < i; j++) {
            const char *other = entries[j].command == NULL ? NULL : entries[j].command->alias;
            seen = seen || (other != NULL && strcspn(other, " ") == length && strncmp(other, alias, length) == 0);
        }
        if (!seen) lofi_buffer_printf(out, "%.*s\n", (int)length, alias);
    }
}

void lofi_help_commands(lofi_buffer *out) {
    size_t count;
    const lofi_table_entry *entries = lofi_table(&count);
    for (size_t i = 0; i < count; i++)
        if (entries[i].command != NULL) lofi_buffer_printf(out, "%s\n", entries[i].command->name);
}

static void bash_options(lofi_buffer *out, const lofi_command *command) {
    for (const lofi_option *option = command->options; option != NULL && option->name != NULL; option++)
        if (!option->positional) lofi_buffer_printf(out, " --%s", option->name);
}

static void bash_case(lofi_buffer *out, const char *name, const lofi_command *command) {
    lofi_buffer_printf(out, "    '%s') words=\"$common", name);
    bash_options(out, command);
    lofi_buffer_text(out, "\" ;;\n");
}

/* The words after each first word ("audio": "process validate"), and those that follow nothing. */
static void bash_words(lofi_buffer *out, bool aliases) {
    size_t count;
    const lofi_table_entry *entries = lofi_table(&count);
    for (size_t i = 0; i < count; i++) {
        const lofi_command *command = entries[i].command;
        const char *name = command == NULL ? NULL : aliases ? command->alias : command->name;
        const char *space = name == NULL ? NULL : strchr(name, ' ');
        if (space == NULL) continue;
        lofi_buffer_printf(out, "    '%.*s') words+=' %s' ;;&\n", (int)(space - name), name, space + 1);
    }
}

void lofi_help_bash(lofi_buffer *out) {
    size_t count;
    const lofi_table_entry *entries = lofi_table(&count);
    lofi_buffer_text(
        out,
        "# Completion of lofi and its aliases for bash; made by 'lofi --completion bash'.\n"
        "_lofi() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]##*/} words='' common='' name='' word\n"
        "    local -a given=()\n"
        "    common='");
    for (const lofi_option *option = lofi_common_options; option->name != NULL; option++)
        lofi_buffer_printf(out, "--%s ", option->name);
    lofi_buffer_text(
        out,
        "'\n"
        "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do [[ $word == -* ]] || given+=(\"$word\"); done\n"
        "    [[ $program == lofi ]] && name=${given[0]} || { name=$program; given=(\"$program\" \"${given[@]}\"); }\n"
        "    if [[ -z $name ]]; then\n        words=\"$common help");
    for (size_t i = 0; i < count; i++)
        if (entries[i].command != NULL)
            lofi_buffer_printf(out, " %.*s", (int)strcspn(entries[i].command->name, " "), entries[i].command->name);
    lofi_buffer_text(out, "\"\n    else\n    case \"$name ${given[1]}\" in\n");
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count; i++) {
            const lofi_command *command = entries[i].command;
            if (command != NULL && strchr(command->name, ' ') != NULL && pass == 0)
                bash_case(out, command->name, command);
            if (command != NULL && command->alias != NULL && strchr(command->alias, ' ') != NULL && pass == 1)
                bash_case(out, command->alias, command);
        }
    lofi_buffer_text(out, "    esac\n    [[ -n $words ]] || case \"$name\" in\n");
    for (size_t i = 0; i < count; i++) {
        const lofi_command *command = entries[i].command;
        if (command != NULL && strchr(command->name, ' ') == NULL) bash_case(out, command->name, command);
        if (command != NULL && command->alias != NULL && strchr(command->alias, ' ') == NULL)
            bash_case(out, command->alias, command);
    }
    lofi_buffer_text(out, "    esac\n    [[ ${#given[@]} -gt 1 ]] || case \"$name\" in\n");
    bash_words(out, false);
    bash_words(out, true);
    lofi_buffer_text(out, "    esac\n    fi\n"
                          "    if [[ $current == -* || ${#given[@]} -lt 2 ]]; then COMPREPLY=($(compgen -W \"$words\" "
                          "-- \"$current\")); fi\n"
                          "    [[ ${#COMPREPLY[@]} -gt 0 ]] || compopt -o default\n"
                          "}\n"
                          "complete -F _lofi lofi");
    lofi_buffer names = LOFI_BUFFER_INIT;
    lofi_help_aliases(&names);
    for (size_t i = 0; i < names.size; i++)
        if (names.data[i] == '\n') names.data[i] = ' ';
    lofi_buffer_printf(out, " %s\n", lofi_buffer_str(&names));
    lofi_buffer_free(&names);
}
