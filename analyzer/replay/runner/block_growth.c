#include "block_growth.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MEASURED_CLASSES = 64,
    WARM_UP_BYTES = 128 << 10, /* until the class has slabs of its own */
    MEASURED_BYTES = 1 << 20,
};

/* Blocks stay reachable, so that what looks for leaks finds none. */
struct kept_block {
    struct kept_block *next;
};

static struct kept_block *kept;

static uint64_t read_kib(const char *text, const char *key)
{
    const char *line = strstr(text, key);
    return line != NULL ? strtoull(line + strlen(key), NULL, 10) : 0;
}

/* Written and not shared. Counted page by page: other sums of the kernel are off by some. */
static int read_private(uint64_t *out_bytes)
{
    char text[4096];
    int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t count = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (count <= 0) {
        return -EIO;
    }
    text[count] = '\0';
    *out_bytes = (read_kib(text, "Private_Dirty:") + read_kib(text, "\nSwap:")) * 1024;
    return 0;
}

static int keep_blocks(size_t size_bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct kept_block *block = malloc(size_bytes);
        if (block == NULL) {
            return -ENOMEM;
        }
        memset(block, 1, size_bytes);
        block->next = kept;
        kept = block;
    }
    return 0;
}

static int measure_class(struct block_class *class)
{
    uint64_t before_bytes = 0;
    uint64_t after_bytes = 0;
    size_t count = MEASURED_BYTES / class->usable_bytes + 1;
    int result = keep_blocks(class->size_max_bytes, WARM_UP_BYTES / class->usable_bytes + 1);
    result = result == 0 ? read_private(&before_bytes) : result;
    result = result == 0 ? keep_blocks(class->size_max_bytes, count) : result;
    result = result == 0 ? read_private(&after_bytes) : result;
    class->growth_bytes = ((double)after_bytes - (double)before_bytes) / (double)count;
    return result == 0 && after_bytes <= before_bytes ? -EIO : result;
}

static int find_classes(size_t size_max_bytes, struct block_class *classes, size_t class_capacity)
{
    size_t count = 0;
    for (size_t size_bytes = sizeof(*kept); size_bytes <= size_max_bytes; size_bytes += 8) {
        void *block = malloc(size_bytes);
        size_t usable_bytes = malloc_usable_size(block);
        free(block);
        if (usable_bytes < size_bytes) {
            return -ENOMEM;
        }
        if (count == 0 || classes[count - 1].usable_bytes != usable_bytes) {
            if (count == class_capacity) {
                return -E2BIG;
            }
            classes[count++].usable_bytes = usable_bytes;
        }
        classes[count - 1].size_max_bytes = size_bytes;
    }
    return (int)count;
}

int block_growth_measure(size_t size_max_bytes, struct block_class *out_classes,
                         size_t class_capacity)
{
    int count = find_classes(size_max_bytes, out_classes, class_capacity);
    int step = count > MEASURED_CLASSES ? (count + MEASURED_CLASSES - 1) / MEASURED_CLASSES : 1;
    int result = count < 0 ? count : 0;
    for (int i = count - 1; i >= 0 && result == 0; i--) {
        struct block_class *class = &out_classes[i];
        if ((count - 1 - i) % step == 0) {
            result = measure_class(class);
        } else {
            const struct block_class *next = &out_classes[i + 1];
            class->growth_bytes =
                (double)class->usable_bytes + next->growth_bytes - (double)next->usable_bytes;
        }
    }
    return result < 0 ? result : count;
}
