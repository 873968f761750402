/* upstream.c - see the header. */
#include "train/upstream.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "models/ace_step_transformer.h"
#include "models/loaded.h"
#include "store/checkpoint_folder.h"
#include "store/hf_dataset.h"

extern char **environ;

#define MAX_WORDS 40

typedef struct launch {
    const lofi_train_settings *settings;
    lofi_arena *arena;
    char run[LOFI_PATH_MAX], train_split[LOFI_PATH_MAX], trainer[LOFI_PATH_MAX], config[LOFI_PATH_MAX];
    char *words[MAX_WORDS + 1];
    size_t count;
} launch;

/* ---- checks ---- */

static lofi_code check_model(const lofi_train_settings *s, lofi_error *err) {
    lofi_checkpoint_folder folder;
    lofi_loaded *transformer;
    LOFI_TRY(lofi_checkpoint_folder_resolve(&folder, s->checkpoint_dir, err));
    LOFI_TRY(lofi_loaded_open(&transformer, &lofi_model_ace_step_transformer,
                              folder.component[LOFI_COMPONENT_TRANSFORMER], err));
    lofi_loaded_close(transformer);
    return LOFI_OK;
}

/* The original opens `filename` as it stands. */
static lofi_code check_tracks(const lofi_hf_dataset *dataset, lofi_error *err) {
    for (size_t i = 0; i < lofi_hf_dataset_track_count(dataset); i++) {
        const lofi_dataset_track *track = lofi_hf_dataset_track_at(dataset, i);
        if (lofi_path_is_file(track->filename)) continue;
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "the audio of track '%s' is not at '%s'", track->track_id, track->filename);
        return lofi_hint(err, "make the dataset again with 'lofi dataset' where the songs are now");
    }
    return LOFI_OK;
}

static lofi_code check_dataset(launch *l, lofi_error *err) {
    lofi_hf_dataset *dataset;
    LOFI_TRY(lofi_hf_dataset_open(&dataset, l->settings->dataset, NULL, err));
    lofi_code code = check_tracks(dataset, err);
    if (code == LOFI_OK) code = lofi_path_format(l->train_split, err, "%s", lofi_hf_dataset_folder(dataset));
    lofi_hf_dataset_close(dataset);
    return code;
}

static lofi_code find_trainer(launch *l, lofi_error *err) {
    const char *folder = l->settings->ace_step_dir;
    if (folder) LOFI_TRY(lofi_path_format(l->trainer, err, "%s/trainer.py", folder));
    if (folder && lofi_path_is_file(l->trainer)) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "the original trainer is not there: no '%s'",
              folder ? l->trainer : "trainer.py' in '$ACE_STEP_DIR");
    return lofi_hint(err, "set ACE_STEP_DIR to a checkout of ACE-Step, or leave --engine out");
}

/* ---- the command line ---- */

static void add(launch *l, const char *word) {
    assert(l->count < MAX_WORDS);
    l->words[l->count++] = word ? lofi_arena_strdup(l->arena, word) : NULL;
}

static void add_flag(launch *l, const char *flag, const char *value) {
    add(l, flag);
    add(l, value);
}

static void add_number(launch *l, const char *flag, double value) {
    char text[64];
    snprintf(text, sizeof text, "%.17g", value);
    if (value == (double)(int64_t)value) snprintf(text, sizeof text, "%lld", (long long)value);
    add_flag(l, flag, text);
}

static void add_python(launch *l) {
    static const char *const places[] = {"venv/bin/python", ".venv/bin/python"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = lofi_arena_printf(l->arena, "%s/%s", l->settings->ace_step_dir, places[i]);
        if (path && lofi_path_is_file(path)) {
            add(l, path);
            return;
        }
    }
    add(l, "python3");
}

static lofi_code make_words(launch *l, lofi_error *err) {
    const lofi_train_settings *s = l->settings;
    add_python(l);
    add(l, l->trainer);
    add_flag(l, "--dataset_path", l->train_split);
    add_flag(l, "--exp_name", s->experiment);
    add_flag(l, "--lora_config_path", l->config);
    add_flag(l, "--checkpoint_dir", s->checkpoint_dir);
    add_number(l, "--learning_rate", s->learning_rate);
    add_number(l, "--max_steps", (double)s->max_steps);
    add_number(l, "--every_n_train_steps", (double)s->save_every);
    add_number(l, "--every_plot_step", (double)s->plot_every);
    add_flag(l, "--precision", s->bf16 ? "bf16-mixed" : "32");
    add_number(l, "--gradient_clip_val", s->clip_norm);
    add_flag(l, "--logger_dir", s->logger_dir);
    if (s->resume_path) add_flag(l, "--ckpt_path", s->resume_path);
    for (size_t i = 0; i < l->count; i++)
        if (!l->words[i]) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a command line");
    return LOFI_OK;
}

static void tell(const launch *l, lofi_log *log) {
    lofi_buffer line = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < l->count; i++) lofi_buffer_printf(&line, "%s%s", i ? " " : "", l->words[i]);
    lofi_info(log, "%s", lofi_buffer_str(&line));
    lofi_buffer_free(&line);
}

static lofi_code write_config(const launch *l, lofi_error *err) {
    const lofi_lora_config *lora = &l->settings->lora;
    json_t *targets = json_array();
    for (size_t i = 0; i < lora->target_count; i++) json_array_append_new(targets, json_string(lora->targets[i]));
    json_t *root = json_pack("{s:I, s:f, s:o, s:b}", "r", (json_int_t)lora->rank, "lora_alpha", lora->alpha,
                             "target_modules", targets, "use_rslora", lora->rslora ? 1 : 0);
    if (!root) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the adapter's config");
    lofi_code code = lofi_folder_make(l->run, err);
    if (code == LOFI_OK) code = lofi_json_save(root, l->config, err);
    json_decref(root);
    return code;
}

/* ---- running ---- */

/* Ctrl-C reaches the trainer as it reaches us; who sends SIGTERM sends it to us alone. We stay until the trainer has ended,
 * so that nobody finds it at work after us. */
static lofi_code wait_for(pid_t child, const char *python, lofi_error *err) {
    int status;
    pid_t ended;
    bool passed_on = false;
    struct timespec pause = {0, 50000000};
    lofi_interrupt_install();
    signal(SIGINT, SIG_IGN);
    while ((ended = waitpid(child, &status, WNOHANG)) == 0) {
        nanosleep(&pause, NULL);
        if (lofi_interrupt_asked() && !passed_on) passed_on = kill(child, SIGTERM) == 0;
    }
    if (ended < 0) return lofi_fail_errno(err, errno, "cannot wait for the original trainer");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return LOFI_OK;
    if (passed_on || (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM)))
        return lofi_fail(err, LOFI_ERR_INTERRUPTED, "the original trainer was stopped");
    if (WIFSIGNALED(status))
        return lofi_fail(err, LOFI_ERR_IO, "the original trainer was ended by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        return lofi_fail(err, LOFI_ERR_NOT_FOUND, "cannot start '%s' for the original trainer", python);
    lofi_fail(err, LOFI_ERR_IO, "the original trainer failed with exit status %d", WEXITSTATUS(status));
    return lofi_hint(err, "its own messages stand above");
}

/* Its standard output goes to ours for errors: standard output is for results. */
static lofi_code spawn(const launch *l, pid_t *child, lofi_error *err) {
    posix_spawn_file_actions_t actions;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure) return lofi_fail_errno(err, failure, "cannot start the original trainer");
    failure = posix_spawn_file_actions_adddup2(&actions, 2, 1);
    if (!failure) failure = posix_spawnp(child, l->words[0], &actions, NULL, l->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure) return lofi_fail_errno(err, failure, "cannot start '%s' for the original trainer", l->words[0]);
    return LOFI_OK;
}

static lofi_code start(launch *l, lofi_log *log, lofi_error *err) {
    pid_t child;
    LOFI_TRY(make_words(l, err));
    tell(l, log);
    if (l->settings->dry_run) return LOFI_OK;
    LOFI_TRY(write_config(l, err));
    LOFI_TRY(spawn(l, &child, err));
    return wait_for(child, l->words[0], err);
}

static lofi_code prepare(launch *l, lofi_error *err) {
    const lofi_train_settings *s = l->settings;
    LOFI_TRY(find_trainer(l, err));
    LOFI_TRY(check_model(s, err));
    LOFI_TRY(check_dataset(l, err));
    LOFI_TRY(lofi_path_format(l->run, err, "%s/%s", s->logger_dir, s->experiment));
    return lofi_path_format(l->config, err, "%s/lora_config.json", l->run);
}

lofi_code lofi_train_upstream(const lofi_train_settings *settings, lofi_log *log, lofi_error *err) {
    launch l = {.settings = settings};
    LOFI_TRY(lofi_arena_new(&l.arena, err));
    lofi_code code = prepare(&l, err);
    if (code == LOFI_OK) code = start(&l, log, err);
    lofi_arena_free(l.arena);
    return code;
}
