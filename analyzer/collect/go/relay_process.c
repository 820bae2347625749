#include "relay_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../../go/gc_sieve.h"
#include "relay_note.h"

enum {
    INPUT = STDIN_FILENO,  /* what the program writes */
    NOTES = STDOUT_FILENO, /* to the collector */
    OUTPUT = STDERR_FILENO,
    READ_BYTES = 65536,
    READS_PER_LOOK = 256, /* at once, if there is so much: a traced object is some sixty */
    GATHER_NS = 100000,   /* while more of them come: to be woken by each write costs both sides */
    HOLD_MS = 200,        /* a line that has begun is finished within this time, or is none */
};

struct relaying {
    struct gc_sieve sieve;
    struct object_trace trace;
    const struct clock *clock;
    uint64_t lost_count;
    uint64_t aged_ns; /* when what is held back was last looked through; 0: nothing is */
    uint64_t object_ticks;
    bool is_terminal;
    bool is_tracing; /* an object came since it was last looked for more */
    bool traces_objects;
    bool passes_objects;
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

/* Objects are waited with, as events are where the ring is full; a collection is not worth it. */
static void relay_tell(struct relaying *relaying, struct relay_note *note)
{
    bool is_object = note->kind == RELAY_NOTE_OBJECT;
    size_t size_bytes = relay_note_bytes(note->kind, is_object ? note->object.frame_count : 0);
    int flags = MSG_NOSIGNAL | (is_object ? 0 : MSG_DONTWAIT);
    note->unread_count = relaying->sieve.unread_count;
    note->lost_count = relaying->lost_count;
    note->damaged_count = relaying->trace.damaged_count;
    ssize_t sent;
    do {
        sent = send(NOTES, note, size_bytes, flags);
    } while (sent < 0 && errno == EINTR);
    relaying->lost_count += sent != (ssize_t)size_bytes && !is_object;
}

static void relay_take_cycle(void *context, const struct gc_cycle *cycle)
{
    struct relaying *relaying = context;
    relay_tell(relaying, &(struct relay_note){
                             .kind = RELAY_NOTE_CYCLE,
                             .cycle = *cycle,
                             .at_ticks = clock_ticks(relaying->clock),
                         });
}

static void relay_take_scavenge(void *context, const struct scavenge *scavenge)
{
    struct relaying *relaying = context;
    relay_tell(relaying, &(struct relay_note){
                             .kind = RELAY_NOTE_SCAVENGE,
                             .scavenge = *scavenge,
                             .at_ticks = clock_ticks(relaying->clock),
                         });
}

static void relay_tell_end(struct relaying *relaying)
{
    relay_tell(relaying, &(struct relay_note){.kind = RELAY_NOTE_END});
}

/* True if the write is the runtime's, of a traced object. */
static bool relay_take_object(struct relaying *relaying, const char *bytes, size_t size_bytes)
{
    static struct relay_note note = {.kind = RELAY_NOTE_OBJECT};
    if (gc_sieve_ends_with(&relaying->sieve, bytes, size_bytes)) {
        return false; /* both kinds of line end alike */
    }
    bool is_first = relaying->trace.state == 0;
    enum object_trace_part part = object_trace_feed(&relaying->trace, bytes, size_bytes);
    if (is_first && part == OBJECT_TRACE_TAKEN) {
        relaying->object_ticks = clock_ticks(relaying->clock);
    }
    if (part == OBJECT_TRACE_COMPLETE) {
        note.at_ticks = relaying->object_ticks;
        note.object = relaying->trace.object;
        relay_tell(relaying, &note);
    }
    relaying->is_tracing |= part != OBJECT_TRACE_FOREIGN;
    return part != OBJECT_TRACE_FOREIGN;
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

/* Passes what one read gives. False: nobody can write any more. *out_more: there may be more. */
static bool relay_read(struct relaying *relaying, bool *out_more)
{
    static char bytes[READ_BYTES];
    ssize_t count = read(INPUT, bytes, sizeof(bytes));
    *out_more = count > 0 && !relaying->is_terminal;
    if (count > 0) {
        if (relaying->is_terminal) {
            relay_fit();
        }
        bool is_object =
            relaying->traces_objects && relay_take_object(relaying, bytes, (size_t)count);
        if (!is_object) {
            gc_sieve_feed(&relaying->sieve, bytes, (size_t)count);
        } else if (relaying->passes_objects) {
            relay_pass(NULL, bytes, (size_t)count);
        }
        relay_age(relaying);
    }
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool relay_drain(struct relaying *relaying)
{
    struct pollfd wait = {.fd = INPUT, .events = POLLIN};
    bool is_open = true;
    bool is_more;
    while (is_open && poll(&wait, 1, 0) == 1) {
        is_open = relay_read(relaying, &is_more);
    }
    return is_open;
}

static void relay_finish(struct relaying *relaying)
{
    object_trace_finish(&relaying->trace);
    gc_sieve_finish(&relaying->sieve);
    relay_tell_end(relaying);
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
        bool is_more = ready > 0 && wait[0].revents != 0;
        for (int i = 0; is_more && i < READS_PER_LOOK; i++) {
            is_open = relay_read(relaying, &is_more);
        }
        if (is_open && !is_more && relaying->is_tracing) {
            relaying->is_tracing = false;
            nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
        }
        char request;
        if (ready > 0 && wait[1].revents != 0) {
            is_asked = recv(NOTES, &request, 1, MSG_DONTWAIT) == 1; /* else the collector is gone */
        }
        if (ready > 0 && wait[1].revents != 0 && is_asked) {
            is_open = relay_drain(relaying);
            relay_finish(relaying);
        }
    }
    relay_finish(relaying);
    _exit(0);
}

_Noreturn void relay_process_become(const struct relay_channel *channel, const struct clock *clock,
                                    struct relay_passing passing)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTTOU, SIGPIPE, SIGTSTP};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct relaying relaying = {
        .clock = clock,
        .is_terminal = channel->is_terminal,
        .traces_objects = channel->traces_objects,
        .passes_objects = passing.objects,
        .sieve =
            {
                .passes_lines = passing.cycles,
                .passes_scavenges = passing.scavenges,
                .keeps_writes = !channel->is_terminal,
                .take_cycle = relay_take_cycle,
                .take_scavenge = relay_take_scavenge,
                .pass = relay_pass,
            },
    };
    relaying.sieve.context = &relaying;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        sigaction(ignored[i], &ignore, NULL);
    }
    /* Neither is where the other is to go. */
    int input_fd = fcntl(channel->input_fd, F_DUPFD, OUTPUT + 1);
    int note_fd = fcntl(channel->note_fd, F_DUPFD, OUTPUT + 1);
    if (dup2(input_fd, INPUT) < 0 || dup2(note_fd, NOTES) < 0) {
        _exit(1);
    }
    close_range(OUTPUT + 1, ~0u, 0);
    if (!relaying.is_terminal) {
        (void)fcntl(INPUT, F_SETFL, fcntl(INPUT, F_GETFL) | O_NONBLOCK); /* this end alone */
    }
    relay_run(&relaying);
}
