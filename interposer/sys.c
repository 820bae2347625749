#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "banned.h"

enum {
    PAGE_BYTES = 4096,
    PAGES_AT_ONCE = 16,
};

/* Not by syscall(), which sets errno: a child that a sandbox has made may lack thread locals. */
static long sys_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
    long result;
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    register long sixth __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
#else
    int saved = errno;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1) {
        result = -errno;
    }
    errno = saved;
    return result;
#endif
}

long sys_open(const char *path, int flags)
{
    return sys_call(SYS_openat, AT_FDCWD, (long)path, flags | O_CLOEXEC, 0, 0, 0);
}

long sys_create(const char *path)
{
    return sys_call(SYS_openat, AT_FDCWD, (long)path,
                    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600, 0, 0);
}

long sys_unlink(const char *path)
{
    return sys_call(SYS_unlinkat, AT_FDCWD, (long)path, 0, 0, 0, 0);
}

long sys_close(int fd)
{
    return sys_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

long sys_read(int fd, void *buffer, size_t bytes)
{
    return sys_call(SYS_read, fd, (long)buffer, (long)bytes, 0, 0, 0);
}

long sys_read_at(int fd, void *buffer, size_t bytes, uint64_t at)
{
    return sys_call(SYS_pread64, fd, (long)buffer, (long)bytes, (long)at, 0, 0);
}

void sys_write_all(int fd, const void *bytes, size_t count)
{
    const char *from = bytes;
    while (count > 0) {
        long written = sys_call(SYS_write, fd, (long)from, (long)count, 0, 0, 0);
        if (written <= 0 && written != -EINTR) {
            return;
        }
        from += written > 0 ? written : 0;
        count -= written > 0 ? (size_t)written : 0;
    }
}

long sys_readlink(const char *path, char *buffer, size_t bytes)
{
    return sys_call(SYS_readlinkat, AT_FDCWD, (long)path, (long)buffer, (long)bytes, 0, 0);
}

void *sys_mmap(size_t bytes, int protection, int flags, int fd)
{
    long result = sys_call(SYS_mmap, 0, (long)bytes, protection, flags, fd, 0);
    return result < 0 && result > -4096 ? NULL : (void *)result;
}

long sys_munmap(void *address, size_t bytes)
{
    return sys_call(SYS_munmap, (long)address, (long)bytes, 0, 0, 0, 0);
}

long sys_madvise(void *address, size_t bytes, int advice)
{
    return sys_call(SYS_madvise, (long)address, (long)bytes, advice, 0, 0, 0);
}

long sys_file_bytes(int fd)
{
    struct stat status = {0};
    long result = sys_call(SYS_fstat, fd, (long)&status, 0, 0, 0, 0);
    return result < 0 ? result : (long)status.st_size;
}

long sys_status(const char *path, struct stat *out_status)
{
    return sys_call(SYS_newfstatat, AT_FDCWD, (long)path, (long)out_status, 0, 0, 0);
}

bool sys_may_gain_rights(int fd)
{
    struct statfs mount = {0};
    return sys_call(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0, 0) == 0 &&
           (sys_call(SYS_fstatfs, fd, (long)&mount, 0, 0, 0, 0) < 0 ||
            (mount.f_flags & ST_NOSUID) == 0);
}

bool sys_has_capabilities(const char *path)
{
    return sys_call(SYS_getxattr, (long)path, (long)"security.capability", 0, 0, 0, 0) > 0;
}

long sys_file_identity(const char *path, uint64_t *out_device, uint64_t *out_inode)
{
    struct stat status = {0};
    long result = sys_status(path, &status);
    *out_device = status.st_dev;
    *out_inode = status.st_ino;
    return result;
}

long sys_thread_name(char name[16])
{
    return sys_call(SYS_prctl, PR_GET_NAME, (long)name, 0, 0, 0, 0);
}

long sys_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / 1000000000),
        .tv_nsec = (long)(timeout_ns % 1000000000),
    };
    return sys_call(SYS_futex, (long)word, FUTEX_WAIT, expected, (long)&timeout, 0, 0);
}

void sys_futex_wake(_Atomic uint32_t *word)
{
    sys_call(SYS_futex, (long)word, FUTEX_WAKE, INT32_MAX, 0, 0, 0);
}

void sys_allow_reading(bool is_allowed)
{
    sys_call(SYS_prctl, PR_SET_PTRACER, is_allowed ? (long)PR_SET_PTRACER_ANY : 0, 0, 0, 0, 0);
}

uint32_t sys_pid(void)
{
    return (uint32_t)sys_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

uint32_t sys_parent_pid(void)
{
    return (uint32_t)sys_call(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

uint32_t sys_tid(void)
{
    return (uint32_t)sys_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

long sys_thread_exists(uint32_t pid, uint32_t tid)
{
    return sys_call(SYS_tgkill, pid, tid, 0, 0, 0, 0);
}

long sys_hold_signals(uint64_t *out_mask)
{
    uint64_t all = UINT64_MAX;
    return sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)out_mask, sizeof(all), 0, 0);
}

void sys_restore_signals(uint64_t mask)
{
    sys_call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, sizeof(mask), 0, 0);
}

long sys_signal_stack(stack_t *out_stack)
{
    return sys_call(SYS_sigaltstack, 0, (long)out_stack, 0, 0, 0, 0);
}

void sys_yield(void)
{
    sys_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* Whether a byte can be read at `page` and at each of the pages behind it. */
static bool sys_can_read(uintptr_t page, size_t count)
{
    char bytes[PAGES_AT_ONCE];
    struct iovec ours = {.iov_base = bytes, .iov_len = count};
    struct iovec theirs[PAGES_AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        theirs[i] = (struct iovec){.iov_base = (void *)(page + i * PAGE_BYTES), .iov_len = 1};
    }
    long result =
        sys_call(SYS_process_vm_readv, sys_pid(), (long)&ours, 1, (long)theirs, (long)count, 0);
    if (result == -ENOSYS || result == -EPERM) { /* forbidden in some containers */
        unsigned char residency[PAGES_AT_ONCE];
        result = sys_call(SYS_mincore, (long)page, (long)(count * PAGE_BYTES), (long)residency, 0,
                          0, 0) == 0
                     ? (long)count
                     : 0;
    }
    return result == (long)count;
}

bool sys_are_readable(uintptr_t start, uintptr_t end)
{
    uintptr_t page = start & ~(uintptr_t)(PAGE_BYTES - 1);
    while (page < end) {
        size_t count = (end - page + PAGE_BYTES - 1) / PAGE_BYTES;
        count = count < PAGES_AT_ONCE ? count : PAGES_AT_ONCE;
        if (!sys_can_read(page, count)) {
            return false;
        }
        page += count * PAGE_BYTES;
    }
    return true;
}

/* The kernel reads a set of signals before it finds that it is not told what to do with it.
 * Programs that have given up most calls kept this one, and a fault of theirs must not become
 * another. */
bool sys_is_word_readable(uintptr_t address)
{
    enum {
        DO_NOTHING = 1000,
    };
    return sys_call(SYS_rt_sigprocmask, DO_NOTHING, (long)address, 0, sizeof(uint64_t), 0, 0) !=
           -EFAULT;
}

bool sys_is_readable(uintptr_t address)
{
    return sys_can_read(address & ~(uintptr_t)(PAGE_BYTES - 1), 1);
}

long sys_read_file(const char *path, char *buffer, size_t bytes)
{
    long fd = sys_open(path, O_RDONLY);
    if (fd < 0) {
        return fd;
    }
    size_t used = 0;
    while (used < bytes - 1) {
        long count = sys_read((int)fd, buffer + used, bytes - 1 - used);
        if (count == -EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        used += (size_t)count;
    }
    buffer[used] = '\0';
    sys_close((int)fd);
    return (long)used;
}
