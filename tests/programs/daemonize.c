/*
 * daemonize.c - goes to the background by a double fork and lives on after the command has ended.
 *
 * The daemon waits 0.3 seconds (3 with an argv[2]) until its parent is gone, allocates 25 blocks
 * and then writes the file argv[1].
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    if (fork() != 0) {
        return 0;
    }
    setsid();
    if (fork() != 0) {
        _exit(0);
    }
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    usleep(argc > 2 ? 3000000 : 300000);
    for (int i = 0; i < 25; i++) {
        if (malloc(90) == NULL) {
            return 9;
        }
    }
    int file = open(argv[1], O_WRONLY | O_CREAT, 0600);
    return write(file, "done\n", 5) == 5 ? 0 : 1;
}
