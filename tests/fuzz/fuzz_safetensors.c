/* Files of safetensors: header and data. Every tensor is read as numbers. */
#include "fuzz.h"
#include "store/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    double sum = 0;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_safetensors *file = NULL;
    if (lofi_safetensors_open(&file, fuzz_file(data, size), &err) != LOFI_OK) return 0;
    for (size_t i = 0; i < lofi_safetensors_count(file); i++) {
        const lofi_stored_tensor *tensor = lofi_safetensors_at(file, i);
        for (size_t j = 0; j < tensor->count; j++) {
            double value;
            lofi_stored_read_f64(tensor, j, &value, 1);
            sum += value;
        }
    }
    fuzz_use(&sum); /* so that it is read */
    lofi_safetensors_close(file);
    return 0;
}
