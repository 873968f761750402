/* rope.c - rotary position embedding. */
#include "kernels/rope.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernels/parallel.h"

static void rotate(int64_t width, const float *x, const float *cosine, const float *sine, float *out) {
    for (int64_t i = 0; i < width; i += 2) {
        float even = x[i], odd = x[i + 1];
        out[i] = even * cosine[i] - odd * sine[i];
        out[i + 1] = odd * cosine[i + 1] + even * sine[i + 1];
    }
}

static void rotate_back(int64_t width, const float *x, const float *cosine, const float *sine, float *out) {
    for (int64_t i = 0; i < width; i += 2) {
        float even = x[i], odd = x[i + 1];
        out[i] = even * cosine[i] + odd * sine[i + 1];
        out[i + 1] = odd * cosine[i + 1] - even * sine[i];
    }
}

void lofi_rope_rotate(const lofi_rope_sizes *sizes, const float *x, const float *cosine, const float *sine,
                      bool transposed, float *out) {
    const lofi_rope_sizes *s = sizes;
    LOFI_PARALLEL_FOR(lofi_team(s->batch * s->length * s->heads * s->width > LOFI_TEAM_ELEMENTS, s->threads), row,
                      s->batch * s->length, {
                          int64_t table = row % s->length * s->width;
                          for (int64_t head = 0; head < s->heads; head++) {
                              int64_t at = (row * s->heads + head) * s->width;
                              (transposed ? rotate_back : rotate)(s->width, x + at, cosine + table, sine + table,
                                                                  out + at);
                          }
                      });
}

float lofi_rope_frequency(int64_t j, int64_t width, float theta) {
    float exponent = (float)(2 * j) / (float)width;
    return 1.0f / (float)pow((double)theta, (double)exponent);
}

void lofi_rope_table(int64_t length, int64_t width, float theta, float *cosine, float *sine) {
    int64_t half = width / 2;
    for (int64_t j = 0; j < half; j++) {
        float inverse = lofi_rope_frequency(j, width, theta);
        for (int64_t s = 0; s < length; s++) {
            double angle = (double)((float)s * inverse);
            float *c = cosine + s * width + j, *n = sine + s * width + j;
            c[0] = c[half] = (float)cos(angle);
            n[0] = n[half] = (float)sin(angle);
        }
    }
}
