/*
 * report_file.h - where LeakSanitizer's report of a process that ends lies, beside the ring, until
 * it has been passed on to the process's stderr: by the process, or else by the collector.
 */
#ifndef ALLOCAUDIT_REPORT_FILE_H
#define ALLOCAUDIT_REPORT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPORT_FILE_PREFIX "report-"

enum {
    REPORT_PATH_BYTES = 4096,
};

/* "DIRECTORY/report-PID" for the ring "DIRECTORY/ring". False: it would be too long. */
static inline bool report_file_name(char out_path[REPORT_PATH_BYTES], const char *ring_path,
                                    uint32_t pid)
{
    enum {
        DIGITS_MAX = 10,
    };
    const char *slash = strrchr(ring_path, '/');
    size_t folder_bytes = slash != NULL ? (size_t)(slash - ring_path) + 1 : 0;
    size_t prefix_bytes = strlen(REPORT_FILE_PREFIX);
    char digits[DIGITS_MAX];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + pid % 10);
        pid /= 10;
    } while (pid != 0);
    if (folder_bytes + prefix_bytes + count >= REPORT_PATH_BYTES) {
        return false;
    }
    memcpy(out_path, ring_path, folder_bytes);
    char *at = out_path + folder_bytes;
    for (const char *from = REPORT_FILE_PREFIX; *from != '\0'; from++) {
        *at++ = *from;
    }
    while (count > 0) {
        *at++ = digits[--count];
    }
    *at = '\0';
    return true;
}

#endif
