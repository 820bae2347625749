/*
 * hooks_name.c - a thread gets a name: the collector wants to know it, also of a thread that is
 * gone when it looks, and rules of a plan that ask for it have to look anew.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "hooks.h"
#include "lane.h"
#include "real.h"
#include "route.h"
#include "self.h"

static void note_name(bool is_own)
{
    const struct self *self = self_of_thread;
    route_note_thread_name();
    if (is_own) {
        lane_note_thread_name(self != NULL && self->is_ready ? &self->writers[0] : NULL);
    }
}

HOOK int pthread_setname_np(pthread_t thread, const char *name)
{
    real_kernel_be_ready();
    int result = real.pthread_setname_np != NULL ? real.pthread_setname_np(thread, name) : ENOSYS;
    note_name(pthread_equal(thread, pthread_self()) != 0);
    return result;
}

HOOK int prctl(int option, ...)
{
    unsigned long arguments[4]; /* those that are not there are not looked at */
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++) {
        arguments[i] = va_arg(list, unsigned long);
    }
    va_end(list);
    real_kernel_be_ready();
    if (real.prctl == NULL) {
        errno = ENOSYS;
        return -1;
    }
    int result = real.prctl(option, arguments[0], arguments[1], arguments[2], arguments[3]);
    if (option == PR_SET_NAME) {
        note_name(true);
    }
    return result;
}

HOOKS_NAME(HOOK_ALIAS)
