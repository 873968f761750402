/* terminal.c - see terminal.h.
 *
 * Signals become bytes in a pipe that is waited for together with the input: nothing is lost between two looks, whichever
 * thread a signal meets, nothing happens inside a handler, and the terminal is put right before anything else is done.
 */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#ifdef LOFI_HAVE_EDITLINE
#include <histedit.h>
#endif

#include "base/interrupt.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
static const int watched[] = {SIGINT, SIGTERM, SIGTSTP, SIGCONT, SIGWINCH};

enum { LINE_KEPT = 2 * LOFI_DIALOGUE_ENTRY_BYTES, CANDIDATES_SHOWN = 60, HISTORY_LINES = 1000 };

struct lofi_terminal {
    lofi_terminal_setting setting;
    bool typed, interrupted;
    int signals[2]; /* the pipe */
    struct sigaction before[COUNT(watched)];
    bool changed[COUNT(watched)]; /* which of them were put in place */
    unsigned char bytes[4096];    /* read from standard input and not used yet: at, end */
    size_t at, end;
    const char *prompt; /* of the line that is being read */
#ifdef LOFI_HAVE_EDITLINE
    EditLine *editor; /* NULL: lines are read plainly */
    History *history;
#endif
};

/* ---- signals ---- */

/* The writing end of the pipe: a handler can reach nothing else. */
static volatile sig_atomic_t signal_pipe = -1;

/* A second Ctrl-C ends the program at once, as elsewhere in it. */
static void note_signal(int number) {
    int problem = errno;
    unsigned char byte = (unsigned char)number;
    ssize_t written = write(signal_pipe, &byte, 1);
    (void)written; /* a full pipe holds enough of them */
    if (number == SIGINT || number == SIGTERM) signal(number, SIG_DFL);
    errno = problem;
}

#ifdef LOFI_HAVE_EDITLINE
/* Stops as a program does that knows nothing of Ctrl-Z, with the terminal as it was. */
static void stop(lofi_terminal *terminal) {
    struct sigaction own;
    el_set(terminal->editor, EL_PREP_TERM, 0);
    sigaction(SIGTSTP, &(struct sigaction){.sa_handler = SIG_DFL}, &own);
    raise(SIGTSTP);
    sigaction(SIGTSTP, &own, NULL);
    el_set(terminal->editor, EL_PREP_TERM, 1);
}

static void edit_on_signal(lofi_terminal *terminal, int number) {
    if (number == SIGWINCH) el_resize(terminal->editor);
    if (number == SIGTSTP) stop(terminal);
    if (number == SIGCONT) {
        el_set(terminal->editor, EL_PREP_TERM, 1);
        el_set(terminal->editor, EL_REFRESH);
    }
}
#else
static void edit_on_signal(lofi_terminal *terminal, int number) {
    (void)terminal;
    (void)number;
}
#endif

static void take_signals(lofi_terminal *terminal) {
    unsigned char number = 0;
    while (read(terminal->signals[0], &number, 1) == 1) {
        if (number == SIGINT || number == SIGTERM)
            terminal->interrupted = true;
        else
            edit_on_signal(terminal, number);
    }
}

/* A signal that was ignored when the program started stays ignored. Those of an edited line are not watched without one. */
static void watch_signals(lofi_terminal *terminal, bool edited) {
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COUNT(watched); i++) {
        bool wanted = edited || watched[i] == SIGINT || watched[i] == SIGTERM;
        if (!wanted || sigaction(watched[i], NULL, &terminal->before[i]) != 0) continue;
        if (terminal->before[i].sa_handler == SIG_IGN) continue;
        terminal->changed[i] = sigaction(watched[i], &action, NULL) == 0;
    }
}

static lofi_code open_signals(lofi_terminal *terminal, bool edited, lofi_error *err) {
    if (pipe2(terminal->signals, O_CLOEXEC | O_NONBLOCK) != 0)
        return lofi_fail_errno(err, errno, "cannot watch for signals");
    signal_pipe = terminal->signals[1];
    watch_signals(terminal, edited);
    terminal->interrupted = lofi_interrupt_asked();
    return LOFI_OK;
}

static void close_signals(lofi_terminal *terminal) {
    for (size_t i = 0; i < COUNT(watched); i++)
        if (terminal->changed[i]) sigaction(watched[i], &terminal->before[i], NULL);
    signal_pipe = -1;
    for (size_t i = 0; i < 2; i++)
        if (terminal->signals[i] >= 0) close(terminal->signals[i]);
}

/* ---- waiting ---- */

/* Waits for bytes. 1: there are some; 0: the input has ended; -1: interrupted, or the input cannot be read (errno). */
static int fill(lofi_terminal *terminal) {
    while (!terminal->interrupted) {
        struct pollfd waited[2] = {{.fd = terminal->signals[0], .events = POLLIN},
                                   {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(waited, 2, -1) < 0 && errno != EINTR) return -1;
        if (waited[0].revents) {
            take_signals(terminal);
            continue;
        }
        if (!waited[1].revents) continue;
        ssize_t count = read(STDIN_FILENO, terminal->bytes, sizeof terminal->bytes);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (count < 0) return errno == EIO && terminal->typed ? 0 : -1; /* the terminal is gone */
        terminal->at = 0;
        terminal->end = (size_t)count;
        return count > 0;
    }
    return -1;
}

/* 1, 0 or -1 as fill. */
static int next_byte(lofi_terminal *terminal, unsigned char *byte) {
    int filled = terminal->at < terminal->end ? 1 : fill(terminal);
    if (filled == 1) *byte = terminal->bytes[terminal->at++];
    return filled;
}

/* ---- plain lines ---- */

/* What is typed is shown by the terminal itself; what comes from elsewhere is shown here, without what would steer one. */
static void show_line(const lofi_terminal *terminal, const lofi_buffer *line) {
    if (terminal->typed || terminal->setting.quiet) return;
    bool harmless = lofi_dialogue_fault(lofi_buffer_str(line), line->size) == NULL;
    for (size_t i = 0; i < line->size && i < LOFI_DIALOGUE_ENTRY_BYTES; i++) {
        unsigned char byte = (unsigned char)line->data[i];
        fputc(harmless || (byte >= 0x20 && byte < 0x7f) ? byte : '?', terminal->setting.text);
    }
    fputc('\n', terminal->setting.text);
    fflush(terminal->setting.text);
}

/* No line came: what follows does not stand behind the prompt. */
static void end_prompt(const lofi_terminal *terminal) {
    if (terminal->setting.quiet) return;
    fputc('\n', terminal->setting.text);
    fflush(terminal->setting.text);
}

static lofi_code read_plain(lofi_terminal *terminal, lofi_terminal_event *event, lofi_buffer *line, lofi_error *err) {
    unsigned char byte = 0;
    int got;
    if (!terminal->setting.quiet) fputs(terminal->prompt, terminal->setting.text);
    fflush(terminal->setting.text);
    errno = 0;
    while ((got = next_byte(terminal, &byte)) == 1 && byte != '\n')
        if (line->size < LINE_KEPT) lofi_buffer_append(line, &byte, 1);
    if (got < 0 && !terminal->interrupted) return lofi_fail_errno(err, errno, "cannot read standard input");
    *event = terminal->interrupted         ? LOFI_TERMINAL_INTERRUPTED
             : got == 0 && line->size == 0 ? LOFI_TERMINAL_END
                                           : LOFI_TERMINAL_LINE;
    if (line->size && line->data[line->size - 1] == '\r') line->data[--line->size] = '\0';
    if (*event == LOFI_TERMINAL_LINE)
        show_line(terminal, line);
    else
        end_prompt(terminal);
    return LOFI_OK;
}

/* ---- edited lines ---- */

#ifdef LOFI_HAVE_EDITLINE
static lofi_terminal *owner_of(EditLine *editor) {
    void *owner = NULL;
    el_get(editor, EL_CLIENTDATA, &owner);
    return owner;
}

static char *prompt_of(EditLine *editor) {
    return (char *)owner_of(editor)->prompt;
}

/* One character for libedit. Bytes that are not UTF-8 become U+FFFD, which the dialogue refuses, and are not lost without a
 * word. */
static int read_character(EditLine *editor, wchar_t *character) {
    lofi_terminal *terminal = owner_of(editor);
    char bytes[4];
    for (size_t count = 0; count < sizeof bytes;) {
        mbstate_t fresh = {0};
        unsigned char byte = 0;
        int got = next_byte(terminal, &byte);
        if (got != 1) return got;
        bytes[count++] = (char)byte;
        size_t used = mbrtowc(character, bytes, count, &fresh);
        if (used == (size_t)-2) continue;
        if (used != (size_t)-1) return 1;
        if (count > 1) terminal->at--; /* the last byte may begin another character */
        break;
    }
    *character = 0xfffd;
    return 1;
}

static size_t columns_of(const lofi_terminal *terminal) {
    struct winsize size;
    return ioctl(fileno(terminal->setting.text), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

static size_t characters_of(const char *text, size_t bytes) {
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static void list_candidates(const lofi_terminal *terminal, const lofi_completions *found) {
    FILE *text = terminal->setting.text;
    size_t width = 0, shown = found->count < CANDIDATES_SHOWN ? found->count : CANDIDATES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        size_t characters = characters_of(found->items[i], strlen(found->items[i]));
        if (characters > width) width = characters;
    }
    size_t per_row = columns_of(terminal) / (width + 2);
    if (per_row == 0) per_row = 1;
    for (size_t i = 0; i < shown; i++) {
        size_t pad = width + 2 - characters_of(found->items[i], strlen(found->items[i]));
        bool last = (i + 1) % per_row == 0 || i + 1 == shown;
        fprintf(text, "%s%s%*s", i % per_row ? "" : "\n", found->items[i], last ? 0 : (int)pad, "");
    }
    if (shown < found->count) fprintf(text, "\n... and %zu more", found->count - shown);
    fputc('\n', text);
    fflush(text);
}

/* Puts what all candidates share in the place of what is typed. False: that would be nothing new. */
static bool insert_common(EditLine *editor, const lofi_completions *found, const char *typed) {
    size_t size = strlen(typed);
    if (found->common < size || (found->common == size && strncmp(found->items[0], typed, size) == 0)) return false;
    char *common = strndup(found->items[0], found->common);
    if (!common) return false;
    el_deletestr(editor, (int)characters_of(typed, size));
    el_insertstr(editor, common);
    free(common);
    return true;
}

static unsigned char on_tab(EditLine *editor, int key) {
    (void)key;
    lofi_terminal *terminal = owner_of(editor);
    const LineInfo *line = el_line(editor);
    lofi_completions found = {0};
    unsigned char result = CC_ERROR;
    char *begin = strndup(line->buffer, (size_t)(line->cursor - line->buffer));
    if (begin && terminal->setting.complete &&
        terminal->setting.complete(terminal->setting.user, &found, begin, NULL) == LOFI_OK && found.count) {
        if (insert_common(editor, &found, begin + found.start))
            result = CC_REFRESH;
        else if (found.count > 1) {
            list_candidates(terminal, &found);
            result = CC_REDISPLAY;
        }
    }
    lofi_completions_free(&found);
    free(begin);
    return result;
}

static void add_to_history(lofi_terminal *terminal, const lofi_buffer *line) {
    HistEvent event;
    if (line->size) history(terminal->history, &event, H_ENTER, lofi_buffer_str(line));
}

static lofi_code read_edited(lofi_terminal *terminal, lofi_terminal_event *event, lofi_buffer *line) {
    int count = 0;
    /* libedit shows the prompt before it changes the terminal: a key that comes between the two would be taken amiss. */
    el_set(terminal->editor, EL_PREP_TERM, 1);
    const char *typed = el_gets(terminal->editor, &count);
    if (!typed || count <= 0) {
        *event = terminal->interrupted ? LOFI_TERMINAL_INTERRUPTED : LOFI_TERMINAL_END;
        end_prompt(terminal);
        return LOFI_OK;
    }
    size_t size = strcspn(typed, "\r\n");
    lofi_buffer_append(line, typed, size < LINE_KEPT ? size : LINE_KEPT);
    add_to_history(terminal, line);
    *event = LOFI_TERMINAL_LINE;
    return LOFI_OK;
}

static void start_editor(lofi_terminal *terminal) {
    HistEvent event;
    terminal->history = history_init();
    terminal->editor = el_init("lofi", stdin, terminal->setting.text, stderr);
    if (!terminal->editor || !terminal->history) return;
    history(terminal->history, &event, H_SETSIZE, HISTORY_LINES);
    history(terminal->history, &event, H_SETUNIQUE, 1);
    el_set(terminal->editor, EL_CLIENTDATA, terminal);
    el_set(terminal->editor, EL_EDITOR, "emacs");
    el_set(terminal->editor, EL_SIGNAL, 0);
    el_set(terminal->editor, EL_GETCFN, read_character);
    el_set(terminal->editor, EL_PROMPT, prompt_of);
    el_set(terminal->editor, EL_HIST, history, terminal->history);
    /* el_set would make copies of the two texts that nobody frees. */
    el_wset(terminal->editor, EL_ADDFN, L"lofi-complete", L"complete what is typed", on_tab);
    el_set(terminal->editor, EL_BIND, "^I", "lofi-complete", NULL);
}

static void end_editor(lofi_terminal *terminal) {
    if (terminal->editor) el_end(terminal->editor);
    if (terminal->history) history_end(terminal->history);
}

static bool is_edited(const lofi_terminal *terminal) {
    return terminal->editor && terminal->history;
}
#else
static lofi_code read_edited(lofi_terminal *terminal, lofi_terminal_event *event, lofi_buffer *line) {
    (void)terminal;
    (void)line;
    *event = LOFI_TERMINAL_END;
    return LOFI_OK;
}

static void start_editor(lofi_terminal *terminal) {
    (void)terminal;
}

static void end_editor(lofi_terminal *terminal) {
    (void)terminal;
}

static bool is_edited(const lofi_terminal *terminal) {
    (void)terminal;
    return false;
}
#endif

/* ---- all together ---- */

lofi_code lofi_terminal_open(lofi_terminal **out, const lofi_terminal_setting *setting, lofi_error *err) {
    lofi_terminal *terminal = calloc(1, sizeof *terminal);
    if (!terminal) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the terminal");
    terminal->setting = *setting;
    terminal->typed = isatty(STDIN_FILENO) == 1;
    terminal->signals[0] = terminal->signals[1] = -1;
    /* Names and tags are UTF-8 whatever the language of the user; so is what is typed. */
    if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, "");
    if (terminal->typed && isatty(fileno(setting->text)) == 1) start_editor(terminal);
    lofi_code code = open_signals(terminal, is_edited(terminal), err);
    if (code == LOFI_OK)
        *out = terminal;
    else
        lofi_terminal_close(terminal);
    return code;
}

void lofi_terminal_close(lofi_terminal *terminal) {
    if (!terminal) return;
    end_editor(terminal);
    close_signals(terminal);
    free(terminal);
}

bool lofi_terminal_is_typed(const lofi_terminal *terminal) {
    return terminal->typed;
}

bool lofi_terminal_is_coloured(const lofi_terminal *terminal) {
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
    bool plain = (no_colour && *no_colour) || !kind || strcmp(kind, "dumb") == 0;
    return isatty(fileno(terminal->setting.text)) == 1 && !plain;
}

lofi_code lofi_terminal_read(lofi_terminal *terminal, lofi_terminal_event *event, lofi_buffer *line, const char *prompt,
                             lofi_error *err) {
    lofi_buffer_clear(line);
    terminal->prompt = prompt;
    if (is_edited(terminal))
        LOFI_TRY(read_edited(terminal, event, line));
    else
        LOFI_TRY(read_plain(terminal, event, line, err));
    return lofi_buffer_check(line, err);
}
