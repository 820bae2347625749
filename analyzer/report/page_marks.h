/*
 * page_marks.h - what the program told its recorder, for the timeline of a page.
 */
#ifndef ALLOCAUDIT_PAGE_MARKS_H
#define ALLOCAUDIT_PAGE_MARKS_H

#include "../base/err.h"
#include "page_json.h"
#include "report.h"

/*
 * Puts members of an object that is open and has one already:
 *
 *   frame_mark_count, frame_mark_step, frame_marks_ns   ends of frames: every frame_mark_step-th,
 *                                                       where there are many
 *   moments, are_moments_cut   [[at_ns, name], ...], and whether there are more
 *
 * Returns 0 or a negative errno; what was put has its own in json->error.
 */
int page_marks_put(struct report *report, struct page_json *json, struct err *err);

#endif
