/* product.cu - matmul on the GPU: alpha a b + c by cuBLAS, and what brings both operands to the one type that it takes.
 *
 * cuBLAS multiplies f32 with f32 or bf16 with bf16. An operand of another type is converted into the workspace, piece by piece
 * where it is large: pieces are rows of a or columns of b, so that every number of the result is the sum of one product.
 */
#include "ops/cuda_convert.h"

extern "C" {
#include "ops/ops.h"
}

namespace {

const int64_t piece_bytes = (int64_t)64 << 20;

/* Products that are narrower stay in f32: what rounding the operands costs is more than it saves. */
const int64_t least_bf16 = 32;

/* Elements of bf16 that tensor cores like rows of matrices to be a multiple of. */
const int64_t aligned = 8;

/* ---- an operand and its pieces ---- */

/* `lines` are rows of a or columns of b. They are stored one after another (`whole_lines`: [lines, k]) or side by side
 * ([k, lines]). */
struct operand {
    const void *data;
    lofi_dtype type, wanted;
    bool whole_lines;
    int64_t lines, k, stride; /* stride: of the rows that are stored */
    int64_t step;             /* from the matrix of one product to the next; 0: they share it */
    /* Only where it is converted; else a piece is everything. */
    bool converted;
    int64_t piece, matrices; /* lines of a piece, and how many matrices it holds these of */
    char *room;
    int64_t held_matrix, held_line; /* what is in the room; -1: nothing */
};

/* Elements from row to row, and from matrix to matrix, of a piece in the workspace. */
int64_t room_stride(const operand *o, int64_t lines) {
    return lofi_cuda_rounded_up(o->whole_lines ? o->k : lines, aligned);
}

int64_t room_step(const operand *o, int64_t lines) {
    return (o->whole_lines ? lines : o->k) * room_stride(o, lines);
}

int64_t bytes_of(lofi_dtype type) {
    return type == LOFI_F32 ? 4 : 2;
}

void cut(operand *o, lofi_dtype wanted, bool converted, int64_t products) {
    o->wanted = wanted, o->converted = converted;
    o->held_matrix = o->held_line = -1;
    o->piece = o->lines, o->matrices = products;
    if (!converted || !o->lines || !o->k) return;
    int64_t most = piece_bytes / bytes_of(wanted) / lofi_cuda_rounded_up(o->k, aligned) / aligned * aligned;
    if (most < aligned) most = aligned;
    if (o->lines > most) {
        int64_t pieces = lofi_cuda_pieces(o->lines, most);
        o->piece = lofi_cuda_rounded_up(lofi_cuda_pieces(o->lines, pieces), aligned);
        if (o->step) o->matrices = 1;
    } else if (o->step) {
        int64_t fit = piece_bytes / bytes_of(wanted) / room_step(o, o->lines);
        o->matrices = fit < 1 ? 1 : fit < products ? fit : products;
    }
}

int64_t room_bytes(const operand *o) {
    if (!o->converted) return 0;
    int64_t matrices = o->step ? o->matrices : 1;
    return lofi_cuda_rounded_up(matrices * room_step(o, o->piece) * bytes_of(o->wanted), 64);
}

const char *place_of(const operand *o, int64_t matrix, int64_t line) {
    return (const char *)o->data + (matrix * o->step + (o->whole_lines ? line * o->stride : line)) * bytes_of(o->type);
}

/* An operand of a product: `matrices` times `lines` lines, brought to the workspace if they must be and are not there yet. */
struct fed {
    const void *data;
    int64_t stride, step;
};

fed feed(operand *o, lofi_cuda *cuda, int64_t matrix, int64_t matrices, int64_t line, int64_t lines) {
    if (!o->converted) return {place_of(o, matrix, line), o->stride, o->step};
    if (!o->step) matrix = 0, matrices = 1;
    int64_t stride = room_stride(o, lines), step = room_step(o, lines);
    if (o->held_matrix != matrix || o->held_line != line) {
        lofi_cuda_window w = {};
        w.matrices = matrices, w.rows = o->whole_lines ? lines : o->k, w.columns = o->whole_lines ? o->k : lines;
        w.from_row = o->stride, w.from_matrix = o->step, w.to_row = stride, w.to_matrix = step;
        lofi_cuda_convert(cuda, o->room, o->wanted, place_of(o, matrix, line), o->type, w);
        o->held_matrix = matrix, o->held_line = line;
    }
    return {o->room, stride, o->step ? step : 0};
}

/* ---- the product ---- */

struct product {
    operand a, b;
    int64_t m, n, k, count; /* count: products of one size */
    lofi_dtype type;        /* in which they are multiplied */
    float alpha;
};

/* As gemm_of in matmul.c: with one matrix b for all and a as it is, the leading dimensions of a are rows. */
void measure(const lofi_call *call, product *p) {
    const lofi_matmul_attributes *attributes = (const lofi_matmul_attributes *)call->attributes;
    const lofi_view *a = &call->inputs[0], *b = &call->inputs[1], *out = &call->outputs[0];
    bool transpose_a = attributes->transpose_a != 0, transpose_b = attributes->transpose_b != 0;
    bool flat = b->rank == 2 && !transpose_a;
    p->alpha = attributes->alpha;
    p->n = out->dims[out->rank - 1];
    p->k = a->dims[a->rank - (transpose_a ? 2 : 1)];
    p->m = p->count = 1;
    for (int i = 0; i < out->rank - 1; i++) {
        if (flat || i == out->rank - 2)
            p->m *= out->dims[i];
        else
            p->count *= out->dims[i];
    }
    p->a = {a->data, a->dtype, LOFI_F32, !transpose_a, p->m, p->k, a->dims[a->rank - 1], p->m * p->k,
            false,   0,        0,        NULL,         -1,   -1};
    p->b = {b->data, b->dtype, LOFI_F32, transpose_b, p->n, p->k, b->dims[b->rank - 1], b->rank == 2 ? 0 : p->k * p->n,
            false,   0,        0,        NULL,        -1,   -1};
}

product product_of(const lofi_call *call) {
    product p;
    measure(call, &p);
    bool narrow = p.m < least_bf16 || p.n < least_bf16 || p.k < least_bf16;
    p.type = call->bf16 && !narrow ? LOFI_BF16 : LOFI_F32;
    bool crooked = p.type == LOFI_BF16 && (p.b.stride % aligned != 0 || p.b.step % aligned != 0);
    cut(&p.a, p.type, p.a.type != p.type, p.count);
    cut(&p.b, p.type, p.b.type != p.type || crooked, p.count);
    return p;
}

bool is_empty(const product *p) {
    return p->m == 0 || p->n == 0 || p->k == 0 || p->count == 0;
}

__global__ void repeat_row(float *out, const float *row, int64_t rows, int64_t columns) {
    for (int64_t i = blockIdx.x; i < rows; i += gridDim.x)
        for (int64_t j = threadIdx.x; j < columns; j += blockDim.x) out[i * columns + j] = row[j];
}

/* The addend where the product will be added to it; *beta is 0 when there is none. */
lofi_code lay_addend(const lofi_call *call, lofi_cuda *cuda, float *beta, lofi_error *err) {
    const lofi_view *c = call->input_count > 2 ? &call->inputs[2] : NULL, *out = &call->outputs[0];
    *beta = 0;
    if (!c || !c->data) return LOFI_OK;
    *beta = 1;
    if (c->data == out->data) return LOFI_OK;
    if (c->rank == 1 && out->rank > 1) {
        int64_t columns = c->dims[0], rows = out->count / columns;
        LOFI_CUDA_RUN(lofi_cuda_blocks(cuda, out->count), LOFI_CUDA_THREADS, 0, lofi_cuda_stream(cuda), repeat_row)
        ((float *)out->data, (const float *)c->data, rows, columns);
        return LOFI_OK;
    }
    return lofi_cuda_copy(cuda, out->data, c->data, (size_t)out->count * sizeof(float), err);
}

lofi_code multiply_piece(product *p, lofi_cuda *cuda, float *out, float beta, lofi_cuda_product piece, int64_t first,
                         int64_t row, int64_t column, lofi_error *err) {
    fed b = feed(&p->b, cuda, first, piece.batch, column, piece.n);
    fed a = feed(&p->a, cuda, first, piece.batch, row, piece.m);
    piece.transpose_a = !p->a.whole_lines, piece.transpose_b = p->b.whole_lines;
    piece.k = p->k, piece.type = p->type;
    piece.lda = a.stride, piece.ldb = b.stride, piece.ldc = p->n;
    piece.stride_a = a.step, piece.stride_b = b.step, piece.stride_c = p->m * p->n;
    piece.alpha = p->alpha, piece.beta = beta;
    return lofi_cuda_multiply(cuda, &piece, a.data, b.data, out + (first * p->m + row) * p->n + column, err);
}

/* The larger loop is over b, whose pieces are mostly one: then each piece of a is converted once. */
lofi_code multiply(product *p, lofi_cuda *cuda, float *out, float beta, lofi_error *err) {
    int64_t together = lofi_cuda_smaller(p->a.matrices, p->b.matrices);
    for (int64_t first = 0; first < p->count; first += together) {
        for (int64_t column = 0; column < p->n; column += p->b.piece) {
            for (int64_t row = 0; row < p->m; row += p->a.piece) {
                lofi_cuda_product piece = {};
                piece.batch = lofi_cuda_smaller(together, p->count - first);
                piece.m = lofi_cuda_smaller(p->a.piece, p->m - row),
                piece.n = lofi_cuda_smaller(p->b.piece, p->n - column);
                LOFI_TRY(multiply_piece(p, cuda, out, beta, piece, first, row, column, err));
            }
        }
    }
    return LOFI_OK;
}

} // namespace

extern "C" size_t lofi_cuda_matmul_workspace(const lofi_call *call) {
    product p = product_of(call);
    return is_empty(&p) ? 0 : (size_t)(room_bytes(&p.a) + room_bytes(&p.b));
}

LOFI_CUDA_LAUNCHER(matmul) {
    const lofi_view *out = &call->outputs[0];
    float beta;
    if (!out->count) return LOFI_OK;
    LOFI_TRY(lay_addend(call, cuda, &beta, err));
    product p = product_of(call);
    if (is_empty(&p)) {
        /* Nothing to sum over. */
        return beta != 0 ? LOFI_OK : lofi_cuda_fill(cuda, out->data, 0, (size_t)out->count * sizeof(float), err);
    }
    p.a.room = (char *)call->workspace;
    p.b.room = p.a.room + room_bytes(&p.a);
    return multiply(&p, cuda, (float *)out->data, beta, err);
}
