#include "trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupts.h"
#include "measure.h"

/* One run, and where it stands. */
struct turn {
    struct trial *trial;
    const struct interrupts *interrupts;
    size_t round; /* warm-up rounds come first */
    size_t entry;
};

static int refuse_memory(struct err *err)
{
    return err_set(err, ENOMEM, "out of memory");
}

int trial_init(struct trial *trial, const struct trial_settings *settings,
               const struct candidates *candidates, struct err *err)
{
    *trial = (struct trial){.settings = settings};
    trial->entries = calloc(candidates->count, sizeof(*trial->entries));
    int r = trial->entries == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < candidates->count && r == 0; i++) {
        const struct candidate *candidate = &candidates->items[i];
        if (candidate->absence != NULL) {
            continue;
        }
        struct trial_entry *entry = &trial->entries[trial->entry_count];
        entry->candidate = candidate;
        trial->entry_count++;
        /* Untouched until it is needed: what we have in use shows in the peaks of programs. */
        entry->runs = calloc(settings->round_count, sizeof(*entry->runs));
        r = entry->runs == NULL ? -ENOMEM : candidate_fill_variables(candidate, &entry->variables);
    }
    return r < 0 ? refuse_memory(err) : 0;
}

void trial_fini(struct trial *trial)
{
    for (size_t i = 0; i < trial->entry_count; i++) {
        variables_fini(&trial->entries[i].variables);
        free(trial->entries[i].runs);
        free(trial->entries[i].failure);
    }
    free(trial->entries);
    *trial = (struct trial){0};
}

/* There and back again: nobody always runs after the same one, or always first. */
size_t trial_turn(size_t round, size_t i, size_t entry_count)
{
    const size_t place = round % 2 == 0 ? i : entry_count - 1 - i;
    return (place + round / 2) % entry_count;
}

static bool is_warmup(const struct turn *turn)
{
    return turn->round < turn->trial->settings->warmup_count;
}

static int append_place(const struct turn *turn, struct str *text)
{
    if (is_warmup(turn)) {
        return str_append(text, "in the warm-up, ");
    }
    return str_printf(text, "in round %zu, ",
                      turn->round - turn->trial->settings->warmup_count + 1);
}

/* What the loader says ahead of the program if it goes on without the library. */
static bool is_preload_refused(const struct candidate *candidate, const struct captured *errors)
{
    char beginning[CAPTURED_END_BYTES];
    snprintf(beginning, sizeof(beginning), "ERROR: ld.so: object '%.400s",
             candidate->allocator.path);
    return candidate->allocator.kind != ALLOCATOR_GLIBC && captured_begins_with(errors, beginning);
}

/* Why the run is not one to count, into `reason`; "" if it is. Returns 0 or -ENOMEM. */
static int find_fault(const struct turn *turn, const struct measurement *measurement,
                      const struct measure_words *words, struct str *reason)
{
    const struct trial_entry *entry = &turn->trial->entries[turn->entry];
    if (is_preload_refused(entry->candidate, &words->errors)) {
        return str_append(reason, "the loader could not preload its library and went on without");
    }
    if (measurement_is_good(measurement, turn->trial->settings->wanted_status)) {
        return 0;
    }
    int r = append_place(turn, reason);
    if (r == 0) {
        r = str_append(reason, "the command ");
    }
    return r == 0 ? measurement_append_end(measurement, &words->errors, reason) : r;
}

/* Takes the entry out; the baseline takes the whole trial with it. */
static int drop(const struct turn *turn, const char *reason, struct err *err)
{
    const struct trial_listener *listener = &turn->trial->settings->listener;
    struct trial_entry *entry = &turn->trial->entries[turn->entry];
    if (turn->entry == 0) {
        return err_set(err, ECHILD, "nothing to compare with: under '%s', %s",
                       entry->candidate->label, reason);
    }
    entry->failure = strdup(reason);
    if (entry->failure == NULL) {
        return refuse_memory(err);
    }
    if (listener->on_failure != NULL) {
        listener->on_failure(listener->context, turn->entry, reason);
    }
    return 0;
}

/* The entry's output so far is that of its first run, unless told otherwise here. */
static void note_output(struct trial_entry *entry, const struct captured *output)
{
    if (!entry->has_output) {
        entry->has_output = true;
        entry->output_hash = output->hash;
    } else if (entry->output_hash != output->hash) {
        entry->output = TRIAL_OUTPUT_VARIES;
    }
}

static int accept(const struct turn *turn, const struct measurement *measurement,
                  const struct measure_words *words, struct err *err)
{
    struct trial_entry *entry = &turn->trial->entries[turn->entry];
    struct str reason = {0};
    int r = find_fault(turn, measurement, words, &reason);
    if (r < 0) {
        r = refuse_memory(err);
    } else if (reason.size_bytes > 0) {
        r = drop(turn, str_text(&reason), err);
    } else {
        note_output(entry, &words->output);
        if (!is_warmup(turn)) {
            entry->runs[turn->trial->round_count] = *measurement;
        }
    }
    str_fini(&reason);
    return r;
}

static int take_turn(const struct turn *turn, struct err *err)
{
    const struct trial_settings *settings = turn->trial->settings;
    const struct trial_entry *entry = &turn->trial->entries[turn->entry];
    const struct measure_request request = {
        .command = settings->command,
        .environment = entry->variables.items,
        .input = settings->input,
        .timeout_ns = settings->timeout_ns,
        .echo_fd = settings->echo_fd,
        .interrupt_fd = turn->interrupts->fd,
        .signal_mask = turn->interrupts->old_mask,
        .on_waiting = settings->listener.on_waiting,
        .context = settings->listener.context,
    };
    struct measurement measurement;
    struct measure_words words;
    int r = measure_run(&request, &measurement, &words, err);
    return r < 0 ? r : accept(turn, &measurement, &words, err);
}

static int run_round(struct trial *trial, const struct interrupts *interrupts, size_t round,
                     struct err *err)
{
    const struct trial_settings *settings = trial->settings;
    const size_t total = (settings->warmup_count + settings->round_count) * trial->entry_count;
    int r = 0;
    for (size_t i = 0; i < trial->entry_count && r == 0; i++) {
        const struct turn turn = {.trial = trial,
                                  .interrupts = interrupts,
                                  .round = round,
                                  .entry = trial_turn(round, i, trial->entry_count)};
        if (trial->entries[turn.entry].failure != NULL) {
            continue;
        }
        if (settings->listener.on_run != NULL) {
            settings->listener.on_run(settings->listener.context, turn.entry,
                                      round * trial->entry_count + i, total);
        }
        r = take_turn(&turn, err);
    }
    return r;
}

/* A candidate whose output differs from the baseline's: said only if the baseline's is always the
 * same. */
static void compare_outputs(struct trial *trial)
{
    const struct trial_entry *baseline = &trial->entries[0];
    for (size_t i = 1; i < trial->entry_count; i++) {
        struct trial_entry *entry = &trial->entries[i];
        const bool is_other =
            entry->output == TRIAL_OUTPUT_VARIES || entry->output_hash != baseline->output_hash;
        entry->output = baseline->output == TRIAL_OUTPUT_VARIES ? TRIAL_OUTPUT_VARIES
                        : is_other                              ? TRIAL_OUTPUT_DIFFERS
                                                                : TRIAL_OUTPUT_SAME;
    }
}

int trial_run(struct trial *trial, struct err *err)
{
    const struct trial_settings *settings = trial->settings;
    struct interrupts interrupts;
    int r = interrupts_begin(&interrupts, err);
    if (r < 0) {
        return r;
    }
    for (size_t round = 0; round < settings->warmup_count + settings->round_count && r == 0;
         round++) {
        r = run_round(trial, &interrupts, round, err);
        trial->round_count += r == 0 && round >= settings->warmup_count ? 1 : 0;
    }
    if (r == -EINTR) {
        trial->interrupt = interrupts_take(&interrupts);
    }
    interrupts_end(&interrupts);
    compare_outputs(trial);
    return r;
}

int trial_compare(const struct trial *trial, size_t entry, double threshold_pct,
                  struct comparison *out_comparisons, struct err *err)
{
    const size_t count = trial->round_count;
    double *values = malloc(3 * count * sizeof(*values));
    if (values == NULL) {
        return refuse_memory(err);
    }
    double *baseline = values + count;
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++) {
        for (size_t i = 0; i < count; i++) {
            values[i] = measurement_value(&trial->entries[entry].runs[i], metric);
            baseline[i] = measurement_value(&trial->entries[0].runs[i], metric);
        }
        out_comparisons[metric] =
            comparison_make(values, baseline, count, metric, threshold_pct, baseline + count);
        if (entry == 0) {
            out_comparisons[metric].verdict = VERDICT_BASELINE;
        }
    }
    free(values);
    return 0;
}
