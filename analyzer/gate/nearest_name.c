#include "nearest_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../analyses/scopes.h"
#include "../base/str.h"
#include "../base/suggest.h"
#include "../base/words.h"

/* The names of the recording, each once, and which is the nearest so far. */
struct name_search {
    const char *wanted;
    struct words seen;
    const char *best; /* one of them; NULL: none is near */
};

static int consider(struct name_search *search, const char *name)
{
    size_t count = search->seen.count;
    uint32_t number = 0;
    if (name == NULL) {
        return 0;
    }
    if (words_number(&search->seen, name, SIZE_MAX, &number) < 0) {
        return -ENOMEM;
    }
    const char *known = search->seen.items[number];
    const char *pair[] = {search->best != NULL ? search->best : known, known, NULL};
    if (search->seen.count > count) {
        const char *nearest = suggest_nearest(search->wanted, pair);
        search->best = nearest != NULL ? nearest : search->best;
    }
    return 0;
}

static int search_functions(const struct judged_sources *sources, struct name_search *search,
                            struct err *err)
{
    const struct sites *sites = sources->first->sites;
    int result = 0;
    for (size_t i = 0; i < sites_count(sites) && result == 0; i++) {
        struct call_stack stack = {0};
        result = stacks_expand(sources->stacks, sites_stack_id(sites, i), &stack, err);
        for (size_t j = 0; j < stack.count && result == 0; j++) {
            result = consider(search, stack.frames[j]->function);
        }
        call_stack_fini(&stack);
    }
    return result;
}

static int search_scopes(const struct entry_figures *entries, struct name_search *search)
{
    int result = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const struct scopes *scopes = entry_figures_scopes(entries, i);
        for (size_t j = 0; j < scopes->count && result == 0; j++) {
            result = consider(search, scopes->sums[j].name);
        }
    }
    return result;
}

static int search_trace(const struct trace *trace, enum budget_subject subject,
                        struct name_search *search)
{
    int result = 0;
    for (size_t i = 0; subject == BUDGET_MODULE && i < trace->module_count && result == 0; i++) {
        result = consider(search, str_base_name(trace->modules[i].path));
    }
    for (size_t i = 0; subject == BUDGET_THREAD && i < trace->thread_count && result == 0; i++) {
        result = consider(search, trace->threads[i].name);
    }
    for (size_t i = 0; subject == BUDGET_PROCESS && i < trace->process_count && result == 0; i++) {
        result = consider(search, str_base_name(trace->processes[i].executable));
    }
    return result;
}

int nearest_name_find(const struct judged_sources *sources, const struct entry_figures *entries,
                      const struct budget_limit *limit, char **out_name, struct err *err)
{
    struct name_search search = {.wanted = limit->pattern};
    int result = 0;
    *out_name = NULL;
    if (limit->pattern == NULL || strpbrk(limit->pattern, "*?[") != NULL) {
        return 0;
    }
    if (limit->subject == BUDGET_FUNCTION) {
        result = search_functions(sources, &search, err);
    } else if (limit->subject == BUDGET_SCOPE) {
        result = search_scopes(entries, &search);
    } else {
        result = search_trace(sources->trace, limit->subject, &search);
    }
    if (result == 0 && search.best != NULL) {
        *out_name = strdup(search.best);
        result = *out_name != NULL ? 0 : -ENOMEM;
    }
    words_fini(&search.seen);
    return result == -ENOMEM ? err_set_errno(err, ENOMEM, "cannot judge") : result;
}
