#include "run_frames.h"

#include <errno.h>
#include <string.h>

#include "../base/str.h"
#include "../catalog/frame_option.h"
#include "../cli/talk.h"

int run_frames_check(const struct option_list *symbols, struct err *err)
{
#if defined(__x86_64__)
    return frame_option_check(symbols->items, symbols->count, err);
#else
    return symbols->count == 0 ? 0
                               : err_set(err, EINVAL,
                                         "--frame-symbol works on x86-64 only: call "
                                         "allocaudit_frame() instead (allocaudit.h)");
#endif
}

void run_frames_advise(const struct option_list *symbols, const char *command, const char *program)
{
    /* Of a script, `program` is only the interpreter: then nothing is known. */
    bool is_script = strcmp(str_base_name(command), str_base_name(program)) != 0;
    for (size_t i = 0; i < symbols->count && !is_script; i++) {
        struct str advice = {0};
        if (frame_option_advise(program, symbols->items[i], &advice) == 0 &&
            advice.size_bytes > 0) {
            talk_note("%s", str_text(&advice));
        }
        str_fini(&advice);
    }
}

void run_frames_tell(const struct option_list *symbols, const struct recording *recording)
{
    for (size_t i = 0; i < symbols->count; i++) {
        if (recording_count_frames(recording, symbols->items[i]) == 0) {
            talk_note("--frame-symbol %s was never called through a dynamic symbol: no frame has "
                      "ended",
                      symbols->items[i]);
        }
    }
}
