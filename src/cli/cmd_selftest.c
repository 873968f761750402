/* cmd_selftest.c - does this build on this machine compute what the original computes? */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/command.h"
#include "cli/device_option.h"
#include "eval/selftest.h"

typedef struct selftest_settings {
    const char *reference, *save_outputs, *device, *precision;
    lofi_list only;
    int64_t threads;
} selftest_settings;

/* ---- JSON ---- */

static json_t *notes_json(const lofi_selftest_note *notes, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "case", notes[i].case_name, "reason", notes[i].reason));
    return list;
}

static json_t *results_json(const lofi_selftest_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < report->result_count; i++) {
        const lofi_selftest_result *r = &report->results[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:f, s:b}", "case", r->case_name, "tensor",
                                              r->tensor, "relative_error", lofi_json_finite(r->relative_error),
                                              "max_abs_error", lofi_json_finite(r->max_abs_error), "limit", r->limit,
                                              "passed", (int)r->passed));
    }
    return list;
}

static json_t *planned_json(const lofi_selftest_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < report->planned_count; i++) json_array_append_new(list, json_string(report->planned[i]));
    return list;
}

/* What computes: NULL is the CPU. */
static const char *name_of(const lofi_device *device) {
    return device ? device->name : "cpu";
}

static lofi_code print_document(lofi_context *context, const lofi_selftest_report *report, const lofi_device *device,
                                lofi_error *err) {
    json_t *document = json_pack("{s:o, s:o, s:I, s:I, s:s, s:s}", "results", results_json(report), "skipped",
                                 notes_json(report->skipped, report->skipped_count), "passed",
                                 (json_int_t)report->passed, "failed", (json_int_t)report->failed, "device",
                                 name_of(device), "precision", device && device->bf16 ? "bf16" : "fp32");
    if (!document) return lofi_fail(err, LOFI_ERR_MEMORY, "not enough memory for the report");
    if (context->dry_run) json_object_set_new(document, "would_run", planned_json(report));
    if (report->damaged_count > 0) {
        const lofi_error *damage = &report->damage;
        json_object_set_new(document, "damaged", notes_json(report->damaged, report->damaged_count));
        json_object_set_new(document, "error",
                            json_pack("{s:s, s:s, s:s}", "code", lofi_code_name(damage->code), "message",
                                      damage->message, "hint", damage->hint));
    }
    return lofi_print_json(context, document, err);
}

/* ---- the table ---- */

/* A line of the table: one tensor, or a family of tensors ("grad.*") of which all are within their limit. */
typedef struct table_line {
    const char *case_name, *tensor;
    double relative, largest, limit;
    bool passed;
    size_t count; /* how many tensors it stands for */
} table_line;

/* Length of "grad." in "grad.a.b"; 0 when the name has no family. */
static size_t family_length(const char *tensor) {
    const char *dot = strchr(tensor, '.');
    return dot ? (size_t)(dot - tensor) + 1 : 0;
}

static bool same_family(const lofi_selftest_result *a, const lofi_selftest_result *b) {
    size_t length = family_length(a->tensor);
    return length > 0 && a->case_name == b->case_name && strncmp(a->tensor, b->tensor, length) == 0 && a->passed &&
           b->passed && a->limit == b->limit;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* The results from `first` on that share a line, and that line. */
static table_line line_at(const lofi_context *context, const lofi_selftest_report *report, size_t first) {
    const lofi_selftest_result *r = &report->results[first];
    table_line line = {r->case_name, r->tensor, r->relative_error, r->max_abs_error, r->limit, r->passed, 1};
    while (!context->verbose && first + line.count < report->result_count && same_family(r, r + line.count)) {
        line.relative = larger(line.relative, r[line.count].relative_error);
        line.largest = larger(line.largest, r[line.count].max_abs_error);
        line.count++;
    }
    return line;
}

static void line_name(char name[512], const table_line *line) {
    if (line->count == 1)
        snprintf(name, 512, "%s", line->tensor);
    else
        snprintf(name, 512, "%.*s* (%zu)", (int)family_length(line->tensor), line->tensor, line->count);
}

static void measure_columns(const lofi_context *context, const lofi_selftest_report *report, int *case_width,
                            int *tensor_width) {
    *case_width = (int)strlen("case");
    *tensor_width = (int)strlen("tensor");
    for (size_t i = 0; i < report->result_count;) {
        table_line line = line_at(context, report, i);
        char name[512];
        line_name(name, &line);
        int in_case = (int)strlen(line.case_name), in_tensor = (int)strlen(name);
        if (in_case > *case_width) *case_width = in_case;
        if (in_tensor > *tensor_width) *tensor_width = in_tensor;
        i += line.count;
    }
}

static bool colour_wanted(void) {
    const char *no = getenv("NO_COLOR");
    return (!no || *no == '\0') && isatty(STDOUT_FILENO);
}

static void print_table(const lofi_context *context, const lofi_selftest_report *report) {
    int case_width, tensor_width;
    bool colour = colour_wanted();
    if (report->result_count == 0) return;
    measure_columns(context, report, &case_width, &tensor_width);
    lofi_print(context, "%-*s  %-*s  %10s  %10s  %8s  %s", case_width, "case", tensor_width, "tensor", "rel. error",
               "largest", "limit", "verdict");
    for (size_t i = 0; i < report->result_count;) {
        table_line line = line_at(context, report, i);
        char name[512];
        line_name(name, &line);
        const char *start = !colour ? "" : line.passed ? "\033[32m" : "\033[1;31m", *end = colour ? "\033[0m" : "";
        lofi_print(context, "%-*s  %-*s  %10.2e  %10.2e  %8.0e  %s%s%s", case_width, line.case_name, tensor_width, name,
                   line.relative, line.largest, line.limit, start, line.passed ? "ok" : "FAILED", end);
        i += line.count;
    }
}

static void print_notes(const lofi_context *context, const char *word, const lofi_selftest_note *notes, size_t count) {
    for (size_t i = 0; i < count; i++) lofi_print(context, "%s  %s: %s", word, notes[i].case_name, notes[i].reason);
}

static void print_report(const lofi_context *context, const lofi_selftest_report *report, const lofi_device *device) {
    print_table(context, report);
    for (size_t i = 0; i < report->planned_count; i++) lofi_print(context, "would run  %s", report->planned[i]);
    if (report->skipped_count > 0) lofi_print(context, "%s", "");
    print_notes(context, "skipped", report->skipped, report->skipped_count);
    print_notes(context, "damaged", report->damaged, report->damaged_count);
    lofi_print(context, "%s", "");
    lofi_print(context, "%zu passed, %zu failed, %zu skipped%s%s%s", report->passed, report->failed,
               report->skipped_count, device ? " on " : "", device ? device->name : "",
               device && device->bf16 ? " in bf16" : "");
}

/* ---- the command ---- */

static lofi_code verdict(const lofi_selftest_report *report, lofi_error *err) {
    if (report->damaged_count > 0) {
        *err = report->damage;
        if (err->code == LOFI_ERR_USAGE || err->code == LOFI_ERR_LIMIT)
            err->code = LOFI_ERR_FORMAT; /* not the user's flags */
        return err->code;
    }
    if (report->failed == 0) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_LIMIT, "%zu of %zu tensors differ from the reference by more than their limit",
              report->failed, report->failed + report->passed);
    return lofi_hint(err, "this build does not compute what the original computes: do not train with it");
}

static lofi_code find_settings(lofi_selftest_options *options, lofi_context *context, const selftest_settings *settings,
                               lofi_error *err) {
    *options = (lofi_selftest_options){.reference = settings->reference,
                                       .only = settings->only.items,
                                       .only_count = settings->only.count,
                                       .save_outputs = settings->save_outputs,
                                       .threads = (int)settings->threads,
                                       .list = context->dry_run};
    lofi_threads_limit(options->threads);
    if (!options->reference) LOFI_TRY(lofi_installed_folder(&options->reference, context, "reference", err));
    return lofi_environment_path(&options->ace_step_dir, context, "ACE_STEP_DIR", err);
}

static lofi_code run_on(const lofi_device *device, lofi_context *context, const lofi_selftest_options *options,
                        lofi_error *err) {
    lofi_selftest_report report;
    lofi_code code = lofi_selftest_run(&report, options, context->log, err);
    if (code == LOFI_OK && context->json) code = print_document(context, &report, device, err);
    if (code == LOFI_OK) {
        print_report(context, &report, device);
        code = verdict(&report, err);
    }
    lofi_selftest_report_free(&report);
    return code;
}

static lofi_code run(lofi_context *context, const void *given, lofi_error *err) {
    const selftest_settings *settings = given;
    lofi_selftest_options options;
    lofi_device *device;
    LOFI_TRY(find_settings(&options, context, settings, err));
    LOFI_TRY(lofi_use_device_in(&device, settings->device, settings->precision, NULL, err));
    lofi_code code = run_on(device, context, &options, err);
    lofi_device_close(device);
    return code;
}

static const lofi_option options_table[] = {
    {.name = "reference",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(selftest_settings, reference),
     .value = "DIR",
     .help = "folder with model/, adapters/ and cases/ (default: the one that is installed)"},
    {.name = "only",
     .kind = LOFI_OPTION_LIST,
     .offset = offsetof(selftest_settings, only),
     .value = "CASE",
     .help = "run this case alone; repeatable"},
    {.name = "save-outputs",
     .kind = LOFI_OPTION_PATH,
     .offset = offsetof(selftest_settings, save_outputs),
     .value = "DIR",
     .help = "write what was computed: one CASE.safetensors or CASE.json per case, with the recorded names"},
    {.name = "device",
     .kind = LOFI_OPTION_TEXT,
     .offset = offsetof(selftest_settings, device),
     .value = "D",
     .fallback = "cpu",
     .help = LOFI_DEVICE_HELP},
    {.name = "precision",
     .kind = LOFI_OPTION_CHOICE,
     .offset = offsetof(selftest_settings, precision),
     .value = "P",
     .fallback = "fp32",
     .choices = "bf16|fp32",
     .help = "of products on a GPU: bf16 rounds their operands, which the limits do not allow for"},
    {.name = "threads",
     .kind = LOFI_OPTION_INT,
     .offset = offsetof(selftest_settings, threads),
     .value = "N",
     .fallback = "0",
     .min = 0,
     .max = 1024,
     .help = "threads of the arithmetic (0: all processors)"},
    {0}};

const lofi_command lofi_command_selftest = {
    .name = "selftest",
    .summary = "prove that this build computes what the original computes",
    .details =
        "Runs small networks on recorded inputs and compares with what the original Python code computed from them: "
        "tokenizers, resampling, log-mel, encoders, transformer, gradients, training steps, adapters. For each tensor "
        "it "
        "prints the relative error (l2, in double precision), the largest deviation, the limit and the verdict. What "
        "this "
        "build does not compute is listed as skipped, with the reason.\n\n"
        "A line such as 'grad.* (66)' stands for 66 tensors and shows the worst of them; --verbose shows each.\n\n"
        "The exit status is 0 when all is within the limits, 1 when the reference is missing or damaged, 3 when a "
        "limit is "
        "passed.\n\n"
        "Examples:\n"
        "  lofi selftest\n"
        "  lofi selftest --reference reference --only umt5 --only transformer --save-outputs computed\n",
    .options = options_table,
    .settings_bytes = sizeof(selftest_settings),
    .run = run,
    .computes = true,
};
