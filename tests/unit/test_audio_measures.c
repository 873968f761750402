/* test_audio_measures.c - what is measured of sound, on signals whose answer is known. */
#include <ebur128.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audio/audio_libraries.h"
#include "audio/bandwidth.h"
#include "audio/fingerprint.h"
#include "audio/key.h"
#include "audio/levels.h"
#include "audio/loudness.h"
#include "audio/measures.h"
#include "audio/picture.h"
#include "audio/quality.h"
#include "audio/tempo.h"
#include "base/memory.h"
#include "base/random.h"

static lofi_error err;

/* What only this test calls. */
int ebur128_true_peak(ebur128_state *state, unsigned channel, double *out) {
    return LOFI_IMPORTED(ebur128, ebur128_true_peak)(state, channel, out);
}

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        if ((expression) != LOFI_OK) fail_msg("%s", err.message);                                                      \
    } while (0)

static lofi_audio make_audio(int64_t frames, int channels, int rate) {
    lofi_audio audio = {NULL, frames, channels, rate};
    assert_ok(lofi_alloc((void **)&audio.samples, (size_t)(frames * channels), sizeof(float), "sound", &err));
    return audio;
}

static void add_tone(lofi_audio *audio, double hz, double amplitude, double from, double to) {
    for (int channel = 0; channel < audio->channels; channel++)
        for (int64_t i = (int64_t)(from * audio->sample_rate); i < (int64_t)(to * audio->sample_rate); i++)
            if (i < audio->frames)
                audio->samples[channel * audio->frames + i] +=
                    (float)(amplitude * sin(2.0 * M_PI * hz * (double)i / audio->sample_rate));
}

/* ---- levels ---- */

/* In pieces of an odd size: how samples are cut into calls must not matter. */
static lofi_levels levels_of(const lofi_audio *audio) {
    lofi_level_meter meter = {0};
    for (int64_t from = 0; from < audio->frames; from += 777) {
        const float *planes[LOFI_AUDIO_MAX_CHANNELS];
        for (int channel = 0; channel < audio->channels; channel++)
            planes[channel] = audio->samples + channel * audio->frames + from;
        lofi_levels_add(&meter, planes, audio->channels, audio->frames - from < 777 ? audio->frames - from : 777,
                        audio->sample_rate);
    }
    return lofi_levels_result(&meter);
}

static void test_silence(void **state) {
    (void)state;
    lofi_audio audio = make_audio(96000, 2, 48000);
    lofi_levels levels = levels_of(&audio);
    assert_float_equal(levels.silence_share, 1.0, 0.0);
    assert_float_equal(levels.peak_dbfs, -200.0, 0.0);
    add_tone(&audio, 400.0, 0.5, 0.5, 2.0); /* silence is the first quarter: zero crossings are none */
    levels = levels_of(&audio);
    assert_float_equal(levels.silence_share, 0.25, 1e-4);
    assert_float_equal(levels.peak_dbfs, -6.02, 0.01);
    assert_float_equal(levels.rms_dbfs, -10.28, 0.01);
    for (int64_t i = 48000; i < 48000 + 2399; i++)
        audio.samples[i] = audio.samples[96000 + i] = 0.0f; /* a gap of 49.98 ms */
    assert_float_equal(levels_of(&audio).silence_share, 0.25, 1e-4);
    audio.samples[48000 + 2399] = audio.samples[96000 + 48000 + 2399] = 0.0f; /* 50 ms */
    assert_float_equal(levels_of(&audio).silence_share, 0.275, 1e-4);
    audio.samples[48000 + 1000] = 0.01f; /* in two stretches now */
    assert_float_equal(levels_of(&audio).silence_share, 0.25, 1e-4);
    lofi_audio_free(&audio);
}

static void test_clipping(void **state) {
    (void)state;
    lofi_audio audio = make_audio(100000, 1, 48000);
    add_tone(&audio, 1000.0, 0.98, 0.0, 3.0);
    assert_float_equal(levels_of(&audio).clipped_share, 0.0, 0.0);
    for (int i = 0; i < 50; i++) audio.samples[1000 * i] = 0.99f;
    assert_float_equal(levels_of(&audio).clipped_share, 50e-5, 1e-12);
    assert_int_equal(levels_of(&audio).flat_runs, 0);
    for (int i = 0; i < 3; i++) audio.samples[500 + i] = -1.0f;
    assert_int_equal(levels_of(&audio).flat_runs, 0);
    audio.samples[503] = -1.0f;
    assert_int_equal(levels_of(&audio).flat_runs, 1);
    for (int i = 0; i < 8; i++) audio.samples[7770 - 4 + i] = 1.0f; /* over the edge of a call */
    assert_int_equal(levels_of(&audio).flat_runs, 2);
    memset(audio.samples, 0, 100000 * sizeof(float));
    add_tone(&audio, 100.0, 1.0, 0.0, 3.0); /* a whole sine touches full scale and is not flat */
    assert_true(levels_of(&audio).clipped_share > 0.05);
    assert_int_equal(levels_of(&audio).flat_runs, 0);
    for (int64_t i = 0; i < audio.frames; i++)
        audio.samples[i] = fmaxf(-1.0f, fminf(1.0f, 2.0f * audio.samples[i])); /* a sine that was clipped is */
    int64_t flat = levels_of(&audio).flat_runs;
    assert_true(flat > 410 && flat < 420); /* twice in each of 208 periods */
    lofi_audio_free(&audio);
}

static void test_channels(void **state) {
    (void)state;
    lofi_audio audio = make_audio(48000, 2, 48000);
    add_tone(&audio, 300.0, 0.4, 0.0, 1.0);
    lofi_levels levels = levels_of(&audio);
    assert_float_equal(levels.phase, 1.0, 1e-6);
    assert_float_equal(levels.balance_db, 0.0, 1e-6);
    assert_float_equal(levels.dc_offset, 0.0, 1e-4);
    for (int64_t i = 0; i < 48000; i++) audio.samples[48000 + i] *= -0.5f;
    levels = levels_of(&audio);
    assert_float_equal(levels.phase, -1.0, 1e-6);
    assert_float_equal(levels.balance_db, 6.02, 0.01);
    for (int64_t i = 0; i < 48000; i++) audio.samples[48000 + i] += 0.03f;
    assert_float_equal(levels_of(&audio).dc_offset, 0.03, 1e-4);
    for (int64_t i = 0; i < 48000; i++)
        audio.samples[48000 + i] = (float)(0.4 * cos(2.0 * M_PI * 300.0 * (double)i / 48000.0));
    assert_float_equal(levels_of(&audio).phase, 0.0, 1e-4);
    lofi_audio_free(&audio);
}

/* ---- loudness ---- */

/* EBU Tech 3341: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS. */
static void test_loudness(void **state) {
    (void)state;
    lofi_audio audio = make_audio(20 * 48000, 2, 48000);
    lofi_loudness loudness;
    assert_ok(lofi_loudness_measure(&loudness, &audio, &err));
    assert_true(isnan(loudness.integrated_lufs) && isnan(loudness.range_lu));
    assert_float_equal(loudness.true_peak_dbtp, -200.0, 0.0);
    add_tone(&audio, 1000.0, pow(10.0, -23.0 / 20.0), 0.0, 20.0);
    assert_ok(lofi_loudness_measure(&loudness, &audio, &err));
    assert_float_equal(loudness.integrated_lufs, -23.0, 0.1);
    assert_float_equal(loudness.range_lu, 0.0, 0.1);
    assert_float_equal(loudness.true_peak_dbtp, -23.0, 0.05);
    for (int64_t i = 0; i < 10 * 48000; i++)
        for (int channel = 0; channel < 2; channel++) audio.samples[channel * audio.frames + i] *= 0.3162278f;
    assert_ok(lofi_loudness_measure(&loudness, &audio, &err));
    assert_float_equal(loudness.range_lu, 10.0, 0.3); /* Tech 3342: two levels 10 LU apart */
    lofi_audio_free(&audio);
}

/* A sine of a quarter of the rate, sampled between its tops: 3 dB more between the samples. */
static void test_true_peak(void **state) {
    (void)state;
    lofi_audio audio = make_audio(48000, 2, 48000);
    for (int64_t i = 0; i < 48000; i++)
        audio.samples[i] = audio.samples[48000 + i] = (float)(0.5 * sin(M_PI * (double)i / 2.0 + M_PI / 4.0));
    lofi_loudness loudness;
    assert_ok(lofi_loudness_measure(&loudness, &audio, &err));
    assert_float_equal(20.0 * log10((double)lofi_audio_peak(&audio)), -9.03, 0.01);
    assert_float_equal(loudness.true_peak_dbtp, -6.02, 0.15); /* the onset rings a little */
    lofi_audio_free(&audio);
}

static double whole_true_peak(const lofi_audio *audio) {
    float *frames = malloc((size_t)audio->frames * 2 * sizeof *frames);
    ebur128_state *whole = ebur128_init(2, (unsigned long)audio->sample_rate, EBUR128_MODE_TRUE_PEAK);
    double left = 0.0, right = 0.0;
    for (int64_t i = 0; i < audio->frames; i++)
        for (int channel = 0; channel < 2; channel++)
            frames[2 * i + channel] = audio->samples[channel * audio->frames + i];
    assert_int_equal(ebur128_add_frames_float(whole, frames, (size_t)audio->frames), EBUR128_SUCCESS);
    assert_int_equal(ebur128_true_peak(whole, 0, &left), EBUR128_SUCCESS);
    assert_int_equal(ebur128_true_peak(whole, 1, &right), EBUR128_SUCCESS);
    ebur128_destroy(&whole);
    free(frames);
    return 20.0 * log10(fmax(left, right));
}

/* Leaving out what cannot matter must not change the result: noise of changing loudness, several rates, odd blocks. */
static void test_true_peak_of_everything(void **state) {
    (void)state;
    static const int rates[] = {44100, 48000, 96000, 192000};
    for (int round = 0; round < 24; round++) {
        lofi_random random = lofi_random_at(7, LOFI_RANDOM_TEST, (uint64_t)round);
        lofi_audio audio = make_audio(30000, 2, rates[round % 4]);
        for (int64_t i = 0; i < 60000; i++)
            audio.samples[i] = 0.2f * lofi_random_normal(&random, (uint64_t)i) *
                               (float)pow(sin((double)(i % 30000) * 0.0003 * (1 + round)), 4);
        lofi_true_peak *meter;
        double found;
        assert_ok(lofi_true_peak_new(&meter, 2, audio.sample_rate, &err));
        int64_t step = 100 + 331 * round;
        for (int64_t from = 0; from < audio.frames; from += step) {
            const float *planes[] = {audio.samples + from, audio.samples + audio.frames + from};
            lofi_true_peak_add(meter, planes, 2, audio.frames - from < step ? audio.frames - from : step, 0);
        }
        assert_ok(lofi_true_peak_result(&found, meter, &err));
        assert_float_equal(found, whole_true_peak(&audio), 1e-6);
        lofi_true_peak_free(meter);
        lofi_audio_free(&audio);
    }
}

/* ---- bandwidth ---- */

/* Noise of the same power in every bin up to `edge_hz`; above it nothing (order 0) or a low-pass of that order. */
static lofi_audio make_noise(double edge_hz, double order) {
    enum { LENGTH = 48000 }; /* one second, repeated: bins are 1 Hz apart */
    lofi_audio audio = make_audio(4 * LENGTH, 1, LENGTH);
    lofi_random random = lofi_random_at(3, LOFI_RANDOM_TEST, 0);
    for (int hz = 50; hz < 23500; hz += 13) {
        double amplitude = hz <= edge_hz ? 1.0 : order > 0.0 ? pow(edge_hz / hz, order) : 0.0;
        double phase = 2.0 * M_PI * (double)lofi_random_uniform(&random, (uint64_t)hz);
        for (int64_t i = 0; i < LENGTH && amplitude > 0.0; i++)
            audio.samples[i] += (float)(0.005 * amplitude * sin(2.0 * M_PI * hz * (double)i / LENGTH + phase));
    }
    for (int copy = 1; copy < 4; copy++) memcpy(audio.samples + copy * LENGTH, audio.samples, LENGTH * sizeof(float));
    return audio;
}

static void test_bandwidth(void **state) {
    (void)state;
    lofi_bandwidth band;
    lofi_audio cut = make_noise(16000.0, 0.0), soft = make_noise(8000.0, 4.0), full = make_noise(23000.0, 0.0);
    assert_ok(lofi_bandwidth_measure(&band, &cut, &err));
    assert_true(band.encoded);
    assert_float_equal(band.cutoff_hz, 16000.0, 500.0);
    assert_float_equal(band.bandwidth_hz, 16100.0, 150.0);
    assert_ok(lofi_bandwidth_measure(&band, &soft, &err));
    assert_false(band.encoded);
    assert_ok(lofi_bandwidth_measure(&band, &full, &err));
    assert_false(band.encoded);
    assert_float_equal(band.bandwidth_hz, 23100.0, 150.0);
    memset(full.samples, 0, (size_t)full.frames * sizeof(float));
    assert_ok(lofi_bandwidth_measure(&band, &full, &err));
    assert_float_equal(band.bandwidth_hz, 0.0, 0.0);
    assert_true(isnan(band.cutoff_hz));
    full.frames = 4095;
    assert_ok(lofi_bandwidth_measure(&band, &full, &err));
    full.frames = 4 * 48000;
    lofi_audio_free(&cut);
    lofi_audio_free(&soft);
    lofi_audio_free(&full);
}

/* ---- tempo and key ---- */

static void add_hit(lofi_audio *audio, double seconds, double hz, double amplitude, double decay) {
    int64_t from = (int64_t)(seconds * audio->sample_rate), length = (int64_t)(5.0 * decay * audio->sample_rate);
    for (int64_t i = 0; i < length && from + i < audio->frames; i++) {
        double t = (double)i / audio->sample_rate;
        audio->samples[from + i] += (float)(amplitude * exp(-t / decay) * sin(2.0 * M_PI * hz * t));
    }
}

typedef enum pattern { PLAIN, EXTRA_KICK, SIXTEENTHS, CHORDS } pattern;

/* In 4/4: kick on 1 and 3, snare on 2 and 4, hats on the eighths, the offbeats late by `swing` of an eighth; and what makes the beat
 * harder to find. */
static lofi_audio make_drums(double bpm, double seconds, double swing, pattern more) {
    lofi_audio audio = make_audio((int64_t)(seconds * 11025), 1, 11025);
    double beat = 60.0 / bpm;
    for (int i = 0; i * beat < seconds; i++) {
        add_hit(&audio, i * beat, i % 2 == 0 ? 60.0 : 210.0, 0.5, 0.06);
        if (i % 2 == 1) add_hit(&audio, i * beat, 1800.0, 0.2, 0.05);
        add_hit(&audio, i * beat, 4300.0, 0.1, 0.02);
        add_hit(&audio, (i + 0.5 + 0.5 * swing) * beat, 4300.0, 0.08, 0.02);
        if (more == EXTRA_KICK && i % 4 == 2) add_hit(&audio, (i + 0.5) * beat, 60.0, 0.4, 0.06);
        for (int part = 1; more == SIXTEENTHS && part < 4; part += 2)
            add_hit(&audio, (i + part / 4.0) * beat, 4300.0, 0.05, 0.02);
        if (more == SIXTEENTHS && i % 4 == 1) add_hit(&audio, (i + 0.75) * beat, 60.0, 0.4, 0.06);
        for (int note = 0; more == CHORDS && i % 4 == 0 && note < 3; note++)
            add_hit(&audio, i * beat, 220.0 * (1.0 + 0.26 * note), 0.1, 0.8);
    }
    return audio;
}

static void test_tempo(void **state) {
    (void)state;
    static const double tempos[] = {62.0, 70.0, 75.5, 80.0, 85.0, 90.0, 96.3, 104.0, 110.0, 120.0, 128.0, 140.0};
    static const double swings[] = {0.0, 0.3, 0.6};
    lofi_tempo tempo;
    for (size_t i = 0; i < sizeof tempos / sizeof tempos[0]; i++)
        for (int swing = 0; swing < 3; swing++)
            for (pattern more = PLAIN; more <= CHORDS; more++) {
                lofi_audio audio = make_drums(tempos[i], 45.0, swings[swing], more);
                assert_ok(lofi_tempo_measure(&tempo, &audio, &err));
                if (!(fabs(tempo.bpm - tempos[i]) < 0.3) || !(tempo.confidence > LOFI_TEMPO_CONFIDENT))
                    fail_msg("%g bpm, swing %g, pattern %d: %g bpm, confidence %g", tempos[i], swings[swing], (int)more,
                             tempo.bpm, tempo.confidence);
                lofi_audio_free(&audio);
            }
}

static void test_no_tempo(void **state) {
    (void)state;
    lofi_tempo tempo;
    lofi_audio audio = make_audio(30 * 11025, 1, 11025);
    assert_ok(lofi_tempo_measure(&tempo, &audio, &err));
    assert_true(isnan(tempo.bpm));
    add_tone(&audio, 220.5, 0.3, 0.0, 30.0);
    assert_ok(lofi_tempo_measure(&tempo, &audio, &err));
    assert_true(isnan(tempo.bpm));
    lofi_random random = lofi_random_at(5, LOFI_RANDOM_TEST, 0);
    for (int64_t i = 0; i < audio.frames; i++) audio.samples[i] = 0.1f * lofi_random_normal(&random, (uint64_t)i);
    assert_ok(lofi_tempo_measure(&tempo, &audio, &err));
    assert_true(tempo.confidence < LOFI_TEMPO_CONFIDENT);
    audio.frames = 9 * 11025;
    assert_ok(lofi_tempo_measure(&tempo, &audio, &err));
    assert_true(isnan(tempo.bpm));
    lofi_audio_free(&audio);
}

static void add_note(lofi_audio *audio, double pitch, double cents, double from, double to) {
    double hz = 440.0 * pow(2.0, (pitch - 69.0 + cents / 100.0) / 12.0);
    for (int harmonic = 1; harmonic <= 4; harmonic++) add_tone(audio, hz * harmonic, 0.08 / harmonic, from, to);
}

/* I - vi - ii - V (minor: i - VI - iv - v) in root position, two bars each, over a bass: the triads of one key. */
static lofi_audio make_chords(int tonic, bool minor, double cents) {
    static const int degrees[2][4] = {{0, 9, 2, 7}, {0, 8, 5, 7}};
    static const int thirds[2][4] = {{4, 3, 3, 4}, {3, 4, 3, 3}};
    lofi_audio audio = make_audio(16 * 11025, 1, 11025);
    for (int bar = 0; bar < 8; bar++) {
        int chord = bar % 4, root = 48 + (tonic + degrees[minor][chord]) % 12;
        int notes[] = {root - 12, root, root + thirds[minor][chord], root + 7};
        for (int i = 0; i < 4; i++) add_note(&audio, notes[i], cents, 2.0 * bar, 2.0 * bar + 2.0);
    }
    return audio;
}

static void test_key(void **state) {
    (void)state;
    lofi_key key, again;
    for (int tonic = 0; tonic < 12; tonic++)
        for (int minor = 0; minor < 2; minor++)
            for (int cents = -30; cents <= 30; cents += 30) {
                lofi_audio audio = make_chords(tonic, minor == 1, cents);
                assert_ok(lofi_key_measure(&key, &audio, &err));
                if (key.tonic != tonic || key.minor != (minor == 1) || fabs(key.tuning_cents - cents) > 5.0)
                    fail_msg("tonic %d minor %d %d cents: %s, %g cents", tonic, minor, cents, lofi_key_name(&key),
                             key.tuning_cents);
                assert_true(key.confidence > LOFI_KEY_CONFIDENT);
                assert_true(lofi_key_parse(&again, lofi_key_name(&key)));
                assert_int_equal(again.tonic, tonic);
                lofi_audio_free(&audio);
            }
    assert_false(lofi_key_parse(&again, "H major"));
    lofi_audio silence = make_audio(4 * 11025, 1, 11025);
    assert_ok(lofi_key_measure(&key, &silence, &err));
    assert_null(lofi_key_name(&key));
    lofi_audio_free(&silence);
}

/* ---- fingerprints ---- */

/* Melodies drawn from a seed: every one another recording. */
static lofi_audio make_song(uint64_t seed, double seconds) {
    lofi_audio audio = make_audio((int64_t)(seconds * 11025), 1, 11025);
    lofi_random random = lofi_random_at(seed, LOFI_RANDOM_TEST, 1);
    for (int i = 0; i * 0.4 < seconds; i++) {
        double pitch = 45.0 + (double)lofi_random_below(&random, (uint64_t)(2 * i), 36);
        double length = 0.3 + 0.6 * (double)lofi_random_uniform(&random, (uint64_t)(2 * i + 1));
        add_note(&audio, pitch, 0.0, 0.4 * i, 0.4 * i + length);
    }
    return audio;
}

static lofi_fingerprint print_of(const lofi_audio *audio, double from, double gain) {
    lofi_audio part = *audio;
    int64_t skipped = (int64_t)(from * 11025);
    lofi_fingerprint print;
    part.samples += skipped;
    part.frames -= skipped;
    for (int64_t i = 0; i < part.frames; i++) part.samples[i] *= (float)gain;
    assert_ok(lofi_fingerprint_compute(&print, &part, &err));
    return print;
}

static void test_duplicates(void **state) {
    (void)state;
    enum { SONGS = 12 };
    lofi_fingerprint prints[SONGS + 2] = {{0}};
    for (uint64_t i = 0; i < SONGS; i++) {
        lofi_audio song = make_song(i, 40.0);
        prints[i] = print_of(&song, 0.0, 1.0);
        if (i == 4) prints[SONGS] = print_of(&song, 0.0, 0.1);      /* quieter */
        if (i == 7) prints[SONGS + 1] = print_of(&song, 6.77, 0.5); /* and cut, between two words */
        lofi_audio_free(&song);
    }
    lofi_duplicate *found;
    size_t count;
    assert_ok(lofi_duplicates_find(&found, &count, prints, SONGS + 2, &err));
    assert_int_equal(count, 2);
    assert_int_equal(found[0].first, 4);
    assert_int_equal(found[0].second, SONGS);
    assert_float_equal(found[0].offset_seconds, 0.0, 0.01);
    assert_true(found[0].similarity > 0.98);
    assert_int_equal(found[1].first, 7);
    assert_int_equal(found[1].second, SONGS + 1);
    assert_float_equal(found[1].offset_seconds, 6.77, 0.13);
    assert_float_equal(found[1].overlap_seconds, 30.5, 1.0);
    free(found);
    assert_ok(lofi_duplicates_find(&found, &count, prints, 1, &err));
    assert_int_equal(count, 0);
    free(found);
    char *text;
    lofi_fingerprint back;
    assert_ok(lofi_fingerprint_write(&text, &prints[3], &err));
    assert_ok(lofi_fingerprint_read(&back, text, &err));
    assert_int_equal(back.count, prints[3].count);
    assert_memory_equal(back.words, prints[3].words, back.count * sizeof *back.words);
    lofi_fingerprint_free(&back);
    assert_int_equal(lofi_fingerprint_read(&back, "no print", &err), LOFI_ERR_FORMAT);
    free(text);
    for (int i = 0; i < SONGS + 2; i++) lofi_fingerprint_free(&prints[i]);
}

/* ---- score and JSON ---- */

static int score_with(size_t offset, double value) {
    lofi_measures good = lofi_measures_none();
    good.clipped_share = good.flat_runs = good.dc_offset = good.balance_db = good.upconverted = 0.0;
    good.silence_share = 0.01;
    good.peak_dbfs = -1.0;
    good.phase = 0.7;
    good.loudness_range_lu = 6.0;
    good.bandwidth_hz = 18000.0;
    good.track_true_peak_dbtp = -0.8;
    *(double *)((char *)&good + offset) = value;
    return lofi_quality_score(&good, 60.0);
}

/* Each penalty: nothing at its beginning, half in the middle, all at its end and beyond. */
static void test_score(void **state) {
    (void)state;
    static const struct {
        size_t offset;
        double none, half, all;
        int penalty;
    } cases[] = {{offsetof(lofi_measures, clipped_share), 0.0, 0.0005, 0.001, 40},
                 {offsetof(lofi_measures, silence_share), 0.02, 0.26, 0.5, 40},
                 {offsetof(lofi_measures, flat_runs), 0.0, 30.0, 60.0, 10},
                 {offsetof(lofi_measures, loudness_range_lu), 2.0, 1.0, 0.0, 10},
                 {offsetof(lofi_measures, loudness_range_lu), 20.0, 25.0, 30.0, 10},
                 {offsetof(lofi_measures, track_true_peak_dbtp), 0.0, 1.0, 2.0, 10},
                 {offsetof(lofi_measures, upconverted), 0.0, 0.5, 1.0, 20},
                 {offsetof(lofi_measures, bandwidth_hz), 8000.0, 5500.0, 3000.0, 10},
                 {offsetof(lofi_measures, dc_offset), 0.002, 0.027, 0.052, 10},
                 {offsetof(lofi_measures, balance_db), -3.0, -7.5, -12.0, 10},
                 {offsetof(lofi_measures, phase), -0.1, -0.4, -0.7, 15},
                 {offsetof(lofi_measures, peak_dbfs), -20.0, -40.0, -60.0, 20}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double beyond = cases[i].all + (cases[i].all - cases[i].none);
        if (cases[i].offset == offsetof(lofi_measures, silence_share)) beyond = 0.9;
        assert_int_equal(score_with(cases[i].offset, cases[i].none), 100);
        int half = score_with(cases[i].offset, cases[i].half); /* a half of an odd penalty may round either way */
        assert_true(abs(2 * (100 - half) - cases[i].penalty) <= 1);
        assert_int_equal(score_with(cases[i].offset, cases[i].all), 100 - cases[i].penalty);
        assert_int_equal(score_with(cases[i].offset, beyond), 100 - cases[i].penalty);
    }
    assert_int_equal(score_with(offsetof(lofi_measures, silence_share), 1.0), 0);
    assert_int_equal(score_with(offsetof(lofi_measures, bandwidth_hz), NAN), 100); /* what is not known costs nothing */
}

static void test_measures_as_json(void **state) {
    (void)state;
    lofi_measures m = lofi_measures_none();
    m.loudness_lufs = -14.25;
    m.tempo_bpm = 85.5;
    m.key = (lofi_key){.tonic = 6, .minor = true, .confidence = 0.5};
    json_t *object = lofi_measures_json(&m);
    assert_true(json_is_null(json_object_get(object, "cutoff_hz")));
    assert_string_equal(json_string_value(json_object_get(object, "key")), "F# minor");
    lofi_measures back = lofi_measures_from_json(object);
    assert_float_equal(back.loudness_lufs, -14.25, 0.0);
    assert_float_equal(back.tempo_bpm, 85.5, 0.0);
    assert_true(isnan(back.cutoff_hz));
    assert_int_equal(back.key.tonic, 6);
    assert_true(back.key.minor);
    json_decref(object);
    back = lofi_measures_from_json(NULL);
    assert_true(isnan(back.loudness_lufs));
    char text[48];
    const lofi_measure *first = &lofi_measure_table[0];
    m.clipped_share = 0.0005;
    assert_true(lofi_measure_print(text, &m, first));
    assert_string_equal(text, "0.0500 %");
    m.balance_db = -0.01;
    m.upconverted = 1.0;
    for (const lofi_measure *one = lofi_measure_table; one->name != NULL; one++) {
        bool known = lofi_measure_print(text, &m, one);
        if (one->offset == offsetof(lofi_measures, balance_db)) assert_string_equal(text, "0.0 dB");
        if (one->offset == offsetof(lofi_measures, upconverted)) assert_string_equal(text, "yes");
        if (one->offset == offsetof(lofi_measures, cutoff_hz)) assert_false(known);
    }
}

/* ---- pictures ---- */

static void check_png(const lofi_buffer *png, int height) {
    static const unsigned char begin[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    const unsigned char *bytes = (const unsigned char *)png->data;
    assert_true(png->size > 100);
    assert_memory_equal(bytes, begin, sizeof begin);
    assert_int_equal(bytes[18] << 8 | bytes[19], LOFI_PICTURE_WIDTH);
    assert_int_equal(bytes[22] << 8 | bytes[23], height);
}

static void test_pictures(void **state) {
    (void)state;
    static const int64_t lengths[] = {1, 100, 300000};
    for (int i = 0; i < 3; i++) {
        lofi_audio audio = make_audio(lengths[i], 2, 48000);
        add_tone(&audio, 3000.0, 1.0, 0.0, 4.0);
        lofi_buffer wave = LOFI_BUFFER_INIT, spectrum = LOFI_BUFFER_INIT;
        assert_ok(lofi_picture_waveform(&wave, &audio, &err));
        assert_ok(lofi_picture_spectrogram(&spectrum, &audio, &err));
        check_png(&wave, LOFI_WAVEFORM_HEIGHT);
        check_png(&spectrum, LOFI_SPECTROGRAM_HEIGHT);
        lofi_buffer_free(&wave);
        lofi_buffer_free(&spectrum);
        lofi_audio_free(&audio);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence),          cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_channels),         cmocka_unit_test(test_loudness),
        cmocka_unit_test(test_true_peak),        cmocka_unit_test(test_true_peak_of_everything),
        cmocka_unit_test(test_bandwidth),        cmocka_unit_test(test_tempo),
        cmocka_unit_test(test_no_tempo),         cmocka_unit_test(test_key),
        cmocka_unit_test(test_duplicates),       cmocka_unit_test(test_score),
        cmocka_unit_test(test_measures_as_json), cmocka_unit_test(test_pictures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
