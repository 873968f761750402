/* checkpoint_init.c - see the header. */
#include "models/checkpoint_init.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "models/registry.h"
#include "store/checkpoint_folder.h"
#include "store/safetensors.h"
#include "text/small_lyric_vocab.h"
#include "text/small_tokenizer.h"

#define CHUNK    ((int64_t)1 << 20) /* values drawn at a time */
#define SUBCHUNK ((int64_t)1 << 14) /* by one thread */
#define MEGABYTE 1000000

/* ---- what is to be written ---- */

typedef struct part {
    const lofi_model *model;
    json_t *config;
    lofi_weight_table table;
    lofi_stored_type type;
    lofi_stored_tensor *tensors; /* in the order of the file; names are those of the table */
} part;

typedef struct plan {
    const lofi_checkpoint_init_settings *settings;
    part parts[LOFI_CHECKPOINT_MAX_PARTS];
    size_t count;
} plan;

static void free_plan(plan *p) {
    for (size_t i = 0; i < p->count; i++) {
        json_decref(p->parts[i].config);
        lofi_weight_table_free(&p->parts[i].table);
        lofi_free(p->parts[i].tensors);
    }
}

static lofi_stored_type type_of(const json_t *config, const char *preset) {
    const char *given = json_string_value(json_object_get(config, "torch_dtype"));
    if (strcmp(preset, "full") != 0 || (given && strcmp(given, "float32") == 0)) return LOFI_STORED_F32;
    return LOFI_STORED_BF16;
}

static lofi_code plan_part(part *p, const char *preset, lofi_error *err) {
    LOFI_TRY(p->model->preset(preset, &p->config, err));
    LOFI_TRY(p->model->declare(p->config, &p->table, err));
    p->type = type_of(p->config, preset);
    LOFI_TRY(lofi_alloc((void **)&p->tensors, p->table.count, sizeof *p->tensors, "a table of weights", err));
    for (size_t i = 0; i < p->table.count; i++) {
        const lofi_weight_entry *entry = &p->table.entries[i];
        p->tensors[i] = lofi_stored_declare(entry->name, p->type, entry->rank, entry->dims);
    }
    lofi_stored_sort(p->tensors, p->table.count);
    return LOFI_OK;
}

static lofi_code make_plan(plan *p, lofi_error *err) {
    for (size_t i = 0; i < lofi_model_count(); i++) {
        part *next = &p->parts[p->count++];
        next->model = lofi_model_at(i);
        LOFI_TRY(plan_part(next, p->settings->preset, err));
    }
    return LOFI_OK;
}

static lofi_checkpoint_summary summarize(const plan *p) {
    lofi_checkpoint_summary summary = {.count = p->count};
    for (size_t i = 0; i < p->count; i++) {
        lofi_checkpoint_part *line = &summary.parts[i];
        line->name = p->parts[i].model->name;
        line->type = lofi_stored_type_name(p->parts[i].type);
        line->tensors = p->parts[i].table.count;
        for (size_t j = 0; j < line->tensors; j++) {
            line->parameters += (int64_t)p->parts[i].tensors[j].count;
            line->bytes += (int64_t)p->parts[i].tensors[j].bytes;
        }
        summary.parameters += line->parameters;
        summary.bytes += line->bytes;
    }
    return summary;
}

/* ---- numbers ---- */

/* FNV-1a over "component", a zero byte, "name". */
static uint64_t stream_of(const char *component, const char *name) {
    uint64_t hash = 14695981039346656037u;
    const char *texts[] = {component, name};
    for (int i = 0; i < 2; i++)
        for (size_t j = 0, size = strlen(texts[i]) + 1; j < size; j++)
            hash = (hash ^ (unsigned char)texts[i][j]) * 1099511628211u;
    return hash;
}

/* value = offset + factor * normal */
static lofi_initial rule_of(const lofi_model *model, const lofi_weight_entry *entry) {
    lofi_initial rule = {1, 0}, own = {1, 0};
    int64_t fan_in = 1;
    for (int i = 1; i < entry->rank; i++) fan_in *= entry->dims[i];
    switch (entry->fill) {
    case LOFI_FILL_MATRIX: rule.factor = (float)(1 / sqrt((double)fan_in)); break;
    case LOFI_FILL_EMBEDDING: rule.factor = 0.5f; break;
    case LOFI_FILL_ONE: rule = (lofi_initial){0.1f, 1}; break;
    case LOFI_FILL_ZERO: rule.factor = 0.1f; break;
    }
    if (model->initial) own = model->initial(entry->name);
    return (lofi_initial){own.factor * rule.factor, own.offset + own.factor * rule.offset};
}

typedef struct scratch {
    float *values;
    uint16_t *halves;
} scratch;

static void draw(float *values, int64_t first, int64_t count, const lofi_random *random, lofi_initial rule) {
#pragma omp parallel for schedule(static)
    for (int64_t at = 0; at < count; at += SUBCHUNK) {
        int64_t size = count - at < SUBCHUNK ? count - at : SUBCHUNK;
        lofi_random_fill_normal(random, (uint64_t)(first + at), values + at, (size_t)size);
        for (int64_t i = at; i < at + size; i++) values[i] = rule.offset + rule.factor * values[i];
    }
}

static lofi_code put(lofi_safetensors_writer *writer, const scratch *s, const float *values, int64_t count,
                     lofi_stored_type type, lofi_error *err) {
    if (type == LOFI_STORED_F32)
        return lofi_safetensors_writer_bytes(writer, values, (size_t)count * sizeof *values, err);
    lofi_bf16_from_f32_array(s->halves, values, (size_t)count);
    return lofi_safetensors_writer_bytes(writer, s->halves, (size_t)count * sizeof *s->halves, err);
}

/* What a file being written needs to know. */
typedef struct output {
    const part *part;
    uint64_t seed;
    lofi_safetensors_writer *writer;
    scratch scratch;
    lofi_progress *progress;
    int64_t *written; /* bytes of all parts so far */
} output;

static lofi_code put_computed(const output *o, const float *values, int64_t count, lofi_error *err) {
    for (int64_t at = 0; at < count; at += CHUNK)
        LOFI_TRY(put(o->writer, &o->scratch, values + at, count - at < CHUNK ? count - at : CHUNK, o->part->type, err));
    return LOFI_OK;
}

static lofi_code put_drawn(const output *o, const lofi_weight_entry *entry, int64_t count, lofi_error *err) {
    lofi_initial rule = rule_of(o->part->model, entry);
    lofi_random random = lofi_random_at(o->seed, LOFI_RANDOM_WEIGHTS, stream_of(o->part->model->name, entry->name));
    for (int64_t at = 0; at < count; at += CHUNK) {
        int64_t size = count - at < CHUNK ? count - at : CHUNK;
        if (lofi_interrupt_asked()) return lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted: no model was written");
        draw(o->scratch.values, at, size, &random, rule);
        LOFI_TRY(put(o->writer, &o->scratch, o->scratch.values, size, o->part->type, err));
    }
    return LOFI_OK;
}

static lofi_code put_tensor(const output *o, const lofi_stored_tensor *tensor, lofi_error *err) {
    const lofi_model *model = o->part->model;
    const lofi_weight_entry *entry = lofi_weight_table_find(&o->part->table, tensor->name);
    float *values = NULL;
    if (model->computed) LOFI_TRY(model->computed(o->part->config, entry, &values, err));
    lofi_code code = values ? put_computed(o, values, (int64_t)tensor->count, err)
                            : put_drawn(o, entry, (int64_t)tensor->count, err);
    lofi_free(values);
    *o->written += (int64_t)tensor->bytes;
    lofi_progress_step(o->progress, *o->written / MEGABYTE, model->name);
    return code;
}

static lofi_code put_weights(output *o, const char *path, lofi_error *err) {
    size_t count = o->part->table.count;
    lofi_code code = LOFI_OK;
    json_t *metadata = json_pack("{s:s}", "format", "pt");
    if (!metadata) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the header of '%s'", path);
    code = lofi_safetensors_writer_open(&o->writer, path, o->part->tensors, count, metadata, err);
    json_decref(metadata);
    if (code != LOFI_OK) return code;
    for (size_t i = 0; code == LOFI_OK && i < count; i++) code = put_tensor(o, &o->part->tensors[i], err);
    if (code == LOFI_OK) return lofi_safetensors_writer_commit(o->writer, err);
    lofi_safetensors_writer_abort(o->writer);
    return code;
}

/* ---- files ---- */

static lofi_code write_part(output *o, const char *root, lofi_error *err) {
    char folder[LOFI_PATH_MAX], path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_format(folder, err, "%s/%s", root, o->part->model->name));
    LOFI_TRY(lofi_folder_make(folder, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/config.json", folder));
    LOFI_TRY(lofi_json_save(o->part->config, path, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s.safetensors", folder, o->part->model->weights));
    return put_weights(o, path, err);
}

/* A vocabulary of ours must fit into the table that a config gives it. */
static lofi_code check_vocabulary(const plan *p, lofi_component component, const char *key, int64_t tokens,
                                  lofi_error *err) {
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->parts[i].model->name, lofi_component_folder(component)) != 0) continue;
        int64_t rows = 0;
        LOFI_TRY(lofi_json_int(&rows, p->parts[i].config, key, 1, 1 << 30, p->parts[i].model->name, err));
        if (rows < tokens)
            return lofi_fail(err, LOFI_ERR_UNSUPPORTED,
                             "the preset's '%s' is %lld, but the vocabulary holds %lld tokens", key, (long long)rows,
                             (long long)tokens);
    }
    return LOFI_OK;
}

static lofi_code write_vocabularies(const plan *p, const char *root, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    int64_t tokens = 0;
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", root, lofi_component_folder(LOFI_COMPONENT_TEXT_ENCODER)));
    LOFI_TRY(lofi_small_tokenizer_write(path, &tokens, err));
    LOFI_TRY(check_vocabulary(p, LOFI_COMPONENT_TEXT_ENCODER, "vocab_size", tokens, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/lyric_vocab.json", root));
    LOFI_TRY(lofi_small_lyric_vocab_write(path, &tokens, err));
    return check_vocabulary(p, LOFI_COMPONENT_TRANSFORMER, "lyric_encoder_vocab_size", tokens, err);
}

static lofi_code write_parts(const plan *p, const char *root, output *o, lofi_error *err) {
    for (size_t i = 0; i < p->count; i++) {
        o->part = &p->parts[i];
        LOFI_TRY(write_part(o, root, err));
    }
    return write_vocabularies(p, root, err);
}

static lofi_code write_all(const plan *p, const char *root, int64_t bytes, lofi_log *log, lofi_error *err) {
    lofi_progress progress = lofi_progress_start(log, "writing the model", "MB", bytes / MEGABYTE);
    int64_t written = 0;
    output o = {.seed = p->settings->seed, .progress = &progress, .written = &written};
    LOFI_TRY(lofi_alloc((void **)&o.scratch.values, CHUNK, sizeof(float), "weights", err));
    lofi_code code = lofi_alloc((void **)&o.scratch.halves, CHUNK, sizeof(uint16_t), "weights", err);
    if (code == LOFI_OK) code = write_parts(p, root, &o, err);
    lofi_free(o.scratch.values);
    lofi_free(o.scratch.halves);
    lofi_progress_end(&progress);
    return code;
}

static lofi_code write_folder(const plan *p, int64_t bytes, lofi_log *log, lofi_error *err) {
    lofi_folder_writer *folder = NULL;
    LOFI_TRY(lofi_folder_writer_open(&folder, p->settings->folder, err));
    lofi_code code = write_all(p, lofi_folder_writer_path(folder), bytes, log, err);
    if (code == LOFI_OK) return lofi_folder_writer_commit(folder, err);
    lofi_folder_writer_abort(folder);
    return code;
}

/* Hidden names count too: the folder is going to be replaced. */
static lofi_code check_empty(const char *path, lofi_error *err) {
    if (!lofi_path_exists(path)) return LOFI_OK;
    DIR *folder = opendir(path);
    if (!folder) return lofi_fail_errno(err, errno, "cannot write a model to '%s'", path);
    size_t entries = 0;
    while (readdir(folder)) entries++;
    closedir(folder);
    if (entries <= 2) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_USAGE, "'%s' is not empty", path);
    return lofi_hint(err, "name a folder that is not there yet, or remove this one first");
}

lofi_code lofi_checkpoint_init(lofi_checkpoint_summary *summary, const lofi_checkpoint_init_settings *settings,
                               lofi_log *log, lofi_error *err) {
    plan p = {.settings = settings};
    lofi_checkpoint_summary found = {0};
    LOFI_TRY(check_empty(settings->folder, err));
    lofi_code code = make_plan(&p, err);
    if (code == LOFI_OK) found = summarize(&p);
    if (code == LOFI_OK && !settings->dry_run) code = write_folder(&p, found.bytes, log, err);
    if (code == LOFI_OK) *summary = found;
    free_plan(&p);
    return code;
}
