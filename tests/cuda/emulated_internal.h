/* emulated_internal.h - between emulated.cpp, which runs kernels, and emulated_cuda.cpp, which stands for the GPU. */
#ifndef LOFI_TESTS_CUDA_EMULATED_INTERNAL_H
#define LOFI_TESTS_CUDA_EMULATED_INTERNAL_H

#include <functional>

/* Does `work` now, or notes it down while a recording is made. */
void lofi_emulated_do(const std::function<void()> &work);
/* What a launch was refused for, until lofi_cuda_launched asks. */
void lofi_emulated_refuse(const char *reason);
/* Ends the program with a sentence. */
[[noreturn]] void lofi_emulated_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
