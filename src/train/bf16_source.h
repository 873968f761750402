/* bf16_source.h - weights rounded to bf16 on their way into a graph (--precision bf16).
 *
 * Matrices that the file holds as f32 or f16 come out as bf16 copies, rounded to nearest even and kept; what lies in bf16
 * already, and what a network wants as f32 (biases, norms, tables), is passed on as it is.
 */
#ifndef LOFI_TRAIN_BF16_SOURCE_H
#define LOFI_TRAIN_BF16_SOURCE_H

#include "models/builder.h"

typedef struct lofi_bf16_source lofi_bf16_source;

/* `inner` must outlive it. *out is yours. */
lofi_code lofi_bf16_source_new(lofi_bf16_source **out, const lofi_weight_source *inner, lofi_error *err) LOFI_MUST_USE;
void lofi_bf16_source_free(lofi_bf16_source *source); /* NULL is fine; after every graph built from it */
const lofi_weight_source *lofi_bf16_source_view(const lofi_bf16_source *source);

#endif
