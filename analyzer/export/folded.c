/*
 * Folded stacks, as flame graph tools read them: a line per stack, its functions from the root on,
 * joined by ';', then a blank and the value.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../base/str.h"
#include "export.h"

/* A ';' or the end of a line in a name would be taken for the format's own. */
static int append_name(struct str *line, const char *name)
{
    int result = 0;
    for (; *name != '\0' && result == 0; name++) {
        unsigned char c = (unsigned char)*name;
        result = str_append_char(line, c == ';' ? ':' : c < ' ' || c == 0x7f ? ' ' : *name);
    }
    return result;
}

static int append_line(struct str *line, const struct frame_chain *chain, uint64_t value)
{
    str_clear(line);
    int result = 0;
    for (size_t i = chain->count; i-- > 0 && result == 0;) {
        result = append_name(line, chain->frames[i]->function);
        if (result == 0) {
            result = str_append_char(line, i > 0 ? ';' : ' ');
        }
    }
    return result < 0 ? result : str_printf(line, "%" PRIu64 "\n", value);
}

int folded_write(const struct export *export, struct err *err)
{
    uint64_t *values = NULL;
    struct frame_chain chain = {0};
    struct str line = {0};
    int result = export_stack_values(export, export->value, &values, err);
    size_t count = stack_tree_count(export->tree);
    for (size_t place = 0; place < count && result == 0; place++) {
        term_progress_update(export->progress, place, count);
        if (values[place] == 0) {
            continue;
        }
        result = frame_table_spell(export->frames, export->tree, place, &chain, err);
        if (result == 0 && append_line(&line, &chain, values[place]) < 0) {
            result = err_set_errno(err, ENOMEM, "cannot export");
        }
        if (result == 0 &&
            fwrite(line.text, 1, line.size_bytes, export->stream) != line.size_bytes) {
            result = export_check_stream(export, err);
        }
    }
    str_fini(&line);
    frame_chain_fini(&chain);
    free(values);
    return result < 0 ? result : export_check_stream(export, err);
}
