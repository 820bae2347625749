#include "profile_import.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "../../go/go_profile.h"
#include "../../go/pprof_profile.h"

struct importing {
    struct profile_import *import;
    struct pprof_profile profile;
    struct imported to;
    uint32_t module;
    struct map name_of_hash; /* of what is equal, the first */
};

static uint64_t hash_frame(const struct pprof_frame *frame)
{
    uint64_t hash = frame->line;
    for (const char *at = frame->function; *at != '\0'; at++) {
        hash = map_mix(hash ^ (unsigned char)*at);
    }
    for (const char *at = frame->file; *at != '\0'; at++) {
        hash = map_mix(hash + (unsigned char)*at);
    }
    return hash;
}

static bool is_same(const struct given_name *name, const struct pprof_frame *frame)
{
    return name->line == frame->line && strcmp(name->function, frame->function) == 0 &&
           strcmp(name->file, frame->file) == 0;
}

/* The number of a name, which stands for its code's offset: from 1. */
static int intern_name(struct importing *importing, const struct pprof_frame *frame,
                       uint64_t *out_offset)
{
    uint64_t hash = hash_frame(frame);
    uint32_t index;
    while (map_get(&importing->name_of_hash, hash, &index)) {
        if (is_same(&importing->to.names[index], frame)) {
            *out_offset = (uint64_t)index + 1;
            return 0;
        }
        hash++;
    }
    const struct given_name name = {
        .function = frame->function, .file = frame->file, .line = frame->line, .symbol_count = 1};
    int r = imported_add_name(&importing->to, &name, out_offset);
    return r < 0 ? r : map_put(&importing->name_of_hash, hash, (uint32_t)*out_offset - 1);
}

static int intern_stack(struct importing *importing, const struct pprof_sample *sample,
                        uint32_t *out_site)
{
    struct stacktree *stacks = &importing->to.recording.stacks;
    uint32_t node = STACK_ROOT;
    int r = sample->frame_count == 0 ? stacktree_child(stacks, node, FRAME_UNKNOWN, &node) : 0;
    for (size_t i = sample->frame_count; r == 0 && i-- > 0;) {
        uint32_t frame;
        struct code_address address = {.module = importing->module};
        r = intern_name(importing, &importing->profile.frames[sample->first_frame + i],
                        &address.offset);
        if (r == 0) {
            r = stacktree_frame(stacks, address, &frame);
        }
        if (r == 0) {
            r = stacktree_child(stacks, node, frame, &node);
        }
    }
    return r < 0 ? r : tally_site(&importing->to.subject->tally, node, out_site);
}

static int take_sample(struct importing *importing, const struct pprof_sample *sample)
{
    struct tally_change change = {.kind = ALLOC_KIND_GO};
    int r = intern_stack(importing, sample, &change.site);
    if (r < 0 || sample->alloc_count == 0) {
        return r;
    }
    uint64_t inuse_count =
        sample->inuse_count < sample->alloc_count ? sample->inuse_count : sample->alloc_count;
    /* Bytes and counts are rounded apart, of objects of one size. */
    double mean = (double)sample->alloc_bytes / (double)sample->alloc_count;
    double scale = go_profile_scale((uint64_t)mean, importing->profile.period_bytes);
    change.size_bytes = (uint64_t)llround(mean);
    change.birth_count = sample->alloc_count;
    change.death_count = sample->alloc_count - inuse_count;
    change.birth_variance = (double)change.birth_count * (scale - 1);
    change.death_variance = (double)change.death_count * (scale - 1);
    return tally_add_reading(&importing->to.subject->tally, &change, 1, 0);
}

static int begin_subject(struct importing *importing)
{
    const char *path = importing->import->profile_path;
    const struct imported_process process = {.executable = path,
                                             .command = importing->import->command,
                                             .allocator = "Go",
                                             .end = SUBJECT_DETACHED};
    int r = imported_init(&importing->to, &process);
    if (r < 0) {
        return r;
    }
    struct recording *recording = &importing->to.recording;
    recording->go = (struct go_facts){
        .process_id = importing->to.subject->id,
        .site_source = "import",
        .profile_rate_bytes = importing->profile.period_bytes,
        .gc_source = "none",
        .gc_reason = "a heap profile does not tell of them",
    };
    return modules_intern(&recording->modules, path, strlen(path), (const unsigned char *)"", 0,
                          &importing->module);
}

static int write_recording(struct importing *importing, struct err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
    uint64_t period_bytes = importing->profile.period_bytes;
    uint64_t taken_ns = importing->profile.time_unix_ns;
    const struct imported_run run = {
        .output_path = importing->import->output_path,
        .command = importing->import->command,
        .sample_bytes = period_bytes > 1 ? period_bytes : 0,
        .depth_limit = PPROF_DEPTH_MAX,
        .started_unix_ns = taken_ns != 0 && taken_ns <= INT64_MAX ? taken_ns : now_ns,
    };
    return imported_write(&importing->to, &run, &importing->import->sums, err);
}

int profile_import_run(struct profile_import *import, struct err *err)
{
    struct importing importing = {.import = import};
    int r = pprof_profile_read(import->profile_path, &importing.profile, err);
    if (r < 0) {
        return r;
    }
    r = begin_subject(&importing);
    for (size_t i = 0; r == 0 && i < importing.profile.sample_count; i++) {
        r = take_sample(&importing, &importing.profile.samples[i]);
    }
    if (r < 0) {
        err_set(err, ENOMEM, "out of memory");
    } else {
        r = write_recording(&importing, err);
    }
    imported_fini(&importing.to);
    map_fini(&importing.name_of_hash);
    pprof_profile_fini(&importing.profile);
    return r;
}
