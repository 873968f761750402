# The GPU part is optional: without it every device slot is empty and says so at run time.
if(LOFI_CUDA)
    include(CheckLanguage)
    check_language(CUDA)
    if(NOT CMAKE_CUDA_COMPILER)
        message(FATAL_ERROR "LOFI_CUDA needs the CUDA compiler nvcc (CUDA 12 or newer) in PATH or in CUDACXX, and none was found.")
    endif()
    enable_language(CUDA)
endif()
