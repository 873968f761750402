# Optional libraries for lyrics (cmake/LofiDependencies.cmake): Japanese is read with MeCab, languages are guessed with
# libexttextcat.
if(LOFI_MECAB_FOUND)
    target_compile_definitions(${name} PRIVATE LOFI_HAVE_MECAB)
endif()
if(LOFI_TEXTCAT_FOUND)
    target_compile_definitions(${name} PRIVATE LOFI_HAVE_TEXTCAT)
endif()
if(LOFI_LZMA_FOUND)
    target_compile_definitions(${name} PRIVATE LOFI_HAVE_LZMA)
endif()
