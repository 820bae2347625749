#include "sample_set.h"

#include <linux/mman.h>
#include <sys/mman.h>

#include "sys.h"

#include "banned.h"

enum {
    BUCKET_BLOCKS = 7,
    BUCKETS_PROBED = 16,  /* from a block's own bucket on */
    REGION_BITS_MIN = 6,  /* no allocator has more than BUCKET_BLOCKS + 1 blocks in 64 bytes */
    REGION_BITS_MAX = 40, /* addresses that differ beyond are as good as random */
};

/* One cache line. */
struct bucket {
    _Alignas(64) _Atomic uint64_t strayed_count; /* blocks of this bucket that lie in later ones */
    _Atomic uintptr_t blocks[BUCKET_BLOCKS];     /* 0: free */
};

_Alignas(4096) uint8_t sample_filter[SAMPLE_FILTER_BYTES] = {SAMPLE_FILTER_PINNED};
uintptr_t sample_filter_mask;

static _Atomic(struct bucket *) buckets;
static unsigned bucket_bits;
static unsigned region_bits;

void sample_filter_pin(const void *block)
{
    __atomic_store_n(&sample_filter[sample_filter_index(block)], SAMPLE_FILTER_PINNED,
                     __ATOMIC_RELAXED);
}

void sample_filter_open(void)
{
    __atomic_store_n(&sample_filter_mask, SAMPLE_FILTER_BYTES - 1, __ATOMIC_RELEASE);
}

/* An entry that has reached the highest count no longer knows how many there are, so it stays. */
static void sample_filter_count(const void *block, int change)
{
    uint8_t *entry = &sample_filter[sample_filter_index(block)];
    uint8_t count = __atomic_load_n(entry, __ATOMIC_RELAXED);
    while (count != SAMPLE_FILTER_PINNED &&
           !__atomic_compare_exchange_n(entry, &count, (uint8_t)(count + change), true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

bool sample_set_init(size_t block_count, uint64_t mean_bytes)
{
    unsigned bits = 1;
    while (((size_t)BUCKET_BLOCKS << bits) < block_count * 2) {
        bits++;
    }
    region_bits = REGION_BITS_MIN;
    while (region_bits < REGION_BITS_MAX && mean_bytes >> (region_bits + 1) != 0) {
        region_bits++;
    }
    size_t bytes = sizeof(struct bucket) << bits;
    struct bucket *made =
        sys_mmap(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    if (made != NULL && sys_madvise(made, bytes, MADV_WIPEONFORK) < 0) {
        sys_munmap(made, bytes);
        made = NULL;
    }
    bucket_bits = bits;
    atomic_store_explicit(&buckets, made, memory_order_release);
    sample_filter_open();
    return made != NULL;
}

void sample_set_forget(void)
{
    for (size_t i = 0; i < SAMPLE_FILTER_BYTES; i++) {
        uint8_t count = __atomic_load_n(&sample_filter[i], __ATOMIC_RELAXED);
        if (count != 0 && count != SAMPLE_FILTER_PINNED) {
            __atomic_store_n(&sample_filter[i], 0, __ATOMIC_RELAXED);
        }
    }
}

/*
 * Of the bytes in use one in mean_bytes is a sample point, so a region of that size holds one
 * sampled block or less on average, and has a bucket of its own. Neighbouring regions have
 * neighbouring buckets: a program touches as few pages of the table as its heap is large.
 */
static size_t sample_set_home(uintptr_t address)
{
    size_t region = address >> region_bits;
    size_t realm = (address >> REGION_BITS_MAX) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    return (region + realm) & (((size_t)1 << bucket_bits) - 1);
}

static struct bucket *sample_set_bucket(struct bucket *table, size_t home, unsigned step)
{
    return &table[(home + step) & (((size_t)1 << bucket_bits) - 1)];
}

static bool bucket_exchange(struct bucket *bucket, uintptr_t from, uintptr_t to)
{
    for (unsigned i = 0; i < BUCKET_BLOCKS; i++) {
        uintptr_t found = atomic_load_explicit(&bucket->blocks[i], memory_order_relaxed);
        if (found == from &&
            atomic_compare_exchange_strong_explicit(&bucket->blocks[i], &found, to,
                                                    memory_order_relaxed, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

bool sample_set_add(const void *block)
{
    struct bucket *table = atomic_load_explicit(&buckets, memory_order_acquire);
    uintptr_t address = (uintptr_t)block;
    if (table == NULL) {
        return false;
    }
    size_t home = sample_set_home(address);
    bool is_added = bucket_exchange(&table[home], 0, address);
    if (!is_added) {
        atomic_fetch_add_explicit(&table[home].strayed_count, 1, memory_order_relaxed);
        for (unsigned i = 1; !is_added && i < BUCKETS_PROBED; i++) {
            is_added = bucket_exchange(sample_set_bucket(table, home, i), 0, address);
        }
        if (!is_added) {
            atomic_fetch_sub_explicit(&table[home].strayed_count, 1, memory_order_relaxed);
            return false;
        }
    }
    sample_filter_count(block, 1);
    return true;
}

bool sample_set_remove(const void *block)
{
    struct bucket *table = atomic_load_explicit(&buckets, memory_order_acquire);
    uintptr_t address = (uintptr_t)block;
    if (table == NULL || address == 0) {
        return false;
    }
    size_t home = sample_set_home(address);
    bool is_removed = bucket_exchange(&table[home], address, 0);
    if (!is_removed &&
        atomic_load_explicit(&table[home].strayed_count, memory_order_relaxed) != 0) {
        for (unsigned i = 1; !is_removed && i < BUCKETS_PROBED; i++) {
            is_removed = bucket_exchange(sample_set_bucket(table, home, i), address, 0);
        }
        if (is_removed) {
            atomic_fetch_sub_explicit(&table[home].strayed_count, 1, memory_order_relaxed);
        }
    }
    if (is_removed) {
        sample_filter_count(block, -1);
    }
    return is_removed;
}
