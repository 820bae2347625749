#include "announce.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdint.h>
#include <string.h>

#include "module.h"
#include "real.h"
#include "sanitizer.h"
#include "self.h"
#include "suspect.h"
#include "sys.h"

#include "banned.h"

enum {
    TEXT_BYTES = 4096,
    COMMAND_BYTES = 4096,
    VERSION_BYTES = 128,
};

static char *announce_append(char *at, const char *text, uint32_t bytes)
{
    memcpy(at, text, bytes);
    return at + bytes;
}

/* Asks the allocator beneath us for its version in its own way. */
static uint32_t announce_allocator_version(const char *path, char *version)
{
    const char *text = "";
    char number[4] = "";
    if (strstr(path, "/libc.so") != NULL || strstr(path, "/libc-") != NULL) {
        text = gnu_get_libc_version();
    } else if (strstr(path, "jemalloc") != NULL) {
        int (*control)(const char *, void *, size_t *, void *, size_t);
        size_t bytes = sizeof(text);
        *(void **)&control = dlsym(RTLD_NEXT, "mallctl");
        if (control == NULL || control("version", &text, &bytes, NULL, 0) != 0) {
            text = "";
        }
    } else if (strstr(path, "tcmalloc") != NULL) {
        const char *(*ask)(int *, int *, const char **);
        *(void **)&ask = dlsym(RTLD_NEXT, "tc_version");
        text = ask != NULL ? ask(NULL, NULL, NULL) : "";
    } else if (strstr(path, "mimalloc") != NULL) {
        int (*ask)(void);
        *(void **)&ask = dlsym(RTLD_NEXT, "mi_version");
        int value = ask != NULL ? ask() : 0;
        number[0] = (char)('0' + value / 100 % 10);
        number[1] = (char)('0' + value / 10 % 10);
        number[2] = (char)('0' + value % 10);
        text = value != 0 ? number : "";
    }
    size_t length = strnlen(text, VERSION_BYTES - 1);
    memcpy(version, text, length);
    return (uint32_t)length;
}

void announce_process(struct self *self)
{
    if (atomic_exchange(&process->is_announced, true)) {
        return;
    }
    char executable[TEXT_BYTES];
    char allocator[TEXT_BYTES];
    char command[COMMAND_BYTES];
    char version[VERSION_BYTES] = "";
    uint32_t executable_bytes = module_executable_path(executable, sizeof(executable));
    long command_bytes = sys_read_file("/proc/self/cmdline", command, sizeof(command));
    command_bytes = command_bytes < 0 ? 0 : command_bytes;
    uint32_t allocator_bytes =
        module_path(real_allocator_address(), allocator, sizeof(allocator) - 1);
    allocator[allocator_bytes] = '\0';
    uint32_t version_bytes = announce_allocator_version(allocator, version);

    suspect_begin(strstr(allocator, "/libc.so") != NULL || strstr(allocator, "/libc-") != NULL);

    size_t bytes = (sizeof(struct event_process) + executable_bytes + (size_t)command_bytes +
                    allocator_bytes + version_bytes + 7) &
                   ~(size_t)7;
    struct writer *writer = &self->writers[0];
    if (!lane_reserve(writer, bytes)) {
        return;
    }
    lane_begin(writer);
    struct event_process *event = (struct event_process *)writer->cursor;
    writer->cursor[bytes / 8 - 1] = 0;
    *event = (struct event_process){
        .head = event_head(EVENT_PROCESS, 0, lane_stamp(writer)),
        .pid = process->pid,
        .parent_pid = sys_parent_pid(),
        .parent_key = process->parent_key,
        .flags =
            (process->parent_key != 0 ? PROCESS_IS_FORK : 0u) |
            (real_malloc_is_replaced() && !sanitizer_is_heard() ? PROCESS_MALLOC_IS_REPLACED : 0u),
        .executable_bytes = (uint16_t)executable_bytes,
        .command_bytes = (uint16_t)command_bytes,
        .allocator_bytes = (uint16_t)allocator_bytes,
        .allocator_version_bytes = (uint16_t)version_bytes,
    };
    char *at = event->text;
    at = announce_append(at, executable, executable_bytes);
    at = announce_append(at, command, (uint32_t)command_bytes);
    at = announce_append(at, allocator, allocator_bytes);
    announce_append(at, version, version_bytes);
    lane_publish(writer, writer->cursor + bytes / 8);
}
