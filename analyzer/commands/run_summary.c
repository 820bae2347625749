#include "run_summary.h"

#include <string.h>

#include "../base/str.h"
#include "../cli/out_value.h"
#include "../cli/talk.h"
#include "../collect/selfcheck.h"
#include "cmd.h"
#include "run_frames.h"

static void append_scaled(struct str *text, enum out_kind kind, uint64_t number)
{
    struct out_value value = {.kind = kind, .number = (int64_t)number};
    (void)out_value_append_table(&value, text);
}

static void summarize_figures(bool is_sample, uint64_t allocation_count, uint64_t peak_bytes,
                              uint64_t leaked_count, uint64_t leaked_bytes)
{
    struct str text = {0};
    str_append(&text, is_sample ? "about " : "");
    append_scaled(&text, OUT_KIND_COUNT, allocation_count);
    str_append(&text, " allocations, peak ");
    append_scaled(&text, OUT_KIND_BYTES, peak_bytes);
    str_append(&text, ", live at the end: ");
    append_scaled(&text, OUT_KIND_COUNT, leaked_count);
    str_append(&text, " blocks, ");
    append_scaled(&text, OUT_KIND_BYTES, leaked_bytes);
    talk_note("%s", str_text(&text));
    str_fini(&text);
}

static void summarize_pauses(const struct recording *recording)
{
    uint64_t allocation_count = 0;
    uint64_t allocated_bytes = 0;
    struct str text = {0};
    for (size_t i = 0; i < recording->subject_count; i++) {
        allocation_count += recording->subjects[i]->paused_allocation_count;
        allocated_bytes += recording->subjects[i]->paused_allocated_bytes;
    }
    if (allocation_count > 0) {
        append_scaled(&text, OUT_KIND_COUNT, allocation_count);
        str_append(&text, " allocations, ");
        append_scaled(&text, OUT_KIND_BYTES, allocated_bytes);
        talk_note("not counted, as the program had paused: %s", str_text(&text));
    }
    str_fini(&text);
}

static void summarize_unrecorded(const struct unrecorded *unrecorded)
{
    for (size_t i = 0; i < unrecorded->program_count; i++) {
        const struct unrecorded_program *program = &unrecorded->programs[i];
        talk_note("not recorded: %s (%s), %llu process%s", program->path,
                  unrecorded_reason_text(program->reason),
                  (unsigned long long)program->process_count,
                  program->process_count == 1 ? "" : "es");
    }
    if (unrecorded->more_count > 0) {
        talk_note("not recorded: %llu processes of other programs",
                  (unsigned long long)unrecorded->more_count);
    }
}

static void append_go_sites(struct str *text, const struct go_facts *go)
{
    if (strcmp(go->site_source, "objects") == 0) {
        str_append(text, "; each object as its runtime told of it");
        if (go->damaged_object_count > 0) {
            str_append(text, ", but for ");
            append_scaled(text, OUT_KIND_COUNT, go->damaged_object_count);
            str_append(text, " that could not be read");
        }
    } else if (strcmp(go->site_source, "none") != 0) {
        str_append(text, "; sites from its memory profile, ");
        if (go->profile_rate_bytes > 1) {
            str_append(text, "a sample in ");
            append_scaled(text, OUT_KIND_BYTES, go->profile_rate_bytes);
        } else {
            str_append(text, "every object");
        }
        str_append(text, strcmp(go->site_source, "exit") == 0
                             ? ", read as it ended"
                             : ", as it was before the end: what came after is missing");
    } else {
        str_printf(text, "; sites are not known (%s)",
                   go->site_reason[0] != '\0' ? go->site_reason : "nothing could be read");
    }
}

static void summarize_go(const struct recording *recording)
{
    const struct go_facts *go = &recording->go;
    struct str text = {0};
    str_printf(&text, "%s: ", go->version);
    if (strcmp(go->gc_source, "none") != 0) {
        append_scaled(&text, OUT_KIND_COUNT, recording->gc_event_count);
        str_append(&text, " garbage collections");
    } else {
        str_printf(&text, "garbage collections are not known (%s)", go->gc_reason);
    }
    append_go_sites(&text, go);
    talk_note("%s", str_text(&text));
    str_fini(&text);
}

/* A line to be pasted into a shell. */
static void tell_next(const char *output)
{
    struct str line = {0};
    int r = str_append(&line, "allocaudit report");
    if (r == 0 && strcmp(output, CMD_DEFAULT_FILE) != 0) {
        r = str_append_char(&line, ' ');
        r = r == 0 ? str_append_quoted(&line, output) : r;
    }
    if (r == 0) {
        talk_note("next: %s", str_text(&line));
    }
    str_fini(&line);
}

void run_summarize(const struct collector *collector, const struct run_settings *settings,
                   const struct plan *plan)
{
    const struct recording *recording = &collector->recording;
    uint64_t allocation_count = 0;
    uint64_t leaked_count = 0;
    uint64_t leaked_bytes = 0;
    uint64_t lost_count = collector->facts.lost_event_count;
    for (size_t i = 0; i < recording->subject_count; i++) {
        const struct subject *subject = recording->subjects[i];
        allocation_count += subject->tally.allocation_count;
        leaked_count += subject->leaked_count;
        leaked_bytes += subject->leaked_bytes;
        lost_count += subject->lost_event_count;
        if (subject->is_malloc_replaced) {
            talk_note("process %u brings its own malloc, which cannot be seen", subject->pid);
        }
    }
    if (lost_count > 0) {
        talk_note("%llu events were lost", (unsigned long long)lost_count);
    }
    if (!settings->is_quiet) {
        summarize_unrecorded(&recording->unrecorded);
    }
    uint32_t unmapped_count = atomic_load(&collector->session.ring->unmapped_process_count);
    if (unmapped_count > 0) {
        talk_note(
            "%u programs were not recorded: the limit of their address space (ulimit -v) left "
            "no room for the ring; a smaller --ring may help",
            unmapped_count);
    }
    if (recording->subject_count == 0) {
        talk_note("nothing was recorded: no process loaded liballocaudit.so");
    }
    run_plan_warn(recording, plan);
    run_frames_tell(&settings->frame_symbols, recording);
    if (!settings->is_quiet) {
        if (allocation_count > 0 || recording->go.process_id == 0 ||
            strcmp(recording->go.site_source, "none") != 0) {
            summarize_figures(recording->sample_bytes != 0, allocation_count, recording->peak_bytes,
                              leaked_count, leaked_bytes);
        }
        if (recording->sample_bytes == 0) {
            summarize_pauses(recording);
        }
        if (recording->go.process_id != 0) {
            summarize_go(recording);
        }
        if (settings->policy != NULL) {
            run_policy_summarize(recording, settings->policy);
        }
        run_plan_summarize(recording, plan);
        talk_note("recorded in %s", settings->output);
        tell_next(settings->output);
    }
}

bool run_tell_check(const struct collector *collector)
{
    struct str text = {0};
    bool is_passed = false;
    if (selfcheck_describe(&collector->session.ring->check, &collector->recording, &text,
                           &is_passed) < 0) {
        talk_error("out of memory");
    }
    for (const char *line = str_text(&text); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        talk_note("%.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
    str_fini(&text);
    return is_passed;
}
