/*
 * site_mask.h - which sites a limit is about, by the functions and modules in their stacks. Single
 * thread.
 */
#ifndef ALLOCAUDIT_SITE_MASK_H
#define ALLOCAUDIT_SITE_MASK_H

#include <stdbool.h>

#include "../model/sites.h"
#include "../model/stack_tree.h"
#include "../model/stacks.h"

/* Sets out_mask[place] for sites with a function like `pattern` in their stack; others stay as they
 * are. out_mask has sites_count() places. */
int site_mask_add_function(const struct stack_tree *tree, const struct sites *sites,
                           const char *pattern, bool *out_mask, struct err *err);

/* The same for sites whose memory a module (its file name or path) like `pattern` asks for: that of
 * the function shown for the site. Every stack holds the C library somewhere. */
int site_mask_add_module(struct stacks *stacks, const struct sites *sites, const char *pattern,
                         bool *out_mask, struct err *err);

#endif
