# Included for every folder of src/ by a build with LOFI_CUDA_EMULATED: `folder`, its `sources`, of which the `device_sources` are .cu
# files. Fused multiply-add, which kernels ask for by name, is a call of a library without the processor's own.
set(emulation ${PROJECT_SOURCE_DIR}/tests/cuda)
set(flags -Wall -Werror -Wno-unknown-pragmas -Wno-sign-compare -Wno-maybe-uninitialized -fvisibility=hidden -fno-math-errno
    -ffp-contract=off -fno-exceptions -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND flags -march=x86-64-v3)
endif()
if(LOFI_SANITIZE)
    list(APPEND flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
set_source_files_properties(${device_sources} PROPERTIES LANGUAGE CXX OBJECT_DEPENDS ${emulation}/emulated.h
    COMPILE_OPTIONS "-include;${emulation}/emulated.h;${flags}")
if(folder STREQUAL kernels)
    list(FILTER sources EXCLUDE REGEX "/cuda\\.c$")
    set(stand_in ${emulation}/emulated.cpp ${emulation}/emulated_cuda.cpp)
    set_source_files_properties(${stand_in} PROPERTIES COMPILE_OPTIONS "${flags}")
    list(APPEND sources ${stand_in})
endif()
