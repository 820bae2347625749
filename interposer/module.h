/*
 * module.h - tells the collector which file lies at a code address, before a stack mentions it.
 */
#ifndef ALLOCAUDIT_MODULE_H
#define ALLOCAUDIT_MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "lane.h"

enum {
    MODULE_LIST_CAPACITY = 64,
};

/* Ranges that this writer has already told of. Full: the oldest is told again when it is met. */
struct module_list {
    struct {
        uintptr_t start;
        uintptr_t end;
    } ranges[MODULE_LIST_CAPACITY];
    uint32_t count;
    uint32_t oldest;
};

enum {
    MODULE_PATH_BYTES = 4096,
    MODULE_BUILD_ID_BYTES = 64,
};

/* What lies at a code address. */
struct module_facts {
    uintptr_t start;
    uintptr_t end;
    uintptr_t load_bias;
    uint32_t path_bytes;     /* without the NUL */
    uint32_t build_id_bytes; /* 0: it has none */
    char path[MODULE_PATH_BYTES];
    unsigned char build_id[MODULE_BUILD_ID_BYTES];
};

/* False: no module is loaded there. Takes no lock. */
bool module_look(uintptr_t address, struct module_facts *out_facts);

/* Sends EVENT_MODULE for the module around `address`, unless it is in `list` or there is none. */
void module_announce(struct module_list *list, struct writer *writer, uintptr_t address);

/*
 * Copies at most capacity-1 bytes of the path that the program was started from, and a NUL; the
 * length, 0 if it cannot be had. The same before and after the file is replaced or removed.
 */
uint32_t module_executable_path(char *path, uint32_t capacity);

/* Copies at most capacity-1 bytes of the path of the file that holds `address`; the length. */
uint32_t module_path(const void *address, char *path, uint32_t capacity);

#endif
