/* cmd_doctor.c - what this program finds on this machine: what works, what is missing, what to do. */
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "audio/audio_libraries.h"
#include "base/base_libraries.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/context.h"
#include "graph/devices.h"
#include "kernels/kernel_libraries.h"
#include "onnx/runtime.h"
#include "text/lyric_tokenizer.h"
#include "text/text_libraries.h"

#define GIBIBYTE 1073741824.0
#define MAX_GPUS 16

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

typedef struct examination {
    lofi_context *context;
    json_t *report;   /* what --json prints */
    json_t *problems; /* [{what, hint}] inside it */
} examination;

static void add_problem(examination *doctor, const char *hint, const char *format, ...) LOFI_PRINTF(3, 4);

static void add_problem(examination *doctor, const char *hint, const char *format, ...) {
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    json_array_append_new(doctor->problems, json_pack("{s:s, s:s}", "what", what, "hint", hint));
}

static void line(const examination *doctor, const char *label, const char *format, ...) LOFI_PRINTF(3, 4);

static void line(const examination *doctor, const char *label, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lofi_print(doctor->context, "%-14s %s", label, text);
}

/* ---- processor ---- */

/* The text behind the first "KEY  : " of /proc/cpuinfo, or "". */
static void find_cpuinfo(char *out, size_t size, const char *key) {
    out[0] = '\0';
    lofi_buffer text = LOFI_BUFFER_INIT;
    if (lofi_file_read(&text, "/proc/cpuinfo", (size_t)16 << 20, NULL) == LOFI_OK) {
        for (const char *at = lofi_buffer_str(&text); *at != '\0';) {
            size_t length = strcspn(at, "\n");
            const char *colon = memchr(at, ':', length);
            if (colon != NULL && strncmp(at, key, strlen(key)) == 0) {
                const char *value = colon + 1 + (colon[1] == ' ');
                snprintf(out, size, "%.*s", (int)(at + length - value), value);
                break;
            }
            at += length + (at[length] == '\n');
        }
    }
    lofi_buffer_free(&text);
}

static bool has_word(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length) {
        bool starts = at == words || at[-1] == ' ';
        if (starts && (at[length] == ' ' || at[length] == '\0')) return true;
    }
    return false;
}

static void look_at_processor(examination *doctor) {
    static const char *const interesting[] = {"sse4_2",  "avx",         "avx2",        "fma",      "f16c",
                                              "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8"};
    char model[256], flags[8192];
    find_cpuinfo(model, sizeof model, "model name");
    find_cpuinfo(flags, sizeof flags, "flags");
    json_t *found = json_array();
    lofi_buffer list = LOFI_BUFFER_INIT;
    for (size_t i = 0; i < sizeof interesting / sizeof interesting[0]; i++) {
        if (!has_word(flags, interesting[i])) continue;
        json_array_append_new(found, json_string(interesting[i]));
        lofi_buffer_printf(&list, " %s", interesting[i]);
    }
    int threads = lofi_threads_available();
    json_object_set_new(doctor->report, "processor",
                        json_pack("{s:s, s:o, s:i}", "model", model, "features", found, "threads", threads));
    line(doctor, "processor", "%s, %d thread%s", *model == '\0' ? "unknown" : model, threads, threads == 1 ? "" : "s");
    line(doctor, "", "features:%s", list.size == 0 ? " none known" : lofi_buffer_str(&list));
    lofi_buffer_free(&list);
    if (*flags != '\0' && !has_word(flags, "avx2"))
        add_problem(doctor, "training works, but is several times slower than on a processor with AVX2",
                    "this processor has no AVX2");
}

/* ---- ONNX Runtime ---- */

/* Missing is no problem: only verifying an export needs it. */
static void look_at_onnx_runtime(examination *doctor) {
    lofi_onnx_runtime *runtime = NULL;
    lofi_error err = LOFI_ERROR_INIT;
    if (lofi_onnx_runtime_open(&runtime, NULL, &err) == LOFI_OK) {
        json_object_set_new(doctor->report, "onnxruntime",
                            json_pack("{s:s, s:s}", "version", lofi_onnx_runtime_version(runtime), "path",
                                      lofi_onnx_runtime_path(runtime)));
        line(doctor, "ONNX Runtime", "%s, %s", lofi_onnx_runtime_version(runtime), lofi_onnx_runtime_path(runtime));
    } else {
        json_object_set_new(doctor->report, "onnxruntime", json_null());
        line(doctor, "ONNX Runtime", "%s; 'lofi export --verify' needs it: pip install onnxruntime", err.message);
    }
    lofi_onnx_runtime_close(runtime);
}

/* ---- memory, disk ---- */

static double available_memory(void) {
    lofi_buffer text = LOFI_BUFFER_INIT;
    double bytes = 0;
    if (lofi_file_read(&text, "/proc/meminfo", 65536, NULL) == LOFI_OK) {
        const char *at = strstr(lofi_buffer_str(&text), "MemAvailable:");
        if (at != NULL) bytes = strtod(at + strlen("MemAvailable:"), NULL) * 1024;
    }
    lofi_buffer_free(&text);
    return bytes;
}

static void look_at_memory(examination *doctor) {
    struct sysinfo info;
    double total = sysinfo(&info) == 0 ? (double)info.totalram * info.mem_unit : 0;
    double available = available_memory();
    json_object_set_new(doctor->report, "memory",
                        json_pack("{s:I, s:I}", "bytes", (json_int_t)total, "available_bytes", (json_int_t)available));
    line(doctor, "memory", "%.1f GiB, %.1f GiB of it available", total / GIBIBYTE, available / GIBIBYTE);
    if (available > 0 && available < GIBIBYTE)
        add_problem(doctor, "close other programs, or train with a smaller model",
                    "only %.1f GiB of memory are available", available / GIBIBYTE);
}

static lofi_code look_at_disk(examination *doctor, lofi_error *err) {
    char folder[LOFI_PATH_MAX];
    struct statvfs info;
    if (getcwd(folder, sizeof folder) == NULL || statvfs(".", &info) != 0)
        return lofi_fail_errno(err, errno, "cannot look at the working folder");
    double available = (double)info.f_bavail * (double)info.f_frsize;
    bool writable = access(".", W_OK) == 0;
    json_object_set_new(doctor->report, "disk",
                        json_pack("{s:s, s:I, s:b}", "folder", folder, "available_bytes", (json_int_t)available,
                                  "writable", writable ? 1 : 0));
    line(doctor, "disk", "%.1f GiB free in '%s'", available / GIBIBYTE, folder);
    if (available < GIBIBYTE)
        add_problem(doctor, "free some space, or work in a folder on another disk", "only %.2f GiB are free in '%s'",
                    available / GIBIBYTE, folder);
    if (!writable) add_problem(doctor, "work in a folder that you may write", "'%s' cannot be written", folder);
    return LOFI_OK;
}

/* ---- devices ---- */

/* 13000 is 13.0. */
static const char *cuda_version(char text[16], int version) {
    snprintf(text, 16, "%d.%d", version / 1000, version % 1000 / 10);
    return text;
}

static void tell_gpu(examination *doctor, json_t *devices, const lofi_device_facts *gpu) {
    char driver[16], runtime[16], capability[16];
    snprintf(capability, sizeof capability, "%d.%d", gpu->capability / 10, gpu->capability % 10);
    json_t *entry = json_pack("{s:s, s:b, s:s, s:I, s:I, s:s, s:s, s:s}", "name", gpu->name, "usable", !*gpu->reason,
                              "model", gpu->model, "memory_bytes", (json_int_t)gpu->memory_bytes, "free_bytes",
                              (json_int_t)gpu->free_bytes, "capability", capability, "driver_cuda",
                              cuda_version(driver, gpu->driver), "cuda", cuda_version(runtime, gpu->runtime));
    if (*gpu->reason) json_object_set_new(entry, "reason", json_string(gpu->reason));
    json_array_append_new(devices, entry);
    const char *model = *gpu->model ? gpu->model : "unknown";
    if (*gpu->reason)
        line(doctor, "", "%s: %s, cannot be used: %s", gpu->name, model, gpu->reason);
    else
        line(doctor, "", "%s: %s, %.1f GiB, %.1f GiB of it free, capability %s, CUDA %s (the driver serves up to %s)",
             gpu->name, model, (double)gpu->memory_bytes / GIBIBYTE, (double)gpu->free_bytes / GIBIBYTE, capability,
             runtime, driver);
}

/* Nothing is said of GPUs where there is neither a driver nor a build that could use one. */
static void tell_no_gpu(examination *doctor, json_t *devices, const char *reason) {
    bool driver = lofi_path_exists("/proc/driver/nvidia/version"), wanted = lofi_device_built_for_cuda();
    if (driver || wanted)
        json_array_append_new(devices, json_pack("{s:s, s:b, s:s}", "name", "cuda", "usable", 0, "reason", reason));
    if (wanted)
        line(doctor, "devices", "cpu; no GPU that CUDA can use: %s", reason);
    else if (driver)
        line(doctor, "devices",
             "cpu; an NVIDIA driver is there, but %s: build with the preset 'cuda' (docs/building.md)", reason);
    else
        line(doctor, "devices", "cpu");
}

/* A GPU that is missing or cannot be used is no problem: nothing needs one. */
static void look_at_devices(examination *doctor) {
    lofi_device_facts gpus[MAX_GPUS];
    char reason[256];
    json_t *devices = json_pack("[{s:s, s:b}]", "name", "cpu", "usable", 1);
    size_t count = lofi_device_list_cuda(gpus, MAX_GPUS, reason);
    if (count == 0) {
        tell_no_gpu(doctor, devices, reason);
    } else {
        line(doctor, "devices", "cpu");
        for (size_t i = 0; i < count && i < MAX_GPUS; i++) tell_gpu(doctor, devices, &gpus[i]);
    }
    json_object_set_new(doctor->report, "devices", devices);
}

/* ---- environment ---- */

static void look_at_environment(examination *doctor) {
    json_t *list = json_array();
    for (const lofi_variable *variable = lofi_variables; variable->name != NULL; variable++) {
        const char *value = getenv(variable->name), *path = NULL;
        bool set = value != NULL && *value != '\0';
        lofi_error problem = LOFI_ERROR_INIT;
        if (!set) value = variable->fallback;
        bool right = lofi_environment_path(&path, doctor->context, variable->name, &problem) == LOFI_OK;
        bool there = right && (!variable->path || lofi_path_exists(path));
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b}", "name", variable->name, "value", value, "set",
                                              set ? 1 : 0, "found", there ? 1 : 0));
        line(doctor, variable == lofi_variables ? "environment" : "", "%s: %s%s%s", variable->name, value,
             set ? "" : " (default)",
             there ? ""
             : set ? ", does not exist"
                   : ", not there yet");
        if (!right) add_problem(doctor, problem.hint, "%s", problem.message);
    }
    json_object_set_new(doctor->report, "environment", list);
}

/* ---- lyrics ---- */

static void look_at_lyrics(examination *doctor) {
    lofi_lyric_support list[LOFI_LYRIC_SUPPORTS];
    json_t *found = json_array();
    lofi_lyric_support_look(list);
    for (size_t i = 0; i < LOFI_LYRIC_SUPPORTS; i++) {
        line(doctor, i == 0 ? "lyrics" : "", "%s: %s", list[i].what, list[i].meaning);
        json_array_append_new(found, json_pack("{s:s, s:b, s:s}", "name", list[i].what, "found", list[i].there ? 1 : 0,
                                               "meaning", list[i].meaning));
    }
    json_object_set_new(doctor->report, "lyrics", found);
}

/* ---- libraries ---- */

/* The libraries that do the work, by the beginnings of their file names. */
static const char *const known_libraries[] = {
    "libavformat", "libavcodec",        "libswresample", "libavutil", "libebur128", "libchromaprint",
    "liblapacke",  "libgomp",           "libomp",        "libicuuc",  "libjansson", "libcrypto",
    "libmecab",    "libexttextcat-2.0", "liblzma",       "libedit",   "libcsv",     "libcublas"};

typedef struct library_list {
    json_t *found;
    lofi_buffer text;
} library_list;

/* The version is in the name of the file that the loaded name leads to: libjansson.so.4 -> libjansson.so.4.14.0. */
static int note_library(struct dl_phdr_info *info, size_t size, void *user) {
    (void)size;
    library_list *list = user;
    char resolved[LOFI_PATH_MAX];
    if (info->dlpi_name == NULL || realpath(info->dlpi_name, resolved) == NULL) return 0;
    const char *loaded = lofi_path_base(info->dlpi_name), *file = lofi_path_base(resolved);
    for (size_t i = 0; i < sizeof known_libraries / sizeof known_libraries[0]; i++) {
        size_t length = strlen(known_libraries[i]);
        if (strncmp(loaded, known_libraries[i], length) != 0 || isalpha((unsigned char)loaded[length])) continue;
        const char *version = strstr(file, ".so.");
        version = version == NULL ? file : version + 4;
        json_array_append_new(list->found, json_pack("{s:s, s:s}", "name", known_libraries[i], "version", version));
        lofi_buffer_printf(&list->text, "%s%s %s", list->text.size > 0 ? ", " : "", known_libraries[i] + 3, version);
    }
    return 0;
}

/* Loads what other commands load when they need it: the versions in use are known then, and what is missing. */
static void load_libraries(examination *doctor) {
    lofi_library *const *const folders[] = {lofi_audio_libraries, lofi_kernel_libraries, lofi_text_libraries,
                                            lofi_base_libraries};
    for (size_t folder = 0; folder < sizeof folders / sizeof folders[0]; folder++)
        for (lofi_library *const *library = folders[folder]; *library != NULL; library++) {
            lofi_error problem = LOFI_ERROR_INIT;
            if (lofi_library_open(*library, &problem) != LOFI_OK)
                add_problem(doctor, problem.hint, "%s", problem.message);
        }
}

static void look_at_libraries(examination *doctor) {
    load_libraries(doctor);
    library_list list = {.found = json_array(), .text = LOFI_BUFFER_INIT};
    dl_iterate_phdr(note_library, &list);
    json_object_set_new(doctor->report, "libraries", list.found);
    line(doctor, "libraries", "%s", lofi_buffer_str(&list.text));
    lofi_buffer_free(&list.text);
}

/* ---- the command ---- */

static void look_at_program(examination *doctor) {
    struct utsname system_name = {0};
    if (uname(&system_name) != 0) snprintf(system_name.sysname, sizeof system_name.sysname, "unknown system");
    char text[256];
    snprintf(text, sizeof text, "%.60s %.60s %.60s", system_name.sysname, system_name.release, system_name.machine);
    json_object_set_new(doctor->report, "version", json_string(LOFI_VERSION));
    json_object_set_new(doctor->report, "compiler", json_string(COMPILER));
    json_object_set_new(doctor->report, "system", json_string(text));
    line(doctor, "lofi", "%s, built with %s", LOFI_VERSION, COMPILER);
    line(doctor, "system", "%s", text);
    const char *presets = NULL;
    lofi_error problem = LOFI_ERROR_INIT;
    if (lofi_data_file(&presets, doctor->context, "style_presets.json", &problem) != LOFI_OK) {
        line(doctor, "data", "not found");
        add_problem(doctor, problem.hint, "%s", problem.message);
    } else {
        line(doctor, "data", "%s", presets);
    }
    json_object_set_new(doctor->report, "style_presets", presets == NULL ? json_null() : json_string(presets));
}

static void show_problems(const examination *doctor) {
    size_t count = json_array_size(doctor->problems);
    lofi_print(doctor->context, "%s", "");
    if (count == 0) lofi_print(doctor->context, "All is well.");
    for (size_t i = 0; i < count; i++) {
        const json_t *problem = json_array_get(doctor->problems, i);
        lofi_print(doctor->context, "problem: %s", json_string_value(json_object_get(problem, "what")));
        lofi_print(doctor->context, "   hint: %s", json_string_value(json_object_get(problem, "hint")));
    }
}

static lofi_code run_doctor(lofi_context *context, const void *settings, lofi_error *err) {
    (void)settings;
    examination doctor = {.context = context, .report = json_object(), .problems = json_array()};
    look_at_program(&doctor);
    look_at_processor(&doctor);
    look_at_onnx_runtime(&doctor);
    look_at_memory(&doctor);
    lofi_code code = look_at_disk(&doctor, err);
    look_at_devices(&doctor);
    look_at_environment(&doctor);
    look_at_lyrics(&doctor);
    look_at_libraries(&doctor);
    if (code == LOFI_OK) show_problems(&doctor);
    if (json_array_size(doctor.problems) > 0) context->exit_status = 1;
    json_object_set_new(doctor.report, "problems", doctor.problems);
    if (code == LOFI_OK && context->json) return lofi_print_json(context, doctor.report, err);
    json_decref(doctor.report);
    return code;
}

const lofi_command lofi_command_doctor = {
    .name = "doctor",
    .summary = "show what this machine has, what is missing, and what to do",
    .details = "Looks at the program, the processor, memory, disk, devices, the environment variables and where they "
               "point, and the libraries that the commands load. Reads only.\n"
               "\n"
               "The exit status is 1 when there is a problem; each comes with a hint.\n"
               "\n"
               "    lofi doctor\n"
               "    lofi doctor --json\n",
    .run = run_doctor,
};
