/*
 * true_pid.h - which process of ours a recorded one is.
 *
 * A process tells the number that it has itself, which in a pid namespace of its own is another
 * one's here: process 1 of a sandbox is not our init. Single thread.
 */
#ifndef ALLOCAUDIT_TRUE_PID_H
#define ALLOCAUDIT_TRUE_PID_H

#include <stdint.h>

/*
 * The number that the process which calls itself `told_pid` has here. 0: it has ended.
 *
 * Whatever is recorded was started after us, so an older process of that number is not meant. Then
 * /proc is searched for one that has been told that number (NSpid of proc(5)), and from then on for
 * numbers that nobody has here, too.
 */
uint32_t true_pid_find(uint32_t told_pid);

#endif
