#include "stderr_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum {
    PIPE_BYTES = 1 << 20,
    NOTES_BYTES = 1 << 20,
    DRAIN_MS = 1000,
};

/* A terminal that passes bytes as they are: ours does the rest. */
static int open_terminal(int fds[2])
{
    struct termios mode;
    struct winsize size;
    fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    const char *name =
        fds[0] >= 0 && grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0 ? ptsname(fds[0]) : NULL;
    fds[1] = name != NULL ? open(name, O_RDWR | O_NOCTTY | O_CLOEXEC) : -1;
    if (fds[1] < 0 || tcgetattr(fds[1], &mode) != 0) {
        int code = errno;
        close(fds[0]);
        close(fds[1]);
        return -code;
    }
    mode.c_oflag &= ~(tcflag_t)OPOST;
    mode.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fds[1], TCSANOW, &mode);
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0) {
        ioctl(fds[1], TIOCSWINSZ, &size);
    }
    return 0;
}

static int open_channel(bool is_terminal, int fds[2])
{
    if (is_terminal) {
        return open_terminal(fds);
    }
    if (pipe2(fds, O_CLOEXEC | O_DIRECT) != 0) {
        return -errno;
    }
    (void)fcntl(fds[0], F_SETPIPE_SZ, PIPE_BYTES); /* room for more writes: a favour */
    return 0;
}

int stderr_relay_start(struct stderr_relay *relay, const struct clock *clock,
                       struct relay_passing passing, bool traces_objects, struct err *err)
{
    int channel[2];
    int notes[2];
    bool is_terminal = !traces_objects && isatty(STDERR_FILENO) == 1;
    *relay = (struct stderr_relay){.program_fd = -1, .note_fd = -1};
    if (fcntl(STDERR_FILENO, F_GETFD) < 0) {
        return err_set(err, EBADF, "stderr is closed");
    }
    int r = open_channel(is_terminal, channel);
    if (r < 0) {
        return err_set_errno(err, -r, "cannot stand between the program and stderr");
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, notes) != 0) {
        r = -errno;
    } else {
        int size = NOTES_BYTES;
        setsockopt(notes[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        relay->pid = fork();
        r = relay->pid < 0 ? -errno : 0;
        if (relay->pid == 0) {
            close(channel[1]);
            relay_process_become(
                &(struct relay_channel){
                    .input_fd = channel[0],
                    .note_fd = notes[1],
                    .is_terminal = is_terminal,
                    .traces_objects = traces_objects,
                },
                clock, passing);
        }
        close(notes[1]);
    }
    close(channel[0]);
    relay->program_fd = channel[1];
    relay->note_fd = notes[0];
    if (r < 0) {
        relay->pid = 0;
        stderr_relay_end(relay);
        return err_set_errno(err, -r, "cannot stand between the program and stderr");
    }
    return 0;
}

void stderr_relay_hand_over(struct stderr_relay *relay)
{
    if (relay->program_fd >= 0) {
        close(relay->program_fd);
        relay->program_fd = -1;
    }
}

static bool receive(struct stderr_relay *relay, struct relay_note *out_note)
{
    ssize_t size_bytes =
        relay->note_fd < 0 ? -1 : recv(relay->note_fd, out_note, sizeof(*out_note), MSG_DONTWAIT);
    if (size_bytes < (ssize_t)relay_note_bytes(RELAY_NOTE_END, 0)) {
        return false;
    }
    relay->unread_count = out_note->unread_count;
    relay->lost_count = out_note->lost_count;
    relay->damaged_count = out_note->damaged_count;
    return true;
}

bool stderr_relay_next(struct stderr_relay *relay, struct relay_note *out_note)
{
    return receive(relay, out_note) && out_note->kind != RELAY_NOTE_END;
}

bool stderr_relay_next_of_rest(struct stderr_relay *relay, struct relay_note *out_note)
{
    struct pollfd wait = {.fd = relay->note_fd, .events = POLLIN};
    if (relay->note_fd >= 0 && !relay->is_draining) {
        relay->is_draining = true;
        (void)send(relay->note_fd, "?", 1, MSG_NOSIGNAL);
    }
    relay->is_drained = relay->is_drained || poll(&wait, 1, DRAIN_MS) != 1 ||
                        !receive(relay, out_note) || out_note->kind == RELAY_NOTE_END;
    return !relay->is_drained;
}

void stderr_relay_end(struct stderr_relay *relay)
{
    stderr_relay_hand_over(relay);
    if (relay->note_fd >= 0) {
        close(relay->note_fd);
        relay->note_fd = -1;
    }
    if (relay->pid > 0) {
        waitpid(relay->pid, NULL, WNOHANG);
    }
    relay->pid = 0;
}
