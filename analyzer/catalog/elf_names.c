#include "elf_names.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/vec.h"
#include "library_folders.h"

/* Texts, each once. */
struct text_set {
    char **items;
    size_t count;
    size_t capacity;
};

struct inquiry {
    const char *function;
    struct elf_names *names;
    struct text_set needed;    /* libraries, in the order in which they are read */
    struct text_set run_paths; /* folders that the files themselves name, searched first */
    const char *origin;        /* the file that is being read */
    bool is_found;             /* in the file that is being read */
    bool is_taken;
};

static int add_text(char ***items, size_t *count, size_t *capacity, const char *text)
{
    if (vec_reserve((void **)items, capacity, *count + 2, sizeof(**items)) < 0) {
        return -ENOMEM;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        return -ENOMEM;
    }
    (*items)[(*count)++] = copy;
    (*items)[*count] = NULL;
    return 0;
}

static int add_once(struct text_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->items[i], name) == 0) {
            return 0;
        }
    }
    return add_text(&set->items, &set->count, &set->capacity, name);
}

static int read_symbols(Elf *elf, const GElf_Shdr *header, Elf_Data *data, struct inquiry *inquiry)
{
    int result = 0;
    for (size_t i = 0; i < data->d_size / header->sh_entsize && result == 0; i++) {
        GElf_Sym symbol;
        const char *name = gelf_getsym(data, (int)i, &symbol) != NULL
                               ? elf_strptr(elf, header->sh_link, symbol.st_name)
                               : NULL;
        bool is_function = GELF_ST_TYPE(symbol.st_info) == STT_FUNC ||
                           GELF_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC;
        if (name == NULL || name[0] == '\0') {
            continue;
        }
        bool is_asked = strcmp(name, inquiry->function) == 0;
        if (symbol.st_shndx == SHN_UNDEF) {
            inquiry->is_taken = inquiry->is_taken || is_asked;
        } else if (is_function) {
            inquiry->is_found = inquiry->is_found || is_asked;
            if (inquiry->names != NULL) {
                result = add_text(&inquiry->names->items, &inquiry->names->count,
                                  &inquiry->names->capacity, name);
            }
        }
    }
    return result;
}

/* Folders are separated by colons; $ORIGIN is the folder of the file. */
static int add_run_paths(struct inquiry *inquiry, const char *list)
{
    static const char *const words[] = {"$ORIGIN", "${ORIGIN}"};
    int result = 0;
    while (*list != '\0' && result == 0) {
        size_t length = strcspn(list, ":");
        char folder[PATH_MAX];
        const char *rest = list;
        int used = 0;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            size_t word_length = strlen(words[i]);
            const char *slash = strrchr(inquiry->origin, '/');
            if (slash != NULL && strncmp(list, words[i], word_length) == 0) {
                used = snprintf(folder, sizeof(folder), "%.*s", (int)(slash - inquiry->origin),
                                inquiry->origin);
                rest = list + word_length;
            }
        }
        used += snprintf(folder + used, sizeof(folder) - (size_t)used, "%.*s",
                         (int)(length - (size_t)(rest - list)), rest);
        result = used < (int)sizeof(folder) ? add_once(&inquiry->run_paths, folder) : 0;
        list += length + (list[length] == ':');
    }
    return result;
}

static int read_needed(Elf *elf, const GElf_Shdr *header, Elf_Data *data, struct inquiry *inquiry)
{
    int result = 0;
    for (size_t i = 0; i < data->d_size / header->sh_entsize && result == 0; i++) {
        GElf_Dyn entry;
        bool is_there = gelf_getdyn(data, (int)i, &entry) != NULL;
        bool is_needed = is_there && entry.d_tag == DT_NEEDED;
        bool is_run_path = is_there && (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH);
        const char *name =
            is_needed || is_run_path ? elf_strptr(elf, header->sh_link, entry.d_un.d_val) : NULL;
        if (name != NULL) {
            result = is_needed ? add_once(&inquiry->needed, name) : add_run_paths(inquiry, name);
        }
    }
    return result;
}

/* Sets is_found and is_taken for this file, and adds what it needs. */
static int read_file(const char *path, struct inquiry *inquiry)
{
    inquiry->is_found = false;
    inquiry->is_taken = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    inquiry->origin = path;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    int result = 0;
    Elf_Scn *section = NULL;
    while (elf_kind(elf) == ELF_K_ELF && result == 0 &&
           (section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        Elf_Data *data = NULL;
        if (gelf_getshdr(section, &header) != NULL && header.sh_entsize != 0) {
            data = elf_getdata(section, NULL);
        }
        if (data != NULL && header.sh_type == SHT_DYNSYM) {
            result = read_symbols(elf, &header, data, inquiry);
        } else if (data != NULL && header.sh_type == SHT_DYNAMIC) {
            result = read_needed(elf, &header, data, inquiry);
        }
    }
    inquiry->origin = NULL;
    elf_end(elf);
    close(fd);
    return result;
}

static bool is_readable(const char *path)
{
    return access(path, R_OK) == 0;
}

static bool find_library_file(const struct inquiry *inquiry, const struct library_folders *folders,
                              const char *name, char path[PATH_MAX])
{
    bool is_path = strchr(name, '/') != NULL;
    if (is_path) {
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && is_readable(path);
    }
    for (size_t i = 0; i < inquiry->run_paths.count; i++) {
        if (snprintf(path, PATH_MAX, "%s/%s", inquiry->run_paths.items[i], name) < PATH_MAX &&
            is_readable(path)) {
            return true;
        }
    }
    return library_folders_find(folders, name, is_readable, path, PATH_MAX);
}

static int read_libraries(struct inquiry *inquiry, struct elf_name_answer *answer)
{
    struct library_folders folders = {.count = 0};
    int result = library_folders_read(&folders, LIBRARY_FOLDERS_CONF);
    for (size_t i = 0; i < inquiry->needed.count && result == 0; i++) {
        char path[PATH_MAX];
        if (!find_library_file(inquiry, &folders, inquiry->needed.items[i], path)) {
            answer->is_complete = false;
            continue;
        }
        result = read_file(path, inquiry);
        answer->is_in_library = answer->is_in_library || inquiry->is_found;
    }
    library_folders_fini(&folders);
    return result;
}

static void text_set_fini(struct text_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        free(set->items[i]);
    }
    free(set->items);
}

static void end_inquiry(struct inquiry *inquiry)
{
    text_set_fini(&inquiry->needed);
    text_set_fini(&inquiry->run_paths);
}

int elf_names_ask(const char *program, const char *function, struct elf_name_answer *out_answer,
                  struct elf_names *names)
{
    struct inquiry inquiry = {.function = function, .names = names};
    struct elf_name_answer answer = {.is_complete = true};
    int result = read_file(program, &inquiry);
    answer.is_in_program = inquiry.is_found;
    if (result == 0) {
        result = read_libraries(&inquiry, &answer);
    }
    end_inquiry(&inquiry);
    if (result == 0) {
        *out_answer = answer;
    }
    return result;
}

bool elf_names_gives(const char *path, const char *function)
{
    struct inquiry inquiry = {.function = function};
    (void)read_file(path, &inquiry);
    end_inquiry(&inquiry);
    return inquiry.is_found;
}

bool elf_names_takes(const char *path, const char *function)
{
    struct inquiry inquiry = {.function = function};
    (void)read_file(path, &inquiry);
    end_inquiry(&inquiry);
    return inquiry.is_taken;
}

void elf_names_fini(struct elf_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct elf_names){.count = 0};
}
