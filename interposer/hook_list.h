/*
 * hook_list.h - every function that the library takes over, once.
 *
 * X(result, identifier, symbol, parameters): the real function is real.identifier, found under
 * symbol. The hooks, the look-up of the real functions, the export list and the tests come from
 * here.
 */
#ifndef ALLOCAUDIT_HOOK_LIST_H
#define ALLOCAUDIT_HOOK_LIST_H

#define HOOKS_C(X)                                                                                 \
    X(void *, malloc, "malloc", (size_t))                                                          \
    X(void *, calloc, "calloc", (size_t, size_t))                                                  \
    X(void *, realloc, "realloc", (void *, size_t))                                                \
    X(void *, reallocarray, "reallocarray", (void *, size_t, size_t))                              \
    X(void, free, "free", (void *))                                                                \
    X(void, cfree, "cfree", (void *))                                                              \
    X(void *, memalign, "memalign", (size_t, size_t))                                              \
    X(void *, aligned_alloc, "aligned_alloc", (size_t, size_t))                                    \
    X(int, posix_memalign, "posix_memalign", (void **, size_t, size_t))                            \
    X(void *, valloc, "valloc", (size_t))                                                          \
    X(void *, pvalloc, "pvalloc", (size_t))                                                        \
    X(void, free_sized, "free_sized", (void *, size_t))                                            \
    X(void, free_aligned_sized, "free_aligned_sized", (void *, size_t, size_t))                    \
    X(size_t, malloc_usable_size, "malloc_usable_size", (void *))

/* operator new and delete, named after their parameters: n = nothrow, a = aligned, s = sized. */
#define HOOKS_CXX(X)                                                                               \
    X(void *, new_, "_Znwm", (size_t))                                                             \
    X(void *, new_n, "_ZnwmRKSt9nothrow_t", (size_t, const void *))                                \
    X(void *, new_a, "_ZnwmSt11align_val_t", (size_t, size_t))                                     \
    X(void *, new_an, "_ZnwmSt11align_val_tRKSt9nothrow_t", (size_t, size_t, const void *))        \
    X(void *, new_array, "_Znam", (size_t))                                                        \
    X(void *, new_array_n, "_ZnamRKSt9nothrow_t", (size_t, const void *))                          \
    X(void *, new_array_a, "_ZnamSt11align_val_t", (size_t, size_t))                               \
    X(void *, new_array_an, "_ZnamSt11align_val_tRKSt9nothrow_t", (size_t, size_t, const void *))  \
    X(void, delete_, "_ZdlPv", (void *))                                                           \
    X(void, delete_n, "_ZdlPvRKSt9nothrow_t", (void *, const void *))                              \
    X(void, delete_s, "_ZdlPvm", (void *, size_t))                                                 \
    X(void, delete_a, "_ZdlPvSt11align_val_t", (void *, size_t))                                   \
    X(void, delete_an, "_ZdlPvSt11align_val_tRKSt9nothrow_t", (void *, size_t, const void *))      \
    X(void, delete_sa, "_ZdlPvmSt11align_val_t", (void *, size_t, size_t))                         \
    X(void, delete_array, "_ZdaPv", (void *))                                                      \
    X(void, delete_array_n, "_ZdaPvRKSt9nothrow_t", (void *, const void *))                        \
    X(void, delete_array_s, "_ZdaPvm", (void *, size_t))                                           \
    X(void, delete_array_a, "_ZdaPvSt11align_val_t", (void *, size_t))                             \
    X(void, delete_array_an, "_ZdaPvSt11align_val_tRKSt9nothrow_t",                                \
      (void *, size_t, const void *))                                                              \
    X(void, delete_array_sa, "_ZdaPvmSt11align_val_t", (void *, size_t, size_t))

#define HOOKS_MAP(X)                                                                               \
    X(void *, mmap, "mmap", (void *, size_t, int, int, int, off_t))                                \
    X(void *, mmap64, "mmap64", (void *, size_t, int, int, int, off_t))                            \
    X(int, munmap, "munmap", (void *, size_t))                                                     \
    X(void *, mremap, "mremap", (void *, size_t, size_t, int, ...))                                \
    X(int, brk, "brk", (void *))                                                                   \
    X(void *, sbrk, "sbrk", (intptr_t))

/* Only told of, never altered: a module may come or go. */
#define HOOKS_DL(X)                                                                                \
    X(void *, dlopen, "dlopen", (const char *, int))                                               \
    X(void *, dlmopen, "dlmopen", (long, const char *, int))                                       \
    X(int, dlclose, "dlclose", (void *))

/* The same: threads get names, which rules of a plan ask for. */
#define HOOKS_NAME(X)                                                                              \
    X(int, pthread_setname_np, "pthread_setname_np", (pthread_t, const char *))                    \
    X(int, prctl, "prctl", (int, ...))

/* Only told of: a program is started that may be one that nothing can be preloaded into. */
#define HOOKS_EXEC(X)                                                                              \
    X(int, execve, "execve", (const char *, char *const[], char *const[]))                         \
    X(int, execv, "execv", (const char *, char *const[]))                                          \
    X(int, execvp, "execvp", (const char *, char *const[]))                                        \
    X(int, execvpe, "execvpe", (const char *, char *const[], char *const[]))                       \
    X(int, execl, "execl", (const char *, const char *, ...))                                      \
    X(int, execlp, "execlp", (const char *, const char *, ...))                                    \
    X(int, execle, "execle", (const char *, const char *, ...))                                    \
    X(int, fexecve, "fexecve", (int, char *const[], char *const[]))                                \
    X(int, execveat, "execveat", (int, const char *, char *const[], char *const[], int))           \
    X(int, posix_spawn, "posix_spawn",                                                             \
      (pid_t *, const char *, const void *, const void *, char *const[], char *const[]))           \
    X(int, posix_spawnp, "posix_spawnp",                                                           \
      (pid_t *, const char *, const void *, const void *, char *const[], char *const[]))           \
    X(int, system, "system", (const char *))                                                       \
    X(void *, popen, "popen", (const char *, const char *))

/* Ways out that run no destructors. */
#define HOOKS_EXIT(X)                                                                              \
    X(void, exit_at_once, "_exit", (int))                                                          \
    X(void, exit_at_once_c99, "_Exit", (int))                                                      \
    X(void, finalize, "__cxa_finalize", (void *))                                                  \
    X(void, quick_exit, "quick_exit", (int))

#define HOOKS(X)                                                                                   \
    HOOKS_C(X)                                                                                     \
    HOOKS_CXX(X) HOOKS_MAP(X) HOOKS_DL(X) HOOKS_NAME(X) HOOKS_EXEC(X) HOOKS_EXIT(X)

/* Test frameworks, looked up only when they are called: they are rarely there, and a look-up that
 * fails allocates and takes locks of the C library. */
#define HOOKS_TEST(X)                                                                              \
    X(int, cmocka_run_group_tests, "_cmocka_run_group_tests",                                      \
      (const char *, const void *, size_t, void *, void *))                                        \
    X(void, criterion_test_main, "criterion_internal_test_main", (void (*)(void)))

/* What the library shows. */
#define EXPORTS(X) HOOKS(X) HOOKS_TEST(X)

#endif
