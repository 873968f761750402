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
    LOFI_VERSION="${PROJECT_VERSION}" $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>)
target_compile_options(lofi_compiler INTERFACE
    -Wall -Wextra -Wshadow -Werror -fvisibility=hidden -fno-common -fno-math-errno -ffp-contract=off
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
    $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation> $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
    $<$<COMPILE_LANGUAGE:C>:-Wvla>
    "$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${PROJECT_SOURCE_DIR}/src/base/banned.h>")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(lofi_compiler INTERFACE -march=x86-64-v2)
endif()
if(LOFI_FUZZ)
    target_compile_options(lofi_compiler INTERFACE -fsanitize=fuzzer-no-link -Wno-pass-failed)
endif()
if(LOFI_SANITIZE)
    target_compile_options(lofi_compiler INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(lofi_compiler INTERFACE -fsanitize=address,undefined)
else()
    target_compile_options(lofi_compiler INTERFACE
        -fstack-protector-strong $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
endif()
target_link_options(lofi_compiler INTERFACE -Wl,--as-needed -Wl,-z,relro)
