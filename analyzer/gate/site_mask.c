#include "site_mask.h"
#include "../base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fnmatch.h>

#include "../model/selection.h"

int site_mask_add_function(const struct stack_tree *tree, const struct sites *sites,
                           const char *pattern, bool *out_mask, struct err *err)
{
    char *glob = NULL;
    bool *is_match = NULL;
    int result = selection_glob(pattern, &glob, err);
    if (result == 0) {
        result = stack_tree_match(tree, glob, NULL, &is_match, err);
    }
    for (size_t i = 0; i < sites_count(sites) && result == 0; i++) {
        size_t place = stack_tree_find(tree, sites_stack_id(sites, i));
        if (place != STACK_TREE_NONE && is_match[place]) {
            out_mask[i] = true;
        }
    }
    free(is_match);
    free(glob);
    return result;
}

static bool is_like(const char *module, const char *glob)
{
    return fnmatch(glob, module, 0) == 0 || fnmatch(glob, str_base_name(module), 0) == 0;
}

int site_mask_add_module(struct stacks *stacks, const struct sites *sites, const char *pattern,
                         bool *out_mask, struct err *err)
{
    char *glob = NULL;
    int result = selection_glob(pattern, &glob, err);
    for (size_t i = 0; i < sites_count(sites) && result == 0; i++) {
        struct call_stack stack;
        result = stacks_expand(stacks, sites_stack_id(sites, i), &stack, err);
        if (result == 0) {
            const struct stack_frame *shown = call_stack_shown(&stack);
            out_mask[i] = out_mask[i] ||
                          (shown != NULL && shown->module != NULL && is_like(shown->module, glob));
            call_stack_fini(&stack);
        }
    }
    free(glob);
    return result;
}
