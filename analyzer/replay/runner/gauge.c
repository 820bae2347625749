#include "gauge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int gauge_open(struct gauge *gauge)
{
    *gauge = (struct gauge){.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE)};
    gauge->fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    return gauge->fd >= 0 ? 0 : -errno;
}

static uint64_t read_number(const char *text)
{
    uint64_t number = 0;
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (uint64_t)(*text - '0');
    }
    return number;
}

struct gauge_levels {
    uint64_t resident_bytes;
    uint64_t private_bytes;
};

/* "SIZE RESIDENT SHARED ...", in pages. */
static struct gauge_levels read_levels(const struct gauge *gauge)
{
    char text[128];
    ssize_t count = pread(gauge->fd, text, sizeof(text) - 1, 0);
    text[count > 0 ? count : 0] = '\0';
    const char *resident = strchr(text, ' ');
    const char *shared = resident != NULL ? strchr(resident + 1, ' ') : NULL;
    struct gauge_levels levels = {0};
    if (shared != NULL) {
        uint64_t shared_bytes = read_number(shared) * gauge->page_bytes;
        levels.resident_bytes = read_number(resident) * gauge->page_bytes;
        levels.private_bytes =
            levels.resident_bytes > shared_bytes ? levels.resident_bytes - shared_bytes : 0;
    }
    return levels;
}

uint64_t gauge_resident_bytes(const struct gauge *gauge)
{
    return read_levels(gauge).resident_bytes;
}

uint64_t gauge_private_bytes(const struct gauge *gauge)
{
    return read_levels(gauge).private_bytes;
}

uint64_t gauge_read(struct gauge *gauge, uint64_t at)
{
    struct gauge_levels levels = read_levels(gauge);
    uint64_t bytes = levels.resident_bytes;
    if (gauge->reading_count++ > 0) {
        uint64_t width = at - gauge->last_at;
        gauge->area += ((double)bytes + (double)gauge->last_bytes) / 2 * (double)width;
        gauge->width += width;
    }
    if (gauge->point_count < gauge->point_capacity) {
        gauge->points[gauge->point_count++] = (struct gauge_point){at, bytes};
    }
    gauge->last_at = at;
    gauge->last_bytes = bytes;
    gauge->peak_bytes = bytes > gauge->peak_bytes ? bytes : gauge->peak_bytes;
    gauge->private_peak_bytes = levels.private_bytes > gauge->private_peak_bytes
                                    ? levels.private_bytes
                                    : gauge->private_peak_bytes;
    return bytes;
}

uint64_t gauge_mean_bytes(const struct gauge *gauge)
{
    return gauge->width > 0 ? (uint64_t)(gauge->area / (double)gauge->width) : gauge->last_bytes;
}

void gauge_reset_peak(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t written = write(fd, "5", 1);
        (void)written;
        (void)close(fd);
    }
}

uint64_t gauge_kernel_peak_bytes(void)
{
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t count = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[count > 0 ? count : 0] = '\0';
    const char *line = strstr(text, "VmHWM:");
    return line != NULL ? read_number(line + strlen("VmHWM:")) * 1024 : 0;
}
