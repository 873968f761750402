/* distribution.c - see distribution.h. */
#include "catalog/distribution.h"

#include <string.h>

#include "base/memory.h"

/* ---- counting ---- */

static size_t place_of(const lofi_distribution *d, const lofi_style *style) {
    size_t place = 0;
    while (place < d->style_count && d->styles[place].style != style) place++;
    return place;
}

static lofi_category_share *category_of(lofi_distribution *d, const char *category) {
    size_t place = 0;
    while (place + 1 < LOFI_STYLE_CATEGORIES && strcmp(d->categories[place].category, category) != 0) place++;
    return &d->categories[place];
}

static void count_track(lofi_distribution *d, const lofi_catalogue_track *track) {
    double hours = json_number_value(json_object_get(track->record, "duration")) / 3600;
    lofi_category_share *category = category_of(d, track->styles[0]->category);
    d->tracks++;
    d->hours += hours;
    d->permitted += track->permitted;
    d->unstyled += !track->has_style;
    d->verified += json_is_true(json_object_get(track->record, "human_verified"));
    d->scored += track->human_count > 0;
    category->tracks++;
    category->hours += hours;
    for (size_t i = 0; track->has_style && i < track->style_count; i++) {
        lofi_style_share *share = &d->styles[place_of(d, track->styles[i])];
        share->tracks++;
        share->leading += i == 0;
        share->hours += hours;
    }
}

lofi_code lofi_distribution_make(lofi_distribution *out, const lofi_catalogue *catalogue, const lofi_styles *styles,
                                 size_t thin, lofi_error *err) {
    *out = (lofi_distribution){.style_count = lofi_styles_count(styles), .thin_at = thin};
    LOFI_TRY(lofi_alloc((void **)&out->styles, out->style_count, sizeof *out->styles, "the styles", err));
    for (size_t i = 0; i < LOFI_STYLE_CATEGORIES; i++) out->categories[i].category = lofi_style_categories[i];
    for (size_t i = 0; i < out->style_count; i++) out->styles[i].style = lofi_styles_at(styles, i);
    for (size_t i = 0; i < lofi_catalogue_count(catalogue); i++) count_track(out, lofi_catalogue_at(catalogue, i));
    for (size_t i = 0; i < out->style_count; i++) out->styles[i].thin = out->styles[i].tracks < thin;
    return LOFI_OK;
}

void lofi_distribution_free(lofi_distribution *distribution) {
    lofi_free(distribution->styles);
    *distribution = (lofi_distribution){0};
}

/* ---- as JSON ---- */

json_t *lofi_distribution_json(const lofi_distribution *d) {
    json_t *styles = json_object(), *categories = json_object(), *thin = json_array();
    for (size_t i = 0; i < d->style_count; i++) {
        const lofi_style_share *share = &d->styles[i];
        json_object_set_new(styles, share->style->style_id,
                            json_pack("{s:s, s:s, s:I, s:I, s:f}", "name", share->style->name, "category",
                                      share->style->category, "tracks", (json_int_t)share->tracks, "leading",
                                      (json_int_t)share->leading, "hours", share->hours));
        if (share->thin) json_array_append_new(thin, json_string(share->style->style_id));
    }
    for (size_t i = 0; i < LOFI_STYLE_CATEGORIES; i++)
        json_object_set_new(
            categories, d->categories[i].category,
            json_pack("{s:I, s:f}", "tracks", (json_int_t)d->categories[i].tracks, "hours", d->categories[i].hours));
    return json_pack("{s:I, s:f, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:o}", "tracks", (json_int_t)d->tracks, "hours",
                     d->hours, "without_style", (json_int_t)d->unstyled, "permitted", (json_int_t)d->permitted,
                     "verified", (json_int_t)d->verified, "scored", (json_int_t)d->scored, "categories", categories,
                     "styles", styles, "thin_below", (json_int_t)d->thin_at, "thin", thin);
}

/* ---- as a picture ---- */

enum { WIDTH = 860, LEFT = 270, RIGHT = 60, TOP = 64, ROW = 20, GAP = 30 };

/* Names of presets are text of a user: what SVG would read as markup is escaped. */
static void add_text(lofi_buffer *svg, const char *text) {
    for (; *text; text++) {
        const char *escaped = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
        if (escaped)
            lofi_buffer_text(svg, escaped);
        else
            lofi_buffer_append(svg, text, 1);
    }
}

static void draw_style(lofi_buffer *svg, const lofi_style_share *share, size_t most, int y) {
    double length = most ? (double)share->tracks / (double)most * (WIDTH - LEFT - RIGHT) : 0;
    lofi_buffer_printf(svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LEFT - 8, y + 14);
    add_text(svg, share->style->name);
    lofi_buffer_printf(svg, " <tspan class=\"id\">");
    add_text(svg, share->style->style_id);
    lofi_buffer_printf(svg,
                       "</tspan></text><rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" class=\"%s\"/>"
                       "<text x=\"%.1f\" y=\"%d\">%zu</text>\n",
                       LEFT, y + 3, length, ROW - 6, share->thin ? "thin" : "bar", LEFT + length + 6, y + 14,
                       share->tracks);
}

static size_t largest(const lofi_distribution *d) {
    size_t most = 0;
    for (size_t i = 0; i < d->style_count; i++)
        if (d->styles[i].tracks > most) most = d->styles[i].tracks;
    return most;
}

static void draw(lofi_buffer *svg, const lofi_distribution *d) {
    const char *category = "";
    int y = TOP;
    for (size_t i = 0; i < d->style_count; i++) {
        const char *own = d->styles[i].style->category;
        if (strcmp(own, category) != 0) {
            y += i ? GAP - ROW : 0;
            lofi_buffer_printf(svg, "<text x=\"16\" y=\"%d\" class=\"head\">%s</text>\n", y + 14, own);
            category = own;
        }
        draw_style(svg, &d->styles[i], largest(d), y);
        y += ROW;
    }
}

lofi_code lofi_distribution_picture(const lofi_distribution *d, const char *path, lofi_error *err) {
    lofi_buffer svg = LOFI_BUFFER_INIT;
    size_t groups = 0;
    for (size_t i = 1; i < d->style_count; i++)
        groups += strcmp(d->styles[i].style->category, d->styles[i - 1].style->category) != 0;
    int height = TOP + (int)d->style_count * ROW + (int)groups * (GAP - ROW) + 16;
    lofi_buffer_printf(
        &svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<style>text{fill:#222}.id{fill:#777;font-size:10px}"
        ".head{font-weight:bold}.bar{fill:#4477aa}.thin{fill:#cc6677}"
        "@media(prefers-color-scheme:dark){svg{background:#1b1b1f}text{fill:#ddd}.id{fill:#999}}</style>\n",
        WIDTH, height, WIDTH, height);
    lofi_buffer_printf(
        &svg,
        "<text x=\"16\" y=\"26\" font-size=\"16\" font-weight=\"bold\">Tracks by style</text>\n"
        "<text x=\"16\" y=\"46\">%zu tracks, %.1f hours, %zu without a style of their own; red: fewer than "
        "%zu tracks</text>\n",
        d->tracks, d->hours, d->unstyled, d->thin_at);
    draw(&svg, d);
    lofi_buffer_text(&svg, "</svg>\n");
    lofi_code code = lofi_buffer_check(&svg, err);
    if (code == LOFI_OK) code = lofi_file_write(path, svg.data, svg.size, err);
    lofi_buffer_free(&svg);
    return code;
}
