/* dims.c - canonical integer polynomials. Counts are small (tens of expressions), so looking one up is a plain search. */
#include "graph/dims.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

#define MAX_TERMS 64

static lofi_dim fail(lofi_dims *dims, const char *why) {
    if (!dims->failure) dims->failure = why;
    return 0;
}

static int compare_terms(const lofi_term *a, const lofi_term *b) {
    if (a->factor_count != b->factor_count) return a->factor_count - b->factor_count;
    for (int i = 0; i < a->factor_count; i++)
        if (a->factors[i] != b->factors[i]) return a->factors[i] - b->factors[i];
    return 0;
}

/* The terms of a dimension; `constant` is room for the one term of a plain number. */
static lofi_polynomial terms_of(const lofi_dims *dims, lofi_dim dim, lofi_term *constant) {
    if (dim < 0) return dims->expressions[-dim - 1];
    memset(constant, 0, sizeof *constant);
    constant->coefficient = dim;
    return (lofi_polynomial){dim != 0, constant};
}

/* Puts a term into a list kept in canonical order; false when there are too many or a coefficient grows too large. */
static bool insert_term(lofi_term *list, int *count, const lofi_term *term) {
    int at = 0;
    while (at < *count && compare_terms(&list[at], term) < 0) at++;
    if (at < *count && compare_terms(&list[at], term) == 0) {
        if (__builtin_add_overflow(list[at].coefficient, term->coefficient, &list[at].coefficient)) return false;
        if (list[at].coefficient == 0) {
            memmove(&list[at], &list[at + 1], (size_t)(*count - at - 1) * sizeof *list);
            (*count)--;
        }
        return true;
    }
    if (*count == MAX_TERMS) return false;
    memmove(&list[at + 1], &list[at], (size_t)(*count - at) * sizeof *list);
    list[at] = *term;
    (*count)++;
    return true;
}

static bool same_terms(const lofi_polynomial *a, const lofi_term *list, int count) {
    if (a->term_count != count) return false;
    for (int i = 0; i < count; i++)
        if (a->terms[i].coefficient != list[i].coefficient || compare_terms(&a->terms[i], &list[i]) != 0) return false;
    return true;
}

/* The lofi_dim of a list of canonical terms. */
static lofi_dim intern(lofi_dims *dims, const lofi_term *list, int count) {
    if (count == 0) return 0;
    if (count == 1 && list[0].factor_count == 0)
        return list[0].coefficient >= 0 ? list[0].coefficient : fail(dims, "a dimension below zero");
    for (size_t i = 0; i < dims->count; i++)
        if (same_terms(&dims->expressions[i], list, count)) return -(lofi_dim)i - 1;

    lofi_error ignored;
    if (lofi_grow((void **)&dims->expressions, &dims->capacity, dims->count + 1, sizeof *dims->expressions, 1u << 20,
                  &ignored) ||
        lofi_grow((void **)&dims->texts, &dims->text_capacity, dims->count + 1, sizeof *dims->texts, 1u << 20,
                  &ignored))
        return fail(dims, "out of memory for dimensions");
    lofi_term *copy = lofi_arena_alloc(dims->arena, (size_t)count * sizeof *copy);
    if (!copy) return fail(dims, "out of memory for dimensions");
    memcpy(copy, list, (size_t)count * sizeof *copy);
    dims->texts[dims->count] = NULL;
    dims->expressions[dims->count++] = (lofi_polynomial){count, copy};
    return -(lofi_dim)dims->count;
}

static lofi_dim of_atom(lofi_dims *dims, int atom) {
    lofi_term term = {.coefficient = 1, .factor_count = 1, .factors = {atom}};
    return intern(dims, &term, 1);
}

static int add_atom(lofi_dims *dims, lofi_atom atom) {
    lofi_error ignored;
    if (lofi_grow((void **)&dims->atoms, &dims->atom_capacity, dims->atom_count + 1, sizeof *dims->atoms, 1u << 16,
                  &ignored)) {
        fail(dims, "out of memory for dimensions");
        return -1;
    }
    dims->atoms[dims->atom_count] = atom;
    return (int)dims->atom_count++;
}

lofi_dim lofi_dims_symbol(lofi_dims *dims, const char *name) {
    for (size_t i = 0; i < dims->atom_count; i++)
        if (dims->atoms[i].name && strcmp(dims->atoms[i].name, name) == 0) return of_atom(dims, (int)i);
    const char *copy = lofi_arena_strdup(dims->arena, name);
    if (!copy) return fail(dims, "out of memory for dimensions");
    int atom = add_atom(dims, (lofi_atom){.name = copy, .symbol = (int)dims->symbol_count});
    if (atom < 0) return 0;
    dims->symbol_count++;
    return of_atom(dims, atom);
}

static lofi_dim add_scaled(lofi_dims *dims, lofi_polynomial a, lofi_polynomial b, int64_t factor) {
    lofi_term list[MAX_TERMS];
    int count = 0;
    bool fits = true;
    for (int i = 0; i < a.term_count; i++) fits = fits && insert_term(list, &count, &a.terms[i]);
    for (int i = 0; i < b.term_count; i++) {
        lofi_term term = b.terms[i];
        if (__builtin_mul_overflow(term.coefficient, factor, &term.coefficient))
            return fail(dims, "a dimension too large");
        fits = fits && insert_term(list, &count, &term);
    }
    return fits ? intern(dims, list, count) : fail(dims, "a dimension too large or with too many terms");
}

lofi_dim lofi_dims_add(lofi_dims *dims, lofi_dim a, lofi_dim b, int64_t factor_of_b) {
    lofi_term ca, cb;
    return add_scaled(dims, terms_of(dims, a, &ca), terms_of(dims, b, &cb), factor_of_b);
}

lofi_dim lofi_dims_offset(lofi_dims *dims, lofi_dim a, int64_t number) {
    lofi_term ca, cb = {.coefficient = number};
    return add_scaled(dims, terms_of(dims, a, &ca), (lofi_polynomial){number != 0, &cb}, 1);
}

/* The product of two terms, its factors in ascending order. */
static bool multiply_terms(lofi_term *out, const lofi_term *a, const lofi_term *b) {
    if (a->factor_count + b->factor_count > LOFI_MAX_FACTORS) return false;
    memset(out, 0, sizeof *out);
    if (__builtin_mul_overflow(a->coefficient, b->coefficient, &out->coefficient)) return false;
    int i = 0, j = 0;
    while (i < a->factor_count || j < b->factor_count) {
        bool take_a = j == b->factor_count || (i < a->factor_count && a->factors[i] <= b->factors[j]);
        out->factors[out->factor_count++] = take_a ? a->factors[i++] : b->factors[j++];
    }
    return true;
}

lofi_dim lofi_dims_mul(lofi_dims *dims, lofi_dim a, lofi_dim b) {
    lofi_term ca, cb, list[MAX_TERMS];
    lofi_polynomial pa = terms_of(dims, a, &ca), pb = terms_of(dims, b, &cb);
    int count = 0;
    for (int i = 0; i < pa.term_count; i++)
        for (int j = 0; j < pb.term_count; j++) {
            lofi_term term;
            if (!multiply_terms(&term, &pa.terms[i], &pb.terms[j]) || !insert_term(list, &count, &term))
                return fail(dims, "a dimension too large or with too many terms");
        }
    return intern(dims, list, count);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

/* Terms whose coefficient the divisor divides leave the quotient: (8 f + 3) / 8 is f + 3 / 8. */
lofi_dim lofi_dims_floor_div(lofi_dims *dims, lofi_dim a, int64_t divisor) {
    assert(divisor > 0);
    if (divisor == 1) return a;
    if (a >= 0) return floor_div(a, divisor);
    lofi_term constant, whole[MAX_TERMS], rest[MAX_TERMS];
    lofi_polynomial p = terms_of(dims, a, &constant);
    int whole_count = 0, rest_count = 0;
    for (int i = 0; i < p.term_count; i++) {
        lofi_term term = p.terms[i];
        int64_t quotient = floor_div(term.coefficient, divisor), remainder = term.coefficient - quotient * divisor;
        bool split = remainder == 0 || term.factor_count == 0;
        if (!split) quotient = 0, remainder = term.coefficient;
        term.coefficient = quotient;
        if (quotient) whole[whole_count++] = term;
        term.coefficient = remainder;
        if (remainder) rest[rest_count++] = term;
    }
    bool rest_is_number = rest_count == 0 || (rest_count == 1 && rest[0].factor_count == 0);
    lofi_polynomial whole_part = {whole_count, whole};
    if (rest_is_number) return add_scaled(dims, whole_part, (lofi_polynomial){0, NULL}, 1);

    lofi_dim numerator = intern(dims, rest, rest_count);
    int atom = -1;
    for (size_t i = 0; i < dims->atom_count; i++)
        if (!dims->atoms[i].name && dims->atoms[i].numerator == numerator && dims->atoms[i].divisor == divisor)
            atom = (int)i;
    if (atom < 0) atom = add_atom(dims, (lofi_atom){.numerator = numerator, .divisor = divisor});
    if (atom < 0) return 0;
    lofi_term quotient = {.coefficient = 1, .factor_count = 1, .factors = {atom}};
    return add_scaled(dims, whole_part, (lofi_polynomial){1, &quotient}, 1);
}

static bool evaluate(const lofi_dims *dims, lofi_dim dim, const int64_t *values, int64_t *sum) {
    *sum = dim;
    if (dim >= 0) return true;
    const lofi_polynomial *p = &dims->expressions[-dim - 1];
    *sum = 0;
    for (int i = 0; i < p->term_count; i++) {
        int64_t product = p->terms[i].coefficient, factor;
        for (int f = 0; f < p->terms[i].factor_count; f++) {
            const lofi_atom *atom = &dims->atoms[p->terms[i].factors[f]];
            if (atom->name)
                factor = values[atom->symbol];
            else if (evaluate(dims, atom->numerator, values, &factor))
                factor = floor_div(factor, atom->divisor);
            else
                return false;
            if (!lofi_mul_i64(product, factor, &product)) return false;
        }
        if (__builtin_add_overflow(*sum, product, sum)) return false;
    }
    return true;
}

int64_t lofi_dims_value(const lofi_dims *dims, lofi_dim dim, const int64_t *values) {
    int64_t value;
    return evaluate(dims, dim, values, &value) ? value : INT64_MAX;
}

static void *fold_term(const lofi_dims *dims, const lofi_term *term, const lofi_dim_arithmetic *a) {
    void *product = NULL;
    if (term->coefficient != 1 || term->factor_count == 0) product = a->number(a->user, term->coefficient);
    for (int f = 0; f < term->factor_count; f++) {
        const lofi_atom *atom = &dims->atoms[term->factors[f]];
        void *factor = atom->name ? a->symbol(a->user, (size_t)atom->symbol)
                                  : a->floor_div(a->user, lofi_dims_fold(dims, atom->numerator, a), atom->divisor);
        product = product ? a->mul(a->user, product, factor) : factor;
    }
    return product;
}

void *lofi_dims_fold(const lofi_dims *dims, lofi_dim dim, const lofi_dim_arithmetic *a) {
    if (dim >= 0) return a->number(a->user, dim);
    const lofi_polynomial *p = &dims->expressions[-dim - 1];
    void *sum = fold_term(dims, &p->terms[0], a);
    for (int i = 1; i < p->term_count; i++) sum = a->add(a->user, sum, fold_term(dims, &p->terms[i], a));
    return sum;
}

static void print_term(lofi_dims *dims, lofi_buffer *text, const lofi_term *term) {
    if (text->size && term->coefficient >= 0) lofi_buffer_text(text, "+");
    if (term->coefficient == -1 && term->factor_count)
        lofi_buffer_text(text, "-");
    else if (term->coefficient != 1 || !term->factor_count)
        lofi_buffer_printf(text, "%lld", (long long)term->coefficient);
    for (int f = 0; f < term->factor_count; f++) {
        const lofi_atom *atom = &dims->atoms[term->factors[f]];
        if (f || (term->coefficient != 1 && term->coefficient != -1)) lofi_buffer_text(text, "*");
        if (atom->name)
            lofi_buffer_text(text, atom->name);
        else
            lofi_buffer_printf(text, "floor((%s)/%lld)", lofi_dims_text(dims, atom->numerator),
                               (long long)atom->divisor);
    }
}

const char *lofi_dims_text(lofi_dims *dims, lofi_dim dim) {
    if (dim >= 0) {
        const char *number = lofi_arena_printf(dims->arena, "%lld", (long long)dim);
        return number ? number : "?";
    }
    size_t index = (size_t)(-dim - 1);
    if (!dims->texts[index]) {
        lofi_buffer text = LOFI_BUFFER_INIT;
        for (int i = 0; i < dims->expressions[index].term_count; i++)
            print_term(dims, &text, &dims->expressions[index].terms[i]);
        dims->texts[index] = lofi_arena_strdup(dims->arena, lofi_buffer_str(&text));
        lofi_buffer_free(&text);
    }
    return dims->texts[index] ? dims->texts[index] : "?";
}

const char *lofi_dims_symbol_name(const lofi_dims *dims, size_t index) {
    for (size_t i = 0; i < dims->atom_count; i++)
        if (dims->atoms[i].name && (size_t)dims->atoms[i].symbol == index) return dims->atoms[i].name;
    return NULL;
}

void lofi_dims_free(lofi_dims *dims) {
    free(dims->expressions);
    free(dims->texts);
    free(dims->atoms);
    memset(dims, 0, sizeof *dims);
}
