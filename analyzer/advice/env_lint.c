#include "env_lint.h"
#include "../base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "knobs.h"

#define TUNABLE_PREFIX "glibc.malloc."

enum {
    WORD_BYTES = 64,
};

/* A variable while it is checked. */
struct lint_job {
    const struct env_lint *lint;
    const char *variable;
    unsigned version; /* 1000 * major + minor; 0: not known */
};

static const char *const allocator_words[] = {
    [ENV_LINT_OTHER] = "another allocator", [ENV_LINT_GLIBC] = "glibc",
    [ENV_LINT_JEMALLOC] = "jemalloc",       [ENV_LINT_TCMALLOC] = "tcmalloc",
    [ENV_LINT_MIMALLOC] = "mimalloc",
};

const char *env_lint_effect_word(enum env_lint_effect effect)
{
    static const char *const words[] = {"dropped", "ignored", "risky", "outdated"};
    return words[effect];
}

enum env_lint_allocator env_lint_allocator_of(const char *library)
{
    const char *base = str_base_name(library);
    for (int i = ENV_LINT_JEMALLOC; i <= ENV_LINT_MIMALLOC; i++) {
        if (strstr(base, allocator_words[i]) != NULL) {
            return (enum env_lint_allocator)i;
        }
    }
    return strncmp(base, "libc.so", 7) == 0 || strncmp(base, "libc-", 5) == 0 ? ENV_LINT_GLIBC
                                                                              : ENV_LINT_OTHER;
}

/* "2.36", "5.3.0-0-g54eaed1", "gperftools 2.10", "209" (mimalloc's 2.0.9). */
static unsigned parse_version(const char *text)
{
    unsigned major = 0;
    unsigned minor = 0;
    const char *digits = text == NULL ? "" : text + strcspn(text, "0123456789");
    int count = sscanf(digits, "%4u.%3u", &major, &minor);
    if (count == 1 && major >= 100 && major < 1000) {
        minor = major / 10 % 10;
        major /= 100;
        count = 2;
    }
    return count == 2 ? major * 1000 + minor : 0;
}

static void tell(const struct lint_job *job, enum env_lint_effect effect, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(const struct lint_job *job, enum env_lint_effect effect, const char *format, ...)
{
    struct env_lint_finding finding = {.effect = effect};
    va_list args;
    (void)snprintf(finding.variable, sizeof(finding.variable), "%s", job->variable);
    va_start(args, format);
    (void)vsnprintf(finding.text, sizeof(finding.text), format, args);
    va_end(args);
    job->lint->sink(job->lint->context, &finding);
}

static void copy_word(char out_word[WORD_BYTES], const char *from, size_t length)
{
    (void)snprintf(out_word, WORD_BYTES, "%.*s", (int)(length < WORD_BYTES ? length : WORD_BYTES),
                   from);
}

/* True if `word` is one of the blank-separated `words`. */
static bool holds_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t here = strcspn(at, " ");
        if (here == length && strncmp(at, word, length) == 0) {
            return true;
        }
        at += here;
    }
    return false;
}

static bool is_bool(enum knob_family family, const char *value)
{
    if (family == KNOB_JEMALLOC) {
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    }
    static const char *const words[] = {"0",   "1", "true", "false", "yes", "no", "on",
                                        "off", "t", "f",    "y",     "n",   ""};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(value, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What follows a number: mimalloc takes sizes in KiB, MiB, GiB, of which K, M, G are short. */
static bool is_good_tail(const struct knob *knob, const char *tail)
{
    static const char *const units[] = {"K", "M", "G", "KB", "MB", "GB", "KIB", "MIB", "GIB"};
    if (knob->family != KNOB_MIMALLOC || strcmp(knob->name, "RESERVE_OS_MEMORY") != 0) {
        return *tail == '\0';
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(tail, units[i]) == 0) {
            return true;
        }
    }
    return *tail == '\0';
}

static void check_number(const struct lint_job *job, const struct knob *knob, const char *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 0);
    if (end == value) {
        tell(job, ENV_LINT_IGNORED, "%s takes a number, not '%s'", knob->name, value);
    } else if (!is_good_tail(knob, end)) {
        bool is_cut = knob->family == KNOB_GLIBC || knob->family == KNOB_GLIBC_VARIABLE;
        tell(job, is_cut ? ENV_LINT_DROPPED : ENV_LINT_IGNORED,
             is_cut ? "%s: of '%s' the number in front counts, and '%s' is dropped"
                    : "%s takes a plain number: '%s' has '%s' behind it",
             knob->name, value, end);
    } else if (number < knob->min || number > knob->max || errno == ERANGE) {
        if (knob->max == INT64_MAX) {
            tell(job, ENV_LINT_IGNORED, "%s must be at least %" PRId64 ", not %s", knob->name,
                 knob->min, value);
        } else {
            tell(job, ENV_LINT_IGNORED, "%s must be from %" PRId64 " to %" PRId64 ", not %s",
                 knob->name, knob->min, knob->max, value);
        }
    }
}

static void check_value(const struct lint_job *job, const struct knob *knob, const char *value)
{
    bool is_default = knob->family == KNOB_JEMALLOC && strcmp(knob->name, "narenas") == 0 &&
                      strcmp(value, "default") == 0;
    if (knob->kind == KNOB_BOOL && !is_bool(knob->family, value)) {
        tell(job, ENV_LINT_IGNORED, "%s is %s, not '%s'", knob->name,
             knob->family == KNOB_JEMALLOC ? "true or false" : "0 or 1", value);
    } else if (knob->kind == KNOB_WORD && !holds_word(knob->words, value)) {
        tell(job, ENV_LINT_IGNORED, "%s is one of '%s', not '%s'", knob->name, knob->words, value);
    } else if (knob->kind == KNOB_INT && !is_default) {
        check_number(job, knob, value);
    }
}

/* True for values that leave a knob as it is where nothing was set. */
static bool is_off(const char *value)
{
    return strcmp(value, "0") == 0 || strcmp(value, "false") == 0 || strcmp(value, "no") == 0 ||
           strcmp(value, "off") == 0;
}

static void check_knob(const struct lint_job *job, enum knob_family family, const char *name,
                       const char *value)
{
    const struct knob *knob = knobs_find(family, name);
    if (knob == NULL) {
        const char *nearest = knobs_nearest(family, name);
        tell(job, ENV_LINT_IGNORED, nearest == NULL ? "there is no '%s'" : "there is no '%s': %s?",
             name, nearest);
        return;
    }
    if (job->version != 0 && knob->until != 0 && job->version > knob->until) {
        tell(job, ENV_LINT_IGNORED, "%s is unknown since version %u.0%s%s", name,
             knob->until / 1000 + 1, knob->instead == NULL ? "" : ": set ",
             knob->instead == NULL ? "" : knob->instead);
        return;
    }
    if (job->version != 0 && job->version < knob->since) {
        tell(job, ENV_LINT_IGNORED, "%s is unknown before version %u.%u: this is %s", name,
             knob->since / 1000, knob->since % 1000, job->lint->version);
        return;
    }
    check_value(job, knob, value);
    if (knob->danger != NULL && !is_off(value)) {
        tell(job, ENV_LINT_RISKY, "%s: %s", name, knob->danger);
    }
    if (knob->instead != NULL && knob->since == 0 && knob->until == 0) {
        tell(job, ENV_LINT_OUTDATED, "%s: %s", name, knob->instead);
    }
}

static bool is_key_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* What jemalloc makes of a key that ends with the wrong letter: it stops reading. */
static void tell_malformed(const struct lint_job *job, const char *rest, size_t key_bytes)
{
    char letter = rest[key_bytes];
    if (letter == '\0' || letter == ',') {
        tell(job, ENV_LINT_DROPPED,
             "jemalloc stops reading at '%s': there is no value behind '%.*s'", rest,
             (int)key_bytes, rest);
    } else if (letter == '=') {
        tell(job, ENV_LINT_DROPPED,
             "jemalloc stops reading at '%s': it is ':' that parts key and "
             "value, not '='",
             rest);
    } else if (letter == ' ') {
        tell(job, ENV_LINT_DROPPED, "jemalloc stops reading at '%s': there must be no space", rest);
    } else {
        tell(job, ENV_LINT_DROPPED, "jemalloc stops reading at '%s': '%c' belongs to no key", rest,
             letter);
    }
}

static void check_conf(const struct lint_job *job, const char *conf)
{
    char key[WORD_BYTES];
    char value[WORD_BYTES];
    while (*conf != '\0') {
        size_t key_bytes = 0;
        while (is_key_letter(conf[key_bytes])) {
            key_bytes++;
        }
        if (conf[key_bytes] != ':') {
            tell_malformed(job, conf, key_bytes);
            return;
        }
        size_t value_bytes = strcspn(conf + key_bytes + 1, ",");
        copy_word(key, conf, key_bytes);
        copy_word(value, conf + key_bytes + 1, value_bytes);
        check_knob(job, KNOB_JEMALLOC, key, value);
        conf += key_bytes + 1 + value_bytes;
        if (conf[0] == ',' && conf[1] == '\0') {
            tell(job, ENV_LINT_OUTDATED,
                 "jemalloc complains of the ',' at the end; what stands "
                 "before it takes");
        }
        conf += *conf == ',';
    }
}

static void check_tunable(const struct lint_job *job, const char *key, const char *value)
{
    size_t prefix_bytes = strlen(TUNABLE_PREFIX);
    if (strncmp(key, TUNABLE_PREFIX, prefix_bytes) == 0) {
        check_knob(job, KNOB_GLIBC, key + prefix_bytes, value);
    } else if (strncmp(key, "glibc.", 6) != 0) {
        const char *nearest = knobs_nearest(KNOB_GLIBC, key);
        tell(job, ENV_LINT_IGNORED,
             nearest == NULL ? "there is no tunable '%s': they begin with " TUNABLE_PREFIX
                             : "there is no tunable '%s': " TUNABLE_PREFIX "%s?",
             key, nearest);
    }
}

static void check_tunables(const struct lint_job *job, const char *list)
{
    char key[WORD_BYTES];
    char value[WORD_BYTES];
    while (*list != '\0') {
        size_t length = strcspn(list, ":");
        const char *assign = memchr(list, '=', length);
        if (assign == NULL) {
            tell(job, ENV_LINT_IGNORED, "'%.*s' has no '=' with a value", (int)length, list);
        } else {
            copy_word(key, list, (size_t)(assign - list));
            copy_word(value, assign + 1, length - (size_t)(assign + 1 - list));
            check_tunable(job, key, value);
        }
        list += length;
        list += *list == ':';
    }
}

/* False, after telling it, where another allocator serves the program. */
static bool is_read(const struct lint_job *job, enum env_lint_allocator reader)
{
    enum env_lint_allocator serving = job->lint->allocator;
    if (serving == ENV_LINT_OTHER || serving == reader) {
        return true;
    }
    tell(job, ENV_LINT_IGNORED, "%s reads it, but %s serves the program", allocator_words[reader],
         allocator_words[serving]);
    return false;
}

static void check_prefixed(const struct lint_job *job, enum knob_family family, const char *name,
                           const char *value)
{
    char upper[WORD_BYTES];
    copy_word(upper, name, strlen(name));
    for (char *letter = upper; *letter != '\0' && family == KNOB_MIMALLOC; letter++) {
        *letter = (char)(*letter >= 'a' && *letter <= 'z' ? *letter - 'a' + 'A' : *letter);
    }
    check_knob(job, family, upper, value);
}

void env_lint_check(const struct env_lint *lint, const char *name, const char *value)
{
    struct lint_job job = {.lint = lint, .variable = name, .version = parse_version(lint->version)};
    if (strcmp(name, "MALLOC_CONF") == 0) {
        if (is_read(&job, ENV_LINT_JEMALLOC)) {
            check_conf(&job, value);
        }
    } else if (strcmp(name, "GLIBC_TUNABLES") == 0) {
        job.version = lint->allocator == ENV_LINT_GLIBC ? job.version : 0;
        bool is_of_malloc =
            strstr(value, TUNABLE_PREFIX) != NULL || strncmp(value, "glibc.", 6) != 0;
        if (!is_of_malloc || is_read(&job, ENV_LINT_GLIBC)) {
            check_tunables(&job, value);
        }
    } else if (strncmp(name, "MALLOC_", 7) == 0) {
        if (is_read(&job, ENV_LINT_GLIBC)) {
            check_knob(&job, KNOB_GLIBC_VARIABLE, name, value);
        }
    } else if (strncmp(name, "MIMALLOC_", 9) == 0) {
        if (is_read(&job, ENV_LINT_MIMALLOC)) {
            check_prefixed(&job, KNOB_MIMALLOC, name + 9, value);
        }
    } else if (strncmp(name, "TCMALLOC_", 9) == 0 && is_read(&job, ENV_LINT_TCMALLOC)) {
        check_prefixed(&job, KNOB_TCMALLOC, name + 9, value);
    }
}

void env_lint_recording(const struct trace *trace, const struct process_row *process,
                        env_lint_sink *sink, void *context)
{
    const struct env_lint lint = {
        .allocator = env_lint_allocator_of(process->allocator),
        .version = process->allocator_version,
        .sink = sink,
        .context = context,
    };
    for (size_t i = 0; i < trace->variable_count; i++) {
        env_lint_check(&lint, trace->variables[i].name, trace->variables[i].value);
    }
}
