/* Files of torch.save: archive, pickle, tensors. Every byte of every tensor is read. */
#include "fuzz.h"
#include "store/torch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned sum = 0;
    lofi_error err = LOFI_ERROR_INIT;
    lofi_torch_file *file = NULL;
    if (lofi_torch_file_open(&file, fuzz_file(data, size), &err) != LOFI_OK) return 0;
    for (size_t i = 0; i < lofi_torch_file_count(file); i++) {
        const lofi_stored_tensor *tensor = lofi_torch_file_at(file, i);
        for (size_t j = 0; j < tensor->bytes; j++) sum += ((const unsigned char *)tensor->data)[j];
    }
    fuzz_use(&sum); /* so that it is read */
    lofi_torch_file_close(file);
    return 0;
}
