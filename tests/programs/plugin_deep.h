/*
 * plugin_deep.h - what deep_bind.c finds in plugin_deep.c.
 */
#include <stddef.h>

const char *deep_word(void);
const char *deep_ask(void);
void *deep_make(size_t size_bytes);
void deep_give(void *block);

typedef const char *deep_ask_function(void);
typedef void *deep_make_function(size_t size_bytes);
typedef void deep_give_function(void *block);
