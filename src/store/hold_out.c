/* hold_out.c - see hold_out.h. */
#include "store/hold_out.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

/* Tracks that are one recording. */
typedef struct unit {
    size_t first, size; /* place of its first track; tracks */
    size_t stratum;
    bool taken;
} unit;

typedef struct stratum {
    const char *style_id;
    size_t tracks, places; /* in it; to be held out */
    double remainder;
    size_t order; /* where it comes first in the permutation: decides between equal remainders */
} stratum;

typedef struct splitting {
    lofi_arena *arena;
    const lofi_split_item *items;
    size_t count, places;
    unit *units; /* in the order of the permutation */
    stratum *strata;
    size_t unit_count, stratum_count;
} splitting;

static size_t held_out_count(size_t count, double share) {
    if (count < 2 || share <= 0) return 0;
    size_t held_out = (size_t)floor((double)count * share + 0.5);
    if (held_out < 1) held_out = 1;
    return held_out < count ? held_out : count - 1;
}

static size_t find_stratum(splitting *s, const char *style_id) {
    for (size_t i = 0; i < s->stratum_count; i++)
        if (strcmp(s->strata[i].style_id, style_id) == 0) return i;
    s->strata[s->stratum_count] = (stratum){.style_id = style_id, .order = s->stratum_count};
    return s->stratum_count++;
}

/* Units in the order in which the permutation first meets one of their tracks. */
static lofi_code make_units(splitting *s, uint64_t seed, lofi_error *err) {
    size_t *order = lofi_arena_alloc(s->arena, s->count * sizeof *order);
    size_t *unit_of = lofi_arena_alloc(s->arena,
                                       s->count * sizeof *unit_of); /* of a group's first track; 0: none yet */
    s->units = lofi_arena_alloc(s->arena, s->count * sizeof *s->units);
    s->strata = lofi_arena_alloc(s->arena, s->count * sizeof *s->strata);
    if (!order || !unit_of || !s->units || !s->strata)
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the split of %zu tracks", s->count);
    lofi_random random = lofi_random_at(seed, LOFI_RANDOM_SPLIT, 0);
    lofi_random_permutation(&random, order, s->count);
    for (size_t i = 0; i < s->count; i++) {
        size_t group = s->items[order[i]].group;
        if (unit_of[group] == 0) {
            s->units[s->unit_count] = (unit){.first = group, .stratum = find_stratum(s, s->items[group].style_id)};
            unit_of[group] = ++s->unit_count;
        }
        unit *of = &s->units[unit_of[group] - 1];
        of->size++;
        s->strata[of->stratum].tracks++;
    }
    return LOFI_OK;
}

static int by_remainder(const void *left, const void *right) {
    const stratum *a = *(stratum *const *)left, *b = *(stratum *const *)right;
    if (a->remainder != b->remainder) return a->remainder > b->remainder ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static lofi_code share_places(splitting *s, lofi_error *err) {
    stratum **sorted = lofi_arena_alloc(s->arena, s->stratum_count * sizeof *sorted);
    size_t given = 0;
    if (!sorted) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for the split of %zu tracks", s->count);
    for (size_t i = 0; i < s->stratum_count; i++) {
        stratum *of = &s->strata[i];
        double exact = (double)s->places * (double)of->tracks / (double)s->count;
        of->places = (size_t)exact;
        of->remainder = exact - (double)of->places;
        given += of->places;
        sorted[i] = of;
    }
    qsort(sorted, s->stratum_count, sizeof *sorted, by_remainder);
    for (size_t i = 0; i < s->stratum_count && given < s->places; i++, given++) sorted[i]->places++;
    return LOFI_OK;
}

static void take(splitting *s, unit *of, size_t *left) {
    of->taken = true;
    *left -= of->size;
    s->strata[of->stratum].places -= of->size <= s->strata[of->stratum].places ? of->size : 0;
}

static void choose(splitting *s) {
    size_t left = s->places;
    for (size_t i = 0; i < s->unit_count; i++)
        if (s->units[i].size <= s->strata[s->units[i].stratum].places) take(s, &s->units[i], &left);
    for (size_t i = 0; i < s->unit_count; i++)
        if (!s->units[i].taken && s->units[i].size <= left) take(s, &s->units[i], &left);
    if (left < s->places) return;
    /* Every group is larger than the places: the smallest one, as long as something is left to train on. */
    unit *smallest = NULL;
    for (size_t i = 0; i < s->unit_count; i++)
        if (!smallest || s->units[i].size < smallest->size) smallest = &s->units[i];
    if (smallest && s->unit_count > 1) smallest->taken = true;
}

static lofi_code split(bool *held_out, splitting *s, uint64_t seed, lofi_error *err) {
    LOFI_TRY(make_units(s, seed, err));
    LOFI_TRY(share_places(s, err));
    choose(s);
    for (size_t i = 0; i < s->unit_count; i++)
        if (s->units[i].taken) held_out[s->units[i].first] = true;
    for (size_t i = 0; i < s->count; i++) held_out[i] = held_out[s->items[i].group];
    return LOFI_OK;
}

lofi_code lofi_hold_out(bool *held_out, const lofi_split_item *items, size_t count, double share, uint64_t seed,
                        lofi_error *err) {
    splitting s = {.items = items, .count = count, .places = held_out_count(count, share)};
    memset(held_out, 0, count * sizeof *held_out);
    if (s.places == 0) return LOFI_OK;
    LOFI_TRY(lofi_arena_new(&s.arena, err));
    lofi_code code = split(held_out, &s, seed, err);
    lofi_arena_free(s.arena);
    return code;
}
