/*
 * sensor_node.c - a device with a small heap: readings wait in a window, packets for the radio, and
 * an alarm or a piece of an update now and then.
 *
 * What counts is how much heap all of that needs at most, not how fast it is. The device has no
 * pages that come when they are touched: each KiB that an allocator holds is gone.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../options.h"

enum {
    WINDOW = 2000,        /* readings */
    PACKET_READINGS = 16, /* of which a packet is made */
    PACKETS = 300,        /* that wait for the radio */
    SEND_EVERY = 4000,    /* readings */
    SEND_BURST = 280,     /* packets */
    ALARM_EVERY = 90,
    ALARMS = 64,
    UPDATE_EVERY = 1500,
    SAMPLE_EVERY = 500, /* readings, for --figures */
    READINGS_MAX = 100000000,
};

struct reading {
    uint32_t number;
    uint16_t channel;
    uint16_t value_count;
    int16_t values[];
};

struct packet {
    uint32_t size_bytes;
    unsigned char bytes[];
};

struct node {
    struct reading *window[WINDOW];
    struct packet *packets[PACKETS];
    char *alarms[ALARMS];
    unsigned char *update;
    size_t packet_first;
    size_t packet_count;
    uint64_t allocation_count;
    uint64_t live_bytes;
    uint64_t live_bytes_max;
    uint64_t resident_max_kib;
    uint64_t sent_count;
    uint32_t random;
};

static uint32_t draw(struct node *node, uint32_t from, uint32_t to)
{
    node->random = node->random * 1664525u + 1013904223u;
    return from + (node->random >> 8) % (to - from + 1);
}

static void *take(struct node *node, size_t size_bytes)
{
    void *block = malloc(size_bytes);
    if (block == NULL) {
        fputs("sensor_node: out of memory\n", stderr);
        exit(3);
    }
    node->allocation_count++;
    node->live_bytes += size_bytes;
    node->live_bytes_max =
        node->live_bytes > node->live_bytes_max ? node->live_bytes : node->live_bytes_max;
    return block;
}

static void give(struct node *node, void *block, size_t size_bytes)
{
    if (block != NULL) {
        node->live_bytes -= size_bytes;
        free(block);
    }
}

static size_t reading_bytes(const struct reading *reading)
{
    return reading == NULL ? 0 : sizeof(*reading) + reading->value_count * sizeof(int16_t);
}

static size_t packet_bytes(const struct packet *packet)
{
    return sizeof(*packet) + packet->size_bytes;
}

static void reading_add(struct node *node, uint32_t number)
{
    struct reading **place = &node->window[number % WINDOW];
    uint32_t value_count = draw(node, 2, 24);
    give(node, *place, reading_bytes(*place));
    *place = take(node, sizeof(**place) + value_count * sizeof(int16_t));
    **place = (struct reading){.number = number,
                               .channel = (uint16_t)draw(node, 0, 7),
                               .value_count = (uint16_t)value_count};
    memset((*place)->values, 0, value_count * sizeof(int16_t));
}

static void packet_send(struct node *node)
{
    struct packet *packet = node->packets[node->packet_first];
    give(node, packet, packet_bytes(packet));
    node->packet_first = (node->packet_first + 1) % PACKETS;
    node->packet_count--;
    node->sent_count++;
}

static void packet_make(struct node *node)
{
    if (node->packet_count == PACKETS) {
        packet_send(node);
    }
    uint32_t size_bytes = draw(node, 60, 240);
    struct packet *packet = take(node, sizeof(*packet) + size_bytes);
    packet->size_bytes = size_bytes;
    memset(packet->bytes, 'p', size_bytes);
    node->packets[(node->packet_first + node->packet_count) % PACKETS] = packet;
    node->packet_count++;
}

static void alarm_note(struct node *node, uint32_t number)
{
    char text[96];
    char **place = &node->alarms[draw(node, 0, ALARMS - 1)];
    int length = snprintf(text, sizeof(text), "alarm at %u: channel %u is over its limit of %u",
                          number, draw(node, 0, 7), draw(node, 1, 1000000));
    if (*place != NULL) {
        give(node, *place, strlen(*place) + 1);
    }
    *place = take(node, (size_t)length + 1);
    memcpy(*place, text, (size_t)length + 1);
}

/* A piece of new firmware: checked, written to flash, freed with the next one. */
static void update_take(struct node *node)
{
    enum {
        PIECE_BYTES = 4096
    };
    give(node, node->update, PIECE_BYTES);
    node->update = take(node, PIECE_BYTES);
    memset(node->update, 'u', PIECE_BYTES);
}

/* Private memory of this process, exactly. No allocation. */
static uint64_t resident_kib(void)
{
    static char text[4096];
    int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t count = file >= 0 ? read(file, text, sizeof(text) - 1) : 0;
    text[count > 0 ? count : 0] = '\0';
    if (file >= 0) {
        close(file);
    }
    const char *line = strstr(text, "\nAnonymous:");
    return line == NULL ? 0 : strtoull(line + strlen("\nAnonymous:"), NULL, 10);
}

static void resident_sample(struct node *node)
{
    uint64_t now_kib = resident_kib();
    node->resident_max_kib = now_kib > node->resident_max_kib ? now_kib : node->resident_max_kib;
}

static void step(struct node *node, uint32_t number)
{
    reading_add(node, number);
    if (number % PACKET_READINGS == 0) {
        packet_make(node);
    }
    if (number % ALARM_EVERY == 0) {
        alarm_note(node, number);
    }
    if (number % UPDATE_EVERY == 0) {
        update_take(node);
    }
    if (number % SEND_EVERY == 0) {
        for (int i = 0; i < SEND_BURST && node->packet_count > 0; i++) {
            packet_send(node);
        }
    }
}

static void node_end(struct node *node)
{
    for (int i = 0; i < WINDOW; i++) {
        free(node->window[i]);
    }
    while (node->packet_count > 0) {
        packet_send(node);
    }
    for (int i = 0; i < ALARMS; i++) {
        free(node->alarms[i]);
    }
    free(node->update);
}

static const char help[] =
    "sensor_node - readings, packets and alarms in a small heap\n\n"
    "usage: sensor_node [--readings N] [--figures]\n"
    "  --readings N   to take (default 100000)\n"
    "  --figures      also print how much private memory the process had at most\n";

int main(int argc, char **argv)
{
    static struct node node = {.random = 1};
    uint64_t reading_count = 100000;
    bool has_figures = false;
    const struct app_option options[] = {
        {"readings", .number = &reading_count, .max = READINGS_MAX},
        {"figures", .flag = &has_figures},
        {NULL},
    };
    app_read_options(argc, argv, help, options);

    for (uint32_t number = 1; number <= reading_count; number++) {
        step(&node, number);
        if (has_figures && number % SAMPLE_EVERY == 0) {
            resident_sample(&node);
        }
    }
    printf("readings %llu, packets sent %llu, at most %llu bytes live\n",
           (unsigned long long)reading_count, (unsigned long long)node.sent_count,
           (unsigned long long)node.live_bytes_max);
    if (has_figures) {
        resident_sample(&node);
        printf("private_kib most %llu\n", (unsigned long long)node.resident_max_kib);
    }
    printf("allocations: %llu, leaked: 0 blocks, 0 bytes\n",
           (unsigned long long)node.allocation_count);
    node_end(&node);
    return 0;
}
