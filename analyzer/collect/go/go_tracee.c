#include "go_tracee.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../recording/clock.h"
#include "go_environment.h"

enum {
    READY_NS_MOST = 2000000000, /* from exec until the runtime is initialised: usually 1 ms */
    LOOK_NS = 50000,
};

#define EXIT_STOP        (SIGTRAP | PTRACE_EVENT_EXIT << 8)
#define GROUP_STOP_EVENT PTRACE_EVENT_STOP

/* Waits until the child stands still. Its end is left to whoever waits for its status. */
static int wait_for_stop(pid_t pid, int *out_status)
{
    uint64_t until_ns = clock_monotonic_ns() + READY_NS_MOST;
    while (clock_monotonic_ns() < until_ns) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) != 0) {
            return -errno;
        }
        if (info.si_pid == pid) {
            bool has_stopped = info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED;
            if (!has_stopped || waitpid(pid, out_status, WUNTRACED) != pid) {
                return -ESRCH;
            }
            return 0;
        }
        struct timespec rest = {.tv_nsec = LOOK_NS};
        nanosleep(&rest, NULL);
    }
    return -ETIMEDOUT;
}

/* True if the process is traced by us. */
static bool is_ours(pid_t pid)
{
    char path[64];
    char line[256];
    long tracer = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "TracerPid:", 10) == 0) {
            tracer = strtol(line + 10, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return tracer == getpid();
}

static int read_entry(pid_t pid, uint64_t *out_address)
{
    char path[64];
    Elf64_auxv_t values[64];
    snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = fd >= 0 ? read(fd, values, sizeof(values)) : -1;
    if (fd >= 0) {
        close(fd);
    }
    for (size_t i = 0; count > 0 && i < (size_t)count / sizeof(values[0]); i++) {
        if (values[i].a_type == AT_ENTRY) {
            *out_address = values[i].a_un.a_val;
            return 0;
        }
    }
    return -EPERM;
}

static bool poke(const struct go_tracee *tracee, uint64_t elf_address, const void *bytes,
                 size_t size_bytes)
{
    off_t at = (off_t)(elf_address + tracee->load_bias);
    return pwrite(tracee->memory_fd, bytes, size_bytes, at) == (ssize_t)size_bytes;
}

/* ---- the way to where the runtime is initialised -----------------------------------------------
 */

#if defined(__x86_64__)

static const unsigned char trap = 0xcc; /* int3 */

/* True if the program stands behind the trap; it is put back before it. */
static bool step_back(const struct go_tracee *tracee, uint64_t address)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, tracee->pid, NULL, &registers) != 0 ||
        registers.rip != address + sizeof(trap)) {
        return false;
    }
    registers.rip = address;
    return ptrace(PTRACE_SETREGS, tracee->pid, NULL, &registers) == 0;
}

/* Runs the stopped program on until it calls what is at elf_address. It then stands still there, as
 * it does if it failed for lack of time. */
static int run_to(const struct go_tracee *tracee, uint64_t elf_address)
{
    uint64_t address = elf_address + tracee->load_bias;
    unsigned char code;
    if (pread(tracee->memory_fd, &code, sizeof(code), (off_t)address) != sizeof(code) ||
        !poke(tracee, elf_address, &trap, sizeof(trap))) {
        return -EPERM;
    }
    int status = 0;
    int signal = 0;
    int r = 0;
    bool is_there = false;
    while (r == 0 && !is_there) {
        r = ptrace(PTRACE_CONT, tracee->pid, NULL, signal) == 0
                ? wait_for_stop(tracee->pid, &status)
                : -errno;
        signal = r == 0 ? WSTOPSIG(status) : 0;
        is_there = signal == SIGTRAP && step_back(tracee, address);
        if (signal == SIGTRAP && !is_there) {
            r = -EPERM; /* it has become another program */
        }
    }
    if (r == -ETIMEDOUT) {
        kill(tracee->pid, SIGSTOP);
        if (waitpid(tracee->pid, &status, WUNTRACED) != tracee->pid || !WIFSTOPPED(status)) {
            return -ESRCH;
        }
    }
    poke(tracee, elf_address, &code, sizeof(code));
    return r;
}

#else

static int run_to(const struct go_tracee *tracee, uint64_t elf_address)
{
    (void)tracee;
    (void)elf_address;
    return -ENOTSUP;
}

#endif

/* ---- the thread that stops at the end ----------------------------------------------------------
 */

/* The one that the runtime starts first is its monitor. 0: there is no other than the first. */
static pid_t find_thread(pid_t pid)
{
    char path[64];
    pid_t found = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *directory = opendir(path);
    for (struct dirent *entry = directory != NULL ? readdir(directory) : NULL;
         entry != NULL && found == 0; entry = readdir(directory)) {
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        found = thread > 0 && thread != pid ? thread : 0;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return found;
}

static void seize_thread(struct go_tracee *tracee)
{
    pid_t thread = find_thread(tracee->pid);
    tracee->is_stopped = false;
    tracee->thread =
        thread > 0 && ptrace(PTRACE_SEIZE, thread, NULL, PTRACE_O_TRACEEXIT) == 0 ? thread : 0;
}

bool go_tracee_is_ending(struct go_tracee *tracee)
{
    int status;
    if (tracee->thread <= 0 || tracee->is_stopped ||
        waitpid(tracee->thread, &status, __WALL | WNOHANG) != tracee->thread) {
        return tracee->is_stopped;
    }
    if (!WIFSTOPPED(status)) {
        tracee->thread = 0;
    } else if (status >> 8 == EXIT_STOP) {
        tracee->is_stopped = true;
    } else if (status >> 16 == GROUP_STOP_EVENT) {
        bool is_group_stop = WSTOPSIG(status) != SIGTRAP;
        ptrace(is_group_stop ? PTRACE_LISTEN : PTRACE_CONT, tracee->thread, NULL, 0);
    } else {
        ptrace(PTRACE_CONT, tracee->thread, NULL, status >> 16 == 0 ? WSTOPSIG(status) : 0);
    }
    return tracee->is_stopped;
}

void go_tracee_release(struct go_tracee *tracee)
{
    if (tracee->thread > 0) {
        ptrace(PTRACE_DETACH, tracee->thread, NULL, 0);
        seize_thread(tracee);
    }
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static int prepare(struct go_tracee *tracee, const struct go_binary *binary,
                   const struct go_wishes *wishes, struct err *err)
{
    char path[64];
    uint64_t entry;
    const unsigned char zero = 0;
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)tracee->pid);
    tracee->memory_fd = open(path, O_RDWR | O_CLOEXEC);
    if (tracee->memory_fd < 0 || read_entry(tracee->pid, &entry) < 0) {
        return err_set(err, EPERM, "its memory may not be read");
    }
    tracee->load_bias = entry - binary->entry_address;
    if (wishes->rate_bytes == 0) {
        return 0;
    }
    if (!binary->has_symbols || binary->rate_address == 0 || binary->ready_address == 0) {
        return err_set(err, ENOENT,
                       "it was stripped of its symbol table, which says where the "
                       "runtime keeps its memory profile");
    }
    if (binary->unlinked_address != 0) {
        poke(tracee, binary->unlinked_address, &zero, sizeof(zero));
    }
    int r = run_to(tracee, binary->ready_address);
    if (r < 0) {
        return err_set_errno(err, -r, "its memory profile cannot be switched on");
    }
    tracee->is_rate_set =
        poke(tracee, binary->rate_address, &wishes->rate_bytes, sizeof(wishes->rate_bytes));
    go_environment_spare_children(tracee->memory_fd, tracee->load_bias, binary, wishes);
    seize_thread(tracee);
    return 0;
}

int go_tracee_begin(struct go_tracee *tracee, pid_t pid, const struct go_binary *binary,
                    const struct go_wishes *wishes, struct err *err)
{
    int status;
    *tracee = (struct go_tracee){.pid = pid, .memory_fd = -1};
    int r = is_ours(pid) ? wait_for_stop(pid, &status) : -EPERM;
    if (r < 0) {
        return err_set(err, -r, "it may not be traced");
    }
    r = prepare(tracee, binary, wishes, err);
    ptrace(PTRACE_DETACH, pid, NULL, 0);
    return r;
}

void go_tracee_end(struct go_tracee *tracee)
{
    if (tracee->thread > 0 && tracee->is_stopped) {
        ptrace(PTRACE_DETACH, tracee->thread, NULL, 0);
    }
    if (tracee->memory_fd >= 0) {
        close(tracee->memory_fd);
    }
    *tracee = (struct go_tracee){.memory_fd = -1};
}
