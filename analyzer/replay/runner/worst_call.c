#include "worst_call.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t count_of(const struct script_head *head)
{
    uint64_t count = head->alloc_count + head->realloc_count + head->free_count;
    return count < WORST_CALL_COUNT_MAX ? count : WORST_CALL_COUNT_MAX;
}

static uint32_t *map_table(int fd, uint64_t count)
{
    void *table = mmap(NULL, count * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_POPULATE, fd, 0);
    return table == MAP_FAILED ? NULL : table;
}

uint32_t *worst_call_table(const struct script_head *head, uint64_t *out_count)
{
    *out_count = count_of(head);
    return *out_count > 0 ? map_table(WORST_CALL_FD, *out_count) : NULL;
}

static int run_lap(int fd, char *const *lap)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(fd, WORST_CALL_FD) == WORST_CALL_FD) {
            (void)execve("/proc/self/exe", lap, environ);
        }
        _exit(127);
    }
    if (pid < 0) {
        return -errno;
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -errno;
        }
    }
    return status == 0 ? 0 : -ECHILD;
}

int worst_call_find(const struct script_head *head, char *const *lap, uint64_t *out_ticks)
{
    uint64_t count = count_of(head);
    *out_ticks = 0;
    if (count == 0) {
        return 0;
    }
    int fd = memfd_create("worst calls", 0);
    if (fd < 0) {
        return -errno;
    }
    int result = ftruncate(fd, (off_t)(count * sizeof(uint32_t))) == 0 ? 0 : -errno;
    for (int i = 0; i < WORST_CALL_LAPS && result == 0; i++) {
        result = run_lap(fd, lap);
    }
    uint32_t *table = result == 0 ? map_table(fd, count) : NULL;
    result = result == 0 && table == NULL ? -ENOMEM : result;
    for (uint64_t i = count / WORST_CALL_EDGE_PART;
         i < count - count / WORST_CALL_EDGE_PART && result == 0; i++) {
        uint64_t ticks = table[i] > 0 ? table[i] - 1 : 0;
        *out_ticks = ticks > *out_ticks ? ticks : *out_ticks;
    }
    (void)close(fd);
    return result;
}
