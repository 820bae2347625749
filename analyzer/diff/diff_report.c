#include "diff_report.h"

#include <inttypes.h>
#include <math.h>

/* The program's own doing: what is left of a recording that does not vary by chance. */
static const enum site_key exact_keys[] = {
    SITE_KEY_COUNT,        SITE_KEY_BYTES,     SITE_KEY_PEAK,    SITE_KEY_LEAKED,
    SITE_KEY_LEAKED_COUNT, SITE_KEY_TEMPORARY, SITE_KEY_REALLOC, SITE_KEY_FAILED,
};

#define KEY_NAMES(column) column "_old", column "_new", column "_change"

static const struct diff_key diff_keys[SITE_KEY_COUNT_ALL] = {
    [SITE_KEY_COUNT] = {"number of allocations", OUT_UNIT_COUNT, KEY_NAMES("allocation_count")},
    [SITE_KEY_BYTES] = {"bytes allocated", OUT_UNIT_BYTES, KEY_NAMES("allocated_bytes")},
    [SITE_KEY_PEAK] = {"bytes live at the peak", OUT_UNIT_BYTES, KEY_NAMES("peak_bytes")},
    [SITE_KEY_TIME] = {"time in the allocator", OUT_UNIT_NS, KEY_NAMES("time_ns")},
    [SITE_KEY_LEAKED] = {"bytes never freed", OUT_UNIT_BYTES, KEY_NAMES("leaked_bytes")},
    [SITE_KEY_LEAKED_COUNT] = {"blocks never freed", OUT_UNIT_COUNT, KEY_NAMES("leaked_count")},
    [SITE_KEY_TEMPORARY] = {"temporary allocations", OUT_UNIT_COUNT, KEY_NAMES("temporary_count")},
    [SITE_KEY_LARGE] = {"bytes of short-lived large blocks", OUT_UNIT_BYTES,
                        KEY_NAMES("large_short_lived_bytes")},
    [SITE_KEY_REALLOC] = {"number of reallocs", OUT_UNIT_COUNT, KEY_NAMES("realloc_count")},
    [SITE_KEY_MOVED] = {"bytes copied by realloc", OUT_UNIT_BYTES,
                        KEY_NAMES("realloc_moved_bytes")},
    [SITE_KEY_LIVE] = {"most bytes live at one moment", OUT_UNIT_BYTES,
                       KEY_NAMES("live_bytes_max")},
    [SITE_KEY_FAILED] = {"failed allocations", OUT_UNIT_COUNT, KEY_NAMES("failed_count")},
};

const struct diff_key *diff_key_of(enum site_key key)
{
    return &diff_keys[key];
}

bool diff_has_import(const struct diff *diff)
{
    return diff->sides[SIDE_OLD].selection->is_import || diff->sides[SIDE_NEW].selection->is_import;
}

bool diff_has_margins(const struct diff *diff)
{
    return diff->sides[SIDE_OLD].selection->is_sample || diff->sides[SIDE_NEW].selection->is_sample;
}

/*
 * A sample that holds nothing of a site does not say that it is gone: a site of b bytes in n
 * allocations is missed by chance with exp(-(b + n) / sample_bytes), which is 5 % at three times
 * sample_bytes.
 */
static bool may_be_missed(const struct matched_side *side, const struct path_figures *other)
{
    if (!side->selection->is_sample) {
        return false;
    }
    double bytes = (double)other->values[SITE_KEY_BYTES] + (double)other->values[SITE_KEY_COUNT];
    return bytes < 3 * (double)side->trace->run.sample_bytes;
}

/* Of a site that one side does not have; else DIFF_CHANGED. */
static enum diff_state state_of_absent(const struct diff *diff, const struct site_pair *pair)
{
    for (unsigned side = 0; side < SIDE_COUNT; side++) {
        if (pair->sides[side].stack_count > 0) {
            continue;
        }
        if (may_be_missed(&diff->sides[side], &pair->sides[1 - side])) {
            return DIFF_CHANCE;
        }
        return side == SIDE_OLD ? DIFF_NEW : DIFF_GONE;
    }
    return DIFF_CHANGED;
}

enum diff_state diff_state_of(const struct diff *diff, const struct site_pair *pair,
                              enum site_key key)
{
    enum diff_state state = state_of_absent(diff, pair);
    if (state != DIFF_CHANGED) {
        return state;
    }
    int64_t change = site_pair_change(pair, key);
    if (change == 0) {
        return DIFF_SAME;
    }
    if (!diff_has_margins(diff)) {
        return DIFF_CHANGED;
    }
    /* An estimate without an error (the peak) cannot tell a change from chance. */
    bool has_margin = sampled_figure_of(key) != SAMPLED_FIGURE_COUNT;
    bool is_change = has_margin && fabs((double)change) > site_pair_margin(pair->sides, key);
    return is_change ? DIFF_CHANGED : DIFF_CHANCE;
}

/* By any of the exact figures. */
static enum diff_state overall_state(const struct diff *diff, const struct site_pair *pair)
{
    for (size_t i = 0; i < sizeof(exact_keys) / sizeof(exact_keys[0]); i++) {
        bool is_known = (diff->matched.key_set & SITE_KEY_BIT(exact_keys[i])) != 0;
        enum diff_state state = is_known ? diff_state_of(diff, pair, exact_keys[i]) : DIFF_SAME;
        if (state != DIFF_SAME && state != DIFF_CHANCE) {
            return state;
        }
    }
    return DIFF_SAME;
}

static void print_verdict(struct diff *diff)
{
    size_t changed_count = 0;
    size_t new_count = 0;
    size_t gone_count = 0;
    for (size_t i = 0; i < diff->matched.count; i++) {
        enum diff_state state = overall_state(diff, &diff->matched.pairs[i]);
        new_count += state == DIFF_NEW ? 1 : 0;
        gone_count += state == DIFF_GONE ? 1 : 0;
        changed_count += state == DIFF_CHANGED ? 1 : 0;
    }
    struct out *out = diff->out;
    bool is_same = changed_count + new_count + gone_count == 0;
    char count[4][32];
    out_format_count((int64_t)diff->matched.count, count[0]);
    out_begin_section(out, "verdict", NULL);
    out_bool(out, "is_same", NULL, is_same);
    out_number(out, "site_count", NULL, (int64_t)diff->matched.count);
    out_number(out, "changed_site_count", NULL, (int64_t)changed_count);
    out_number(out, "new_site_count", NULL, (int64_t)new_count);
    out_number(out, "gone_site_count", NULL, (int64_t)gone_count);
    if (is_same && diff_has_margins(diff)) {
        out_prose(out, "No difference beyond chance: all %s sites are within their margins.",
                  count[0]);
    } else if (is_same) {
        out_prose(out,
                  "No difference: all %s sites allocate the same. What is left below are "
                  "times and what the system did, which vary by chance.",
                  count[0]);
    } else {
        out_prose(out, "%s sites: %s changed, %s new, %s gone.", count[0],
                  out_format_count((int64_t)changed_count, count[1]),
                  out_format_count((int64_t)new_count, count[2]),
                  out_format_count((int64_t)gone_count, count[3]));
    }
    out_end_section(out);
}

static void print_notes(struct diff *diff)
{
    if (diff_has_margins(diff)) {
        out_note(diff->out, "estimates of a sample: ± is half of the 95 %% interval of a change; "
                            "what lies within it is marked as chance, and cannot be told from no "
                            "change at all. Temporary blocks, reallocs and the most that was live "
                            "are not known of a sample");
    }
    if (diff->sides[SIDE_OLD].trace->process_count > 1 &&
        diff->sides[SIDE_OLD].selection->process_id == 0) {
        out_note(diff->out, "figures of a site are summed over processes; --process compares one");
    }
    out_note(diff->out, "sites are matched by the functions of their stacks, whatever their lines; "
                        "recursion counts once, and calls of a function from several lines are "
                        "summed");
}

int diff_print(struct diff *diff, struct err *err)
{
    print_verdict(diff);
    diff_print_provenance(diff);
    diff_print_totals(diff);
    int result = diff_print_sites(diff, err);
    if (result == 0) {
        result = diff_print_size_moves(diff, err);
    }
    if (result == 0) {
        result = diff_print_classes(diff, err);
    }
    if (result == 0) {
        print_notes(diff);
    }
    return result;
}
