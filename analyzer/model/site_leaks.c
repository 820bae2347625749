#include "site_leaks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/suggest.h"
#include "../base/vec.h"

enum {
    WORD_BYTES = 32,
};

static int take_leak(void *context, const struct site_leak_row *row)
{
    struct site_leaks *leaks = context;
    if (leaks->count == 0 || leaks->items[leaks->count - 1].stack_id != row->stack_id) {
        int result = vec_reserve((void **)&leaks->items, &leaks->capacity, leaks->count + 1,
                                 sizeof(*leaks->items));
        if (result < 0) {
            return result;
        }
        leaks->items[leaks->count++] = (struct site_leak){.stack_id = row->stack_id};
    }
    struct site_leak *leak = &leaks->items[leaks->count - 1];
    leak->leaked_count[row->kind] += row->leaked_count;
    leak->leaked_bytes[row->kind] += row->leaked_bytes;
    return 0;
}

static int take_check(void *context, const char *leak_check, uint64_t process_count,
                      uint64_t leaked_count)
{
    struct site_leaks *leaks = context;
    bool is_partly = strcmp(leak_check, "partly") == 0;
    if (is_partly || strcmp(leak_check, "done") == 0) {
        leaks->known_process_count += process_count;
        leaks->is_partly = leaks->is_partly || is_partly;
        return 0;
    }
    if (leaks->unknown_process_count == 0) {
        (void)snprintf(leaks->unknown_reason, sizeof(leaks->unknown_reason), "%s", leak_check);
    }
    leaks->unknown_process_count += process_count;
    leaks->unknown_leaked_count += leaked_count;
    return 0;
}

int site_leaks_load(struct site_leaks *leaks, const struct trace *trace, uint32_t process_id,
                    struct err *err)
{
    *leaks = (struct site_leaks){0};
    int result = query_site_leaks(trace->db, process_id, take_leak, leaks, err);
    return result == 0 ? query_leak_checks(trace->db, process_id, take_check, leaks, err) : result;
}

void site_leaks_fini(struct site_leaks *leaks)
{
    free(leaks->items);
    *leaks = (struct site_leaks){0};
}

static int compare_stacks(const void *key, const void *item)
{
    uint32_t stack_id = *(const uint32_t *)key;
    const struct site_leak *leak = item;
    return (stack_id > leak->stack_id) - (stack_id < leak->stack_id);
}

const struct site_leak *site_leaks_find(const struct site_leaks *leaks, uint32_t stack_id)
{
    return leaks->count == 0 ? NULL
                             : bsearch(&stack_id, leaks->items, leaks->count, sizeof(*leaks->items),
                                       compare_stacks);
}

static uint64_t sum(const uint64_t *figures, unsigned kinds)
{
    uint64_t total = 0;
    for (unsigned kind = LEAK_UNKNOWN + 1; kind < LEAK_KIND_COUNT; kind++) {
        total += (kinds & LEAK_BIT(kind)) != 0 ? figures[kind] : 0;
    }
    return total;
}

uint64_t site_leak_count(const struct site_leak *leak, unsigned kinds)
{
    return leak != NULL ? sum(leak->leaked_count, kinds) : 0;
}

uint64_t site_leak_bytes(const struct site_leak *leak, unsigned kinds)
{
    return leak != NULL ? sum(leak->leaked_bytes, kinds) : 0;
}

const char *site_leaks_reason(const struct site_leaks *leaks)
{
    static const char *const reasons[][2] = {
        {"off", "recorded with --leak-check no"},
        {"sampled", "of a sample nothing can be said"},
        {"large", "more than --leak-check auto looks at: --leak-check yes does"},
        {"late", "looking would have held it up for too long: --leak-check yes waits longer"},
        {"refused", "the memory could not be read"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(leaks->unknown_reason, reasons[i][0]) == 0) {
            return reasons[i][1];
        }
    }
    return "killed, crashed, replaced by another program, or still running";
}

bool site_leaks_is_unexpected(const struct site_leaks *leaks)
{
    const char *reason = leaks->unknown_reason;
    return strcmp(reason, "large") == 0 || strcmp(reason, "late") == 0 ||
           strcmp(reason, "refused") == 0;
}

const char *site_leaks_name(unsigned kinds, char text[LEAK_KINDS_TEXT_BYTES])
{
    int length = 0;
    text[0] = '\0';
    for (unsigned kind = LEAK_UNKNOWN + 1; kind < LEAK_KIND_COUNT; kind++) {
        if ((kinds & LEAK_BIT(kind)) != 0) {
            length += snprintf(text + length, LEAK_KINDS_TEXT_BYTES - (size_t)length, "%s%s",
                               length > 0 ? ", " : "", leak_kind_word(kind));
        }
    }
    return text;
}

int site_leaks_parse(const char *text, unsigned *out_kinds, struct err *err)
{
    const char *const words[] = {
#define X(name, word) (word),
        LEAK_KINDS(X)
#undef X
            NULL,
    };
    unsigned kinds = 0;
    for (const char *at = text;; at++) {
        char word[WORD_BYTES];
        at += strspn(at, " ");
        size_t length = strcspn(at, ", ");
        (void)snprintf(word, sizeof(word), "%.*s", (int)length, at);
        unsigned kind = LEAK_UNKNOWN + 1;
        while (kind < LEAK_KIND_COUNT && strcmp(leak_kind_word(kind), word) != 0) {
            kind++;
        }
        if (kind == LEAK_KIND_COUNT) {
            const char *near = suggest_nearest(word, words);
            return err_set(err, EINVAL, "'%s' is no kind of leak%s%s%s", word,
                           near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                           near != NULL ? "'?" : ": definite, indirect, possible, reachable");
        }
        kinds |= LEAK_BIT(kind);
        at += length + strspn(at + length, " ");
        if (*at == '\0') {
            break;
        }
    }
    *out_kinds = kinds;
    return 0;
}
