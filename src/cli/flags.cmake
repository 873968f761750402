# Optional: lines that are typed are edited with libedit (cmake/LofiDependencies.cmake).
if(LOFI_EDITLINE_FOUND)
    target_compile_definitions(${name} PRIVATE LOFI_HAVE_EDITLINE)
endif()
