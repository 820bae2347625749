/*
 * Writes baselines as text. Lines are as few as they can be and sorted, so that a change shows as
 * what it is in a diff.
 */
#include <errno.h>
#include <inttypes.h>

#include "../base/str.h"
#include "../base/whole_file.h"
#include "../model/site_leaks.h"
#include "baseline.h"

enum {
    SHARE_LEAST = 500, /* sites with less than one in so many of every figure are left out */
};

/* In double quotes, as YAML (and JSON) has it. */
static int append_quoted(struct str *text, const char *word)
{
    int result = str_append_char(text, '"');
    for (; *word != '\0' && result == 0; word++) {
        unsigned char c = (unsigned char)*word;
        if (c == '"' || c == '\\') {
            result = str_printf(text, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            result = str_printf(text, "\\x%02x", c);
        } else {
            result = str_append_char(text, (char)c);
        }
    }
    return result == 0 ? str_append_char(text, '"') : result;
}

static int append_figure(struct str *text, const struct baseline_figure *figure)
{
    return figure->least == figure->most
               ? str_printf(text, "%" PRIu64, figure->least)
               : str_printf(text, "%" PRIu64 "..%" PRIu64, figure->least, figure->most);
}

static int append_run(struct str *text, const struct baseline *baseline)
{
    int result = str_append(text, "run:\n");
    for (unsigned i = 0; i < GATE_METRIC_COUNT && result == 0; i++) {
        result = str_printf(text, "  %s: ", gate_metrics[i].name);
        result = result == 0 ? append_figure(text, &baseline->run[i]) : result;
        result = result == 0 ? str_append_char(text, '\n') : result;
    }
    return result;
}

static bool is_notable(const struct baseline *baseline, const struct baseline_site *site)
{
    for (unsigned i = 0; i < GATE_METRIC_COUNT; i++) {
        uint64_t most = site->figures[i].most;
        if (most > 0 && most >= baseline->run[i].most / SHARE_LEAST) {
            return true;
        }
    }
    return false;
}

/* A path is a value, not a key: YAML has no keys of more than 1024 characters. */
static int append_site(struct str *text, const struct baseline_site *site)
{
    int result = str_append(text, "  - {path: ");
    result = result == 0 ? append_quoted(text, site->path) : result;
    for (unsigned i = 0; i < GATE_METRIC_COUNT && result == 0; i++) {
        if (site->figures[i].most > 0) {
            result = str_printf(text, ", %s: ", gate_metrics[i].name);
            result = result == 0 ? append_figure(text, &site->figures[i]) : result;
        }
    }
    return result == 0 ? str_append(text, "}\n") : result;
}

static int append_all(struct str *text, const struct baseline *baseline)
{
    int result = str_printf(text,
                            "# Written by 'allocaudit baseline'; 'allocaudit gate --baseline' "
                            "holds recordings against it.\n"
                            "baseline: %d\ncommand: ",
                            BASELINE_FORMAT);
    result = result == 0 ? append_quoted(text, baseline->command) : result;
    result = result == 0
                 ? str_printf(text, "\nrecording_count: %" PRIu64 "\nthread_count: %" PRIu64 "\n",
                              baseline->recording_count, baseline->thread_count)
                 : result;
    if (result == 0 && baseline->is_leak_checked) {
        char kinds[LEAK_KINDS_TEXT_BYTES];
        result =
            str_printf(text, "leak_kinds: %s\n", site_leaks_name(baseline->leaks.kinds, kinds));
    }
    result = result == 0 ? append_run(text, baseline) : result;
    result = result == 0 ? str_append(text, "sites:\n") : result;
    for (size_t i = 0; i < baseline->site_count && result == 0; i++) {
        if (is_notable(baseline, &baseline->sites[i])) {
            result = append_site(text, &baseline->sites[i]);
        }
    }
    return result;
}

int baseline_write(const struct baseline *baseline, FILE *stream, struct err *err)
{
    struct str text = {0};
    int result = append_all(&text, baseline);
    if (result < 0) {
        result = err_set_errno(err, -result, "cannot write the baseline");
    } else if (fwrite(text.text, 1, text.size_bytes, stream) != text.size_bytes ||
               fflush(stream) != 0) {
        result = err_set_errno(err, errno != 0 ? errno : EIO, "cannot write the baseline");
    }
    str_fini(&text);
    return result;
}

int baseline_write_file(const struct baseline *baseline, const char *path, struct err *err)
{
    struct whole_file file;
    int result = whole_file_open(path, &file, err);
    if (result < 0) {
        return result;
    }
    result = baseline_write(baseline, file.stream, err);
    if (result < 0) {
        whole_file_discard(&file);
        return result;
    }
    return whole_file_keep(&file, err);
}
