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

/* Units [first, last) of the music, and those from `from` to `end` that they depend on. */
typedef struct stretch {
    int64_t first, last, from, end;
} stretch;

static void fill_mask(const lofi_windowed *n, const stretch *w, float *mask) {
    int64_t columns = (w->end - w->from) * n->in_factor;
    for (int64_t row = 0; row < n->mask_rows; row++)
        for (int64_t i = 0; i < columns; i++) {
            int64_t unit = w->from + i / n->in_factor;
            mask[row * columns + i] = unit >= w->first && unit < w->last;
        }
}

static lofi_code fill_others(lofi_windowed *n, const stretch *w, lofi_error *err) {
    void *data = NULL;
    int64_t count;
    if (n->constant) {
        LOFI_TRY(lofi_session_data(n->session, n->constant, &data, &count, err));
        memcpy(data, n->constant_values, (size_t)count * sizeof(float));
    }
    if (n->mask) {
        LOFI_TRY(lofi_session_data(n->session, n->mask, &data, NULL, err));
        fill_mask(n, w, data);
    }
    return LOFI_OK;
}

static lofi_code run_window(lofi_windowed *n, const lofi_columns *in, const stretch *w, lofi_error *err) {
    int64_t width = w->end - w->from;
    void *data = NULL;
    lofi_session_set(n->session, "columns", width);
    LOFI_TRY(lofi_session_prepare(n->session, err));
    LOFI_TRY(lofi_session_data(n->session, n->in, &data, NULL, err));
    copy_columns(data, width * n->in_factor, 0, in->values, in->columns, w->from * n->in_factor, width * n->in_factor,
                 n->in_rows);
    LOFI_TRY(fill_others(n, w, err));
    LOFI_TRY(lofi_session_run(n->session, err));
    return LOFI_OK;
}

/* What is done with the output of a window. */
typedef lofi_code keep_output(lofi_windowed *network, const stretch *window, void *to, lofi_error *err);

static lofi_code keep_columns(lofi_windowed *n, const stretch *w, void *to, lofi_error *err) {
    const lofi_columns *out = to;
    void *data = NULL;
    LOFI_TRY(lofi_session_data(n->session, n->out, &data, NULL, err));
    copy_columns(out->values, out->columns, w->first * n->out_factor, data, (w->end - w->from) * n->out_factor,
                 (w->first - w->from) * n->out_factor, (w->last - w->first) * n->out_factor, n->out_rows);
    return LOFI_OK;
}

static lofi_code add_output(lofi_windowed *n, const stretch *w, void *to, lofi_error *err) {
    double *sum = to;
    void *data = NULL;
    int64_t count = 0;
    LOFI_TRY(lofi_session_data(n->session, n->out, &data, &count, err));
    if (w->first == 0) memset(sum, 0, (size_t)count * sizeof *sum);
    for (int64_t i = 0; i < count; i++) sum[i] += (double)((const float *)data)[i];
    return LOFI_OK;
}

static lofi_code run_windows(lofi_windowed *n, const lofi_columns *in, int64_t size, keep_output *keep, void *to,
                             const lofi_windowed_progress *progress, lofi_error *err) {
    int64_t units = in->columns / n->in_factor, step = size > 0 && size < units ? size : units;
    for (int64_t first = 0; first < units; first += step) {
        stretch w = {.first = first, .last = first + step < units ? first + step : units};
        w.from = first > n->reach ? first - n->reach : 0;
        w.end = w.last + n->reach < units ? w.last + n->reach : units;
        LOFI_TRY(run_window(n, in, &w, err));
        LOFI_TRY(keep(n, &w, to, err));
        if (progress) LOFI_TRY(progress->tell(progress->user, (double)w.last / (double)units, err));
    }
    return LOFI_OK;
}

lofi_code lofi_windowed_run(lofi_windowed *network, const lofi_columns *in, int64_t window, lofi_columns *out,
                            const lofi_windowed_progress *progress, lofi_error *err) {
    LOFI_TRY(lofi_columns_new(out, network->out_rows, in->columns / network->in_factor * network->out_factor,
                              "what a network makes of music", err));
    lofi_code code = run_windows(network, in, window, keep_columns, out, progress, err);
    lofi_session_release(network->session);
    return code;
}

lofi_code lofi_windowed_sum(lofi_windowed *network, const lofi_columns *in, int64_t window, double *sum,
                            const lofi_windowed_progress *progress, lofi_error *err) {
    lofi_code code = run_windows(network, in, window, add_output, sum, progress, err);
    lofi_session_release(network->session);
    return code;
}
