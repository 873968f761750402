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
lofi_need(LOFI_LAPACKE lapacke)

# OpenBLAS and oneDNN are measured beside our kernels by some programs of bench/ and used nowhere else. oneDNN comes without
# a pkg-config file; its CMake files ask for OpenCL, which we do not use.
pkg_check_modules(LOFI_BLAS QUIET IMPORTED_TARGET openblas)
find_path(LOFI_DNNL_INCLUDE oneapi/dnnl/dnnl.h)
find_library(LOFI_DNNL_LIBRARY dnnl)

# MeCab reads Japanese lyrics. Without it those lines are approximated, and reported. src/text/flags.cmake says it is there.
find_path(LOFI_MECAB_INCLUDE mecab.h)
find_library(LOFI_MECAB_LIBRARY mecab)
if(LOFI_MECAB_INCLUDE AND LOFI_MECAB_LIBRARY)
    set(LOFI_MECAB_FOUND ON)
    add_library(PkgConfig::LOFI_MECAB INTERFACE IMPORTED)
    target_include_directories(PkgConfig::LOFI_MECAB INTERFACE ${LOFI_MECAB_INCLUDE})
    target_link_libraries(PkgConfig::LOFI_MECAB INTERFACE ${LOFI_MECAB_LIBRARY})
endif()
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

# Most of them are loaded by the program when it first uses them (src/base/library.h says why and how): their folder takes the
# headers, and as LOFI_FILE_NAME the name of the file, as the loader knows it, and links none of them.
function(lofi_load_when_used folder target)
    if(NOT TARGET lofi_loaded_${folder})
        add_library(lofi_loaded_${folder} INTERFACE)
    endif()
    get_target_property(files PkgConfig::${target} INTERFACE_LINK_LIBRARIES)
    get_target_property(includes PkgConfig::${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(includes)
        target_include_directories(lofi_loaded_${folder} SYSTEM INTERFACE ${includes})
    endif()
    foreach(name IN LISTS ARGN)
        set(file ${files})
        list(FILTER file INCLUDE REGEX "/lib${name}[-.0-9]*\\.so$")
        execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C ${CMAKE_READELF} -d ${file} OUTPUT_VARIABLE dynamic ERROR_QUIET)
        if(NOT dynamic MATCHES "\\(SONAME\\)[^[]*\\[([^]]+)\\]")
            message(FATAL_ERROR "There is no shared library lib${name}, which is to be loaded when it is first used, among: ${files}")
        endif()
        target_compile_definitions(lofi_loaded_${folder} INTERFACE LOFI_FILE_${name}="${CMAKE_MATCH_1}")
        # A build finds what is not where the system looks, as a linked library would be found.
        cmake_path(GET file PARENT_PATH place)
        if(NOT place IN_LIST CMAKE_C_IMPLICIT_LINK_DIRECTORIES)
            set(CMAKE_BUILD_RPATH ${CMAKE_BUILD_RPATH} ${place})
        endif()
    endforeach()
    set(CMAKE_BUILD_RPATH ${CMAKE_BUILD_RPATH} PARENT_SCOPE)
endfunction()

lofi_load_when_used(base LOFI_CRYPTO crypto)
lofi_load_when_used(audio LOFI_FFMPEG avformat avcodec swresample avutil)
lofi_load_when_used(audio LOFI_EBUR128 ebur128)
lofi_load_when_used(audio LOFI_CHROMAPRINT chromaprint)
lofi_load_when_used(text LOFI_ICU icuuc icui18n)
lofi_load_when_used(kernels LOFI_LAPACKE lapacke)
if(LOFI_MECAB_FOUND)
    lofi_load_when_used(text LOFI_MECAB mecab)
endif()
if(LOFI_TEXTCAT_FOUND)
    lofi_load_when_used(text LOFI_TEXTCAT exttextcat)
endif()
if(LOFI_LZMA_FOUND)
    lofi_load_when_used(text LOFI_LZMA lzma)
endif()

set(LOFI_LIBRARIES_base lofi_loaded_base PkgConfig::LOFI_JANSSON OpenMP::OpenMP_C Threads::Threads ${CMAKE_DL_LIBS} m)
set(LOFI_LIBRARIES_audio lofi_loaded_audio)
set(LOFI_LIBRARIES_catalog ${LOFI_CSV_LIBRARY})
set(LOFI_LIBRARIES_text lofi_loaded_text)
set(LOFI_LIBRARIES_kernels lofi_loaded_kernels)
if(LOFI_EDITLINE_FOUND)
    set(LOFI_LIBRARIES_cli PkgConfig::LOFI_EDITLINE)
endif()
