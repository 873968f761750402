/* langid_model.h - the language model of the Python package py3langid (0.3.0), read from its file data/model.plzma: naive
 * Bayes over byte sequences, 97 languages. Private to text/.
 *
 * The file is a pickle in xz. It is not unpickled: the few instructions that such a file consists of are read one after the
 * other, anything else is refused, and nothing is executed.
 */
#ifndef LOFI_TEXT_LANGID_MODEL_H
#define LOFI_TEXT_LANGID_MODEL_H

#include <stddef.h>

#include "base/error.h"

typedef struct lofi_langid lofi_langid;

/* LOFI_ERR_FORMAT for another file, LOFI_ERR_UNSUPPORTED when the program was built without liblzma. */
lofi_code lofi_langid_open(lofi_langid **out, const char *path, lofi_error *err) LOFI_MUST_USE;
void lofi_langid_free(lofi_langid *model); /* NULL is fine */
/* The likeliest language's code; borrowed from the model. */
const char *lofi_langid_classify(const lofi_langid *model, const char *text, size_t size);

#endif
