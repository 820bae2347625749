#include "memory_samples.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../../base/vec.h"

enum {
    REGULAR_COSTS = 200,       /* a pause is at least as long as so many samples: 0.5 % */
    REGULAR_COSTS_ALONE = 500, /* where nothing else but that is a reason */
    CHANGED_COSTS = 20,
    CHANGED_COSTS_LARGE = 100,
    LARGE_COST_NS = 10000000, /* events are not read meanwhile: large processes wait longer */
    CHANGED_PART = 8,         /* of the resident set */
    CHANGED_BYTES_LEAST = 262144,
    CHANGED_NS_LEAST = 20000000,
};

#define PERIOD_NS_FIRST UINT64_C(20000000)

static bool differs(uint64_t a_bytes, uint64_t b_bytes, uint64_t whole_bytes)
{
    uint64_t difference_bytes = a_bytes > b_bytes ? a_bytes - b_bytes : b_bytes - a_bytes;
    return difference_bytes >= CHANGED_BYTES_LEAST &&
           difference_bytes >= whole_bytes / CHANGED_PART;
}

static bool is_due(const struct memory_samples *samples, uint64_t now_ns, uint64_t rss_bytes,
                   uint64_t live_bytes)
{
    if (samples->count == 0) {
        return true;
    }
    uint64_t passed_ns = now_ns - samples->last_ns;
    bool has_changed =
        !samples->is_regular && (differs(samples->rss_bytes, rss_bytes, samples->rss_bytes) ||
                                 differs(samples->live_bytes, live_bytes, samples->rss_bytes));
    uint64_t changed_costs = samples->cost_ns < LARGE_COST_NS ? CHANGED_COSTS : CHANGED_COSTS_LARGE;
    uint64_t regular_costs = samples->is_regular ? REGULAR_COSTS_ALONE : REGULAR_COSTS;
    return (passed_ns >= samples->period_ns && passed_ns >= regular_costs * samples->cost_ns) ||
           (passed_ns >= CHANGED_NS_LEAST && passed_ns >= changed_costs * samples->cost_ns &&
            has_changed);
}

/* Makes room by dropping every second one, but not the largest. */
static void thin_out(struct memory_samples *samples)
{
    size_t largest = 0;
    for (size_t i = 1; i < samples->count; i++) {
        largest = samples->samples[i].rss_bytes > samples->samples[largest].rss_bytes ? i : largest;
    }
    size_t kept = 0;
    for (size_t i = 0; i < samples->count; i++) {
        if (i % 2 == 0 || i == largest) {
            samples->samples[kept++] = samples->samples[i];
        } else {
            residency_fini(&samples->samples[i].residency);
        }
    }
    samples->count = kept;
    samples->period_ns *= 2;
}

static int read_mappings(struct memory_samples *samples, uint32_t pid,
                         const char *recorder_directory)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/smaps", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    int r = smaps_read(&samples->scratch, file, recorder_directory);
    fclose(file);
    return r;
}

/* Without it the sample lacks its ranges. */
static int read_residency(const struct memory_samples *samples, uint32_t pid,
                          struct residency *residency)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/pagemap", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    int r = residency_read(residency, fd, samples->scratch.spans, samples->scratch.span_count);
    close(fd);
    if (r < 0) {
        residency_fini(residency);
    }
    return r == -ENOMEM ? r : 0;
}

static uint64_t processor_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static int take_sample(struct memory_samples *samples, uint32_t pid, uint64_t now_ns,
                       const char *recorder_directory)
{
    int r = read_mappings(samples, pid, recorder_directory);
    if (r < 0) {
        return r == -ENOMEM ? r : 0;
    }
    r = vec_reserve((void **)&samples->samples, &samples->capacity, samples->count + 1,
                    sizeof(*samples->samples));
    if (r < 0) {
        return r;
    }
    struct memory_sample sample = {.at_ns = now_ns};
    for (size_t i = 0; i < MAPPING_KIND_COUNT; i++) {
        sample.sums[i] = samples->scratch.sums[i];
        sample.rss_bytes += sample.sums[i].rss_bytes;
    }
    r = read_residency(samples, pid, &sample.residency);
    if (r == 0) {
        samples->samples[samples->count++] = sample;
    }
    return r;
}

int memory_samples_look(struct memory_samples *samples, uint32_t pid, uint64_t now_ns,
                        uint64_t rss_bytes, uint64_t live_bytes, const char *recorder_directory)
{
    if (samples->period_ns == 0) {
        samples->period_ns = PERIOD_NS_FIRST;
    }
    if (!is_due(samples, now_ns, rss_bytes, live_bytes)) {
        return 0;
    }
    if (samples->count >= MEMORY_SAMPLES_MAX) {
        thin_out(samples);
    }
    uint64_t begun_ns = processor_ns();
    int r = take_sample(samples, pid, now_ns, recorder_directory);
    samples->cost_ns = processor_ns() - begun_ns;
    samples->last_ns = now_ns;
    samples->rss_bytes = rss_bytes;
    samples->live_bytes = live_bytes;
    return r;
}

void memory_samples_fini(struct memory_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        residency_fini(&samples->samples[i].residency);
    }
    free(samples->samples);
    smaps_fini(&samples->scratch);
    *samples = (struct memory_samples){0};
}
