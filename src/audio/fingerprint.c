/* fingerprint.c - see fingerprint.h. */
#include "audio/fingerprint.h"

#include <chromaprint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define RATE             11025
#define SECONDS_PER_WORD (4096.0 / 3.0 / RATE)
#define BLOCK            4096
#define MOST_REPEATS                                                                                                   \
    4 /* places of one word in one recording that are looked at: a held chord repeats one for seconds */
#define COMMON_WORD 64 /* places of one word in all recordings from which it says nothing: silence */
#define FEWEST_HITS 3  /* equal words at one shift that make it worth comparing */

/* ---- one recording ---- */

static bool feed(ChromaprintContext *context, const lofi_audio *audio) {
    int16_t block[BLOCK];
    for (int64_t from = 0; from < audio->frames; from += BLOCK) {
        int count = (int)(audio->frames - from < BLOCK ? audio->frames - from : BLOCK);
        for (int i = 0; i < count; i++)
            block[i] = (int16_t)lrintf(fmaxf(-1.0f, fminf(1.0f, audio->samples[from + i])) * 32767.0f);
        if (!chromaprint_feed(context, block, count)) return false;
    }
    return chromaprint_finish(context) != 0;
}

static bool compute(lofi_fingerprint *out, ChromaprintContext *context, const lofi_audio *audio) {
    uint32_t *words = NULL;
    int count = 0;
    if (!chromaprint_start(context, audio->sample_rate, 1) || !feed(context, audio)) return false;
    if (!chromaprint_get_raw_fingerprint(context, &words, &count)) return false;
    out->words = malloc((size_t)count * sizeof *words + 1);
    if (out->words != NULL && count > 0) memcpy(out->words, words, (size_t)count * sizeof *words);
    chromaprint_dealloc(words);
    out->count = (size_t)count;
    return out->words != NULL;
}

lofi_code lofi_fingerprint_compute(lofi_fingerprint *out, const lofi_audio *audio, lofi_error *err) {
    lofi_fingerprint made = {0};
    ChromaprintContext *context = chromaprint_new(CHROMAPRINT_ALGORITHM_DEFAULT);
    bool done = context != NULL && compute(&made, context, audio);
    if (context != NULL) chromaprint_free(context);
    if (!done) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    *out = made;
    return LOFI_OK;
}

void lofi_fingerprint_free(lofi_fingerprint *print) {
    free(print->words);
    *print = (lofi_fingerprint){0};
}

lofi_code lofi_fingerprint_write(char **text, const lofi_fingerprint *print, lofi_error *err) {
    char *encoded = NULL;
    int size = 0;
    if (!chromaprint_encode_fingerprint(print->words, (int)print->count, CHROMAPRINT_ALGORITHM_DEFAULT, &encoded, &size,
                                        1))
        return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    char *copy = strndup(encoded, (size_t)size);
    chromaprint_dealloc(encoded);
    if (copy == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    *text = copy;
    return LOFI_OK;
}

lofi_code lofi_fingerprint_read(lofi_fingerprint *out, const char *text, lofi_error *err) {
    uint32_t *words = NULL;
    int count = 0, algorithm = -1;
    if (!chromaprint_decode_fingerprint(text, (int)strlen(text), &words, &count, &algorithm, 1) ||
        algorithm != CHROMAPRINT_ALGORITHM_DEFAULT) {
        chromaprint_dealloc(words);
        return lofi_fail(err, LOFI_ERR_FORMAT, "a fingerprint that cannot be read");
    }
    lofi_fingerprint made = {malloc((size_t)count * sizeof *words + 1), (size_t)count};
    if (made.words != NULL && count > 0) memcpy(made.words, words, (size_t)count * sizeof *words);
    chromaprint_dealloc(words);
    if (made.words == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "no memory for a fingerprint");
    *out = made;
    return LOFI_OK;
}

/* ---- many recordings ---- */

typedef struct place {
    uint32_t word, print, at;
} place;

typedef struct hit {
    uint32_t print;
    int32_t shift; /* words: where the other recording begins in this one */
} hit;

typedef struct search {
    const lofi_fingerprint *prints;
    place *places; /* sorted by word, recording, place */
    size_t place_count;
    hit *hits;
    size_t hit_count, hit_capacity;
    lofi_duplicate *found;
    size_t found_count, found_capacity;
} search;

static int by_word(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->word != y->word) return x->word < y->word ? -1 : 1;
    if (x->print != y->print) return x->print < y->print ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int by_print_and_shift(const void *a, const void *b) {
    const hit *x = a, *y = b;
    if (x->print != y->print) return x->print < y->print ? -1 : 1;
    return x->shift < y->shift ? -1 : x->shift > y->shift;
}

static lofi_code list_places(search *s, size_t print_count, lofi_error *err) {
    size_t total = 0, kept = 0, repeats = 0;
    for (size_t i = 0; i < print_count; i++) total += s->prints[i].count;
    LOFI_TRY(lofi_alloc((void **)&s->places, total, sizeof *s->places, "fingerprints", err));
    for (size_t i = 0; i < print_count; i++)
        for (size_t at = 0; at < s->prints[i].count; at++)
            s->places[s->place_count++] = (place){s->prints[i].words[at], (uint32_t)i, (uint32_t)at};
    if (total > 0) qsort(s->places, total, sizeof *s->places, by_word);
    for (size_t i = 0; i < total; i++) {
        bool again = i > 0 && s->places[i].word == s->places[i - 1].word &&
                     s->places[i].print == s->places[i - 1].print;
        repeats = again ? repeats + 1 : 0;
        if (repeats < MOST_REPEATS) s->places[kept++] = s->places[i];
    }
    s->place_count = kept;
    return LOFI_OK;
}

/* The places of a word: from *from, as many as are returned. */
static size_t find_word(const search *s, uint32_t word, size_t *from) {
    size_t low = 0, high = s->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->places[middle].word < word)
            low = middle + 1;
        else
            high = middle;
    }
    *from = low;
    while (high < s->place_count && s->places[high].word == word && high - low <= COMMON_WORD) high++;
    return high - low;
}

/* Equal words in later recordings. */
static lofi_code collect_hits(search *s, size_t first, lofi_error *err) {
    const lofi_fingerprint *print = &s->prints[first];
    s->hit_count = 0;
    for (size_t at = 0; at < print->count; at++) {
        size_t from, count = find_word(s, print->words[at], &from);
        if (count > COMMON_WORD) continue;
        void *hits = s->hits;
        LOFI_TRY(lofi_grow(&hits, &s->hit_capacity, s->hit_count + count, sizeof *s->hits, (size_t)1 << 32, err));
        s->hits = hits;
        for (size_t i = from; i < from + count; i++)
            if (s->places[i].print > first)
                s->hits[s->hit_count++] = (hit){s->places[i].print, (int32_t)at - (int32_t)s->places[i].at};
    }
    if (s->hit_count > 0) qsort(s->hits, s->hit_count, sizeof *s->hits, by_print_and_shift);
    return LOFI_OK;
}

/* The share of equal bits when `b` begins at word `shift` of `a`; *overlap in words. */
static double compare(const lofi_fingerprint *a, const lofi_fingerprint *b, int64_t shift, int64_t *overlap) {
    int64_t from = shift > 0 ? shift : 0, end = (int64_t)b->count + shift, different = 0;
    if (end > (int64_t)a->count) end = (int64_t)a->count;
    *overlap = end > from ? end - from : 0;
    for (int64_t i = from; i < end; i++) different += __builtin_popcount(a->words[i] ^ b->words[i - shift]);
    return *overlap > 0 ? 1.0 - (double)different / (32.0 * (double)*overlap) : 0.0;
}

/* At a shift and the one after it, as the same moment may fall between two words. */
static void try_shift(lofi_duplicate *best, const search *s, size_t first, size_t second, int64_t shift) {
    for (int64_t at = shift - 1; at <= shift + 1; at++) {
        int64_t overlap;
        double similarity = compare(&s->prints[first], &s->prints[second], at, &overlap);
        double seconds = (double)overlap * SECONDS_PER_WORD;
        if (seconds < LOFI_SHORTEST_COMMON || similarity <= best->similarity) continue;
        *best = (lofi_duplicate){first, second, (double)at * SECONDS_PER_WORD, seconds, similarity};
    }
}

/* hits[from..end): all with one other recording. */
static lofi_code judge(search *s, size_t first, size_t from, size_t end, lofi_error *err) {
    lofi_duplicate best = {0};
    for (size_t i = from, next; i < end; i = next) {
        for (next = i; next < end && s->hits[next].shift == s->hits[i].shift;) next++;
        size_t near = next;
        while (near < end && s->hits[near].shift == s->hits[i].shift + 1) near++;
        if (near - i >= FEWEST_HITS) try_shift(&best, s, first, s->hits[i].print, s->hits[i].shift);
    }
    if (best.similarity < LOFI_SAME_RECORDING) return LOFI_OK;
    void *found = s->found;
    LOFI_TRY(lofi_grow(&found, &s->found_capacity, s->found_count + 1, sizeof best, (size_t)1 << 32, err));
    s->found = found;
    s->found[s->found_count++] = best;
    return LOFI_OK;
}

static lofi_code search_all(search *s, size_t print_count, lofi_error *err) {
    LOFI_TRY(list_places(s, print_count, err));
    for (size_t first = 0; first + 1 < print_count; first++) {
        LOFI_TRY(collect_hits(s, first, err));
        for (size_t from = 0, end; from < s->hit_count; from = end) {
            for (end = from; end < s->hit_count && s->hits[end].print == s->hits[from].print;) end++;
            LOFI_TRY(judge(s, first, from, end, err));
        }
    }
    return LOFI_OK;
}

lofi_code lofi_duplicates_find(lofi_duplicate **out, size_t *count, const lofi_fingerprint *prints, size_t print_count,
                               lofi_error *err) {
    search s = {.prints = prints};
    lofi_code code = search_all(&s, print_count, err);
    lofi_free(s.places);
    free(s.hits);
    if (code == LOFI_OK) {
        *out = s.found;
        *count = s.found_count;
    } else {
        free(s.found);
    }
    return code;
}
