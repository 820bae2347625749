/*
 * libc_helpers.c - blocks that the C library allocates on behalf of its caller.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void case_strdup(void)
{
    free(strdup("eleven char"));
}

static void case_strndup(void)
{
    free(strndup("eleven char", 5));
}

static void case_asprintf(void)
{
    char *text = NULL;
    if (asprintf(&text, "%d and %d", 1, 2) > 0) {
        free(text);
    }
}

static void case_getline(void)
{
    FILE *stream = fmemopen((void *)(size_t) "a line\n", 7, "r");
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stream) >= 0) {
    }
    free(line);
    fclose(stream);
}

static void case_open_memstream(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    for (int i = 0; i < 3000; i++) {
        fputs("0123456789", stream);
    }
    fclose(stream);
    free(text);
}

int main(void)
{
    case_strdup();
    case_strndup();
    case_asprintf();
    case_getline();
    case_open_memstream();
    return 0;
}
