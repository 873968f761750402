/* dims.h - symbolic dimensions: integer polynomials over symbols and floor quotients, interned so that equal ones are one.
 * Inside of graph/ only; the public face is in graph.h. */
#ifndef LOFI_GRAPH_DIMS_H
#define LOFI_GRAPH_DIMS_H

#include "base/memory.h"
#include "graph/graph.h"

#define LOFI_MAX_FACTORS 6

/* coefficient * atom * atom ... ; atoms in ascending order */
typedef struct lofi_term {
    int64_t coefficient;
    int factor_count;
    int factors[LOFI_MAX_FACTORS];
} lofi_term;

/* A sum of terms in canonical order, none with coefficient 0. No terms: zero. */
typedef struct lofi_polynomial {
    int term_count;
    lofi_term *terms;
} lofi_polynomial;

/* A symbol, or floor(expression / divisor). */
typedef struct lofi_atom {
    const char *name; /* of a symbol, else NULL */
    int symbol;       /* its number among the symbols */
    lofi_dim numerator;
    int64_t divisor;
} lofi_atom;

typedef struct lofi_dims {
    lofi_arena *arena; /* borrowed */
    lofi_polynomial *expressions;
    const char **texts;
    size_t count, capacity, text_capacity;
    lofi_atom *atoms;
    size_t atom_count, atom_capacity;
    size_t symbol_count;
    const char *failure; /* first thing that did not fit, or NULL */
} lofi_dims;

void lofi_dims_free(lofi_dims *dims);
lofi_dim lofi_dims_symbol(lofi_dims *dims, const char *name);
lofi_dim lofi_dims_add(lofi_dims *dims, lofi_dim a, lofi_dim b, int64_t factor_of_b);
lofi_dim lofi_dims_offset(lofi_dims *dims, lofi_dim a, int64_t number);
lofi_dim lofi_dims_mul(lofi_dims *dims, lofi_dim a, lofi_dim b);
lofi_dim lofi_dims_floor_div(lofi_dims *dims, lofi_dim a, int64_t divisor);
int64_t lofi_dims_value(const lofi_dims *dims, lofi_dim dim, const int64_t *values);
void *lofi_dims_fold(const lofi_dims *dims, lofi_dim dim, const lofi_dim_arithmetic *arithmetic);
const char *lofi_dims_text(lofi_dims *dims, lofi_dim dim);
const char *lofi_dims_symbol_name(const lofi_dims *dims, size_t index);

#endif
