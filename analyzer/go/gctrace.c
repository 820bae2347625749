#include "gctrace.h"

#include <string.h>

/*
 * Lines as patterns: '#' stands for a whole number, '$' for one that may have decimals. The numbers
 * are put into values[] in this order.
 */
enum {
    VALUE_CYCLE,
    VALUE_SINCE_START,
    VALUE_CPU_SHARE,
    VALUE_SWEEP_STOP,
    VALUE_MARK,
    VALUE_MARK_STOP,
    VALUE_SWEEP_STOP_CPU,
    VALUE_ASSIST_CPU,
    VALUE_BACKGROUND_CPU,
    VALUE_IDLE_CPU,
    VALUE_MARK_STOP_CPU,
    VALUE_HEAP_START,
    VALUE_HEAP_END,
    VALUE_HEAP_LIVE,
    VALUE_GOAL,
    VALUE_OTHERS, /* stacks, globals, processors; or processors alone */
    VALUES_MAX = VALUE_OTHERS + 3,
    DIGITS_MAX = 15,
};

#define HEAD                                                                                       \
    "gc # @$s #%: $+$+$ ms clock, $+$/$/$+$ ms cpu, #->#->#"                                       \
    " MB, # MB goal, "

#define SCAVENGE_HEAD "scav # KiB "

static const struct pattern {
    const char *text;
    bool has_stacks;
    bool is_forced;
} patterns[] = {
    {HEAD "# MB stacks, # MB globals, # P\n", true, false},
    {HEAD "# MB stacks, # MB globals, # P (forced)\n", true, true},
    {HEAD "# P\n", false, false},
    {HEAD "# P (forced)\n", false, true},
};

/* Reads digits and, if asked for, decimals; in units of a millionth. Returns the bytes read. */
static size_t read_number(const char *text, size_t size_bytes, bool has_decimals,
                          uint64_t *out_millionths)
{
    uint64_t value = 0;
    uint64_t scale = 1000000;
    size_t at = 0;
    while (at < size_bytes && at < DIGITS_MAX && text[at] >= '0' && text[at] <= '9') {
        value = value * 10 + (uint64_t)(text[at++] - '0');
    }
    if (at > 0 && has_decimals && at < size_bytes && text[at] == '.') {
        at++;
        while (at < size_bytes && scale > 1 && text[at] >= '0' && text[at] <= '9') {
            value = value * 10 + (uint64_t)(text[at++] - '0');
            scale /= 10;
        }
    }
    *out_millionths = value * scale;
    return at;
}

static enum gctrace_match match_pattern(const char *pattern, const char *text, size_t size_bytes,
                                        uint64_t values[VALUES_MAX], size_t *out_value_count)
{
    size_t at = 0;
    size_t count = 0;
    for (; *pattern != '\0'; pattern++) {
        if (at == size_bytes) {
            *out_value_count = count;
            return GCTRACE_BEGIN;
        }
        if (*pattern == '#' || *pattern == '$') {
            size_t read = read_number(text + at, size_bytes - at, *pattern == '$', &values[count]);
            if (read == 0) {
                return GCTRACE_NONE;
            }
            at += read;
            count++;
        } else if (text[at++] != *pattern) {
            return GCTRACE_NONE;
        }
    }
    *out_value_count = count;
    return at == size_bytes ? GCTRACE_COMPLETE : GCTRACE_NONE;
}

static uint64_t whole(uint64_t millionths)
{
    return millionths / 1000000;
}

static uint64_t mebibytes(uint64_t millionths)
{
    return whole(millionths) << 20;
}

static void take_values(struct gc_cycle *cycle, const struct pattern *pattern,
                        const uint64_t values[VALUES_MAX])
{
    const uint64_t *others = values + VALUE_OTHERS;
    *cycle = (struct gc_cycle){
        .cycle = whole(values[VALUE_CYCLE]),
        .since_start_ns = values[VALUE_SINCE_START] * 1000, /* seconds */
        .gc_cpu_pct = whole(values[VALUE_CPU_SHARE]),
        .sweep_stop_ns = values[VALUE_SWEEP_STOP], /* milliseconds: a millionth is a ns */
        .mark_ns = values[VALUE_MARK],
        .mark_stop_ns = values[VALUE_MARK_STOP],
        .sweep_stop_cpu_ns = values[VALUE_SWEEP_STOP_CPU],
        .assist_cpu_ns = values[VALUE_ASSIST_CPU],
        .background_cpu_ns = values[VALUE_BACKGROUND_CPU],
        .idle_cpu_ns = values[VALUE_IDLE_CPU],
        .mark_stop_cpu_ns = values[VALUE_MARK_STOP_CPU],
        .heap_start_bytes = mebibytes(values[VALUE_HEAP_START]),
        .heap_end_bytes = mebibytes(values[VALUE_HEAP_END]),
        .heap_live_bytes = mebibytes(values[VALUE_HEAP_LIVE]),
        .heap_goal_bytes = mebibytes(values[VALUE_GOAL]),
        .stack_bytes = pattern->has_stacks ? mebibytes(others[0]) : GCTRACE_UNKNOWN,
        .global_bytes = pattern->has_stacks ? mebibytes(others[1]) : GCTRACE_UNKNOWN,
        .processor_count = whole(others[pattern->has_stacks ? 2 : 0]),
        .is_forced = pattern->is_forced,
    };
}

enum gctrace_match gctrace_match(const char *text, size_t size_bytes, struct gc_cycle *out_cycle)
{
    enum gctrace_match best = GCTRACE_NONE;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        uint64_t values[VALUES_MAX];
        size_t count;
        enum gctrace_match match =
            match_pattern(patterns[i].text, text, size_bytes, values, &count);
        if (match == GCTRACE_COMPLETE) {
            take_values(out_cycle, &patterns[i], values);
        }
        best = match > best ? match : best;
    }
    return size_bytes > GCTRACE_LINE_BYTES ? GCTRACE_NONE : best;
}

static const struct scavenge_pattern {
    const char *text;
    bool has_eager;
    bool is_forced;
} scavenge_patterns[] = {
    {SCAVENGE_HEAD "work, # KiB total, #% util\n", false, false},
    {SCAVENGE_HEAD "work, # KiB total, #% util (forced)\n", false, true},
    {SCAVENGE_HEAD "work, # KiB total, #% util [controller reset]\n", false, false},
    {SCAVENGE_HEAD "work (bg), # KiB work (eager), # KiB now, #% util\n", true, false},
    {SCAVENGE_HEAD "work (bg), # KiB work (eager), # KiB now, #% util (forced)\n", true, true},
    {SCAVENGE_HEAD "work (bg), # KiB work (eager), # KiB now, #% util [controller reset]\n", true,
     false},
};

static uint64_t kibibytes(uint64_t millionths)
{
    return whole(millionths) << 10;
}

enum gctrace_match scavtrace_match(const char *text, size_t size_bytes,
                                   struct scavenge *out_scavenge)
{
    enum gctrace_match best = GCTRACE_NONE;
    for (size_t i = 0; i < sizeof(scavenge_patterns) / sizeof(scavenge_patterns[0]); i++) {
        const struct scavenge_pattern *pattern = &scavenge_patterns[i];
        uint64_t values[VALUES_MAX];
        size_t count;
        enum gctrace_match match = match_pattern(pattern->text, text, size_bytes, values, &count);
        if (match == GCTRACE_COMPLETE) {
            const uint64_t *now = values + (pattern->has_eager ? 2 : 1);
            *out_scavenge = (struct scavenge){
                .released_bytes = kibibytes(values[0]),
                .eager_bytes = pattern->has_eager ? kibibytes(values[1]) : GCTRACE_UNKNOWN,
                .returned_bytes = kibibytes(now[0]),
                .in_use_pct = whole(now[1]),
                .is_forced = pattern->is_forced,
            };
        }
        best = match > best ? match : best;
    }
    return best;
}

static bool scavtrace_has_begun(const char *text, size_t size_bytes)
{
    uint64_t values[VALUES_MAX];
    size_t count;
    for (size_t length = size_bytes < 32 ? size_bytes : 32; length > 0; length--) {
        if (match_pattern(SCAVENGE_HEAD, text, length, values, &count) == GCTRACE_COMPLETE) {
            return true;
        }
    }
    return false;
}

bool gctrace_has_begun(const char *text, size_t size_bytes)
{
    uint64_t values[VALUES_MAX];
    size_t count;
    const char *line_end = memchr(text, '\n', size_bytes);
    size_t line_bytes = line_end != NULL ? (size_t)(line_end - text) : size_bytes;
    for (size_t length = line_bytes < 64 ? line_bytes : 64; length > 0; length--) {
        if (match_pattern(HEAD, text, length, values, &count) == GCTRACE_BEGIN) {
            return count > VALUE_SINCE_START;
        }
    }
    return scavtrace_has_begun(text, line_bytes);
}
