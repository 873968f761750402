/* gaps.h - sentences for the empty slots of descriptors that several operators have in common. */
#ifndef LOFI_OPS_GAPS_H
#define LOFI_OPS_GAPS_H

#define LOFI_CUDA_GAP              "there is no GPU kernel for it: this program calculates on the CPU"
#define LOFI_ONNX_LATER_GAP        "writing networks as ONNX is not part of this program yet"
#define LOFI_ONNX_TRAINING_GAP     "only training uses it, and what is exported is not trained"
#define LOFI_SECOND_DERIVATIVE_GAP "this is a gradient itself, and second derivatives are not used in training"

#endif
