/* cmd_tracks_stats.c - lofi tracks stats: how the catalogue is spread over styles and categories. */
#include "base/json.h"
#include "catalog/distribution.h"
#include "cli/tracks_files.h"

typedef struct stats_settings {
    const char *metadata_dir, *picture;
    int64_t thin;
} stats_settings;

/* A bar of at most 30 signs. */
static void draw_bar(char bar[32], size_t value, size_t most) {
    size_t length = most ? (value * 30 + most - 1) / most : 0;
    for (size_t i = 0; i < length; i++) bar[i] = '#';
    bar[length] = 0;
}

static void print_categories(const lofi_context *context, const lofi_distribution *d) {
    for (size_t i = 0; i < LOFI_STYLE_CATEGORIES; i++)
        lofi_print(context, "%-14s %6zu tracks %7.2f hours", d->categories[i].category, d->categories[i].tracks,
                   d->categories[i].hours);
    lofi_print(context, "%-14s %6zu tracks %7.2f hours", "all", d->tracks, d->hours);
}

static void print_styles(const lofi_context *context, const lofi_distribution *d) {
    size_t most = 0, thin = 0;
    char bar[32];
    for (size_t i = 0; i < d->style_count; i++)
        if (d->styles[i].tracks > most) most = d->styles[i].tracks;
    for (size_t i = 0; i < d->style_count; i++) {
        const lofi_style_share *share = &d->styles[i];
        draw_bar(bar, share->tracks, most);
        lofi_print(context, "%-10s %-22s %5zu %7.2f h %s %s", share->style->style_id, share->style->name, share->tracks,
                   share->hours, share->thin ? "thin" : "    ", bar);
        thin += share->thin;
    }
    lofi_print(context, "%zu of %zu styles are thin: fewer than %zu tracks", thin, d->style_count, d->thin_at);
}

static lofi_code report(lofi_context *context, const stats_settings *given, const lofi_distribution *d,
                        lofi_error *err) {
    print_categories(context, d);
    lofi_print(context, "%s", "");
    print_styles(context, d);
    lofi_print(context, "%zu without a style, %zu may be trained on, %zu verified, %zu scored by people", d->unstyled,
               d->permitted, d->verified, d->scored);
    if (given->picture && !context->dry_run) {
        LOFI_TRY(lofi_distribution_picture(d, given->picture, err));
        lofi_print(context, "picture: %s", given->picture);
    }
    return context->json ? lofi_print_json(context, lofi_distribution_json(d), err) : LOFI_OK;
}

static lofi_code run(lofi_context *context, const void *settings, lofi_error *err) {
    const stats_settings *given = settings;
    lofi_tracks tracks = {0};
    lofi_distribution distribution = {0};
    lofi_code code = lofi_tracks_open(&tracks, context, given->metadata_dir, LOFI_TRACKS_READ, err);
    if (code == LOFI_OK)
        code = lofi_distribution_make(&distribution, tracks.catalogue, tracks.presets.styles, (size_t)given->thin, err);
    if (code == LOFI_OK) code = report(context, given, &distribution, err);
    lofi_distribution_free(&distribution);
    lofi_tracks_free(&tracks);
    return code;
}

static const lofi_option options[] = {LOFI_TRACKS_METADATA_OPTION(stats_settings),
                                      {.name = "thin",
                                       .kind = LOFI_OPTION_INT,
                                       .offset = offsetof(stats_settings, thin),
                                       .value = "N",
                                       .fallback = "10",
                                       .min = 1,
                                       .max = 1000000,
                                       .help = "styles with fewer tracks are called thin"},
                                      {.name = "picture",
                                       .kind = LOFI_OPTION_PATH,
                                       .offset = offsetof(stats_settings, picture),
                                       .value = "FILE.svg",
                                       .help = "also draw it"},
                                      {0}};

const lofi_command lofi_command_tracks_stats = {
    .name = "tracks stats",
    .summary = "show how many tracks there are of each style and category",
    .details =
        "A track counts for every style that it has; its category is that of the leading one. Tracks of which nobody "
        "said a style are counted under core, and for no style.",
    .options = options,
    .settings_bytes = sizeof(stats_settings),
    .run = run,
    .exit_for = lofi_exit_for_input,
};
