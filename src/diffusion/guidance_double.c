/* guidance_double.c - separate scales for prompt and lyrics. */
#include "diffusion/guidance.h"

static void apply(const lofi_guidance_call *call) {
    float none = (float)(1 - call->prompt_scale), prompt = (float)(call->prompt_scale - call->lyric_scale);
    float lyric = (float)call->lyric_scale;
    for (int64_t i = 0; i < call->channels * call->plane; i++)
        call->out[i] = none * call->unconditional[i] + prompt * call->prompt_only[i] + lyric * call->conditional[i];
}

const lofi_guidance lofi_guidance_double = {
    .name = "double", .summary = "separate scales for prompt and lyrics", .wants_prompt_only = true, .apply = apply};
