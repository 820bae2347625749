#include "selfcheck.h"

#include <errno.h>
#include <string.h>

#include "../elf/symbolize.h"

static uint64_t selfcheck_count(const struct ring_check *check, enum check_verdict verdict)
{
    return atomic_load(&check->counts[verdict]);
}

static int selfcheck_append_counts(const struct ring_check *check, struct str *text)
{
    static const struct {
        enum check_verdict verdict;
        const char *words;
    } rare[] = {
        {CHECK_ENDED_EARLY, "where libunwind ended early"},
        {CHECK_ALONE, "where libunwind stood alone against libgcc"},
        {CHECK_UNFINISHED, "where allocaudit ended early in [unknown]"},
        {CHECK_GUESSED, "where libunwind guessed on behind code without unwind data"},
        {CHECK_SKIPPED, "not compared"},
    };
    uint64_t compared_count = 0;
    for (int verdict = 0; verdict < CHECK_VERDICTS; verdict++) {
        compared_count += verdict != CHECK_SKIPPED ? selfcheck_count(check, verdict) : 0;
    }
    int r = str_printf(text, "unwind check: %llu stacks compared, %llu different",
                       (unsigned long long)compared_count,
                       (unsigned long long)selfcheck_count(check, CHECK_DIFFERENT));
    for (size_t i = 0; r == 0 && i < sizeof(rare) / sizeof(rare[0]); i++) {
        uint64_t count = selfcheck_count(check, rare[i].verdict);
        if (count > 0) {
            r = str_printf(text, ", %llu %s", (unsigned long long)count, rare[i].words);
        }
    }
    return r == 0 ? str_append_char(text, '\n') : r;
}

static void selfcheck_take_name(void *context, size_t index, const struct symbol *symbols,
                                size_t count)
{
    (void)index;
    if (count > 0 && symbols[count - 1].function != NULL) {
        (void)str_printf(context, " %s", symbols[count - 1].function);
    }
}

/* The load that a process made last at this address. */
static const struct module_load *selfcheck_find_load(const struct subject *subject,
                                                     uint64_t address)
{
    for (size_t i = subject != NULL ? subject->load_count : 0; i-- > 0;) {
        const struct module_load *load = &subject->loads[i];
        if (address >= load->start_address && address < load->end_address) {
            return load;
        }
    }
    return NULL;
}

static int selfcheck_append_frame(const struct recording *recording, const struct subject *subject,
                                  uint64_t address, struct str *text)
{
    const struct module_load *load = selfcheck_find_load(subject, address - 1);
    if (load == NULL || load->module == 0 || load->module > recording->modules.count) {
        return str_printf(text, "%#llx", (unsigned long long)address);
    }
    const struct module_file *file = &recording->modules.files[load->module - 1];
    const char *slash = strrchr(file->path, '/');
    uint64_t offset = address - load->load_bias;
    char name[MODULE_NAME_BYTES];
    struct symbolize_request request = {
        .path = modules_path(file, name),
        .build_id = file->build_id[0] != '\0' ? file->build_id : NULL,
        .offsets = &offset,
        .offset_count = 1,
    };
    int r = str_printf(text, "%s+%#llx", slash != NULL ? slash + 1 : file->path,
                       (unsigned long long)offset);
    if (r == 0) {
        (void)symbolize_module(&request, selfcheck_take_name, text);
    }
    return r;
}

static int selfcheck_append_stack(const struct recording *recording,
                                  const struct check_sample *sample, const char *whose,
                                  const uint64_t *frames, uint32_t count, struct str *text)
{
    const struct subject *subject = recording_find(recording, sample->process_key);
    uint32_t shown_count = count < CHECK_SAMPLE_FRAMES ? count : CHECK_SAMPLE_FRAMES;
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < shown_count; i++) {
        r = str_printf(text, "unwind check: %s %3u%s ", whose, sample->skipped_count + i,
                       i == sample->different_at ? ">" : " ");
        if (r == 0) {
            r = selfcheck_append_frame(recording, subject, frames[i], text);
        }
        if (r == 0) {
            r = str_append_char(text, '\n');
        }
    }
    if (r == 0 && sample->different_at >= shown_count && shown_count < CHECK_SAMPLE_FRAMES) {
        r = str_printf(text, "unwind check: %s %3u> (ends)\n", whose,
                       sample->skipped_count + shown_count);
    }
    return r;
}

int selfcheck_describe(const struct ring_check *check, const struct recording *recording,
                       struct str *text, bool *out_is_passed)
{
    bool is_blind =
        selfcheck_count(check, CHECK_EQUAL) == 0 && selfcheck_count(check, CHECK_SKIPPED) > 0;
    int r = selfcheck_append_counts(check, text);
    if (r == 0 && is_blind) {
        r = str_append(text, "unwind check: is libunwind.so.8 there?\n");
    }
    for (int i = 0; r == 0 && i < CHECK_SAMPLES; i++) {
        const struct check_sample *sample = &check->samples[i];
        if (!atomic_load(&sample->is_complete)) {
            continue;
        }
        r = selfcheck_append_stack(recording, sample, "allocaudit", sample->own, sample->own_count,
                                   text);
        if (r == 0) {
            r = selfcheck_append_stack(recording, sample, "libunwind ", sample->other,
                                       sample->other_count, text);
        }
    }
    symbolize_cleanup();
    *out_is_passed = !is_blind && selfcheck_count(check, CHECK_DIFFERENT) == 0;
    return r;
}
