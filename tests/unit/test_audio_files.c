/* test_audio_files.c - sound files: written and read again, damaged, cut, hostile; preparing single files and folders. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/decode.h"
#include "audio/encode.h"
#include "audio/ffmpeg.h"
#include "audio/process.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "scratch_folder.h"

static lofi_error err;

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        if ((expression) != LOFI_OK) fail_msg("%s", err.message);                                                      \
    } while (0)

/* A chord with a slow swell: different channels, nothing periodic in the codec's block. */
static lofi_audio make_music(int64_t frames, int channels, int rate, float level) {
    lofi_audio audio = {NULL, frames, channels, rate};
    assert_ok(lofi_alloc((void **)&audio.samples, (size_t)(frames * channels), sizeof(float), "music", &err));
    for (int c = 0; c < channels; c++)
        for (int64_t i = 0; i < frames; i++) {
            double t = (double)i / rate, swell = 0.6 + 0.4 * sin(2.0 * M_PI * 0.7 * t + c);
            double chord = sin(2 * M_PI * 220 * t) + 0.5 * sin(2 * M_PI * 331 * t + c) +
                           0.25 * sin(2 * M_PI * 1760.5 * t);
            audio.samples[c * frames + i] = (float)(level * swell * chord / 1.75);
        }
    return audio;
}

static void write_music(const char *path, int64_t frames, int channels, int rate, lofi_encode_options options) {
    lofi_audio audio = make_music(frames, channels, rate, 0.7f);
    assert_ok(lofi_audio_encode(path, &audio, &options, &err));
    lofi_audio_free(&audio);
}

static const lofi_encode_options mp3 = LOFI_ENCODE_MP3_INIT, wav16 = {LOFI_AUDIO_WAV, 16, 0, 0, NULL, NULL},
                                 wav24 = {LOFI_AUDIO_WAV, 24, 0, 0, NULL, NULL},
                                 wav32 = {LOFI_AUDIO_WAV, 32, 0, 0, NULL, NULL},
                                 flac16 = {LOFI_AUDIO_FLAC, 16, 0, 0, NULL, NULL},
                                 flac24 = {LOFI_AUDIO_FLAC, 24, 0, 0, NULL, NULL};

static double largest_difference(const lofi_audio *a, const lofi_audio *b) {
    double largest = 0.0;
    for (int64_t i = 0; i < a->frames * a->channels; i++)
        largest = fmax(largest, fabs((double)a->samples[i] - (double)b->samples[i]));
    return largest;
}

static void check_round_trip(lofi_encode_options options, double limit, int channels) {
    lofi_audio audio = make_music(48000 + 321, channels, 48000, 0.7f), back;
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    lofi_audio_info info;
    assert_ok(lofi_audio_encode("song", &audio, &options, &err));
    assert_ok(lofi_audio_decode(&back, &info, "song", &decode, &err));
    assert_int_equal(back.frames, audio.frames);
    assert_int_equal(back.channels, channels);
    assert_int_equal(back.sample_rate, 48000);
    assert_true(info.complete);
    assert_int_equal(info.damaged, 0);
    double difference = largest_difference(&audio, &back);
    if (difference > limit) fail_msg("%s: %g apart", lofi_audio_format_name(options.format), difference);
    lofi_audio_free(&audio);
    lofi_audio_free(&back);
}

static void test_round_trips(void **state) {
    (void)state;
    for (int channels = 1; channels <= 2; channels++) {
        check_round_trip(wav32, 0.0, channels);
        check_round_trip(wav24, 0.5000001 / 8388608, channels);
        check_round_trip(flac24, 0.5000001 / 8388608, channels);
        check_round_trip(wav16, 0.5000001 / 32768, channels);
        check_round_trip(flac16, 0.5000001 / 32768, channels);
        check_round_trip(mp3, 0.02, channels);
    }
}

static void test_full_scale_does_not_wrap(void **state) {
    (void)state;
    float samples[] = {1.0f, 2.0f, -1.0f, -2.0f, 0.0f, 0.99999f};
    lofi_audio audio = {samples, 6, 1, 48000}, back;
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    assert_ok(lofi_audio_encode("a.wav", &audio, &wav16, &err));
    assert_ok(lofi_audio_decode(&back, NULL, "a.wav", &decode, &err));
    const float expected[] = {32767.0f / 32768, 32767.0f / 32768, -1.0f, -1.0f, 0.0f, 32767.0f / 32768};
    assert_memory_equal(back.samples, expected, sizeof expected);
    lofi_audio_free(&back);
}

static void test_same_bytes_again(void **state) {
    (void)state;
    lofi_buffer a = LOFI_BUFFER_INIT, b = LOFI_BUFFER_INIT;
    write_music("a.mp3", 30000, 2, 48000, mp3);
    write_music("b.mp3", 30000, 2, 48000, mp3);
    assert_ok(lofi_file_read(&a, "a.mp3", 1 << 24, &err));
    assert_ok(lofi_file_read(&b, "b.mp3", 1 << 24, &err));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    lofi_buffer_free(&a);
    lofi_buffer_free(&b);
}

static void test_resampled_to_stereo(void **state) {
    (void)state;
    lofi_audio reference = make_music(48000, 1, 48000, 0.7f), audio;
    lofi_decode_options decode = LOFI_DECODE_STEREO_48K_INIT;
    write_music("mono.wav", 44100, 1, 44100, wav32);
    assert_ok(lofi_audio_decode(&audio, NULL, "mono.wav", &decode, &err));
    assert_int_equal(audio.frames, 48000);
    assert_int_equal(audio.channels, 2);
    assert_memory_equal(audio.samples, audio.samples + audio.frames, 48000 * sizeof(float));
    for (int64_t i = 2000; i < 46000; i++) assert_float_equal(audio.samples[i], reference.samples[i], 2e-5);
    lofi_audio_free(&audio);
    write_music("odd.wav", 12345, 2, 22050, wav32);
    assert_ok(lofi_audio_decode(&audio, NULL, "odd.wav", &decode, &err));
    assert_int_equal(audio.frames, (12345LL * 48000 + 11025) / 22050);
    lofi_audio_free(&audio);
    lofi_audio_free(&reference);
}

static void check_part(const char *path, double start, double seconds, double limit) {
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    lofi_audio whole, part;
    assert_ok(lofi_audio_decode(&whole, NULL, path, &decode, &err));
    decode.start_seconds = start;
    decode.max_seconds = seconds;
    assert_ok(lofi_audio_decode(&part, NULL, path, &decode, &err));
    assert_int_equal(part.frames, llround(seconds * whole.sample_rate));
    int64_t from = llround(start * whole.sample_rate);
    for (int c = 0; c < whole.channels; c++)
        for (int64_t i = 0; i < part.frames; i++) {
            double difference = fabs(
                (double)(part.samples[c * part.frames + i] - whole.samples[c * whole.frames + from + i]));
            if (difference > limit) fail_msg("%s: %g apart at %lld", path, difference, (long long)i);
        }
    lofi_audio_free(&whole);
    lofi_audio_free(&part);
}

static void test_parts_of_a_file(void **state) {
    (void)state;
    write_music("a.wav", 5 * 48000, 2, 48000, wav16);
    write_music("a.flac", 5 * 48000, 2, 48000, flac16);
    write_music("a.mp3", 5 * 48000, 2, 48000, mp3);
    const char *const paths[] = {"a.wav", "a.flac", "a.mp3"};
    for (int i = 0; i < 3; i++) {
        check_part(paths[i], 0.0, 1.25, 1e-6);
        check_part(paths[i], 0.5, 1.0, 1e-6);
        check_part(paths[i], 3.3, 1.5, 1e-6);
    }
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    lofi_audio audio;
    decode.start_seconds = 60.0;
    assert_true(lofi_audio_decode(&audio, NULL, "a.mp3", &decode, &err) != LOFI_OK);
    decode.max_seconds = 0.0;
    assert_int_equal(lofi_audio_decode(&audio, NULL, "a.mp3", &decode, &err), LOFI_ERR_USAGE);
}

static void put(const char *path, const char *bytes, size_t size) {
    assert_ok(lofi_file_write(path, bytes, size, &err));
}

static void assert_corrupt(const char *path) {
    lofi_decode_options decode = LOFI_DECODE_STEREO_48K_INIT;
    lofi_audio audio;
    lofi_code code = lofi_audio_decode(&audio, NULL, path, &decode, &err);
    if (code != LOFI_ERR_FORMAT) fail_msg("%s: code %d", path, (int)code);
    assert_non_null(strstr(err.message, path));
}

static void test_not_sound(void **state) {
    (void)state;
    static const char list[] = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n";
    static const char joined[] = "ffconcat version 1.0\nfile 'real.wav'\n";
    write_music("real.wav", 48000, 2, 48000, wav16);
    put("empty.mp3", "", 0);
    put("text.mp3", "words, words, words\n", 20);
    put("list.mp3", list, sizeof list - 1);
    put("joined.wav", joined, sizeof joined - 1);
    const char *const paths[] = {"empty.mp3", "text.mp3", "list.mp3", "joined.wav"};
    lofi_audio_info info;
    for (int i = 0; i < 4; i++) {
        assert_corrupt(paths[i]);
        assert_int_equal(lofi_audio_probe(&info, paths[i], &err), LOFI_ERR_FORMAT);
    }
    assert_int_equal(lofi_audio_probe(&info, "nowhere.mp3", &err), LOFI_ERR_NOT_FOUND);
    assert_ok(lofi_audio_probe(&info, "real.wav", &err));
    assert_string_equal(info.format, "wav");
    assert_int_equal(info.sample_rate, 48000);
}

static void cut_file(const char *from, const char *to, double share) {
    lofi_buffer bytes = LOFI_BUFFER_INIT;
    assert_ok(lofi_file_read(&bytes, from, 1 << 26, &err));
    put(to, bytes.data, (size_t)((double)bytes.size * share));
    lofi_buffer_free(&bytes);
}

static void test_cut_files(void **state) {
    (void)state;
    write_music("a.wav", 6 * 48000, 2, 48000, wav16);
    write_music("a.flac", 6 * 48000, 2, 48000, flac16);
    write_music("a.mp3", 6 * 48000, 2, 48000, mp3);
    const char *const paths[] = {"a.wav", "a.flac", "a.mp3"};
    for (int i = 0; i < 3; i++) {
        cut_file(paths[i], "cut", 0.5);
        assert_corrupt("cut");
        assert_non_null(strstr(err.message, "cut off"));
    }
    lofi_audio_info info;
    lofi_audio audio;
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    decode.max_seconds = 2.0; /* what is read is whole: the rest was never looked at */
    assert_ok(lofi_audio_decode(&audio, &info, "cut", &decode, &err));
    assert_false(info.complete);
    assert_int_equal(audio.frames, 96000);
    lofi_audio_free(&audio);
}

static void test_flipped_bits(void **state) {
    (void)state;
    write_music("a.wav", 48000, 2, 48000, wav16);
    write_music("a.flac", 48000, 2, 48000, flac16);
    write_music("a.mp3", 48000, 2, 48000, mp3);
    const char *const paths[] = {"a.wav", "a.flac", "a.mp3"};
    lofi_decode_options decode = LOFI_DECODE_STEREO_48K_INIT;
    lofi_random random = lofi_random_at(1, LOFI_RANDOM_TEST, 0);
    uint64_t drawn = 0;
    int refused = 0;
    for (int i = 0; i < 3; i++) {
        lofi_buffer bytes = LOFI_BUFFER_INIT;
        assert_ok(lofi_file_read(&bytes, paths[i], 1 << 26, &err));
        for (int round = 0; round < 40; round++) {
            lofi_buffer damaged = LOFI_BUFFER_INIT;
            size_t reach = round % 2 == 0 ? 200 : bytes.size; /* every other round: the header only */
            lofi_buffer_append(&damaged, bytes.data, bytes.size);
            for (int flip = 0; flip < 30; flip++) {
                size_t place = (size_t)lofi_random_below(&random, drawn++, reach);
                damaged.data[place] ^= (char)(1 << lofi_random_below(&random, drawn++, 8));
            }
            put("damaged", damaged.data, damaged.size);
            lofi_buffer_free(&damaged);
            lofi_audio audio;
            lofi_code code = lofi_audio_decode(&audio, NULL, "damaged", &decode, &err);
            if (code == LOFI_OK)
                lofi_audio_free(&audio);
            else
                assert_int_equal(code, LOFI_ERR_FORMAT);
            if (code != LOFI_OK) refused++;
        }
        lofi_buffer_free(&bytes);
    }
    assert_true(refused > 20);
}

static void test_samples_that_are_not_numbers(void **state) {
    (void)state;
    float samples[4800] = {0};
    samples[100] = NAN;
    lofi_audio audio = {samples, 4800, 1, 48000};
    assert_ok(lofi_audio_encode("nan.wav", &audio, &wav32, &err));
    assert_corrupt("nan.wav");
}

static void test_encoder_refusals(void **state) {
    (void)state;
    lofi_audio audio = make_music(100, 2, 22050, 0.5f);
    lofi_encode_options odd_rate = mp3, odd_bits = flac16, odd_quality = mp3;
    odd_rate.bitrate_kbps = 321;
    odd_bits.bits = 20;
    odd_quality.mp3_quality = 10;
    assert_int_equal(lofi_audio_encode("x", &audio, &mp3, &err), LOFI_ERR_USAGE);
    audio.sample_rate = 48000;
    assert_int_equal(lofi_audio_encode("x", &audio, &odd_rate, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_audio_encode("x", &audio, &odd_bits, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_audio_encode("x", &audio, &odd_quality, &err), LOFI_ERR_USAGE);
    assert_false(lofi_path_exists("x"));
    assert_int_equal(lofi_audio_encode("nowhere/x.mp3", &audio, &mp3, &err), LOFI_ERR_NOT_FOUND);
    lofi_audio_free(&audio);
    lofi_audio_format format;
    assert_ok(lofi_audio_format_of(&format, ".FLAC", &err));
    assert_int_equal(format, LOFI_AUDIO_FLAC);
    assert_int_equal(lofi_audio_format_of(&format, "xyz", &err), LOFI_ERR_USAGE);
}

static void check_names(const char *const *sources, const char *const *expected, size_t count) {
    char *names[8] = {NULL};
    assert_ok(lofi_process_names(names, sources, count, "mp3", &err));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(names[i], expected[i]);
        free(names[i]);
    }
}

static void test_names(void **state) {
    (void)state;
    const char *const plain[] = {"A B.ogg", "sub/c.d.wav"}, *const plain_names[] = {"A B.mp3", "sub/c.d.mp3"};
    check_names(plain, plain_names, 2);
    const char *const twins[] = {"Apex.ogg", "other.ogg", "win/apex.ogg", "win/deep/Apex.ogg"};
    const char *const twin_names[] = {"Apex.mp3", "other.mp3", "win/win_apex.mp3", "win/deep/win_deep_Apex.mp3"};
    check_names(twins, twin_names, 4);
    const char *const kinds[] = {"a.flac", "a.wav", "b/a.wav"};
    const char *const kind_names[] = {"a_flac.mp3", "a_wav.mp3", "b/b_a.mp3"};
    check_names(kinds, kind_names, 3);
    const char *const stubborn[] = {"a/b.ogg", "a_b.ogg", "b.ogg", "c/b.ogg", "x"};
    const char *const stubborn_names[] = {"a/a_b_ogg.mp3", "a_b.mp3", "b.mp3", "c/c_b.mp3", "x.mp3"};
    check_names(stubborn, stubborn_names, 5);
    const char *const same[] = {"x.OGG", "x.ogg"}, *const same_names[] = {"x_OGG_2.mp3", "x_ogg_3.mp3"};
    check_names(same, same_names, 2);
}

static void test_process_file(void **state) {
    (void)state;
    lofi_process_options options = LOFI_PROCESS_OPTIONS_INIT;
    options.min_seconds = 1.0;
    options.max_seconds = 2.0;
    lofi_process_result result;
    write_music("long.flac", 3 * 44100, 2, 44100, flac16);
    assert_ok(lofi_process_file(&result, "long.flac", "", "long.mp3", &options, NULL, NULL, &err));
    assert_int_equal(result.status, LOFI_PROCESS_SUCCESS);
    assert_true(result.trimmed);
    assert_float_equal(result.seconds, 2.0, 0.0);
    lofi_process_result_free(&result);
    lofi_audio audio;
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    assert_ok(lofi_audio_decode(&audio, NULL, "long.mp3", &decode, &err));
    assert_int_equal(audio.frames, 96000);
    assert_int_equal(audio.sample_rate, 48000);
    assert_float_equal(20.0 * log10((double)lofi_audio_peak(&audio)), -1.0, 0.3);
    lofi_audio_free(&audio);

    write_music("short.wav", 47999, 2, 48000, wav16);
    assert_ok(lofi_process_file(&result, "short.wav", "", "short.mp3", &options, NULL, NULL, &err));
    assert_int_equal(result.status, LOFI_PROCESS_SKIPPED);
    assert_string_equal(result.reason, "too_short");
    lofi_process_result_free(&result);
    assert_false(lofi_path_exists("short.mp3"));

    write_music("exact.wav", 48000, 1, 48000, wav16);
    options.dry_run = true;
    assert_ok(lofi_process_file(&result, "exact.wav", "", "exact.mp3", &options, NULL, NULL, &err));
    assert_int_equal(result.status, LOFI_PROCESS_SUCCESS);
    lofi_process_result_free(&result);
    assert_false(lofi_path_exists("exact.mp3"));

    options.dry_run = false;
    assert_true(lofi_process_file(&result, "exact.wav", "", "exact.wav/x.mp3", &options, NULL, NULL, &err) != LOFI_OK);
    options.max_seconds = 0.5;
    assert_int_equal(lofi_process_file(&result, "exact.wav", "", "x.mp3", &options, NULL, NULL, &err), LOFI_ERR_USAGE);
}

static void make_folder_of_songs(void) {
    assert_ok(lofi_folder_make("in/win", &err));
    write_music("in/A Song.wav", 48000, 2, 48000, wav16);
    write_music("in/win/A Song.flac", 50000, 1, 44100, flac16);
    write_music("in/other.mp3", 60000, 2, 48000, mp3);
    write_music("in/short.mp3", 6000, 2, 48000, mp3);
    put("in/README", "read me\n", 8);
    put("in/broken.mp3", "not sound\n", 10);
}

static void test_process_folder(void **state) {
    (void)state;
    make_folder_of_songs();
    lofi_process_options options = LOFI_PROCESS_OPTIONS_INIT;
    options.min_seconds = 0.5;
    lofi_process_report report;
    for (int workers = 1; workers <= 3; workers += 2) {
        char output[16];
        snprintf(output, sizeof output, "in/out%d", workers); /* below the input: must not be read again */
        options.workers = workers;
        assert_ok(lofi_process_folder(&report, "in", output, &options, NULL, &err));
        if (workers == 3)
            assert_int_equal(report.count, 9); /* the tracks of the first round, below another folder */
        else
            assert_int_equal(report.count, 6);
        assert_int_equal(report.failed, 1);
        lofi_process_report_free(&report);
        assert_ok(lofi_process_folder(&report, "in", output, &options, NULL, &err));
        assert_int_equal(report.count, workers == 3 ? 9 : 6);
        lofi_process_report_free(&report);
    }
    assert_ok(lofi_path_remove("in/out1", &err));
    assert_ok(lofi_path_remove("in/out3", &err));
    options.workers = 2;
    assert_ok(lofi_process_folder(&report, "in", "out", &options, NULL, &err));
    static const char *const expected[][3] = {
        {"in/A Song.wav", "out/A Song.mp3", NULL}, {"in/README", NULL, "not_audio"},
        {"in/broken.mp3", NULL, "corrupt"},        {"in/other.mp3", "out/other.mp3", NULL},
        {"in/short.mp3", NULL, "too_short"},       {"in/win/A Song.flac", "out/win/win_A Song.mp3", NULL}};
    assert_int_equal(report.count, 6);
    assert_int_equal(report.processed, 3);
    assert_int_equal(report.skipped, 2);
    assert_int_equal(report.failed, 1);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(report.results[i].source, expected[i][0]);
        if (expected[i][1] != NULL) assert_string_equal(report.results[i].output, expected[i][1]);
        if (expected[i][1] != NULL) assert_true(lofi_path_is_file(expected[i][1]));
        if (expected[i][2] != NULL) assert_string_equal(report.results[i].reason, expected[i][2]);
    }
    lofi_process_report_free(&report);
    lofi_listing listing;
    assert_ok(lofi_folder_list(&listing, "out", true, NULL, NULL, &err));
    assert_int_equal(listing.count, 3);
    lofi_listing_free(&listing);
    assert_int_equal(lofi_process_folder(&report, "in", "in/", &options, NULL, &err), LOFI_ERR_USAGE);
    assert_int_equal(lofi_process_folder(&report, "nowhere", "out", &options, NULL, &err), LOFI_ERR_NOT_FOUND);
}

static void test_ffmpeg_facts(void **state) {
    (void)state;
    lofi_ffmpeg_info info;
    assert_ok(lofi_ffmpeg_describe(&info, &err));
    assert_true(info.has_mp3_encoder && info.has_mp3 && info.has_flac && info.has_vorbis && info.has_opus &&
                info.has_aac);
    assert_true(strchr(info.avcodec, '.') != NULL && info.licence[0] != '\0' && info.release[0] != '\0');
}

int main(void) {
    const struct CMUnitTest tests[] = {in_folder(test_round_trips),
                                       in_folder(test_full_scale_does_not_wrap),
                                       in_folder(test_same_bytes_again),
                                       in_folder(test_resampled_to_stereo),
                                       in_folder(test_parts_of_a_file),
                                       in_folder(test_not_sound),
                                       in_folder(test_cut_files),
                                       in_folder(test_flipped_bits),
                                       in_folder(test_samples_that_are_not_numbers),
                                       in_folder(test_encoder_refusals),
                                       cmocka_unit_test(test_names),
                                       in_folder(test_process_file),
                                       in_folder(test_process_folder),
                                       cmocka_unit_test(test_ffmpeg_facts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
