#include "smaps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/vec.h"

enum {
    GUARD_BYTES_MOST = 65536, /* what a thread library puts below a stack */
};

#define KIB 1024

/* One entry of smaps while it is read. */
struct mapping_entry {
    uint64_t start_address;
    uint64_t end_address;
    char permissions[5];
    bool is_nameless;
    bool is_repeated;
    bool is_libc;
    bool is_allocator;
    bool is_wiped_on_fork; /* as nearly all memory of the recorder is */
    enum mapping_kind kind;
    struct mapping_sum sum;
};

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_of_recorder(const char *path, const char *recorder_directory)
{
    const char *slash = strrchr(path, '/');
    return (recorder_directory != NULL && has_prefix(path, recorder_directory)) ||
           (slash != NULL && strcmp(slash, "/liballocaudit.so") == 0);
}

static enum mapping_kind kind_of_nameless(const struct mapping_entry *entry,
                                          const struct mapping_entry *before)
{
    bool is_next = before->end_address == entry->start_address;
    if (entry->permissions[3] == 's') {
        return MAPPING_SHARED;
    }
    if (is_next && before->is_nameless && before->permissions[0] == '-' &&
        before->end_address - before->start_address <= GUARD_BYTES_MOST) {
        return MAPPING_STACK;
    }
    if (is_next && before->kind == MAPPING_FILE && before->permissions[1] == 'w') {
        return MAPPING_FILE;
    }
    return MAPPING_ANONYMOUS;
}

/* The file's name begins with `name`, behind which no letter comes. */
static bool is_library(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    size_t length = strlen(name);
    return slash != NULL && strncmp(slash + 1, name, length) == 0 &&
           (slash[1 + length] == '.' || slash[1 + length] == '-' || slash[1 + length] == '_');
}

static bool is_allocator_library(const char *path)
{
    static const char *const names[] = {"libjemalloc", "libtcmalloc", "libmimalloc"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (is_library(path, names[i])) {
            return true;
        }
    }
    return false;
}

static enum mapping_kind kind_of(const struct mapping_entry *entry, const char *path,
                                 const struct mapping_entry *before, const char *recorder_directory)
{
    if (strcmp(path, "[heap]") == 0) {
        return MAPPING_HEAP;
    }
    if (strcmp(path, "[stack]") == 0) {
        return MAPPING_STACK;
    }
    if (path[0] == '\0' || has_prefix(path, "[anon:")) {
        return kind_of_nameless(entry, before);
    }
    if (path[0] != '/') {
        return MAPPING_OTHER;
    }
    if (is_of_recorder(path, recorder_directory)) {
        return MAPPING_RECORDER;
    }
    if (entry->permissions[3] == 's' || has_prefix(path, "/dev/shm/") ||
        has_prefix(path, "/memfd:") || has_prefix(path, "/SYSV")) {
        return MAPPING_SHARED;
    }
    return entry->permissions[2] == 'x' ? MAPPING_CODE : MAPPING_FILE;
}

/* "start-end perms offset dev inode   path". False: no such line. */
static bool read_heading(char *line, const char *recorder_directory, struct mapping_entry *entry)
{
    unsigned long long start = 0;
    unsigned long long end = 0;
    char permissions[5] = "";
    int path_at = 0;
    if (sscanf(line, "%llx-%llx %4s %*s %*s %*s %n", &start, &end, permissions, &path_at) != 3 ||
        path_at == 0 || end <= start) {
        return false;
    }
    char *path = line + path_at;
    path[strcspn(path, "\n")] = '\0';
    const struct mapping_entry before = *entry;
    *entry = (struct mapping_entry){
        .start_address = start,
        .end_address = end,
        .is_nameless = path[0] == '\0',
        .sum.mapped_bytes = end - start,
    };
    memcpy(entry->permissions, permissions, sizeof(permissions));
    entry->kind = kind_of(entry, path, &before, recorder_directory);
    bool is_continued = entry->is_nameless && entry->kind == MAPPING_FILE; /* .bss */
    entry->is_libc = is_continued ? before.is_libc : is_library(path, "libc");
    entry->is_allocator = is_continued ? before.is_allocator : is_allocator_library(path);
    return true;
}

static void read_value(const char *line, struct mapping_entry *entry)
{
    const struct {
        const char *name;
        uint64_t *bytes;
    } values[] = {
        {"Rss:", &entry->sum.rss_bytes},
        {"Pss:", &entry->sum.pss_bytes},
        {"LazyFree:", &entry->sum.lazy_free_bytes},
        {"Swap:", &entry->sum.swap_bytes},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (has_prefix(line, values[i].name)) {
            *values[i].bytes = strtoull(line + strlen(values[i].name), NULL, 10) * KIB;
        }
    }
    if (has_prefix(line, "VmFlags:")) {
        entry->is_wiped_on_fork = strstr(line, " wf") != NULL;
    }
}

static int add_entry(struct smaps *smaps, struct mapping_entry *entry)
{
    if (entry->end_address == 0 || entry->is_repeated) {
        return 0; /* before the first; or a mapping that grew while it was read comes again */
    }
    if (entry->kind == MAPPING_ANONYMOUS && entry->is_wiped_on_fork) {
        entry->kind = MAPPING_RECORDER;
    }
    struct mapping_sum *sum = &smaps->sums[entry->kind];
    sum->mapped_bytes += entry->sum.mapped_bytes;
    sum->rss_bytes += entry->sum.rss_bytes;
    sum->pss_bytes += entry->sum.pss_bytes;
    sum->lazy_free_bytes += entry->sum.lazy_free_bytes;
    sum->swap_bytes += entry->sum.swap_bytes;
    bool is_wanted = entry->kind == MAPPING_HEAP || entry->kind == MAPPING_ANONYMOUS;
    bool is_writable = entry->permissions[1] == 'w';
    bool is_code = entry->permissions[2] == 'x' && !is_writable;
    bool is_constant = entry->kind == MAPPING_FILE && !is_writable && !is_code;
    if (smaps->keeps_writable) {
        is_wanted = entry->kind != MAPPING_RECORDER && entry->permissions[0] == 'r' &&
                    (is_writable || is_code || is_constant);
    }
    uint64_t swap_bytes = smaps->keeps_writable ? entry->sum.swap_bytes : 0;
    if (!is_wanted || entry->sum.rss_bytes + swap_bytes == 0) {
        return 0;
    }
    int r = vec_reserve((void **)&smaps->spans, &smaps->span_capacity, smaps->span_count + 1,
                        sizeof(*smaps->spans));
    if (r == 0) {
        smaps->spans[smaps->span_count++] = (struct mapping_span){
            entry->start_address, entry->end_address, entry->kind,        is_code,
            is_constant,          entry->is_libc,     entry->is_allocator};
    }
    return r;
}

int smaps_read(struct smaps *smaps, FILE *file, const char *recorder_directory)
{
    struct mapping_entry entry = {.kind = MAPPING_OTHER};
    struct mapping_entry next = entry;
    char *line = NULL;
    size_t line_bytes = 0;
    int r = 0;
    memset(smaps->sums, 0, sizeof(smaps->sums));
    smaps->span_count = 0;
    while (r == 0 && getline(&line, &line_bytes, file) > 0) {
        next = entry;
        if (read_heading(line, recorder_directory, &next)) {
            r = add_entry(smaps, &entry);
            next.is_repeated = next.start_address < entry.end_address;
            entry = next;
        } else {
            read_value(line, &entry);
        }
    }
    if (r == 0) {
        r = entry.end_address == 0 ? -ENODATA : add_entry(smaps, &entry);
    }
    free(line);
    return r;
}

void smaps_fini(struct smaps *smaps)
{
    free(smaps->spans);
    *smaps = (struct smaps){0};
}
