/* hold_out.h - which tracks are held out for validation.
 *
 * How many: round(share x tracks), halves rounded up, at least one and at most all but one when there are two tracks or more and
 * the share is above 0.
 *
 * Which: tracks that are one recording stay together. Each style (of the first track of such a group; the leading style) gets its
 * share of the places, whole places first, then the largest remainders; inside a style the groups come in the order of a
 * seeded permutation (LOFI_RANDOM_SPLIT) of all tracks, a group that does not fit any more is passed over, and places that are
 * left go to the next groups of any style. Everything depends on the ids, styles, groups, share and seed alone.
 */
#ifndef LOFI_STORE_HOLD_OUT_H
#define LOFI_STORE_HOLD_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct lofi_split_item {
    const char *style_id;
    size_t group; /* place of the first track of the same recording; its own where there is no other */
} lofi_split_item;

/* held_out: [count], set throughout. items: in the order of the sorted track ids. share: 0 .. 0.9. */
lofi_code lofi_hold_out(bool *held_out, const lofi_split_item *items, size_t count, double share, uint64_t seed,
                        lofi_error *err) LOFI_MUST_USE;

#endif
