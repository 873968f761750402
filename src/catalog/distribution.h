/* distribution.h - how many tracks there are of each style, as numbers and as a picture. */
#ifndef LOFI_CATALOG_DISTRIBUTION_H
#define LOFI_CATALOG_DISTRIBUTION_H

#include <jansson.h>

#include "base/error.h"
#include "catalog/catalogue.h"

typedef struct lofi_style_share {
    const lofi_style *style;
    size_t tracks;  /* that have it at all */
    size_t leading; /* whose first style it is, and of which somebody said so */
    double hours;   /* of those that have it at all */
    bool thin;      /* fewer tracks than asked for */
} lofi_style_share;

typedef struct lofi_category_share {
    const char *category; /* core, seasonal, thematic, instrumental, vocal */
    size_t tracks;        /* whose leading style is of it; with those that have none under core */
    double hours;
} lofi_category_share;

typedef struct lofi_distribution {
    lofi_style_share *styles; /* in the order of the presets */
    size_t style_count;
    lofi_category_share categories[LOFI_STYLE_CATEGORIES];
    size_t tracks, unstyled, permitted, verified, scored, thin_at;
    double hours;
} lofi_distribution;

/* thin: styles with fewer tracks are called thin. *out is to be freed. */
lofi_code lofi_distribution_make(lofi_distribution *out, const lofi_catalogue *catalogue, const lofi_styles *styles,
                                 size_t thin, lofi_error *err) LOFI_MUST_USE;
void lofi_distribution_free(lofi_distribution *distribution); /* zeroes it */

/* The reference is yours. */
json_t *lofi_distribution_json(const lofi_distribution *distribution);
/* Writes an SVG: one bar a style, by category, thin ones in another colour. */
lofi_code lofi_distribution_picture(const lofi_distribution *distribution, const char *path,
                                    lofi_error *err) LOFI_MUST_USE;

#endif
