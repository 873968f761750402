/* residence.h - where the parameters of one graph lie on a device, and its external results. Inside of graph/ only.
 *
 * Copies are shared by every session of the device that uses the same memory of the caller (encoder and decoder of one model,
 * training and held-out loss). Parameters that do not change are copied once. Trainable ones are carried over before every run,
 * and external results (gradients) back after it, unless the device holds them (lofi_device_hold); what lies side by side in the
 * caller's memory, as an adapter does, travels in one piece.
 */
#ifndef LOFI_GRAPH_RESIDENCE_H
#define LOFI_GRAPH_RESIDENCE_H

#include "graph/device.h"

typedef struct lofi_residence lofi_residence;

/* views: one per tensor, for the sizes. The data of all parameters and external tensors must be set. *out is yours. */
lofi_code lofi_residence_new(lofi_residence **out, lofi_device *device, const lofi_graph *graph, const lofi_view *views,
                             lofi_error *err) LOFI_MUST_USE;
void lofi_residence_free(lofi_residence *residence); /* NULL is fine */

/* Per tensor: its memory on the device; NULL for tensors that are neither parameters nor external. */
void *const *lofi_residence_places(const lofi_residence *residence);
/* Trainable parameters to the device. */
lofi_code lofi_residence_upload(lofi_residence *residence, lofi_error *err) LOFI_MUST_USE;
/* External results to the caller's memory. */
lofi_code lofi_residence_download(lofi_residence *residence, lofi_error *err) LOFI_MUST_USE;

#endif
