#include "leak_threads.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "../../base/vec.h"

enum {
    RED_ZONE_BYTES = 128, /* below the stack pointer, still in use */
    STOP_TRIES = 1000,
    STOP_WAIT_NS = 100000,
    SYSCALL_WORDS = 9, /* number, six arguments, stack pointer, program counter */
};

/* System calls that the kernel resumes after a stop; others may fail with EINTR. */
static bool is_resumed(long number)
{
    static const long numbers[] = {
        SYS_futex,  SYS_clock_nanosleep, SYS_nanosleep, SYS_read,     SYS_write,
        SYS_ppoll,  SYS_wait4,           SYS_waitid,    SYS_recvfrom, SYS_recvmsg,
        SYS_accept, SYS_accept4,         SYS_pselect6,
#ifdef SYS_poll
        SYS_poll,   SYS_select,
#endif
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

/* What /proc tells of a thread that sleeps. False: it runs, or nothing may be known. */
static bool read_sleeping(uint32_t pid, struct leak_thread *thread, long *out_number)
{
    char path[64];
    long number = -1;
    uint64_t words[SYSCALL_WORDS - 1] = {0};
    snprintf(path, sizeof(path), "/proc/%u/task/%u/syscall", pid, thread->tid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    int count = fscanf(file, "%ld", &number);
    size_t word_count = 0;
    unsigned long long word;
    while (count == 1 && word_count < SYSCALL_WORDS - 1 && fscanf(file, "%llx", &word) == 1) {
        words[word_count++] = word;
    }
    fclose(file);
    if (count != 1 || word_count < 2) {
        return false;
    }
    thread->stack_address = words[word_count - 2];
    thread->register_count = word_count;
    memcpy(thread->registers, words, sizeof(words));
    *out_number = number;
    return true;
}

static bool read_registers(struct leak_thread *thread)
{
    struct iovec registers = {thread->registers, sizeof(thread->registers)};
    if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &registers) != 0) {
        return false;
    }
    thread->register_count = registers.iov_len / sizeof(uint64_t);
#if defined(__x86_64__)
    thread->stack_address = thread->registers[19];
#elif defined(__aarch64__)
    thread->stack_address = thread->registers[31];
#endif
    return true;
}

/* *out_is_refused: it may not be stopped; else, if it is not, it just did not come to a stop. */
static bool stop(struct leak_thread *thread, bool *out_is_refused)
{
    *out_is_refused = ptrace(PTRACE_SEIZE, thread->tid, NULL, NULL) != 0;
    if (*out_is_refused) {
        return false;
    }
    if (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0) {
        return false;
    }
    for (int i = 0; i < STOP_TRIES; i++) {
        int status;
        pid_t stopped = waitpid((pid_t)thread->tid, &status, __WALL | WNOHANG);
        if (stopped < 0) {
            return false;
        }
        if (stopped > 0) {
            thread->is_stopped = WIFSTOPPED(status);
            thread->signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
            return thread->is_stopped && read_registers(thread);
        }
        nanosleep(&(struct timespec){.tv_nsec = STOP_WAIT_NS}, NULL);
    }
    return false;
}

/* How long a thread has run; 0: not known. */
static uint64_t read_run_ns(uint32_t pid, uint32_t tid)
{
    char path[64];
    unsigned long long run_ns = 0;
    snprintf(path, sizeof(path), "/proc/%u/task/%u/schedstat", pid, tid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fscanf(file, "%llu", &run_ns) != 1) {
            run_ns = 0;
        }
        fclose(file);
    }
    return run_ns;
}

static void look_at(struct leak_threads *threads, uint32_t pid, struct leak_thread *thread)
{
    long number = -1;
    thread->run_ns = read_run_ns(pid, thread->tid);
    bool is_sleeping = read_sleeping(pid, thread, &number);
    bool is_known = is_sleeping && !is_resumed(number);
    if (!is_known) {
        bool is_refused;
        is_known = stop(thread, &is_refused) || (is_sleeping && is_refused);
    }
    threads->unknown_count += !is_known;
}

int leak_threads_stop(struct leak_threads *threads, uint32_t pid, uint32_t waiting_tid,
                      uint64_t stack_address)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/task", pid);
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return -errno;
    }
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(directory)) != NULL;) {
        struct leak_thread thread = {.tid = (uint32_t)strtoul(entry->d_name, NULL, 10)};
        if (thread.tid == 0) {
            continue;
        }
        r = vec_reserve((void **)&threads->items, &threads->capacity, threads->count + 1,
                        sizeof(*threads->items));
        if (r < 0) {
            break;
        }
        if (thread.tid == waiting_tid) {
            thread.stack_address = stack_address;
        } else {
            look_at(threads, pid, &thread);
            if (thread.stack_address > RED_ZONE_BYTES) {
                thread.stack_address -= RED_ZONE_BYTES;
            }
        }
        threads->items[threads->count++] = thread;
    }
    closedir(directory);
    return r;
}

size_t leak_threads_count_moved(const struct leak_threads *threads, uint32_t pid,
                                uint32_t waiting_tid)
{
    size_t count = 0;
    for (size_t i = 0; i < threads->count; i++) {
        const struct leak_thread *thread = &threads->items[i];
        count += !thread->is_stopped && thread->tid != waiting_tid &&
                 read_run_ns(pid, thread->tid) != thread->run_ns;
    }
    return count;
}

void leak_threads_resume(struct leak_threads *threads)
{
    for (size_t i = 0; i < threads->count; i++) {
        if (threads->items[i].is_stopped) {
            (void)ptrace(PTRACE_DETACH, threads->items[i].tid, NULL,
                         (void *)(intptr_t)threads->items[i].signal);
        }
    }
    free(threads->items);
    *threads = (struct leak_threads){0};
}
