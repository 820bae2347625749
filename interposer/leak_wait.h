/*
 * leak_wait.h - at the end of the process: stands still while the collector looks which blocks can
 * still be reached.
 *
 * The looking is done from outside, through /proc or process_vm_readv, so nothing is allocated,
 * locked or changed here; other threads run on unless the collector may stop them. Waits two
 * seconds for a sign that the collector is at work, and not at all where nobody collects. A process
 * asks once; a child of vfork, which shares its parent's memory, never. errno is left as it was.
 */
#ifndef ALLOCAUDIT_LEAK_WAIT_H
#define ALLOCAUDIT_LEAK_WAIT_H

void leak_wait(void);

#endif
