/*
 * no_ptrace.c - a library to preload: ptrace is forbidden, as in a strict container.
 *
 * build: -shared -fPIC
 */
#include <errno.h>

long ptrace(int request, ...);

long ptrace(int request, ...)
{
    (void)request;
    errno = EPERM;
    return -1;
}
