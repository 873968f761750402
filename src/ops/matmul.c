/* matmul.c - alpha a b + c. */
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "onnx/onnx.h"
#include "ops/cuda_slot.h"
#include "ops/elementwise_rules.h"
#include "ops/expect.h"
#include "ops/ops.h"

/* ---- shapes ---- */

/* b is one matrix for all rows of a, and a's leading dimensions are rows too. */
static bool is_flat(const lofi_matmul_attributes *attributes, int b_rank) {
    return b_rank == 2 && !attributes->transpose_a;
}

static lofi_code check_operands(lofi_graph *graph, const lofi_node *node, lofi_error *err) {
    const lofi_matmul_attributes *attributes = node->attributes;
    const lofi_shape *a = &node->inputs[0]->shape, *b = &node->inputs[1]->shape;
    LOFI_TRY(lofi_expect_rank(graph, node, 0, "a", -1, attributes->transpose_a ? "[..., K, M]" : "[..., M, K]", err));
    if (!lofi_is_float(b->dtype) || b->rank < 2)
        return lofi_refuse(node, err, "b must be %s in f32, bf16 or f16, got %s",
                           attributes->transpose_b ? "[..., N, K]" : "[..., K, N]", lofi_shape_text(graph, b));
    if (a->rank < (is_flat(attributes, b->rank) ? 1 : 2))
        return lofi_refuse(node, err, "a has too few dimensions for b %s, got %s", lofi_shape_text(graph, b),
                           lofi_shape_text(graph, a));
    bool same_leading = b->rank == 2 || b->rank == a->rank;
    for (int i = 0; same_leading && i < b->rank - 2; i++) same_leading = a->dims[i] == b->dims[i];
    if (!same_leading)
        return lofi_refuse(node, err, "b must have two dimensions or the leading dimensions of a %s, got %s",
                           lofi_shape_text(graph, a), lofi_shape_text(graph, b));
    return LOFI_OK;
}

static lofi_code check_addend(lofi_graph *graph, const lofi_node *node, const lofi_shape *out, lofi_error *err) {
    if (node->input_count < 3 || !node->inputs[2]) return LOFI_OK;
    const lofi_shape *c = &node->inputs[2]->shape;
    if (c->dtype == LOFI_F32 && (lofi_same_dims(c, out) || (c->rank == 1 && c->dims[0] == out->dims[out->rank - 1])))
        return LOFI_OK;
    return lofi_refuse(node, err, "c must be [%s] f32 or %s, got %s", lofi_dim_text(graph, out->dims[out->rank - 1]),
                       lofi_shape_text(graph, out), lofi_shape_text(graph, c));
}

static lofi_code infer(lofi_graph *graph, const lofi_node *node, lofi_shape *outputs, lofi_error *err) {
    const lofi_matmul_attributes *attributes = node->attributes;
    LOFI_TRY(check_operands(graph, node, err));
    const lofi_shape *a = &node->inputs[0]->shape, *b = &node->inputs[1]->shape;
    bool ta = attributes->transpose_a != 0, tb = attributes->transpose_b != 0;
    lofi_dim inner_a = a->dims[a->rank - (ta ? 2 : 1)], inner_b = b->dims[b->rank - (tb ? 1 : 2)];
    if (inner_a != inner_b)
        return lofi_refuse(node, err, "expected equal inner dimensions, got %s and %s: a %s%s, b %s%s",
                           lofi_dim_text(graph, inner_a), lofi_dim_text(graph, inner_b), lofi_shape_text(graph, a),
                           ta ? " transposed" : "", lofi_shape_text(graph, b), tb ? " transposed" : "");
    outputs[0] = *a;
    if (ta) outputs[0].dims[a->rank - 2] = a->dims[a->rank - 1];
    outputs[0].dims[a->rank - 1] = b->dims[b->rank - (tb ? 2 : 1)];
    return check_addend(graph, node, &outputs[0], err);
}

/* ---- the product ---- */

static lofi_gemm gemm_of(const lofi_call *call, lofi_gemm_batch *batch) {
    const lofi_matmul_attributes *attributes = call->attributes;
    const lofi_view *a = &call->inputs[0], *b = &call->inputs[1], *out = &call->outputs[0];
    int64_t n = out->dims[out->rank - 1], last_a = a->dims[a->rank - 1], last_b = b->dims[b->rank - 1];
    bool flat = is_flat(attributes, b->rank);
    int64_t k = attributes->transpose_a ? a->dims[a->rank - 2] : last_a;
    int64_t m = 1, count = 1;
    for (int i = 0; i < out->rank - 1; i++) {
        if (flat || i == out->rank - 2)
            m *= out->dims[i];
        else
            count *= out->dims[i];
    }
    *batch = (lofi_gemm_batch){.count = count, .a_step = m * k, .b_step = b->rank == 2 ? 0 : k * n, .c_step = m * n};
    return (lofi_gemm){.m = m,
                       .n = n,
                       .k = k,
                       .a = a->data,
                       .a_stride = last_a > 0 ? last_a : 1,
                       .transpose_a = attributes->transpose_a != 0,
                       .b = b->data,
                       .b_type = b->dtype,
                       .b_stride = last_b > 0 ? last_b : 1,
                       .transpose_b = attributes->transpose_b != 0,
                       .c = out->data,
                       .c_stride = n > 0 ? n : 1,
                       .alpha = attributes->alpha};
}

static void run(const lofi_call *call) {
    lofi_gemm_batch batch;
    lofi_gemm gemm = gemm_of(call, &batch);
    const lofi_view *c = call->input_count > 2 ? &call->inputs[2] : NULL, *out = &call->outputs[0];
    if (c && c->data) {
        bool one_row = c->rank == 1 && out->rank > 1;
        gemm.addend = c->data;
        gemm.addend_row = one_row ? 0 : gemm.c_stride;
        gemm.addend_column = 1;
        batch.addend_step = one_row ? 0 : batch.c_step;
    }
    lofi_gemm_run_batch(&gemm, batch, call->threads);
}

/* ---- gradients ---- */

static lofi_tensor *product(lofi_graph *graph, lofi_tensor *a, bool ta, lofi_tensor *b, bool tb, float alpha) {
    return lofi_matmul(graph, a, b, NULL,
                       (lofi_matmul_attributes){.transpose_a = ta, .transpose_b = tb, .alpha = alpha});
}

/* [..., d] as [rows, d], a view. */
static lofi_tensor *flattened(lofi_graph *graph, lofi_tensor *x) {
    if (!x || x->shape.rank == 2) return x;
    lofi_dim rows = 1;
    for (int i = 0; i < x->shape.rank - 1; i++) rows = lofi_dim_mul(graph, rows, x->shape.dims[i]);
    return lofi_reshape(graph, x, 2, (lofi_dim[]){rows, x->shape.dims[x->shape.rank - 1]});
}

static lofi_tensor *transposed(lofi_graph *graph, lofi_tensor *x) {
    if (!x) return NULL;
    int order[LOFI_MAX_RANK], rank = x->shape.rank;
    for (int i = 0; i < rank; i++) order[i] = i;
    order[rank - 2] = rank - 1, order[rank - 1] = rank - 2;
    return lofi_permute(graph, x, order);
}

/* da = alpha dy b^T, in the layout of a */
static lofi_tensor *gradient_of_a(lofi_gradient *gradient, const lofi_node *node, lofi_tensor *dy) {
    const lofi_matmul_attributes *attributes = node->attributes;
    lofi_graph *graph = lofi_gradient_graph(gradient);
    lofi_tensor *b = lofi_gradient_input(gradient, node, 1);
    bool ta = attributes->transpose_a != 0, tb = attributes->transpose_b != 0;
    if (!ta) return product(graph, dy, false, b, !tb, attributes->alpha);
    bool may_lead = node->inputs[1]->shape.rank == node->inputs[0]->shape.rank &&
                    node->inputs[1]->shape.dtype == LOFI_F32;
    if (may_lead) return product(graph, b, tb, dy, true, attributes->alpha);
    return transposed(graph, product(graph, dy, false, b, !tb, attributes->alpha));
}

/* db = alpha a^T dy, in the layout of b; summed over the products that share one b */
static lofi_tensor *gradient_of_b(lofi_gradient *gradient, const lofi_node *node, lofi_tensor *dy) {
    const lofi_matmul_attributes *attributes = node->attributes;
    lofi_graph *graph = lofi_gradient_graph(gradient);
    lofi_tensor *a = lofi_gradient_input(gradient, node, 0);
    bool ta = attributes->transpose_a != 0, tb = attributes->transpose_b != 0;
    if (is_flat(attributes, node->inputs[1]->shape.rank)) a = flattened(graph, a), dy = flattened(graph, dy);
    lofi_tensor *db = tb ? product(graph, dy, true, a, ta, attributes->alpha)
                         : product(graph, a, !ta, dy, false, attributes->alpha);
    if (!db || lofi_same_dims(&db->shape, &node->inputs[1]->shape)) return db;
    return lofi_sum_to(graph, db, &node->inputs[1]->shape);
}

static void differentiate(lofi_gradient *gradient, const lofi_node *node) {
    lofi_tensor *dy = lofi_gradient_of_output(gradient, node, 0);
    if (lofi_gradient_wanted(gradient, node, 0))
        lofi_gradient_give(gradient, node, 0, gradient_of_a(gradient, node, dy));
    if (lofi_gradient_wanted(gradient, node, 1))
        lofi_gradient_give(gradient, node, 1, gradient_of_b(gradient, node, dy));
    if (lofi_gradient_wanted(gradient, node, 2)) lofi_give_broadcast(gradient, node, 2, dy);
}

static lofi_onnx_value *lower_transposed(lofi_onnx *onnx, const lofi_node *node, int i, bool swap) {
    int rank = node->inputs[i]->shape.rank;
    int64_t order[LOFI_MAX_RANK];
    lofi_onnx_value *x = lofi_onnx_input(onnx, node, i);
    if (!swap) return x;
    for (int k = 0; k < rank; k++) order[k] = k;
    order[rank - 2] = rank - 1, order[rank - 1] = rank - 2;
    return lofi_onnx_transpose(onnx, x, rank, order);
}

static void lower(lofi_onnx *onnx, const lofi_node *node) {
    const lofi_matmul_attributes *a = node->attributes;
    lofi_tensor *b = node->inputs[1];
    lofi_onnx_value *x = lower_transposed(onnx, node, 0, a->transpose_a), *product;
    if (b->flags & LOFI_TENSOR_PARAMETER && b->shape.rank == 2) {
        product = lofi_onnx_product(onnx, x, b, a->transpose_b, a->alpha);
    } else {
        product = lofi_onnx_binary(onnx, "MatMul", x, lower_transposed(onnx, node, 1, a->transpose_b));
        if (a->alpha != 1) product = lofi_onnx_binary(onnx, "Mul", product, lofi_onnx_number(onnx, a->alpha));
    }
    if (lofi_onnx_has_input(node, 2)) product = lofi_onnx_binary(onnx, "Add", product, lofi_onnx_input(onnx, node, 2));
    lofi_onnx_output(onnx, node, 0, product);
}

static void work(const lofi_call *call, lofi_work *work) {
    const lofi_matmul_attributes *attributes = call->attributes;
    const lofi_view *a = &call->inputs[0];
    int64_t k = a->dims[a->rank - (attributes->transpose_a ? 2 : 1)];
    work->operations = 2.0 * (double)call->outputs[0].count * (double)k;
}

const lofi_op lofi_op_matmul = {
    .name = "matmul",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .attribute_bytes = sizeof(lofi_matmul_attributes),
    .infer = infer,
    .cpu = run,
    .work = work,
    .gradient = differentiate,
    .differentiable = 7,
    .in_place = 3,
    .onnx = lower,
    LOFI_CUDA_SLOT_WITH_WORKSPACE(matmul),
};

lofi_tensor *lofi_matmul(lofi_graph *graph, lofi_tensor *a, lofi_tensor *b, lofi_tensor *c,
                         lofi_matmul_attributes attributes) {
    return lofi_graph_add1(graph, &lofi_op_matmul, &attributes, (lofi_tensor *[]){a, b, c}, 3);
}
