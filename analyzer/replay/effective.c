#include "effective.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAMES_MAX = 60,
    NAME_BYTES = 64,
};

/* What the candidate said when it was started once. */
struct probe {
    const struct replay_candidate *candidate;
    struct str answer;
    struct str talk;
    struct str tunables; /* the loader's list; read when it is needed */
};

/* A part of a list of options, "key:value" or "key=value". */
struct setting {
    char key[NAME_BYTES];
    char value[NAME_BYTES];
};

/* If `pair` is NAME=VALUE: VALUE. */
static const char *value_of(const char *pair, const char *name)
{
    size_t length = strlen(name);
    return strncmp(pair, name, length) == 0 && pair[length] == '=' ? pair + length + 1 : NULL;
}

/* Takes one setting off *text, up to `separator`. False: there is none left, or it has no value. */
static bool take_setting(const char **text, char separator, char assign,
                         struct setting *out_setting)
{
    const char ends[] = {separator, '\0'};
    const char *from = *text;
    size_t length = strcspn(from, ends);
    const char *middle = memchr(from, assign, length);
    *text = from + length + (from[length] == separator);
    if (middle == NULL) {
        return false;
    }
    size_t key_bytes = (size_t)(middle - from);
    (void)snprintf(out_setting->key, sizeof(out_setting->key), "%.*s", (int)key_bytes, from);
    (void)snprintf(out_setting->value, sizeof(out_setting->value), "%.*s",
                   (int)(length - key_bytes - 1), middle + 1);
    return true;
}

/* The rest of the first line that begins with `start`, copied. */
static bool find_line(const char *text, const char *start, char *out_rest, size_t size_bytes)
{
    size_t length = strlen(start);
    for (const char *line = text; *line != '\0'; line += line[0] == '\n') {
        if (strncmp(line, start, length) == 0) {
            const char *rest = line + length;
            (void)snprintf(out_rest, size_bytes, "%.*s", (int)strcspn(rest, "\n"), rest);
            return true;
        }
        line += strcspn(line, "\n");
    }
    return false;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one;
    struct stat other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* True if the file holds the bytes of `text` and a NUL behind. */
static bool file_holds(const char *path, const char *text)
{
    struct stat status;
    bool is_found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0) {
        size_t size_bytes = (size_t)status.st_size;
        void *bytes = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            is_found = memmem(bytes, size_bytes, text, strlen(text) + 1) != NULL;
            (void)munmap(bytes, size_bytes);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_found;
}

static int check_library(const struct probe *probe, struct err *err)
{
    const struct replay_candidate *candidate = probe->candidate;
    const char *library = candidate->allocator.path;
    char served_by[PATH_MAX];
    if (!find_line(str_text(&probe->answer), "library ", served_by, sizeof(served_by))) {
        return err_set(err, EBADMSG, "gave no answer");
    }
    if (library[0] != '\0' && !is_same_file(library, served_by)) {
        return err_set(err, EINVAL, "'%s' does not serve malloc: '%s' does", library, served_by);
    }
    if (candidate->allocator.kind == ALLOCATOR_POLICY && !file_holds(library, POLICY_ENV)) {
        return err_set(err, ENOTSUP, "'%s' has no policies", library);
    }
    return 0;
}

static int check_jemalloc(const struct probe *probe, const char *pair, struct err *err)
{
    const char *conf = value_of(pair, "MALLOC_CONF");
    char said[256];
    struct setting setting;
    if (conf == NULL) {
        return 0;
    }
    if (find_line(str_text(&probe->talk), "<jemalloc>: ", said, sizeof(said))) {
        return err_set(err, EINVAL, "MALLOC_CONF did not take: %s", said);
    }
    while (*conf != '\0') {
        char start[NAME_BYTES + 16];
        if (!take_setting(&conf, ',', ':', &setting)) {
            continue;
        }
        (void)snprintf(start, sizeof(start), "option %s ", setting.key);
        if (find_line(str_text(&probe->answer), start, said, sizeof(said)) &&
            strcmp(said, setting.value) != 0) {
            return err_set(err, EINVAL, "MALLOC_CONF did not take: %s is %s, not %s", setting.key,
                           said, setting.value);
        }
    }
    return 0;
}

static int64_t number_of(const char *text)
{
    static const char *const yes[] = {"1", "yes", "true", "on"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(text, yes[i]) == 0) {
            return 1;
        }
    }
    return strtoll(text, NULL, 10);
}

static int check_mimalloc(const struct probe *probe, const char *pair, struct err *err)
{
    static const char prefix[] = "MIMALLOC_";
    struct setting setting;
    char start[NAME_BYTES + 32];
    char said[64];
    if (strncmp(pair, prefix, sizeof(prefix) - 1) != 0) {
        return 0;
    }
    const char *text = pair + sizeof(prefix) - 1;
    if (!take_setting(&text, '\0', '=', &setting)) {
        return 0;
    }
    for (char *letter = setting.key; *letter != '\0'; letter++) {
        *letter = (char)tolower((unsigned char)*letter);
    }
    (void)snprintf(start, sizeof(start), "mimalloc: option '%s': ", setting.key);
    if (strcmp(setting.key, "verbose") == 0) {
        return 0;
    }
    if (!find_line(str_text(&probe->talk), start, said, sizeof(said))) {
        return err_set(err, EINVAL, "this mimalloc has no option %.*s", (int)strcspn(pair, "="),
                       pair);
    }
    if (number_of(said) != number_of(setting.value)) {
        return err_set(err, EINVAL, "%s did not take: it is %s", pair, said);
    }
    return 0;
}

static int check_tcmalloc(const struct probe *probe, const char *pair, struct err *err)
{
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(pair, "="), pair);
    if (strncmp(name, "TCMALLOC_", strlen("TCMALLOC_")) == 0 &&
        !file_holds(probe->candidate->allocator.path, name)) {
        return err_set(err, EINVAL, "this tcmalloc has no option %s", name);
    }
    return 0;
}

/* The loader's list of tunables, with their limits. */
static int read_tunables(struct probe *probe, struct err *err)
{
    static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2",
                                          "/lib/ld-linux-aarch64.so.1"};
    const char *loader = loaders[access(loaders[0], X_OK) == 0 ? 0 : 1];
    const char *const pairs[] = {NULL};
    const char *const words[] = {loader, "--list-tunables", NULL};
    struct str talk = {0};
    const struct player_job job = {
        .program = loader, .preload = "", .pairs = pairs, .words = words, .script_fd = -1};
    int result = player_run(&job, &probe->tunables, &talk, err);
    str_fini(&talk);
    return result;
}

static int check_tunable(struct probe *probe, const struct setting *setting, struct err *err)
{
    char start[NAME_BYTES + 4];
    char limits[128];
    uint64_t min = 0;
    uint64_t max = UINT64_MAX;
    char *end;
    (void)snprintf(start, sizeof(start), "%s: ", setting->key);
    if (!find_line(str_text(&probe->tunables), start, limits, sizeof(limits))) {
        return err_set(err, EINVAL, "this glibc has no tunable %s", setting->key);
    }
    uint64_t value = strtoull(setting->value, &end, 0);
    const char *range = strstr(limits, "(min: ");
    bool is_number = range == NULL ||
                     sscanf(range, "(min: %" SCNi64 ", max: %" SCNi64 ")", (int64_t *)&min,
                            (int64_t *)&max) < 2 ||
                     (end != setting->value && *end == '\0' && value >= min && value <= max);
    if (!is_number) {
        return err_set(err, EINVAL, "glibc does not take %s=%s: %s", setting->key, setting->value,
                       range);
    }
    return 0;
}

static int check_tunables(struct probe *probe, const char *list, struct err *err)
{
    struct setting setting;
    int result = read_tunables(probe, err);
    while (result == 0 && *list != '\0') {
        const char *from = list;
        if (!take_setting(&list, ':', '=', &setting)) {
            return err_set(err, EINVAL, "GLIBC_TUNABLES has no value in '%s'", from);
        }
        result = check_tunable(probe, &setting, err);
    }
    return result;
}

static int check_glibc(struct probe *probe, const char *pair, struct err *err)
{
    static const char *const known[] = {
        "MALLOC_ARENA_MAX",       "MALLOC_ARENA_TEST", "MALLOC_MMAP_MAX_",
        "MALLOC_MMAP_THRESHOLD_", "MALLOC_PERTURB_",   "MALLOC_TRIM_THRESHOLD_",
        "MALLOC_TOP_PAD_",        "MALLOC_CHECK_",     "MALLOC_CONF",
    };
    const char *tunables = value_of(pair, "GLIBC_TUNABLES");
    if (tunables != NULL) {
        return check_tunables(probe, tunables, err);
    }
    bool is_known = strncmp(pair, "MALLOC_", strlen("MALLOC_")) != 0;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        is_known = is_known || value_of(pair, known[i]) != NULL;
    }
    return is_known ? 0
                    : err_set(err, EINVAL, "glibc knows no variable %.*s", (int)strcspn(pair, "="),
                              pair);
}

static int check_pair(struct probe *probe, const char *pair, struct err *err)
{
    switch (probe->candidate->allocator.kind) {
    case ALLOCATOR_GLIBC:
        return check_glibc(probe, pair, err);
    case ALLOCATOR_JEMALLOC:
        return check_jemalloc(probe, pair, err);
    case ALLOCATOR_TCMALLOC:
        return check_tcmalloc(probe, pair, err);
    case ALLOCATOR_MIMALLOC:
        return check_mimalloc(probe, pair, err);
    default:
        return 0;
    }
}

/* The keys of MALLOC_CONF, behind the words that are there already. */
static void add_keys(const struct replay_candidate *candidate, char keys[][NAME_BYTES],
                     const char **words, size_t count)
{
    size_t key_count = 0;
    for (const char *const *pair = candidate->pairs; *pair != NULL; pair++) {
        const char *conf = value_of(*pair, "MALLOC_CONF");
        struct setting setting;
        while (conf != NULL && *conf != '\0' && key_count < NAMES_MAX) {
            if (take_setting(&conf, ',', ':', &setting)) {
                memcpy(keys[key_count], setting.key, NAME_BYTES);
                words[count++] = keys[key_count++];
            }
        }
    }
    words[count] = NULL;
}

static int run_probe(struct probe *probe, const char *program, struct err *err)
{
    static const char verbose[] = "MIMALLOC_VERBOSE=1";
    const struct replay_candidate *candidate = probe->candidate;
    char keys[NAMES_MAX][NAME_BYTES];
    const char *words[NAMES_MAX + 3] = {program, "probe"};
    const char *pairs[REPLAY_CANDIDATE_PAIRS_MAX + 3] = {verbose};
    size_t count = candidate->allocator.kind == ALLOCATOR_MIMALLOC ? 1 : 0;
    for (const char *const *pair = candidate->pairs; *pair != NULL; pair++) {
        pairs[count++] = *pair;
    }
    pairs[count] = NULL;
    add_keys(candidate, keys, words, 2);
    const struct player_job job = {.program = program,
                                   .preload = candidate->allocator.path,
                                   .pairs = pairs,
                                   .words = words,
                                   .script_fd = -1};
    return player_run(&job, &probe->answer, &probe->talk, err);
}

int effective_check(const struct replay_candidate *candidate, const char *program, struct err *err)
{
    struct probe probe = {.candidate = candidate};
    int result = run_probe(&probe, program, err);
    if (result == 0) {
        result = check_library(&probe, err);
    }
    for (const char *const *pair = candidate->pairs; *pair != NULL && result == 0; pair++) {
        result = check_pair(&probe, *pair, err);
    }
    str_fini(&probe.answer);
    str_fini(&probe.talk);
    str_fini(&probe.tunables);
    return result;
}
