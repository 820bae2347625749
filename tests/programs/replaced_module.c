/*
 * replaced_module.c - loads and unloads the plugins argv[1] and argv[2] in turn, twenty times, and
 * prints how often one lay where another had been.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static char buffer[BUFSIZ];
    const void *before = NULL;
    int same_count = 0;
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    for (int i = 0; argc == 3 && i < 20; i++) {
        void *plugin = dlopen(argv[1 + i % 2], RTLD_NOW | RTLD_LOCAL);
        if (plugin == NULL) {
            return 3;
        }
        void *symbol = dlsym(plugin, "plugin_run");
        int (*run)(void);
        *(void **)&run = symbol;
        same_count += symbol == before;
        before = symbol;
        if (run() != 0) {
            return 4;
        }
        dlclose(plugin);
    }
    printf("%d\n", same_count);
    return 0;
}
