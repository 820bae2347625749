#include "module_shares.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stack_tree.h"
#include "wrappers.h"

/* Walks up from the leaf to the first frame worth showing; its module goes to *out_path. */
static int find_module(const struct stack_tree *tree, struct stacks *stacks, size_t place,
                       const char **out_path, struct err *err)
{
    const char *path = NULL;
    bool is_found = false;
    while (place != STACK_TREE_NONE && !is_found) {
        struct call_stack frame = {0};
        int result = stacks_expand_frame(stacks, stack_tree_frame_id(tree, place), &frame, err);
        if (result < 0) {
            return result;
        }
        for (size_t i = 0; i < frame.count && !is_found; i++) {
            path = frame.frames[i]->module;
            is_found = !wrapper_is_allocator(frame.frames[i]->function);
        }
        call_stack_fini(&frame);
        place = stack_tree_parent(tree, place);
    }
    *out_path = path;
    return 0;
}

static struct module_share *find_share(struct module_share *shares, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        const char *other = shares[i].path;
        if (path == other || (path != NULL && other != NULL && strcmp(path, other) == 0)) {
            return &shares[i];
        }
    }
    return &shares[count - 1];
}

static int compare_shares(const void *left, const void *right)
{
    const struct module_share *a = left;
    const struct module_share *b = right;
    if (a->allocation_count != b->allocation_count) {
        return a->allocation_count > b->allocation_count ? -1 : 1;
    }
    return strcmp(a->path != NULL ? a->path : "", b->path != NULL ? b->path : "");
}

static int share_out(const struct stack_tree *tree, struct stacks *stacks,
                     const struct sites *sites, struct module_share *shares, size_t share_count,
                     struct err *err)
{
    for (size_t i = 0; i < sites_count(sites); i++) {
        const char *path = NULL;
        size_t place = stack_tree_find(tree, sites_stack_id(sites, i));
        int result = find_module(tree, stacks, place, &path, err);
        if (result < 0) {
            return result;
        }
        struct module_share *share = find_share(shares, share_count, path);
        share->site_count++;
        share->allocation_count += sites_value(sites, i, SITE_KEY_COUNT);
        share->allocated_bytes += sites_value(sites, i, SITE_KEY_BYTES);
    }
    return 0;
}

int module_shares_load(const struct trace *trace, struct stacks *stacks, const struct sites *sites,
                       struct module_share **out_shares, struct err *err)
{
    /* The last one takes what is in no module. */
    size_t count = trace->module_count + 1;
    struct module_share *shares = calloc(count, sizeof(*shares));
    if (shares == NULL) {
        return err_set_errno(err, ENOMEM, "cannot read modules");
    }
    for (size_t i = 0; i < trace->module_count; i++) {
        shares[i].path = trace->modules[i].path;
        shares[i].build_id = trace->modules[i].build_id;
        shares[i].symbols = trace->modules[i].symbols;
    }
    struct stack_tree *tree = NULL;
    int result = stack_tree_load(trace->db, &tree, err);
    if (result == 0) {
        result = share_out(tree, stacks, sites, shares, count, err);
    }
    stack_tree_destroy(tree);
    if (result < 0) {
        free(shares);
        return result;
    }
    count -= shares[count - 1].site_count == 0 ? 1 : 0;
    qsort(shares, count, sizeof(*shares), compare_shares);
    *out_shares = shares;
    return (int)count;
}
