#include "counted_leaks.h"

static int suppress(const struct counted_leaks *counted, struct stacks *stacks, struct sites *sites,
                    size_t place, struct err *err)
{
    uint64_t leaked_count = sites_value(sites, place, SITE_KEY_LEAKED_COUNT);
    uint64_t leaked_bytes = sites_value(sites, place, SITE_KEY_LEAKED);
    struct call_stack stack = {0};
    int result = stacks_expand(stacks, sites_stack_id(sites, place), &stack, err);
    if (result < 0) {
        return result;
    }
    struct suppression *found = suppressions_match(counted->suppressions, &stack);
    if (found != NULL) {
        found->leaked_count += leaked_count;
        found->leaked_bytes += leaked_bytes;
        sites_reduce(sites, place, SITE_KEY_LEAKED_COUNT, leaked_count);
        sites_reduce(sites, place, SITE_KEY_LEAKED, leaked_bytes);
    }
    call_stack_fini(&stack);
    return 0;
}

int counted_leaks_apply(const struct counted_leaks *counted, const struct site_leaks *leaks,
                        struct stacks *stacks, struct sites *sites, struct err *err)
{
    int result = 0;
    for (size_t place = 0; place < sites_count(sites) && result == 0; place++) {
        const struct site_leak *leak = site_leaks_find(leaks, sites_stack_id(sites, place));
        unsigned others = ~counted->kinds;
        sites_reduce(sites, place, SITE_KEY_LEAKED_COUNT, site_leak_count(leak, others));
        sites_reduce(sites, place, SITE_KEY_LEAKED, site_leak_bytes(leak, others));
        uint64_t rest = sites_value(sites, place, SITE_KEY_LEAKED_COUNT) +
                        sites_value(sites, place, SITE_KEY_LEAKED);
        if (counted->suppressions != NULL && rest > 0) {
            result = suppress(counted, stacks, sites, place, err);
        }
    }
    return result;
}
