/* rope.h - rotary position embedding of interleaved pairs, and the tables of its angles. */
#ifndef LOFI_KERNELS_ROPE_H
#define LOFI_KERNELS_ROPE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lofi_rope_sizes {
    int64_t batch, length, heads, width; /* width: of one head, even */
    int threads;
} lofi_rope_sizes;

/* x, out: [batch, length, heads * width] (may be the same memory); cosine, sine: [length, width].
 * out[2i] = x[2i] cos[2i] - x[2i+1] sin[2i], out[2i+1] = x[2i+1] cos[2i+1] + x[2i] sin[2i+1] in every head; transposed:
 * the transposed matrix of that, which is the gradient. */
void lofi_rope_rotate(const lofi_rope_sizes *sizes, const float *x, const float *cosine, const float *sine,
                      bool transposed, float *out);

/* cosine, sine: [length, width]: of position * theta^(-2j / width) for j in [0, width / 2), twice side by side. Rounded
 * to f32 at every step, as the original's tables are. */
/* inv[j] of a table, 0 <= j < width / 2. */
float lofi_rope_frequency(int64_t j, int64_t width, float theta);
void lofi_rope_table(int64_t length, int64_t width, float theta, float *cosine, float *sine);

#endif
