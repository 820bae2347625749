#include "measure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor.h"

enum {
    PIPE_BYTES = 1 << 20, /* so that a program that writes much seldom waits for us */
    READ_BYTES = 64 << 10,
    FIRST_FD = 3,
};

/* Both ends of a pipe, above the descriptors that a program expects to be its own. */
struct duct {
    int read_fd;
    int write_fd;
};

struct measuring {
    const struct measure_request *request;
    pid_t supervisor_pid;
    int input_fd;
    struct duct report;
    struct duct output;
    struct duct errors;
    struct measure_words *words;
    struct measurement *measurement;
    bool is_done;
    bool is_interrupted;
    int code; /* why the command could not be executed */
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

/* Returns the descriptor, or another of the same file that is none of the first three; -errno. */
static int lift(int fd)
{
    if (fd < 0) {
        return -errno;
    }
    if (fd >= FIRST_FD) {
        return fd;
    }
    const int lifted = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
    const int code = errno;
    close(fd);
    return lifted >= 0 ? lifted : -code;
}

static int open_duct(struct duct *duct)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    duct->read_fd = lift(ends[0]);
    duct->write_fd = lift(ends[1]);
    if (duct->read_fd < 0 || duct->write_fd < 0) {
        return duct->read_fd < 0 ? duct->read_fd : duct->write_fd;
    }
    (void)fcntl(duct->write_fd, F_SETPIPE_SZ, PIPE_BYTES); /* a small one does it, too */
    return fcntl(duct->read_fd, F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno;
}

static int open_all(struct measuring *measuring, struct err *err)
{
    const char *input = measuring->request->input;
    input = input != NULL ? input : "/dev/null";
    measuring->input_fd = lift(open(input, O_RDONLY | O_CLOEXEC));
    if (measuring->input_fd < 0) {
        return err_set_errno(err, -measuring->input_fd, "cannot read '%s'", input);
    }
    int r = open_duct(&measuring->report);
    if (r == 0) {
        r = open_duct(&measuring->output);
    }
    if (r == 0) {
        r = open_duct(&measuring->errors);
    }
    return r < 0 ? err_set_errno(err, -r, "cannot make a pipe") : 0;
}

static void close_all(struct measuring *measuring)
{
    struct duct *ducts[] = {&measuring->report, &measuring->output, &measuring->errors};
    for (size_t i = 0; i < sizeof(ducts) / sizeof(ducts[0]); i++) {
        close_fd(&ducts[i]->read_fd);
        close_fd(&ducts[i]->write_fd);
    }
    close_fd(&measuring->input_fd);
}

static int start_supervisor(struct measuring *measuring, struct err *err)
{
    const struct measure_request *request = measuring->request;
    const struct supervisor_task task = {
        .command = request->command,
        .environment = request->environment,
        .input_fd = measuring->input_fd,
        .output_fd = measuring->output.write_fd,
        .errors_fd = measuring->errors.write_fd,
        .signal_mask = request->signal_mask,
        .timeout_ns = request->timeout_ns,
    };
    const pid_t own_pid = getpid();
    measuring->supervisor_pid = fork();
    if (measuring->supervisor_pid == 0) {
        supervisor_run(&task, own_pid, measuring->report.write_fd);
    }
    if (measuring->supervisor_pid < 0) {
        return err_set_errno(err, errno, "cannot start '%s'", request->command[0]);
    }
    close_fd(&measuring->report.write_fd);
    close_fd(&measuring->output.write_fd);
    close_fd(&measuring->errors.write_fd);
    return 0;
}

static void echo(const struct measuring *measuring, const char *bytes, size_t size_bytes)
{
    while (measuring->request->echo_fd >= 0 && size_bytes > 0) {
        const ssize_t written = write(measuring->request->echo_fd, bytes, size_bytes);
        if (written < 0 && errno != EINTR) {
            return;
        }
        bytes += written > 0 ? written : 0;
        size_bytes -= written > 0 ? (size_t)written : 0;
    }
}

/* Reads once. Returns true if there may be more. */
static bool read_words(const struct measuring *measuring, struct duct *duct,
                       struct captured *captured)
{
    static char bytes[READ_BYTES];
    const ssize_t count = read(duct->read_fd, bytes, sizeof(bytes));
    if (count > 0) {
        captured_add(captured, bytes, (size_t)count);
        echo(measuring, bytes, (size_t)count);
    }
    if (count == 0) {
        close_fd(&duct->read_fd);
    }
    return count > 0 || (count < 0 && errno == EINTR);
}

static void read_report(struct measuring *measuring)
{
    struct supervisor_report report;
    const ssize_t count = read(measuring->report.read_fd, &report, sizeof(report));
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count != (ssize_t)sizeof(report)) {
        close_fd(&measuring->report.read_fd); /* the supervisor has gone */
        return;
    }
    if (report.news == SUPERVISOR_NOT_STARTED) {
        measuring->code = report.code;
    } else if (report.news == SUPERVISOR_DONE) {
        *measuring->measurement = report.measurement;
        measuring->is_done = true;
    } else if (measuring->request->on_waiting != NULL) {
        measuring->request->on_waiting(measuring->request->context, report.pid);
    }
}

/* Attends to the pipes until the supervisor has said its last word. */
static void attend(struct measuring *measuring)
{
    while (!measuring->is_done && measuring->report.read_fd >= 0) {
        struct pollfd fds[] = {
            {.fd = measuring->report.read_fd, .events = POLLIN},
            {.fd = measuring->output.read_fd, .events = POLLIN},
            {.fd = measuring->errors.read_fd, .events = POLLIN},
            {.fd = measuring->is_interrupted ? -1 : measuring->request->interrupt_fd,
             .events = POLLIN},
        };
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0) {
            continue;
        }
        if (fds[3].revents != 0) {
            measuring->is_interrupted = true;
            kill(measuring->supervisor_pid, SIGTERM);
        }
        if (fds[1].revents != 0) {
            read_words(measuring, &measuring->output, &measuring->words->output);
        }
        if (fds[2].revents != 0) {
            read_words(measuring, &measuring->errors, &measuring->words->errors);
        }
        if (fds[0].revents != 0) {
            read_report(measuring);
        }
    }
    /* All writers have ended, but their last words may still be in the pipes. */
    while (read_words(measuring, &measuring->output, &measuring->words->output)) {
    }
    while (read_words(measuring, &measuring->errors, &measuring->words->errors)) {
    }
}

static int result_of(const struct measuring *measuring, struct err *err)
{
    if (measuring->is_interrupted) {
        return err_set(err, EINTR, "interrupted");
    }
    if (measuring->code != 0) {
        return err_set_errno(err, measuring->code, "cannot run '%s'",
                             measuring->request->command[0]);
    }
    return measuring->is_done ? 0
                              : err_set(err, EIO, "cannot measure '%s': its supervisor was killed",
                                        measuring->request->command[0]);
}

int measure_run(const struct measure_request *request, struct measurement *out_measurement,
                struct measure_words *out_words, struct err *err)
{
    const struct duct closed = {.read_fd = -1, .write_fd = -1};
    struct measuring measuring = {
        .request = request,
        .input_fd = -1,
        .report = closed,
        .output = closed,
        .errors = closed,
        .words = out_words,
        .measurement = out_measurement,
    };
    *out_words = (struct measure_words){0};
    int r = open_all(&measuring, err);
    if (r == 0) {
        r = start_supervisor(&measuring, err);
    }
    if (r == 0) {
        attend(&measuring);
        waitpid(measuring.supervisor_pid, NULL, 0);
        r = result_of(&measuring, err);
    }
    close_all(&measuring);
    return r;
}
