#include "stack_answer.h"

#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drain/reader.h"
#include "stack_text.h"

enum {
    STACKS_SHOWN = 5,
};

/* What the program wrote is not believed. */
static uint32_t stack_answer_find(const struct drain *drain, uint32_t lane_index,
                                  uint32_t process_key, uint32_t local_id)
{
    const struct reader *reader =
        lane_index < RING_LANE_CAPACITY ? drain->reader_of_lane[lane_index] : NULL;
    if (reader == NULL || reader->context.subject->key != process_key) {
        return STACK_ROOT;
    }
    const struct lane_context *lane = &reader->context;
    uint32_t site = local_id < lane->site_count ? lane->sites[local_id] : UINT32_MAX;
    const struct tally *tally = &lane->subject->tally;
    return site < tally->site_count ? tally->sites[site].stack_id : STACK_ROOT;
}

static int stack_answer_write(const struct drain *drain, const struct ring_stacks *question,
                              struct str *text)
{
    struct stack_share items[RING_STACKS_MOST];
    size_t count =
        question->stack_count < RING_STACKS_MOST ? question->stack_count : RING_STACKS_MOST;
    for (size_t i = 0; i < count; i++) {
        const struct asked_stack asked = question->stacks[i];
        items[i] = (struct stack_share){
            .stack_id =
                stack_answer_find(drain, question->lane, question->process_key, asked.local_id),
            .count = asked.count,
            .size_bytes = asked.size_bytes,
        };
    }
    const struct stack_shares shares = {
        .items = items,
        .count = count,
        .more_count = question->more_count,
        .shown_most = STACKS_SHOWN,
        .is_by_bytes = question->is_by_bytes != 0,
    };
    int r = stack_text_append(text, drain->recording, &shares);
    if (r == 0 && question->forgotten_count > 0) {
        r = str_printf(text, "  (the first %llu allocations are not among these)\n",
                       (unsigned long long)question->forgotten_count);
    }
    return r;
}

/* As many whole lines as there is room for. */
static void stack_answer_put(struct ring_stacks *question, const struct str *text)
{
    size_t size_bytes = text->size_bytes;
    if (size_bytes >= sizeof(question->text)) {
        size_bytes = sizeof(question->text) - 1;
        while (size_bytes > 0 && text->text[size_bytes - 1] != '\n') {
            size_bytes--;
        }
    }
    memcpy(question->text, str_text(text), size_bytes);
    question->text[size_bytes] = '\0';
}

bool stack_answer_is_due(const struct session *session)
{
    return atomic_load(&session->ring->stacks.state) == SCAN_ASKED;
}

void stack_answer_look(const struct drain *drain)
{
    struct ring_stacks *question = &drain->session->ring->stacks;
    uint32_t expected = SCAN_ASKED;
    if (question->asked_ticks > drain->read_ticks ||
        !atomic_compare_exchange_strong(&question->state, &expected, STACKS_TOLD)) {
        return;
    }
    struct str text = {0};
    if (stack_answer_write(drain, question, &text) < 0) {
        str_clear(&text); /* out of memory: not known */
    }
    stack_answer_put(question, &text);
    str_fini(&text);
    expected = STACKS_TOLD;
    if (!atomic_compare_exchange_strong(&question->state, &expected, SCAN_DONE)) {
        atomic_store(&question->state, SCAN_FREE);
    }
    syscall(SYS_futex, &question->state, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
