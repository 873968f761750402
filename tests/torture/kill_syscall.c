/* kill_syscall.c - runs a program and kills it at its N-th system call: before the call is made, so that between N and N + 1 lies
 * exactly what the call does. For tests that a crash at any moment leaves files whole.
 *
 * usage: kill_syscall N TEXT PROGRAM ARGUMENTS...
 * Calls are counted from the first on that opens a file with TEXT in its name: what a program does to get started is the same
 * whatever it is about to do. Calls of child processes and other threads are not counted.
 * Exit status: 0 it was killed, 1 it ended by itself with status 0 before its N-th call, 2 anything else. Where the system forbids
 * tracing: 77.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int run_traced(char **arguments) {
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(77);
    execvp(arguments[0], arguments);
    _exit(127);
}

static int ended(int status) {
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1 : WIFEXITED(status) && WEXITSTATUS(status) == 77 ? 77 : 2;
}

/* Whether the call that the child is about to make opens such a file. */
static bool opens(pid_t child, const struct __ptrace_syscall_info *call, const char *text) {
    char path[4096] = "";
    struct iovec to = {path, sizeof path - 1}, from = {(void *)(uintptr_t)call->entry.args[1], sizeof path - 1};
    if (call->op != PTRACE_SYSCALL_INFO_ENTRY || call->entry.nr != SYS_openat) return false;
    /* The text may lie near the end of the memory that is there: ever shorter pieces. */
    while (from.iov_len > 0 && process_vm_readv(child, &to, 1, &from, 1, 0) < 0) to.iov_len = from.iov_len /= 2;
    return strstr(path, text) != NULL;
}

/* One stop of the child. *calls: how many it began to make since the first that counts. */
static void look(pid_t child, long *calls, const char *text) {
    struct __ptrace_syscall_info call;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof call, &call) <= 0) return;
    if (call.op == PTRACE_SYSCALL_INFO_ENTRY && (*calls > 0 || opens(child, &call, text))) ++*calls;
}

static int follow(pid_t child, long wanted, const char *text) {
    long calls = 0;
    int status = 0, signal = 0;
    while (ptrace(PTRACE_SYSCALL, child, NULL, (void *)(long)signal) == 0) {
        if (waitpid(child, &status, 0) != child) return 2;
        if (!WIFSTOPPED(status)) return ended(status);
        bool at_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
        signal = at_call ? 0 : WSTOPSIG(status);
        if (at_call) look(child, &calls, text);
        if (calls < wanted) continue;
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return 0;
    }
    return 2;
}

int main(int count, char **arguments) {
    int status = 0;
    if (count < 4) {
        fprintf(stderr, "usage: kill_syscall N TEXT PROGRAM ARGUMENTS...\n");
        return 2;
    }
    pid_t child = fork();
    if (child == 0) return run_traced(arguments + 3);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return ended(status);
    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    return follow(child, strtol(arguments[1], NULL, 10), arguments[2]);
}
