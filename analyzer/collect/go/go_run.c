#include "go_run.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../base/vec.h"
#include "go_objects.h"

enum {
    SCAVTRACE_MINOR_FIRST = 19, /* before it was worded otherwise */
    READING_NS = 500000000,
    MEETING_NS = 1000000000, /* its recorder, if it has one, has announced it by then */
    READING_COST_PART = 500, /* reading may take this part of the time */
    READINGS_PER_RUN = 2000, /* more would tell no more: as many as the timeline has slices */
    RATE_ALL_BYTES = 1,      /* every allocation is sampled */
};

#define GODEBUG_ENV       "GODEBUG"
#define GCTRACE_SETTING   "gctrace="
#define SCAVTRACE_SETTING "scavtrace="
#define OBJECTS_SETTING   "allocfreetrace="

/* ---- before the start --------------------------------------------------------------------------
 */

/* What the last `name` (with its '=') of a GODEBUG says; 0: nothing. */
static long find_setting(const char *settings, const char *name)
{
    long value = 0;
    for (const char *at = settings; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, strlen(name)) == 0) {
            value = strtol(at + strlen(name), NULL, 10);
        }
    }
    return value;
}

/* What the program's GODEBUG is to say beside what it says. */
static int add_settings(struct go_run *run, const char *settings, struct relay_passing passing)
{
    int minor = run->settings.target->go.minor;
    bool has_scavenges = minor >= SCAVTRACE_MINOR_FIRST && minor <= GO_MINOR_LAST;
    int r = str_append(&run->go_debug, settings != NULL ? settings : "");
    run->own_debug_bytes = run->go_debug.size_bytes;
    if (r == 0 && !passing.cycles) {
        r = str_printf(&run->go_debug, "%s" GCTRACE_SETTING "1",
                       run->go_debug.size_bytes > 0 ? "," : "");
    }
    if (r == 0 && !passing.scavenges && has_scavenges) {
        r = str_printf(&run->go_debug, "%s" SCAVTRACE_SETTING "1",
                       run->go_debug.size_bytes > 0 ? "," : "");
    }
    if (r == 0 && !passing.objects && run->settings.traces_objects) {
        r = str_printf(&run->go_debug, "%s" OBJECTS_SETTING "1",
                       run->go_debug.size_bytes > 0 ? "," : "");
    }
    return r;
}

int go_run_prepare(struct go_run *run, struct recording *recording,
                   const struct go_run_settings *settings, struct err *err)
{
    *run = (struct go_run){
        .recording = recording,
        .process = {.recording = recording},
        .settings = *settings,
        .relay = {.program_fd = -1, .note_fd = -1},
        .tracee = {.memory_fd = -1},
    };
    const char *debug = getenv(GODEBUG_ENV);
    struct relay_passing passing = {
        .cycles = find_setting(debug, GCTRACE_SETTING) > 0,
        .scavenges = find_setting(debug, SCAVTRACE_SETTING) > 0,
        .objects = find_setting(debug, OBJECTS_SETTING) > 0,
    };
    struct go_facts *facts = &recording->go;
    struct err reason;
    if (run->settings.rate_bytes == 0) {
        run->settings.rate_bytes = RATE_ALL_BYTES;
    }
    memcpy(facts->version, settings->target->go.version, sizeof(facts->version));
    facts->site_source = "none";
    facts->gc_source = "none";
    int r = stderr_relay_start(&run->relay, &recording->clock, passing, settings->traces_objects,
                               &reason);
    if (r < 0) {
        snprintf(facts->gc_reason, sizeof(facts->gc_reason), "%.120s", reason.text);
        return 0;
    }
    facts->gc_source = "gctrace";
    r = add_settings(run, debug, passing);
    return r < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

/* ---- the process -------------------------------------------------------------------------------
 */

/* may_make: also if the recorder in it, if it has one, has not announced it. */
static int meet_process(struct go_run *run, bool may_make)
{
    const struct go_process_start start = {
        .pid = (uint32_t)run->pid,
        .path = run->settings.target->path,
        .command = run->settings.command,
    };
    int r = go_process_meet(&run->process, &start, run->settings.target->go.is_static || may_make);
    bool is_met = r == 0 && run->process.subject != NULL;
    if (is_met && run->is_placed && !run->process.has_objects) {
        r = go_objects_begin(&run->process, clock_ns(&run->recording->clock, run->started_ticks));
    }
    return r;
}

/* ---- the profile -------------------------------------------------------------------------------
 */

static int intern_site(struct go_run *run, const struct go_bucket *bucket, uint32_t *out_site)
{
    int r = vec_reserve((void **)&run->offsets, &run->offset_capacity, bucket->frame_count,
                        sizeof(*run->offsets));
    for (uint32_t i = 0; r == 0 && i < bucket->frame_count; i++) {
        run->offsets[i] = bucket->frames[i] - run->tracee.load_bias;
    }
    return r < 0 ? r : go_process_site(&run->process, run->offsets, bucket->frame_count, out_site);
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

/* Failing ends all further readings; what was read before stays. */
static int read_profile(struct go_run *run, bool is_last)
{
    struct go_facts *facts = &run->recording->go;
    const struct go_binary *binary = &run->settings.target->go;
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
    const struct journal_go_reading reading = {
        .at_ns = clock_ns(clock, clock_ticks(clock)),
        .rate_bytes = rate,
        .is_last = is_last,
        .change_count = (uint32_t)run->change_count,
    };
    return go_process_add_reading(&run->process, &reading, run->changes);
}

static int look_at_profile(struct go_run *run)
{
    bool is_ending = go_tracee_is_ending(&run->tracee);
    uint64_t now_ns = clock_monotonic_ns();
    int r = 0;
    if (run->is_readable && run->process.subject != NULL && !run->process.subject->is_finished &&
        (is_ending || now_ns >= run->next_reading_ns)) {
        r = read_profile(run, is_ending);
        uint64_t took_ns = clock_monotonic_ns() - now_ns;
        uint64_t pause_ns = took_ns * READING_COST_PART;
        uint64_t part_ns = (now_ns - run->begun_ns) / READINGS_PER_RUN;
        pause_ns = part_ns > pause_ns ? part_ns : pause_ns;
        run->next_reading_ns = now_ns + (pause_ns > READING_NS ? pause_ns : READING_NS);
    }
    if (is_ending) {
        go_tracee_release(&run->tracee);
    }
    return r;
}

/* ---- collections -------------------------------------------------------------------------------
 */

static int take_cycle(struct go_run *run, const struct gc_event *event)
{
    if (run->streams.count == 0) {
        gc_streams_begin(&run->streams, clock_ns(&run->recording->clock, run->started_ticks));
    }
    if (!gc_streams_is_own(&run->streams, &event->cycle, event->at_ns)) {
        run->recording->go.foreign_line_count++;
        return 0;
    }
    return go_process_add_gc(&run->process, event);
}

/* Where one could not be written, no more are: the recording ends there. */
static int take_object(struct go_run *run, const struct relay_note *note, struct err *err)
{
    uint64_t at_ns = clock_ns(&run->recording->clock, note->at_ticks);
    int r = run->process.subject == NULL ? meet_process(run, true) : 0;
    if (r < 0 || !run->process.has_objects || run->process.subject->is_finished) {
        return r;
    }
    r = go_objects_add(&run->process, &note->object, run->tracee.load_bias, at_ns, err);
    run->process.has_objects = r == 0;
    return r;
}

static int take_note(struct go_run *run, const struct relay_note *note, struct err *err)
{
    const struct clock *clock = &run->recording->clock;
    struct scavenge scavenge = note->scavenge;
    struct gc_event event = {.cycle = note->cycle};
    switch (note->kind) {
    case RELAY_NOTE_OBJECT:
        return take_object(run, note, err);
    case RELAY_NOTE_SCAVENGE:
        scavenge.at_ns = clock_ns(clock, note->at_ticks);
        return go_process_add_scavenge(&run->process, &scavenge);
    default:
        event.at_ns = clock_ns(clock, note->at_ticks);
        return take_cycle(run, &event);
    }
}

static void note_facts(struct go_run *run)
{
    struct go_facts *facts = &run->recording->go;
    facts->unread_line_count = run->relay.unread_count;
    facts->lost_line_count = run->relay.lost_count;
    facts->damaged_object_count = run->relay.damaged_count;
    go_process_keep_facts(&run->process);
}

/* ---- the way of a run --------------------------------------------------------------------------
 */

static void refuse_sites(struct go_run *run, const char *reason)
{
    snprintf(run->recording->go.site_reason, sizeof(run->recording->go.site_reason), "%.120s",
             reason);
}

/* What can be had of its memory profile. */
static void begin_profile(struct go_run *run)
{
    const struct go_binary *binary = &run->settings.target->go;
    const struct go_wishes wishes = {
        .rate_bytes = run->settings.rate_bytes,
        .debug = str_text(&run->go_debug),
        .own_debug_bytes = run->own_debug_bytes,
    };
    struct err reason;
    if (go_tracee_begin(&run->tracee, run->pid, binary, &wishes, &reason) < 0) {
        refuse_sites(run, reason.text);
    } else if (binary->minor < GO_MINOR_FIRST || binary->minor > GO_MINOR_LAST) {
        refuse_sites(run, "how this version of Go lays out its memory profile is not known");
    } else if (binary->buckets_address == 0) {
        refuse_sites(run, "it has no memory profile");
    } else {
        run->is_readable = true;
        run->memory.fd = run->tracee.memory_fd;
    }
}

/* The program goes on at once: what it tells fills a pipe that we are to read. */
static void begin_objects(struct go_run *run)
{
    const struct go_wishes wishes = {.debug = ""};
    struct err reason;
    if (strcmp(run->recording->go.gc_source, "none") == 0) {
        refuse_sites(run, run->recording->go.gc_reason);
    } else if (go_tracee_begin(&run->tracee, run->pid, &run->settings.target->go, &wishes,
                               &reason) < 0) {
        refuse_sites(run, reason.text);
    } else {
        run->is_placed = true;
    }
}

int go_run_begin(struct go_run *run, pid_t pid, struct err *err)
{
    stderr_relay_hand_over(&run->relay);
    run->pid = pid;
    run->begun_ns = clock_monotonic_ns();
    run->started_ticks = clock_ticks(&run->recording->clock);
    if (run->settings.traces_objects) {
        begin_objects(run);
    } else {
        begin_profile(run);
    }
    int r = meet_process(run, false);
    return r < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

/* Objects are left where they are until it is known whose they are. */
static bool has_to_wait(const struct go_run *run)
{
    return run->is_placed && run->process.subject == NULL;
}

int go_run_look(struct go_run *run, struct err *err)
{
    struct relay_note note;
    int r = 0;
    if (run->settings.target == NULL || run->pid == 0) {
        return 0;
    }
    err_set(err, ENOMEM, "out of memory");
    if (run->process.subject == NULL) {
        bool is_late = clock_monotonic_ns() - run->begun_ns > MEETING_NS;
        r = meet_process(run, run->is_placed && is_late);
    }
    while (r == 0 && !has_to_wait(run) && stderr_relay_next(&run->relay, &note)) {
        r = take_note(run, &note, err);
    }
    if (r == 0) {
        r = look_at_profile(run);
    }
    note_facts(run);
    return r;
}

int go_run_end_process(struct go_run *run, const struct subject *subject, struct err *err)
{
    return run->process.has_objects && subject == run->process.subject ? go_run_finish(run, err)
                                                                       : 0;
}

int go_run_finish(struct go_run *run, struct err *err)
{
    struct relay_note note;
    if (run->settings.target == NULL || run->pid == 0) {
        return 0;
    }
    err_set(err, ENOMEM, "out of memory");
    int r = run->process.subject == NULL ? meet_process(run, true) : 0;
    while (r == 0 && stderr_relay_next_of_rest(&run->relay, &note)) {
        r = take_note(run, &note, err);
    }
    note_facts(run);
    return r;
}

void go_run_fini(struct go_run *run)
{
    if (run->settings.target != NULL) {
        stderr_relay_end(&run->relay);
        go_tracee_end(&run->tracee);
    }
    go_memory_fini(&run->memory);
    map_fini(&run->bucket_of_address);
    str_fini(&run->go_debug);
    free(run->buckets);
    free(run->changes);
    free(run->offsets);
    *run = (struct go_run){0};
}
