/*
 * sys.h - system calls made directly, past any hook and without touching errno.
 *
 * Each returns the result or a negative errno.
 */
#ifndef ALLOCAUDIT_SYS_H
#define ALLOCAUDIT_SYS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/stat.h>
#include <sys/types.h>

long sys_open(const char *path, int flags);
long sys_create(const char *path); /* a new file, 0600, for reading and writing */
long sys_unlink(const char *path);
long sys_close(int fd);
long sys_read(int fd, void *buffer, size_t bytes);
long sys_read_at(int fd, void *buffer, size_t bytes, uint64_t at);
void sys_write_all(int fd, const void *bytes, size_t count); /* as far as it can be */
long sys_readlink(const char *path, char *buffer, size_t bytes);
void *sys_mmap(size_t bytes, int protection, int flags, int fd); /* NULL on failure */
long sys_munmap(void *address, size_t bytes);
long sys_madvise(void *address, size_t bytes, int advice);
long sys_file_bytes(int fd); /* fstat's st_size */
long sys_status(const char *path, struct stat *out_status);
bool sys_may_gain_rights(int fd); /* by executing this file; false: such bits do nothing */
bool sys_has_capabilities(const char *path);
long sys_file_identity(const char *path, uint64_t *out_device, uint64_t *out_inode);
long sys_thread_name(char name[16]); /* of the calling thread */
long sys_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t timeout_ns);
void sys_futex_wake(_Atomic uint32_t *word); /* everybody */
void sys_allow_reading(bool is_allowed);     /* by any process of the user (Yama) */
uint32_t sys_pid(void);
uint32_t sys_parent_pid(void);
uint32_t sys_tid(void);
long sys_thread_exists(uint32_t pid, uint32_t tid); /* 0, or -ESRCH */
void sys_yield(void);
long sys_hold_signals(uint64_t *out_mask); /* all; gives the mask as it was */
void sys_restore_signals(uint64_t mask);
long sys_signal_stack(stack_t *out_stack);             /* sigaltstack of this thread */
bool sys_is_readable(uintptr_t address);               /* the page that holds it */
bool sys_is_word_readable(uintptr_t address);          /* the 8 bytes there; by a harmless call */
bool sys_are_readable(uintptr_t start, uintptr_t end); /* all pages of [start, end) */

/* Reads at most bytes-1 bytes of a file and ends them with NUL. Returns the count or negative
 * errno. */
long sys_read_file(const char *path, char *buffer, size_t bytes);

#endif
