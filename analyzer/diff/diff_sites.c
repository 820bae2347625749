/*
 * The tables of a comparison that have a row per site.
 */
#include "diff_report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"

/* The side whose stack is shown: the new one, unless the site is gone. */
static enum recording_side shown_side(const struct site_pair *pair)
{
    return pair->sides[SIDE_NEW].stack_count > 0 ? SIDE_NEW : SIDE_OLD;
}

static const char *const state_words[] = {
    [DIFF_SAME] = "",   [DIFF_CHANGED] = "",  [DIFF_CHANCE] = "chance",
    [DIFF_NEW] = "new", [DIFF_GONE] = "gone",
};

static void print_place(struct out *out, const struct stack_frame *frame)
{
    char place[256] = "";
    if (frame != NULL && frame->file != NULL && frame->line > 0) {
        (void)snprintf(place, sizeof(place), "%s:%u", str_base_name(frame->file), frame->line);
    } else if (frame != NULL && frame->module != NULL) {
        (void)snprintf(place, sizeof(place), "%s", str_base_name(frame->module));
    }
    out_aside(out, "place", "where", place);
    out_text(out, "function", "function", frame != NULL ? frame->function : "(no stack)");
}

static void print_stack_id(struct out *out, const char *key, const struct path_figures *figures)
{
    if (figures->stack_count > 0) {
        out_number(out, key, NULL, figures->stack_id);
    } else {
        out_null(out, key, NULL);
    }
}

/* Where the site is: for people the function shown, in JSON all of its path. */
static int print_site_place(struct diff *diff, const struct site_pair *pair, struct err *err)
{
    struct out *out = diff->out;
    enum recording_side side = shown_side(pair);
    struct call_stack stack = {0};
    int result = stacks_expand(diff->stacks[side], pair->sides[side].stack_id, &stack, err);
    if (result < 0) {
        return result;
    }
    out_number(out, NULL, "stack", pair->sides[side].stack_id);
    print_place(out, call_stack_shown(&stack));
    if (out_is_json(out)) {
        print_stack_id(out, "old_stack_id", &pair->sides[SIDE_OLD]);
        print_stack_id(out, "new_stack_id", &pair->sides[SIDE_NEW]);
        out_begin_list(out, "path");
        for (uint32_t at = pair->path_id; at != FUNCTION_PATH_EMPTY;
             at = function_paths_caller(diff->matched.paths, at)) {
            out_begin_row(out);
            out_text(out, "function", "", function_paths_name(diff->matched.paths, at));
            out_end_row(out);
        }
        out_end_list(out);
    }
    call_stack_fini(&stack);
    return 0;
}

static int64_t value_of(const struct site_pair *pair, enum recording_side side, enum site_key key)
{
    return (int64_t)pair->sides[side].values[key];
}

/* Every figure that both recordings know. */
static void print_all_figures(struct out *out, const struct diff *diff,
                              const struct site_pair *pair)
{
    for (unsigned i = 0; i < SITE_KEY_COUNT_ALL; i++) {
        enum site_key key = (enum site_key)i;
        if ((diff->matched.key_set & SITE_KEY_BIT(key)) == 0) {
            continue;
        }
        const struct diff_key *names = diff_key_of(key);
        out_number(out, names->old_key, NULL, value_of(pair, SIDE_OLD, key));
        out_number(out, names->new_key, NULL, value_of(pair, SIDE_NEW, key));
        out_number(out, names->change_key, NULL, site_pair_change(pair, key));
    }
}

static int print_site(struct diff *diff, const struct site_pair *pair, struct err *err)
{
    struct out *out = diff->out;
    enum site_key key = diff->sort;
    enum out_unit unit = diff_key_of(key)->unit;
    int64_t change = site_pair_change(pair, key);
    double margin = site_pair_margin(pair->sides, key);
    /* Keys would be there twice: the JSON has those of all figures. */
    out_begin_row(out);
    out_change(out, NULL, "change", unit, change);
    if (diff_has_margins(diff) && sampled_figure_of(key) != SAMPLED_FIGURE_COUNT) {
        out_figure(out, "margin", "± 95 %", unit, llround(margin));
    }
    /* Of estimates the margin says more, and lines have room for one of the two. */
    out_percent_change(out, "change_pct", diff_has_margins(diff) ? NULL : "%", (double)change,
                       (double)pair->sides[SIDE_OLD].values[key]);
    out_figure(out, NULL, "old", unit, value_of(pair, SIDE_OLD, key));
    out_figure(out, NULL, "new", unit, value_of(pair, SIDE_NEW, key));
    out_text(out, "state", "", state_words[diff_state_of(diff, pair, key)]);
    if (out_is_json(out)) {
        print_all_figures(out, diff, pair);
    }
    int result = print_site_place(diff, pair, err);
    out_end_row(out);
    return result;
}

int diff_print_sites(struct diff *diff, struct err *err)
{
    size_t changed_count = matched_sites_sort(&diff->matched, diff->sort);
    if (changed_count == 0 && !out_is_json(diff->out)) {
        return 0;
    }
    size_t shown_count = changed_count < diff->top_count ? changed_count : diff->top_count;
    char title[128];
    (void)snprintf(title, sizeof(title), "Sites by change of %s: %zu of %zu",
                   diff_key_of(diff->sort)->title, shown_count, changed_count);
    int result = 0;
    out_begin_table(diff->out, "sites", title);
    for (size_t i = 0; i < shown_count && result == 0 && !out_has_failed(diff->out); i++) {
        result = print_site(diff, &diff->matched.pairs[i], err);
    }
    out_end_table(diff->out);
    return result;
}

/* ---- sizes that moved --------------------------------------------------------------------------
 */

static double mean_size(const struct path_figures *figures)
{
    return (double)figures->values[SITE_KEY_BYTES] / (double)figures->values[SITE_KEY_COUNT];
}

/* Bytes that the other size costs or saves at as many allocations as there are now. 0 where a side
 * has none, or the change is within the margins of a sample. */
static double moved_bytes(const struct diff *diff, const struct site_pair *pair)
{
    const struct path_figures *sides = pair->sides;
    if (sides[SIDE_OLD].values[SITE_KEY_COUNT] == 0 ||
        sides[SIDE_NEW].values[SITE_KEY_COUNT] == 0 || diff_has_margins(diff)) {
        return 0;
    }
    double step = mean_size(&sides[SIDE_NEW]) - mean_size(&sides[SIDE_OLD]);
    return step * (double)sides[SIDE_NEW].values[SITE_KEY_COUNT];
}

struct size_move {
    const struct site_pair *pair;
    double moved_bytes;
};

static int compare_moves(const void *left, const void *right)
{
    const struct size_move *a = left;
    const struct size_move *b = right;
    if (fabs(a->moved_bytes) != fabs(b->moved_bytes)) {
        return fabs(a->moved_bytes) > fabs(b->moved_bytes) ? -1 : 1;
    }
    return (a->pair->path_id > b->pair->path_id) - (a->pair->path_id < b->pair->path_id);
}

static int print_move(struct diff *diff, const struct size_move *move, struct err *err)
{
    struct out *out = diff->out;
    const struct path_figures *sides = move->pair->sides;
    out_begin_row(out);
    out_change(out, "moved_bytes", "change", OUT_UNIT_BYTES, llround(move->moved_bytes));
    out_real(out, "mean_size_bytes_old", NULL, mean_size(&sides[SIDE_OLD]), 1);
    out_real(out, "mean_size_bytes_new", NULL, mean_size(&sides[SIDE_NEW]), 1);
    out_bytes(out, NULL, "old mean", llround(mean_size(&sides[SIDE_OLD])));
    out_bytes(out, NULL, "new mean", llround(mean_size(&sides[SIDE_NEW])));
    out_count(out, "allocation_count_new", "allocations",
              value_of(move->pair, SIDE_NEW, SITE_KEY_COUNT));
    int result = print_site_place(diff, move->pair, err);
    out_end_row(out);
    return result;
}

int diff_print_size_moves(struct diff *diff, struct err *err)
{
    struct size_move *moves = calloc(diff->matched.count + 1, sizeof(*moves));
    if (moves == NULL) {
        return err_set_errno(err, ENOMEM, "cannot compare");
    }
    size_t count = 0;
    for (size_t i = 0; i < diff->matched.count; i++) {
        double bytes = moved_bytes(diff, &diff->matched.pairs[i]);
        if (fabs(bytes) >= 1) {
            moves[count++] = (struct size_move){&diff->matched.pairs[i], bytes};
        }
    }
    int result = 0;
    if (count > 0 || out_is_json(diff->out)) {
        qsort(moves, count, sizeof(*moves), compare_moves);
        out_begin_table(diff->out, "size_moves",
                        "Sites that ask for other sizes, by what that changes at today's number");
        for (size_t i = 0; i < count && i < diff->top_count && result == 0; i++) {
            result = print_move(diff, &moves[i], err);
        }
        out_end_table(diff->out);
    }
    free(moves);
    return result;
}
