/* windowed.c - see the header. */
#include "models/windowed.h"

#include <string.h>

#include "base/memory.h"

/* ---- columns ---- */

lofi_code lofi_columns_new(lofi_columns *out, int64_t rows, int64_t columns, const char *what, lofi_error *err) {
    void *memory = NULL;
    int64_t count;
    if (!lofi_mul_i64(rows, columns, &count))
        return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate memory for %s: the size is out of range", what);
    LOFI_TRY(lofi_alloc_unset(&memory, (size_t)count, sizeof(float), what, err));
    *out = (lofi_columns){memory, rows, columns};
    return LOFI_OK;
}

void lofi_columns_free(lofi_columns *columns) {
    lofi_free(columns->values);
    *columns = (lofi_columns){0};
}

/* ---- opening ---- */

lofi_code lofi_windowed_start(lofi_windowed *network, lofi_dim *columns, lofi_error *err) {
    network->in_factor = network->out_factor = 1;
    LOFI_TRY(lofi_graph_new(&network->graph, err));
    *columns = lofi_dim_symbol(network->graph, "columns");
    return LOFI_OK;
}

lofi_code lofi_windowed_finish(lofi_windowed *network, int threads, lofi_error *err) {
    if (network->out) lofi_graph_output(network->graph, "out", network->out);
    LOFI_TRY(lofi_graph_check(network->graph, err));
    return lofi_session_new(&network->session, network->graph, (lofi_session_options){.threads = threads}, err);
}

void lofi_windowed_close(lofi_windowed *network) {
    lofi_session_free(network->session);
    lofi_graph_free(network->graph);
    *network = (lofi_windowed){0};
}

size_t lofi_windowed_activation_bytes(const lofi_windowed *network) {
    return lofi_session_get_stats(network->session).largest_bytes;
}

/* ---- running ---- */

/* Columns [first, first + count) of all rows of `from`, to columns from `at` on in `to`. */
static void copy_columns(float *to, int64_t to_columns, int64_t at, const float *from, int64_t from_columns,
                         int64_t first, int64_t count, int64_t rows) {
    for (int64_t row = 0; row < rows; row++)
        memcpy(to + row * to_columns + at, from + row * from_columns + first, (size_t)count * sizeof(float));
}

/* Computes the units [first, last) of `out` from those of `in` and the ones in reach. */
static lofi_code run_window(lofi_windowed *n, const lofi_columns *in, lofi_columns *out, int64_t first, int64_t last,
                            lofi_error *err) {
    int64_t units = in->columns / n->in_factor, from = first > n->reach ? first - n->reach : 0;
    int64_t end = last + n->reach < units ? last + n->reach : units, width = end - from;
    void *data = NULL;
    lofi_session_set(n->session, "columns", width);
    LOFI_TRY(lofi_session_prepare(n->session, err));
    LOFI_TRY(lofi_session_data(n->session, n->in, &data, NULL, err));
    copy_columns(data, width * n->in_factor, 0, in->values, in->columns, from * n->in_factor, width * n->in_factor,
                 n->in_rows);
    lofi_session_run(n->session);
    LOFI_TRY(lofi_session_data(n->session, n->out, &data, NULL, err));
    copy_columns(out->values, out->columns, first * n->out_factor, data, width * n->out_factor,
                 (first - from) * n->out_factor, (last - first) * n->out_factor, n->out_rows);
    return LOFI_OK;
}

static lofi_code run_windows(lofi_windowed *network, const lofi_columns *in, int64_t window, lofi_columns *out,
                             const lofi_windowed_progress *progress, lofi_error *err) {
    int64_t units = in->columns / network->in_factor, step = window > 0 && window < units ? window : units;
    for (int64_t first = 0; first < units; first += step) {
        int64_t last = first + step < units ? first + step : units;
        LOFI_TRY(run_window(network, in, out, first, last, err));
        if (progress) LOFI_TRY(progress->tell(progress->user, (double)last / (double)units, err));
    }
    return LOFI_OK;
}

lofi_code lofi_windowed_run(lofi_windowed *network, const lofi_columns *in, int64_t window, lofi_columns *out,
                            const lofi_windowed_progress *progress, lofi_error *err) {
    LOFI_TRY(lofi_columns_new(out, network->out_rows, in->columns / network->in_factor * network->out_factor,
                              "what a network makes of music", err));
    lofi_code code = run_windows(network, in, window, out, progress, err);
    lofi_session_release(network->session);
    return code;
}
