/* guidance.h - how the answers of the network with and without the prompt become one.
 *
 * Must match acestep/apg_guidance.py. With c the answer to prompt and lyrics, u the one to nothing (or to something
 * weaker), g the guidance scale:
 *     cfg       u + g (c - u)                                              (Ho and Salimans, arXiv 2207.12598)
 *     cfg_star  a u + g (c - a u), a = c.u / |u|^2; nothing in the first two steps (CFG-Zero*, arXiv 2503.18886)
 *     apg       c + (g - 1) d, d the part of the averaged and shortened c - u that is orthogonal to c (arXiv 2410.02416)
 *     double    (1 - t) u + (t - l) p + l c, p the answer to the prompt alone, with scales t for it and l for lyrics
 *
 * To add a guidance: write src/diffusion/guidance_NAME.c ending in one `const lofi_guidance lofi_guidance_NAME`, and put
 * one line into src/diffusion/guidances.h.
 */
#ifndef LOFI_DIFFUSION_GUIDANCE_H
#define LOFI_DIFFUSION_GUIDANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One guided step. All arrays are [channels, plane]: a plane is height times frames. */
typedef struct lofi_guidance_call {
    const float *conditional, *unconditional;
    const float *prompt_only; /* NULL unless wants_prompt_only                                      */
    float *out;               /* none of the others                                                 */
    float *memory;            /* kept from step to step, zero before the first; NULL unless remembers */
    int64_t channels, plane;
    int64_t step;                     /* the evaluation, from 0                                      */
    double scale;                     /* of this step                                                */
    double prompt_scale, lyric_scale; /* of double guidance                                         */
} lofi_guidance_call;

typedef struct lofi_guidance {
    const char *name;    /* "apg" */
    const char *summary; /* half a sentence for the user */
    bool remembers, wants_prompt_only;
    void (*apply)(const lofi_guidance_call *call);
} lofi_guidance;

/* By its name, or by number from 0; NULL when there is none. */
const lofi_guidance *lofi_guidance_find(const char *name);
const lofi_guidance *lofi_guidance_at(size_t index);

/* Not in the list: what a prompt scale and a lyric scale above 1 ask for, whichever guidance is named. */
extern const lofi_guidance lofi_guidance_double;

#endif
