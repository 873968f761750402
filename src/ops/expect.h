/* expect.h - what shape rules of operators check, in one wording: "OP: WHAT must be EXPECTED, got SHAPE". */
#ifndef LOFI_OPS_EXPECT_H
#define LOFI_OPS_EXPECT_H

#include "graph/op.h"

/* Input `index` has this rank (any when -1) and is f32. `form` is the text of what is expected: "[batch, length]". */
lofi_code lofi_expect_rank(lofi_graph *graph, const lofi_node *node, int index, const char *what, int rank,
                           const char *form, lofi_error *err) LOFI_MUST_USE;
/* Input `index` is f32 with exactly these dimensions. An absent input fits. */
lofi_code lofi_expect_dims(lofi_graph *graph, const lofi_node *node, int index, const char *what, int rank,
                           const lofi_dim *dims, lofi_error *err) LOFI_MUST_USE;
/* "OP: " before a message of its own. */
lofi_code lofi_refuse(const lofi_node *node, lofi_error *err, const char *format, ...) LOFI_PRINTF(3, 4);

#endif
