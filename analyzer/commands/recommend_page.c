/*
 * recommend_page.c - the page of `recommend` and `tune`: that of the report, with the answer before
 * it (recommend_write_page in recommend_answer.h).
 */
#include "recommend_answer.h"
#include "report_answer.h"

int recommend_write_page(const struct recommend_answer *answer, const char *html,
                         const struct report_extra *extra)
{
    struct report_settings settings = REPORT_SETTINGS_DEFAULT;
    struct option_arguments no_words = {0};
    settings.input = answer->path;
    settings.process = answer->settings->process;
    settings.html = html;
    return report_answer(&settings, &no_words, extra);
}
