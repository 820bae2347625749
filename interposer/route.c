#include "route.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "environment.h"
#include "hooks.h"
#include "policy/power_of_two.h"
#include "sys.h"

/* A thread's part. Lies in the policy's own memory, and serves another thread once this one is
 * gone. */
struct route_thread {
    struct policy_heap *heap;
    struct route_thread *next; /* all there are */
    uint32_t tid;
    bool is_ending; /* its destructors may still free blocks */
};

static struct real next; /* the functions of the next allocator */
static struct backing backing;
static struct policy *policy; /* NULL: nothing is routed */

static struct route_thread *threads; /* under threads_lock */
static struct policy_lock threads_lock;
static pthread_key_t exit_key = (pthread_key_t)-1;
static __thread struct route_thread *thread_of_self __attribute__((tls_model("initial-exec")));
static __thread bool is_opening __attribute__((tls_model("initial-exec")));

/* ---- threads -----------------------------------------------------------------------------------
 */

static void route_on_thread_exit(void *argument)
{
    ((struct route_thread *)argument)->is_ending = true;
}

/* One whose thread has ended for good, with its heap; NULL: there is none. */
static struct route_thread *route_reuse_thread(void)
{
    for (struct route_thread *thread = threads; thread != NULL; thread = thread->next) {
        if (thread->is_ending && !thread->heap->is_busy &&
            sys_thread_exists(sys_pid(), thread->tid) == -ESRCH) {
            return thread;
        }
    }
    return NULL;
}

static struct route_thread *route_make_thread(void)
{
    struct route_thread *thread = backing_take_note(&backing, sizeof(*thread));
    struct policy_heap *heap = thread != NULL ? policy_heap_open(policy) : NULL;
    if (heap == NULL) {
        return NULL;
    }
    thread->heap = heap;
    thread->next = threads;
    threads = thread;
    return thread;
}

static SLOW struct policy_heap *route_open(void)
{
    if (is_opening) {
        return NULL;
    }
    is_opening = true;
    policy_lock(&threads_lock);
    struct route_thread *thread = route_reuse_thread();
    if (thread == NULL) {
        thread = route_make_thread();
    }
    if (thread != NULL) {
        thread->tid = sys_tid();
        thread->is_ending = false;
    }
    policy_unlock(&threads_lock);
    thread_of_self = thread;
    if (thread != NULL && exit_key != (pthread_key_t)-1) {
        pthread_setspecific(exit_key, thread); /* may allocate: served by the next allocator */
    }
    is_opening = false;
    return thread != NULL ? thread->heap : NULL;
}

static inline struct policy_heap *route_heap(void)
{
    struct route_thread *thread = thread_of_self;
    return __builtin_expect(thread != NULL, 1) ? thread->heap : route_open();
}

/* ---- fork: no lock may be held by a thread that is not there in the child ----------------------
 */

static void route_before_fork(void)
{
    policy_lock(&threads_lock);
    policy_before_fork(policy);
}

static void route_in_parent(void)
{
    policy_after_fork(policy);
    policy_unlock(&threads_lock);
}

static void route_in_child(void)
{
    route_in_parent();
    policy_count_anew(policy);
    for (struct route_thread *thread = threads; thread != NULL; thread = thread->next) {
        thread->is_ending = thread != thread_of_self;
    }
    if (thread_of_self != NULL) {
        thread_of_self->tid = sys_tid();
    }
}

/* ---- the functions -----------------------------------------------------------------------------
 */

static inline void *route_take(size_t size_bytes, size_t alignment)
{
    struct policy_heap *heap = route_heap();
    return heap != NULL ? policy_take(heap, size_bytes, alignment) : NULL;
}

static void *route_malloc(size_t size_bytes)
{
    void *block = route_take(size_bytes, 0);
    return block != NULL ? block : next.malloc(size_bytes);
}

static void *route_calloc(size_t count, size_t size_bytes)
{
    size_t total_bytes;
    void *block = NULL;
    if (!__builtin_mul_overflow(count, size_bytes, &total_bytes)) {
        block = route_take(total_bytes, 0);
    }
    return block != NULL ? memset(block, 0, total_bytes) : next.calloc(count, size_bytes);
}

/* False: the block is not the policy's. What is freed twice is the next allocator's to complain of.
 */
static inline bool route_give(void *block)
{
    struct policy_chunk *chunk = backing_chunk(&backing, block);
    if (chunk == NULL) {
        return false;
    }
    struct route_thread *thread = thread_of_self;
    return policy_give(thread != NULL ? thread->heap : NULL, chunk, block);
}

static void route_free(void *block)
{
    if (!route_give(block)) {
        next.free(block);
    }
}

/* The block did not stay: what is in it goes to the new one, if there is one. */
static void *route_replace(struct policy_chunk *chunk, void *old, void *block, size_t size_bytes)
{
    size_t old_bytes = policy_usable(chunk, old);
    if (block != NULL) {
        memcpy(block, old, old_bytes < size_bytes ? old_bytes : size_bytes);
        route_give(old);
    }
    return block;
}

static void *route_realloc(void *old, size_t size_bytes)
{
    if (old == NULL) {
        return route_malloc(size_bytes);
    }
    struct policy_chunk *chunk = backing_chunk(&backing, old);
    if (chunk == NULL || policy_usable(chunk, old) == 0) {
        return next.realloc(old, size_bytes);
    }
    if (size_bytes == 0) { /* as glibc does it */
        route_give(old);
        return NULL;
    }
    void *block = policy_move(route_heap(), chunk, old, size_bytes);
    if (block == old) {
        return old;
    }
    return route_replace(chunk, old, block != NULL ? block : next.malloc(size_bytes), size_bytes);
}

static void *route_memalign(size_t alignment, size_t size_bytes)
{
    void *block = is_power_of_two(alignment) ? route_take(size_bytes, alignment) : NULL;
    return block != NULL ? block : next.memalign(alignment, size_bytes);
}

static void *route_aligned_alloc(size_t alignment, size_t size_bytes)
{
    void *block = is_power_of_two(alignment) ? route_take(size_bytes, alignment) : NULL;
    return block != NULL ? block : next.aligned_alloc(alignment, size_bytes);
}

static int route_posix_memalign(void **out_block, size_t alignment, size_t size_bytes)
{
    bool is_valid = is_power_of_two(alignment) && alignment % sizeof(void *) == 0;
    void *block = is_valid ? route_take(size_bytes, alignment) : NULL;
    if (block == NULL) {
        return next.posix_memalign(out_block, alignment, size_bytes);
    }
    *out_block = block;
    return 0;
}

static size_t route_usable_size(void *block)
{
    struct policy_chunk *chunk = backing_chunk(&backing, block);
    return chunk != NULL ? policy_usable(chunk, block) : next.malloc_usable_size(block);
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

/* Where a function is missing behind us, ours could not pass on what the policy declines. */
static bool route_has_all(const struct real *found)
{
    return found->malloc != NULL && found->calloc != NULL && found->realloc != NULL &&
           found->free != NULL && found->memalign != NULL && found->aligned_alloc != NULL &&
           found->posix_memalign != NULL && found->malloc_usable_size != NULL;
}

static bool route_read_settings(struct policy_settings *out_settings)
{
    struct policy_mistake mistake;
    const char *text = environment_find(POLICY_ENV);
    return text != NULL && text[0] != '\0' && policy_settings_parse(text, out_settings, &mistake);
}

void route_begin(struct real *found)
{
    struct policy_settings settings;
    if (!route_has_all(found) || !route_read_settings(&settings) ||
        !backing_init(&backing, BACKING_BYTES_MOST, false)) {
        return;
    }
    policy = policy_create(&settings, &backing);
    if (policy == NULL) {
        backing_fini(&backing);
        return;
    }
    next = *found;
    found->malloc = route_malloc;
    found->calloc = route_calloc;
    found->realloc = route_realloc;
    found->free = route_free;
    found->memalign = route_memalign;
    found->aligned_alloc = route_aligned_alloc;
    found->posix_memalign = route_posix_memalign;
    found->malloc_usable_size = route_usable_size;
    is_opening = true; /* what these two allocate is not to be routed yet */
    pthread_atfork(route_before_fork, route_in_parent, route_in_child);
    if (pthread_key_create(&exit_key, route_on_thread_exit) != 0) {
        exit_key = (pthread_key_t)-1;
    }
    is_opening = false;
}

const void *route_next_malloc(void)
{
    const void *address;
    memcpy(&address, policy != NULL ? &next.malloc : &real.malloc, sizeof(address));
    return address;
}

void route_end_frame(void)
{
    struct policy_heap *heap = policy != NULL ? route_heap() : NULL;
    if (heap != NULL) {
        policy_end_frame(heap);
    }
}

bool route_count(uint64_t out_counts[POLICY_COUNTER_COUNT])
{
    if (policy == NULL) {
        return false;
    }
    policy_count(policy, out_counts);
    return true;
}
