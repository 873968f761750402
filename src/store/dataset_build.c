/* dataset_build.c - chooses, reads, splits, orders and hashes the tracks of a dataset. */
#include "store/dataset_build.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "audio/fingerprint.h"
#include "audio/track_facts.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/utf8.h"
#include "catalog/tracks.h"
#include "store/dataset_hash.h"
#include "store/dataset_plan.h"
#include "store/hold_out.h"

#define TEXT_BYTES_MAX ((size_t)1 << 20) /* of a prompt or lyrics file */

const char *const lofi_dataset_split_names[2] = {"train", "validation"};

/* ---- questions ---- */

const char *lofi_dataset_plan_hash(const lofi_dataset_plan *plan) {
    return plan->hash;
}

size_t lofi_dataset_plan_split_count(const lofi_dataset_plan *plan) {
    return plan->split_count;
}

size_t lofi_dataset_plan_track_count(const lofi_dataset_plan *plan, size_t split) {
    assert(split < 2);
    return plan->split_sizes[split];
}

const lofi_planned_track *lofi_dataset_plan_track(const lofi_dataset_plan *plan, size_t split, size_t index) {
    assert(split < plan->split_count && index < plan->split_sizes[split]);
    return plan->split_tracks[split][index];
}

double lofi_dataset_plan_seconds(const lofi_dataset_plan *plan) {
    return plan->seconds;
}

const json_t *lofi_dataset_plan_failed(const lofi_dataset_plan *plan) {
    return plan->failed;
}

const json_t *lofi_dataset_plan_excluded(const lofi_dataset_plan *plan) {
    return plan->excluded;
}

const json_t *lofi_dataset_plan_admitted(const lofi_dataset_plan *plan) {
    return plan->admitted;
}

const json_t *lofi_dataset_plan_duplicates(const lofi_dataset_plan *plan) {
    return plan->duplicates;
}

const json_t *lofi_dataset_plan_review(const lofi_dataset_plan *plan) {
    return plan->review;
}

/* ---- texts ---- */

static lofi_code no_memory(lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the tracks of a dataset");
}

/* CRLF and CR to LF, in place; returns the new size. */
static size_t unify_lines(char *text, size_t size) {
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '\r')
            text[kept++] = text[i];
        else if (i + 1 >= size || text[i + 1] != '\n')
            text[kept++] = '\n';
    }
    return kept;
}

/* A text file, trimmed, into the arena. LOFI_ERR_FORMAT when it is not UTF-8 or holds a zero byte. */
static lofi_code read_text(const char **out, lofi_arena *arena, const char *path, lofi_error *err) {
    lofi_buffer file = LOFI_BUFFER_INIT;
    LOFI_TRY(lofi_file_read(&file, path, TEXT_BYTES_MAX, err));
    char *text = lofi_arena_alloc(arena, file.size + 1);
    lofi_code code = text ? LOFI_OK : no_memory(err);
    size_t size = file.size;
    if (code == LOFI_OK && size > 0) memcpy(text, file.data, size);
    lofi_buffer_free(&file);
    LOFI_TRY(code);
    if (!lofi_utf8_valid(text, size) || memchr(text, 0, size))
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is not UTF-8 text", path);
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) text += 3, size -= 3;
    size = unify_lines(text, size);
    while (size > 0 && strchr(" \t\n", text[size - 1])) size--;
    text[size] = 0;
    *out = text + strspn(text, " \t\n");
    return LOFI_OK;
}

static lofi_code split_tags(lofi_dataset_track *row, lofi_arena *arena, lofi_error *err) {
    size_t most = 1;
    for (const char *at = row->prompt; *at; at++) most += *at == ',';
    const char **tags = lofi_arena_alloc(arena, most * sizeof *tags);
    char *text = lofi_arena_strdup(arena, row->prompt);
    if (!tags || !text) return no_memory(err);
    for (char *next = text; next;) {
        char *tag = next;
        next = strchr(tag, ',');
        if (next) *next++ = 0;
        tag += strspn(tag, " \t");
        size_t length = strlen(tag);
        while (length > 0 && strchr(" \t", tag[length - 1])) tag[--length] = 0;
        if (length > 0) tags[row->tag_count++] = tag;
    }
    row->tags = tags;
    return LOFI_OK;
}

/* The text file of a track: NAME_prompt.txt, or what another tool left beside it. false: neither is there. */
static lofi_code find_text(bool *found, char path[LOFI_PATH_MAX], const lofi_dataset_plan *plan,
                           const lofi_track_file *file, const char *own, const char *foreign, lofi_error *err) {
    LOFI_TRY(lofi_track_text_path(path, plan->data_dir, file, own, err));
    *found = lofi_path_exists(path);
    if (*found) return LOFI_OK;
    char other[LOFI_PATH_MAX];
    LOFI_TRY(lofi_track_text_path(other, plan->data_dir, file, foreign, err));
    *found = lofi_path_is_file(other);
    return *found ? lofi_path_format(path, err, "%s", other) : LOFI_OK;
}

static lofi_code read_prompt(lofi_dataset_plan *plan, lofi_dataset_track *row, const lofi_track_file *file,
                             lofi_error *err) {
    char path[LOFI_PATH_MAX];
    bool found;
    LOFI_TRY(find_text(&found, path, plan, file, "_prompt.txt", ".txt", err));
    if (!found) return lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no prompt file '%s'", path);
    LOFI_TRY(read_text(&row->prompt, plan->arena, path, err));
    if (!row->prompt[0]) return lofi_fail(err, LOFI_ERR_FORMAT, "the prompt file '%s' is empty", path);
    if (strchr(row->prompt, '\n'))
        return lofi_fail(err, LOFI_ERR_FORMAT, "the prompt file '%s' has several lines", path);
    LOFI_TRY(split_tags(row, plan->arena, err));
    if (row->tag_count > 0) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_FORMAT, "the prompt file '%s' holds no tag", path);
}

static lofi_code read_lyrics(lofi_dataset_plan *plan, lofi_dataset_track *row, const lofi_track_file *file,
                             lofi_error *err) {
    char path[LOFI_PATH_MAX];
    bool found;
    row->lyrics = "";
    LOFI_TRY(find_text(&found, path, plan, file, "_lyrics.txt", ".lyrics", err));
    if (found) LOFI_TRY(read_text(&row->lyrics, plan->arena, path, err));
    if (!row->lyrics[0]) row->lyrics = "[Instrumental]";
    return LOFI_OK;
}

/* ---- one track ---- */

/* Length, hash and fingerprint of the audio. */
static lofi_code measure(lofi_dataset_plan *plan, lofi_planned_track *track, const char *path, lofi_error *err) {
    lofi_track_facts facts;
    LOFI_TRY(lofi_track_facts_get(&facts, plan->request.ledger, path, err));
    track->row.duration = facts.seconds;
    memcpy(track->audio_sha256, facts.sha256, sizeof facts.sha256);
    track->fingerprint = facts.fingerprint ? lofi_arena_strdup(plan->arena, facts.fingerprint) : NULL;
    bool lost = facts.fingerprint && !track->fingerprint;
    lofi_track_facts_free(&facts);
    return lost ? no_memory(err) : LOFI_OK;
}

static lofi_code choose_styles(lofi_dataset_plan *plan, lofi_planned_track *track, lofi_error *err) {
    const lofi_dataset_request *request = &plan->request;
    const lofi_mapping_entry *entry = request->mapping ? lofi_style_mapping_get(request->mapping, track->row.track_id)
                                                       : NULL;
    size_t count = entry && entry->count > 0 ? entry->count : 1;
    const char **ids = lofi_arena_alloc(plan->arena, count * sizeof *ids);
    if (!ids) return no_memory(err);
    const lofi_style *leading = entry && entry->count > 0 ? entry->styles[0] : NULL;
    if (leading) {
        for (size_t i = 0; i < count; i++) ids[i] = entry->styles[i]->style_id;
    } else {
        LOFI_TRY(lofi_styles_find(&leading, request->styles, LOFI_STYLE_DEFAULT, err));
        ids[0] = leading->style_id;
        json_array_append_new(plan->review, json_string(track->row.track_id));
    }
    track->category = leading->category;
    track->row.style_ids = ids;
    track->row.style_count = count;
    return LOFI_OK;
}

static lofi_code read_track(lofi_dataset_plan *plan, lofi_planned_track *track, const lofi_track_file *file,
                            lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_dataset_track *row = &track->row;
    LOFI_TRY(read_prompt(plan, row, file, err));
    LOFI_TRY(read_lyrics(plan, row, file, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", plan->data_dir, file->name));
    LOFI_TRY(measure(plan, track, path, err));
    row->filename = lofi_arena_strdup(plan->arena, path);
    row->track_id = lofi_arena_strdup(plan->arena, file->track_id);
    track->name = lofi_arena_strdup(plan->arena, file->name);
    return row->filename && row->track_id && track->name ? LOFI_OK : no_memory(err);
}

static void note(json_t *list, const lofi_track_file *file, const char *reason) {
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "track_id", file->track_id, "file", file->name, "reason", reason));
}

/* *enters: the licence permits, or the user said so; *unlicensed: only because the user said so. */
static lofi_code check_licence(bool *enters, bool *unlicensed, lofi_dataset_plan *plan, lofi_planned_track *track,
                               const lofi_track_file *file, lofi_error *err) {
    bool permitted;
    const lofi_source *source = lofi_sources_of_track(plan->request.sources, file->track_id, &permitted);
    track->row.source_id = lofi_arena_strdup(plan->arena, source ? source->source_id : "");
    if (!track->row.source_id) return no_memory(err);
    *enters = permitted || plan->request.allow_unlicensed;
    *unlicensed = *enters && !permitted;
    if (!*enters)
        note(plan->excluded, file, source ? "its licence does not permit AI training" : "no source record names it");
    return LOFI_OK;
}

/* Faults of the track are noted, others returned. */
static lofi_code add_track(lofi_dataset_plan *plan, const lofi_track_files *files, size_t index, lofi_error *err) {
    const lofi_track_file *file = lofi_track_files_at(files, index);
    lofi_planned_track *track = &plan->tracks[plan->count];
    lofi_error fault = LOFI_ERROR_INIT;
    *track = (lofi_planned_track){0};
    if (json_object_get(plan->ids, file->track_id)) {
        note(plan->failed, file, "another track has the same id");
        return LOFI_OK;
    }
    bool enters, unlicensed;
    LOFI_TRY(check_licence(&enters, &unlicensed, plan, track, file, err));
    if (!enters) return LOFI_OK;
    lofi_code code = read_track(plan, track, file, &fault);
    if (code == LOFI_ERR_MEMORY) {
        if (err) *err = fault;
        return code;
    }
    if (code != LOFI_OK) {
        note(plan->failed, file, fault.message);
        return LOFI_OK;
    }
    LOFI_TRY(choose_styles(plan, track, err));
    if (unlicensed) json_array_append_new(plan->admitted, json_string(file->track_id));
    plan->seconds += track->row.duration;
    json_object_set_new(plan->ids, file->track_id, json_true());
    plan->count++;
    return LOFI_OK;
}

/* ---- all tracks ---- */

static int by_id(const void *left, const void *right) {
    const lofi_planned_track *a = left, *b = right;
    return strcmp(a->row.track_id, b->row.track_id);
}

static lofi_code none_left(const lofi_dataset_plan *plan, size_t found, lofi_error *err) {
    size_t failed = json_array_size(plan->failed);
    if (failed == found) {
        const json_t *first = json_array_get(plan->failed, 0);
        lofi_fail(err, LOFI_ERR_USAGE, "none of the %zu tracks below '%s' can be used; the first: '%s': %s", found,
                  plan->data_dir, json_string_value(json_object_get(first, "file")),
                  json_string_value(json_object_get(first, "reason")));
        return lofi_hint(err, "'lofi prompt generate --include-lyrics' writes the text files");
    }
    lofi_fail(err, LOFI_ERR_USAGE, "no track is left: %zu have no licence that permits AI training, %zu cannot be used",
              json_array_size(plan->excluded), failed);
    return lofi_hint(
        err, "name the tracks in sources.json of the metadata folder, with ai_training_permitted true where the "
             "licence says so, or admit them on purpose with --allow-unlicensed");
}

static lofi_code read_tracks(lofi_dataset_plan *plan, const lofi_track_files *files, lofi_error *err) {
    size_t found = lofi_track_files_count(files);
    plan->tracks = lofi_arena_alloc(plan->arena, found * sizeof *plan->tracks);
    if (!plan->tracks) return no_memory(err);
    lofi_progress progress = lofi_progress_start(plan->request.log, "reading tracks", "tracks", (int64_t)found);
    lofi_code code = LOFI_OK;
    for (size_t i = 0; code == LOFI_OK && i < found; i++) {
        if (lofi_interrupt_asked()) code = lofi_fail(err, LOFI_ERR_INTERRUPTED, "interrupted; nothing was written");
        if (code == LOFI_OK) code = add_track(plan, files, i, err);
        lofi_progress_step(&progress, (int64_t)i + 1, NULL);
    }
    lofi_progress_end(&progress);
    LOFI_TRY(code);
    if (plan->count == 0) return none_left(plan, found, err);
    qsort(plan->tracks, plan->count, sizeof *plan->tracks, by_id);
    return LOFI_OK;
}

/* ---- split and order ---- */

static size_t root_of(lofi_split_item *items, size_t place) {
    while (items[place].group != place) place = items[place].group = items[items[place].group].group;
    return place;
}

static lofi_code read_fingerprints(lofi_fingerprint *prints, lofi_dataset_plan *plan, lofi_error *err) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < plan->count; i++) {
        const char *text = plan->tracks[i].fingerprint;
        lofi_code read = text ? lofi_fingerprint_read(&prints[i], text, NULL) : LOFI_OK;
        (void)read; /* one that could not be read is tried again below, where somebody can be told */
    }
    for (size_t i = 0; i < plan->count; i++) {
        if (!plan->tracks[i].fingerprint || prints[i].words) continue;
        lofi_code code = lofi_fingerprint_read(&prints[i], plan->tracks[i].fingerprint, err);
        if (code != LOFI_OK && code != LOFI_ERR_FORMAT) return code;
        if (code != LOFI_OK)
            lofi_warn(plan->request.log, "'%s': its fingerprint on record is damaged; duplicates of it are not found",
                      plan->tracks[i].name);
    }
    return LOFI_OK;
}

/* Tracks that are one recording get the place of the first of them as their group. */
static lofi_code group_pairs(lofi_split_item *items, lofi_dataset_plan *plan, const lofi_fingerprint *prints,
                             lofi_error *err) {
    lofi_duplicate *pairs = NULL;
    size_t count = 0;
    LOFI_TRY(lofi_duplicates_find(&pairs, &count, prints, plan->count, err));
    for (size_t i = 0; i < count; i++) {
        size_t a = root_of(items, pairs[i].first), b = root_of(items, pairs[i].second);
        items[a < b ? b : a].group = a < b ? a : b;
        json_array_append_new(plan->duplicates, json_pack("[s, s]", plan->tracks[pairs[i].first].row.track_id,
                                                          plan->tracks[pairs[i].second].row.track_id));
    }
    for (size_t i = 0; i < plan->count; i++) items[i].group = root_of(items, i);
    free(pairs);
    return LOFI_OK;
}

static lofi_code group_duplicates(lofi_split_item *items, lofi_dataset_plan *plan, lofi_error *err) {
    lofi_fingerprint *prints;
    LOFI_TRY(lofi_alloc((void **)&prints, plan->count, sizeof *prints, "fingerprints", err));
    lofi_code code = read_fingerprints(prints, plan, err);
    if (code == LOFI_OK) code = group_pairs(items, plan, prints, err);
    for (size_t i = 0; i < plan->count; i++) lofi_fingerprint_free(&prints[i]);
    lofi_free(prints);
    return code;
}

/* Puts the tracks that `held_out` marks with `split` into their order. */
static lofi_code order_split(lofi_dataset_plan *plan, size_t split, const bool *held_out, size_t size, size_t *order,
                             lofi_error *err) {
    plan->split_tracks[split] = lofi_arena_alloc(plan->arena, (size + 1) * sizeof *plan->split_tracks[split]);
    plan->split_rows[split] = lofi_arena_alloc(plan->arena, (size + 1) * sizeof *plan->split_rows[split]);
    const lofi_planned_track **members = lofi_arena_alloc(plan->arena, (size + 1) * sizeof *members);
    if (!plan->split_tracks[split] || !plan->split_rows[split] || !members) return no_memory(err);
    size_t found = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (held_out[i] == (split == 1)) members[found++] = &plan->tracks[i];
    assert(found == size);
    lofi_random random = lofi_random_at((uint64_t)plan->request.seed, LOFI_RANDOM_ROWS, split);
    lofi_random_permutation(&random, order, size);
    for (size_t i = 0; i < size; i++) {
        plan->split_tracks[split][i] = members[order[i]];
        plan->split_rows[split][i] = &members[order[i]]->row;
    }
    plan->split_sizes[split] = size;
    return LOFI_OK;
}

static lofi_code make_splits(lofi_dataset_plan *plan, lofi_error *err) {
    size_t *order = lofi_arena_alloc(plan->arena, plan->count * sizeof *order);
    bool *held_out = lofi_arena_alloc(plan->arena, plan->count * sizeof *held_out);
    lofi_split_item *items = lofi_arena_alloc(plan->arena, plan->count * sizeof *items);
    size_t validation = 0;
    if (!order || !held_out || !items) return no_memory(err);
    for (size_t i = 0; i < plan->count; i++) items[i] = (lofi_split_item){plan->tracks[i].row.style_ids[0], i};
    LOFI_TRY(group_duplicates(items, plan, err));
    LOFI_TRY(
        lofi_hold_out(held_out, items, plan->count, plan->request.validation_split, (uint64_t)plan->request.seed, err));
    for (size_t i = 0; i < plan->count; i++) validation += held_out[i];
    plan->split_count = validation > 0 ? 2 : 1;
    LOFI_TRY(order_split(plan, 0, held_out, plan->count - validation, order, err));
    return validation > 0 ? order_split(plan, 1, held_out, validation, order, err) : LOFI_OK;
}

static lofi_code make_hash(lofi_dataset_plan *plan, lofi_error *err) {
    lofi_sha256 *hash;
    LOFI_TRY(lofi_dataset_hash_new(&hash, plan->request.seed, plan->request.repeat_count, err));
    for (size_t split = 0; split < plan->split_count; split++) {
        lofi_dataset_hash_split(hash, lofi_dataset_split_names[split], plan->split_sizes[split]);
        for (size_t i = 0; i < plan->split_sizes[split]; i++) {
            const lofi_planned_track *track = plan->split_tracks[split][i];
            lofi_dataset_hash_track(hash, &track->row, track->audio_sha256);
        }
    }
    lofi_sha256_end(hash, plan->hash);
    return LOFI_OK;
}

/* ---- the plan ---- */

static lofi_code make_into(lofi_dataset_plan *plan, lofi_error *err) {
    char *absolute = realpath(plan->request.data_dir, NULL);
    if (!absolute) return lofi_fail_errno(err, errno, "cannot read the songs in '%s'", plan->request.data_dir);
    lofi_code code = lofi_path_format(plan->data_dir, err, "%s", absolute);
    free(absolute);
    LOFI_TRY(code);
    LOFI_TRY(lofi_arena_new(&plan->arena, err));
    plan->failed = json_array();
    plan->excluded = json_array();
    plan->admitted = json_array();
    plan->review = json_array();
    plan->duplicates = json_array();
    plan->ids = json_object();
    lofi_track_files *files;
    LOFI_TRY(lofi_track_files_list(&files, plan->data_dir, plan->request.log, err));
    code = read_tracks(plan, files, err);
    lofi_track_files_free(files);
    LOFI_TRY(code);
    LOFI_TRY(make_splits(plan, err));
    return make_hash(plan, err);
}

lofi_code lofi_dataset_plan_make(lofi_dataset_plan **out, const lofi_dataset_request *request, lofi_error *err) {
    assert(request->repeat_count >= 1 && request->repeat_count <= LOFI_DATASET_REPEAT_MAX && request->seed >= 0);
    lofi_dataset_plan *plan;
    LOFI_TRY(lofi_alloc((void **)&plan, 1, sizeof *plan, "a dataset", err));
    plan->request = *request;
    lofi_code code = make_into(plan, err);
    if (code != LOFI_OK) {
        lofi_dataset_plan_free(plan);
        return code;
    }
    *out = plan;
    return LOFI_OK;
}

void lofi_dataset_plan_free(lofi_dataset_plan *plan) {
    if (!plan) return;
    json_decref(plan->failed);
    json_decref(plan->excluded);
    json_decref(plan->admitted);
    json_decref(plan->review);
    json_decref(plan->duplicates);
    json_decref(plan->ids);
    lofi_arena_free(plan->arena);
    lofi_free(plan);
}
