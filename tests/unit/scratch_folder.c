/* scratch_folder.c - see scratch_folder.h. */
#include "scratch_folder.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static char start_folder[LOFI_PATH_MAX], folder[64];

int enter_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/lofi-test-XXXXXX");
    return getcwd(start_folder, sizeof start_folder) == NULL || mkdtemp(folder) == NULL || chdir(folder) != 0;
}

int leave_folder(void **state) {
    (void)state;
    if (chdir(start_folder) != 0) return 1;
    return lofi_path_remove(folder, NULL) == LOFI_OK ? 0 : 1;
}
