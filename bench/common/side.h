/* side.h - what the sides of lofi in measurements share (see sides.py): clocks, memory of the process, and the training example
 * that bench/train_step/peer.py writes.
 */
#ifndef LOFI_BENCH_SIDE_H
#define LOFI_BENCH_SIDE_H

#include "store/safetensors.h"
#include "train/step.h"

/* Time that all threads of this process have had a processor. */
int64_t lofi_side_processor_ns(void);
/* The largest resident size of this process, in bytes; 0 when the system does not tell. */
long long lofi_side_peak_bytes(void);
/* Forgets the largest resident size so far: opening is measured apart from what follows. */
void lofi_side_restart_peak(void);

/* LOFI_ERR_USAGE unless the text is a whole number, at least 0. */
lofi_code lofi_side_whole_number(int64_t *out, const char *text, lofi_error *err) LOFI_MUST_USE;

/* One training example; pointers lead into the file. */
lofi_code lofi_side_example(lofi_step_inputs *out, const lofi_safetensors *file, lofi_error *err) LOFI_MUST_USE;
/* `start.LAYER.lora_A.weight` and `start.LAYER.lora_B.weight` of every adapted layer. */
lofi_code lofi_side_adapter(lofi_adapter *adapter, const lofi_safetensors *file, lofi_error *err) LOFI_MUST_USE;

#endif
