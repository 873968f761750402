/* adamw.c - see the header. */
#include "kernels/adamw.h"

#include "kernels/parallel.h"

void lofi_adamw_array(const lofi_adamw_step *step, float *values, const float *gradient, float *first, float *second,
                      size_t count, int threads) {
    const lofi_adamw_step s = *step;
    LOFI_PARALLEL_FOR(lofi_team(count > LOFI_TEAM_ELEMENTS, threads), i, count,
                      { lofi_adamw_number(&s, &values[i], gradient[i], &first[i], &second[i]); });
}
