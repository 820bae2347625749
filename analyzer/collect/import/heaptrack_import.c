#include "heaptrack_import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../base/str.h"
#include "../../base/vec.h"
#include "../../base/words.h"
#include "heaptrack_file.h"

enum {
    DEPTH_MAX = 64,            /* of heaptrack's stacks */
    PROGRESS_EVENTS = 1 << 16, /* from one call of progress() to the next */
    PAGE_BYTES_USUAL = 4096,
    WORD_BYTES_MAX = 4096,
};

/* What a heaptrack_want has become. */
struct want_state {
    uint32_t site;
    uint64_t live_count;
};

struct heaptrack_reading {
    struct heaptrack_import *import;
    struct heaptrack_file *file;
    struct imported to;
    struct words words; /* texts that the file does not have */
    uint32_t *frames;   /* by place - 1 */
    size_t frame_count;
    size_t frame_capacity;
    uint32_t *nodes; /* of the stack tree, by stack - 1 */
    size_t node_count;
    size_t node_capacity;
    struct want_state *wants;
    size_t want_count;
    size_t want_capacity;
    uint64_t at_ns;
};

/* ---- stacks ------------------------------------------------------------------------------------
 */

/* What stands for a function without a name: its library. */
static int nameless(struct heaptrack_reading *reading, const char *module, const char **out_text)
{
    char text[WORD_BYTES_MAX];
    uint32_t number;
    (void)snprintf(text, sizeof(text), "?? (%s)", str_base_name(module));
    int r = words_number(&reading->words, text, sizeof(text), &number);
    *out_text = r == 0 ? reading->words.items[number] : NULL;
    return r;
}

static int add_names(struct heaptrack_reading *reading, const struct heaptrack_place *place,
                     const char *module, uint64_t *out_offset)
{
    const struct heaptrack_tables *tables = heaptrack_file_tables(reading->file);
    const char *unknown;
    int r = nameless(reading, module, &unknown);
    if (r == 0 && place->frame_count == 0) {
        const struct given_name name = {.function = unknown, .symbol_count = 1};
        return imported_add_name(&reading->to, &name, out_offset);
    }
    for (size_t i = 0; i < place->frame_count && r == 0; i++) {
        const struct heaptrack_frame *frame = &tables->frames[place->first_frame + i];
        const char *function = heaptrack_file_name(reading->file, frame->function);
        const struct given_name name = {
            .function = function != NULL ? function : unknown,
            .file = heaptrack_file_name(reading->file, frame->file),
            .line = frame->line,
            .symbol_count = (uint32_t)(place->frame_count - i),
        };
        uint64_t offset;
        r = imported_add_name(&reading->to, &name, &offset);
        *out_offset = i == 0 ? offset : *out_offset;
    }
    return r;
}

static int add_frame(struct heaptrack_reading *reading, const struct heaptrack_place *place)
{
    const char *module = heaptrack_file_name(reading->file, place->module);
    struct recording *recording = &reading->to.recording;
    struct code_address address;
    module = module != NULL ? module : "[unknown]";
    int r = modules_intern(&recording->modules, module, strlen(module), (const unsigned char *)"",
                           0, &address.module);
    if (r == 0) {
        r = add_names(reading, place, module, &address.offset);
    }
    if (r == 0) {
        r = vec_reserve((void **)&reading->frames, &reading->frame_capacity,
                        reading->frame_count + 1, sizeof(*reading->frames));
    }
    if (r == 0) {
        r = stacktree_frame(&recording->stacks, address, &reading->frames[reading->frame_count++]);
    }
    return r;
}

static int add_node(struct heaptrack_reading *reading, const struct heaptrack_stack *stack)
{
    uint32_t parent = stack->parent == 0 ? STACK_ROOT : reading->nodes[stack->parent - 1];
    uint32_t frame =
        stack->place == 0 ? (uint32_t)FRAME_UNKNOWN : reading->frames[stack->place - 1];
    int r = vec_reserve((void **)&reading->nodes, &reading->node_capacity, reading->node_count + 1,
                        sizeof(*reading->nodes));
    return r < 0 ? r
                 : stacktree_child(&reading->to.recording.stacks, parent, frame,
                                   &reading->nodes[reading->node_count++]);
}

static int add_want(struct heaptrack_reading *reading, const struct heaptrack_want *want)
{
    uint32_t node;
    int r = 0;
    if (want->stack > 0) {
        node = reading->nodes[want->stack - 1];
    } else {
        r = stacktree_child(&reading->to.recording.stacks, STACK_ROOT, FRAME_UNKNOWN, &node);
    }
    if (r == 0) {
        r = vec_reserve((void **)&reading->wants, &reading->want_capacity, reading->want_count + 1,
                        sizeof(*reading->wants));
    }
    if (r == 0) {
        struct want_state *state = &reading->wants[reading->want_count++];
        *state = (struct want_state){0};
        r = tally_site(&reading->to.subject->tally, node, &state->site);
    }
    return r;
}

/* Takes over what the file has told since. Returns 0 or -ENOMEM. */
static int follow_tables(struct heaptrack_reading *reading)
{
    const struct heaptrack_tables *tables = heaptrack_file_tables(reading->file);
    int r = 0;
    while (r == 0 && reading->frame_count < tables->place_count) {
        r = add_frame(reading, &tables->places[reading->frame_count]);
    }
    while (r == 0 && reading->node_count < tables->stack_count) {
        r = add_node(reading, &tables->stacks[reading->node_count]);
    }
    while (r == 0 && reading->want_count < tables->want_count) {
        r = add_want(reading, &tables->wants[reading->want_count]);
    }
    return r;
}

/* ---- events ------------------------------------------------------------------------------------
 */

static int take_block(struct heaptrack_reading *reading, const struct heaptrack_event *event)
{
    struct subject *subject = reading->to.subject;
    struct want_state *state = &reading->wants[event->want];
    bool is_birth = event->kind == HEAPTRACK_BIRTH;
    if (!is_birth && state->live_count == 0) {
        subject->unpaired_free_count++;
        return 0;
    }
    state->live_count = is_birth ? state->live_count + 1 : state->live_count - 1;
    const struct tally_change change = {
        .site = state->site,
        .kind = ALLOC_KIND_MALLOC,
        .size_bytes = heaptrack_file_tables(reading->file)->wants[event->want].size_bytes,
        .birth_count = is_birth,
        .death_count = !is_birth,
    };
    return tally_add_reading(&subject->tally, &change, 1, reading->at_ns);
}

static int take_rss(struct heaptrack_reading *reading, uint64_t page_count)
{
    struct subject *subject = reading->to.subject;
    uint64_t page_bytes = heaptrack_file_tables(reading->file)->page_bytes;
    page_bytes = page_bytes != 0 ? page_bytes : PAGE_BYTES_USUAL;
    if (page_count > UINT32_MAX || page_bytes > UINT32_MAX) {
        return 0;
    }
    uint64_t rss_bytes = page_count * page_bytes;
    if (rss_bytes > subject->rss_peak_bytes) {
        subject->rss_peak_bytes = rss_bytes;
    }
    return tally_rss(&subject->tally, reading->at_ns, rss_bytes);
}

static int take(struct heaptrack_reading *reading, const struct heaptrack_event *event)
{
    int r = follow_tables(reading);
    if (r < 0) {
        return r;
    }
    switch (event->kind) {
    case HEAPTRACK_TIME:
        /* They never go back; a damaged file must not make millions of slices. */
        if (event->value < UINT32_MAX && event->value * 1000000 >= reading->at_ns) {
            reading->at_ns = event->value * 1000000;
        }
        return 0;
    case HEAPTRACK_RSS:
        return take_rss(reading, event->value);
    default:
        return take_block(reading, event);
    }
}

static void show_progress(const struct heaptrack_reading *reading)
{
    uint64_t done;
    uint64_t total;
    if (reading->import->progress != NULL) {
        heaptrack_file_progress(reading->file, &done, &total);
        reading->import->progress(reading->import->progress_context, done, total);
    }
}

static int read_events(struct heaptrack_reading *reading, struct err *err)
{
    struct heaptrack_event event;
    for (uint64_t count = 1;; count++) {
        int r = heaptrack_file_next(reading->file, &event, err);
        if (r < 0) {
            return r;
        }
        if (event.kind == HEAPTRACK_END) {
            return 0;
        }
        if (take(reading, &event) < 0) {
            return err_set(err, ENOMEM, "out of memory");
        }
        if (count % PROGRESS_EVENTS == 0) {
            show_progress(reading);
        }
    }
}

/* ---- the recording -----------------------------------------------------------------------------
 */

/* When the file was written, which is when the program ended. */
static uint64_t ended_unix_ns(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && status.st_mtim.tv_sec > 0
               ? (uint64_t)status.st_mtim.tv_sec * UINT64_C(1000000000) +
                     (uint64_t)status.st_mtim.tv_nsec
               : 0;
}

/* The command is known once the file was read. */
static int name_process(struct heaptrack_reading *reading, const char **out_command)
{
    const char *command = heaptrack_file_tables(reading->file)->command;
    struct subject *subject = reading->to.subject;
    *out_command = command != NULL ? command : reading->import->command;
    char *own_command = strdup(*out_command);
    char *executable = strndup(*out_command, strcspn(*out_command, " "));
    if (own_command == NULL || executable == NULL) {
        free(own_command);
        free(executable);
        return -ENOMEM;
    }
    free(subject->command);
    free(subject->executable);
    subject->command = own_command;
    subject->executable = executable;
    return 0;
}

static int write_recording(struct heaptrack_reading *reading, struct err *err)
{
    struct heaptrack_import *import = reading->import;
    struct subject *subject = reading->to.subject;
    uint64_t ended_ns = ended_unix_ns(import->path);
    struct imported_run run = {
        .output_path = import->output_path,
        .depth_limit = DEPTH_MAX,
        .started_unix_ns = ended_ns > reading->at_ns ? ended_ns - reading->at_ns : 0,
        .duration_ns = reading->at_ns,
    };
    if (name_process(reading, &run.command) < 0) {
        return err_set(err, ENOMEM, "out of memory");
    }
    subject->ended_ns = reading->at_ns;
    subject->last_event_ns = reading->at_ns;
    import->is_attached = heaptrack_file_tables(reading->file)->is_attached;
    return imported_write(&reading->to, &run, &import->sums, err);
}

int heaptrack_import_run(struct heaptrack_import *import, struct err *err)
{
    struct heaptrack_reading reading = {.import = import};
    const struct imported_process process = {.executable = import->path,
                                             .command = import->command,
                                             .allocator = "not known",
                                             .end = SUBJECT_GONE};
    int r = heaptrack_file_open(import->path, &reading.file, err);
    if (r < 0) {
        return r;
    }
    r = imported_init(&reading.to, &process);
    r = r < 0 ? err_set(err, ENOMEM, "out of memory") : read_events(&reading, err);
    if (r == 0) {
        r = write_recording(&reading, err);
    }
    imported_fini(&reading.to);
    words_fini(&reading.words);
    free(reading.frames);
    free(reading.nodes);
    free(reading.wants);
    heaptrack_file_close(reading.file);
    return r;
}
