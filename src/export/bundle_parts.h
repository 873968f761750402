/* bundle_parts.h - the networks of a bundle, as the player calls them: names, element types and axes of every file.
 *
 * Each part is built with the functions that run and train the networks; here are only its inputs, outputs and what must lie in
 * the graph because the player does not do it (the scale of latents, the range of log-mel pictures).
 */
#ifndef LOFI_EXPORT_BUNDLE_PARTS_H
#define LOFI_EXPORT_BUNDLE_PARTS_H

#include "models/loaded.h"
#include "store/checkpoint_folder.h"

#define LOFI_BUNDLE_PARTS 5

/* What a network's own config does not say, and what building it finds out. */
typedef struct lofi_bundle_facts {
    int64_t mel_bands;  /* of the vocoder beside it */
    int64_t vocabulary; /* rows of the table that the input of ids looks into; 0: there is none */
} lofi_bundle_facts;
/* Reads the vocoder's config in `folder`. */
lofi_code lofi_bundle_facts_read(lofi_bundle_facts *facts, const lofi_checkpoint_folder *folder,
                                 lofi_error *err) LOFI_MUST_USE;

typedef struct lofi_bundle_part {
    const char *file;         /* "text_encoder.onnx" */
    const char *weights_file; /* of its own, or NULL: within the file */
    lofi_component component;
    const lofi_model *model;
    /* Its weights stay f32 in every precision: small differences grow in it, see docs/exporting.md. */
    bool exact;
    /* Writes the network down, inputs and outputs marked. */
    lofi_code (*build)(lofi_builder *builder, const json_t *config, lofi_bundle_facts *facts, lofi_error *err);
    const char *integer_inputs[3]; /* f32 in the graph, i64 in the file; NULL ends */
    const char *outputs[3];        /* NULL ends */
} lofi_bundle_part;

extern const lofi_bundle_part lofi_bundle_parts[LOFI_BUNDLE_PARTS];

#endif
