#include "selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/suggest.h"

enum {
    NAMES_TOLD = 8, /* of the threads there are, in an error */
};

/* The whole text as a number that fits an id. */
static bool read_id(const char *text, uint32_t *out_id)
{
    char *end = NULL;
    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > UINT32_MAX) {
        return false;
    }
    *out_id = (uint32_t)value;
    return true;
}

static int resolve_process(const struct trace *trace, const char *text, uint32_t *out_id,
                           struct err *err)
{
    uint32_t wanted = 0;
    if (!read_id(text, &wanted)) {
        return err_set(err, EINVAL, "'%s' is neither the id of a process nor a pid", text);
    }
    if (trace_process(trace, wanted) != NULL) {
        *out_id = wanted;
        return 0;
    }
    unsigned match_count = 0;
    for (size_t i = 0; i < trace->process_count; i++) {
        if (trace->processes[i].pid == wanted) {
            *out_id = trace->processes[i].id;
            match_count++;
        }
    }
    if (match_count > 1) { /* an exec keeps the pid */
        return err_set(err, EINVAL,
                       "pid %u names %u processes; give an id of 'allocaudit report processes'",
                       wanted, match_count);
    }
    if (match_count == 0) {
        return err_set(err, ENOENT,
                       "there is no process %u: 'allocaudit report processes' lists them", wanted);
    }
    return 0;
}

static int no_such_thread(const struct trace *trace, const char *text, struct err *err)
{
    struct str names = {0};
    unsigned told = 0;
    int result = 0;
    for (size_t i = 0; i < trace->thread_count && told < NAMES_TOLD && result == 0; i++) {
        const char *name = trace->threads[i].name;
        if (name != NULL && (names.text == NULL || strstr(names.text, name) == NULL)) {
            result = str_printf(&names, "%s'%s'", told == 0 ? "" : ", ", name);
            told++;
        }
    }
    result =
        err_set(err, ENOENT, "there is no thread '%s'%s%s; 'allocaudit report threads' lists them",
                text, told > 0 ? ": there are " : "", str_text(&names));
    str_fini(&names);
    return result;
}

static bool is_thread(const struct thread_row *thread, const char *text, bool has_id, uint32_t id)
{
    return has_id ? thread->id == id : thread->name != NULL && strcmp(thread->name, text) == 0;
}

/* "[3,4]" for the threads asked for; for a process alone, those of the process. */
static int resolve_threads(const struct trace *trace, const char *text, struct selection *selection,
                           struct err *err)
{
    uint32_t id = 0;
    bool has_id = text != NULL && read_id(text, &id) && trace_thread(trace, id) != NULL;
    struct str ids = {0};
    int result = str_append_char(&ids, '[');
    unsigned match_count = 0;
    for (size_t i = 0; i < trace->thread_count && result == 0; i++) {
        const struct thread_row *thread = &trace->threads[i];
        bool is_in_process =
            selection->process_id == 0 || thread->process_id == selection->process_id;
        if (is_in_process && (text == NULL || is_thread(thread, text, has_id, id))) {
            result = str_printf(&ids, "%s%u", match_count == 0 ? "" : ",", thread->id);
            match_count++;
        }
    }
    if (result == 0) {
        result = str_append_char(&ids, ']');
    }
    if (result < 0) {
        str_fini(&ids);
        return err_set_errno(err, ENOMEM, "cannot select threads");
    }
    if (match_count == 0 && text != NULL) {
        str_fini(&ids);
        return no_such_thread(trace, text, err);
    }
    selection->thread_ids = ids.text;
    return 0;
}

int selection_glob(const char *text, char **out_glob, struct err *err)
{
    struct str glob = {0};
    bool is_glob = strpbrk(text, "*?[") != NULL;
    if (str_printf(&glob, is_glob ? "%s" : "*%s*", text) < 0) {
        str_fini(&glob);
        return err_set_errno(err, ENOMEM, "cannot select '%s'", text);
    }
    *out_glob = glob.text;
    return 0;
}

static int resolve_blocks(const struct trace *trace, const struct selection_request *request,
                          struct selection *selection, struct err *err)
{
    if (trace_is_import(trace)) {
        return err_set(err, ENOTSUP,
                       "a thread or a time needs every allocation, and an imported file has none");
    }
    if (strcmp(trace->run.detail, "full") != 0) {
        return err_set(err, ENOTSUP,
                       "a thread or a time needs every allocation, and this run was recorded with "
                       "--detail %s",
                       trace->run.detail);
    }
    if (selection->is_sample) {
        return err_set(err, ENOTSUP,
                       "a thread or a time needs every allocation, and this run was recorded with "
                       "--sample");
    }
    if (request->thread != NULL || selection->process_id != 0) {
        return resolve_threads(trace, request->thread, selection, err);
    }
    return 0;
}

int selection_resolve(const struct trace *trace, const struct selection_request *request,
                      struct selection *out_selection, struct err *err)
{
    struct selection selection = {.from_ns = 0,
                                  .to_ns = UINT64_MAX,
                                  .is_sample = trace_is_sample(trace),
                                  .is_import = trace_is_import(trace)};
    int result = 0;
    if (request->from_ns != QUERY_NULL) {
        selection.from_ns = request->from_ns;
        selection.is_part_of_run = true;
    }
    if (request->to_ns != QUERY_NULL) {
        selection.to_ns = request->to_ns;
        selection.is_part_of_run = true;
    }
    selection.is_part_of_run = selection.is_part_of_run || request->thread != NULL;
    if (selection.from_ns >= selection.to_ns) {
        return err_set(err, EINVAL, "the time --from is not before the time --to");
    }
    if (request->process != NULL) {
        result = resolve_process(trace, request->process, &selection.process_id, err);
    }
    if (result == 0 && selection.is_part_of_run) {
        result = resolve_blocks(trace, request, &selection, err);
    }
    if (result == 0 && request->module != NULL) {
        result = selection_glob(request->module, &selection.module_glob, err);
    }
    if (result == 0 && request->function != NULL) {
        result = selection_glob(request->function, &selection.function_glob, err);
    }
    if (result < 0) {
        selection_fini(&selection);
        return result;
    }
    *out_selection = selection;
    return 0;
}

bool selection_has_frames(const struct selection *selection)
{
    return selection->module_glob != NULL || selection->function_glob != NULL;
}

void selection_fini(struct selection *selection)
{
    free(selection->thread_ids);
    free(selection->module_glob);
    free(selection->function_glob);
    *selection = (struct selection){0};
}

int selection_find_process(const struct trace *trace, const char *word,
                           const struct process_row **out_process, struct err *err)
{
    uint32_t process_id;
    if (word == NULL) {
        *out_process = trace_largest_process(trace);
        return 0;
    }
    int result = resolve_process(trace, word, &process_id, err);
    if (result == 0) {
        *out_process = trace_process(trace, process_id);
    }
    return result;
}
