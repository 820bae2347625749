/*
 * dlopen_loop.c - loads, calls and unloads the plugin argv[1] fifty times.
 */
#include <dlfcn.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    for (int i = 0; i < 50; i++) {
        void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
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
