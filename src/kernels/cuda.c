/* cuda.c - see the header. */
#include "kernels/cuda.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEBIBYTE   (1024.0 * 1024.0)
#define BLAS_BYTES (32u << 20) /* what cuBLAS asks for on Hopper */

/* bf16 in tensor cores begins with 8.0, and that is the oldest for which code is compiled. */
#define OLDEST_CAPABILITY 80

static lofi_code failed(lofi_error *err, cudaError_t status, const char *what) {
    return lofi_fail(err, LOFI_ERR_IO, "%s failed on the GPU: %s", what, cudaGetErrorString(status));
}

/* ---- which GPUs ---- */

int lofi_cuda_count(char reason[256]) {
    int count = 0;
    cudaError_t status = cudaGetDeviceCount(&count);
    reason[0] = 0;
    if (status == cudaSuccess && count > 0) return count;
    snprintf(reason, 256, "%s",
             status == cudaSuccess ? "no CUDA-capable device is detected" : cudaGetErrorString(status));
    cudaGetLastError(); /* forgets it */
    return 0;
}

void lofi_cuda_look(lofi_cuda_facts *facts, int index) {
    struct cudaDeviceProp properties;
    memset(facts, 0, sizeof *facts);
    cudaDriverGetVersion(&facts->driver);
    cudaRuntimeGetVersion(&facts->runtime);
    cudaError_t status = cudaGetDeviceProperties(&properties, index);
    if (status != cudaSuccess) {
        snprintf(facts->reason, sizeof facts->reason, "%s", cudaGetErrorString(status));
        return;
    }
    snprintf(facts->name, sizeof facts->name, "%s", properties.name);
    facts->memory_bytes = properties.totalGlobalMem;
    facts->capability = properties.major * 10 + properties.minor;
    if (facts->capability < OLDEST_CAPABILITY)
        snprintf(facts->reason, sizeof facts->reason,
                 "compute capability %d.%d is below the 8.0 that this program needs", properties.major,
                 properties.minor);
    else if ((status = cudaSetDevice(index)) != cudaSuccess ||
             (status = cudaMemGetInfo(&facts->free_bytes, &properties.totalGlobalMem)) != cudaSuccess)
        snprintf(facts->reason, sizeof facts->reason, "%s", cudaGetErrorString(status));
}

/* ---- opening ---- */

static lofi_code check_usable(int index, lofi_error *err) {
    char reason[256];
    int count = lofi_cuda_count(reason);
    if (count == 0) {
        lofi_fail(err, LOFI_ERR_UNSUPPORTED, "there is no GPU that CUDA can use: %s", reason);
        return lofi_hint(err, "'lofi doctor' says what is there; --device cpu needs none");
    }
    if (index >= count)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "there is no device cuda:%d: CUDA sees %d GPU%s, counted from 0",
                         index, count, count == 1 ? "" : "s");
    lofi_cuda_facts facts;
    lofi_cuda_look(&facts, index);
    if (facts.reason[0])
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "device cuda:%d (%s) cannot be used: %s", index, facts.name,
                         facts.reason);
    return LOFI_OK;
}

static lofi_code start(lofi_cuda *cuda, lofi_error *err) {
    cudaStream_t stream;
    cublasHandle_t blas;
    cudaError_t status = cudaSetDevice(cuda->index);
    if (status == cudaSuccess)
        status = cudaDeviceGetAttribute(&cuda->multiprocessors, cudaDevAttrMultiProcessorCount, cuda->index);
    if (status == cudaSuccess) status = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    if (status != cudaSuccess) return failed(err, status, "the start");
    cuda->stream = stream;
    LOFI_TRY(lofi_cuda_allocate(cuda, &cuda->blas_memory, BLAS_BYTES, "cuBLAS", err));
    LOFI_TRY(lofi_cuda_allocate(cuda, &cuda->scratch, LOFI_CUDA_SCRATCH_BYTES, "sums", err));
    if (cublasCreate(&blas) != CUBLAS_STATUS_SUCCESS)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "cuBLAS cannot be started on cuda:%d", cuda->index);
    cuda->blas = blas;
    if (cublasSetStream(blas, stream) != CUBLAS_STATUS_SUCCESS ||
        cublasSetWorkspace(blas, cuda->blas_memory, BLAS_BYTES) != CUBLAS_STATUS_SUCCESS ||
        cublasSetMathMode(blas, CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION) !=
            CUBLAS_STATUS_SUCCESS)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "cuBLAS refuses its settings on cuda:%d", cuda->index);
    return LOFI_OK;
}

lofi_code lofi_cuda_open(lofi_cuda **out, int index, bool bf16, lofi_error *err) {
    LOFI_TRY(check_usable(index, err));
    lofi_cuda *cuda = calloc(1, sizeof *cuda);
    if (!cuda) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a device");
    cuda->index = index;
    cuda->bf16 = bf16;
    lofi_code code = start(cuda, err);
    if (code == LOFI_OK)
        *out = cuda;
    else
        lofi_cuda_close(cuda);
    return code;
}

void lofi_cuda_close(lofi_cuda *cuda) {
    if (!cuda) return;
    if (cuda->blas) cublasDestroy(cuda->blas);
    lofi_cuda_release(cuda, cuda->blas_memory);
    lofi_cuda_release(cuda, cuda->scratch);
    if (cuda->stream) cudaStreamDestroy(cuda->stream);
    free(cuda);
}

/* ---- memory ---- */

lofi_code lofi_cuda_allocate(lofi_cuda *cuda, void **memory, size_t bytes, const char *what, lofi_error *err) {
    void *block;
    cudaError_t status = cudaMalloc(&block, bytes ? bytes : 1);
    if (status == cudaSuccess) {
        *memory = block;
        return LOFI_OK;
    }
    cudaGetLastError(); /* this failure leaves the GPU usable */
    if (status != cudaErrorMemoryAllocation) return failed(err, status, "taking memory");
    size_t available = 0, total = 0;
    cudaMemGetInfo(&available, &total);
    return lofi_fail(err, LOFI_ERR_MEMORY, "%s need %.0f MiB of memory on cuda:%d, and %.0f of its %.0f MiB are free",
                     what, (double)bytes / MEBIBYTE, cuda->index, (double)available / MEBIBYTE,
                     (double)total / MEBIBYTE);
}

void lofi_cuda_release(lofi_cuda *cuda, void *memory) {
    (void)cuda;
    if (memory) cudaFree(memory);
}

static lofi_code move(lofi_cuda *cuda, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                      lofi_error *err) {
    cudaError_t status = bytes ? cudaMemcpyAsync(to, from, bytes, kind, (cudaStream_t)cuda->stream) : cudaSuccess;
    return status == cudaSuccess ? LOFI_OK : failed(err, status, "copying");
}

lofi_code lofi_cuda_upload(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) {
    return move(cuda, to, from, bytes, cudaMemcpyHostToDevice, err);
}

lofi_code lofi_cuda_download(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) {
    LOFI_TRY(move(cuda, to, from, bytes, cudaMemcpyDeviceToHost, err));
    return lofi_cuda_finish(cuda, err);
}

lofi_code lofi_cuda_copy(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) {
    return move(cuda, to, from, bytes, cudaMemcpyDeviceToDevice, err);
}

lofi_code lofi_cuda_fill(lofi_cuda *cuda, void *to, int byte, size_t bytes, lofi_error *err) {
    cudaError_t status = bytes ? cudaMemsetAsync(to, byte, bytes, (cudaStream_t)cuda->stream) : cudaSuccess;
    return status == cudaSuccess ? LOFI_OK : failed(err, status, "filling memory");
}

lofi_code lofi_cuda_finish(lofi_cuda *cuda, lofi_error *err) {
    cudaError_t status = cudaStreamSynchronize((cudaStream_t)cuda->stream);
    return status == cudaSuccess ? LOFI_OK : failed(err, status, "the arithmetic");
}

lofi_code lofi_cuda_launched(lofi_cuda *cuda, const char *what, lofi_error *err) {
    (void)cuda;
    cudaError_t status = cudaGetLastError();
    if (status == cudaSuccess) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_IO, "%s failed on the GPU: %s", what, cudaGetErrorString(status));
}

void lofi_cuda_know(lofi_cuda *cuda, void *memory, size_t bytes) {
    (void)cuda;
    if (cudaHostRegister(memory, bytes, cudaHostRegisterDefault) != cudaSuccess) cudaGetLastError(); /* forgets it */
}

void lofi_cuda_forget(lofi_cuda *cuda, void *memory) {
    (void)cuda;
    if (cudaHostUnregister(memory) != cudaSuccess) cudaGetLastError(); /* it was refused before */
}

/* ---- recordings ---- */

lofi_code lofi_cuda_record(lofi_cuda *cuda, lofi_error *err) {
    cudaError_t status = cudaStreamBeginCapture((cudaStream_t)cuda->stream, cudaStreamCaptureModeThreadLocal);
    return status == cudaSuccess ? LOFI_OK : failed(err, status, "recording");
}

lofi_code lofi_cuda_recorded(lofi_cuda *cuda, void **recording, lofi_error *err) {
    cudaGraph_t graph = NULL;
    cudaGraphExec_t runnable;
    cudaError_t status = cudaStreamEndCapture((cudaStream_t)cuda->stream, &graph);
    if (status == cudaSuccess) status = cudaGraphInstantiate(&runnable, graph, 0);
    if (graph) cudaGraphDestroy(graph);
    if (status != cudaSuccess) return failed(err, status, "recording");
    *recording = runnable;
    return LOFI_OK;
}

lofi_code lofi_cuda_replay(lofi_cuda *cuda, void *recording, lofi_error *err) {
    cudaError_t status = cudaGraphLaunch((cudaGraphExec_t)recording, (cudaStream_t)cuda->stream);
    return status == cudaSuccess ? LOFI_OK : failed(err, status, "the arithmetic");
}

void lofi_cuda_drop(lofi_cuda *cuda, void *recording) {
    (void)cuda;
    if (recording) cudaGraphExecDestroy((cudaGraphExec_t)recording);
}

/* ---- products ---- */

/* cuBLAS counts columns first, so what is computed there is C^T = B^T A^T on the same memory. */
lofi_code lofi_cuda_multiply(lofi_cuda *cuda, const lofi_cuda_product *p, const void *a, const void *b, float *c,
                             lofi_error *err) {
    if (!p->m || !p->n || !p->batch) return LOFI_OK;
    cudaDataType_t type = p->type == LOFI_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    cublasComputeType_t sums = p->type == LOFI_BF16 ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_32F_PEDANTIC;
    cublasStatus_t status = cublasGemmStridedBatchedEx(
        cuda->blas, p->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, p->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, (int)p->n,
        (int)p->m, (int)p->k, &p->alpha, b, type, (int)p->ldb, p->stride_b, a, type, (int)p->lda, p->stride_a, &p->beta,
        c, CUDA_R_32F, (int)p->ldc, p->stride_c, (int)p->batch, sums, CUBLAS_GEMM_DEFAULT);
    if (status == CUBLAS_STATUS_SUCCESS) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_IO, "a matrix product of %lld x %lld x %lld failed on the GPU: %s", (long long)p->m,
                     (long long)p->n, (long long)p->k, cublasGetStatusString(status));
}
