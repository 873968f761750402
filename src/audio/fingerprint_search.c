/* fingerprint_search.c - the same recording among many: equal words point to pairs and shifts, which are then compared bit by bit.
 */
#include "audio/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define SECONDS_PER_WORD (4096.0 / 3.0 / 11025.0)
#define MOST_REPEATS     4  /* of one word in one recording: a held chord repeats one for seconds */
#define COMMON_WORD      64 /* places of one word in all recordings from which it says nothing: silence */
#define FEWEST_HITS      3  /* equal words at one shift that make it worth comparing */

typedef struct hit {
    uint32_t print;
    int32_t shift; /* words: where the other recording begins in this one */
} hit;

typedef struct search {
    const lofi_fingerprint *prints;
    size_t print_count;
    size_t *offsets; /* number of the first word of a recording among all words; one more at the end */
    uint64_t *
        keys; /* word << 32 | its number, sorted; a word that one recording repeats too often is there a few times only */
    size_t key_count;
    uint32_t *runs; /* by the number of a word: where its equals begin in keys */
    hit *hits;
    size_t hit_count, hit_capacity;
    lofi_duplicate *found;
    size_t found_count, found_capacity;
} search;

static int by_print_and_shift(const void *a, const void *b) {
    const hit *x = a, *y = b;
    if (x->print != y->print) return x->print < y->print ? -1 : 1;
    return x->shift < y->shift ? -1 : x->shift > y->shift;
}

static uint32_t word_of(uint64_t key) {
    return (uint32_t)(key >> 32);
}

/* The recording that a word belongs to, by the word's number. */
static size_t print_of(const search *s, uint32_t number) {
    size_t low = 0, high = s->print_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->offsets[middle] <= number)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- all words in order ---- */

/* One pass of a radix sort, by 11 bits of the keys. */
static void sort_pass(uint64_t *to, const uint64_t *from, size_t count, int shift) {
    enum { BUCKETS = 1 << 11 };
    size_t starts[BUCKETS] = {0}, next = 0;
    for (size_t i = 0; i < count; i++) starts[from[i] >> shift & (BUCKETS - 1)]++;
    for (size_t i = 0; i < BUCKETS; i++) {
        size_t size = starts[i];
        starts[i] = next;
        next += size;
    }
    for (size_t i = 0; i < count; i++) to[starts[from[i] >> shift & (BUCKETS - 1)]++] = from[i];
}

/* The passes keep the order of equal words, which is that of their numbers. */
static lofi_code sort_keys(search *s, lofi_error *err) {
    uint64_t *other;
    LOFI_TRY(lofi_alloc_unset((void **)&other, s->key_count, sizeof *other, "fingerprints", err));
    sort_pass(other, s->keys, s->key_count, 32);
    sort_pass(s->keys, other, s->key_count, 43);
    sort_pass(other, s->keys, s->key_count, 54);
    lofi_free(s->keys);
    s->keys = other;
    return LOFI_OK;
}

static lofi_code list_words(search *s, lofi_error *err) {
    LOFI_TRY(lofi_alloc((void **)&s->offsets, s->print_count + 1, sizeof *s->offsets, "fingerprints", err));
    for (size_t i = 0; i < s->print_count; i++) s->offsets[i + 1] = s->offsets[i] + s->prints[i].count;
    size_t total = s->offsets[s->print_count];
    if (total > UINT32_MAX) return lofi_fail(err, LOFI_ERR_MEMORY, "too many recordings to be compared at once");
    LOFI_TRY(lofi_alloc_unset((void **)&s->keys, total, sizeof *s->keys, "fingerprints", err));
    LOFI_TRY(lofi_alloc_unset((void **)&s->runs, total, sizeof *s->runs, "fingerprints", err));
    for (size_t i = 0; i < s->print_count; i++)
        for (size_t at = 0; at < s->prints[i].count; at++)
            s->keys[s->key_count++] = (uint64_t)s->prints[i].words[at] << 32 | (s->offsets[i] + at);
    return sort_keys(s, err);
}

/* Notes where the equals of each word begin, and thins out words that one recording repeats. */
static void find_runs(search *s) {
    size_t kept = 0, run = 0, repeats = 0, last_print = 0;
    for (size_t i = 0; i < s->key_count; i++) {
        bool equal = i > 0 && word_of(s->keys[i]) == word_of(s->keys[i - 1]);
        bool more = equal || (i + 1 < s->key_count && word_of(s->keys[i]) == word_of(s->keys[i + 1]));
        size_t print = more ? print_of(s, (uint32_t)s->keys[i]) : 0;
        repeats = equal && print == last_print ? repeats + 1 : 0;
        if (!equal) run = kept;
        last_print = print;
        s->runs[(uint32_t)s->keys[i]] = (uint32_t)run;
        if (repeats < MOST_REPEATS) s->keys[kept++] = s->keys[i];
    }
    s->key_count = kept;
}

/* How many equals begin at `run`, counted to one more than COMMON_WORD. */
static size_t run_length(const search *s, size_t run) {
    size_t end = run;
    while (end < s->key_count && word_of(s->keys[end]) == word_of(s->keys[run]) && end - run <= COMMON_WORD) end++;
    return end - run;
}

/* ---- pairs ---- */

/* Equal words in later recordings. */
static lofi_code collect_hits(search *s, size_t first, lofi_error *err) {
    s->hit_count = 0;
    for (size_t number = s->offsets[first]; number < s->offsets[first + 1]; number++) {
        size_t from = s->runs[number], count = run_length(s, from);
        if (count < 2 || count > COMMON_WORD) continue;
        void *hits = s->hits;
        LOFI_TRY(lofi_grow(&hits, &s->hit_capacity, s->hit_count + count, sizeof *s->hits, (size_t)1 << 32, err));
        s->hits = hits;
        for (size_t i = from; i < from + count; i++) {
            uint32_t other = (uint32_t)s->keys[i];
            if (other < s->offsets[first + 1]) continue;
            size_t print = print_of(s, other);
            int64_t shift = (int64_t)(number - s->offsets[first]) - (int64_t)(other - s->offsets[print]);
            s->hits[s->hit_count++] = (hit){(uint32_t)print, (int32_t)shift};
        }
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

static lofi_code search_all(search *s, lofi_error *err) {
    LOFI_TRY(list_words(s, err));
    find_runs(s);
    for (size_t first = 0; first + 1 < s->print_count; first++) {
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
    search s = {.prints = prints, .print_count = print_count};
    lofi_code code = search_all(&s, err);
    lofi_free(s.offsets);
    lofi_free(s.keys);
    lofi_free(s.runs);
    free(s.hits);
    if (code == LOFI_OK) {
        *out = s.found;
        *count = s.found_count;
    } else {
        free(s.found);
    }
    return code;
}
