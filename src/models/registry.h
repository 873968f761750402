/* registry.h - the networks of a checkpoint folder (models/list.h), to be gone through. */
#ifndef LOFI_MODELS_REGISTRY_H
#define LOFI_MODELS_REGISTRY_H

#include "models/model.h"

size_t lofi_model_count(void);
const lofi_model *lofi_model_at(size_t index);
/* By the name of its folder; NULL when there is none. */
const lofi_model *lofi_model_find(const char *name);

#endif
