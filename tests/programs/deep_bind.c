/*
 * deep_bind.c PLUGIN lazy|now - opens the module with RTLD_DEEPBIND; 100 blocks of 100 to 199 bytes
 * are made in it and freed here, 100 of 1000 to 1099 bytes are made here and freed in it.
 *
 * build: -rdynamic
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_deep.h"

const char *deep_word(void)
{
    return "the program's";
}

int main(int count, char **words)
{
    int mode = count > 2 && strcmp(words[2], "now") == 0 ? RTLD_NOW : RTLD_LAZY;
    void *module = dlopen(words[1], mode | RTLD_DEEPBIND);
    if (module == NULL) {
        printf("%s\n", dlerror());
        return 1;
    }
    printf("%s\n", dlerror() == NULL ? "no error" : "an error that is not the program's");
    deep_ask_function *ask;
    deep_make_function *make;
    deep_give_function *give;
    *(void **)&ask = dlsym(module, "deep_ask");
    *(void **)&make = dlsym(module, "deep_make");
    *(void **)&give = dlsym(module, "deep_give");
    printf("%s, %s\n", deep_word(), ask());
    for (size_t i = 0; i < 100; i++) {
        free(make(100 + i));
        give(malloc(1000 + i));
    }
    return dlclose(module);
}
