# The libraries of others, each with the one folder of src/ that may use it (tools/check_sources checks the includes).
# Debian packages: tools/install-dependencies; reasons and licences: docs/dependencies.md.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)

function(lofi_need target)
    pkg_check_modules(${target} QUIET IMPORTED_TARGET ${ARGN})
    if(NOT ${target}_FOUND)
        message(FATAL_ERROR "Missing: ${ARGN}. 'tools/install-dependencies build' installs what the build needs on Debian 12.")
    endif()
endfunction()

lofi_need(LOFI_JANSSON jansson>=2.13)
lofi_need(LOFI_EBUR128 libebur128>=1.2.4)
lofi_need(LOFI_CHROMAPRINT libchromaprint>=1.4)
lofi_need(LOFI_CRYPTO libcrypto>=3.0)
lofi_need(LOFI_FFMPEG libavformat>=59 libavcodec>=59 libswresample>=4 libavutil>=57)
lofi_need(LOFI_ICU icu-uc icu-i18n)
lofi_need(LOFI_BLAS openblas)
lofi_need(LOFI_LAPACKE lapacke)

# oneDNN is measured beside our kernels by some programs of bench/ and used nowhere else. It comes without a pkg-config
# file; its CMake files ask for OpenCL, which we do not use.
find_path(LOFI_DNNL_INCLUDE oneapi/dnnl/dnnl.h)
find_library(LOFI_DNNL_LIBRARY dnnl)

# MeCab reads Japanese lyrics. Without it those lines are approximated, and reported. src/text/flags.cmake says it is there.
find_path(LOFI_MECAB_INCLUDE mecab.h)
find_library(LOFI_MECAB_LIBRARY mecab)
# libexttextcat tells languages in Latin letters apart. Without it lyrics in them are taken for English unless told.
pkg_check_modules(LOFI_TEXTCAT QUIET IMPORTED_TARGET libexttextcat)
# liblzma opens py3langid's model, which tells the languages of a song apart as upstream does.
pkg_check_modules(LOFI_LZMA QUIET IMPORTED_TARGET liblzma)
# libedit edits the lines that are typed in 'lofi prompt interactive'. Without it they are read plainly. src/cli/flags.cmake
# says it is there.
pkg_check_modules(LOFI_EDITLINE QUIET IMPORTED_TARGET libedit)

# libcsv reads and writes spreadsheets; it comes without a pkg-config file.
find_path(LOFI_CSV_INCLUDE csv.h)
find_library(LOFI_CSV_LIBRARY csv)
if(NOT LOFI_CSV_INCLUDE OR NOT LOFI_CSV_LIBRARY)
    message(FATAL_ERROR "Missing: libcsv. 'tools/install-dependencies build' installs what the build needs on Debian 12.")
endif()

set(LOFI_LIBRARIES_base PkgConfig::LOFI_JANSSON PkgConfig::LOFI_CRYPTO OpenMP::OpenMP_C Threads::Threads m)
set(LOFI_LIBRARIES_audio PkgConfig::LOFI_FFMPEG PkgConfig::LOFI_EBUR128 PkgConfig::LOFI_CHROMAPRINT)
set(LOFI_LIBRARIES_catalog ${LOFI_CSV_LIBRARY})
set(LOFI_LIBRARIES_text PkgConfig::LOFI_ICU)
set(LOFI_LIBRARIES_kernels PkgConfig::LOFI_LAPACKE PkgConfig::LOFI_BLAS)
if(LOFI_MECAB_INCLUDE AND LOFI_MECAB_LIBRARY)
    list(APPEND LOFI_LIBRARIES_text ${LOFI_MECAB_LIBRARY})
endif()
if(LOFI_TEXTCAT_FOUND)
    list(APPEND LOFI_LIBRARIES_text PkgConfig::LOFI_TEXTCAT)
endif()
if(LOFI_LZMA_FOUND)
    list(APPEND LOFI_LIBRARIES_text PkgConfig::LOFI_LZMA)
endif()
if(LOFI_EDITLINE_FOUND)
    set(LOFI_LIBRARIES_cli PkgConfig::LOFI_EDITLINE)
endif()
