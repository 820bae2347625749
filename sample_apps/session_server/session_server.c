/*
 * session_server.c - what a server does to its heap: sessions that stay for long, a cache whose
 * entries change in size with the hours, bursts of requests, and idle times between them.
 *
 * There is no network: requests come from a generator, always the same. Each is timed from its
 * first byte to its answer. A tenth of them render a page in two large buffers. When a burst is
 * over the cache expires, and the sessions made meanwhile lie scattered over what it has left.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../options.h"

enum {
    BURSTS = 6,
    SESSIONS = 24000,
    CACHE_ENTRIES = 12000,
    STRINGS = 24,
    PAGE_EVERY = 10, /* requests */
    IDLE_MS = 400,
    IDLE_STEPS = 40,
    SAMPLE_EVERY = 64, /* requests */
    REQUESTS_MAX = 10000000,
};

struct session {
    uint64_t user;
    uint32_t request_count;
    uint32_t size_bytes;
    char attributes[];
};

struct server {
    struct session *sessions[SESSIONS];
    char *cache[CACHE_ENTRIES];
    uint32_t cache_bytes[CACHE_ENTRIES];
    uint64_t random;
    uint64_t allocation_count;
    uint64_t checksum;
    uint32_t *latencies_ns;
    size_t request_count;
    int statm;
    double resident_sum; /* pages times ns */
    uint64_t resident_ns;
    uint64_t resident_pages;
    uint64_t resident_at_ns;
    uint64_t resident_peak_pages;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t draw(struct server *server, uint32_t from, uint32_t to)
{
    server->random = server->random * 6364136223846793005u + 1442695040888963407u;
    return from + (uint32_t)((server->random >> 33) % (to - from + 1));
}

static void *take(struct server *server, size_t size_bytes)
{
    void *block = malloc(size_bytes);
    if (block == NULL) {
        fputs("session_server: out of memory\n", stderr);
        exit(3);
    }
    server->allocation_count++;
    return block;
}

/* What is resident, weighed with the time since it was read last. No allocation. */
static void resident_sample(struct server *server)
{
    char text[128];
    ssize_t count = pread(server->statm, text, sizeof(text) - 1, 0);
    text[count > 0 ? count : 0] = '\0';
    const char *resident = strchr(text, ' ');
    uint64_t at_ns = now_ns();
    if (server->resident_at_ns != 0) {
        server->resident_sum +=
            (double)server->resident_pages * (double)(at_ns - server->resident_at_ns);
        server->resident_ns += at_ns - server->resident_at_ns;
    }
    server->resident_pages = resident == NULL ? 0 : strtoull(resident, NULL, 10);
    server->resident_at_ns = at_ns;
    if (server->resident_pages > server->resident_peak_pages) {
        server->resident_peak_pages = server->resident_pages;
    }
}

static void session_touch(struct server *server)
{
    uint32_t place = draw(server, 0, SESSIONS - 1);
    struct session *session = server->sessions[place];
    if (session != NULL && draw(server, 0, 9) != 0) {
        session->request_count++;
        server->checksum += session->user;
        return;
    }
    free(session);
    uint32_t size_bytes = draw(server, 120, 600);
    session = take(server, sizeof(*session) + size_bytes);
    *session = (struct session){.user = server->random >> 40, .size_bytes = size_bytes};
    memset(session->attributes, 's', size_bytes);
    server->sessions[place] = session;
}

/* The entries of a burst are of one kind: thumbnails, then profiles, then search results ... */
static void cache_fill(struct server *server, unsigned burst)
{
    static const uint32_t sizes[BURSTS] = {1500, 6000, 2600, 9500, 3800, 12000};
    uint32_t place = draw(server, 0, CACHE_ENTRIES * 1500u / sizes[burst] - 1);
    uint32_t size_bytes = draw(server, sizes[burst] * 4 / 5, sizes[burst]);
    free(server->cache[place]);
    server->cache[place] = take(server, size_bytes);
    server->cache_bytes[place] = size_bytes;
    memset(server->cache[place], 'c', size_bytes);
}

static void cache_expire(struct server *server)
{
    for (int i = 0; i < CACHE_ENTRIES; i++) {
        free(server->cache[i]);
        server->cache[i] = NULL;
    }
}

/* The page, and the page compressed: both are there at a time. */
static void page_render(struct server *server)
{
    uint32_t size_bytes = draw(server, 300000, 700000);
    char *page = take(server, size_bytes);
    memset(page, 'p', size_bytes);
    char *packed = take(server, size_bytes);
    memcpy(packed, page, size_bytes);
    server->checksum += (unsigned char)packed[size_bytes / 2];
    free(page);
    free(packed);
}

static void request_serve(struct server *server, unsigned burst, size_t number)
{
    char *strings[STRINGS];
    uint64_t began_ns = now_ns();
    uint32_t body_bytes = draw(server, 2000, 16000);
    char *body = take(server, body_bytes);
    memset(body, 'b', body_bytes);
    for (int i = 0; i < STRINGS; i++) {
        uint32_t length = draw(server, 16, 160);
        strings[i] = take(server, length);
        memset(strings[i], 'x', length);
    }
    session_touch(server);
    cache_fill(server, burst);
    cache_fill(server, burst);
    if (number % PAGE_EVERY == 0) {
        page_render(server);
    }
    for (int i = 0; i < STRINGS; i++) {
        server->checksum += (unsigned char)strings[i][0];
        free(strings[i]);
    }
    free(body);
    server->latencies_ns[server->request_count++] = (uint32_t)(now_ns() - began_ns);
    if (number % SAMPLE_EVERY == 0) {
        resident_sample(server);
    }
}

static void idle(struct server *server)
{
    const struct timespec step = {.tv_nsec = IDLE_MS / IDLE_STEPS * 1000000L};
    for (int i = 0; i < IDLE_STEPS; i++) {
        nanosleep(&step, NULL);
        resident_sample(server);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sorting takes a block more. */
static void print_figures(struct server *server)
{
    struct rusage usage;
    double page_mib = (double)sysconf(_SC_PAGESIZE) / 1048576;
    size_t count = server->request_count;
    getrusage(RUSAGE_SELF, &usage);
    qsort(server->latencies_ns, count, sizeof(uint32_t), by_size);
    printf("latency_us p50 %.1f p99 %.1f p999 %.1f\n", server->latencies_ns[count / 2] / 1e3,
           server->latencies_ns[count - 1 - count / 100] / 1e3,
           server->latencies_ns[count - 1 - count / 1000] / 1e3);
    printf("resident_mib mean %.1f peak %.1f\n",
           server->resident_sum / (double)server->resident_ns * page_mib,
           (double)server->resident_peak_pages * page_mib);
    printf("faults %ld\n", usage.ru_minflt);
}

static const char help[] = "session_server - sessions, a cache, bursts and idle times\n\n"
                           "usage: session_server [--requests N] [--figures]\n"
                           "  --requests N   in all six bursts together (default 60000)\n"
                           "  --figures      also print latencies, resident memory and faults\n"
                           "                 (takes a block more, and differs from run to run)\n";

int main(int argc, char **argv)
{
    static struct server server = {.random = 1};
    uint64_t request_count = 60000;
    bool has_figures = false;
    const struct app_option options[] = {
        {"requests", .number = &request_count, .min = UINT64_C(1000) * BURSTS, .max = REQUESTS_MAX},
        {"figures", .flag = &has_figures},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    server.latencies_ns = take(&server, request_count * sizeof(uint32_t));
    memset(server.latencies_ns, 0, request_count * sizeof(uint32_t));
    server.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    for (unsigned burst = 0; burst < BURSTS; burst++) {
        for (size_t i = 0; i < request_count / BURSTS; i++) {
            request_serve(&server, burst, i);
        }
        cache_expire(&server);
        idle(&server);
    }
    printf("requests %zu, checksum %llu\n", server.request_count,
           (unsigned long long)server.checksum);
    if (has_figures) {
        print_figures(&server);
    }
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n",
           (unsigned long long)server.allocation_count);
    for (int i = 0; i < SESSIONS; i++) {
        free(server.sessions[i]);
    }
    free(server.latencies_ns);
    close(server.statm);
    return 0;
}
