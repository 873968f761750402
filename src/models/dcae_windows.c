/* dcae_windows.c - see the header. */
#include "models/dcae_windows.h"

#include "base/memory.h"

/* A part, and the gathering of the state that it needs. */
typedef struct stage {
    lofi_windowed run, gather;
    bool attention;
    int64_t units; /* of either for each latent frame */
    double *sum;   /* the state: as it is added up, and as attention reads it */
    float *state;
    int64_t state_count;
} stage;

struct lofi_dcae_windows {
    const lofi_weight_source *source;
    const lofi_dcae_config *config;
    int64_t rows, reduction; /* of the pictures; how many times smaller latents are */
    int threads;
    stage *stages;
    int count;
};

/* ---- opening ---- */

static lofi_tensor *input_picture(const lofi_dcae_windows *h, lofi_windowed *n, const lofi_dcae_part *part,
                                  lofi_dim columns) {
    int64_t rows = h->rows / part->in_reduction;
    lofi_dim dims[] = {1, part->in_channels, rows, lofi_dim_mul(n->graph, columns, n->in_factor)};
    n->in_rows = part->in_channels * rows;
    return lofi_graph_input(n->graph, "in", lofi_shape_of(LOFI_F32, 4, dims));
}

static lofi_code build_run(lofi_dcae_windows *h, stage *s, const lofi_dcae_part *part, lofi_error *err) {
    lofi_windowed *n = &s->run;
    lofi_dim columns, width = h->config->head_width, state[] = {1, part->heads, width + 1, width};
    LOFI_TRY(lofi_windowed_start(n, &columns, err));
    lofi_builder builder = {.graph = n->graph, .source = h->source};
    if (part->out_reduction > part->in_reduction)
        n->in_factor = part->out_reduction / part->in_reduction;
    else
        n->out_factor = part->in_reduction / part->out_reduction;
    n->reach = part->reach;
    n->out_rows = part->out_channels * (h->rows / part->out_reduction);
    n->in = input_picture(h, n, part, columns);
    if (part->attention) n->constant = lofi_graph_input(n->graph, "state", lofi_shape_of(LOFI_F32, 4, state));
    n->constant_values = s->state;
    n->out = lofi_dcae_build_part(&builder, h->config, part, n->in, n->constant);
    return lofi_windowed_finish(n, h->threads, err);
}

static lofi_code build_gather(lofi_dcae_windows *h, stage *s, const lofi_dcae_part *part, lofi_error *err) {
    lofi_windowed *n = &s->gather;
    lofi_dim columns;
    LOFI_TRY(lofi_windowed_start(n, &columns, err));
    lofi_builder builder = {.graph = n->graph, .source = h->source};
    n->in_factor = s->run.in_factor;
    n->reach = (part->state_reach + n->in_factor - 1) / n->in_factor;
    n->mask_rows = h->rows / part->in_reduction;
    n->in = input_picture(h, n, part, columns);
    lofi_dim positions[] = {1, lofi_dim_mul(n->graph, columns, n->in_factor * n->mask_rows)};
    n->mask = lofi_graph_input(n->graph, "mask", lofi_shape_of(LOFI_F32, 2, positions));
    n->out = lofi_dcae_build_state(&builder, h->config, part, n->in, n->mask);
    return lofi_windowed_finish(n, h->threads, err);
}

static lofi_code open_stage(lofi_dcae_windows *h, stage *s, const lofi_dcae_part *part, lofi_error *err) {
    int64_t width = h->config->head_width, unit = part->in_reduction;
    if (part->out_reduction > unit) unit = part->out_reduction;
    s->units = h->reduction / unit;
    s->attention = part->attention;
    s->state_count = part->heads * (width + 1) * width;
    LOFI_TRY(lofi_alloc((void **)&s->sum, (size_t)s->state_count, sizeof *s->sum, "the state of attention", err));
    LOFI_TRY(lofi_alloc((void **)&s->state, (size_t)s->state_count, sizeof *s->state, "the state of attention", err));
    LOFI_TRY(build_run(h, s, part, err));
    return part->attention ? build_gather(h, s, part, err) : LOFI_OK;
}

static lofi_code open_stages(lofi_dcae_windows *h, lofi_dcae_side side, lofi_error *err) {
    lofi_dcae_part first = lofi_dcae_part_first(h->config, side), part = first;
    int count = 1;
    while (lofi_dcae_part_next(&part, &part, h->config)) count++;
    LOFI_TRY(lofi_alloc((void **)&h->stages, (size_t)count, sizeof *h->stages, "the autoencoder", err));
    part = first;
    do {
        LOFI_TRY(open_stage(h, &h->stages[h->count++], &part, err));
    } while (lofi_dcae_part_next(&part, &part, h->config));
    return LOFI_OK;
}

lofi_code lofi_dcae_windows_open(lofi_dcae_windows **out, const lofi_weight_source *source,
                                 const lofi_dcae_config *config, lofi_dcae_side side, int64_t rows, int threads,
                                 lofi_error *err) {
    void *memory = NULL;
    LOFI_TRY(lofi_alloc(&memory, 1, sizeof(lofi_dcae_windows), "the autoencoder", err));
    lofi_dcae_windows *half = memory;
    half->source = source;
    half->config = config;
    half->threads = threads;
    half->reduction = lofi_dcae_reduction(side == LOFI_DCAE_ENCODER ? &config->encoder : &config->decoder);
    half->rows = side == LOFI_DCAE_ENCODER ? rows : rows * half->reduction;
    lofi_code code = open_stages(half, side, err);
    if (code == LOFI_OK)
        *out = half;
    else
        lofi_dcae_windows_close(half);
    return code;
}

void lofi_dcae_windows_close(lofi_dcae_windows *half) {
    if (!half) return;
    for (int i = 0; i < half->count; i++) {
        lofi_windowed_close(&half->stages[i].run);
        lofi_windowed_close(&half->stages[i].gather);
        lofi_free(half->stages[i].sum);
        lofi_free(half->stages[i].state);
    }
    lofi_free(half->stages);
    lofi_free(half);
}

size_t lofi_dcae_windows_activation_bytes(const lofi_dcae_windows *half) {
    size_t most = 0;
    for (int i = 0; i < half->count; i++) {
        const stage *s = &half->stages[i];
        size_t run = lofi_windowed_activation_bytes(&s->run);
        size_t gather = s->attention ? lofi_windowed_activation_bytes(&s->gather) : 0;
        if (run > most) most = run;
        if (gather > most) most = gather;
    }
    return most;
}

/* ---- running ---- */

/* How far a run is, counted in passes over the music. */
typedef struct passes {
    const lofi_windowed_progress *progress; /* of the run */
    int done, count;
} passes;

static lofi_code tell(void *user, double share, lofi_error *err) {
    const passes *p = user;
    if (!p->progress) return LOFI_OK;
    return p->progress->tell(p->progress->user, (p->done + share) / p->count, err);
}

static lofi_code run_stage(stage *s, const lofi_columns *in, int64_t window, lofi_columns *out, passes *p,
                           lofi_error *err) {
    lofi_windowed_progress progress = {tell, p};
    if (s->attention) {
        LOFI_TRY(lofi_windowed_sum(&s->gather, in, window * s->units, s->sum, &progress, err));
        for (int64_t i = 0; i < s->state_count; i++) s->state[i] = (float)s->sum[i];
        p->done++;
    }
    LOFI_TRY(lofi_windowed_run(&s->run, in, window * s->units, out, &progress, err));
    p->done++;
    return LOFI_OK;
}

lofi_code lofi_dcae_windows_run(lofi_dcae_windows *half, lofi_columns *in, int64_t window, lofi_columns *out,
                                const lofi_windowed_progress *progress, lofi_error *err) {
    passes p = {.progress = progress};
    lofi_code code = LOFI_OK;
    for (int i = 0; i < half->count; i++) p.count += half->stages[i].attention ? 2 : 1;
    for (int i = 0; i < half->count && code == LOFI_OK; i++) {
        lofi_columns next = {0};
        code = run_stage(&half->stages[i], in, window, &next, &p, err);
        lofi_columns_free(in);
        *in = next;
    }
    *out = *in;
    *in = (lofi_columns){0};
    return code;
}
