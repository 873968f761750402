# Products in registers are written for fused multiply-add; everything else rounds twice, as PyTorch's plain loops do.
set_source_files_properties(kernels/gemm_tile.c PROPERTIES COMPILE_OPTIONS "-ffp-contract=fast")
