#include "true_pid.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_BYTES_MOST = 4096,
    START_FIELD = 22, /* of /proc/PID/stat, in clock ticks */
};

/* A file of /proc/PID as a text; false: there is none. */
static bool proc_read(const char *pid, const char *name, char text[FILE_BYTES_MOST])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t count = read(fd, text, FILE_BYTES_MOST - 1);
    close(fd);
    text[count > 0 ? count : 0] = '\0';
    return count > 0;
}

/* When a process was started; 0: it is not there. */
static uint64_t proc_start(const char *pid)
{
    char text[FILE_BYTES_MOST];
    const char *field = proc_read(pid, "stat", text) ? strrchr(text, ')') : NULL;
    for (int i = 2; field != NULL && i < START_FIELD; i++) { /* the name is field 2 */
        field = strchr(field + 1, ' ');
    }
    return field != NULL ? strtoull(field, NULL, 10) : 0;
}

static bool proc_is_as_young_as_we(const char *pid)
{
    static uint64_t own_start;
    if (own_start == 0) {
        own_start = proc_start("self");
    }
    return proc_start(pid) >= own_start;
}

/* Does it have the number in the innermost of several namespaces? */
static bool proc_was_told(const char *pid, uint32_t told_pid)
{
    char text[FILE_BYTES_MOST];
    const char *line = proc_read(pid, "status", text) ? strstr(text, "\nNSpid:") : NULL;
    if (line == NULL) {
        return false;
    }
    unsigned long number = 0;
    unsigned count = 0;
    char *end;
    line += strlen("\nNSpid:");
    for (; *line == '\t'; line = end, count++) {
        number = strtoul(line, &end, 10);
    }
    return count > 1 && number == told_pid;
}

static uint32_t true_pid_search(uint32_t told_pid)
{
    uint32_t found = 0;
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    while (folder != NULL && found == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            proc_was_told(entry->d_name, told_pid) && proc_is_as_young_as_we(entry->d_name)) {
            found = (uint32_t)strtoul(entry->d_name, NULL, 10);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return found;
}

uint32_t true_pid_find(uint32_t told_pid)
{
    static bool has_namespaces;
    char pid[16];
    snprintf(pid, sizeof(pid), "%u", told_pid);
    if (proc_is_as_young_as_we(pid)) {
        return told_pid;
    }
    has_namespaces |= proc_start(pid) != 0;
    return has_namespaces ? true_pid_search(told_pid) : 0;
}
