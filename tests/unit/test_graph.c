/* test_graph.c - symbolic dimensions, memory plans, sessions and differentiation, on graphs small enough to check by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "graph/op.h"
#include "graph/session.h"
#include "ops/gradient.h"
#include "ops/ops.h"

static lofi_graph *new_graph(void) {
    lofi_graph *graph = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_graph_new(&graph, &err), LOFI_OK);
    return graph;
}

/* ---- dimensions ---- */

static void equal_expressions_are_one(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim s = lofi_dim_symbol(g, "s"), t = lofi_dim_symbol(g, "t");
    assert_int_equal(lofi_dim_symbol(g, "s"), s);
    assert_int_equal(lofi_dim_add(g, s, t), lofi_dim_add(g, t, s));
    assert_int_equal(lofi_dim_mul(g, lofi_dim_add(g, s, 1), t), lofi_dim_add(g, lofi_dim_mul(g, t, s), t));
    assert_int_equal(lofi_dim_sub(g, lofi_dim_add(g, s, t), t), s);
    assert_int_equal(lofi_dim_offset(g, lofi_dim_offset(g, s, -1), 1), s);
    assert_int_equal(lofi_dim_add(g, 3, 4), 7);
    assert_int_not_equal(lofi_dim_mul(g, s, 2), lofi_dim_mul(g, t, 2));
    assert_int_equal(lofi_dim_sub(g, s, s), 0);
    assert_int_equal(lofi_graph_check(g, NULL), LOFI_OK);
    lofi_graph_free(g);
}

static void quotients_keep_what_divides(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim s = lofi_dim_symbol(g, "s");
    assert_int_equal(lofi_dim_floor_div(g, lofi_dim_mul(g, s, 8), 8), s);
    assert_int_equal(lofi_dim_floor_div(g, lofi_dim_offset(g, lofi_dim_mul(g, s, 8), 3), 8), s);
    assert_int_equal(lofi_dim_convolved(g, s, 3, 1, 1), s);
    lofi_dim half = lofi_dim_convolved(g, s, 3, 2, 1);
    for (int64_t v = 1; v < 40; v++) assert_int_equal(lofi_dim_value(g, half, &v), (v + 2 - 3) / 2 + 1);
    assert_int_equal(half, lofi_dim_convolved(g, s, 3, 2, 1));
    lofi_graph_free(g);
}

static void values_and_texts(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim a = lofi_dim_symbol(g, "a"), b = lofi_dim_symbol(g, "b");
    lofi_dim d = lofi_dim_offset(g, lofi_dim_add(g, lofi_dim_mul(g, lofi_dim_mul(g, a, b), 2), b), -1);
    int64_t values[] = {5, 7};
    assert_int_equal(lofi_dim_value(g, d, values), 2 * 35 + 7 - 1);
    assert_string_equal(lofi_dim_text(g, d), "-1+b+2*a*b");
    assert_string_equal(lofi_dim_text(g, 12), "12");
    lofi_graph_free(g);
}

static void negative_number_is_a_failure(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim_offset(g, 3, -5);
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_not_equal(lofi_graph_check(g, &err), LOFI_OK);
    lofi_graph_free(g);
}

static void sizes_that_do_not_fit(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim n = lofi_dim_symbol(g, "n"), cube = lofi_dim_mul(g, lofi_dim_mul(g, n, n), n);
    int64_t value = (int64_t)1 << 22;
    assert_true(lofi_dim_value(g, cube, &value) == INT64_MAX);
    assert_true(lofi_dim_value(g, lofi_dim_floor_div(g, lofi_dim_offset(g, cube, 1), 3), &value) == INT64_MAX);
    value = (int64_t)1 << 20;
    assert_true(lofi_dim_value(g, cube, &value) == (int64_t)1 << 60);
    assert_int_equal(lofi_graph_check(g, NULL), LOFI_OK);
    lofi_dim_add(g, INT64_MAX, 1);
    assert_int_equal(lofi_graph_check(g, NULL), LOFI_ERR_FORMAT);
    lofi_graph_free(g);
}

/* ---- building ---- */

static void first_failure_is_kept_with_its_place(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_tensor *a = lofi_graph_input(g, "a", lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){3, 4}));
    lofi_tensor *b = lofi_graph_input(g, "b", lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){5, 6}));
    lofi_graph_scope_push(g, "outer");
    lofi_graph_scope_push(g, "inner.%d", 3);
    assert_null(lofi_add(g, a, b));
    lofi_graph_scope_pop(g);
    lofi_graph_scope_pop(g);
    assert_null(lofi_silu(g, a));
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_graph_check(g, &err), LOFI_ERR_FORMAT);
    assert_non_null(strstr(err.message, "outer.inner.3"));
    assert_non_null(strstr(err.message, "[3, 4]"));
    lofi_graph_free(g);
}

static void two_inputs_of_one_name(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim one = 1;
    assert_non_null(lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 1, &one)));
    assert_null(lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 1, &one)));
    assert_true(lofi_graph_failed(g));
    lofi_graph_free(g);
}

/* ---- running ---- */

/* A chain of unary operators: every second tensor may lie where the one before last lay. */
static lofi_tensor *chain(lofi_graph *g, lofi_tensor *x, int length) {
    for (int i = 0; i < length; i++) x = lofi_affine(g, x, 0.5f, 1.0f);
    return x;
}

static void places_are_shared(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim n = lofi_dim_symbol(g, "n");
    lofi_tensor *x = lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 1, &n));
    lofi_tensor *y = lofi_graph_output(g, "y", chain(g, x, 50));
    lofi_session *session = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_session_new(&session, g, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    lofi_session_set(session, "n", 1000);
    assert_int_equal(lofi_session_prepare(session, &err), LOFI_OK);
    assert_true(lofi_session_get_stats(session).activation_bytes <= 3 * 4096);

    void *data;
    lofi_session_poison(session);
    assert_int_equal(lofi_session_data(session, x, &data, NULL, &err), LOFI_OK);
    for (int i = 0; i < 1000; i++) ((float *)data)[i] = (float)i;
    assert_int_equal(lofi_session_run(session, &err), LOFI_OK);
    assert_int_equal(lofi_session_data(session, y, &data, NULL, &err), LOFI_OK);
    for (int i = 0; i < 1000; i++) {
        float expected = (float)i;
        for (int k = 0; k < 50; k++) expected = 0.5f * expected + 1.0f;
        assert_float_equal(((float *)data)[i], expected, 1e-6);
    }
    lofi_session_free(session);
    lofi_graph_free(g);
}

static void plans_are_kept_and_the_buffer_grows_once(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim n = lofi_dim_symbol(g, "n");
    lofi_tensor *x = lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 1, &n));
    lofi_graph_output(g, "y", chain(g, x, 3));
    lofi_session *session = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_session_new(&session, g, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    static const int64_t lengths[] = {100, 50, 5000, 100, 50, 5000, 70};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        lofi_session_set(session, "n", lengths[i]);
        assert_int_equal(lofi_session_prepare(session, &err), LOFI_OK);
        assert_int_equal(lofi_session_dim(session, x, 0), lengths[i]);
    }
    lofi_session_stats stats = lofi_session_get_stats(session);
    assert_int_equal(stats.plans, 4);
    assert_int_equal(stats.allocations, 2);
    lofi_session_free(session);
    lofi_graph_free(g);
}

/* Views and operators in place lead to outputs and to memory of the caller without writing over anything that is read later. */
static void shared_memory_keeps_what_is_read_later(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim n = 4, square[] = {2, 2};
    static float weights[4] = {1, 2, 3, 4};
    lofi_tensor *x = lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 1, &n));
    lofi_tensor *w = lofi_graph_parameter(g, "w", lofi_shape_of(LOFI_F32, 1, &n), weights, false);
    lofi_tensor *of_input = lofi_affine(g, lofi_reshape(g, x, 2, square), 2.0f, 0.0f);
    lofi_tensor *of_weight = lofi_affine(g, lofi_reshape(g, w, 2, square), 2.0f, 0.0f);
    lofi_tensor *sum = lofi_add(g, of_input, of_weight), *kept = lofi_reshape(g, sum, 1, &n);
    lofi_graph_output(g, "kept", kept);
    lofi_tensor *twice = lofi_add(g, sum, sum), *last = lofi_affine(g, lofi_reshape(g, twice, 1, &n), 1.0f, 1.0f);
    lofi_graph_output(g, "last", last);
    lofi_session *session = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_session_new(&session, g, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    assert_int_equal(lofi_session_prepare(session, &err), LOFI_OK);
    void *in, *first, *second;
    lofi_session_poison(session);
    assert_int_equal(lofi_session_data(session, x, &in, NULL, &err), LOFI_OK);
    assert_int_equal(lofi_session_data(session, kept, &first, NULL, &err), LOFI_OK);
    assert_int_equal(lofi_session_data(session, last, &second, NULL, &err), LOFI_OK);
    memcpy(in, (float[]){10, 20, 30, 40}, 4 * sizeof(float));
    for (int runs = 0; runs < 2; runs++) {
        assert_int_equal(lofi_session_run(session, &err), LOFI_OK);
        for (int i = 0; i < 4; i++) {
            float expected = 2.0f * (float)(10 * (i + 1)) + 2.0f * (float)(i + 1);
            assert_true(((float *)first)[i] == expected && ((float *)second)[i] == 2.0f * expected + 1.0f);
            assert_true(((float *)in)[i] == (float)(10 * (i + 1)) && weights[i] == (float)(i + 1));
        }
    }
    lofi_session_free(session);
    lofi_graph_free(g);
}

/* More lengths than are kept: the plan that is used longest ago makes room, never the present one. */
static void plans_make_room(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim n = lofi_dim_symbol(g, "n");
    lofi_tensor *x = lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 1, &n)),
                *y = lofi_graph_output(g, "y", chain(g, x, 3));
    lofi_session *session = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_session_new(&session, g, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    for (int64_t i = 0; i < 300; i++) {
        int64_t length = 1 + i * 37 % 150;
        void *in, *out;
        lofi_session_set(session, "n", length);
        assert_int_equal(lofi_session_prepare(session, &err), LOFI_OK);
        assert_int_equal(lofi_session_data(session, x, &in, NULL, &err), LOFI_OK);
        for (int64_t k = 0; k < length; k++) ((float *)in)[k] = (float)k;
        assert_int_equal(lofi_session_run(session, &err), LOFI_OK);
        assert_int_equal(lofi_session_data(session, y, &out, NULL, &err), LOFI_OK);
        assert_float_equal(((float *)out)[length - 1], 0.125f * (float)(length - 1) + 1.75f, 1e-5);
    }
    assert_int_equal(lofi_session_get_stats(session).plans, 64);
    lofi_session_free(session);
    lofi_graph_free(g);
}

static void weight_without_data_is_named(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_dim n = 4;
    lofi_tensor *w = lofi_graph_parameter(g, "layer.weight", lofi_shape_of(LOFI_F32, 1, &n), NULL, false);
    lofi_graph_output(g, "y", lofi_silu(g, w));
    lofi_session *session = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_session_new(&session, g, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    assert_int_equal(lofi_session_prepare(session, &err), LOFI_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "layer.weight"));
    lofi_session_free(session);
    lofi_graph_free(g);
}

/* ---- differentiation ---- */

enum { ROWS = 5, WIDTH = 6, BLOCKS = 3 };

/* loss = sum of squares after BLOCKS blocks of x <- x + silu(x W_b) v; returns loss and the gradients of all W. */
static float run_blocks(bool checkpoint, float grads[BLOCKS][WIDTH * WIDTH], size_t *bytes) {
    lofi_graph *g = new_graph();
    lofi_error err = LOFI_ERROR_INIT;
    static float weights[BLOCKS][WIDTH * WIDTH], frozen[WIDTH];
    lofi_random random = lofi_random_at(3, LOFI_RANDOM_TEST, 0);
    lofi_random_fill_normal(&random, 0, &weights[0][0], (size_t)BLOCKS * WIDTH * WIDTH);
    lofi_random_fill_normal(&random, 1000, frozen, WIDTH);
    lofi_dim rows = lofi_dim_symbol(g, "rows"), shape[] = {rows, WIDTH}, square[] = {WIDTH, WIDTH}, vector = WIDTH;
    lofi_tensor *input = lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 2, shape)), *x = input, *wanted[BLOCKS],
                *found[BLOCKS];
    lofi_tensor *v = lofi_graph_parameter(g, "v", lofi_shape_of(LOFI_F32, 1, &vector), frozen, false);
    void *places[BLOCKS];
    for (int b = 0; b < BLOCKS; b++) {
        char name[8] = {'w', (char)('0' + b)};
        wanted[b] = lofi_graph_parameter(g, name, lofi_shape_of(LOFI_F32, 2, square), weights[b], true);
        places[b] = grads[b];
        lofi_graph_block_begin(g);
        lofi_tensor *h = lofi_silu(g, lofi_matmul(g, x, wanted[b], NULL, (lofi_matmul_attributes){0, 1, 1.0f}));
        x = lofi_add(g, x, lofi_mul(g, h, v));
        lofi_graph_block_end(g);
    }
    lofi_tensor *loss = lofi_graph_output(g, "loss", lofi_sum(g, lofi_square(g, x), 3u, true));
    assert_int_equal(
        lofi_graph_differentiate(g, loss, wanted, BLOCKS, places, (lofi_gradient_options){checkpoint}, found, &err),
        LOFI_OK);
    lofi_session *session = NULL;
    assert_int_equal(lofi_session_new(&session, g, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    lofi_session_set(session, "rows", ROWS);
    assert_int_equal(lofi_session_prepare(session, &err), LOFI_OK);
    void *data;
    lofi_session_poison(session);
    assert_int_equal(lofi_session_data(session, input, &data, NULL, &err), LOFI_OK);
    lofi_random_fill_normal(&random, 2000, data, ROWS * WIDTH);
    assert_int_equal(lofi_session_run(session, &err), LOFI_OK);
    assert_int_equal(lofi_session_data(session, loss, &data, NULL, &err), LOFI_OK);
    float value = *(float *)data;
    *bytes = lofi_session_get_stats(session).activation_bytes;
    lofi_session_free(session);
    lofi_graph_free(g);
    return value;
}

static void checkpointing_gives_the_same_bytes(void **state) {
    (void)state;
    float kept[BLOCKS][WIDTH * WIDTH], recomputed[BLOCKS][WIDTH * WIDTH];
    size_t kept_bytes, recomputed_bytes;
    float a = run_blocks(false, kept, &kept_bytes), b = run_blocks(true, recomputed, &recomputed_bytes);
    assert_true(isfinite(a) && a == b);
    assert_memory_equal(kept, recomputed, sizeof kept);
    assert_true(recomputed_bytes <= kept_bytes);
    for (int i = 0; i < BLOCKS; i++)
        for (int j = 0; j < WIDTH * WIDTH; j++) assert_true(isfinite(kept[i][j]) && kept[i][j] != 0);
}

static void frozen_parts_get_no_gradient_nodes(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_error err = LOFI_ERROR_INIT;
    static float w[4] = {1, 2, 3, 4};
    lofi_dim n = 4;
    lofi_tensor *x = lofi_graph_input(g, "x", lofi_shape_of(LOFI_F32, 1, &n));
    lofi_tensor *t = lofi_graph_parameter(g, "t", lofi_shape_of(LOFI_F32, 1, &n), w, true);
    lofi_tensor *before = lofi_silu(g, lofi_silu(g, lofi_silu(g, x))); /* nothing trainable in front of t */
    lofi_tensor *loss = lofi_sum(g, lofi_mul(g, before, t), 1u, true), *grad;
    size_t nodes = lofi_graph_node_count(g);
    assert_int_equal(lofi_graph_differentiate(g, loss, &t, 1, NULL, (lofi_gradient_options){false}, &grad, &err),
                     LOFI_OK);
    assert_true(lofi_graph_node_count(g) - nodes <= 4);
    for (size_t i = nodes; i < lofi_graph_node_count(g); i++)
        assert_null(strstr(lofi_graph_node(g, i)->op->name, "silu"));
    lofi_graph_free(g);
}

static void independent_parameter_gets_zeros(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_error err = LOFI_ERROR_INIT;
    static float w[2] = {1, 2}, other[2] = {3, 4}, place[2] = {9, 9};
    lofi_dim n = 2;
    lofi_tensor *a = lofi_graph_parameter(g, "a", lofi_shape_of(LOFI_F32, 1, &n), w, true);
    lofi_tensor *b = lofi_graph_parameter(g, "b", lofi_shape_of(LOFI_F32, 1, &n), other, true);
    lofi_tensor *loss = lofi_sum(g, lofi_square(g, a), 1u, true), *wanted[] = {a, b}, *grads[2];
    void *places[] = {NULL, place};
    assert_int_equal(lofi_graph_differentiate(g, loss, wanted, 2, places, (lofi_gradient_options){false}, grads, &err),
                     LOFI_OK);
    lofi_session *session = NULL;
    assert_int_equal(lofi_session_new(&session, g, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    assert_int_equal(lofi_session_prepare(session, &err), LOFI_OK);
    assert_int_equal(lofi_session_run(session, &err), LOFI_OK);
    void *data;
    assert_int_equal(lofi_session_data(session, grads[0], &data, NULL, &err), LOFI_OK);
    assert_float_equal(((float *)data)[0], 2, 0);
    assert_float_equal(((float *)data)[1], 4, 0);
    assert_true(place[0] == 0 && place[1] == 0);
    lofi_session_free(session);
    lofi_graph_free(g);
}

static void missing_gradient_says_why(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_error err = LOFI_ERROR_INIT;
    static float table[6] = {0};
    lofi_tensor *ids = lofi_graph_input(g, "ids", lofi_shape_of(LOFI_I64, 1, (lofi_dim[]){2}));
    lofi_tensor *w = lofi_graph_parameter(g, "table", lofi_shape_of(LOFI_F32, 2, (lofi_dim[]){3, 2}), table, true);
    lofi_tensor *loss = lofi_sum(g, lofi_embedding(g, ids, w), 3u, false), *grad;
    loss = lofi_reshape(g, loss, 1, (lofi_dim[]){1});
    assert_int_equal(lofi_graph_differentiate(g, loss, &w, 1, NULL, (lofi_gradient_options){false}, &grad, &err),
                     LOFI_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "embedding"));
    lofi_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_expressions_are_one),
        cmocka_unit_test(quotients_keep_what_divides),
        cmocka_unit_test(values_and_texts),
        cmocka_unit_test(negative_number_is_a_failure),
        cmocka_unit_test(sizes_that_do_not_fit),
        cmocka_unit_test(first_failure_is_kept_with_its_place),
        cmocka_unit_test(two_inputs_of_one_name),
        cmocka_unit_test(places_are_shared),
        cmocka_unit_test(plans_are_kept_and_the_buffer_grows_once),
        cmocka_unit_test(shared_memory_keeps_what_is_read_later),
        cmocka_unit_test(plans_make_room),
        cmocka_unit_test(weight_without_data_is_named),
        cmocka_unit_test(checkpointing_gives_the_same_bytes),
        cmocka_unit_test(frozen_parts_get_no_gradient_nodes),
        cmocka_unit_test(independent_parameter_gets_zeros),
        cmocka_unit_test(missing_gradient_says_why),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
