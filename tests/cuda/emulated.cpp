/* emulated.cpp - runs kernels on the CPU: blocks one after the other, the threads of a block as fibers of this thread.
 *
 * A fiber takes thread after thread of a block as long as they run through; a kernel that never synchronises is therefore a plain
 * loop. A thread that must wait keeps its fiber, and another fiber goes on with the threads that have not begun. What threads of a
 * block can do wrong with one another ends the program with a sentence.
 */
#include "emulated.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulated_internal.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifndef __x86_64__
#include <ucontext.h>
#endif

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

#ifdef __x86_64__
extern "C" void lofi_emulated_switch(void **from, void *to);
/* Registers that a function must keep go to the stack of the one that rests. */
asm(".text\n"
    ".type lofi_emulated_switch, @function\n"
    "lofi_emulated_switch:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size lofi_emulated_switch, .-lofi_emulated_switch\n");
#endif

/* What .cu files declare as __shared__ lies between them. */
extern "C" __attribute__((weak)) char __start_lofi_shared[], __stop_lofi_shared[];

namespace {

constexpr unsigned most_threads = 1024, warp_lanes = 32;
constexpr size_t most_shared = 48 * 1024, stack_bytes = 256 * 1024;

/* ---- fibers ---- */

struct fiber {
    char *stack; /* above a page that cannot be touched */
#ifdef __x86_64__
    void *at; /* its stack pointer while it rests */
#else
    ucontext_t context;
#endif
    void *fake_stack; /* AddressSanitizer's */
    bool started;
    int thread; /* which it runs */
};

fiber home; /* the stack of the caller */
fiber fibers[most_threads];
fiber *here = &home;
#ifdef __SANITIZE_ADDRESS__
fiber *before = &home;
const void *home_stack;
size_t home_bytes;
#endif

void arrived() {
#ifdef __SANITIZE_ADDRESS__
    const void *stack;
    size_t bytes;
    __sanitizer_finish_switch_fiber(here->fake_stack, &stack, &bytes);
    if (before == &home) home_stack = stack, home_bytes = bytes;
#endif
}

void change_to(fiber *next) {
    fiber *from = here;
    here = next;
#ifdef __SANITIZE_ADDRESS__
    before = from;
    const void *stack = next == &home ? home_stack : next->stack;
    __sanitizer_start_switch_fiber(&from->fake_stack, stack, next == &home ? home_bytes : stack_bytes);
#endif
#ifdef __x86_64__
    lofi_emulated_switch(&from->at, next->at);
#else
    swapcontext(&from->context, &next->context);
#endif
    arrived();
}

void run_threads();

/* Where a fiber begins; it never ends. */
void begin() {
    arrived();
    for (;;) {
        run_threads();
        change_to(&home);
    }
}

void start(fiber *f) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = (char *)mmap(NULL, stack_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0)
        lofi_emulated_stop("there is no memory for the stacks of a block");
    f->stack = memory + page;
    f->started = true;
#ifdef __x86_64__
    void **top = (void **)(f->stack + stack_bytes) - 1;
    top[0] = NULL; /* nobody called it; the stack is as after a call */
    top[-1] = (void *)begin;
    f->at = top - 7; /* and six registers */
    memset(f->at, 0, 6 * sizeof(void *));
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack, f->context.uc_stack.ss_size = stack_bytes;
    makecontext(&f->context, begin, 0);
#endif
}

/* ---- a block ---- */

enum state { UNBORN, READY, AT_BARRIER, IN_WARP, ENDED };
enum order { FORWARD, BACKWARD, SHUFFLED };

struct warp {
    unsigned arrived, wanted; /* lanes that wait, that must come */
    const char *name;         /* of what they wait in */
    unsigned turn;
    uint64_t bits[2][warp_lanes]; /* of this turn and the one before, which slow lanes may still read */
};

struct block {
    const std::function<void()> *body;
    unsigned count;
    unsigned born, ended, at_barrier;
    unsigned order[most_threads]; /* in which threads begin, and go on after a barrier */
    state states[most_threads];
    fiber *fibers[most_threads]; /* of those that wait */
    warp warps[most_threads / warp_lanes];
    unsigned ready[most_threads], first_ready, ready_count; /* a ring */
    fiber *free[most_threads];
    unsigned free_count;
} now;

order way;
uint64_t shuffle_state;
char *dynamic_shared;
bool running;

/* A GPU's shared memory holds whatever was there: NaN, here. */
void spoil_shared(size_t dynamic_bytes) {
#ifndef __SANITIZE_ADDRESS__
    char *first = __start_lofi_shared, *last = __stop_lofi_shared;
    if (first != last) memset(first, 0xff, (size_t)(last - first));
#endif
    if (dynamic_bytes) memset(dynamic_shared, 0xff, dynamic_bytes);
}

/* LOFI_EMULATED_ORDER: forward (the default), backward, or a number that shuffles. */
void read_order() {
    static bool known;
    const char *text = getenv("LOFI_EMULATED_ORDER");
    if (known) return;
    known = true;
    if (!text || !strcmp(text, "forward")) return;
    way = strcmp(text, "backward") ? SHUFFLED : BACKWARD;
    shuffle_state = strtoull(text, NULL, 10);
}

unsigned random_below(unsigned count) {
    shuffle_state = shuffle_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((shuffle_state >> 33) % count);
}

void choose_order() {
    for (unsigned i = 0; i < now.count; i++) now.order[i] = way == BACKWARD ? now.count - 1 - i : i;
    for (unsigned i = now.count - 1; way == SHUFFLED && i > 0; i--) {
        unsigned j = random_below(i + 1), kept = now.order[i];
        now.order[i] = now.order[j], now.order[j] = kept;
    }
}

void make_ready(unsigned thread) {
    now.states[thread] = READY;
    now.ready[(now.first_ready + now.ready_count++) % most_threads] = thread;
}

void set_thread(unsigned thread) {
    here->thread = (int)thread;
    threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / blockDim.x / blockDim.y};
}

/* Threads that have not begun, until one must wait; then this fiber is that thread's until it has ended. Backwards all threads come
 * to their first wait before one goes on, otherwise a warp that can go on does. */
void run_threads() {
    while (now.born < now.count && (way == BACKWARD || now.ready_count == 0)) {
        unsigned thread = now.order[now.born++];
        set_thread(thread);
        (*now.body)();
        now.states[here->thread] = ENDED;
        now.ended++;
    }
}

void wait_for_others(state why) {
    unsigned me = (unsigned)here->thread;
    now.states[me] = why;
    now.fibers[me] = here;
    change_to(&home);
    set_thread(me);
}

[[noreturn]] void stuck() {
    const char *name = "__syncwarp";
    unsigned warps = 0;
    for (unsigned t = 0; t < now.count; t++)
        if (now.states[t] == IN_WARP) warps++, name = now.warps[t / warp_lanes].name;
    lofi_emulated_stop(
        "threads of block %u of a kernel with %u threads wait for ever: %u in __syncthreads, %u in %s, and %u "
        "have ended",
        blockIdx.x, now.count, now.at_barrier, warps, name, now.ended);
}

/* All threads of the block are there: on with them. */
void open_barrier() {
    now.at_barrier = 0;
    for (unsigned i = 0; i < now.count; i++) make_ready(now.order[i]);
}

void resume() {
    unsigned thread = now.ready[now.first_ready];
    now.first_ready = (now.first_ready + 1) % most_threads, now.ready_count--;
    change_to(now.fibers[thread]);
}

void start_next() {
    fiber *f = now.free_count ? now.free[now.free_count - 1] : NULL;
    if (!f) lofi_emulated_stop("a block has more than %u threads that wait", most_threads);
    now.free_count--;
    if (!f->started) start(f);
    change_to(f);
}

/* A fiber that comes back without a thread that waits is free again. */
void collect(fiber *f) {
    if (now.states[f->thread] == ENDED) now.free[now.free_count++] = f;
}

void run_block() {
    now.born = now.ended = now.at_barrier = now.first_ready = now.ready_count = 0;
    for (unsigned i = 0; i < now.count; i++) now.states[i] = UNBORN;
    for (unsigned w = 0; w <= (now.count - 1) / warp_lanes; w++) now.warps[w].arrived = 0;
    while (now.ended < now.count) {
        fiber *last = NULL;
        if (now.ready_count && (way != BACKWARD || now.born == now.count)) {
            last = now.fibers[now.ready[now.first_ready]];
            resume();
        } else if (now.born < now.count) {
            last = now.free[now.free_count - 1];
            start_next();
        } else {
            stuck();
        }
        collect(last);
    }
}

void run_grid(dim3 blocks, dim3 threads, size_t shared, const std::function<void()> &body) {
    static bool prepared;
    if (running) lofi_emulated_stop("a kernel launches a kernel, or two threads of the process launch at once");
    running = true;
    read_order();
    if (!prepared) {
        for (unsigned i = 0; i < most_threads; i++) now.free[i] = &fibers[most_threads - 1 - i];
        now.free_count = most_threads;
        dynamic_shared = (char *)mmap(NULL, most_shared, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        prepared = true;
    }
    now.body = &body;
    now.count = threads.x * threads.y * threads.z;
    blockDim = threads, gridDim = blocks;
    choose_order();
    spoil_shared(shared);
    for (unsigned z = 0; z < blocks.z; z++)
        for (unsigned y = 0; y < blocks.y; y++)
            for (unsigned x = 0; x < blocks.x; x++) {
                blockIdx = {way == BACKWARD ? blocks.x - 1 - x : x, y, z};
                if (way == SHUFFLED) choose_order(), spoil_shared(shared);
                run_block();
            }
    running = false;
}

const char *refused(dim3 blocks, dim3 threads, size_t shared) {
    uint64_t count = (uint64_t)threads.x * threads.y * threads.z;
    if (!blocks.x || !blocks.y || !blocks.z || blocks.x > 2147483647u || blocks.y > 65535 || blocks.z > 65535)
        return "invalid configuration argument (blocks)";
    if (!count || threads.x > 1024 || threads.y > 1024 || threads.z > 64 || count > most_threads)
        return "invalid configuration argument (threads)";
    return shared > most_shared ? "invalid argument (shared memory)" : NULL;
}

} // namespace

void lofi_emulated_launch(dim3 blocks, dim3 threads, size_t shared, const std::function<void()> &body) {
    const char *reason = refused(blocks, threads, shared);
    if (reason)
        lofi_emulated_refuse(reason);
    else
        lofi_emulated_do([=] { run_grid(blocks, threads, shared, body); });
}

void *lofi_emulated_shared(void) {
    return dynamic_shared;
}

/* ---- threads that meet ---- */

void __syncthreads(void) {
    if (++now.at_barrier < now.count) {
        wait_for_others(AT_BARRIER);
        return;
    }
    /* The last one takes its turn with the others. */
    unsigned me = (unsigned)here->thread;
    now.fibers[me] = here;
    open_barrier();
    change_to(&home);
    set_thread(me);
}

int lofi_emulated_lane(void) {
    return here->thread % (int)warp_lanes;
}

static void check_lanes(const warp &w, unsigned lanes, const char *name) {
    unsigned first = (unsigned)here->thread / warp_lanes * warp_lanes, there = 0;
    for (unsigned i = 0; i < warp_lanes && first + i < now.count; i++)
        if (now.states[first + i] != ENDED) there |= 1u << i;
    if (!(lanes >> lofi_emulated_lane() & 1))
        lofi_emulated_stop("lane %d calls %s for the lanes %#x, which it is not one of", lofi_emulated_lane(), name,
                           lanes);
    if (lanes & ~there)
        lofi_emulated_stop(
            "%s for the lanes %#x of a warp that has only %#x, the others not being there or having ended", name, lanes,
            there);
    if (w.arrived && (w.wanted != lanes || strcmp(w.name, name) != 0))
        lofi_emulated_stop("lanes of a warp meet in %s for %#x and %s for %#x", w.name, w.wanted, name, lanes);
}

uint64_t lofi_emulated_exchange(unsigned lanes, uint64_t bits, int from, const char *name) {
    unsigned me = (unsigned)here->thread;
    warp &w = now.warps[me / warp_lanes];
    check_lanes(w, lanes, name);
    if (!(lanes >> from & 1))
        lofi_emulated_stop("%s reads lane %d, which is not among the lanes %#x", name, from, lanes);
    w.wanted = lanes, w.name = name;
    unsigned turn = w.turn;
    w.bits[turn & 1][me % warp_lanes] = bits;
    w.arrived |= 1u << me % warp_lanes;
    if (w.arrived != lanes) {
        wait_for_others(IN_WARP);
    } else {
        w.arrived = 0;
        w.turn++;
        for (unsigned i = 0; i < now.count; i++) {
            unsigned t = now.order[i];
            if (t != me && t / warp_lanes == me / warp_lanes && lanes >> t % warp_lanes & 1) make_ready(t);
        }
    }
    return w.bits[turn & 1][from];
}

void __syncwarp(unsigned lanes) {
    lofi_emulated_exchange(lanes, 0, lofi_emulated_lane(), "__syncwarp");
}

void lofi_emulated_stop(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("the emulated GPU stops: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    abort();
}
