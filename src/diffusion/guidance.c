/* guidance.c - the list of guidances. */
#include "diffusion/guidance.h"

#include <string.h>

#define LOFI_GUIDANCE(name) extern const lofi_guidance lofi_guidance_##name;
#include "diffusion/guidances.h"

static const lofi_guidance *const all[] = {
#define LOFI_GUIDANCE(name) &lofi_guidance_##name,
#include "diffusion/guidances.h"
};

const lofi_guidance *lofi_guidance_at(size_t index) {
    return index < sizeof all / sizeof *all ? all[index] : NULL;
}

const lofi_guidance *lofi_guidance_find(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0) return all[i];
    return NULL;
}
