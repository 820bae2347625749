#include "sanitizer.h"

#include <dlfcn.h>
#include <string.h>

#include "../schema/report_file.h"
#include "emit.h"
#include "emit_notes.h"
#include "environment.h"
#include "real.h"
#include "sys.h"

typedef void sanitizer_alloc_hook(const volatile void *block, size_t size_bytes);
typedef void sanitizer_free_hook(const volatile void *block);

/* Of a sanitizer's runtime, where there is one: bound by the loader, since a look-up that fails
 * allocates and takes locks of the C library. */
#define OF_RUNTIME __attribute__((weak, visibility("default"))) extern

OF_RUNTIME int __sanitizer_install_malloc_and_free_hooks(sanitizer_alloc_hook *alloc,
                                                         sanitizer_free_hook *freed);
OF_RUNTIME size_t __sanitizer_get_allocated_size(void *block);
OF_RUNTIME void __asan_set_error_report_callback(void (*callback)(const char *text));
OF_RUNTIME const char *__asan_default_options(void);
OF_RUNTIME void __lsan_do_leak_check(void);
OF_RUNTIME const char *__lsan_default_options(void);
OF_RUNTIME void __sanitizer_set_death_callback(void (*callback)(void));
OF_RUNTIME void __sanitizer_set_report_fd(void *fd);

static bool sanitizer_hears;
static int report_fd = -1; /* what LeakSanitizer prints goes there */
static char report_path[REPORT_PATH_BYTES];

#include "banned.h"

static void sanitizer_tell_alloc(const volatile void *block, size_t size_bytes)
{
    emit_alloc(ALLOC_KIND_MALLOC, (void *)(uintptr_t)block, size_bytes, 0, 0,
               __builtin_frame_address(0));
}

static void sanitizer_tell_free(const volatile void *block)
{
    emit_free_untimed(FREE_KIND_FREE, (void *)(uintptr_t)block, __builtin_frame_address(0));
}

static void sanitizer_tell_report(const char *text)
{
    emit_report(text, strlen(text), true, __builtin_frame_address(0));
}

/* The runtime is about to end the process: LeakSanitizer's report is whole. */
static void sanitizer_pass_report_on(void)
{
    enum {
        STDERR = 2,
    };
    char part[4096];
    uint64_t at = 0;
    long count;
    if (report_fd < 0) {
        return;
    }
    __sanitizer_set_report_fd((void *)(uintptr_t)STDERR);
    while ((count = sys_read_at(report_fd, part, sizeof(part), at)) > 0) {
        sys_write_all(STDERR, part, (size_t)count);
        emit_report(part, (size_t)count, false, __builtin_frame_address(0));
        at += (uint64_t)count;
    }
    if (at > 0) {
        emit_report("", 0, true, __builtin_frame_address(0));
    }
    sys_unlink(report_path);
    sys_close(report_fd);
    report_fd = -1;
}

static bool sanitizer_has_log(const char *options)
{
    return options != NULL && strstr(options, "log_path") != NULL;
}

/* The user has sent the reports elsewhere. */
static bool sanitizer_is_logged(void)
{
    return sanitizer_has_log(environment_find("ASAN_OPTIONS")) ||
           sanitizer_has_log(environment_find("LSAN_OPTIONS")) ||
           (__asan_default_options != NULL && sanitizer_has_log(__asan_default_options())) ||
           (__lsan_default_options != NULL && sanitizer_has_log(__lsan_default_options()));
}

bool sanitizer_is_in(const void *address)
{
    struct dl_find_object runtime;
    struct dl_find_object module;
    return __lsan_do_leak_check != NULL && address != NULL &&
           _dl_find_object((void *)(uintptr_t)&__lsan_do_leak_check, &runtime) == 0 &&
           _dl_find_object((void *)(uintptr_t)address, &module) == 0 &&
           runtime.dlfo_link_map == module.dlfo_link_map;
}

void sanitizer_before_leak_check(void)
{
    const char *ring = environment_find(RING_ENV);
    if (__lsan_do_leak_check == NULL || __sanitizer_set_report_fd == NULL ||
        __sanitizer_set_death_callback == NULL || report_fd >= 0 || ring == NULL ||
        atomic_load(&process->phase) != PROCESS_RECORDING || process->pid != sys_pid() ||
        sanitizer_is_logged() || !report_file_name(report_path, ring, process->pid)) {
        return;
    }
    long fd = sys_create(report_path);
    if (fd >= 0) {
        report_fd = (int)fd;
        __sanitizer_set_report_fd((void *)(uintptr_t)fd);
    }
}

void sanitizer_begin(void)
{
    if (__asan_set_error_report_callback != NULL) {
        __asan_set_error_report_callback(sanitizer_tell_report);
    }
    if (__lsan_do_leak_check != NULL && __sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(sanitizer_pass_report_on);
    }
    if (__sanitizer_install_malloc_and_free_hooks != NULL &&
        __sanitizer_get_allocated_size != NULL && real_malloc_is_replaced()) {
        real.malloc_usable_size = __sanitizer_get_allocated_size;
        sanitizer_hears = __sanitizer_install_malloc_and_free_hooks(sanitizer_tell_alloc,
                                                                    sanitizer_tell_free) != 0;
    }
}

bool sanitizer_is_heard(void)
{
    return sanitizer_hears;
}
