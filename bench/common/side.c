/* side.c - see the header. */
#include "common/side.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int64_t lofi_side_processor_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void lofi_side_restart_peak(void) {
    int file = open("/proc/self/clear_refs", O_WRONLY);
    if (file < 0 || write(file, "5", 1) != 1) fprintf(stderr, "the peak memory includes opening\n");
    if (file >= 0) close(file);
}

long long lofi_side_peak_bytes(void) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long long kilobytes = 0;
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lld", &kilobytes) == 1) break;
    if (status) fclose(status);
    return kilobytes * 1024;
}

lofi_code lofi_side_whole_number(int64_t *out, const char *text, lofi_error *err) {
    char *end;
    *out = strtoll(text, &end, 10);
    if (end != text && *end == 0 && *out >= 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_USAGE, "'%s' is not a whole number", text);
}

/* ---- the training example ---- */

static lofi_code need(const lofi_stored_tensor **out, const lofi_safetensors *file, const char *name, int rank,
                      lofi_error *err) {
    LOFI_TRY(lofi_safetensors_get(out, file, name, err));
    if ((*out)->rank == rank && (*out)->aligned) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' has %d dimensions, expected %d", name, (*out)->rank, rank);
}

static lofi_code read_floats(const float **out, const lofi_safetensors *file, const char *name, int rank,
                             lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(need(&tensor, file, name, rank, err));
    if (tensor->type != LOFI_STORED_F32) return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' is not F32", name);
    *out = tensor->data;
    return LOFI_OK;
}

lofi_code lofi_side_example(lofi_step_inputs *out, const lofi_safetensors *file, lofi_error *err) {
    const lofi_stored_tensor *latents, *text, *lyric;
    LOFI_TRY(need(&latents, file, "latents", 4, err));
    LOFI_TRY(need(&text, file, "text_states", 3, err));
    LOFI_TRY(need(&lyric, file, "lyric_token_ids", 2, err));
    if (lyric->type != LOFI_STORED_I64) return lofi_fail(err, LOFI_ERR_FORMAT, "input 'lyric_token_ids' is not I64");
    out->batch = latents->dims[0];
    out->frames = latents->dims[3];
    out->text = text->dims[1];
    out->lyric = lyric->dims[1];
    out->lyric_token_ids = lyric->data;
    LOFI_TRY(read_floats(&out->latents, file, "latents", 4, err));
    LOFI_TRY(read_floats(&out->noise, file, "noise", 4, err));
    LOFI_TRY(read_floats(&out->attention_mask, file, "attention_mask", 2, err));
    LOFI_TRY(read_floats(&out->text_states, file, "text_states", 3, err));
    LOFI_TRY(read_floats(&out->text_mask, file, "text_mask", 2, err));
    LOFI_TRY(read_floats(&out->lyric_mask, file, "lyric_mask", 2, err));
    LOFI_TRY(read_floats(&out->speaker, file, "speaker", 2, err));
    LOFI_TRY(read_floats(&out->sigma, file, "sigma", 1, err));
    return read_floats(&out->timestep, file, "timestep", 1, err);
}

static lofi_code read_factor(const lofi_safetensors *file, const char *layer, const char *factor, float *values,
                             int64_t rows, int64_t columns, lofi_error *err) {
    char name[512];
    const lofi_stored_tensor *tensor;
    snprintf(name, sizeof name, "start.%s.%s.weight", layer, factor);
    LOFI_TRY(lofi_safetensors_get(&tensor, file, name, err));
    if (!lofi_stored_has_shape(tensor, 2, (int64_t[]){rows, columns}))
        return lofi_fail(err, LOFI_ERR_FORMAT, "input '%s' has not the shape [%lld, %lld]", name, (long long)rows,
                         (long long)columns);
    lofi_stored_read_f32(tensor, 0, values, tensor->count);
    return LOFI_OK;
}

lofi_code lofi_side_adapter(lofi_adapter *adapter, const lofi_safetensors *file, lofi_error *err) {
    for (size_t i = 0; i < adapter->layer_count; i++) {
        const lofi_lora_layer *layer = &adapter->layers[i];
        LOFI_TRY(
            read_factor(file, layer->name, "lora_A", adapter->values + layer->a_offset, layer->rank, layer->in, err));
        LOFI_TRY(
            read_factor(file, layer->name, "lora_B", adapter->values + layer->b_offset, layer->out, layer->rank, err));
    }
    return LOFI_OK;
}
