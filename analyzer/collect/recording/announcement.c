#include "announcement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../base/str.h"
#include "../../base/vec.h"
#include "recording.h"

static struct code_address announcement_locate(const struct subject *subject, uint64_t address)
{
    for (size_t i = subject->load_count; i-- > 0;) {
        const struct module_load *load = &subject->loads[i];
        if (address - 1 >= load->start_address && address - 1 < load->end_address) {
            return (struct code_address){load->module, address - load->load_bias};
        }
    }
    return (struct code_address){0, address};
}

int announcement_frame(struct subject *subject, uint64_t address, uint32_t *out_frame)
{
    if (map_get(&subject->frame_of_address, address, out_frame)) {
        return 0;
    }
    int r = stacktree_frame(&subject->recording->stacks, announcement_locate(subject, address),
                            out_frame);
    return r < 0 ? r : map_put(&subject->frame_of_address, address, *out_frame);
}

int announcement_stack(struct lane_context *lane, const struct event_stack *event)
{
    struct subject *subject = lane->subject;
    struct stacktree *stacks = &subject->recording->stacks;
    uint32_t node = STACK_ROOT;
    int r = 0;
    if (event->ending != STACK_IS_WHOLE) {
        uint32_t root = event->ending == STACK_IS_CUT ? FRAME_CUT : FRAME_UNKNOWN;
        r = stacktree_child(stacks, node, root, &node);
    }
    for (unsigned i = event->frame_count; r == 0 && i-- > 0;) {
        uint32_t frame;
        r = announcement_frame(subject, event->frames[i], &frame);
        if (r == 0) {
            r = stacktree_child(stacks, node, frame, &node);
        }
    }
    /* A writer numbers its stacks one after the other: anything else is damage. */
    if (r < 0 || node == STACK_ROOT || event->local_id > lane->site_count + 1) {
        return r;
    }
    uint32_t site;
    r = tally_site(&subject->tally, node, &site);
    return r < 0 ? r : subject_define_site(lane, event->local_id, site);
}

int announcement_module(struct lane_context *lane, const struct event_module *event,
                        uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    struct module_load load = {
        .start_address = event->start_address,
        .end_address = event->end_address,
        .load_bias = event->load_bias,
        .loaded_ns = stamp_ns,
    };
    int r = modules_intern(&subject->recording->modules, event->text, event->path_bytes,
                           (const unsigned char *)event->text + event->path_bytes,
                           event->build_id_bytes, &load.module);
    if (r < 0) {
        return r;
    }
    modules_hold(&subject->recording->modules, load.module);
    for (size_t i = subject->load_count; i-- > 0;) {
        const struct module_load *old = &subject->loads[i];
        if (old->start_address < load.end_address && load.start_address < old->end_address) {
            if (old->module == load.module && old->load_bias == load.load_bias) {
                return 0; /* another thread has told of it already */
            }
            break;
        }
    }
    r = vec_reserve((void **)&subject->loads, &subject->load_capacity, subject->load_count + 1,
                    sizeof(*subject->loads));
    if (r == 0) {
        subject->loads[subject->load_count++] = load;
        map_clear(&subject->frame_of_address);
    }
    return r;
}

/* The words of /proc/PID/cmdline, quoted so that a shell would read them back. */
static char *announcement_command_text(const char *bytes, size_t count)
{
    struct str text = {0};
    size_t start = 0;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && bytes[i] != '\0') {
            continue;
        }
        char *word = i > start || i < count ? strndup(bytes + start, i - start) : NULL;
        if (word != NULL) {
            if (text.size_bytes > 0) {
                str_append_char(&text, ' ');
            }
            str_append_quoted(&text, word);
            free(word);
        }
        start = i + 1;
    }
    char *copy = strdup(str_text(&text));
    str_fini(&text);
    return copy;
}

/* The image that the process `pid` was when `subject` attached; keys are given in that order. */
static struct subject *announcement_find_before(struct recording *recording, uint32_t pid,
                                                const struct subject *subject)
{
    struct subject *found = NULL;
    for (size_t i = 0; i < recording->subject_count; i++) {
        struct subject *other = recording->subjects[i];
        if (other->pid == pid && other->key < subject->key &&
            (found == NULL || other->key > found->key)) {
            found = other;
        }
    }
    return found;
}

int announcement_process(struct lane_context *lane, const struct event_process *event,
                         uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    if (subject->is_announced) {
        return 0;
    }
    const char *text = event->text;
    subject->is_announced = true;
    subject->is_malloc_replaced = (event->flags & PROCESS_MALLOC_IS_REPLACED) != 0;
    subject->executable = strndup(text, event->executable_bytes);
    text += event->executable_bytes;
    subject->command = announcement_command_text(text, event->command_bytes);
    text += event->command_bytes;
    subject->allocator = strndup(text, event->allocator_bytes);
    text += event->allocator_bytes;
    subject->allocator_version = strndup(text, event->allocator_version_bytes);
    if (subject->executable == NULL || subject->command == NULL || subject->allocator == NULL ||
        subject->allocator_version == NULL) {
        return -ENOMEM;
    }
    struct recording *recording = subject->recording;
    struct subject *parent = NULL;
    struct subject *before = NULL;
    if ((event->flags & PROCESS_IS_FORK) != 0) {
        subject->start = SUBJECT_STARTED_BY_FORK;
        parent = recording_find(recording, event->parent_key);
    } else {
        before = announcement_find_before(recording, event->pid, subject);
        parent = before != NULL ? before
                                : announcement_find_before(recording, event->parent_pid, subject);
        subject->start = parent != NULL ? SUBJECT_STARTED_BY_EXEC : SUBJECT_STARTED_BY_RUN;
    }
    subject->parent_id = parent != NULL ? parent->id : 0;
    if (before != NULL && before->end != SUBJECT_EXECUTED) {
        before->end = SUBJECT_EXECUTED;
        subject->cpu_time_start_ns = before->cpu_time_start_ns + before->cpu_time_ns;
        before->ended_ns = stamp_ns;
        before->exit_status = 0;
        before->exit_signal = 0;
    }
    return 0;
}

int announcement_mark(struct lane_context *lane, const struct event_mark *event, uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    struct mark mark = {
        .process_id = subject->id,
        .thread_id = subject->threads[lane->thread].id,
        .at_ns = stamp_ns,
        .kind = event->mark_kind,
    };
    return recording_add_mark(subject->recording, &mark, event->text, event->name_bytes);
}

int announcement_fact(struct lane_context *lane, const struct event_counter *event,
                      uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    if (event->place == 0 || subject->asked_ns == 0) {
        subject->asked_ns = stamp_ns;
    }
    struct allocator_fact fact = {
        .process_id = subject->id,
        .at_ns = subject->asked_ns,
        .value = event->value,
    };
    return recording_add_fact(subject->recording, &fact, event->text, event->name_bytes);
}

int announcement_counter(struct lane_context *lane, const struct event_counter *event,
                         uint64_t stamp_ns)
{
    struct subject *subject = lane->subject;
    struct counter counter = {
        .process_id = subject->id,
        .at_ns = stamp_ns,
        .value = event->value,
    };
    return recording_set_counter(subject->recording, &counter, event->text, event->name_bytes);
}
