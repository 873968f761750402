/* process_names.c - output names: the folders of the input, stems without clashes; the rule is in process.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audio/process.h"
#include "base/file.h"
#include "base/memory.h"

/* How much of its origin a name carries. */
typedef enum lofi_name_level { LEVEL_STEM, LEVEL_FOLDERS, LEVEL_EXTENSION, LEVEL_NUMBER } lofi_name_level;

typedef struct lofi_named {
    const char *source; /* "win/deep/Apex.ogg" */
    lofi_name_level level;
    size_t index; /* in the order of the sources */
    char *name;   /* without the folders: "win_deep_Apex.mp3" */
} lofi_named;

static const char *const sound_extensions[] = {
    ".mp3",  ".wav", ".flac", ".m4a", ".aac",  ".ogg", ".oga", ".opus", ".mp4", ".aif", ".aiff", ".wma", ".ac3",
    ".alac", ".ape", ".wv",   ".mka", ".webm", ".caf", ".tta", ".mpc",  ".w64", ".au",  ".m4b",  ".mp2", ".spx"};

bool lofi_is_sound_extension(const char *extension) {
    for (size_t i = 0; i < sizeof sound_extensions / sizeof sound_extensions[0]; i++)
        if (strcasecmp(extension, sound_extensions[i]) == 0) return true;
    return false;
}

static lofi_code make_name(lofi_named *named, unsigned number, const char *extension, lofi_error *err) {
    char stem[LOFI_PATH_MAX], name[LOFI_PATH_MAX], suffix[32] = "";
    const char *source = named->source, *base = lofi_path_base(source), *old = lofi_path_extension(base);
    LOFI_TRY(lofi_path_stem(stem, base, err));
    int folders = named->level >= LEVEL_FOLDERS ? (int)(base - source) : 0;
    if (named->level == LEVEL_NUMBER) snprintf(suffix, sizeof suffix, "_%u", number);
    bool with_old = named->level >= LEVEL_EXTENSION && old[0] != '\0';
    LOFI_TRY(lofi_path_format(name, err, "%.*s%s%s%s%s.%s", folders, source, stem, with_old ? "_" : "",
                              with_old ? old + 1 : "", suffix, extension));
    for (int i = 0; i < folders; i++)
        if (name[i] == '/') name[i] = '_';
    free(named->name);
    named->name = strdup(name);
    return named->name != NULL ? LOFI_OK : lofi_fail(err, LOFI_ERR_MEMORY, "no memory for file names");
}

static int by_name(const void *a, const void *b) {
    const lofi_named *left = *(lofi_named *const *)a, *right = *(lofi_named *const *)b;
    int order = strcasecmp(left->name, right->name);
    if (order != 0) return order;
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Every member of a group of equal names goes one level up. */
static lofi_code raise_clashes(lofi_named **order, size_t count, const char *extension, bool *raised, lofi_error *err) {
    qsort(order, count, sizeof(lofi_named *), by_name);
    *raised = false;
    for (size_t from = 0, end; from < count; from = end) {
        for (end = from + 1; end < count && strcasecmp(order[from]->name, order[end]->name) == 0;) end++;
        if (end - from < 2) continue;
        for (size_t i = from; i < end; i++)
            if (order[i]->level < LEVEL_NUMBER) {
                order[i]->level++;
                *raised = true;
            }
    }
    for (size_t i = 0; i < count && *raised; i++)
        LOFI_TRY(make_name(order[i], (unsigned)(order[i]->index + 2), extension, err));
    return LOFI_OK;
}

static bool is_taken(const lofi_named *all, size_t count, const lofi_named *candidate) {
    for (size_t i = 0; i < count; i++)
        if (&all[i] != candidate && strcasecmp(all[i].name, candidate->name) == 0) return true;
    return false;
}

/* The few that only a number tells apart. */
static lofi_code number_rest(lofi_named *all, size_t count, const char *extension, lofi_error *err) {
    for (size_t i = 0; i < count; i++) {
        if (all[i].level != LEVEL_NUMBER) continue;
        unsigned number = 1;
        do LOFI_TRY(make_name(&all[i], ++number, extension, err));
        while (is_taken(all, count, &all[i]));
    }
    return LOFI_OK;
}

static lofi_code settle(lofi_named *all, lofi_named **order, size_t count, const char *extension, lofi_error *err) {
    bool raised = count > 1;
    for (size_t i = 0; i < count; i++) {
        order[i] = &all[i];
        LOFI_TRY(make_name(&all[i], 0, extension, err));
    }
    while (raised) LOFI_TRY(raise_clashes(order, count, extension, &raised, err));
    return number_rest(all, count, extension, err);
}

lofi_code lofi_process_names(char **outputs, const char *const *sources, size_t count, const char *extension,
                             lofi_error *err) {
    lofi_named *all = NULL, **order = NULL;
    lofi_code code;
    LOFI_TRY_GOTO(lofi_alloc((void **)&all, count, sizeof *all, "file names", err), done);
    for (size_t i = 0; i < count; i++) all[i] = (lofi_named){sources[i], LEVEL_STEM, i, NULL};
    LOFI_TRY_GOTO(lofi_alloc((void **)&order, count, sizeof *order, "file names", err), done);
    LOFI_TRY_GOTO(settle(all, order, count, extension, err), done);
    for (size_t i = 0; i < count && code == LOFI_OK; i++) {
        int folders = (int)(lofi_path_base(sources[i]) - sources[i]);
        if (asprintf(&outputs[i], "%.*s%s", folders, sources[i], all[i].name) < 0) {
            outputs[i] = NULL;
            code = lofi_fail(err, LOFI_ERR_MEMORY, "no memory for file names");
        }
    }
done:
    for (size_t i = 0; all != NULL && i < count; i++) free(all[i].name);
    lofi_free(all);
    lofi_free(order);
    return code;
}
