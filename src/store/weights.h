/* weights.h - the weights of one component of a model: a folder with one file of tensors, or several and an index.
 *
 * Looked for, in this order: `diffusion_pytorch_model.safetensors`, `model.safetensors`, `diffusion_pytorch_model.bin`,
 * `pytorch_model.bin`, each of them also with `.index.json` behind it (its `weight_map` says which shard holds which tensor);
 * then the one file that ends in `.pth` or `.pt`. Files that torch.save wrote are read without executing anything
 * (torch_file.h). Symbolic links, as in the hub cache, are followed. Tensors lie in the mapped files.
 */
#ifndef LOFI_STORE_WEIGHTS_H
#define LOFI_STORE_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/safetensors.h"

typedef struct lofi_weights lofi_weights;

/* *out is yours: lofi_weights_close. A shard or tensor that the index promises and that is not there is
 * LOFI_ERR_NOT_FOUND with all such names (the first twenty); a damaged shard LOFI_ERR_FORMAT. */
lofi_code lofi_weights_open(lofi_weights **out, const char *folder, lofi_error *err) LOFI_MUST_USE;
void lofi_weights_close(lofi_weights *weights); /* NULL is fine */

const char *lofi_weights_folder(const lofi_weights *weights);
/* All tensors, sorted by name bytewise. */
size_t lofi_weights_count(const lofi_weights *weights);
const lofi_stored_tensor *lofi_weights_at(const lofi_weights *weights, size_t index);
/* NULL when there is none of that name. */
const lofi_stored_tensor *lofi_weights_find(const lofi_weights *weights, const char *name);
/* As find, but a missing tensor is LOFI_ERR_NOT_FOUND naming folder and tensor. */
lofi_code lofi_weights_get(const lofi_stored_tensor **out, const lofi_weights *weights, const char *name,
                           lofi_error *err) LOFI_MUST_USE;
/* The files, sorted by name: for hashing and reports. Borrowed. */
size_t lofi_weights_file_count(const lofi_weights *weights);
const char *lofi_weights_file_path(const lofi_weights *weights, size_t index);
/* SHA-256 over the names and contents of the files: the same for the same weights wherever they lie. Reads them all. */
lofi_code lofi_weights_hash(char hex[LOFI_SHA256_HEX], const lofi_weights *weights, lofi_error *err) LOFI_MUST_USE;
/* True when lofi_weights_open would find files in `folder` (nothing is opened). */
bool lofi_weights_present(const char *folder);

#endif
