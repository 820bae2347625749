/*
 * diff_versions.c - one program in two versions (-DVERSION=1, -DVERSION=2): between them one call
 * site doubles, one stands ten lines lower, one goes, one comes, one is renamed, one asks for more
 * bytes, one recurses deeper and one stays as it is.
 */
#include <stdlib.h>

#ifndef VERSION
#    define VERSION 1
#endif

static void use(size_t size_bytes)
{
    free(malloc(size_bytes));
}

static void doubled(void)
{
    for (int i = 0; i < 100 * VERSION; i++) {
        use(16);
    }
}

/* As if ten lines had been put in before. */
#if VERSION == 2
#    line 37
#endif
static void moved_down(void)
{
    for (int i = 0; i < 50; i++) {
        use(32);
    }
}

#if VERSION == 1
static void goes(void)
{
    for (int i = 0; i < 30; i++) {
        use(48);
    }
}
#    define old_name_or_new_name old_name
#else
static void comes(void)
{
    for (int i = 0; i < 7; i++) {
        use(64);
    }
}
#    define goes                 comes
#    define old_name_or_new_name new_name
#endif

static void old_name_or_new_name(void)
{
    for (int i = 0; i < 20; i++) {
        use(80);
    }
}

static void grows(void)
{
    for (int i = 0; i < 10; i++) {
        use(100 * VERSION);
    }
}

static void recurse(int depth)
{
    if (depth > 0) {
        recurse(depth - 1);
        return;
    }
    for (int i = 0; i < 5; i++) {
        use(112);
    }
}

static void stays(void)
{
    for (int i = 0; i < 40; i++) {
        use(128);
    }
}

int main(void)
{
    doubled();
    moved_down();
    goes();
    old_name_or_new_name();
    grows();
    recurse(3 * VERSION);
    stays();
    return 0;
}
