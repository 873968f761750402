/* report.c - see report.h. The parts that need decoding are made in worker processes and written in the order of the results. */
#include "audio/report.h"

#include <stdlib.h>
#include <string.h>

#include "audio/decode.h"
#include "audio/picture.h"
#include "audio/process_jobs.h"
#include "base/memory.h"

/* ---- HTML ---- */

static void add_escaped(lofi_buffer *html, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '&')
            lofi_buffer_text(html, "&amp;");
        else if (*at == '<')
            lofi_buffer_text(html, "&lt;");
        else if (*at == '>')
            lofi_buffer_text(html, "&gt;");
        else if (*at == '"')
            lofi_buffer_text(html, "&quot;");
        else
            lofi_buffer_append(html, at, 1);
    }
}

static void add_base64(lofi_buffer *html, const unsigned char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        unsigned second = i + 1 < size ? bytes[i + 1] : 0, third = i + 2 < size ? bytes[i + 2] : 0;
        unsigned group = (unsigned)bytes[i] << 16 | second << 8 | third;
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63], i + 1 < size ? digits[group >> 6 & 63] : '=',
                        i + 2 < size ? digits[group & 63] : '='};
        lofi_buffer_append(html, four, sizeof four);
    }
}

static void add_picture(lofi_buffer *html, const lofi_buffer *png, int height, const char *what) {
    lofi_buffer_printf(html, "<img width=\"%d\" height=\"%d\" alt=\"%s\" src=\"data:image/png;base64,",
                       LOFI_PICTURE_WIDTH, height, what);
    add_base64(html, (const unsigned char *)lofi_buffer_str(png), png->size);
    lofi_buffer_text(html, "\">\n");
}

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Songs</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--soft:#8882}\n"
    "body{font:15px/1.45 system-ui,sans-serif;max-width:1060px;margin:2em auto;padding:0 1em}\n"
    "h1{font-size:1.5em}h2{font-size:1.05em;margin:1em 0 0;overflow-wrap:anywhere}\n"
    "table{border-collapse:collapse}td,th{padding:.1em .8em .1em 0;text-align:left;vertical-align:top}\n"
    "td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    "section{border-top:1px solid var(--line);padding:1em 0;display:grid;grid-template-columns:480px 1fr;gap:.4em "
    "1.6em}\n"
    "section>header{grid-column:1/-1}section>*{min-width:0}section "
    "h2{margin:0}img{display:block;margin-bottom:.4em;max-width:100%;height:auto}\n"
    ".tag{display:inline-block;border-radius:.6em;padding:0 "
    ".6em;margin-left:.5em;font-size:.85em;background:var(--soft)}\n"
    ".failed{background:#c0392b;color:#fff}.success{background:#2e7d4f;color:#fff}.skipped{background:#8a6d1d;color:#"
    "fff}\n"
    ".note{margin:.2em 0 0;opacity:.85}.measures{columns:2;column-gap:1.6em}.measures "
    "table{width:100%;font-size:.82em}\n"
    "@media(max-width:900px){section{grid-template-columns:1fr}}\n</style></head><body>\n";

static void add_summary(lofi_buffer *html, const lofi_process_report *report) {
    lofi_buffer_printf(html,
                       "<h1>Songs</h1>\n<p>%zu files: %zu good, %zu skipped, %zu failed.</p>\n"
                       "<table><tr><th>file<th>verdict<th>score<th>length</tr>\n",
                       report->count, report->processed, report->skipped, report->failed);
    for (size_t i = 0; i < report->count; i++) {
        const lofi_process_result *result = &report->results[i];
        lofi_buffer_printf(html, "<tr><td><a href=\"#f%zu\">", i);
        add_escaped(html, result->source);
        lofi_buffer_printf(html, "</a><td>%s<td class=\"n\">", result->reason[0] != '\0' ? result->reason : "good");
        if (result->measured) lofi_buffer_printf(html, "%d", result->score);
        lofi_buffer_text(html, "<td class=\"n\">");
        if (result->seconds >= 0.0) lofi_buffer_printf(html, "%.1f s", result->seconds);
        lofi_buffer_text(html, "</tr>\n");
    }
    lofi_buffer_text(html, "</table>\n");
}

static void add_duplicates(lofi_buffer *html, const lofi_process_report *report) {
    if (report->duplicate_count == 0) return;
    lofi_buffer_text(html, "<h2>The same recording</h2>\n<table>\n");
    for (size_t i = 0; i < report->duplicate_count; i++) {
        const lofi_process_duplicate *pair = &report->duplicates[i];
        lofi_buffer_text(html, "<tr><td>");
        add_escaped(html, pair->first);
        lofi_buffer_text(html, "<td>");
        add_escaped(html, pair->second);
        lofi_buffer_printf(html, "<td class=\"n\">%.0f s<td class=\"n\">%.0f %% alike</tr>\n",
                           pair->match.overlap_seconds, 100.0 * pair->match.similarity);
    }
    lofi_buffer_text(html, "</table>\n");
}

static void add_measures(lofi_buffer *html, const lofi_process_result *result) {
    const lofi_measures *m = &result->measures;
    const char *key = lofi_key_name(&m->key);
    lofi_buffer_text(html, "<table>\n");
    for (const lofi_measure *measure = lofi_measure_table; result->measured && measure->name != NULL; measure++) {
        char text[48];
        if (lofi_measure_print(text, m, measure))
            lofi_buffer_printf(html, "<tr><td>%s<td class=\"n\">%s</tr>\n", measure->title, text);
    }
    if (result->measured && key != NULL)
        lofi_buffer_printf(html, "<tr><td>key<td class=\"n\">%s (%.2f)</tr>\n", key, m->key.confidence);
    lofi_buffer_text(html, "</table>\n");
}

static void add_section(lofi_buffer *html, const lofi_process_result *result, size_t index, const char *pictures,
                        size_t picture_bytes) {
    lofi_buffer_printf(html, "<section id=\"f%zu\"><header><h2>", index);
    add_escaped(html, result->source);
    lofi_buffer_printf(html, "<span class=\"tag %s\">%s</span>", lofi_process_status_name(result->status),
                       result->reason[0] != '\0' ? result->reason : "good");
    if (result->measured) lofi_buffer_printf(html, "<span class=\"tag\">score %d</span>", result->score);
    lofi_buffer_text(html, "</h2>");
    if (result->channels > 0)
        lofi_buffer_printf(html, "<p class=\"note\">%s, %d Hz, %d channels, %.1f s</p>", result->codec,
                           result->sample_rate, result->channels, result->seconds);
    if (result->message != NULL) {
        lofi_buffer_text(html, "<p class=\"note\">");
        add_escaped(html, result->message);
        lofi_buffer_text(html, "</p>");
    }
    lofi_buffer_text(html, "</header>\n<div>");
    lofi_buffer_append(html, pictures, picture_bytes);
    lofi_buffer_text(html, "</div>\n<div class=\"measures\">");
    add_measures(html, result);
    lofi_buffer_text(html, "</div></section>\n");
}

/* ---- pictures ---- */

typedef struct page {
    const lofi_process_report *report;
    const lofi_process_options *options;
    lofi_writer *writer;
    char **pictures; /* [report->count]: HTML that is to be written after those before it */
    bool *ended;
    size_t written;
    lofi_progress progress;
    size_t done;
} page;

static lofi_code draw(lofi_buffer *html, const lofi_audio *audio, lofi_error *err) {
    lofi_buffer wave = LOFI_BUFFER_INIT, spectrum = LOFI_BUFFER_INIT;
    lofi_code code = lofi_picture_waveform(&wave, audio, err);
    if (code == LOFI_OK) code = lofi_picture_spectrogram(&spectrum, audio, err);
    if (code == LOFI_OK) {
        add_picture(html, &wave, LOFI_WAVEFORM_HEIGHT, "wave");
        add_picture(html, &spectrum, LOFI_SPECTROGRAM_HEIGHT, "spectrum");
    }
    lofi_buffer_free(&wave);
    lofi_buffer_free(&spectrum);
    return code;
}

/* Runs in a worker. Of a file that cannot be decoded there is no picture. */
static lofi_code picture_job(void *user, lofi_worker *worker, size_t job, lofi_buffer *answer, lofi_error *err) {
    const page *p = user;
    lofi_decode_options decode = LOFI_DECODE_OPTIONS_INIT;
    lofi_audio audio = LOFI_AUDIO_INIT;
    (void)worker;
    decode.max_seconds = p->options->max_seconds;
    if (!p->report->results[job].measured ||
        lofi_audio_decode(&audio, NULL, p->report->results[job].source, &decode, NULL) != LOFI_OK)
        return LOFI_OK;
    lofi_code code = draw(answer, &audio, err);
    lofi_audio_free(&audio);
    return code;
}

static lofi_code write_section(page *p, size_t index, lofi_error *err) {
    lofi_buffer html = LOFI_BUFFER_INIT;
    const char *pictures = p->pictures[index] == NULL ? "" : p->pictures[index];
    add_section(&html, &p->report->results[index], index, pictures, strlen(pictures));
    lofi_code code = lofi_buffer_check(&html, err);
    if (code == LOFI_OK) code = lofi_writer_write(p->writer, lofi_buffer_str(&html), html.size, err);
    lofi_buffer_free(&html);
    free(p->pictures[index]);
    p->pictures[index] = NULL;
    return code;
}

static lofi_code picture_end(void *user, const lofi_job_end *end, lofi_error *err) {
    page *p = user;
    p->ended[end->job] = true;
    if (end->state == LOFI_JOB_ANSWERED && (p->pictures[end->job] = strndup(end->answer, end->size)) == NULL)
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the report");
    while (p->written < p->report->count && p->ended[p->written]) LOFI_TRY(write_section(p, p->written++, err));
    lofi_progress_step(&p->progress, (int64_t)++p->done, NULL);
    return LOFI_OK;
}

static lofi_code write_sections(page *p, lofi_error *err) {
    lofi_workers workers = lofi_process_workers(p->options, p->report->count);
    workers.work = picture_job;
    workers.end = picture_end;
    workers.user = p;
    LOFI_TRY(lofi_alloc((void **)&p->pictures, p->report->count, sizeof *p->pictures, "the report", err));
    LOFI_TRY(lofi_alloc((void **)&p->ended, p->report->count, sizeof *p->ended, "the report", err));
    return lofi_workers_run(&workers, p->report->count, err);
}

static lofi_code write_page(page *p, lofi_error *err) {
    static const char foot[] = "</body></html>\n";
    lofi_buffer html = LOFI_BUFFER_INIT;
    lofi_buffer_text(&html, head);
    add_summary(&html, p->report);
    add_duplicates(&html, p->report);
    lofi_code code = lofi_buffer_check(&html, err);
    if (code == LOFI_OK) code = lofi_writer_write(p->writer, lofi_buffer_str(&html), html.size, err);
    lofi_buffer_free(&html);
    if (code == LOFI_OK) code = write_sections(p, err);
    if (code == LOFI_OK) code = lofi_writer_write(p->writer, foot, sizeof foot - 1, err);
    return code;
}

lofi_code lofi_audio_report_write(const char *path, const lofi_process_report *report,
                                  const lofi_process_options *options, lofi_log *log, lofi_error *err) {
    page p = {.report = report, .options = options};
    LOFI_TRY(lofi_writer_open(&p.writer, path, err));
    p.progress = lofi_progress_start(log, "drawing", "files", (int64_t)report->count);
    lofi_code code = write_page(&p, err);
    lofi_progress_end(&p.progress);
    for (size_t i = 0; p.pictures != NULL && i < report->count; i++) free(p.pictures[i]);
    lofi_free(p.pictures);
    lofi_free(p.ended);
    if (code == LOFI_OK) return lofi_writer_commit(p.writer, err);
    lofi_writer_abort(p.writer);
    return code;
}
