#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <unistd.h>

#include "environment.h"
#include "sample.h"
#include "self.h"
#include "sys.h"

static struct process unmapped_process; /* serves until the wiped page exists */
struct process *process = &unmapped_process;

/* What a forked child may use of its parent's: the mapping is shared and stays where it is. */
static struct {
    struct ring_header *ring;
    uint32_t key;
} inherited;

#include "banned.h"

static bool process_ring_is_sane(const struct ring_header *ring)
{
    return ring->magic == RING_MAGIC && ring->version == RING_VERSION;
}

static struct ring_header *process_map_ring(void)
{
    const char *path = environment_find(RING_ENV);
    if (path == NULL || path[0] == '\0') {
        return NULL;
    }
    long fd = sys_open(path, O_RDWR | O_NOFOLLOW);
    if (fd < 0) {
        return NULL;
    }
    struct ring_header *header = NULL;
    struct ring_header *ring = NULL;
    if (sys_file_bytes((int)fd) >= (long)ring_bytes(1)) {
        header = sys_mmap(RING_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd);
    }
    if (header != NULL && process_ring_is_sane(header)) {
        /* More than the file has now: the part behind its end is reached only after it has grown.
         */
        ring = sys_mmap(header->max_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                        (int)fd);
        if (ring == NULL) {
            atomic_fetch_add(&header->unmapped_process_count, 1);
        }
    }
    if (header != NULL) {
        sys_munmap(header, RING_HEADER_BYTES);
    }
    sys_close((int)fd);
    return ring;
}

static struct process *process_map_page(void)
{
    struct process *page = sys_mmap(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (page != NULL && sys_madvise(page, 4096, MADV_WIPEONFORK) < 0) {
        sys_munmap(page, 4096);
        page = NULL;
    }
    return page;
}

static bool process_do_attach(struct process *self)
{
    struct ring_header *ring = inherited.ring != NULL ? inherited.ring : process_map_ring();
    uint32_t parent_key = inherited.key;
    uint32_t pid = sys_pid();
    if (ring == NULL || !atomic_load(&ring->is_recording)) {
        return false;
    }
    uint32_t first_pid = 0;
    if (!atomic_compare_exchange_strong(&ring->first_pid, &first_pid, pid) && first_pid != pid &&
        (ring->flags & RING_FOLLOW_CHILDREN) == 0) {
        return false;
    }
    self->ring = ring;
    self->pid = pid;
    self->clock = ring->clock;
    self->depth_limit = ring->depth_limit;
    self->flags = ring->flags;
    self->unwind = ring->unwind;
    self->parent_key = parent_key;
    self->key = atomic_fetch_add(&ring->next_process_key, 1);
    inherited.ring = ring;
    inherited.key = self->key;
    return true;
}

static bool process_first_page(void)
{
    static _Atomic uint32_t is_made; /* 0, 1 being made, 2 made, 3 failed */
    uint32_t expected = 0;
    if (atomic_compare_exchange_strong(&is_made, &expected, 1)) {
        struct process *page = process_map_page();
        if (page != NULL) {
            process = page;
            self_init();
        } else {
            atomic_store(&unmapped_process.phase, PROCESS_OFF);
        }
        atomic_store(&is_made, page != NULL ? 2 : 3);
    }
    while (atomic_load(&is_made) == 1) {
        sys_yield();
    }
    return atomic_load(&is_made) == 2;
}

bool process_attach(void)
{
    uint32_t phase = atomic_load_explicit(&process->phase, memory_order_acquire);
    if (phase == PROCESS_RECORDING) {
        return true;
    }
    if (phase == PROCESS_OFF || !process_first_page()) {
        return false;
    }
    phase = PROCESS_NEW;
    if (atomic_compare_exchange_strong(&process->phase, &phase, PROCESS_ATTACHING)) {
        bool is_attached = process_do_attach(process);
        atomic_store(&process->phase, is_attached ? PROCESS_RECORDING : PROCESS_OFF);
        return is_attached;
    }
    while (atomic_load(&process->phase) == PROCESS_ATTACHING) {
        sys_yield();
    }
    return atomic_load(&process->phase) == PROCESS_RECORDING;
}

void process_before_fork(void)
{
    struct ring_header *ring = inherited.ring; /* also where the parent itself never allocated */
    if (ring != NULL && (ring->flags & RING_FOLLOW_CHILDREN) != 0) {
        atomic_fetch_add(&ring->begun_forks, 1);
    }
}

void process_in_forked_child(void)
{
    sample_restart();
    struct ring_header *ring = inherited.ring;
    if (ring != NULL && (ring->flags & RING_FOLLOW_CHILDREN) != 0) {
        uint32_t number = atomic_fetch_add(&ring->done_forks, 1);
        atomic_store(&ring->forked_pids[number % RING_FORKED_PIDS], sys_pid());
    }
}

struct ring_header *process_ring_of_images(uint32_t *out_key)
{
    struct ring_header *ring = inherited.ring;
    bool is_wanted =
        ring != NULL && atomic_load(&ring->is_recording) != 0 &&
        ((ring->flags & RING_FOLLOW_CHILDREN) != 0 || atomic_load(&ring->first_pid) == sys_pid());
    *out_key = inherited.key;
    return is_wanted ? ring : NULL;
}

void process_stop(void)
{
    atomic_store(&process->phase, PROCESS_OFF);
}
