/* bad_decoder.c - a library to preload that makes FFmpeg's decoders behave as badly as a hostile file could.
 *
 * What happens at the first frame depends on the name of the file that was opened last: "CRASH" in it is a segmentation fault,
 * "HANG" an endless loop, "HUNGRY" memory allocated without end until that fails, "EXIT" the end of the process.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char opened[4096];

static void *real(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) abort();
    return function;
}

static int open_it(const char *name, const char *path, int flags, int mode) {
    strncpy(opened, path, sizeof opened - 1);
    return ((int (*)(const char *, int, int))real(name))(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    return open_it("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    int mode = va_arg(arguments, int);
    va_end(arguments);
    return open_it("open64", path, flags, mode);
}

struct AVCodecContext;
struct AVFrame;
int avcodec_receive_frame(struct AVCodecContext *context, struct AVFrame *frame);

int avcodec_receive_frame(struct AVCodecContext *context, struct AVFrame *frame) {
    if (strstr(opened, "CRASH")) raise(SIGSEGV);
    if (strstr(opened, "EXIT")) _exit(3);
    while (strstr(opened, "HANG")) sleep(1);
    while (strstr(opened, "HUNGRY")) {
        char *memory = malloc(1 << 20);
        if (!memory) return -12; /* AVERROR(ENOMEM) */
        memset(memory, 1, 1 << 20);
    }
    return ((int (*)(struct AVCodecContext *, struct AVFrame *))real("avcodec_receive_frame"))(context, frame);
}
