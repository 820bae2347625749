#include "interrupts.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

int interrupts_begin(struct interrupts *interrupts, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    interrupts->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (interrupts->fd < 0) {
        return err_set_errno(err, errno, "cannot wait for signals");
    }
    sigprocmask(SIG_BLOCK, &set, &interrupts->old_mask);
    return 0;
}

int interrupts_take(const struct interrupts *interrupts)
{
    struct signalfd_siginfo info;
    const ssize_t count = read(interrupts->fd, &info, sizeof(info));
    return count == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

void interrupts_end(struct interrupts *interrupts)
{
    while (interrupts_take(interrupts) != 0) {
    }
    close(interrupts->fd);
    sigprocmask(SIG_SETMASK, &interrupts->old_mask, NULL);
}
