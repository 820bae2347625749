/*
 * hooks_name.c - a thread gets a name: rules of a plan that ask for it have to look anew.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "hooks.h"
#include "real.h"
#include "route.h"

HOOK int pthread_setname_np(pthread_t thread, const char *name)
{
    real_be_ready();
    int result = real.pthread_setname_np != NULL ? real.pthread_setname_np(thread, name) : ENOSYS;
    route_note_thread_name();
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
    real_be_ready();
    if (real.prctl == NULL) {
        errno = ENOSYS;
        return -1;
    }
    int result = real.prctl(option, arguments[0], arguments[1], arguments[2], arguments[3]);
    if (option == PR_SET_NAME) {
        route_note_thread_name();
    }
    return result;
}
