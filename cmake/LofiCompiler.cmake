# Flags of every file of ours. The baseline processor is x86-64-v2; files in src/kernels set more for themselves and
# choose at run time. No -ffast-math: it removes the checks for NaN. Two guesses of gcc are off: that a message may be
# cut (it may), and that a result may be unset, made without knowing that LOFI_OK means it is set.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_FLAGS_RELEASE "-O3 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")

add_library(lofi_compiler INTERFACE)
target_include_directories(lofi_compiler INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(lofi_compiler INTERFACE
    LOFI_VERSION="${PROJECT_VERSION}" $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=> $<$<BOOL:${LOFI_CUDA}>:LOFI_CUDA>)
set(flags -Wall -Wextra -Wshadow -Werror -fvisibility=hidden -fno-common -fno-math-errno -ffp-contract=off
    -Wstrict-prototypes -Wmissing-prototypes -Wvla -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
    list(APPEND flags -Wno-format-truncation -Wno-maybe-uninitialized)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND flags -march=x86-64-v2)
endif()
if(LOFI_FUZZ)
    list(APPEND flags -fsanitize=fuzzer-no-link -Wno-pass-failed)
endif()
if(LOFI_SANITIZE)
    list(APPEND flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(lofi_compiler INTERFACE -fsanitize=address,undefined)
else()
    list(APPEND flags -fstack-protector-strong $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
endif()
# nvcc has flags of its own; a product and a sum round twice there, too.
target_compile_options(lofi_compiler INTERFACE
    "$<$<COMPILE_LANGUAGE:C>:${flags}>"
    "$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${PROJECT_SOURCE_DIR}/src/base/banned.h>"
    "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-fmad=false -Werror all-warnings -Xcompiler=-Wall,-fvisibility=hidden>")
target_link_options(lofi_compiler INTERFACE -Wl,--as-needed -Wl,-z,relro)
