/* windowed.h - a network along time that is run on the whole or in windows, with the same result.
 *
 * What a column of the output depends on ends some columns to the left and right of it (`reach`). So windows of time that
 * overlap by that much give what the whole gives, and the memory of the network follows the window; nothing is cross-faded.
 * Products of other sizes may add in another order, so last bits may differ.
 */
#ifndef LOFI_MODELS_WINDOWED_H
#define LOFI_MODELS_WINDOWED_H

#include "graph/session.h"

/* Rows of columns, [rows, columns]; time runs along the columns. */
typedef struct lofi_columns {
    float *values; /* lofi_columns_free, where lofi_columns_new made it */
    int64_t rows, columns;
} lofi_columns;

lofi_code lofi_columns_new(lofi_columns *out, int64_t rows, int64_t columns, const char *what,
                           lofi_error *err) LOFI_MUST_USE;
void lofi_columns_free(lofi_columns *columns); /* zeroes it */

/* [in_rows, n * in_factor] -> [out_rows, n * out_factor] for any n, the units of time: the graph's symbol "columns". */
typedef struct lofi_windowed {
    lofi_graph *graph;
    lofi_session *session;
    lofi_tensor *in, *out;
    int64_t in_rows, out_rows;
    int64_t in_factor, out_factor;
    int64_t reach; /* units on each side that a unit of the output depends on, at most */
    /* Inputs besides, NULL for none: one that is the same for all windows, and a mask [mask_rows, n * in_factor] that is 1 in the
     * window and 0 in reach of it. */
    lofi_tensor *constant, *mask;
    const float *constant_values;
    int64_t mask_rows;
} lofi_windowed;

/* The graph and the number of its columns. The caller builds `in` and `out` and sets the sizes; then finish. */
lofi_code lofi_windowed_start(lofi_windowed *network, lofi_dim *columns, lofi_error *err) LOFI_MUST_USE;
lofi_code lofi_windowed_finish(lofi_windowed *network, int threads, lofi_error *err) LOFI_MUST_USE;
void lofi_windowed_close(lofi_windowed *network); /* fine on a zeroed one */

/* Called after each window with the share that is done, 0 to 1; what it fails with ends the run. */
typedef struct lofi_windowed_progress {
    lofi_code (*tell)(void *user, double share, lofi_error *err);
    void *user;
} lofi_windowed_progress;

/* All of `in`, `window` units at a time (0: at once). *out is made here and yours, also after a failure. progress may be
 * NULL. Afterwards the network's activations take no memory. */
lofi_code lofi_windowed_run(lofi_windowed *network, const lofi_columns *in, int64_t window, lofi_columns *out,
                            const lofi_windowed_progress *progress, lofi_error *err) LOFI_MUST_USE;

/* For an output that is a sum over all columns, of whatever shape: adds up the windows' into sum [count], which is set here. */
lofi_code lofi_windowed_sum(lofi_windowed *network, const lofi_columns *in, int64_t window, double *sum,
                            const lofi_windowed_progress *progress, lofi_error *err) LOFI_MUST_USE;

/* Bytes of the largest activation buffer so far. */
size_t lofi_windowed_activation_bytes(const lofi_windowed *network);

#endif
