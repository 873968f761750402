# make install PREFIX=DIR: bin/lofi, the aliases beside it, data, manual pages, completion.
file(GLOB data RELATIVE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/config)
foreach(folder IN ITEMS config)
    if(EXISTS ${PROJECT_SOURCE_DIR}/${folder})
        install(DIRECTORY ${folder} DESTINATION share/lofi)
    endif()
endforeach()
install(FILES LICENSE DESTINATION share/doc/lofi)
