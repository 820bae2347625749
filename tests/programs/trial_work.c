/*
 * trial_work.c - costs what the environment says, for `allocaudit trial`.
 *
 * WORK_MS: so much CPU time. WORK_MIB: so much memory, touched. WORK_CHURN: as many MiB, but in
 * blocks of 64 KiB of which one is in use at a time. WORK_WORD: printed. WORK_CRASH: a part of
 * LD_PRELOAD; if it is there, the program ends by SIGSEGV. WORK_STATUS: its exit status. WORK_LOG:
 * a file that gets a byte for each run.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static long number(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? atol(text) : 0;
}

static void work(long ms)
{
    struct timespec used;
    do {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    } while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < ms);
}

static void touch(size_t size)
{
    volatile char *block = malloc(size);
    for (size_t i = 0; block != NULL && i < size; i += 4096) {
        block[i] = 1;
    }
    free((void *)block);
}

static void note(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || write(fd, ".", 1) != 1 || close(fd) != 0) {
        exit(99);
    }
}

int main(void)
{
    const char *crash = getenv("WORK_CRASH");
    const char *preload = getenv("LD_PRELOAD");
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* so that pages and faults are as many as one thinks */
    if (getenv("WORK_LOG") != NULL) {
        note(getenv("WORK_LOG"));
    }
    if (crash != NULL && preload != NULL && strstr(preload, crash) != NULL) {
        fputs("about to crash\n", stderr);
        raise(SIGSEGV);
    }
    touch((size_t)number("WORK_MIB") << 20);
    for (long i = 0; i < number("WORK_CHURN") * 16; i++) {
        touch(65536);
    }
    work(number("WORK_MS"));
    if (getenv("WORK_WORD") != NULL) {
        puts(getenv("WORK_WORD"));
    }
    return (int)number("WORK_STATUS");
}
