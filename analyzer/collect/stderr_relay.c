#include "stderr_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../go/gc_sieve.h"

enum {
    INPUT = STDIN_FILENO,  /* of the relaying process: what the program writes */
    NOTES = STDOUT_FILENO, /* to the collector */
    OUTPUT = STDERR_FILENO,
    READ_BYTES = 65536,
    PIPE_BYTES = 1 << 20,
    NOTES_BYTES = 1 << 20,
    HOLD_MS = 200, /* a line that has begun is finished within this time, or is none */
    DRAIN_MS = 1000,
};

/* ---- the relaying process ----------------------------------------------------------------------
 */

struct relaying {
    struct gc_sieve sieve;
    const struct clock *clock;
    uint64_t lost_count;
    uint64_t aged_ns; /* when what is held back was last looked through; 0: nothing is */
    bool is_terminal;
};

static void relay_pass(void *context, const char *bytes, size_t size_bytes)
{
    (void)context;
    while (size_bytes > 0) {
        ssize_t written = write(OUTPUT, bytes, size_bytes);
        if (written > 0) {
            bytes += written;
            size_bytes -= (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = OUTPUT, .events = POLLOUT};
            poll(&wait, 1, -1);
        } else if (written >= 0 || errno != EINTR) {
            _exit(1); /* nobody reads: the program is to notice as it would without us */
        }
    }
}

static void relay_tell(struct relaying *relaying, const struct relay_note *note)
{
    struct relay_note sent = *note;
    sent.unread_count = relaying->sieve.unread_count;
    sent.lost_count = relaying->lost_count;
    if (send(NOTES, &sent, sizeof(sent), MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof(sent)) {
        relaying->lost_count++;
    }
}

static void relay_take_cycle(void *context, const struct gc_cycle *cycle)
{
    struct relaying *relaying = context;
    relay_tell(relaying, &(struct relay_note){
                             .cycle = *cycle,
                             .at_ticks = clock_ticks(relaying->clock),
                         });
}

static void relay_take_scavenge(void *context, const struct scavenge *scavenge)
{
    struct relaying *relaying = context;
    relay_tell(relaying, &(struct relay_note){
                             .scavenge = *scavenge,
                             .is_scavenge = true,
                             .at_ticks = clock_ticks(relaying->clock),
                         });
}

/* The program's terminal is as large as ours. */
static void relay_fit(void)
{
    struct winsize ours;
    struct winsize theirs;
    if (ioctl(OUTPUT, TIOCGWINSZ, &ours) == 0 && ioctl(INPUT, TIOCGWINSZ, &theirs) == 0 &&
        memcmp(&ours, &theirs, sizeof(ours)) != 0) {
        ioctl(INPUT, TIOCSWINSZ, &ours);
    }
}

/* However much goes on being written: nothing waits longer than twice that time. */
static void relay_age(struct relaying *relaying)
{
    uint64_t now_ns = gc_sieve_is_holding(&relaying->sieve) ? clock_monotonic_ns() : 0;
    if (now_ns != 0 && relaying->aged_ns != 0 &&
        now_ns - relaying->aged_ns < HOLD_MS * UINT64_C(1000000)) {
        return;
    }
    if (now_ns != 0 && relaying->aged_ns != 0) {
        gc_sieve_age(&relaying->sieve);
    }
    relaying->aged_ns = now_ns;
}

/* Passes what can be read now. False: nobody can write any more. */
static bool relay_read(struct relaying *relaying)
{
    static char bytes[READ_BYTES];
    ssize_t count = read(INPUT, bytes, sizeof(bytes));
    if (count > 0) {
        if (relaying->is_terminal) {
            relay_fit();
        }
        gc_sieve_feed(&relaying->sieve, bytes, (size_t)count);
        relay_age(relaying);
    }
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool relay_drain(struct relaying *relaying)
{
    struct pollfd wait = {.fd = INPUT, .events = POLLIN};
    bool is_open = true;
    while (is_open && poll(&wait, 1, 0) == 1) {
        is_open = relay_read(relaying);
    }
    return is_open;
}

static _Noreturn void relay_run(struct relaying *relaying)
{
    bool is_open = true;
    bool is_asked = true;
    while (is_open) {
        struct pollfd wait[] = {{.fd = INPUT, .events = POLLIN},
                                {.fd = is_asked ? NOTES : -1, .events = POLLIN}};
        int ready = poll(wait, 2, gc_sieve_is_holding(&relaying->sieve) ? HOLD_MS : -1);
        if (ready == 0) {
            relay_age(relaying);
        }
        if (ready > 0 && wait[0].revents != 0) {
            is_open = relay_read(relaying);
        }
        char request;
        if (ready > 0 && wait[1].revents != 0) {
            is_asked = recv(NOTES, &request, 1, MSG_DONTWAIT) == 1;
            is_open = relay_drain(relaying);
            gc_sieve_finish(&relaying->sieve);
            relay_tell(relaying, &(struct relay_note){.is_end = true});
        }
    }
    gc_sieve_finish(&relaying->sieve);
    relay_tell(relaying, &(struct relay_note){.is_end = true});
    _exit(0);
}

/* Nothing else of ours may stay open in it: it may outlive us. */
static _Noreturn void relay_become(int input_fd, int note_fd, const struct clock *clock,
                                   struct relay_passing passing)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTTOU, SIGPIPE, SIGTSTP};
    struct relaying relaying = {.clock = clock, .is_terminal = isatty(OUTPUT) == 1};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    relaying.sieve = (struct gc_sieve){
        .passes_lines = passing.cycles,
        .passes_scavenges = passing.scavenges,
        .keeps_writes = !relaying.is_terminal,
        .take_cycle = relay_take_cycle,
        .take_scavenge = relay_take_scavenge,
        .pass = relay_pass,
        .context = &relaying,
    };
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        sigaction(ignored[i], &ignore, NULL);
    }
    input_fd = fcntl(input_fd, F_DUPFD, OUTPUT + 1); /* neither is where the other is to go */
    note_fd = fcntl(note_fd, F_DUPFD, OUTPUT + 1);
    if (dup2(input_fd, INPUT) < 0 || dup2(note_fd, NOTES) < 0) {
        _exit(1);
    }
    close_range(OUTPUT + 1, ~0u, 0);
    relay_run(&relaying);
}

/* ---- the collector's side ----------------------------------------------------------------------
 */

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

static int open_channel(int fds[2])
{
    if (isatty(STDERR_FILENO) == 1) {
        return open_terminal(fds);
    }
    if (pipe2(fds, O_CLOEXEC | O_DIRECT) != 0) {
        return -errno;
    }
    (void)fcntl(fds[0], F_SETPIPE_SZ, PIPE_BYTES); /* room for more writes: a favour */
    return 0;
}

int stderr_relay_start(struct stderr_relay *relay, const struct clock *clock,
                       struct relay_passing passing, struct err *err)
{
    int channel[2];
    int notes[2];
    *relay = (struct stderr_relay){.program_fd = -1, .note_fd = -1};
    if (fcntl(STDERR_FILENO, F_GETFD) < 0) {
        return err_set(err, EBADF, "stderr is closed");
    }
    int r = open_channel(channel);
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
            relay_become(channel[0], notes[1], clock, passing);
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

static bool receive(struct stderr_relay *relay, struct relay_note *out_note, int flags)
{
    if (relay->note_fd < 0 ||
        recv(relay->note_fd, out_note, sizeof(*out_note), flags) != (ssize_t)sizeof(*out_note)) {
        return false;
    }
    relay->unread_count = out_note->unread_count;
    relay->lost_count = out_note->lost_count;
    return true;
}

bool stderr_relay_next(struct stderr_relay *relay, struct relay_note *out_note)
{
    return receive(relay, out_note, MSG_DONTWAIT) && !out_note->is_end;
}

bool stderr_relay_next_of_rest(struct stderr_relay *relay, struct relay_note *out_note)
{
    struct pollfd wait = {.fd = relay->note_fd, .events = POLLIN};
    if (relay->note_fd >= 0 && !relay->is_draining) {
        relay->is_draining = true;
        (void)send(relay->note_fd, "?", 1, MSG_NOSIGNAL);
    }
    return poll(&wait, 1, DRAIN_MS) == 1 && receive(relay, out_note, MSG_DONTWAIT) &&
           !out_note->is_end;
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
