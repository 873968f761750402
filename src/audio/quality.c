/* quality.c - see quality.h. */
#include "audio/quality.h"

#include <math.h>

/* 0 for what is not known. */
static double clamp_share(double value) {
    return value > 0.0 ? fmin(1.0, value) : 0.0;
}

int lofi_quality_score(const lofi_measures *m, double seconds) {
    if (m->silence_share >= 1.0) return 0;
    double flat_per_minute = seconds > 0.0 ? m->flat_runs * 60.0 / seconds : 0.0;
    double penalty =
        40.0 * clamp_share(m->clipped_share / 0.001) + 40.0 * clamp_share((m->silence_share - 0.02) / 0.48) +
        10.0 * clamp_share(flat_per_minute / 60.0) + 10.0 * clamp_share((2.0 - m->loudness_range_lu) / 2.0) +
        10.0 * clamp_share((m->loudness_range_lu - 20.0) / 10.0) + 10.0 * clamp_share(m->track_true_peak_dbtp / 2.0) +
        20.0 * clamp_share(m->upconverted) + 10.0 * clamp_share((8000.0 - m->bandwidth_hz) / 5000.0) +
        10.0 * clamp_share((m->dc_offset - 0.002) / 0.05) + 10.0 * clamp_share((fabs(m->balance_db) - 3.0) / 9.0) +
        15.0 * clamp_share((-0.1 - m->phase) / 0.6) + 20.0 * clamp_share((-20.0 - m->peak_dbfs) / 40.0);
    return (int)lround(fmax(0.0, 100.0 - penalty));
}
