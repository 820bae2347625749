/*
 * announce.h - the record that introduces a process to the collector.
 */
#ifndef ALLOCAUDIT_ANNOUNCE_H
#define ALLOCAUDIT_ANNOUNCE_H

struct self;

/* Writes EVENT_PROCESS into this thread's lane, once per process. */
void announce_process(struct self *self);

#endif
