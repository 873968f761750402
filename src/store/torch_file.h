/* torch_file.h - the tensors of a file that torch.save wrote (.bin, .pth, .pt): a zip archive since PyTorch 1.6.
 *
 * Nothing in it is executed (store/pickle.h). Tensors are used where they lie in the mapped file; one that is a view with
 * another order of its elements is copied once. Names are those of the dictionary; dictionaries inside of it are joined with a
 * dot. A file that holds no tensor itself, but a dictionary under `state_dict` or `model`, stands for that one.
 * Values that are no tensors (an epoch, hyper-parameters) are passed over.
 */
#ifndef LOFI_STORE_TORCH_FILE_H
#define LOFI_STORE_TORCH_FILE_H

#include "store/safetensors.h"

typedef struct lofi_torch_file lofi_torch_file;

/* *out is yours: lofi_torch_file_close. LOFI_ERR_UNSUPPORTED for files of PyTorch before 1.6, of a big-endian machine, and
 * for pickles that ask for something else than data (the message names it); LOFI_ERR_FORMAT for damaged ones. Messages name
 * the file. */
lofi_code lofi_torch_file_open(lofi_torch_file **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_torch_file_close(lofi_torch_file *file); /* NULL is fine */

const char *lofi_torch_file_path(const lofi_torch_file *file);
/* Sorted by name. Borrowed. */
size_t lofi_torch_file_count(const lofi_torch_file *file);
const lofi_stored_tensor *lofi_torch_file_at(const lofi_torch_file *file, size_t index);
/* NULL when there is none of that name. */
const lofi_stored_tensor *lofi_torch_file_find(const lofi_torch_file *file, const char *name);

#endif
