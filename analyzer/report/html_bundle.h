/*
 * html_bundle.h - the page of `report --html`, which `make html-bundle` makes of analyzer/html/ and
 * the build puts into the program. It holds each HTML_MARK once.
 */
#ifndef ALLOCAUDIT_HTML_BUNDLE_H
#define ALLOCAUDIT_HTML_BUNDLE_H

#include <stddef.h>

/* What stands for the data: JSON in which no '<' is left. */
#define HTML_MARK_REPORT "@ALLOCAUDIT_REPORT@"
#define HTML_MARK_TREE   "@ALLOCAUDIT_TREE@"

extern const char html_bundle[];
extern const size_t html_bundle_bytes; /* 0: the program was built without it */

#endif
