/* test_ops.c - every operator of src/ops/list.h through the harness: all cases of all tables, coverage, slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "graph/devices.h"
#include "ops_harness.h"

#define LOFI_OP(symbol) extern const lofi_op symbol;
#include "ops/list.h"
#undef LOFI_OP

#define LOFI_OP(symbol) &symbol,
static const lofi_op *const operators[] = {
#include "ops/list.h"
};
#undef LOFI_OP

#define OPS_CASES(name) extern const ops_case ops_cases_##name[];
#include "ops_cases_list.h"
#undef OPS_CASES

#define OPS_CASES(name) ops_cases_##name,
static const ops_case *const tables[] = {
#include "ops_cases_list.h"
};
#undef OPS_CASES

#define OPERATORS (sizeof operators / sizeof operators[0])
#define TABLES    (sizeof tables / sizeof tables[0])

static struct {
    int runs, refusals;
    unsigned covered;
} seen[OPERATORS];
static ops_report total;
static int on_device; /* checks that passed there */
static char no_gpu[256];

/* Question 4: in both precisions, and the newest opset, which says some nodes differently. */
static const lofi_onnx_settings onnx_settings[] = {{17, LOFI_ONNX_FP32}, {21, LOFI_ONNX_FP32}, {17, LOFI_ONNX_FP16}};
static lofi_onnx_runtime *runtime;
static lofi_device *gpu; /* NULL: there is none, or the build has no CUDA */
static char folder[] = "/tmp/lofi-test-ops-XXXXXX";

static int operator_named(const char *name) {
    for (size_t i = 0; i < OPERATORS; i++)
        if (strcmp(operators[i]->name, name) == 0) return (int)i;
    return -1;
}

static void test_case(void **state) {
    const ops_case *test = *state;
    ops_report report = {0};
    int at = operator_named(test->op);
    if (at < 0) fail_msg("%s, %s: no operator of that name is in src/ops/list.h", test->op, test->name);
    if (!ops_check_case(test, &report)) fail_msg("%s", report.text);
    if (!ops_check_determinism(test, 2, &report)) fail_msg("%s", report.text);
    for (size_t i = 0; i < sizeof onnx_settings / sizeof onnx_settings[0]; i++)
        if (!ops_check_onnx(test, runtime, folder, &onnx_settings[i], &report))
            fail_msg("%s(opset %d, %s)", report.text, onnx_settings[i].opset,
                     onnx_settings[i].precision == LOFI_ONNX_FP16 ? "fp16" : "fp32");
    bool first_gradient = !seen[at].covered && report.covered;
    if (first_gradient && !ops_check_notices_empty_gradient(test, &report)) fail_msg("%s", report.text);
    if (test->refused)
        seen[at].refusals++;
    else
        seen[at].runs++;
    seen[at].covered |= report.covered;
    total.values += report.values;
    total.gradients += report.gradients;
    total.refusals += report.refusals;
    total.onnx += report.onnx;
}

/* Whether everything in the graphs of a case, gradients included, can run on the device is for the session to say. */
static void test_case_on_device(void **state) {
    const ops_case *test = *state;
    ops_report report = {0};
    ops_use_device(gpu);
    bool good = ops_check_case(test, &report) && ops_check_determinism(test, 2, &report);
    ops_use_device(NULL);
    if (!good) fail_msg("%s", report.text);
    on_device += report.values + report.gradients;
}

static void test_every_operator_has_cases(void **state) {
    (void)state;
    char missing[2048] = "";
    for (size_t i = 0; i < OPERATORS; i++) {
        const char *lacks = !seen[i].runs                                   ? "no case that runs"
                            : !seen[i].refusals && operators[i]->min_inputs ? "no refused shape"
                                                                            : NULL;
        if (lacks)
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s: %s\n", operators[i]->name,
                     lacks);
    }
    if (*missing) fail_msg("%s", missing);
}

static void test_every_gradient_is_checked(void **state) {
    (void)state;
    char missing[2048] = "";
    for (size_t i = 0; i < OPERATORS; i++) {
        int inputs = operators[i]->max_inputs <= 8 ? operators[i]->max_inputs : operators[i]->min_inputs;
        unsigned needed = operators[i]->differentiable & ((1u << inputs) - 1u), unchecked = needed & ~seen[i].covered;
        for (int bit = 0; bit < inputs; bit++)
            if (unchecked >> bit & 1)
                snprintf(missing + strlen(missing), sizeof missing - strlen(missing),
                         "%s: no case checks the gradient of input %d\n", operators[i]->name, bit);
    }
    if (*missing) fail_msg("%s", missing);
}

static void test_slots(void **state) {
    (void)state;
    ops_report report = {0};
    for (size_t i = 0; i < OPERATORS; i++) {
        if (operator_named(operators[i]->name) != (int)i) fail_msg("two operators are called '%s'", operators[i]->name);
        ops_check_slots(operators[i], &report);
    }
    if (report.failures) fail_msg("%s", report.text);
}

/* How many operators lack a slot, sentence by sentence. */
static void print_gaps(const char *what, const char *(*gap_of)(const lofi_op *op)) {
    for (size_t i = 0; i < OPERATORS; i++) {
        const char *gap = gap_of(operators[i]);
        int count = 0;
        for (size_t j = 0; gap && j < OPERATORS; j++) {
            const char *other = gap_of(operators[j]);
            if (!other || strcmp(other, gap) != 0) continue;
            if (j < i) break;
            count++;
        }
        if (count) printf("gap: %s of %d operators: %s\n", what, count, gap);
    }
}

static const char *cuda_gap(const lofi_op *op) {
    return op->cuda_gap;
}

static const char *onnx_gap(const lofi_op *op) {
    return op->onnx_gap;
}

static const char *gradient_gap(const lofi_op *op) {
    return op->gradient_gap;
}

static void print_summary(void) {
    printf("%zu operators: values %d, gradients %d, refusals %d, ONNX graphs %d\n", OPERATORS, total.values,
           total.gradients, total.refusals, total.onnx);
    if (runtime)
        printf("ONNX graphs were run in ONNX Runtime %s\n", lofi_onnx_runtime_version(runtime));
    else
        printf("skipped: ONNX graphs were written, not run: there is no ONNX Runtime (LOFI_ONNXRUNTIME)\n");
    if (gpu)
        printf("%d values and gradients were computed on %s, too\n", on_device, gpu->name);
    else
        printf("skipped: CUDA kernels: %s\n", no_gpu);
    print_gaps("CUDA", cuda_gap);
    print_gaps("ONNX", onnx_gap);
    print_gaps("some gradient", gradient_gap);
}

/* The first GPU that can be used. One that is there and cannot be opened is no reason to skip. */
static bool open_gpu(void) {
    lofi_device_facts facts;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_device_list_cuda(&facts, 1, no_gpu) == 0) return true;
    if (lofi_device_open(&gpu, "cuda", false, &err) == LOFI_OK) return true;
    printf("%s\n", err.message);
    return false;
}

/* With an argument ("silu: *") only the cases whose names match it. */
int main(int argc, char **argv) {
    size_t count = 0;
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    for (size_t t = 0; t < TABLES; t++)
        for (const ops_case *test = tables[t]; test->op; test++) count++;
    struct CMUnitTest *tests = calloc(2 * count + 3, sizeof *tests);
    char(*names)[160] = calloc(2 * count, sizeof *names);
    if (!tests || !names || !open_gpu()) return 1;
    size_t at = 0;
    for (size_t t = 0; t < TABLES; t++)
        for (const ops_case *test = tables[t]; test->op; test++, at++) {
            snprintf(names[at], sizeof names[at], "%s: %s", test->op, test->name);
            tests[at] = (struct CMUnitTest){names[at], test_case, NULL, NULL, (void *)(uintptr_t)test};
        }
    for (size_t i = 0; gpu && i < count; i++, at++) {
        snprintf(names[at], sizeof names[at], "%s (%s)", names[i], gpu->name);
        tests[at] = tests[i];
        tests[at].name = names[at], tests[at].test_func = test_case_on_device;
    }
    tests[at++] = (struct CMUnitTest)cmocka_unit_test(test_every_operator_has_cases);
    tests[at++] = (struct CMUnitTest)cmocka_unit_test(test_every_gradient_is_checked);
    tests[at++] = (struct CMUnitTest)cmocka_unit_test(test_slots);
    lofi_error err = LOFI_ERROR_INIT;
    const char *named = getenv("LOFI_ONNXRUNTIME");
    if (lofi_onnx_runtime_open(&runtime, NULL, &err) != LOFI_OK && named && *named) {
        printf("%s\n", err.message); /* one that is named and does not load is no reason to skip */
        return 1;
    }
    if (!mkdtemp(folder)) return 1;
    int failed = _cmocka_run_group_tests("operators", tests, at, NULL, NULL);
    print_summary();
    lofi_onnx_runtime_close(runtime);
    lofi_device_close(gpu);
    if (lofi_path_remove(folder, &err) != LOFI_OK) failed++;
    free(tests);
    free(names);
    return failed;
}
