/* checkpoint_folder.c - finds the four components in a plain folder or in a hub cache. */
#include "store/checkpoint_folder.h"

#include <assert.h>
#include <sys/stat.h>

#include "store/weights.h"

static const char *const folders[LOFI_COMPONENT_COUNT] = {
    [LOFI_COMPONENT_TRANSFORMER] = "ace_step_transformer",
    [LOFI_COMPONENT_TEXT_ENCODER] = "umt5-base",
    [LOFI_COMPONENT_DCAE] = "music_dcae_f8c8",
    [LOFI_COMPONENT_VOCODER] = "music_vocoder",
};

static const char *const hub_folder = "models--ACE-Step--ACE-Step-v1-3.5B";

const char *lofi_component_folder(lofi_component component) {
    assert(component < LOFI_COMPONENT_COUNT);
    return folders[component];
}

/* Appends what `root` lacks to `missing` (may be NULL). Returns how many components are complete. */
static int count_complete(const char *root, lofi_buffer *missing) {
    int complete = 0;
    char folder[LOFI_PATH_MAX], config[LOFI_PATH_MAX];
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++) {
        if (lofi_path_format(folder, NULL, "%s/%s", root, folders[i]) != LOFI_OK) continue;
        if (lofi_path_format(config, NULL, "%s/config.json", folder) != LOFI_OK) continue;
        const char *lacks = !lofi_path_is_folder(folder)    ? ""
                            : !lofi_path_is_file(config)    ? "/config.json"
                            : !lofi_weights_present(folder) ? "/*.safetensors"
                                                            : NULL;
        if (!lacks)
            complete++;
        else if (missing)
            lofi_buffer_printf(missing, "%s%s%s", missing->size ? ", " : "", folders[i], lacks);
    }
    return complete;
}

static lofi_code fill(lofi_checkpoint_folder *out, const char *root, const char *revision, lofi_error *err) {
    LOFI_TRY(lofi_path_format(out->root, err, "%s", root));
    for (int i = 0; i < LOFI_COMPONENT_COUNT; i++)
        LOFI_TRY(lofi_path_format(out->component[i], err, "%s/%s", root, folders[i]));
    out->hub_cache = revision != NULL;
    snprintf(out->revision, sizeof out->revision, "%s", revision ? revision : "");
    return LOFI_OK;
}

static lofi_code incomplete(const char *root, lofi_error *err) {
    lofi_buffer missing = LOFI_BUFFER_INIT;
    int complete = count_complete(root, &missing);
    if (complete == 0 && lofi_path_is_folder(root))
        lofi_fail(err, LOFI_ERR_NOT_FOUND,
                  "no base model in '%s': looked for the folders %s, %s, %s, %s, and for a hub cache (%s/snapshots/*)",
                  root, folders[0], folders[1], folders[2], folders[3], hub_folder);
    else if (complete == 0)
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "no base model: the folder '%s' is not there", root);
    else
        lofi_fail(err, LOFI_ERR_NOT_FOUND, "the base model in '%s' is incomplete, missing: %s", root,
                  lofi_buffer_str(&missing));
    lofi_buffer_free(&missing);
    return lofi_hint(err,
                     "name a complete folder with --checkpoint-dir, fetch ACE-Step/ACE-Step-v1-3.5B, or make a small "
                     "model with 'lofi model init --preset tiny DIR'");
}

/* ---- hub cache ---- */

/* The revision that refs/main names, or "". */
static void main_revision(char revision[128], const char *cache) {
    char path[LOFI_PATH_MAX];
    lofi_buffer text = LOFI_BUFFER_INIT;
    revision[0] = 0;
    if (lofi_path_format(path, NULL, "%s/refs/main", cache) != LOFI_OK) return;
    if (lofi_path_is_file(path) && lofi_file_read(&text, path, 4096, NULL) == LOFI_OK) {
        const char *content = lofi_buffer_str(&text);
        size_t length = strcspn(content, "\r\n \t/");
        if (length < 128 && content[0] != '.') snprintf(revision, 128, "%.*s", (int)length, content);
    }
    lofi_buffer_free(&text);
}

/* The newest complete snapshot, or "" when none is. */
static lofi_code newest_complete(char revision[128], const char *cache, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_listing found = {0};
    time_t newest = 0;
    revision[0] = 0;
    LOFI_TRY(lofi_path_format(path, err, "%s/snapshots", cache));
    LOFI_TRY(lofi_folder_list_folders(&found, path, err));
    for (size_t i = 0; i < found.count; i++) {
        struct stat status;
        if (strlen(found.names[i]) >= 128) continue;
        if (lofi_path_format(path, NULL, "%s/snapshots/%s", cache, found.names[i]) != LOFI_OK) continue;
        if (count_complete(path, NULL) < LOFI_COMPONENT_COUNT || stat(path, &status) != 0) continue;
        if (revision[0] && status.st_mtime < newest) continue;
        newest = status.st_mtime;
        snprintf(revision, 128, "%s", found.names[i]);
    }
    lofi_listing_free(&found);
    return LOFI_OK;
}

static lofi_code resolve_cache(lofi_checkpoint_folder *out, const char *cache, lofi_error *err) {
    char root[LOFI_PATH_MAX], revision[128], main_name[128];
    main_revision(main_name, cache);
    if (main_name[0]) {
        LOFI_TRY(lofi_path_format(root, err, "%s/snapshots/%s", cache, main_name));
        if (count_complete(root, NULL) == LOFI_COMPONENT_COUNT) return fill(out, root, main_name, err);
    }
    LOFI_TRY(newest_complete(revision, cache, err));
    if (revision[0]) {
        LOFI_TRY(lofi_path_format(root, err, "%s/snapshots/%s", cache, revision));
        return fill(out, root, revision, err);
    }
    if (main_name[0] && lofi_path_is_folder(root)) return incomplete(root, err);
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "the hub cache '%s' holds no complete snapshot", cache);
    return lofi_hint(err, "the download is incomplete: fetch ACE-Step/ACE-Step-v1-3.5B again");
}

static bool has_snapshots(const char *folder) {
    char path[LOFI_PATH_MAX];
    return lofi_path_format(path, NULL, "%s/snapshots", folder) == LOFI_OK && lofi_path_is_folder(path);
}

/* The first `models--*ACE-Step*` folder with snapshots below `folder`: ACE-Step's own when it is there; "" when
 * there is none. */
static lofi_code find_cache(char cache[LOFI_PATH_MAX], const char *folder, lofi_error *err) {
    lofi_listing found = {0};
    LOFI_TRY(lofi_path_format(cache, err, "%s/%s", folder, hub_folder));
    if (has_snapshots(cache)) return LOFI_OK;
    cache[0] = 0;
    LOFI_TRY(lofi_folder_list_folders(&found, folder, err));
    for (size_t i = 0; i < found.count && !cache[0]; i++) {
        char path[LOFI_PATH_MAX];
        if (strncmp(found.names[i], "models--", 8) != 0 || !strstr(found.names[i], "ACE-Step")) continue;
        if (lofi_path_format(path, NULL, "%s/%s", folder, found.names[i]) != LOFI_OK || !has_snapshots(path)) continue;
        snprintf(cache, LOFI_PATH_MAX, "%s", path);
    }
    lofi_listing_free(&found);
    return LOFI_OK;
}

lofi_code lofi_checkpoint_folder_resolve(lofi_checkpoint_folder *out, const char *path, lofi_error *err) {
    char root[LOFI_PATH_MAX], cache[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_expand(root, path, err));
    memcpy(out->named, root, sizeof root);
    if (!lofi_path_is_folder(root)) return incomplete(root, err);
    int complete = count_complete(root, NULL);
    if (complete == LOFI_COMPONENT_COUNT) return fill(out, root, NULL, err);
    if (complete == 0) {
        if (has_snapshots(root)) return resolve_cache(out, root, err);
        LOFI_TRY(find_cache(cache, root, err));
        if (cache[0]) return resolve_cache(out, cache, err);
    }
    return incomplete(root, err);
}

/* ---- other networks ---- */

static bool holds_network(const char *folder) {
    char config[LOFI_PATH_MAX];
    return lofi_path_format(config, NULL, "%s/config.json", folder) == LOFI_OK && lofi_path_is_file(config) &&
           lofi_weights_present(folder);
}

/* A snapshot of the cache that holds a network: the one of refs/main, else the last by name. */
static bool find_snapshot(char path[LOFI_PATH_MAX], const char *cache) {
    char revision[128], snapshots[LOFI_PATH_MAX];
    lofi_listing found = {0};
    bool any = false;
    main_revision(revision, cache);
    if (revision[0] && lofi_path_format(path, NULL, "%s/snapshots/%s", cache, revision) == LOFI_OK &&
        holds_network(path))
        return true;
    if (lofi_path_format(snapshots, NULL, "%s/snapshots", cache) != LOFI_OK || !lofi_path_is_folder(snapshots) ||
        lofi_folder_list_folders(&found, snapshots, NULL) != LOFI_OK)
        return false;
    for (size_t i = found.count; i > 0 && !any; i--)
        any = lofi_path_format(path, NULL, "%s/%s", snapshots, found.names[i - 1]) == LOFI_OK && holds_network(path);
    lofi_listing_free(&found);
    return any;
}

void lofi_checkpoint_folder_find(char path[LOFI_PATH_MAX], const lofi_checkpoint_folder *folder,
                                 const char *const *names) {
    const char *const places[] = {folder->root, folder->named};
    for (; *names; names++)
        for (size_t i = 0; i < 2; i++) {
            char candidate[LOFI_PATH_MAX];
            if (lofi_path_format(candidate, NULL, "%s/%s", places[i], *names) != LOFI_OK) continue;
            if (find_snapshot(path, candidate)) return;
            if (!holds_network(candidate)) continue;
            memcpy(path, candidate, sizeof candidate);
            return;
        }
    path[0] = 0;
}
