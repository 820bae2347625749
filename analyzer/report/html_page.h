/*
 * html_page.h - a report as one HTML file that needs nothing else: the sections' JSON with their
 * labels, and the tree of stacks (page_tree.h), inside the page that the program carries.
 */
#ifndef ALLOCAUDIT_HTML_PAGE_H
#define ALLOCAUDIT_HTML_PAGE_H

#include <stdio.h>

#include "../base/err.h"
#include "sections.h"

/* Returns 0; -ENOTSUP where the program was built without the page: err says how to get it. */
int html_page_check(struct err *err);

/* Works out the planned sections and writes the page; flushing is left to the caller. Whatever
 * names hold, nothing of them becomes markup. Returns 0 or a negative errno, -EPIPE if the reader
 * has left. report->out is NULL afterwards. */
int html_page_write(struct report *report, const struct section_plan *plan, FILE *stream,
                    struct err *err);

#endif
