/*
 * page_tree.h - what the page of a report needs besides its sections: the tree of stacks for the
 * flame graph, the sites with all their figures, and the marks of the program.
 */
#ifndef ALLOCAUDIT_PAGE_TREE_H
#define ALLOCAUDIT_PAGE_TREE_H

#include "../base/err.h"
#include "../base/str.h"
#include "report.h"

/* Every key that there is: the page shows sites by all of them. */
#define PAGE_SITE_KEYS ((1u << SITE_KEY_COUNT_ALL) - 1)

/*
 * Appends one JSON object. Whole numbers throughout, bytes and ns:
 *
 *   strings          names, told by their place from here on
 *   frames           [function, file, line, module, ...] of each: four numbers for each function
 *                    at that address, the innermost first; -1: not known
 *   parents          of each node the place of its caller, -1: a root; callers come first
 *   node_frames      of each node its frame
 *   stack_id_steps   of each node its stack_id less that of the node before
 *   keys, totals     what is known, and the sum of all
 *   own, smaller     by key: [node, value, node, value, ...] of those above 0; `smaller` is what
 *                    callees without a node of their own have, at -1 that of such roots
 *   left_out_count   how many those are
 *   site_count       all of the selection
 *   site_keys, sites the columns, and a row for each of the largest sites by any key
 *
 * and the members of page_marks.h. Returns 0 or a negative errno.
 */
int page_tree_append_json(struct report *report, struct str *into, struct err *err);

#endif
