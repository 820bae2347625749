/*
 * leak_threads.h - stacks and registers of a process's threads while its memory is looked at.
 *
 * The thread that waits for the look stands still by itself. The others are stopped by ptrace where
 * the kernel lets us, which it does for our own children without any capability: no signal reaches
 * the program, and the kernel resumes what was interrupted. A thread that sleeps in a system call
 * which would fail with EINTR after that is left alone; of it, and wherever ptrace is refused, the
 * stack pointer and the call's arguments are read from /proc.
 *
 * The kernel lets go of what a thread of ours holds when that thread ends, even of one that has not
 * come to its stop yet. So both calls are made on a thread that ends soon after.
 */
#ifndef ALLOCAUDIT_LEAK_THREADS_H
#define ALLOCAUDIT_LEAK_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LEAK_REGISTERS_MOST = 40,
};

struct leak_thread {
    uint32_t tid;
    bool is_stopped;        /* by us */
    int signal;             /* that was on its way to it then; 0: none */
    uint64_t stack_address; /* what lies below is not in use; 0: not known */
    uint64_t registers[LEAK_REGISTERS_MOST];
    size_t register_count;
    uint64_t run_ns; /* how long it had run by then, if it is not stopped */
};

struct leak_threads {
    struct leak_thread *items;
    size_t count;
    size_t capacity;
    size_t unknown_count; /* running, and could not be stopped */
};

/* waiting_tid: the thread that stands still, with its stack in use from stack_address on. Returns
 * 0, -ENOMEM or the errno of looking. */
int leak_threads_stop(struct leak_threads *threads, uint32_t pid, uint32_t waiting_tid,
                      uint64_t stack_address);

/* How many of those that slept, and so were not stopped, have run since. */
size_t leak_threads_count_moved(const struct leak_threads *threads, uint32_t pid,
                                uint32_t waiting_tid);

/* Lets them run on. A zeroed one is fine. */
void leak_threads_resume(struct leak_threads *threads);

#endif
