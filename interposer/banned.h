/*
 * banned.h - what must never be called inside a stranger's process: it allocates, locks, prints or
 * leaves. Included last by every file but those that define or resolve the allocator's functions.
 */
#ifndef ALLOCAUDIT_BANNED_H
#define ALLOCAUDIT_BANNED_H

#pragma GCC poison malloc calloc realloc free strdup asprintf getline
#pragma GCC poison printf fprintf sprintf snprintf puts fopen fclose fwrite fread perror strerror
#pragma GCC poison exit abort getenv setenv pthread_mutex_lock

#endif
