#include "candidate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "effective.h"

void candidate_lose(struct candidate *candidate, const struct err *err)
{
    candidate->problem = *err;
    candidate->is_lost = true;
}

static void find_library(struct candidate *candidate, const struct allocator *allocator)
{
    struct err err;
    int result;
    if (candidate->kind == ALLOCATOR_POLICY) {
        result =
            player_find("liballocaudit.so", candidate->library, sizeof(candidate->library), &err);
    } else {
        result = allocators_locate(allocator, candidate->library, sizeof(candidate->library), &err);
    }
    if (result < 0) {
        candidate_lose(candidate, &err);
    }
}

static void find_file(struct candidate *candidate)
{
    struct err err;
    if (strlen(candidate->name) >= sizeof(candidate->library)) {
        (void)err_set_errno(&err, ENAMETOOLONG, "cannot preload it");
        candidate_lose(candidate, &err);
        return;
    }
    if (realpath(candidate->name, candidate->library) == NULL) {
        (void)err_set_errno(&err, errno, "cannot preload it");
        candidate_lose(candidate, &err);
    } else if (strpbrk(candidate->library, " :") != NULL) {
        /* The loader splits its list of libraries there. */
        (void)err_set(&err, EINVAL, "cannot preload it: its path holds a blank or a colon");
        candidate_lose(candidate, &err);
    }
}

static int refuse_name(const char *name, struct err *err)
{
    const char *nearest = allocators_suggest(name);
    if (nearest != NULL) {
        return err_set(err, EINVAL, "unknown allocator '%s': did you mean '%s'?", name, nearest);
    }
    char names[128];
    allocators_list(names, sizeof(names));
    return err_set(err, EINVAL, "unknown allocator '%s': use %s, or the path of a library", name,
                   names);
}

int candidate_init(struct candidate *candidate, const char *name, const char *const *pairs,
                   struct err *err)
{
    bool is_file = strchr(name, '/') != NULL;
    const struct allocator *allocator = is_file ? NULL : allocators_find(name);
    if (!is_file && allocator == NULL) {
        return refuse_name(name, err);
    }
    *candidate = (struct candidate){
        .name = name,
        .kind = is_file ? ALLOCATOR_FILE : allocator->kind,
    };
    size_t count = 0;
    for (; count < CANDIDATE_PAIRS_MAX && pairs[count] != NULL; count++) {
        candidate->pairs[count] = pairs[count];
    }
    if (candidate->kind == ALLOCATOR_POLICY) {
        (void)snprintf(candidate->policy, sizeof(candidate->policy), "ALLOCAUDIT_POLICY=%s", name);
        candidate->pairs[count] = candidate->policy;
    }
    if (is_file) {
        find_file(candidate);
    } else {
        find_library(candidate, allocator);
    }
    return 0;
}

void candidate_check(struct candidate *candidate, const char *program)
{
    struct err err;
    if (!candidate->is_lost && effective_check(candidate, program, &err) < 0) {
        candidate_lose(candidate, &err);
    }
}
