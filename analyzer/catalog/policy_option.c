#include "policy_option.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../base/suggest.h"

enum {
    WORD_BYTES = 64,
};

static const char *nearest_kind(const char *word)
{
    const char *names[POLICY_KIND_COUNT + 1] = {0};
    for (unsigned i = 0; i < POLICY_KIND_COUNT; i++) {
        names[i] = policy_kind_name(i);
    }
    return suggest_nearest(word, names);
}

static const char *nearest_setting(const char *word, enum policy_kind kind)
{
    const char *names[POLICY_SETTING_COUNT + 2] = {0};
    size_t count = 0;
    for (unsigned i = 0; i < POLICY_SETTING_COUNT; i++) {
        if (policy_setting_rows[i].kind == kind) {
            names[count++] = policy_setting_rows[i].name;
        }
    }
    if (kind == POLICY_POOL || kind == POLICY_SLAB) {
        names[count] = "sizes";
    }
    return suggest_nearest(word, names);
}

int policy_option_parse(const char *text, struct policy_settings *out_settings, struct err *err)
{
    struct policy_mistake mistake;
    char word[WORD_BYTES] = "";
    if (policy_settings_parse(text, out_settings, &mistake)) {
        return 0;
    }
    size_t length = mistake.word_length < WORD_BYTES - 1 ? mistake.word_length : WORD_BYTES - 1;
    memcpy(word, mistake.word, length);
    size_t place = (size_t)(mistake.word - text) + 1;
    if (mistake.most != 0) {
        return err_set(err, EINVAL,
                       "policy '%s': %s is out of range at character %zu: %" PRIu64 " to %" PRIu64
                       " is possible",
                       text, word, place, mistake.least, mistake.most);
    }
    const char *near = NULL;
    if (strcmp(mistake.what, "unknown policy") == 0) {
        near = nearest_kind(word);
    } else if (strcmp(mistake.what, "unknown setting") == 0) {
        near = nearest_setting(word, out_settings->kind);
    }
    return err_set(err, EINVAL, "policy '%s': %s '%s' at character %zu%s%s%s", text, mistake.what,
                   word, place, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                   near != NULL ? "'?" : "");
}
