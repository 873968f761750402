/* The operations and bytes that reports count for a node, and the times of nodes one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "graph/session.h"
#include "ops/ops.h"

enum { MOST = 8 };

typedef struct counted {
    const char *op;
    int64_t calls;
    double seconds;
    lofi_work work;
} counted;

typedef struct counts {
    counted nodes[MOST];
    int count;
} counts;

static void count_node(void *user, const lofi_node *node, const lofi_call *call, int64_t calls, double seconds) {
    counts *c = user;
    assert_true(c->count < MOST);
    c->nodes[c->count++] = (counted){node->op->name, calls, seconds, lofi_call_work(node->op, call)};
}

/* Runs a graph `runs` times and counts its nodes; frees it. */
static counts count(lofi_graph *graph, int runs) {
    lofi_session *session;
    lofi_error err = LOFI_ERROR_INIT;
    counts c = {0};
    assert_int_equal(lofi_session_new(&session, graph, (lofi_session_options){.threads = 1}, &err), LOFI_OK);
    assert_int_equal(lofi_session_prepare(session, &err), LOFI_OK);
    for (size_t i = 0; i < lofi_graph_tensor_count(graph); i++) {
        const lofi_tensor *tensor = lofi_graph_tensor(graph, i);
        void *data;
        int64_t numbers;
        if (!(tensor->flags & LOFI_TENSOR_INPUT)) continue;
        assert_int_equal(lofi_session_data(session, tensor, &data, &numbers, &err), LOFI_OK);
        memset(data, 0, (size_t)numbers * lofi_dtype_bytes(tensor->shape.dtype));
    }
    for (int i = 0; i < runs; i++) assert_int_equal(lofi_session_run(session, &err), LOFI_OK);
    lofi_session_profile_nodes(session, count_node, &c);
    lofi_session_free(session);
    lofi_graph_free(graph);
    return c;
}

static lofi_graph *new_graph(void) {
    lofi_graph *graph;
    lofi_error err = LOFI_ERROR_INIT;
    assert_int_equal(lofi_graph_new(&graph, &err), LOFI_OK);
    return graph;
}

static lofi_tensor *input(lofi_graph *graph, const char *name, int rank, const lofi_dim *dims) {
    return lofi_graph_input(graph, name, lofi_shape_of(LOFI_F32, rank, dims));
}
#define INPUT(graph, name, ...)                                                                                        \
    input(graph, name, (int)(sizeof((lofi_dim[]){__VA_ARGS__}) / sizeof(lofi_dim)), (lofi_dim[]){__VA_ARGS__})

static void expect(const counts *c, int node, const char *op, double operations, double bytes) {
    assert_true(node < c->count);
    assert_string_equal(c->nodes[node].op, op);
    assert_true(c->nodes[node].work.operations == operations);
    assert_true(c->nodes[node].work.bytes == bytes);
}

static void products_count_two_for_each_pair(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_matmul_attributes plain = {.alpha = 1}, turned = {.transpose_a = 1, .transpose_b = 1, .alpha = 1};
    lofi_tensor *a = INPUT(g, "a", 2, 5, 7), *b = INPUT(g, "b", 7, 3);
    lofi_tensor *at = INPUT(g, "at", 2, 7, 5), *bt = INPUT(g, "bt", 2, 3, 7);
    lofi_graph_output(g, "c", lofi_matmul(g, a, b, NULL, plain));
    lofi_graph_output(g, "ct", lofi_matmul(g, at, bt, NULL, turned));
    counts c = count(g, 1);
    expect(&c, 0, "matmul", 2 * 2 * 5 * 3 * 7, 4 * (70 + 21 + 30));
    expect(&c, 1, "matmul", 2 * 2 * 5 * 3 * 7, 4 * (70 + 42 + 30));
}

static void convolutions_count_their_kernels(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_conv2d_attributes grouped = {1, 1, 1, 1, 1, 1, 2};
    lofi_conv_transpose1d_attributes doubled = {.stride = 2, .padding = 1};
    lofi_tensor *picture = INPUT(g, "picture", 1, 4, 5, 6), *kernel = INPUT(g, "kernel", 8, 2, 3, 3);
    lofi_tensor *sound = INPUT(g, "sound", 1, 4, 9), *up = INPUT(g, "up", 4, 3, 4);
    lofi_tensor *rows = INPUT(g, "rows", 1, 9, 4), *taps = INPUT(g, "taps", 4, 1, 5);
    lofi_graph_output(g, "x", lofi_conv2d(g, picture, kernel, NULL, grouped));
    lofi_graph_output(g, "y", lofi_conv_transpose1d(g, sound, up, NULL, doubled));
    lofi_graph_output(g, "z", lofi_depthwise_conv1d(g, rows, taps, NULL));
    counts c = count(g, 1);
    expect(&c, 0, "conv2d", 2 * (8 * 5 * 6) * (2 * 3 * 3), 4 * (120 + 144 + 240));
    expect(&c, 1, "conv_transpose1d", 2 * (4 * 9) * (3 * 4), 4 * (36 + 48 + 3 * 18));
    expect(&c, 2, "depthwise_conv1d", 2 * (9 * 4) * 5, 4 * (36 + 20 + 36));
}

static void attention_counts_its_products(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_tensor *q = INPUT(g, "q", 2, 5, 8), *k = INPUT(g, "k", 2, 7, 8), *v = INPUT(g, "v", 2, 7, 8);
    lofi_graph_output(g, "x", lofi_attention(g, q, k, v, NULL, NULL, NULL, 2, 1));
    lofi_graph_output(g, "y", lofi_linear_attention(g, k, k, v, NULL, 2, 1e-6f));
    counts c = count(g, 1);
    expect(&c, 0, "attention", 2 * (2 * 2 * 5 * 7 * 8), 4 * (80 + 112 + 112 + 80));
    expect(&c, 1, "linear_attention", 2 * (2 * 2 * 7 * 8 * 4), 4 * (4 * 112));
}

static void only_what_is_read_counts(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_tensor *ids = lofi_graph_input(g, "ids", lofi_shape_of(LOFI_I64, 1, (lofi_dim[]){3}));
    lofi_tensor *table = INPUT(g, "table", 1000, 4), *x = INPUT(g, "x", 10, 4);
    lofi_graph_output(g, "rows", lofi_embedding(g, ids, table));
    lofi_graph_output(g, "part", lofi_slice(g, x, 0, 2, 3));
    lofi_graph_output(g, "sum", lofi_add(g, x, x));
    counts c = count(g, 3);
    expect(&c, 0, "embedding", 0, 3 * 8 + 4 * (12 + 12));
    expect(&c, 1, "slice", 0, 4 * (12 + 12));
    expect(&c, 2, "add", 40, 4 * (40 + 40 + 40));
    for (int i = 0; i < 3; i++) assert_true(c.nodes[i].calls == 3 && c.nodes[i].seconds >= 0);
}

static void views_do_nothing(void **state) {
    (void)state;
    lofi_graph *g = new_graph();
    lofi_tensor *x = INPUT(g, "x", 4, 6);
    lofi_graph_output(g, "y", lofi_silu(g, lofi_reshape(g, x, 1, (lofi_dim[]){24})));
    counts c = count(g, 1);
    expect(&c, 0, "reshape", 0, 0);
    expect(&c, 1, "silu", 24, 4 * 48);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_count_two_for_each_pair),
        cmocka_unit_test(convolutions_count_their_kernels),
        cmocka_unit_test(attention_counts_its_products),
        cmocka_unit_test(only_what_is_read_counts),
        cmocka_unit_test(views_do_nothing),
    };
    return cmocka_run_group_tests_name("graph_work", tests, NULL, NULL);
}
