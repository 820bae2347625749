/*
 * refuse_calls.c - NUMBERS COMMAND...: runs the command with the system calls of these numbers
 * refused with EPERM, as the filter of a container may.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    CALLS_MOST = 8,
};

int main(int argc, char **argv)
{
    struct sock_filter rules[2 + 2 * CALLS_MOST] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    unsigned short count = 1;
    if (argc < 3) {
        return 125;
    }
    for (char *at = argv[1]; *at != '\0' && count < 2 * CALLS_MOST; at += *at == ',') {
        unsigned number = (unsigned)strtoul(at, &at, 10);
        rules[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
        rules[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    rules[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {.len = count, .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return 125;
    }
    execvp(argv[2], argv + 2);
    return 127;
}
