/*
 * pause_at_end.c - to be preloaded: the program sleeps for 0.3 s before it ends. So it was there
 * long enough to be judged, however fast the machine is.
 *
 * build: -shared -fPIC
 */
#include <time.h>

static __attribute__((destructor)) void pause_at_end(void)
{
    const struct timespec pause = {.tv_nsec = 300000000};
    (void)nanosleep(&pause, NULL);
}
