# Nobody reads the processor's flags of floating-point exceptions. Supposing that somebody does keeps gcc from computing both sides
# of a choice (x < a ? b : c), and loops with one in them from becoming vector code, unless the processor has masks as with AVX-512.
# Results are the same, NaN included.
target_compile_options(${name} PRIVATE -fno-trapping-math)
# Products in registers are written for fused multiply-add; everything else rounds twice, as PyTorch's plain loops do.
set_source_files_properties(kernels/gemm_tile.c PROPERTIES COMPILE_OPTIONS "-ffp-contract=fast")
