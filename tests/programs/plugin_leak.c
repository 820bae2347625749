/*
 * plugin_leak.c - a plugin that leaks 64 bytes per call.
 *
 * build: -shared -fPIC
 */
#include <stdlib.h>

int plugin_run(void);

static void *plugin_take(void)
{
    return malloc(64);
}

int plugin_run(void)
{
    return plugin_take() == NULL;
}
