/* library.h - libraries of others that are loaded when they are first used, so that a command waits only for those that it
 * needs: FFmpeg alone brings a hundred more.
 *
 * The code that uses such a library includes its header and calls its functions as ever. A file of each folder,
 * FOLDER_libraries.c, stands in for what would be linked: for every function that is called it has one of the same name and
 * signature, which finds the real one at its first call. One whose signature is not that of the library's header does not
 * compile, and a function that is called and is not there does not link. What is preloaded (LD_PRELOAD) is found first, as if
 * the library were linked.
 *
 * A library that is missing is a mistake of the world: an entry point of a folder opens what it is about to call, and returns
 * the failure. A call without that works, too, but can only end the program when the library is not there.
 */
#ifndef LOFI_BASE_LIBRARY_H
#define LOFI_BASE_LIBRARY_H

#include "base/error.h"

typedef struct lofi_library {
    const char *file;    /* "libavformat.so.59": the name by which the loader knows what the build has found */
    const char *package; /* of Debian; NULL: named after the file by Debian's rule, "libavformat59" */
    void *handle;        /* NULL until it is loaded, which it then stays */
} lofi_library;

/* Loads the library unless it is there already; any thread may. LOFI_ERR_IO with the package as the hint when it cannot
 * be loaded. To be called before worker processes are forked (workers.h), so that they share it. */
lofi_code lofi_library_open(lofi_library *library, lofi_error *err) LOFI_MUST_USE;
/* All of a list that ends with NULL. */
lofi_code lofi_libraries_open(lofi_library *const *list, lofi_error *err) LOFI_MUST_USE;

/* For LOFI_IMPORTED: the function of that name. Ends the program where there is none. */
void *lofi_library_find(lofi_library *library, const char *function);

/* The function of a library, found once; for functions of the same name and signature:
 *     void *av_malloc(size_t size) {
 *         return LOFI_IMPORTED(avutil, av_malloc)(size);
 *     } */
#define LOFI_IMPORTED(library, name)                                                                                   \
    ({                                                                                                                 \
        static __typeof__(name) *function_;                                                                            \
        __typeof__(name) *found_ = __atomic_load_n(&function_, __ATOMIC_RELAXED);                                      \
        if (found_ == NULL) {                                                                                          \
            found_ = (__typeof__(name) *)lofi_library_find(&lofi_library_##library, LOFI_NAME_OF(name));               \
            __atomic_store_n(&function_, found_, __ATOMIC_RELAXED);                                                    \
        }                                                                                                              \
        found_;                                                                                                        \
    })
/* The name that the library knows: ICU's header makes u_charType to u_charType_72. */
#define LOFI_NAME_OF(name)      LOFI_NAME_AS_TEXT(name)
#define LOFI_NAME_AS_TEXT(name) #name

#endif
