#include "candidate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../interposer/policy/settings.h"
#include "../base/suggest.h"
#include "../base/vec.h"
#include "setting_grid.h"

enum {
    LABELS_MAX = 64, /* that a misspelt one is compared with */
};

static int refuse_memory(struct err *err)
{
    return err_set(err, ENOMEM, "out of memory");
}

static struct candidate *find(const struct candidates *candidates, const char *label, size_t length)
{
    for (size_t i = 0; i < candidates->count; i++) {
        struct candidate *candidate = &candidates->items[i];
        if (strlen(candidate->label) == length && memcmp(candidate->label, label, length) == 0) {
            return candidate;
        }
    }
    return NULL;
}

/* The '@' that ends the allocator's name, or the end of the label. One in a folder's name or in
 * that of a file that is there is not meant. */
static size_t allocator_length(const char *label)
{
    const char *slash = strrchr(label, '/');
    const char *at = strrchr(slash != NULL ? slash : label, '@');
    const bool is_file = slash != NULL && access(label, F_OK) == 0;
    return at == NULL || is_file ? strlen(label) : (size_t)(at - label);
}

/* Looks the allocator up; one that is not installed becomes an absence. */
static int look_up(struct candidate *candidate, struct err *err)
{
    struct err reason;
    char *name = strndup(candidate->label, allocator_length(candidate->label));
    if (name == NULL) {
        return refuse_memory(err);
    }
    int r = allocators_find(name, &candidate->allocator, &reason);
    free(name);
    if (r == -ENOPKG) {
        candidate->absence = strdup(reason.text);
        return candidate->absence != NULL ? 0 : refuse_memory(err);
    }
    return r < 0 ? err_set(err, -r, "%s", reason.text) : 0;
}

static int add(struct candidates *candidates, const char *label, size_t length, struct err *err)
{
    if (length == 0) {
        return err_set(err, EINVAL, "the list of allocators has an empty place");
    }
    if (find(candidates, label, length) != NULL) {
        return err_set(err, EINVAL,
                       "'%.*s' is listed twice: tell the two apart, as in '%.*s@second'",
                       (int)length, label, (int)length, label);
    }
    int r = vec_reserve((void **)&candidates->items, &candidates->capacity, candidates->count + 1,
                        sizeof(*candidates->items));
    char *copy = r == 0 ? strndup(label, length) : NULL;
    if (copy == NULL) {
        return refuse_memory(err);
    }

    struct candidate *candidate = &candidates->items[candidates->count];
    *candidate = (struct candidate){.label = copy};
    candidates->count++;
    return look_up(candidate, err);
}

static bool is_name(const char *text, size_t length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return length > 0 && strspn(text, letters) >= length && (text[0] < '0' || text[0] > '9');
}

static int refuse_label(const struct candidates *candidates, const char *label, size_t length,
                        struct err *err)
{
    const char *labels[LABELS_MAX + 1] = {NULL};
    char *copy = strndup(label, length);
    for (size_t i = 0; i < candidates->count && i < LABELS_MAX; i++) {
        labels[i] = candidates->items[i].label;
    }
    const char *nearest = copy != NULL ? suggest_nearest(copy, labels) : NULL;
    free(copy);
    if (nearest != NULL) {
        return err_set(err, EINVAL, "no candidate is called '%.*s': did you mean '%s'?",
                       (int)length, label, nearest);
    }
    return err_set(err, EINVAL, "no candidate is called '%.*s'", (int)length, label);
}

static int add_setting(struct candidate *candidate, const char *setting, struct err *err)
{
    const char **settings =
        realloc(candidate->settings, (candidate->setting_count + 1) * sizeof(*settings));
    if (settings == NULL) {
        return refuse_memory(err);
    }
    settings[candidate->setting_count] = setting;
    candidate->settings = settings;
    candidate->setting_count++;
    return 0;
}

/* Whom "CANDIDATE:NAME=VALUE" is for: the longest label counts, since one with the settings of a
 * policy holds ':' and '=' itself. NULL: for no candidate alone. */
static struct candidate *find_addressee(const struct candidates *candidates, const char *setting)
{
    struct candidate *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const char *label = candidates->items[i].label;
        const size_t length = strlen(label);
        const bool is_meant = strncmp(setting, label, length) == 0 && setting[length] == ':';
        const char *name = is_meant ? setting + length + 1 : "";
        const size_t name_bytes = strcspn(name, "=");
        if (length > longest && name[name_bytes] == '=' && is_name(name, name_bytes)) {
            found = &candidates->items[i];
            longest = length;
        }
    }
    return found;
}

/* Where the NAME begins: behind the last ':' before the first '='. */
static size_t find_name(const char *setting)
{
    size_t at = strcspn(setting, "=");
    while (at > 0 && setting[at - 1] != ':') {
        at--;
    }
    return at;
}

/* What says how candidates are loaded is not theirs to change. */
static int check_name(const char *setting, const char *name, size_t length, struct err *err)
{
    if (name[length] == '\0' || !is_name(name, length)) {
        return err_set(err, EINVAL,
                       "'%s' is no setting: use NAME=VALUE, or CANDIDATE:NAME=VALUE for one "
                       "candidate alone",
                       setting);
    }
    if (strncmp(name, "LD_PRELOAD=", strlen("LD_PRELOAD=")) == 0) {
        return err_set(err, EINVAL,
                       "'%s': LD_PRELOAD is how candidates are loaded; list the library as a "
                       "candidate",
                       setting);
    }
    if (strncmp(name, POLICY_ENV "=", strlen(POLICY_ENV "=")) == 0) {
        return err_set(err, EINVAL,
                       "'%s': list the policy as a candidate, as in pool:chunk_bytes=16384",
                       setting);
    }
    return 0;
}

/* [CANDIDATE:]NAME=VALUE */
static int apply(struct candidates *candidates, const char *setting, struct err *err)
{
    struct candidate *addressee = find_addressee(candidates, setting);
    const size_t name_at = addressee != NULL ? strlen(addressee->label) + 1 : find_name(setting);
    const char *name = setting + name_at;
    int r = check_name(setting, name, strcspn(name, "="), err);
    if (r < 0) {
        return r;
    }
    if (addressee != NULL) {
        return add_setting(addressee, name, err);
    }
    if (name_at > 0) {
        return refuse_label(candidates, setting, name_at - 1, err);
    }
    for (size_t i = 0; i < candidates->count && r == 0; i++) {
        r = add_setting(&candidates->items[i], setting, err);
    }
    return r;
}

int candidates_parse(struct candidates *candidates, const char *list, const char *const *settings,
                     size_t setting_count, struct err *err)
{
    int r = 0;
    while (r == 0) {
        const size_t length = allocators_name_length(list);
        r = add(candidates, list, length, err);
        if (list[length] == '\0') {
            break;
        }
        list += length + 1;
    }
    for (size_t i = 0; i < setting_count && r == 0; i++) {
        r = setting_is_list(settings[i]) ? 0 : apply(candidates, settings[i], err);
    }
    for (size_t i = 0; i < setting_count && r == 0; i++) {
        if (setting_is_list(settings[i])) {
            r = check_name(settings[i], settings[i], strcspn(settings[i], "="), err);
            r = r == 0 ? setting_grid_apply(candidates, settings[i], err) : r;
        }
    }
    return r;
}

void candidates_fini(struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++) {
        free(candidates->items[i].label);
        free(candidates->items[i].settings);
        free(candidates->items[i].absence);
    }
    for (size_t i = 0; i < candidates->text_count; i++) {
        free(candidates->texts[i]);
    }
    free(candidates->texts);
    free(candidates->items);
    *candidates = (struct candidates){0};
}

/* Its library, ahead of what is preloaded anyway. */
static int append_preload(const struct candidate *candidate, struct str *list)
{
    const char *behind = getenv("LD_PRELOAD");
    int r = str_append(list, candidate->allocator.path);
    return r == 0 && behind != NULL && behind[0] != '\0' ? str_printf(list, ":%s", behind) : r;
}

int candidate_fill_variables(const struct candidate *candidate, struct variables *variables)
{
    struct str preload = {0};
    int r = variables_copy(variables, environ);
    for (size_t i = 0; i < candidate->setting_count && r == 0; i++) {
        r = variables_set(variables, candidate->settings[i]);
    }
    if (r == 0 && candidate->allocator.kind == ALLOCATOR_POLICY) {
        r = variables_set_value(variables, POLICY_ENV, candidate->allocator.policy);
    }
    if (r == 0 && candidate->allocator.kind != ALLOCATOR_GLIBC) {
        r = append_preload(candidate, &preload);
        if (r == 0) {
            r = variables_set_value(variables, "LD_PRELOAD", str_text(&preload));
        }
    }
    str_fini(&preload);
    return r;
}

/* "NAME=VALUE ", where only the value may be quoted: a shell takes 'NAME=VALUE' for a command. */
static int append_assignment(const char *name, size_t name_bytes, const char *value,
                             struct str *line)
{
    int r = str_append_bytes(line, name, name_bytes);
    if (r == 0) {
        r = str_append_char(line, '=');
    }
    if (r == 0 && value[0] != '\0') {
        r = str_append_quoted(line, value);
    }
    return r == 0 ? str_append_char(line, ' ') : r;
}

int candidate_append_command(const struct candidate *candidate, char *const *command,
                             struct str *line)
{
    struct str preload = {0};
    int r = 0;
    for (size_t i = 0; i < candidate->setting_count && r == 0; i++) {
        const char *setting = candidate->settings[i];
        const size_t name_bytes = strcspn(setting, "=");
        r = append_assignment(setting, name_bytes, setting + name_bytes + 1, line);
    }
    if (r == 0 && candidate->allocator.kind == ALLOCATOR_POLICY) {
        r = append_assignment(POLICY_ENV, strlen(POLICY_ENV), candidate->allocator.policy, line);
    }
    if (r == 0 && candidate->allocator.kind != ALLOCATOR_GLIBC) {
        r = append_preload(candidate, &preload);
        if (r == 0) {
            r = append_assignment("LD_PRELOAD", strlen("LD_PRELOAD"), str_text(&preload), line);
        }
    }
    for (size_t i = 0; command[i] != NULL && r == 0; i++) {
        r = i > 0 ? str_append_char(line, ' ') : 0;
        if (r == 0) {
            r = str_append_quoted(line, command[i]);
        }
    }
    str_fini(&preload);
    return r;
}
