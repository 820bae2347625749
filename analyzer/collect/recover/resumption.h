/*
 * resumption.h - where in the lanes a killed collector is to be taken up again.
 *
 * The lanes say how far it had read; the blocks and the last row say whether the one event that it
 * was applying has been applied.
 */
#ifndef ALLOCAUDIT_RESUMPTION_H
#define ALLOCAUDIT_RESUMPTION_H

#include "../../base/err.h"
#include "survivors.h"

/* Sets the lanes to where the collector was. Lanes that are read to the end go. 0 or -ENOMEM. */
int resumption_place_readers(struct survivors *survivors, struct err *err);

#endif
