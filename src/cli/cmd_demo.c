/* cmd_demo.c - lofi demo: the whole path on a small model, one command after the other, as a user would type them. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/device_option.h"
#include "cli/nested.h"

#define DEBIAN_SONGS "/usr/share/games/singularity/music"
#define MARK         "lofi-demo.json"
#define RUN          "demo"
#define PROMPT       "lofi, chill, piano, mellow"

typedef struct demo_options {
    const char *songs, *output_dir, *device;
    int64_t steps, seconds, threads;
} demo_options;

static const lofi_option options[] = {
    {"songs", LOFI_OPTION_PATH, offsetof(demo_options, songs), "DIR", DEBIAN_SONGS,
     .help = "songs to show it on; the default is Debian's free singularity-music"},
    {"output-dir", LOFI_OPTION_PATH, offsetof(demo_options, output_dir), "DIR", "lofi-demo",
     .help = "where everything is written; a former demonstration there is replaced"},
    {"steps", LOFI_OPTION_INT, offsetof(demo_options, steps), "N", "400", .min = 1, .max = 1e6,
     .help = "training steps"},
    {"seconds", LOFI_OPTION_INT, offsetof(demo_options, seconds), "N", "60", .min = 30, .max = 240,
     .help = "how much of each song is used"},
    {"device", LOFI_OPTION_TEXT, offsetof(demo_options, device), "D", "cpu", .help = LOFI_DEVICE_HELP},
    {"threads", LOFI_OPTION_INT, offsetof(demo_options, threads), "N", "0", .min = 0, .max = 1024,
     .help = "threads of the arithmetic (0: all processors)"},
    {0},
};

typedef struct demo {
    lofi_context *context;
    const demo_options *options;
    const char *songs, *metadata, *dataset, *model, *logs, *cache, *music; /* below the output folder */
    bool own_songs; /* not Debian's: nothing is known about their styles and licences */
} demo;

static const char *below(const demo *d, const char *name) {
    return lofi_arena_printf(d->context->arena, "%s/%s", d->options->output_dir, name);
}

static const char *number(const demo *d, int64_t value) {
    return lofi_arena_printf(d->context->arena, "%lld", (long long)value);
}

/* ---- before ---- */

/* An output folder is used when it is new, empty, or holds a former demonstration, which is removed but for its cache. */
static lofi_code clear_former(const demo *d, lofi_error *err) {
    static const char *const parts[] = {"songs", "metadata", "dataset", "base-model", "logs", "music"};
    char path[LOFI_PATH_MAX];
    lofi_listing files = {0}, folders = {0};
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", d->options->output_dir, MARK));
    bool former = lofi_path_is_file(path);
    LOFI_TRY(lofi_folder_make(d->options->output_dir, err));
    LOFI_TRY(lofi_folder_list(&files, d->options->output_dir, false, NULL, NULL, err));
    lofi_code code = lofi_folder_list_folders(&folders, d->options->output_dir, err);
    bool empty = !files.count && !folders.count;
    lofi_listing_free(&files);
    lofi_listing_free(&folders);
    LOFI_TRY(code);
    if (!former && !empty) {
        lofi_fail(err, LOFI_ERR_USAGE, "'%s' holds something else than a demonstration", d->options->output_dir);
        return lofi_hint(err, "choose a new folder with --output-dir");
    }
    LOFI_TRY(lofi_file_write(path, "{}\n", 3, err));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        LOFI_TRY(lofi_path_format(path, err, "%s/%s", d->options->output_dir, parts[i]));
        LOFI_TRY(lofi_path_remove(path, err));
    }
    return LOFI_OK;
}

/* A device that is not there is told before songs are made ready for it. */
static lofi_code check_device(const demo *d, lofi_error *err) {
    lofi_device *device;
    LOFI_TRY(lofi_device_open(&device, d->options->device, false, err));
    lofi_device_close(device);
    return LOFI_OK;
}

/* What a former demonstration left is removed: songs are never taken from there. */
static lofi_code check_outside(const demo *d, lofi_error *err) {
    char relative[LOFI_PATH_MAX];
    LOFI_TRY(lofi_path_relative(relative, d->options->songs, d->options->output_dir, err));
    if (strcmp(relative, "..") == 0 || strncmp(relative, "../", 3) == 0) return LOFI_OK;
    lofi_fail(err, LOFI_ERR_USAGE, "the songs '%s' lie in the output folder '%s', which is cleared", d->options->songs,
              d->options->output_dir);
    return lofi_hint(err, "choose another folder with --output-dir");
}

static lofi_code check_songs(demo *d, lofi_error *err) {
    d->own_songs = strcmp(d->options->songs, DEBIAN_SONGS) != 0;
    if (lofi_path_is_folder(d->options->songs)) return check_outside(d, err);
    lofi_fail(err, LOFI_ERR_NOT_FOUND, "there is no folder of songs '%s'", d->options->songs);
    return d->own_songs
               ? lofi_hint(err, "--songs names a folder with at least two songs of 30 s")
               : lofi_hint(err,
                           "install Debian's free songs with 'apt-get install singularity-music', or give --songs DIR");
}

static lofi_code copy_file(const demo *d, const char *from, const char *to, lofi_error *err) {
    const char *source;
    char path[LOFI_PATH_MAX];
    lofi_buffer text = LOFI_BUFFER_INIT;
    LOFI_TRY(lofi_data_file(&source, d->context, from, err));
    LOFI_TRY(lofi_path_format(path, err, "%s/%s", d->metadata, to));
    lofi_code code = lofi_file_read(&text, source, (size_t)1 << 24, err);
    if (code == LOFI_OK) code = lofi_file_write(path, lofi_buffer_str(&text), text.size, err);
    lofi_buffer_free(&text);
    return code;
}

/* Styles and licences: known for Debian's songs, empty for others. */
static lofi_code write_metadata(const demo *d, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    LOFI_TRY(lofi_folder_make(d->metadata, err));
    if (!d->own_songs) {
        LOFI_TRY(copy_file(d, "demo/style_mapping.json", "style_mapping.json", err));
        return copy_file(d, "demo/sources.json", "sources.json", err);
    }
    LOFI_TRY(lofi_path_format(path, err, "%s/style_mapping.json", d->metadata));
    return lofi_file_write(path, "{}\n", 3, err);
}

/* ---- the way ---- */

static lofi_code step(const demo *d, const char *const *words, size_t count, lofi_error *err) {
    int status = 0;
    LOFI_TRY(lofi_run_nested(d->context, words, count, &status, err));
    if (!lofi_interrupt_asked()) return LOFI_OK;
    return lofi_fail(err, LOFI_ERR_INTERRUPTED, "the demonstration was stopped");
}
#define STEP(d, err, ...)                                                                                              \
    step(d, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), err)

static lofi_code prepare(const demo *d, lofi_error *err) {
    char mapping[LOFI_PATH_MAX];
    const char *presets;
    LOFI_TRY(lofi_data_file(&presets, d->context, "style_presets.json", err));
    LOFI_TRY(lofi_path_format(mapping, err, "%s/style_mapping.json", d->metadata));
    lofi_print(d->context, "1. Songs become checked 48 kHz tracks");
    LOFI_TRY(STEP(d, err, "audio", "process", "--input-dir", d->options->songs, "--output-dir", d->songs,
                  "--max-duration", number(d, d->options->seconds)));
    lofi_print(d->context, "\n2. Every track gets a prompt from its style, and lyrics");
    LOFI_TRY(STEP(d, err, "prompt", "generate", "--audio-dir", d->songs, "--style-mapping", mapping, "--presets",
                  presets, "--include-lyrics"));
    lofi_print(d->context, "\n3. The catalogue: what is known of each track, its style, its licence");
    LOFI_TRY(STEP(d, err, "tracks", "add", d->songs, "--metadata-dir", d->metadata));
    LOFI_TRY(STEP(d, err, "tracks", "list", "--metadata-dir", d->metadata));
    lofi_print(d->context, "\n4. Tracks, prompts and lyrics become a Hugging Face dataset, some of them held out");
    if (d->own_songs)
        return STEP(d, err, "dataset", "--data-dir", d->songs, "--metadata-dir", d->metadata, "--output-dir",
                    d->dataset, "--allow-unlicensed");
    return STEP(d, err, "dataset", "--data-dir", d->songs, "--metadata-dir", d->metadata, "--output-dir", d->dataset);
}

static lofi_code train(const demo *d, lofi_error *err) {
    lofi_print(d->context, "\n5. A small base model with random weights, in the layout of the real one");
    LOFI_TRY(STEP(d, err, "model", "init", "--preset", "tiny", "--seed", "1", d->model));
    lofi_print(d->context, "\n6. A LoRA adapter is trained beside it; the loss goes down");
    const char *every = number(d, d->options->steps >= 3 ? d->options->steps / 3 : 1);
    return STEP(d, err, "train", "--dataset", d->dataset, "--exp-name", RUN, "--checkpoint-dir", d->model,
                "--logger-dir", d->logs, "--cache-dir", d->cache, "--lora-rank", "16", "--learning-rate", "2e-3",
                "--max-steps", number(d, d->options->steps), "--every-n-train-steps", every, "--every-plot-step", every,
                "--threads", number(d, d->options->threads), "--device", d->options->device);
}

static const char *adapter(const demo *d) {
    return lofi_arena_printf(d->context->arena, "%s/" RUN "/checkpoints/epoch=0-step=%lld_lora", d->logs,
                             (long long)d->options->steps);
}

/* The same prompt and seed without and with the adapter: what differs is what was trained. */
static lofi_code generate(const demo *d, lofi_error *err) {
    char before[LOFI_PATH_MAX], after[LOFI_PATH_MAX];
    const char *threads = number(d, d->options->threads), *device = d->options->device;
    LOFI_TRY(lofi_path_format(before, err, "%s/before.wav", d->music));
    LOFI_TRY(lofi_path_format(after, err, "%s/after.wav", d->music));
    LOFI_TRY(lofi_folder_make(d->music, err));
    lofi_print(d->context, "\n7. Sound out of a prompt, before the training and after it");
    LOFI_TRY(STEP(d, err, "generate", "--checkpoint-dir", d->model, "--prompt", PROMPT, "--duration", "5", "--steps",
                  "20", "--seed", "1", "--threads", threads, "--device", device, "--output", before));
    return STEP(d, err, "generate", "--checkpoint-dir", d->model, "--lora", adapter(d), "--prompt", PROMPT,
                "--duration", "5", "--steps", "20", "--seed", "1", "--threads", threads, "--device", device, "--output",
                after);
}

/* ---- after ---- */

static void tell_row(const demo *d, const char *what, const char *where, const char *name) {
    lofi_print(d->context, "  %-22s %s%s%s", what, where, name ? "/" : "", name ? name : "");
}

static void tell(const demo *d) {
    const char *run = lofi_arena_printf(d->context->arena, "%s/" RUN, d->logs);
    lofi_print(d->context, "\nWhat was made");
    tell_row(d, "tracks and prompts", d->songs, NULL);
    tell_row(d, "dataset", d->dataset, NULL);
    tell_row(d, "base model", d->model, NULL);
    tell_row(d, "metrics", run, "metrics.jsonl");
    tell_row(d, "picture of the loss", run, "loss.svg");
    tell_row(d, "adapter", adapter(d), NULL);
    tell_row(d, "listen to", d->music, "before.wav");
    tell_row(d, "and then to", d->music, "after.wav");
    lofi_print(d->context, "\nWith songs of your own (the base model of ACE-Step in ~/.cache/ace-step/checkpoints)");
    lofi_print(d->context, "  lofi audio process --input-dir MY-SONGS --output-dir data/final");
    lofi_print(d->context, "  lofi tracks add data/final");
    lofi_print(d->context, "  lofi tracks assign 'rain*' --style SEASON-06");
    lofi_print(d->context, "  lofi tracks source mine '*' --type commissioned --cost 0 --provider me --license own "
                           "--permit yes --date 2026-01-31");
    lofi_print(d->context, "  lofi prompt generate --audio-dir data/final --style-mapping "
                           "data/metadata/style_mapping.json --include-lyrics");
    lofi_print(d->context,
               "  lofi dataset --data-dir data/final --metadata-dir data/metadata --output-dir data/dataset");
    lofi_print(d->context, "  lofi train --dataset data/dataset --exp-name my-sound");
    lofi_print(d->context, "  lofi generate --lora THE-ADAPTER --prompt '...' --output song.wav");
    lofi_print(d->context, "'lofi styles list' shows the styles, 'lofi tracks review' what a person should look at.");
}

static json_t *result(const demo *d) {
    const char *run = lofi_arena_printf(d->context->arena, "%s/" RUN, d->logs);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "tracks", d->songs, "dataset", d->dataset, "base_model", d->model,
                     "run", run, "music", d->music);
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    demo d = {.context = context, .options = parsed};
    LOFI_TRY(check_songs(&d, err));
    LOFI_TRY(check_device(&d, err));
    d.songs = below(&d, "songs");
    d.metadata = below(&d, "metadata");
    d.dataset = below(&d, "dataset");
    d.model = below(&d, "base-model");
    d.logs = below(&d, "logs");
    d.cache = below(&d, "cache");
    d.music = below(&d, "music");
    if (!d.songs || !d.metadata || !d.dataset || !d.model || !d.logs || !d.cache || !d.music)
        return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the demonstration");
    if (context->dry_run) {
        lofi_print(context, "would take the songs of '%s' and write into '%s'", d.options->songs,
                   d.options->output_dir);
        return context->json ? lofi_print_json(context, result(&d), err) : LOFI_OK;
    }
    lofi_interrupt_install();
    LOFI_TRY(clear_former(&d, err));
    LOFI_TRY(write_metadata(&d, err));
    LOFI_TRY(prepare(&d, err));
    LOFI_TRY(train(&d, err));
    LOFI_TRY(generate(&d, err));
    if (context->json) return lofi_print_json(context, result(&d), err);
    tell(&d);
    return LOFI_OK;
}

const lofi_command lofi_command_demo = {
    .name = "demo",
    .summary = "show the whole path on a small model",
    .details = "Takes a folder of songs from raw files to a trained adapter, with the commands that one would type, "
               "each shown before it\n"
               "runs. The base model is a small one with random weights, so nothing has to be downloaded; what it "
               "learns is real, but no\n"
               "music. Everything is written below --output-dir.\n",
    .options = options,
    .settings_bytes = sizeof(demo_options),
    .run = run,
    .computes = true,
};
