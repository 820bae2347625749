/*
 * close_fds.c - closes every descriptor it does not know, as daemons do, then works on.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    free(malloc(55));
    for (int fd = 3; fd < 1024; fd++) {
        close(fd);
    }
    int own = open("/dev/null", O_RDWR);
    for (int i = 0; i < 100; i++) {
        free(malloc(56));
    }
    if (write(own, "x", 1) != 1 || own != 3) {
        return 1;
    }
    return malloc(57) == NULL;
}
