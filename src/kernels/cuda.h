/* cuda.h - one NVIDIA GPU: its memory, the one stream in which all work is done, and matrix products by cuBLAS.
 *
 * Only a build with CUDA (the preset `cuda`) has what is declared here. CUDA's own headers are not needed to include it: in a
 * .cu file `(cudaStream_t)cuda->stream` is the stream to launch in.
 *
 * Sums have one order: no kernel adds atomically, and the products run in one stream with a workspace of fixed size, so the same
 * inputs give the same bytes on the same kind of GPU with the same version of cuBLAS.
 */
#ifndef LOFI_KERNELS_CUDA_H
#define LOFI_KERNELS_CUDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kernels/adamw.h"
#include "kernels/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lofi_cuda {
    int index;
    bool bf16;           /* products may round their operands to bf16 */
    int multiprocessors; /* of the GPU */
    void *stream;        /* cudaStream_t */
    void *blas;          /* cublasHandle_t */
    void *blas_memory;   /* its workspace, on the GPU */
    void *scratch;       /* LOFI_CUDA_SCRATCH_BYTES on the GPU, for what is done between the runs of networks */
} lofi_cuda;

#define LOFI_CUDA_SCRATCH_BYTES 65536

/* What can be said about a GPU. */
typedef struct lofi_cuda_facts {
    char name[128];
    size_t memory_bytes, free_bytes;
    int capability;      /* 90 for 9.0 */
    int driver, runtime; /* CUDA versions, 13000 for 13.0; driver: the newest that it can serve */
    char reason[256];    /* why it cannot be used; "" when it can */
} lofi_cuda_facts;

/* How many GPUs there are; 0 with a reason in `reason` (no driver, driver too old ...). */
int lofi_cuda_count(char reason[256]);
/* About GPU `index`. free_bytes is 0 where the GPU cannot be used. */
void lofi_cuda_look(lofi_cuda_facts *facts, int index);

/* *out is yours. LOFI_ERR_UNSUPPORTED says what is wrong with the GPU, the driver or the number. */
lofi_code lofi_cuda_open(lofi_cuda **out, int index, bool bf16, lofi_error *err) LOFI_MUST_USE;
void lofi_cuda_close(lofi_cuda *cuda); /* NULL is fine */

/* *memory is yours. LOFI_ERR_MEMORY names `what`, how much was wanted and how much is free. */
lofi_code lofi_cuda_allocate(lofi_cuda *cuda, void **memory, size_t bytes, const char *what,
                             lofi_error *err) LOFI_MUST_USE;
void lofi_cuda_release(lofi_cuda *cuda, void *memory); /* NULL is fine */
lofi_code lofi_cuda_upload(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_cuda_download(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_cuda_copy(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_cuda_fill(lofi_cuda *cuda, void *to, int byte, size_t bytes, lofi_error *err) LOFI_MUST_USE;
/* Memory of this process that the GPU may reach directly, until it is told to forget it; where CUDA refuses, copies stay slower. */
void lofi_cuda_know(lofi_cuda *cuda, void *memory, size_t bytes);
void lofi_cuda_forget(lofi_cuda *cuda, void *memory);
/* Launches and copies on the GPU between these two become a CUDA graph instead of being done. *recording is yours: lofi_cuda_drop. */
lofi_code lofi_cuda_record(lofi_cuda *cuda, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_cuda_recorded(lofi_cuda *cuda, void **recording, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_cuda_replay(lofi_cuda *cuda, void *recording, lofi_error *err) LOFI_MUST_USE;
void lofi_cuda_drop(lofi_cuda *cuda, void *recording); /* NULL is fine */
/* Waits for everything that was asked for. */
lofi_code lofi_cuda_finish(lofi_cuda *cuda, lofi_error *err) LOFI_MUST_USE;
/* What the last launch, or anything before it, failed with; `what` is what failed. */
lofi_code lofi_cuda_launched(lofi_cuda *cuda, const char *what, lofi_error *err) LOFI_MUST_USE;

/* C = alpha A B + beta C, row by row in memory as everywhere here: A [m, k], B [k, n], C [m, n], or stored the other way where
 * transposed; `lda` is the distance between the stored rows. `batch` products, each operand so many elements after the last
 * (0: the same one). A and B have one type, f32 (multiplied in f32, no TF32) or bf16 (sums in f32); C is f32. */
typedef struct lofi_cuda_product {
    bool transpose_a, transpose_b;
    int64_t m, n, k, lda, ldb, ldc;
    int64_t batch, stride_a, stride_b, stride_c;
    lofi_dtype type; /* of A and B */
    float alpha, beta;
} lofi_cuda_product;
lofi_code lofi_cuda_multiply(lofi_cuda *cuda, const lofi_cuda_product *product, const void *a, const void *b, float *c,
                             lofi_error *err) LOFI_MUST_USE;

/* Between the runs of a network, on flat blocks on the GPU: to += from; the sum of the squares, waited for; kernels/adamw.h. */
lofi_code lofi_cuda_add_array(lofi_cuda *cuda, float *to, const float *from, size_t count,
                              lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_cuda_square_sum(lofi_cuda *cuda, double *sum, const float *values, size_t count,
                               lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_cuda_adamw(lofi_cuda *cuda, const lofi_adamw_step *step, float *values, const float *gradient,
                          float *first, float *second, size_t count, lofi_error *err) LOFI_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
