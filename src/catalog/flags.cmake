# The schemas of config/schemas are part of the program: a check cannot be lost with a folder.
include(${PROJECT_SOURCE_DIR}/cmake/LofiEmbed.cmake)
file(GLOB schemas CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/config/schemas/*.schema.json)
lofi_embed(${CMAKE_CURRENT_BINARY_DIR}/schema_texts.c catalog/schema_texts.h lofi_schema_texts ${schemas})
target_sources(${name} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/schema_texts.c)
