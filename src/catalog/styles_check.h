/* styles_check.h - whether a set of presets is fit for use, beyond what loading it demands. */
#ifndef LOFI_CATALOG_STYLES_CHECK_H
#define LOFI_CATALOG_STYLES_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "catalog/styles.h"

#define LOFI_STYLES_ALIKE 0.6 /* likeness from which on two styles are hardly two */

typedef void lofi_styles_problem_fn(void *user, const char *what);

/* Builds the prompts of every style alone and of every pair, either leading, for several tracks, with each of the 24 keys and
 * without, and checks each (lofi_prompt_check). *built: how many. `problem` gets what is wrong with a style or a pair, the first of
 * each; `loss` the tags that a style alone loses to the length. Both are valid during the call only. */
lofi_code lofi_styles_check(size_t *built, const lofi_styles *styles, const lofi_vocabulary *vocabulary,
                            lofi_styles_problem_fn *problem, lofi_styles_problem_fn *loss, void *user,
                            lofi_error *err) LOFI_MUST_USE;

/* Jaccard's index of what two styles always say: the tags that both have over those that any has, 0..1. */
double lofi_styles_likeness(const lofi_style *a, const lofi_style *b);
/* The two that are most alike, the first of equals; 0 with less than two styles. */
double lofi_styles_most_alike(const lofi_style **a, const lofi_style **b, const lofi_styles *styles);

/* Whether a style says the tag, always or as one of its moods. */
bool lofi_styles_use(const lofi_styles *styles, const char *tag);

#endif
