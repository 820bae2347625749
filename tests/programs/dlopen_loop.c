/*
 * dlopen_loop.c - loads, calls and unloads the plugin argv[1] fifty times, binding its calls at
 * once, or, with a second argument, each at its first use.
 */
#include <dlfcn.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int mode = argc > 2 ? RTLD_LAZY : RTLD_NOW;
    for (int i = 0; i < 50; i++) {
        void *plugin = argc > 1 ? dlopen(argv[1], mode | RTLD_LOCAL) : NULL;
        if (plugin == NULL) {
            return 3;
        }
        int (*run)(void);
        *(void **)&run = dlsym(plugin, "plugin_run");
        if (run() != 0) {
            return 4;
        }
        dlclose(plugin);
    }
    return 0;
}
