#include "frame_sites.h"

#include <errno.h>
#include <stdlib.h>

#include "../base/vec.h"
#include "warmup.h"

static uint64_t key_of(uint32_t lane, uint32_t stack_id)
{
    return (uint64_t)lane << 32 | stack_id;
}

static struct frame_site_entry *find_entry(const struct frame_sites *sites, uint32_t lane,
                                           uint32_t stack_id)
{
    uint32_t place;
    return map_get(&sites->places, key_of(lane, stack_id), &place) ? &sites->entries[place] : NULL;
}

static struct frame_site_entry *make_entry(struct frame_sites *sites, uint32_t lane,
                                           uint32_t stack_id)
{
    if (vec_reserve((void **)&sites->entries, &sites->capacity, sites->count + 1,
                    sizeof(*sites->entries)) < 0 ||
        map_put(&sites->places, key_of(lane, stack_id), (uint32_t)sites->count) < 0) {
        return NULL;
    }
    struct frame_site_entry *entry = &sites->entries[sites->count++];
    *entry = (struct frame_site_entry){
        .lane = lane,
        .stack_id = stack_id,
        .last_frame = UINT64_MAX,
    };
    return entry;
}

/* Frames come in their order, so the span is the last one or a new one. */
static struct frame_site_span *reach_span(struct frame_site_entry *entry, unsigned span)
{
    if (entry->span_count > 0 && entry->spans[entry->span_count - 1].span == span) {
        return &entry->spans[entry->span_count - 1];
    }
    if (vec_reserve((void **)&entry->spans, &entry->span_capacity, entry->span_count + 1,
                    sizeof(*entry->spans)) < 0) {
        return NULL;
    }
    struct frame_site_span *reached = &entry->spans[entry->span_count++];
    *reached = (struct frame_site_span){.span = span};
    return reached;
}

int frame_sites_add(struct frame_sites *sites, uint32_t lane, uint32_t stack_id, uint64_t frame,
                    uint64_t size_bytes)
{
    struct frame_site_entry *entry = find_entry(sites, lane, stack_id);
    entry = entry != NULL ? entry : make_entry(sites, lane, stack_id);
    struct frame_site_span *span = entry != NULL ? reach_span(entry, frame_span_of(frame)) : NULL;
    if (span == NULL) {
        return -ENOMEM;
    }
    span->allocation_count++;
    span->allocated_bytes += size_bytes;
    span->frame_count += entry->last_frame != frame;
    entry->last_frame = frame;
    return 0;
}

void frame_sites_free(struct frame_sites *sites, uint32_t lane, uint32_t stack_id,
                      uint64_t drag_frames)
{
    struct frame_site_entry *entry = find_entry(sites, lane, stack_id);
    if (entry == NULL) {
        return;
    }
    if (drag_frames == 0) {
        entry->spans[entry->span_count - 1].contained_count++;
        return;
    }
    entry->late_count++;
    entry->drag_sum += drag_frames;
    entry->drag_max = drag_frames > entry->drag_max ? drag_frames : entry->drag_max;
}

void frame_sites_fini(struct frame_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++) {
        free(sites->entries[i].spans);
    }
    free(sites->entries);
    map_fini(&sites->places);
}
