/* Arrow IPC streams of datasets: schema and batches. */
#include "fuzz.h"
#include "store/arrow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    lofi_error err = LOFI_ERROR_INIT;
    lofi_arrow_file *file = NULL;
    if (lofi_arrow_open(&file, fuzz_file(data, size), &err) == LOFI_OK) lofi_arrow_close(file);
    return 0;
}
