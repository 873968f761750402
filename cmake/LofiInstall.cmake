# make install PREFIX=DIR: the program, its aliases beside it, data, manual pages, completion. Aliases, manual pages and
# completion are asked of the program itself, so that they are those of its table of commands.
if(EXISTS ${PROJECT_SOURCE_DIR}/config)
    install(DIRECTORY config DESTINATION share/lofi)
endif()
# For 'lofi selftest', which reads of the vocoder only its config.
install(DIRECTORY data/reference DESTINATION share/lofi PATTERN "music_vocoder/*.safetensors" EXCLUDE)
install(FILES LICENSE DESTINATION share/doc/lofi)

# A build folder finds the data of its source tree where an installed program finds its own.
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share/lofi)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/config ${PROJECT_BINARY_DIR}/share/lofi/config SYMBOLIC)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/data/reference ${PROJECT_BINARY_DIR}/share/lofi/reference SYMBOLIC)

if(TARGET lofi)
    install(CODE "
        set(program \"$<TARGET_FILE:lofi>\")
        set(root \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
        include(\"${PROJECT_SOURCE_DIR}/cmake/InstallTexts.cmake\")
    ")
endif()
