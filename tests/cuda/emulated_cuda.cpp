/* emulated_cuda.cpp - in the place of kernels/cuda.c: a GPU that is the memory and the processor of this process.
 *
 * Its memory is checked where the real one would be: copies must begin and end in memory that was allocated here, memory behind an
 * allocation must be as it was, and what is allocated holds NaN. LOFI_EMULATED_MULTIPROCESSORS says how many multiprocessors it
 * claims (4), on which the sizes of launches depend.
 */
extern "C" {
#include "base/error.h"
#include "kernels/gemm.h"
}

#include "kernels/cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <map>
#include <vector>

#include "emulated_internal.h"

namespace {

constexpr double mebibyte = 1024.0 * 1024.0;
constexpr size_t alignment = 256; /* as cudaMalloc's */
#ifdef __SANITIZE_ADDRESS__
constexpr size_t guard_bytes = 0; /* AddressSanitizer sees more */
#else
constexpr size_t guard_bytes = 64;
#endif
constexpr int guard = 0xa5;

typedef std::vector<std::function<void()>> recording;

std::map<const char *, size_t> allocated;
size_t allocated_bytes;
recording *recorded_now;
const char *refusal; /* of a launch; lofi_cuda_launched tells */

size_t memory_bytes() {
    return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Whether all of it lies in one allocation; `touches`: whether it begins in one. */
bool is_ours(const void *memory, size_t bytes, bool *touches) {
    const char *first = (const char *)memory;
    auto next = allocated.upper_bound(first);
    *touches = false;
    if (next == allocated.begin()) return false;
    --next;
    size_t place = (size_t)(first - next->first);
    *touches = place < next->second;
    return place <= next->second && bytes <= next->second - place;
}

void check_ours(const void *memory, size_t bytes, const char *what) {
    bool touches;
    if (!is_ours(memory, bytes, &touches))
        lofi_emulated_stop("%s of %zu bytes at %p, which is not memory of the GPU%s", what, bytes, memory,
                           touches ? " from end to end" : "");
}

void check_foreign(const void *memory, const char *what) {
    bool touches;
    is_ours(memory, 0, &touches);
    if (touches) lofi_emulated_stop("%s at %p, which is memory of the GPU", what, memory);
}

void check_guard(const char *memory, size_t bytes) {
    for (size_t i = 0; i < guard_bytes; i++)
        if ((unsigned char)memory[bytes + i] != guard)
            lofi_emulated_stop("byte %zu behind an allocation of %zu bytes was written", i, bytes);
}

/* What a GPU cannot do while launches become a graph. */
void check_not_recording(const char *what) {
    if (recorded_now) lofi_emulated_stop("%s while a recording is made", what);
}

} // namespace

void lofi_emulated_do(const std::function<void()> &work) {
    if (recorded_now)
        recorded_now->push_back(work);
    else
        work();
}

void lofi_emulated_refuse(const char *reason) {
    if (!refusal) refusal = reason;
}

/* ---- which GPUs ---- */

int lofi_cuda_count(char reason[256]) {
    reason[0] = 0;
    return 1;
}

void lofi_cuda_look(lofi_cuda_facts *facts, int index) {
    memset(facts, 0, sizeof *facts);
    if (index != 0) {
        snprintf(facts->reason, sizeof facts->reason, "invalid device ordinal");
        return;
    }
    snprintf(facts->name, sizeof facts->name, "emulated (for tests)");
    facts->memory_bytes = memory_bytes();
    facts->free_bytes = allocated_bytes < memory_bytes() ? memory_bytes() - allocated_bytes : 0;
    facts->capability = 80;
    facts->driver = facts->runtime = 12000;
}

lofi_code lofi_cuda_open(lofi_cuda **out, int index, bool bf16, lofi_error *err) {
    const char *multiprocessors = getenv("LOFI_EMULATED_MULTIPROCESSORS");
    if (index != 0)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "there is no device cuda:%d: CUDA sees 1 GPU, counted from 0",
                         index);
    lofi_cuda *cuda = (lofi_cuda *)calloc(1, sizeof *cuda);
    if (!cuda) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a device");
    cuda->index = index;
    cuda->bf16 = bf16;
    cuda->multiprocessors = multiprocessors ? (int)strtol(multiprocessors, NULL, 10) : 4;
    if (cuda->multiprocessors < 1) cuda->multiprocessors = 1;
    lofi_code code = lofi_cuda_allocate(cuda, &cuda->scratch, LOFI_CUDA_SCRATCH_BYTES, "sums", err);
    if (code == LOFI_OK)
        *out = cuda;
    else
        lofi_cuda_close(cuda);
    return code;
}

void lofi_cuda_close(lofi_cuda *cuda) {
    if (!cuda) return;
    lofi_cuda_release(cuda, cuda->scratch);
    free(cuda);
}

/* ---- memory ---- */

lofi_code lofi_cuda_allocate(lofi_cuda *cuda, void **memory, size_t bytes, const char *what, lofi_error *err) {
    void *block = NULL;
    check_not_recording("memory is taken");
    size_t available = allocated_bytes < memory_bytes() ? memory_bytes() - allocated_bytes : 0;
    if (!bytes) bytes = 1;
    if (bytes > available || posix_memalign(&block, alignment, bytes + guard_bytes) != 0)
        return lofi_fail(
            err, LOFI_ERR_MEMORY, "%s need %.0f MiB of memory on cuda:%d, and %.0f of its %.0f MiB are free", what,
            (double)bytes / mebibyte, cuda->index, (double)available / mebibyte, (double)memory_bytes() / mebibyte);
    memset(block, 0xff, bytes);
    memset((char *)block + bytes, guard, guard_bytes);
    allocated[(const char *)block] = bytes;
    allocated_bytes += bytes;
    *memory = block;
    return LOFI_OK;
}

void lofi_cuda_release(lofi_cuda *cuda, void *memory) {
    (void)cuda;
    if (!memory) return;
    check_not_recording("memory is released");
    auto found = allocated.find((const char *)memory);
    if (found == allocated.end()) lofi_emulated_stop("what is released at %p was not allocated", memory);
    check_guard(found->first, found->second);
    allocated_bytes -= found->second;
    allocated.erase(found);
    free(memory);
}

lofi_code lofi_cuda_upload(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) {
    (void)cuda, (void)err;
    if (!bytes) return LOFI_OK;
    check_ours(to, bytes, "an upload");
    check_foreign(from, "an upload of what lies");
    lofi_emulated_do([=] { memcpy(to, from, bytes); });
    return LOFI_OK;
}

lofi_code lofi_cuda_download(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) {
    (void)cuda, (void)err;
    check_not_recording("a download is waited for");
    if (!bytes) return LOFI_OK;
    check_ours(from, bytes, "a download");
    check_foreign(to, "a download to what lies");
    memcpy(to, from, bytes);
    return LOFI_OK;
}

lofi_code lofi_cuda_copy(lofi_cuda *cuda, void *to, const void *from, size_t bytes, lofi_error *err) {
    (void)cuda, (void)err;
    if (!bytes) return LOFI_OK;
    check_ours(to, bytes, "a copy");
    check_ours(from, bytes, "a copy");
    if ((const char *)to < (const char *)from + bytes && (const char *)from < (char *)to + bytes)
        lofi_emulated_stop("a copy of %zu bytes overlaps what it copies", bytes);
    lofi_emulated_do([=] { memcpy(to, from, bytes); });
    return LOFI_OK;
}

lofi_code lofi_cuda_fill(lofi_cuda *cuda, void *to, int byte, size_t bytes, lofi_error *err) {
    (void)cuda, (void)err;
    if (!bytes) return LOFI_OK;
    check_ours(to, bytes, "a filling");
    lofi_emulated_do([=] { memset(to, byte, bytes); });
    return LOFI_OK;
}

lofi_code lofi_cuda_finish(lofi_cuda *cuda, lofi_error *err) {
    (void)cuda, (void)err;
    check_not_recording("the work is waited for");
    return LOFI_OK;
}

lofi_code lofi_cuda_launched(lofi_cuda *cuda, const char *what, lofi_error *err) {
    (void)cuda;
    const char *reason = refusal;
    refusal = NULL;
    return reason ? lofi_fail(err, LOFI_ERR_IO, "%s failed on the GPU: %s", what, reason) : LOFI_OK;
}

void lofi_cuda_know(lofi_cuda *cuda, void *memory, size_t bytes) {
    (void)cuda, (void)bytes;
    check_foreign(memory, "what the GPU is to know of lies");
}

void lofi_cuda_forget(lofi_cuda *cuda, void *memory) {
    (void)cuda, (void)memory;
}

/* ---- recordings ---- */

lofi_code lofi_cuda_record(lofi_cuda *cuda, lofi_error *err) {
    (void)cuda, (void)err;
    check_not_recording("a recording begins");
    recorded_now = new recording;
    return LOFI_OK;
}

lofi_code lofi_cuda_recorded(lofi_cuda *cuda, void **out, lofi_error *err) {
    (void)cuda, (void)err;
    if (!recorded_now) lofi_emulated_stop("a recording ends that was not begun");
    *out = recorded_now;
    recorded_now = NULL;
    return LOFI_OK;
}

lofi_code lofi_cuda_replay(lofi_cuda *cuda, void *played, lofi_error *err) {
    (void)cuda, (void)err;
    check_not_recording("a recording is played");
    for (const auto &work : *(const recording *)played) work();
    return LOFI_OK;
}

void lofi_cuda_drop(lofi_cuda *cuda, void *dropped) {
    (void)cuda;
    delete (recording *)dropped;
}

/* ---- products ---- */

/* Rows of C in another sum than cuBLAS's, which promises none: those of the CPU. */
static void multiply(const lofi_cuda_product &p, const void *a, const void *b, float *c) {
    lofi_gemm gemm = {};
    gemm.m = p.m, gemm.n = p.n, gemm.k = p.k;
    gemm.a = a, gemm.a_type = p.type, gemm.a_stride = p.lda, gemm.transpose_a = p.transpose_a;
    gemm.b = b, gemm.b_type = p.type, gemm.b_stride = p.ldb, gemm.transpose_b = p.transpose_b;
    gemm.c = c, gemm.c_stride = p.ldc, gemm.alpha = p.alpha;
    for (int64_t i = 0; i < p.m && p.beta != 0 && p.beta != 1; i++)
        for (int64_t j = 0; j < p.n; j++) c[i * p.ldc + j] *= p.beta;
    if (p.beta != 0) gemm.addend = c, gemm.addend_row = p.ldc, gemm.addend_column = 1;
    lofi_gemm_run(&gemm, 1);
}

static size_t span(int64_t rows, int64_t columns, int64_t stride, int64_t batch, int64_t step, size_t element) {
    return (size_t)((batch - 1) * step + (rows - 1) * stride + columns) * element;
}

/* What cuBLAS would refuse, and what it would read or write where nothing is. */
static const char *wrong_product(const lofi_cuda_product &p) {
    int64_t columns_a = p.transpose_a ? p.m : p.k, columns_b = p.transpose_b ? p.k : p.n, most = 2147483647;
    if (p.m < 0 || p.n < 0 || p.k < 0 || p.batch < 0 || p.m > most || p.n > most || p.k > most || p.batch > most)
        return "a size is out of range";
    if (p.lda < columns_a || p.ldb < columns_b || p.ldc < p.n || p.lda > most || p.ldb > most || p.ldc > most)
        return "rows are shorter than what is in them";
    if (p.type != LOFI_F32 && p.type != LOFI_BF16) return "no type of a product";
    return NULL;
}

lofi_code lofi_cuda_multiply(lofi_cuda *cuda, const lofi_cuda_product *product, const void *a, const void *b, float *c,
                             lofi_error *err) {
    (void)cuda;
    lofi_cuda_product p = *product;
    if (!p.m || !p.n || !p.batch) return LOFI_OK;
    const char *reason = wrong_product(p);
    if (reason)
        return lofi_fail(err, LOFI_ERR_IO, "a matrix product of %lld x %lld x %lld failed on the GPU: %s",
                         (long long)p.m, (long long)p.n, (long long)p.k, reason);
    size_t element = p.type == LOFI_F32 ? 4 : 2;
    if (p.k) {
        check_ours(a, span(p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k, p.lda, p.batch, p.stride_a, element),
                   "a factor");
        check_ours(b, span(p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n, p.ldb, p.batch, p.stride_b, element),
                   "a factor");
    }
    check_ours(c, span(p.m, p.n, p.ldc, p.batch, p.stride_c, sizeof(float)), "a product");
    lofi_emulated_do([=] {
        for (int64_t i = 0; i < p.batch; i++)
            multiply(p, (const char *)a + (size_t)(i * p.stride_a) * element,
                     (const char *)b + (size_t)(i * p.stride_b) * element, c + i * p.stride_c);
    });
    return LOFI_OK;
}
