/* lora_file.h - adapters as files, with the same effect at strength 1 in every program.
 *
 * Two files hold one adapter:
 *   pytorch_lora_weights.safetensors   for ACE-Step, diffusers and ComfyUI. Their loaders have no place to read a scale from
 *       (diffusers and ACE-Step apply alpha = rank), so B is stored already multiplied by the scale, and every layer has one
 *       scalar LAYER.alpha equal to its rank for the loaders that divide it by the rank (ComfyUI).
 *   adapter_config.json + adapter_model.safetensors   for PEFT: A and B as trained; the config says rank, alpha and rslora.
 */
#ifndef LOFI_LORA_LORA_FILE_H
#define LOFI_LORA_LORA_FILE_H

#include <jansson.h>

#include "base/log.h"
#include "lora/lora.h"

#define LOFI_LORA_DIFFUSERS_FILE "pytorch_lora_weights.safetensors"
#define LOFI_LORA_PEFT_FILE      "adapter_model.safetensors"
#define LOFI_LORA_PEFT_CONFIG    "adapter_config.json"

/* Writes the three files into an existing folder. `metadata`: an object of strings that is added to both headers (program,
 * dataset hash, base model hash), or NULL. */
lofi_code lofi_adapter_save(const lofi_adapter *adapter, const char *folder, const json_t *metadata,
                            lofi_error *err) LOFI_MUST_USE;

/* Reads an adapter: a folder with one of the forms above (PEFT first), or a .safetensors file. Names with the prefixes
 * `base_model.model.`, `transformer.` and `diffusion_model.`, and the factors lora_A/lora_B or lora_down/lora_up are known. The
 * scale comes from adapter_config.json, from the .alpha tensors, or from the metadata; where none says, it is 1, and a
 * warning names the strength that alpha 32 at that rank would need. Every layer must be in `table` with its sizes: all that
 * do not fit are named in one error. The values come back as f32. *out is yours. */
lofi_code lofi_adapter_load(lofi_adapter **out, const char *path, const lofi_weight_table *table, lofi_log *log,
                            lofi_error *err) LOFI_MUST_USE;

/* An adapter, at so many times its own effect. */
typedef struct lofi_adapter_choice {
    const char *path;
    float strength;
} lofi_adapter_choice;
/* Several of them as one: lofi_adapter_load and lofi_adapter_combine. *out is yours. */
lofi_code lofi_adapter_load_all(lofi_adapter **out, const lofi_adapter_choice *choices, size_t count,
                                const lofi_weight_table *table, lofi_log *log, lofi_error *err) LOFI_MUST_USE;

/* As lofi_adapter_load, but the factors stay in the mapped file: adapter->values is NULL, and lofi_adapter_read gives those of one
 * layer. For adapters that need not be in memory as a whole. */
lofi_code lofi_adapter_open(lofi_adapter **out, const char *path, const lofi_weight_table *table, lofi_log *log,
                            lofi_error *err) LOFI_MUST_USE;
/* a: [rank, in], b: [out, rank] of a layer of an opened adapter. */
void lofi_adapter_read(const lofi_adapter *adapter, const lofi_lora_layer *layer, float *a, float *b);

#endif
