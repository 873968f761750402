/* selftest.c - finds the cases of a reference, runs those that are known, and keeps the books. */
#include "eval/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "catalog/nearest.h"
#include "eval/selftest_case.h"

#define LOFI_SELFTEST_CASE(symbol) extern const lofi_selftest_case symbol;
#include "eval/cases.h"

static const lofi_selftest_case *const known[] = {
#define LOFI_SELFTEST_CASE(symbol) &symbol,
#include "eval/cases.h"
};

static const char *const inputs_only[] = {
#define LOFI_SELFTEST_INPUTS(name) name,
#include "eval/cases.h"
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- which cases ---- */

static bool listed(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static bool asked(const lofi_selftest_options *options, const char *name) {
    return options->only_count == 0 || listed(options->only, options->only_count, name);
}

static bool is_known(const char *name) {
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(known[i]->name, name) == 0) return true;
    return false;
}

/* Names of files in cases/ without their extension, each once. */
typedef struct case_files {
    lofi_listing listing;
    const char **names;
    size_t count;
} case_files;

static lofi_code find_files(case_files *files, lofi_selftest *test, lofi_error *err) {
    char folder[LOFI_PATH_MAX], stem[LOFI_PATH_MAX];
    LOFI_TRY(lofi_selftest_path(folder, test, "cases", err));
    if (!lofi_path_is_folder(folder)) {
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' is no reference: there is no folder '%s'", test->options->reference,
                  folder);
        return lofi_hint(
            err, "a reference holds model/, adapters/ and cases/; without --reference the installed one is used");
    }
    LOFI_TRY(lofi_folder_list(&files->listing, folder, false, NULL, NULL, err));
    files->names = lofi_arena_alloc(test->report->arena, (files->listing.count + 1) * sizeof *files->names);
    if (!files->names) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
    for (size_t i = 0; i < files->listing.count; i++) {
        const char *extension = lofi_path_extension(files->listing.names[i]);
        if (strcmp(extension, ".safetensors") != 0 && strcmp(extension, ".json") != 0) continue;
        LOFI_TRY(lofi_path_stem(stem, files->listing.names[i], err));
        if (listed(files->names, files->count, stem)) continue;
        files->names[files->count] = lofi_arena_strdup(test->report->arena, stem);
        if (!files->names[files->count]) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
        files->count++;
    }
    if (files->count == 0) return lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' holds no cases", folder);
    return LOFI_OK;
}

/* Every name asked for is a case of this program or of this reference. */
static lofi_code check_asked(const lofi_selftest_options *options, const case_files *files, lofi_error *err) {
    const char *names[COUNT(known)];
    for (size_t i = 0; i < COUNT(known); i++) names[i] = known[i]->name;
    for (size_t i = 0; i < options->only_count; i++) {
        const char *name = options->only[i];
        bool there = listed(files->names, files->count, name) && !listed(inputs_only, COUNT(inputs_only), name);
        if (there) continue;
        if (is_known(name)) {
            lofi_fail(err, LOFI_ERR_NOT_FOUND, "'%s' holds no case '%s'", options->reference, name);
            return lofi_hint(err, "--reference names a folder that holds it");
        }
        lofi_fail(err, LOFI_ERR_USAGE, "there is no case '%s'", name);
        return lofi_hint(err, "did you mean '%s'?", lofi_nearest(name, names, COUNT(known)));
    }
    return LOFI_OK;
}

/* ---- one case ---- */

static lofi_code open_case(lofi_selftest *test, const char *path, lofi_error *err) {
    if (test->now->json) {
        LOFI_TRY(lofi_json_load(&test->document, path, err));
        return json_is_object(test->document) ? LOFI_OK
                                              : lofi_fail(err, LOFI_ERR_FORMAT, "'%s': expected a JSON object", path);
    }
    LOFI_TRY(lofi_safetensors_open(&test->recorded, path, err));
    test->used = lofi_arena_alloc(test->arena, lofi_safetensors_count(test->recorded) + 1);
    return test->used ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
}

/* Tensors that the case neither read nor compared. */
static lofi_code tell_unused(lofi_selftest *test, lofi_error *err) {
    for (size_t i = 0; test->recorded && i < lofi_safetensors_count(test->recorded); i++)
        if (!test->used[i])
            LOFI_TRY(lofi_selftest_skip(test, err, "%s: this build does not compute it",
                                        lofi_safetensors_at(test->recorded, i)->name));
    return LOFI_OK;
}

static lofi_code run_case(lofi_selftest *test, const char *path, lofi_error *err) {
    LOFI_TRY(lofi_arena_new(&test->arena, err));
    LOFI_TRY(open_case(test, path, err));
    LOFI_TRY(test->now->run(test, err));
    return tell_unused(test, err);
}

static lofi_code save_case(const lofi_selftest *test, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    const char *folder = test->options->save_outputs;
    if (!folder) return LOFI_OK;
    if (test->output_document) {
        LOFI_TRY(lofi_path_format(path, err, "%s/%s.json", folder, test->now->name));
        return lofi_json_save(test->output_document, path, err);
    }
    if (test->output_count == 0) return LOFI_OK;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s.safetensors", folder, test->now->name));
    return lofi_safetensors_save(path, test->outputs, test->output_count, NULL, err);
}

static void close_case(lofi_selftest *test) {
    lofi_safetensors_close(test->recorded);
    json_decref(test->document);
    json_decref(test->output_document);
    free(test->outputs);
    lofi_arena_free(test->arena);
    *test = (lofi_selftest){.options = test->options, .report = test->report, .log = test->log};
}

static lofi_code add_damaged(lofi_selftest *test, const lofi_error *damage, lofi_error *err) {
    lofi_selftest_report *report = test->report;
    LOFI_TRY(lofi_grow((void **)&report->damaged, &report->damaged_capacity, report->damaged_count + 1,
                       sizeof *report->damaged, 4096, err));
    const char *reason = lofi_arena_strdup(report->arena, damage->message);
    if (!reason) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
    if (report->damaged_count == 0) {
        report->damage = *damage;
        lofi_error_prefix(&report->damage, "case '%s'", test->now->name);
        if (damage->hint[0] == '\0') lofi_hint(&report->damage, "the reference is incomplete or damaged: take it anew");
    }
    report->damaged[report->damaged_count++] = (lofi_selftest_note){test->now->name, reason};
    return LOFI_OK;
}

/* What went wrong with the reference is written down; what went wrong with this machine ends the self-test. */
static lofi_code judge(lofi_selftest *test, lofi_code code, const lofi_error *problem, lofi_error *err) {
    switch (code) {
    case LOFI_OK: return LOFI_OK;
    case LOFI_ERR_UNSUPPORTED: return lofi_selftest_skip(test, err, "%s", problem->message);
    case LOFI_ERR_MEMORY:
    case LOFI_ERR_INTERRUPTED: *err = *problem; return code;
    default: return add_damaged(test, problem, err);
    }
}

static lofi_code plan_case(lofi_selftest *test, lofi_error *err) {
    lofi_selftest_report *report = test->report;
    LOFI_TRY(lofi_grow((void **)&report->planned, &report->planned_capacity, report->planned_count + 1,
                       sizeof *report->planned, 4096, err));
    report->planned[report->planned_count++] = test->now->name;
    return LOFI_OK;
}

static lofi_code do_case(lofi_selftest *test, lofi_error *err) {
    char name[256], path[LOFI_PATH_MAX];
    lofi_error problem = LOFI_ERROR_INIT;
    snprintf(name, sizeof name, "cases/%s.%s", test->now->name, test->now->json ? "json" : "safetensors");
    LOFI_TRY(lofi_selftest_path(path, test, name, err));
    if (!lofi_path_exists(path)) return LOFI_OK;
    if (test->options->list) return plan_case(test, err);
    lofi_code code = run_case(test, path, &problem);
    LOFI_TRY(judge(test, code, &problem, err));
    return code == LOFI_OK || code == LOFI_ERR_UNSUPPORTED ? save_case(test, err) : LOFI_OK;
}

/* ---- all ---- */

static lofi_code run_known(lofi_selftest *test, lofi_error *err) {
    for (size_t i = 0; i < COUNT(known); i++) {
        if (lofi_interrupt_asked()) return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted");
        if (!asked(test->options, known[i]->name)) continue;
        lofi_verbose(test->log, "case %s", known[i]->name);
        test->now = known[i];
        lofi_code code = do_case(test, err);
        close_case(test);
        LOFI_TRY(code);
    }
    return LOFI_OK;
}

static lofi_code tell_others(lofi_selftest *test, const case_files *files, lofi_error *err) {
    for (size_t i = 0; i < files->count; i++) {
        const char *name = files->names[i];
        if (is_known(name) || listed(inputs_only, COUNT(inputs_only), name) || !asked(test->options, name)) continue;
        lofi_selftest_case *unknown = lofi_arena_alloc(test->report->arena, sizeof *unknown);
        if (!unknown) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the self-test");
        unknown->name = name;
        test->now = unknown;
        LOFI_TRY(lofi_selftest_skip(test, err, "this build does not know this case"));
    }
    return LOFI_OK;
}

static lofi_code run_all(lofi_selftest *test, case_files *files, lofi_error *err) {
    const lofi_selftest_options *options = test->options;
    LOFI_TRY(find_files(files, test, err));
    LOFI_TRY(check_asked(options, files, err));
    if (options->save_outputs && !options->list) LOFI_TRY(lofi_folder_make(options->save_outputs, err));
    LOFI_TRY(run_known(test, err));
    return tell_others(test, files, err);
}

lofi_code lofi_selftest_run(lofi_selftest_report *report, const lofi_selftest_options *options, lofi_log *log,
                            lofi_error *err) {
    case_files files = {0};
    *report = (lofi_selftest_report){.damage = LOFI_ERROR_INIT};
    lofi_selftest test = {.options = options, .report = report, .log = log};
    LOFI_TRY(lofi_arena_new(&report->arena, err));
    lofi_code code = run_all(&test, &files, err);
    lofi_listing_free(&files.listing);
    return code;
}

void lofi_selftest_report_free(lofi_selftest_report *report) {
    free(report->results);
    free(report->skipped);
    free(report->damaged);
    free(report->planned);
    lofi_arena_free(report->arena);
    *report = (lofi_selftest_report){.damage = LOFI_ERROR_INIT};
}
