/* cmd_generate.c - lofi generate: music from a prompt, or from a list of them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/encode.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/threads.h"
#include "catalog/prompts_file.h"
#include "cli/adapter_argument.h"
#include "cli/command.h"
#include "cli/device_option.h"
#include "diffusion/generator.h"
#include "export/bundle_engine.h"
#include "store/safetensors.h"

#define MAX_LYRICS_BYTES ((size_t)1 << 20)

typedef struct generate_options {
    const char *checkpoint_dir, *prompt, *lyrics, *lyrics_file, *language, *output, *prompts_file, *output_dir, *format;
    const char *scheduler, *guidance, *erg, *oss_steps, *init_noise, *lyric_vocab, *device, *precision, *engine,
        *model_dir, *onnxruntime;
    int64_t seed, steps, retake_seed, threads;
    double duration, guidance_scale, interval, interval_decay, min_scale, omega, prompt_scale, lyric_scale, variance;
    lofi_list lora;
    bool force;
} generate_options;

/* "|euler|heun|...", from the lists: the first stroke is left out. */
#define LOFI_SCHEDULER(name) "|" #name
static const char scheduler_names[] =
#include "diffusion/schedulers.h"
    ;
#define LOFI_GUIDANCE(name) "|" #name
static const char guidance_names[] =
#include "diffusion/guidances.h"
    ;

static const lofi_option options[] = {
    {"checkpoint-dir", LOFI_OPTION_PATH, offsetof(generate_options, checkpoint_dir), "DIR",
     "~/.cache/ace-step/checkpoints", .help = "the base model: a checkpoint folder or a hub cache"},
    {"prompt", LOFI_OPTION_TEXT, offsetof(generate_options, prompt), "TEXT", NULL,
     .help = "what the music sounds like: tags, separated by commas"},
    {"lyrics", LOFI_OPTION_TEXT, offsetof(generate_options, lyrics), "TEXT", NULL,
     .help = "words to sing, with section marks such as [verse] on lines of their own; without any the music has none"},
    {"lyrics-file", LOFI_OPTION_PATH, offsetof(generate_options, lyrics_file), "FILE", NULL,
     .help = "the lyrics as a text file"},
    {"language", LOFI_OPTION_TEXT, offsetof(generate_options, language), "CODE", NULL,
     .help = "language of the lyrics (en, de, ja ...); without it guessed line by line"},
    {"duration", LOFI_OPTION_NUMBER, offsetof(generate_options, duration), "SECONDS", "60", .min = 1,
     .max = LOFI_GENERATE_MAX_SECONDS, .help = "length of the music; the released model learned up to 240 s"},
    {"output", LOFI_OPTION_PATH, offsetof(generate_options, output), "FILE", NULL,
     .help =
         "where the music goes: .wav (32-bit float), .flac (24 bits) or .mp3 (320 kbit/s); replaced when it is there"},
    {"seed", LOFI_OPTION_INT, offsetof(generate_options, seed), "N", NULL, .min = 0, .max = 9e15,
     .help = "the same seed and settings give the same file; without it one is chosen and told"},
    {"steps", LOFI_OPTION_INT, offsetof(generate_options, steps), "N", "60", .min = 1, .max = LOFI_MAX_SAMPLING_STEPS,
     .help = "sampling steps: more take longer and give cleaner music"},
    {"scheduler", LOFI_OPTION_CHOICE, offsetof(generate_options, scheduler), "NAME", "euler",
     .choices = scheduler_names + 1, .help = "how a step is made"},
    {"guidance-type", LOFI_OPTION_CHOICE, offsetof(generate_options, guidance), "NAME", "apg",
     .choices = guidance_names + 1, .help = "how the prompt is enforced"},
    {"guidance-scale", LOFI_OPTION_NUMBER, offsetof(generate_options, guidance_scale), "F", "15", .min = 0, .max = 1000,
     .help = "how strongly; 0 and 1 switch guidance off, which halves the time of guided steps"},
    {"guidance-interval", LOFI_OPTION_NUMBER, offsetof(generate_options, interval), "F", "0.5", .min = 0, .max = 1,
     .help = "share of the steps that are guided, around the middle"},
    {"guidance-interval-decay", LOFI_OPTION_NUMBER, offsetof(generate_options, interval_decay), "F", "0", .min = 0,
     .max = 1, .help = "how far the scale falls towards --min-guidance-scale within the interval"},
    {"min-guidance-scale", LOFI_OPTION_NUMBER, offsetof(generate_options, min_scale), "F", "3", .min = 0, .max = 1000,
     .help = "where it falls to at a decay of 1"},
    {"guidance-scale-text", LOFI_OPTION_NUMBER, offsetof(generate_options, prompt_scale), "F", "0", .min = 0,
     .max = 1000,
     .help = "own scale of the prompt; above 1 together with --guidance-scale-lyric it replaces --guidance-type"},
    {"guidance-scale-lyric", LOFI_OPTION_NUMBER, offsetof(generate_options, lyric_scale), "F", "0", .min = 0,
     .max = 1000, .help = "own scale of the lyrics"},
    {"omega-scale", LOFI_OPTION_NUMBER, offsetof(generate_options, omega), "F", "10", .min = -1000, .max = 1000,
     .help = "how far each step spreads around its mean: 0 leaves it, more is louder and denser"},
    {"erg", LOFI_OPTION_TEXT, offsetof(generate_options, erg), "LIST", "text,lyric,diffusion",
     .help = "entropy rectifying guidance of text, lyric, diffusion, or none"},
    {"oss-steps", LOFI_OPTION_TEXT, offsetof(generate_options, oss_steps), "LIST", NULL,
     .help = "only these steps of the largest of them, as 2,5,9,12; replaces --steps"},
    {"retake-seed", LOFI_OPTION_INT, offsetof(generate_options, retake_seed), "N", NULL, .min = 0, .max = 9e15,
     .help = "vary the song of --seed with noise of this one"},
    {"retake-variance", LOFI_OPTION_NUMBER, offsetof(generate_options, variance), "F", "0.5", .min = 0, .max = 1,
     .help = "how far the variation goes: 0 is the same song, 1 another one"},
    {"lora", LOFI_OPTION_LIST, offsetof(generate_options, lora), "PATH[:WEIGHT]", NULL,
     .help = "an adapter, at WEIGHT times its own effect (1 when absent); repeatable, effects add up"},
    {"prompts-file", LOFI_OPTION_PATH, offsetof(generate_options, prompts_file), "FILE", NULL,
     .help = "many songs: one prompt per line, or a JSON list"},
    {"output-dir", LOFI_OPTION_PATH, offsetof(generate_options, output_dir), "DIR", NULL,
     .help = "where the songs of --prompts-file go; those that are there are kept"},
    {"format", LOFI_OPTION_CHOICE, offsetof(generate_options, format), "F", "wav", .choices = "wav|flac|mp3",
     .help = "of the songs of --prompts-file"},
    {"force", LOFI_OPTION_FLAG, offsetof(generate_options, force), NULL, NULL,
     .help = "make songs of --prompts-file again that are there already"},
    {"init-noise", LOFI_OPTION_PATH, offsetof(generate_options, init_noise), "FILE", NULL,
     .help = "begin with the tensor 'noise' of a .safetensors file: [1, 8, 16, frames]"},
    {"lyric-vocab", LOFI_OPTION_PATH, offsetof(generate_options, lyric_vocab), "FILE", NULL,
     .help = "vocabulary of the lyric tokenizer; without it lyric_vocab.json of the model, then ACE_STEP_DIR"},
    {"threads", LOFI_OPTION_INT, offsetof(generate_options, threads), "N", "0", .min = 0, .max = 1024,
     .help = "threads of the arithmetic (0: all processors)"},
    {"device", LOFI_OPTION_TEXT, offsetof(generate_options, device), "D", "cpu", .help = LOFI_DEVICE_HELP},
    {"precision", LOFI_OPTION_CHOICE, offsetof(generate_options, precision), "P", "fp32", .choices = "bf16|fp32",
     .help = "of products on a GPU: bf16 rounds their operands; the arithmetic on the CPU is fp32"},
    {"engine", LOFI_OPTION_CHOICE, offsetof(generate_options, engine), "E", "native", .choices = "native|onnx",
     .help = "what computes: this program, or exported networks (not in this build)"},
    {"model-dir", LOFI_OPTION_PATH, offsetof(generate_options, model_dir), "DIR", NULL,
     .help = "a bundle of 'lofi export', with --engine onnx: what the player will play"},
    {"onnxruntime", LOFI_OPTION_PATH, offsetof(generate_options, onnxruntime), "LIBRARY", NULL,
     .help = "the libonnxruntime.so for --engine onnx (default: LOFI_ONNXRUNTIME, or the first that is found)"},
    {0},
};

/* ---- settings ---- */

/* Everything that songs share, and what came of each. */
typedef struct generation {
    lofi_context *context;
    const generate_options *options;
    lofi_encode_options encode;
    lofi_sampling sampling;
    int64_t chosen[LOFI_MAX_SAMPLING_STEPS];
    unsigned erg;
    uint64_t seed; /* of the first song */
    lofi_buffer lyrics;
    lofi_prompts_file file; /* a single song is a list of one */
    lofi_wanted_song single;
    const lofi_wanted_song *songs;
    size_t song_count;
    lofi_song_plan *plans; /* one per song */
    const lofi_adapter_choice *adapters;
    lofi_device *device; /* NULL: the CPU */
    lofi_generator *generator;
    float *noise;
    int64_t noise_frames;
    lofi_progress progress;
    bool decoding;
    json_t *results;
    size_t made, kept, failed;
} generation;

static lofi_code contradiction(lofi_error *err, const char *message, const char *hint) {
    lofi_fail(err, LOFI_ERR_USAGE, "%s", message);
    return lofi_hint(err, "%s", hint);
}

static lofi_code check_engine(const generate_options *o, lofi_error *err) {
    bool onnx = strcmp(o->engine, "onnx") == 0;
    if (onnx && !o->model_dir)
        return contradiction(err, "--engine onnx needs --model-dir", "make a bundle with 'lofi export'");
    if (onnx && o->lora.count > 0)
        return contradiction(err, "--lora is not for --engine onnx: a bundle is as it is",
                             "give the adapter to 'lofi export'");
    if (!onnx && o->model_dir)
        return contradiction(err, "--model-dir is for --engine onnx", "name the model with --checkpoint-dir");
    if (onnx && strcmp(o->device, "cpu") != 0)
        return contradiction(err, "--device is not for --engine onnx: ONNX Runtime computes on the CPU here",
                             "leave one of them out");
    return LOFI_OK;
}

static lofi_code check_one_or_many(const lofi_context *context, const generate_options *o, lofi_error *err) {
    static const char *const single[] = {"prompt", "lyrics", "lyrics-file", "language", "output", "init-noise"};
    static const char *const many[] = {"output-dir", "format", "force"};
    bool list = o->prompts_file != NULL;
    const char *const *wrong = list ? single : many;
    size_t count = list ? sizeof single / sizeof *single : sizeof many / sizeof *many;
    for (size_t i = 0; i < count; i++) {
        if (!lofi_option_given(context, wrong[i])) continue;
        lofi_fail(err, LOFI_ERR_USAGE, "--%s does not go %s --prompts-file", wrong[i], list ? "with" : "without");
        return lofi_hint(err,
                         list ? "say it for each song in a JSON list" : "--output names the file of a single song");
    }
    if (list && !o->output_dir)
        return contradiction(err, "--prompts-file needs --output-dir", "name a folder for the songs");
    if (!list && !o->prompt)
        return contradiction(err, "nothing to generate", "say what with --prompt, or --prompts-file");
    if (!list && !o->output) return contradiction(err, "--output is missing", "name a .wav, .flac or .mp3 file");
    if (o->lyrics && o->lyrics_file)
        return contradiction(err, "only one of --lyrics and --lyrics-file can be given", "leave one of them out");
    if (lofi_option_given(context, "retake-variance") && !lofi_option_given(context, "retake-seed"))
        return contradiction(err, "--retake-variance needs --retake-seed", "name the seed of the variation");
    if (o->oss_steps && lofi_option_given(context, "steps"))
        return contradiction(err, "only one of --steps and --oss-steps can be given", "leave one of them out");
    return LOFI_OK;
}

static lofi_code read_erg(generation *g, lofi_error *err) {
    static const char *const names[] = {"text", "lyric", "diffusion"};
    const char *list = g->options->erg;
    g->erg = 0;
    if (strcmp(list, "none") == 0) return LOFI_OK;
    for (const char *at = list; at;) {
        size_t length = strcspn(at, ",");
        unsigned part = 0;
        for (unsigned i = 0; i < 3; i++)
            if (strlen(names[i]) == length && strncmp(at, names[i], length) == 0) part = 1u << i;
        if (!part) {
            lofi_fail(err, LOFI_ERR_USAGE, "--erg: there is no '%.*s'", (int)length, at);
            return lofi_hint(err, "a list of text, lyric and diffusion, or none");
        }
        g->erg |= part;
        at = at[length] ? at + length + 1 : NULL;
    }
    return LOFI_OK;
}

static lofi_code read_chosen(generation *g, lofi_error *err) {
    size_t count = 0;
    for (const char *at = g->options->oss_steps; at;) {
        char *end;
        errno = 0;
        long long value = strtoll(at, &end, 10);
        if (end == at || errno || (*end && *end != ',') || count == LOFI_MAX_SAMPLING_STEPS) {
            lofi_fail(err, LOFI_ERR_USAGE, "--oss-steps: '%s' is no list of step numbers", g->options->oss_steps);
            return lofi_hint(err, "write them as 2,5,9,12");
        }
        g->chosen[count++] = value;
        at = *end ? end + 1 : NULL;
    }
    g->sampling.chosen = g->chosen;
    g->sampling.chosen_count = count;
    return LOFI_OK;
}

static lofi_code read_sampling(generation *g, lofi_error *err) {
    const generate_options *o = g->options;
    g->sampling = (lofi_sampling){.scheduler = lofi_scheduler_find(o->scheduler),
                                  .guidance = lofi_guidance_find(o->guidance),
                                  .steps = o->steps,
                                  .guidance_scale = o->guidance_scale,
                                  .guidance_interval = o->interval,
                                  .interval_decay = o->interval_decay,
                                  .min_guidance_scale = o->min_scale,
                                  .omega_scale = o->omega,
                                  .prompt_scale = o->prompt_scale,
                                  .lyric_scale = o->lyric_scale};
    LOFI_TRY(read_chosen(g, err));
    LOFI_TRY(read_erg(g, err));
    return lofi_sampling_check(&g->sampling, err);
}

/* ---- songs ---- */

static lofi_code read_single(generation *g, lofi_error *err) {
    const generate_options *o = g->options;
    if (o->lyrics_file) LOFI_TRY(lofi_file_read(&g->lyrics, o->lyrics_file, MAX_LYRICS_BYTES, err));
    if (strlen(lofi_buffer_str(&g->lyrics)) != g->lyrics.size)
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s' is no text", o->lyrics_file);
    g->single = (lofi_wanted_song){
        .prompt = o->prompt, .lyrics = o->lyrics ? o->lyrics : lofi_buffer_str(&g->lyrics), .language = o->language};
    g->songs = &g->single;
    g->song_count = 1;
    return LOFI_OK;
}

static lofi_code read_songs(generation *g, lofi_error *err) {
    const generate_options *o = g->options;
    g->seed = lofi_option_given(g->context, "seed") ? (uint64_t)o->seed : lofi_random_seed();
    if (!o->prompts_file) return read_single(g, err);
    lofi_code code = lofi_prompts_file_load(&g->file, o->prompts_file, err);
    if (code == LOFI_ERR_FORMAT) err->code = code = LOFI_ERR_USAGE; /* what a user wrote, as a flag is */
    LOFI_TRY(code);
    g->songs = g->file.songs;
    g->song_count = g->file.count;
    return LOFI_OK;
}

static lofi_code choose_format(generation *g, lofi_error *err) {
    const char *name = g->options->prompts_file ? g->options->format : lofi_path_extension(g->options->output);
    g->encode = (lofi_encode_options)LOFI_ENCODE_MP3_INIT;
    if (*name == '\0') {
        lofi_fail(err, LOFI_ERR_USAGE, "'%s' does not say in which format", g->options->output);
        return lofi_hint(err, "end it with .wav, .flac or .mp3");
    }
    LOFI_TRY(lofi_audio_format_of(&g->encode.format, name, err));
    if (g->encode.format != LOFI_AUDIO_MP3) g->encode.bits = g->encode.format == LOFI_AUDIO_WAV ? 32 : 24;
    return lofi_encode_check(&g->encode, 48000, 2, err);
}

static lofi_code output_path(char path[LOFI_PATH_MAX], const generation *g, const lofi_wanted_song *wanted,
                             lofi_error *err) {
    if (!g->options->prompts_file) return lofi_path_format(path, err, "%s", g->options->output);
    return lofi_path_format(path, err, "%s/%s.%s", g->options->output_dir, wanted->name,
                            lofi_audio_format_name(g->encode.format));
}

/* Before minutes of sampling: can a file be written there? */
static lofi_code check_writable(const generation *g, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_writer *writer;
    if (g->options->prompts_file) LOFI_TRY(lofi_folder_make(g->options->output_dir, err));
    for (size_t i = 0; i < g->song_count; i++) {
        LOFI_TRY(output_path(path, g, &g->songs[i], err));
        LOFI_TRY(lofi_writer_open(&writer, path, err));
        lofi_writer_abort(writer);
    }
    return LOFI_OK;
}

static lofi_code take_noise(generation *g, const lofi_safetensors *file, lofi_error *err) {
    const lofi_stored_tensor *tensor;
    LOFI_TRY(lofi_safetensors_get(&tensor, file, "noise", err));
    int64_t channels = lofi_generator_channels(g->generator), height = lofi_generator_height(g->generator);
    int64_t frames = lofi_song_frames(g->options->duration);
    if (!lofi_stored_has_shape(tensor, 4, (int64_t[]){1, channels, height, frames}) &&
        !lofi_stored_has_shape(tensor, 3, (int64_t[]){channels, height, frames})) {
        char shape[128];
        lofi_stored_shape_text(shape, tensor);
        return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': 'noise' is %s, %g s need [1, %lld, %lld, %lld]",
                         g->options->init_noise, shape, g->options->duration, (long long)channels, (long long)height,
                         (long long)frames);
    }
    LOFI_TRY(lofi_alloc((void **)&g->noise, tensor->count, sizeof(float), "noise", err));
    lofi_stored_read_f32(tensor, 0, g->noise, tensor->count);
    for (size_t i = 0; i < tensor->count; i++)
        if (!isfinite(g->noise[i]))
            return lofi_fail(err, LOFI_ERR_FORMAT, "'%s': 'noise' holds what is no number", g->options->init_noise);
    return LOFI_OK;
}

static lofi_code read_noise(generation *g, lofi_error *err) {
    lofi_safetensors *file;
    if (!g->options->init_noise) return LOFI_OK;
    LOFI_TRY(lofi_safetensors_open(&file, g->options->init_noise, err));
    lofi_code code = take_noise(g, file, err);
    lofi_safetensors_close(file);
    return code;
}

/* What the model lacks is left out of the default, and an error where the user asks for it. */
static void limit_erg(generation *g) {
    unsigned possible = lofi_generator_erg(g->generator);
    if (lofi_option_given(g->context, "erg") || !(g->erg & ~possible)) return;
    lofi_info(g->context->log, "%s for entropy rectifying guidance of%s%s%s: left out",
              g->options->model_dir ? "a bundle has no networks" : "this model has too few layers",
              possible & LOFI_ERG_TEXT ? "" : " text", possible & LOFI_ERG_LYRIC ? "" : " lyric",
              possible & LOFI_ERG_DIFFUSION ? "" : " diffusion");
    g->erg &= possible;
    if (!(g->erg & LOFI_ERG_LYRIC)) g->erg &= ~(unsigned)LOFI_ERG_TEXT;
}

/* ---- generating ---- */

static void on_step(void *user, int64_t done, int64_t evaluations) {
    generation *g = user;
    if (done == 1) g->progress.total = evaluations;
    lofi_progress_step(&g->progress, done, NULL);
}

static void on_decoded(void *user, double share) {
    generation *g = user;
    if (!g->decoding) {
        lofi_progress_end(&g->progress);
        g->progress = lofi_progress_start(g->context->log, "decoding", "percent", 100);
        g->decoding = true;
    }
    lofi_progress_step(&g->progress, (int64_t)(100 * share), NULL);
}

static lofi_song request_of(generation *g, size_t index) {
    const generate_options *o = g->options;
    const lofi_wanted_song *wanted = &g->songs[index];
    return (lofi_song){.prompt = wanted->prompt,
                       .lyrics = wanted->lyrics,
                       .language = wanted->language,
                       .seconds = wanted->seconds > 0 ? wanted->seconds : o->duration,
                       .seed = wanted->has_seed ? wanted->seed : g->seed + index,
                       .sampling = g->sampling,
                       .erg = g->erg,
                       .noise = g->noise,
                       .retake = lofi_option_given(g->context, "retake-seed"),
                       .retake_seed = (uint64_t)o->retake_seed,
                       .retake_variance = o->variance,
                       .on_step = on_step,
                       .on_decoded = on_decoded,
                       .user = g};
}

static lofi_code check_sound(const lofi_audio *audio, lofi_error *err) {
    for (int64_t i = 0; i < audio->channels * audio->frames; i++)
        if (!isfinite(audio->samples[i])) {
            lofi_fail(err, LOFI_ERR_NUMERIC, "the decoder made sound that is not finite");
            return lofi_hint(err, "look for faults with 'lofi model check'");
        }
    return LOFI_OK;
}

static lofi_code write_sound(const generation *g, const lofi_audio *audio, const char *path, lofi_error *err) {
    LOFI_TRY(check_sound(audio, err));
    if (lofi_audio_peak(audio) > 1 && g->encode.format != LOFI_AUDIO_WAV)
        lofi_warn(g->context->log, "'%s' is clipped: its peak is %.2f; a .wav file keeps it", path,
                  (double)lofi_audio_peak(audio));
    return lofi_audio_encode(path, audio, &g->encode, err);
}

static lofi_code compute(generation *g, const lofi_song *song, lofi_audio *audio, lofi_error *err) {
    const float *latents;
    g->decoding = false;
    g->progress = lofi_progress_start(g->context->log, "sampling", "steps", 0);
    LOFI_TRY(lofi_generator_sample(g->generator, song, &latents, err));
    LOFI_TRY(lofi_generator_decode(g->generator, song, audio, err));
    if (g->decoding) lofi_progress_end(&g->progress);
    return LOFI_OK;
}

static json_t *describe(const generation *g, const lofi_song *song, const lofi_song_plan *plan, const char *path) {
    json_t *result = json_pack("{s:s, s:s, s:s, s:I, s:f, s:I, s:I, s:I, s:I, s:I}", "output", path, "prompt",
                               song->prompt, "lyrics", song->lyrics, "seed", (json_int_t)song->seed, "seconds",
                               plan->audio_seconds, "frames", (json_int_t)plan->frames, "steps",
                               (json_int_t)plan->cost.steps, "network_runs", (json_int_t)plan->cost.network_runs,
                               "text_tokens", (json_int_t)plan->text_tokens, "lyric_tokens",
                               (json_int_t)plan->lyric_tokens);
    if (song->retake)
        json_object_set_new(
            result, "retake",
            json_pack("{s:I, s:f}", "seed", (json_int_t)song->retake_seed, "variance", g->options->variance));
    if (*song->lyrics) json_object_set_new(result, "language", json_string(plan->language));
    return result;
}

static lofi_code make(generation *g, const lofi_song *song, const char *path, json_t *result, lofi_error *err) {
    lofi_audio audio = LOFI_AUDIO_INIT;
    int64_t begin = lofi_now_ns();
    lofi_info(g->context->log, "'%s': seed %llu", path, (unsigned long long)song->seed);
    LOFI_TRY(compute(g, song, &audio, err));
    lofi_code code = write_sound(g, &audio, path, err);
    double wall = (double)(lofi_now_ns() - begin) * 1e-9, peak = (double)lofi_audio_peak(&audio);
    double seconds = lofi_audio_seconds(&audio);
    lofi_audio_free(&audio);
    LOFI_TRY(code);
    json_object_set_new(result, "wall_seconds", json_real(wall));
    json_object_set_new(result, "peak", json_real(peak));
    lofi_print(g->context, "%s  %.1f s  seed %llu  peak %.3f  made in %.1f s", path, seconds,
               (unsigned long long)song->seed, peak, wall);
    return LOFI_OK;
}

/* What would be done, without doing it. */
static void foretell(generation *g, const lofi_song_plan *plan, const char *path, json_t *result) {
    json_object_set_new(result, "activation_bytes", json_integer((json_int_t)plan->activation_bytes));
    lofi_print(g->context,
               "would write %s: %.1f s, %lld frames, %lld steps, %lld runs of the network, %.0f MB of activations",
               path, plan->audio_seconds, (long long)plan->frames, (long long)plan->cost.steps,
               (long long)plan->cost.network_runs, (double)plan->activation_bytes / 1e6);
}

static lofi_code do_song(generation *g, size_t index, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    lofi_song song = request_of(g, index);
    LOFI_TRY(output_path(path, g, &g->songs[index], err));
    json_t *result = describe(g, &song, &g->plans[index], path);
    if (!result) return lofi_fail(err, LOFI_ERR_FORMAT, "'%s', or its prompt, is not UTF-8", path);
    json_array_append_new(g->results, result);
    bool keep = g->options->prompts_file && !g->options->force && lofi_path_exists(path);
    json_object_set_new(result, "status", json_string(keep ? "kept" : g->context->dry_run ? "planned" : "success"));
    if (keep) {
        g->kept++;
        lofi_print(g->context, "%s  is there already: kept", path);
        return LOFI_OK;
    }
    if (g->context->dry_run) {
        foretell(g, &g->plans[index], path, result);
        return LOFI_OK;
    }
    lofi_code code = make(g, &song, path, result, err);
    if (code == LOFI_OK) g->made++;
    if (code != LOFI_OK) {
        json_object_set_new(result, "status", json_string("failed"));
        json_object_set_new(result, "reason", json_string(err ? err->message : ""));
    }
    return code;
}

/* One that fails does not end the others of a list, unless the machine or the user says stop. */
static lofi_code do_songs(generation *g, lofi_error *err) {
    for (size_t i = 0; i < g->song_count; i++) {
        lofi_error failure = LOFI_ERROR_INIT;
        lofi_code code = do_song(g, i, &failure);
        if (code == LOFI_OK) continue;
        if (g->song_count == 1 || code == LOFI_ERR_INTERRUPTED) {
            *err = failure;
            return code;
        }
        g->failed++;
        lofi_say(g->context->log, LOFI_LOG_ERROR, "song %zu: %s", i + 1, failure.message);
    }
    return LOFI_OK;
}

/* Every song is looked at before the first is made. */
static lofi_code plan_songs(generation *g, lofi_error *err) {
    g->plans = lofi_arena_alloc(g->context->arena, g->song_count * sizeof *g->plans);
    if (!g->plans) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for a list of songs");
    for (size_t i = 0; i < g->song_count; i++) {
        lofi_song song = request_of(g, i);
        lofi_code code = lofi_generator_plan(g->generator, &song, &g->plans[i], err);
        if (code == LOFI_OK) continue;
        if (g->options->prompts_file) lofi_error_prefix(err, "'%s', song %zu", g->options->prompts_file, i + 1);
        return code;
    }
    return LOFI_OK;
}

static json_t *settings_json(const generation *g) {
    static const char *const parts[] = {"text", "lyric", "diffusion"};
    const lofi_sampling *s = &g->sampling;
    json_t *erg = json_array(), *lora = json_array(), *chosen = json_array();
    for (unsigned i = 0; i < 3; i++)
        if (g->erg & 1u << i) json_array_append_new(erg, json_string(parts[i]));
    for (size_t i = 0; i < g->options->lora.count; i++)
        json_array_append_new(
            lora, json_pack("{s:s, s:f}", "path", g->adapters[i].path, "weight", (double)g->adapters[i].strength));
    for (size_t i = 0; i < s->chosen_count; i++) json_array_append_new(chosen, json_integer(s->chosen[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "checkpoint_dir",
                     g->options->checkpoint_dir, "device", g->device ? g->device->name : "cpu", "precision",
                     g->options->precision, "scheduler", s->scheduler->name, "guidance_type", s->guidance->name,
                     "guidance_scale", s->guidance_scale, "guidance_interval", s->guidance_interval,
                     "guidance_interval_decay", s->interval_decay, "min_guidance_scale", s->min_guidance_scale,
                     "guidance_scale_text", s->prompt_scale, "guidance_scale_lyric", s->lyric_scale, "omega_scale",
                     s->omega_scale, "oss_steps", chosen, "erg", erg, "lora", lora);
}

static lofi_code tell(generation *g, lofi_error *err) {
    g->context->exit_status = g->failed ? 1 : 0;
    if (g->song_count > 1 && !g->context->dry_run)
        lofi_print(g->context, "%zu made, %zu kept, %zu failed", g->made, g->kept, g->failed);
    if (!g->context->json) return LOFI_OK;
    json_t *document = json_pack("{s:I, s:I, s:I, s:b, s:O, s:o}", "generated", (json_int_t)g->made, "kept",
                                 (json_int_t)g->kept, "failed", (json_int_t)g->failed, "dry_run",
                                 (int)g->context->dry_run, "results", g->results, "settings", settings_json(g));
    if (!document) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the report");
    return lofi_print_json(g->context, document, err);
}

static lofi_code open_generator(generation *g, const lofi_generator_settings *settings, lofi_error *err) {
    lofi_engine *engine = NULL;
    if (!g->options->model_dir) return lofi_generator_open(&g->generator, settings, g->context->log, err);
    LOFI_TRY(lofi_bundle_engine_open(&engine, g->options->model_dir, g->options->onnxruntime, settings->threads, err));
    return lofi_generator_open_engine(&g->generator, engine, settings, g->context->log, err);
}

static lofi_code generate(generation *g, lofi_error *err) {
    const generate_options *o = g->options;
    lofi_generator_settings settings = {.checkpoint_dir = o->checkpoint_dir,
                                        .lyric_vocab = o->lyric_vocab,
                                        .adapters = g->adapters,
                                        .adapter_count = o->lora.count,
                                        .threads = (int)o->threads};
    LOFI_TRY(lofi_environment_path(&settings.ace_step_dir, g->context, "ACE_STEP_DIR", err));
    LOFI_TRY(open_generator(g, &settings, err));
    limit_erg(g);
    LOFI_TRY(read_noise(g, err));
    LOFI_TRY(plan_songs(g, err));
    if (!g->context->dry_run) LOFI_TRY(check_writable(g, err));
    LOFI_TRY(do_songs(g, err));
    return tell(g, err);
}

static lofi_code prepare(generation *g, lofi_error *err) {
    LOFI_TRY(check_engine(g->options, err));
    LOFI_TRY(check_one_or_many(g->context, g->options, err));
    LOFI_TRY(choose_format(g, err));
    LOFI_TRY(read_sampling(g, err));
    LOFI_TRY(lofi_adapter_arguments(&g->adapters, g->context, "lora", &g->options->lora, err));
    return read_songs(g, err);
}

static lofi_code run(lofi_context *context, const void *parsed, lofi_error *err) {
    generation *g = lofi_arena_alloc(context->arena, sizeof *g);
    if (!g) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the settings");
    g->context = context;
    g->options = parsed;
    g->lyrics = (lofi_buffer)LOFI_BUFFER_INIT;
    g->results = json_array();
    lofi_interrupt_install();
    lofi_threads_limit((int)g->options->threads);
    lofi_code code = prepare(g, err);
    if (code == LOFI_OK)
        code = lofi_use_device_in(&g->device, g->options->device, g->options->precision, g->context->log, err);
    if (code == LOFI_OK) code = generate(g, err);
    lofi_generator_close(g->generator);
    lofi_prompts_file_free(&g->file);
    lofi_buffer_free(&g->lyrics);
    lofi_free(g->noise);
    json_decref(g->results);
    lofi_device_close(g->device);
    return code;
}

const lofi_command lofi_command_generate = {
    .name = "generate",
    .summary = "make music from a prompt",
    .details = "A prompt, and lyrics where there are any, become music with the ACE-Step model, with or without "
               "adapters. What each\n"
               "setting does to the music is told in docs/generating.md.\n"
               "\n"
               "--prompts-file makes many songs. As text it has one prompt per line; empty lines, and lines that begin "
               "with #, are\n"
               "left out. As JSON it is a list of objects with prompt, lyrics, language, seed, duration and output. "
               "Songs are called by\n"
               "their output, else by number and prompt; one that is there already is kept, so the same command goes "
               "on after a stop.\n"
               "Without a seed of their own songs have --seed, --seed + 1 and so on. A song that fails does not end "
               "the others; the\n"
               "exit status is then 1.\n"
               "\n"
               "A file is written whole or not at all. Ctrl-C ends with 130.\n"
               "\n"
               "Examples:\n"
               "  lofi generate --prompt 'lofi hip hop, rhodes, rainy night, 80 bpm' --duration 90 --output rain.flac\n"
               "  lofi generate --prompt 'chillhop, piano' --lora "
               "exps/logs/my-sound/checkpoints/epoch=0-step=4000_lora:0.8 \\\n"
               "      --output piano.wav\n",
    .options = options,
    .settings_bytes = sizeof(generate_options),
    .run = run,
    .computes = true,
};
