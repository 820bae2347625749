/*
 * daemon_closes_all.c - forks twice, closes every descriptor, clears its environment, allocates 25
 * blocks and writes the file argv[1]; the command itself ends at once.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2 || fork() != 0) {
        return argc < 2;
    }
    setsid();
    if (fork() != 0) {
        _exit(0);
    }
    for (int fd = 0; fd < 1024; fd++) {
        close(fd);
    }
    clearenv();
    usleep(200000);
    for (int i = 0; i < 25; i++) {
        if (malloc(90) == NULL) {
            return 9;
        }
    }
    return open(argv[1], O_CREAT | O_WRONLY, 0600) == 0 ? 0 : 8;
}
