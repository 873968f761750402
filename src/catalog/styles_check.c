/* styles_check.c - see styles_check.h. */
#include "catalog/styles_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "catalog/prompt.h"

static bool holds(const lofi_tag_list *list, const char *tag) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->tags[i], tag) == 0) return true;
    return false;
}

/* ---- prompts ---- */

typedef struct check {
    const lofi_vocabulary *vocabulary;
    lofi_styles_problem_fn *problem, *loss;
    void *user;
    lofi_buffer prompt, left_out;
    size_t built;
} check;

static void name_styles(char out[160], const lofi_style *const *list, size_t count) {
    if (count == 1)
        snprintf(out, 160, "%.70s", list[0]->style_id);
    else
        snprintf(out, 160, "%.70s with %.70s", list[0]->style_id, list[1]->style_id);
}

static void tell(const check *self, lofi_styles_problem_fn *to, const lofi_style *const *list, size_t count,
                 const char *what) {
    char names[160], text[1400];
    name_styles(names, list, count);
    snprintf(text, sizeof text, "%s: %s", names, what);
    to(self->user, text);
}

/* *fine: nothing was told. */
static lofi_code check_one(bool *fine, check *self, const lofi_style *const *list, size_t count, const char *track_id,
                           const lofi_prompt_facts *facts, lofi_error *err) {
    lofi_error fault = LOFI_ERROR_INIT;
    lofi_buffer_clear(&self->prompt);
    lofi_buffer_clear(&self->left_out);
    LOFI_TRY(lofi_prompt_build(&self->prompt, &self->left_out, track_id, list, count, facts, err));
    self->built++;
    *fine = lofi_prompt_check(lofi_buffer_str(&self->prompt), self->vocabulary, &fault) == LOFI_OK;
    if (!*fine) tell(self, self->problem, list, count, fault.message);
    if (!*fine || count > 1 || self->left_out.size == 0) return LOFI_OK;
    *fine = false;
    tell(self, self->loss, list, count, lofi_buffer_str(&self->left_out));
    return LOFI_OK;
}

static lofi_code check_list(check *self, const lofi_style *const *list, size_t count, lofi_error *err) {
    static const char *const notes[] = {"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"};
    bool fine = true;
    for (int i = 0; i < 26 && fine; i++) { /* and two without a key */
        char track_id[16], key[16];
        lofi_prompt_facts facts = {NAN, i < 24 ? key : NULL};
        snprintf(track_id, sizeof track_id, "%d", i);
        snprintf(key, sizeof key, "%s %s", notes[i % 12], i < 12 ? "major" : "minor");
        LOFI_TRY(check_one(&fine, self, list, count, track_id, &facts, err));
    }
    return LOFI_OK;
}

static lofi_code check_all(check *self, const lofi_styles *styles, lofi_error *err) {
    for (size_t i = 0; i < lofi_styles_count(styles); i++)
        for (size_t j = 0; j < lofi_styles_count(styles); j++) {
            const lofi_style *list[] = {lofi_styles_at(styles, i), lofi_styles_at(styles, j)};
            LOFI_TRY(check_list(self, list, i == j ? 1 : 2, err));
        }
    return LOFI_OK;
}

lofi_code lofi_styles_check(size_t *built, const lofi_styles *styles, const lofi_vocabulary *vocabulary,
                            lofi_styles_problem_fn *problem, lofi_styles_problem_fn *loss, void *user,
                            lofi_error *err) {
    check self = {vocabulary, problem, loss, user, LOFI_BUFFER_INIT, LOFI_BUFFER_INIT, 0};
    lofi_code code = check_all(&self, styles, err);
    *built = self.built;
    lofi_buffer_free(&self.prompt);
    lofi_buffer_free(&self.left_out);
    return code;
}

/* ---- likeness ---- */

double lofi_styles_likeness(const lofi_style *a, const lofi_style *b) {
    size_t both = 0, all = 0;
    for (int category = 0; category < LOFI_TAG_CATEGORIES; category++) {
        const lofi_tag_list *of_a = &a->tags[category], *of_b = &b->tags[category];
        size_t shared = 0;
        for (size_t i = 0; i < of_a->count; i++) shared += holds(of_b, of_a->tags[i]);
        both += shared;
        all += of_a->count + of_b->count - shared;
    }
    return all ? (double)both / (double)all : 0.0;
}

double lofi_styles_most_alike(const lofi_style **a, const lofi_style **b, const lofi_styles *styles) {
    double most = -1.0;
    *a = *b = NULL;
    for (size_t i = 0; i < lofi_styles_count(styles); i++)
        for (size_t j = i + 1; j < lofi_styles_count(styles); j++) {
            const lofi_style *left = lofi_styles_at(styles, i), *right = lofi_styles_at(styles, j);
            double likeness = lofi_styles_likeness(left, right);
            if (likeness <= most) continue;
            most = likeness;
            *a = left;
            *b = right;
        }
    return most < 0.0 ? 0.0 : most;
}

bool lofi_styles_use(const lofi_styles *styles, const char *tag) {
    for (size_t i = 0; i < lofi_styles_count(styles); i++) {
        const lofi_style *style = lofi_styles_at(styles, i);
        if (holds(&style->mood_options, tag)) return true;
        for (int category = 0; category < LOFI_TAG_CATEGORIES; category++)
            if (holds(&style->tags[category], tag)) return true;
    }
    return false;
}
