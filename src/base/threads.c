/* threads.c - see threads.h. */
#include "base/threads.h"

#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void lofi_threads_bound_spinning(char **arguments) {
    char program[4096];
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0 || setenv("GOMP_SPINCOUNT", "1000", 0) != 0) return;
    program[length] = 0;
    execv(program, arguments);
}

/* Processors' worth of time that the control group grants (rounded up), or 0 when there is no limit. */
static int quota_processors(void) {
    long long quota = 0, period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (file == NULL) return 0;
    int fields = fscanf(file, "%lld %lld", &quota, &period); /* "max 100000" gives no field */
    fclose(file);
    if (fields != 2 || quota <= 0 || period <= 0) return 0;
    long long processors = (quota + period - 1) / period;
    return processors > 65536 ? 0 : (int)processors;
}

static int allowed_processors(void) {
    for (int size = 1024; size <= 1 << 20; size *= 4) {
        cpu_set_t *set = CPU_ALLOC(size);
        if (set == NULL) return 1;
        int count = 0;
        if (sched_getaffinity(0, CPU_ALLOC_SIZE(size), set) == 0) count = CPU_COUNT_S(CPU_ALLOC_SIZE(size), set);
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return 1;
}

int lofi_threads_available(void) {
    int allowed = allowed_processors();
    int quota = quota_processors();
    return quota > 0 && quota < allowed ? quota : allowed;
}

void lofi_threads_limit(int threads) {
    if (threads > 0) omp_set_num_threads(threads);
}
