/* test_ops_harness.c - the operator harness itself: what is broken on purpose must be found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "base/file.h"
#include "ops/ops.h"
#include "ops_harness.h"

extern const lofi_op lofi_op_silu;

/* A descriptor to break, used instead of the real one by build_broken. */
static lofi_op broken;

static void build_broken(lofi_graph *graph, lofi_tensor *const *in, lofi_tensor **out, const void *settings) {
    (void)settings;
    out[0] = lofi_graph_add1(graph, &broken, NULL, in, 1);
}

static void reference(const ops_array *in, ops_array *out, const void *settings) {
    (void)settings;
    for (int64_t i = 0; i < out->count; i++) out->values[i] = in[0].values[i] / (1 + exp(-in[0].values[i]));
}

static ops_case good_case(void) {
    broken = lofi_op_silu;
    return (ops_case){.op = "silu",
                      .name = "harness",
                      .inputs = {{"S=9 7"}},
                      .outputs = {"9 7"},
                      .build = build_broken,
                      .reference = reference,
                      .gradient = 1};
}

static void expect_failure(const ops_case *test, const char *text) {
    ops_report report = {0};
    bool good = ops_check_case(test, &report) && ops_check_determinism(test, 2, &report) &&
                ops_check_slots(&broken, &report);
    if (good) fail_msg("nothing was found, expected '%s'", text);
    assert_int_equal(report.failures, 1);
    if (!strstr(report.text, text)) fail_msg("found '%s', expected '%s'", report.text, text);
}

static void test_good(void **state) {
    (void)state;
    ops_case test = good_case();
    ops_report report = {0};
    if (!ops_check_case(&test, &report) || !ops_check_determinism(&test, 2, &report) ||
        !ops_check_slots(&broken, &report) || !ops_check_notices_empty_gradient(&test, &report))
        fail_msg("%s", report.text);
    assert_int_equal(report.values, 1);
    assert_int_equal(report.gradients, 1);
    assert_int_equal(report.covered, 1);
}

static void slightly_off(const lofi_call *call) {
    lofi_op_silu.cpu(call);
    float *out = call->outputs[0].data;
    out[call->outputs[0].count - 1] *= 1.00001f;
}

static void last_element_forgotten(const lofi_call *call) {
    lofi_call shorter = *call;
    lofi_view output = call->outputs[0];
    output.count--;
    shorter.outputs = &output;
    lofi_op_silu.cpu(&shorter);
}

static void test_wrong_values(void **state) {
    (void)state;
    ops_case test = good_case();
    broken.cpu = slightly_off;
    expect_failure(&test, "output 0, element 62: expected");
    test = good_case();
    broken.cpu = last_element_forgotten;
    broken.in_place = 0;
    expect_failure(&test, "nan, allowed");
}

static int calls;

static void counts_calls(const lofi_call *call) {
    lofi_op_silu.cpu(call);
    float *out = call->outputs[0].data;
    out[0] = nextafterf(out[0], ++calls % 2 ? INFINITY : -INFINITY);
}

static void test_other_bytes(void **state) {
    (void)state;
    ops_case test = good_case();
    broken.cpu = counts_calls;
    ops_report report = {0};
    assert_false(ops_check_determinism(&test, 2, &report));
    assert_non_null(strstr(report.text, "other bytes"));
}

static void allocates(const lofi_call *call) {
    lofi_op_silu.cpu(call);
    void *volatile memory = malloc(100);
    free(memory);
}

static void test_allocation(void **state) {
    (void)state;
    if (!allocations_are_counted()) skip();
    ops_case test = good_case();
    broken.cpu = allocates;
    expect_failure(&test, "1 allocations in run 2 with 1 threads");
}

static void gives_nothing(lofi_gradient *gradient, const lofi_node *node) {
    (void)gradient, (void)node;
}

static void gives_dy(lofi_gradient *gradient, const lofi_node *node) {
    lofi_gradient_give(gradient, node, 0, lofi_gradient_of_output(gradient, node, 0));
}

static void gives_twice(lofi_gradient *gradient, const lofi_node *node) {
    lofi_op_silu.gradient(gradient, node);
    lofi_op_silu.gradient(gradient, node);
}

static void test_wrong_gradients(void **state) {
    (void)state;
    void (*const wrong[])(lofi_gradient *, const lofi_node *) = {gives_nothing, gives_dy, gives_twice};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ops_case test = good_case();
        broken.gradient = wrong[i];
        expect_failure(&test, "gradient of input 0, element");
    }
    ops_case test = good_case();
    test.gradient = 0;
    expect_failure(&test, "has a gradient that the case does not check");
    test = good_case();
    test.gradient = 0;
    broken.gradient = NULL, broken.differentiable = 0;
    expect_failure(&test, "expected the operator's own sentence");
}

static lofi_code refuses(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    (void)graph, (void)node, (void)outputs;
    return lofi_fail(err, LOFI_ERR_FORMAT, "silu: not today");
}

static lofi_code doubles(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    LOFI_TRY(lofi_op_silu.infer(graph, node, outputs, err));
    outputs[0].dims[1] = 6;
    return LOFI_OK;
}

static void test_wrong_shapes(void **state) {
    (void)state;
    ops_case test = good_case();
    broken.infer = refuses;
    expect_failure(&test, "was refused: silu: not today");
    test = good_case();
    broken.infer = doubles;
    expect_failure(&test, "output 0 has the shape '9 6', expected '9 7'");
    test = good_case();
    test.refused = "not today";
    expect_failure(&test, "was accepted");
    test = good_case();
    broken.infer = refuses;
    test.refused = "never";
    expect_failure(&test, "was refused with 'silu: not today', expected 'never'");
    test = good_case();
    test.op = "gelu";
    expect_failure(&test, "does not hold the operator");
}

static void test_slots(void **state) {
    (void)state;
    ops_case test = good_case();
    broken.cuda_gap = NULL;
    expect_failure(&test, "CUDA kernel or a sentence");
    test = good_case();
    broken.onnx = NULL;
    expect_failure(&test, "ONNX lowering or a sentence");
    test = good_case();
    ops_report report = {0};
    broken.gradient = NULL;
    assert_false(ops_check_slots(&broken, &report));
}

static void lower_to_its_input(lofi_onnx *onnx, const lofi_node *node) {
    lofi_onnx_output(onnx, node, 0, lofi_onnx_input(onnx, node, 0));
}

static void lower_to_nothing(lofi_onnx *onnx, const lofi_node *node) {
    (void)node;
    lofi_onnx_fail(onnx, "not in ONNX");
}

/* What a lowering computes is found out by ONNX Runtime only. */
static void test_wrong_lowering(void **state) {
    (void)state;
    static const lofi_onnx_settings settings = {17, LOFI_ONNX_FP32};
    lofi_onnx_runtime *runtime = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    char folder[] = "/tmp/lofi-test-harness-XXXXXX";
    assert_non_null(mkdtemp(folder));
    ops_report report = {0};
    ops_case test = good_case();
    broken.onnx = lower_to_nothing;
    bool refused = !ops_check_onnx(&test, NULL, folder, &settings, &report);
    bool said = strstr(report.text, "not in ONNX") != NULL;
    bool there = lofi_onnx_runtime_open(&runtime, NULL, &err) == LOFI_OK, noticed = false, passed = false;
    if (there) {
        test = good_case();
        passed = ops_check_onnx(&test, runtime, folder, &settings, &report);
        broken.onnx = lower_to_its_input;
        noticed = !ops_check_onnx(&test, runtime, folder, &settings, &report);
    }
    lofi_onnx_runtime_close(runtime);
    assert_int_equal(lofi_path_remove(folder, &err), LOFI_OK);
    assert_true(refused && said);
    if (!there) skip();
    assert_true(passed);
    assert_true(noticed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),         cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_other_bytes),  cmocka_unit_test(test_wrong_gradients),
        cmocka_unit_test(test_wrong_shapes), cmocka_unit_test(test_slots),
        cmocka_unit_test(test_allocation),   cmocka_unit_test(test_wrong_lowering),
    };
    return cmocka_run_group_tests_name("operator harness", tests, NULL, NULL);
}
