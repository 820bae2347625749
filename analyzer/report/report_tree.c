#include "report.h"

#include <errno.h>
#include <stdio.h>

#include "../base/str.h"
#include "../model/call_tree.h"

static bool is_bytes_key(enum site_key key)
{
    return key == SITE_KEY_BYTES || key == SITE_KEY_PEAK || key == SITE_KEY_LEAKED ||
           key == SITE_KEY_LARGE || key == SITE_KEY_MOVED || key == SITE_KEY_LIVE;
}

static void print_value(struct out *out, enum site_key sort, const char *key, const char *label,
                        uint64_t value)
{
    if (is_bytes_key(sort)) {
        out_bytes(out, key, label, (int64_t)value);
    } else if (sort == SITE_KEY_TIME) {
        out_ns(out, key, label, (int64_t)value);
    } else {
        out_count(out, key, label, (int64_t)value);
    }
}

static int print_node(struct out *out, const struct call_tree *tree, size_t index,
                      enum site_key sort)
{
    const struct call_node *node = &tree->nodes[index];
    struct str indented = {0};
    int result = str_append_repeated(&indented, ' ', 2 * (size_t)node->level);
    if (result == 0) {
        result = str_append(&indented, node->names);
    }
    out_begin_row(out);
    out_number(out, "stack_id", "stack", node->stack_id);
    print_value(out, sort, "value", "with callees", node->value);
    out_percent(out, "share_pct", "share", (double)node->value, (double)tree->total);
    print_value(out, sort, "own_value", "own", node->own);
    out_text(out, "sort", NULL, site_key_word(sort));
    out_number(out, "level", NULL, node->level);
    out_text(out, "names", "functions", out_is_json(out) ? node->names : str_text(&indented));
    out_end_row(out);
    str_fini(&indented);
    return result;
}

int report_print_tree(struct report *report, struct err *err)
{
    int sort = report->settings->sort;
    enum site_key key = sort == REPORT_UNSORTED ? SITE_KEY_COUNT : (enum site_key)sort;
    uint64_t stack_id = report->settings->stack_id;
    struct call_tree tree;
    int result = call_tree_build(report->trace->db, report->stacks, report->sites, key,
                                 stack_id == OPTION_NOT_GIVEN ? 0 : (uint32_t)stack_id,
                                 report_top(report, 20), &tree, err);
    if (result < 0) {
        return result;
    }
    char title[96];
    (void)snprintf(title, sizeof(title), "Callers and what they call, by %s (chains on one line)",
                   site_key_word(key));
    out_begin_table(report->out, "tree", title);
    for (size_t i = 0; i < tree.count && result == 0; i++) {
        result = print_node(report->out, &tree, i, key);
    }
    out_end_table(report->out);
    if (tree.hidden_count > 0) {
        out_note(report->out, "%zu lighter branches of the tree are not shown (--top N)",
                 tree.hidden_count);
    }
    call_tree_fini(&tree);
    return result < 0 ? err_set_errno(err, -result, "cannot print the tree") : 0;
}
