#include "go_run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/vec.h"

enum {
    READING_NS = 500000000,
    READING_COST_PART = 500, /* reading may take this part of the time */
    RATE_ALL_BYTES = 1,      /* every allocation is sampled */
};

#define GODEBUG_ENV     "GODEBUG"
#define GCTRACE_SETTING "gctrace="

/* ---- before the start --------------------------------------------------------------------------
 */

/* What the last gctrace= of a GODEBUG says; 0: nothing. */
static long find_gctrace(const char *settings)
{
    long value = 0;
    for (const char *at = settings; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, GCTRACE_SETTING, sizeof(GCTRACE_SETTING) - 1) == 0) {
            value = strtol(at + sizeof(GCTRACE_SETTING) - 1, NULL, 10);
        }
    }
    return value;
}

int go_run_prepare(struct go_run *run, struct recording *recording, const struct target *target,
                   const char *command, uint64_t rate_bytes, struct err *err)
{
    *run = (struct go_run){
        .recording = recording,
        .target = target,
        .command = command,
        .rate_bytes = rate_bytes == 0 ? RATE_ALL_BYTES : rate_bytes,
        .relay = {.program_fd = -1, .note_fd = -1},
        .tracee = {.memory_fd = -1},
    };
    const char *settings = getenv(GODEBUG_ENV);
    bool passes_lines = find_gctrace(settings) > 0;
    struct go_facts *facts = &recording->go;
    struct err reason;
    memcpy(facts->version, target->go.version, sizeof(facts->version));
    facts->site_source = "none";
    facts->gc_source = "none";
    int r = stderr_relay_start(&run->relay, &recording->clock, passes_lines, &reason);
    if (r < 0) {
        snprintf(facts->gc_reason, sizeof(facts->gc_reason), "%.120s", reason.text);
        return 0;
    }
    facts->gc_source = "gctrace";
    if (!passes_lines) {
        bool has_others = settings != NULL && settings[0] != '\0';
        r = str_printf(&run->go_debug, "%s%s" GCTRACE_SETTING "1", has_others ? settings : "",
                       has_others ? "," : "");
    }
    return r < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

/* ---- the subject -------------------------------------------------------------------------------
 */

static int adopt_subject(struct go_run *run, struct subject *subject)
{
    run->subject = subject;
    subject->memory.is_regular = true;
    run->recording->go.process_id = subject->id;
    const char *path = run->target->path;
    return modules_intern(&run->recording->modules, path, strlen(path), (const unsigned char *)"",
                          0, &run->module);
}

/* One that nothing in the program has announced. */
static int make_subject(struct go_run *run)
{
    struct subject *subject;
    struct recording *recording = run->recording;
    int r = recording_subject(recording, 0, (uint32_t)run->pid, 0, &subject);
    if (r < 0) {
        return r;
    }
    subject->is_announced = true;
    subject->executable = strdup(run->target->path);
    subject->command = strdup(run->command);
    subject->allocator = strdup("Go");
    subject->allocator_version = strdup(run->target->go.version);
    if (subject->executable == NULL || subject->command == NULL || subject->allocator == NULL ||
        subject->allocator_version == NULL) {
        return -ENOMEM;
    }
    return adopt_subject(run, subject);
}

/* The one that the recorder in the program has announced, if it has one. */
static int find_subject(struct go_run *run, bool is_last_chance)
{
    for (size_t i = 0; i < run->recording->subject_count; i++) {
        if (run->recording->subjects[i]->pid == (uint32_t)run->pid) {
            return adopt_subject(run, run->recording->subjects[i]);
        }
    }
    return run->target->go.is_static || is_last_chance ? make_subject(run) : 0;
}

/* ---- the profile -------------------------------------------------------------------------------
 */

static int intern_site(struct go_run *run, const struct go_bucket *bucket, uint32_t *out_site)
{
    struct recording *recording = run->recording;
    uint32_t node = STACK_ROOT;
    int r = 0;
    for (uint32_t i = bucket->frame_count; r == 0 && i-- > 0;) {
        uint32_t frame;
        struct code_address address = {run->module, bucket->frames[i] - run->tracee.load_bias};
        r = stacktree_frame(&recording->stacks, address, &frame);
        if (r == 0) {
            r = stacktree_child(&recording->stacks, node, frame, &node);
        }
    }
    return r < 0 ? r : tally_site(&run->subject->tally, node, out_site);
}

static int find_bucket(struct go_run *run, const struct go_bucket *bucket,
                       struct go_bucket_state **out_state)
{
    uint32_t index;
    if (!map_get(&run->bucket_of_address, bucket->address, &index)) {
        struct go_bucket_state state = {.size_bytes = bucket->size_bytes};
        int r = intern_site(run, bucket, &state.site);
        if (r == 0) {
            r = vec_reserve((void **)&run->buckets, &run->bucket_capacity, run->bucket_count + 1,
                            sizeof(*run->buckets));
        }
        index = (uint32_t)run->bucket_count;
        if (r == 0) {
            r = map_put(&run->bucket_of_address, bucket->address, index);
        }
        if (r < 0) {
            return r;
        }
        run->buckets[run->bucket_count++] = state;
    }
    *out_state = &run->buckets[index];
    return 0;
}

/* Whole numbers that never go down, whatever the rounding. */
static uint64_t grown(uint64_t before, double now)
{
    uint64_t rounded = (uint64_t)llround(now);
    return rounded > before ? rounded - before : 0;
}

static int take_bucket(void *context, const struct go_bucket *bucket)
{
    struct go_run *run = context;
    struct go_bucket_state *state;
    int r = find_bucket(run, bucket, &state);
    if (r == 0) {
        r = vec_reserve((void **)&run->changes, &run->change_capacity, run->change_count + 1,
                        sizeof(*run->changes));
    }
    if (r < 0) {
        return r;
    }
    double scale = go_profile_scale(bucket->size_bytes, run->recording->go.profile_rate_bytes);
    double variance = scale * (scale - 1);
    struct tally_change change = {
        .site = state->site,
        .kind = ALLOC_KIND_GO,
        .size_bytes = bucket->size_bytes,
        .birth_count = grown(state->alloc_count, scale * (double)bucket->alloc_count),
        .death_count = grown(state->free_count, scale * (double)bucket->free_count),
        .birth_variance =
            variance * (double)grown(state->sampled_alloc_count, (double)bucket->alloc_count),
        .death_variance =
            variance * (double)grown(state->sampled_free_count, (double)bucket->free_count),
    };
    state->alloc_count += change.birth_count;
    state->free_count += change.death_count;
    state->sampled_alloc_count = bucket->alloc_count;
    state->sampled_free_count = bucket->free_count;
    if (change.birth_count > 0 || change.death_count > 0) {
        run->changes[run->change_count++] = change;
    }
    return 0;
}

static int apply_reading(struct go_run *run, uint64_t at_ns)
{
    struct recording *recording = run->recording;
    struct tally *tally = &run->subject->tally;
    uint64_t before_bytes = tally->live_bytes;
    int r = tally_add_reading(tally, run->changes, run->change_count, at_ns);
    recording->live_bytes += tally->live_bytes - before_bytes;
    if (recording->live_bytes > recording->peak_bytes) {
        recording->peak_bytes = recording->live_bytes;
        recording->peak_ns = at_ns;
    }
    return r;
}

/* Failing ends all further readings; what was read before stays. */
static int read_profile(struct go_run *run, const char *source)
{
    struct go_facts *facts = &run->recording->go;
    const struct go_binary *binary = &run->target->go;
    const struct clock *clock = &run->recording->clock;
    struct err reason;
    uint64_t rate = 0;
    run->change_count = 0;
    go_memory_forget(&run->memory);
    if (!go_memory_read(&run->memory, binary->rate_address + run->tracee.load_bias, &rate,
                        sizeof(rate)) ||
        rate == 0 || rate > INT64_MAX) {
        return 0; /* not initialised yet, gone, or switched off */
    }
    facts->profile_rate_bytes = rate;
    int r = go_profile_read(&run->memory, binary->buckets_address + run->tracee.load_bias,
                            take_bucket, run, &reason);
    if (r == -EPROTO) {
        run->is_readable = false;
        snprintf(facts->site_reason, sizeof(facts->site_reason), "%.120s", reason.text);
    }
    if (r < 0) {
        return r == -ENOMEM ? r : 0;
    }
    facts->site_source = source;
    facts->profile_reading_count++;
    facts->profile_read_ns = clock_ns(clock, clock_ticks(clock));
    run->subject->last_event_ns = facts->profile_read_ns;
    return apply_reading(run, facts->profile_read_ns);
}

static int look_at_profile(struct go_run *run)
{
    bool is_ending = go_tracee_is_ending(&run->tracee);
    uint64_t now_ns = clock_monotonic_ns();
    int r = 0;
    if (run->is_readable && run->subject != NULL && !run->subject->is_finished &&
        (is_ending || now_ns >= run->next_reading_ns)) {
        r = read_profile(run, is_ending ? "exit" : "reading");
        uint64_t took_ns = clock_monotonic_ns() - now_ns;
        uint64_t pause_ns = took_ns * READING_COST_PART;
        run->next_reading_ns = now_ns + (pause_ns > READING_NS ? pause_ns : READING_NS);
    }
    if (is_ending) {
        go_tracee_release(&run->tracee);
    }
    return r;
}

/* ---- collections -------------------------------------------------------------------------------
 */

static int take_note(struct go_run *run, const struct relay_note *note)
{
    struct recording *recording = run->recording;
    struct gc_event event = {
        .at_ns = clock_ns(&recording->clock, note->at_ticks),
        .cycle = note->cycle,
    };
    if (run->streams.count == 0) {
        gc_streams_begin(&run->streams, clock_ns(&recording->clock, run->started_ticks));
    }
    if (!gc_streams_is_own(&run->streams, &note->cycle, event.at_ns)) {
        recording->go.foreign_line_count++;
        return 0;
    }
    return recording_add_gc(recording, &event);
}

/* ---- the way of a run --------------------------------------------------------------------------
 */

static void refuse_sites(struct go_run *run, const char *reason)
{
    snprintf(run->recording->go.site_reason, sizeof(run->recording->go.site_reason), "%.120s",
             reason);
}

int go_run_begin(struct go_run *run, pid_t pid, struct err *err)
{
    const struct go_binary *binary = &run->target->go;
    struct err reason;
    stderr_relay_hand_over(&run->relay);
    run->pid = pid;
    run->started_ticks = clock_ticks(&run->recording->clock);
    if (go_tracee_begin(&run->tracee, pid, binary, run->rate_bytes, &reason) < 0) {
        refuse_sites(run, reason.text);
    } else if (binary->minor < GO_MINOR_FIRST || binary->minor > GO_MINOR_LAST) {
        refuse_sites(run, "how this version of Go lays out its memory profile is not known");
    } else if (binary->buckets_address == 0) {
        refuse_sites(run, "it has no memory profile");
    } else {
        run->is_readable = true;
        run->memory.fd = run->tracee.memory_fd;
    }
    int r = find_subject(run, false);
    return r < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

int go_run_look(struct go_run *run, struct err *err)
{
    struct relay_note note;
    int r = 0;
    if (run->target == NULL || run->pid == 0) {
        return 0;
    }
    if (run->subject == NULL) {
        r = find_subject(run, false);
    }
    while (r == 0 && stderr_relay_next(&run->relay, &note)) {
        r = take_note(run, &note);
    }
    if (r == 0) {
        r = look_at_profile(run);
    }
    return r < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

int go_run_finish(struct go_run *run, struct err *err)
{
    struct relay_note note;
    struct recording *recording = run->recording;
    if (run->target == NULL || run->pid == 0) {
        return 0;
    }
    int r = run->subject == NULL ? find_subject(run, true) : 0;
    while (r == 0 && stderr_relay_next_of_rest(&run->relay, &note)) {
        r = take_note(run, &note);
    }
    for (size_t i = 0; r == 0 && i < recording->gc_event_count; i++) {
        recording->gc_events[i].process_id = recording->go.process_id;
    }
    for (size_t i = 0; r == 0 && i < run->bucket_count; i++) {
        const struct go_bucket_state *state = &run->buckets[i];
        uint64_t live_count = state->alloc_count - state->free_count;
        run->subject->leaked_count += live_count;
        run->subject->leaked_bytes += live_count * state->size_bytes;
    }
    recording->go.unread_line_count = run->relay.unread_count;
    recording->go.lost_line_count = run->relay.lost_count;
    return r < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

void go_run_fini(struct go_run *run)
{
    if (run->target != NULL) {
        stderr_relay_end(&run->relay);
        go_tracee_end(&run->tracee);
    }
    go_memory_fini(&run->memory);
    map_fini(&run->bucket_of_address);
    str_fini(&run->go_debug);
    free(run->buckets);
    free(run->changes);
    *run = (struct go_run){0};
}
