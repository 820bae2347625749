#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"
#include "../base/whole_file.h"
#include "../cli/talk.h"
#include "../cli/term.h"
#include "../model/gc_setting.h"
#include "../replay/pair_calibration.h"
#include "../report/html_page.h"
#include "../report/sections.h"
#include "cmd.h"
#include "report_answer.h"

enum {
    WITHIN_MAX = 128, /* the largest class of the table `temporary` holds 64 to 127 */
    TOP_MAX = 10000000,
    TREE_TOP_MAX = 10000,
    STACK_ID_MAX = INT32_MAX,
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct report_settings, input),
    {"sort", 's', NULL, "what the tables 'sites' and 'tree' are sorted by", "count",
     OPTION_CHOICE_AT(struct report_settings, sort), .choices = site_key_words},
    {"top", 'n', "N", "show the N largest rows of each table", "20; 3 to 5 without a section",
     OPTION_COUNT_AT(struct report_settings, top_count), .min = 1, .max = TOP_MAX},
    {"stack", '\0', "N",
     "show the whole call stack N (numbers stand in the tables); with 'tree': only what is "
     "beneath it",
     NULL, OPTION_COUNT_AT(struct report_settings, stack_id), .min = 1, .max = STACK_ID_MAX},
    {"process", 'p', "ID", "only this process: its number in 'processes', or its pid", NULL,
     OPTION_TEXT_AT(struct report_settings, process)},
    {"thread", '\0', "NAME",
     "only allocations by this thread: its name, or its number in 'threads'", NULL,
     OPTION_TEXT_AT(struct report_settings, thread)},
    {"module", '\0', "GLOB", "only sites with a function of this program or library in their stack",
     NULL, OPTION_TEXT_AT(struct report_settings, module)},
    {"function", '\0', "GLOB",
     "only sites with this function in their stack; without * or ? a part of the name is enough",
     NULL, OPTION_TEXT_AT(struct report_settings, function)},
    {"from", '\0', "TIME", "only allocations made at this time of the run or later (10ms, 2s)",
     NULL, OPTION_DURATION_AT(struct report_settings, from_ns)},
    {"to", '\0', "TIME", "only allocations made before this time of the run", NULL,
     OPTION_DURATION_AT(struct report_settings, to_ns)},
    {"within", '\0', "N",
     "call a block temporary if its thread freed it before the N-th allocation after it; a power "
     "of two",
     "1", OPTION_COUNT_AT(struct report_settings, within), .min = 1, .max = WITHIN_MAX},
    {"suppressions", '\0', "FILE",
     "leaks that do not count, as LeakSanitizer reads them (lines of leak:PATTERN)", NULL,
     OPTION_TEXT_AT(struct report_settings, suppressions)},
    {"html", '\0', "OUT",
     "write one page for a browser instead, with every section, flame graph and timeline; it needs "
     "no network ('-': to stdout)",
     NULL, OPTION_TEXT_AT(struct report_settings, html)},
    {"calibrate", '\0', NULL,
     "with 'pools': measure now, in about a second, what a malloc and a free cost, and what blocks "
     "take of memory, on each allocator that is installed, and in a pool",
     NULL, OPTION_FLAG_AT(struct report_settings, is_calibrated)},
    {"goal", '\0', NULL, "what the section 'gc-advice' is to save", "cpu",
     OPTION_CHOICE_AT(struct report_settings, gc_goal), .choices = OPTION_WORDS("cpu", "memory")},
    {"limit", '\0', "BYTES", "the memory of the container that 'gc-advice' is for (512MiB)",
     "none: up to twice the memory that was used",
     OPTION_BYTES_AT(struct report_settings, limit_bytes), .min = 1 << 20},
    {"setting", '\0', "SETTING",
     "what 'gc-advice' shall also predict: 'GOGC=150', 'GOGC=off GOMEMLIMIT=1GiB'", NULL,
     OPTION_TEXT_AT(struct report_settings, gc_setting)},
    OUT_OPTIONS(struct report_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit report", "the overview of ./allocaudit.db"},
    {"allocaudit report sites --sort bytes --top 50", "the 50 sites that allocate most bytes"},
    {"allocaudit report sites --stack 4711", "the callers of one site"},
    {"allocaudit report app.db leaks --format json", "leaks for a script"},
    {"allocaudit report --html heap.html", "a page with everything, for a browser"},
    {"allocaudit report --from 2s --to 2500ms", "half a second of the run"},
    {"allocaudit report pools --calibrate",
     "whether a pool would pay, and against which allocator"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "Sections: unrecorded (processes that were started and are not in the recording, and why), "
    "faults (errors of the program: freed twice, freed what is no block, freed by a call "
    "of "
    "another kind ...); sanitizer (what AddressSanitizer and LeakSanitizer have reported, with the "
    "blocks as they were recorded); summary; sites (where memory is allocated: one row per call "
    "stack, by "
    "count, bytes, "
    "bytes live at the peak, time); leaks (blocks never freed); temporary (freed by the allocating "
    "thread at once); lifetimes; sizes (as requested); threads; processes; timeline; large (blocks "
    "of 64 KiB or more freed within 10 ms); realloc (blocks that grew); modules; tree (sites "
    "summed "
    "up by their callers); gc (of a Go program: its garbage collections). Without a section: all "
    "but modules and tree that have something to say.",
    "Only where they are named: recommendation (whether another allocator could win anything; "
    "'allocaudit recommend' measures it); latency (how long calls take, and their share of the CPU "
    "time); "
    "pools (blocks of equal size, and what a pool for them would save); clocks (lifetimes by time, "
    "by bytes and by allocations); predict (how well a site foretells its blocks); lifo (whether "
    "the youngest block is freed first); handoffs (who allocates, who frees); churn (threads that "
    "come and go); bursts; reserve (blocks that grow, and what a reserve would spare); zeroing "
    "(what calloc clears); alignment; frames (what each turn of a loop or request allocates, as "
    "marked by allocaudit_frame() or run --frame-symbol); scopes (what is allocated between "
    "allocaudit_scope_begin() and _end()); fragmentation (where the resident heap goes: rounding, "
    "holes, empty pages; and a map of the heap); pins (which sites hold pages alone, and what "
    "keeps "
    "glibc's heap from shrinking); memory (from requested bytes to the resident set); gc-advice "
    "(what GOGC, GOMEMLIMIT and sync.Pool would change in a Go program).",
    "The function shown for a site is the first of its stack that is not a wrapper of an allocator "
    "(operator new, std::vector, xmalloc, g_malloc ...).",
    "--thread, --from and --to count anew from every recorded allocation, which takes a while; "
    "figures that need the whole run are then left out. A leak is a block still live when its "
    "process ended; definite: nothing points to it; indirect: only lost blocks do; possible: only "
    "pointers into its middle; reachable: the rest. Times are since the run began. "
    "schema/README.md defines every figure.",
    "--html holds all sections (or those named), limited as the report would be. It carries "
    "aggregates and the heaviest of the call stacks, so its size does not grow with the recording; "
    "what is left out of the flame graph stands there as '(smaller)'.",
    "Exit status: 0 done, 2 wrong usage, 3 the file cannot be read or nothing was recorded.",
    NULL,
};

const struct option_page cmd_report_page = {
    .command = "report",
    .purpose = "show where a recorded program allocates, what it leaks and wastes",
    .usage = "[FILE] [SECTION...] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

static int check_settings(const struct report_settings *settings, const struct section_plan *plan)
{
    if ((settings->within & (settings->within - 1)) != 0) {
        return cmd_misuse(&cmd_report_page,
                          "--within takes a power of two (1, 2, 4, 8 ...): so it is recorded");
    }
    bool has_part = (plan->limits & (SECTION_BY_TIME | SECTION_BY_THREAD)) != 0;
    const struct selection part = {.is_part_of_run = has_part};
    if (settings->sort != REPORT_UNSORTED &&
        !site_key_is_known((enum site_key)settings->sort, &part)) {
        return cmd_misuse(&cmd_report_page,
                          "--sort %s needs the whole run: not with --thread, --from or --to",
                          site_key_word((enum site_key)settings->sort));
    }
    if (settings->is_calibrated && !section_plan_has(plan, "pools")) {
        return cmd_misuse(&cmd_report_page, "--calibrate goes with the section 'pools'");
    }
    struct gc_setting setting;
    if (settings->gc_setting != NULL && !section_plan_has(plan, "gc-advice")) {
        return cmd_misuse(&cmd_report_page, "--setting goes with the section 'gc-advice'");
    }
    if (settings->gc_setting != NULL && !gc_setting_parse(settings->gc_setting, &setting)) {
        return cmd_misuse(&cmd_report_page,
                          "--setting '%s' is not GOGC=N, GOMEMLIMIT=SIZE or both (Go's sizes end "
                          "in B, KiB, MiB, GiB or TiB)",
                          settings->gc_setting);
    }
    bool has_top = settings->top_count != OPTION_NOT_GIVEN;
    if (section_plan_has(plan, "tree") && has_top && settings->top_count > TREE_TOP_MAX) {
        return cmd_misuse(&cmd_report_page, "--top of the tree is at most %d", TREE_TOP_MAX);
    }
    if (settings->html != NULL && settings->out.format == OUT_JSON) {
        return cmd_misuse(&cmd_report_page, "--html writes a page: not with --format json");
    }
    if (settings->html != NULL && settings->stack_id != OPTION_NOT_GIVEN) {
        return cmd_misuse(&cmd_report_page, "--html shows all stacks: not with --stack");
    }
    return CMD_DONE;
}

/* A page that is cut off by a full disk would look whole: it is kept only if it is. */
static int write_page(struct report *report, const struct section_plan *plan)
{
    const char *path = report->settings->html;
    struct whole_file file;
    struct err err;
    int result = whole_file_open(path, &file, &err);
    if (result < 0) {
        return cmd_fail(&err);
    }
    const bool is_stdout = file.stream == stdout;
    result = html_page_write(report, plan, file.stream, &err);
    const long size_bytes = result == 0 && !is_stdout ? ftell(file.stream) : -1;
    if (result == 0) {
        result = whole_file_keep(&file, &err);
    } else {
        whole_file_discard(&file);
    }
    if (result < 0) {
        return result == -EPIPE ? CMD_DONE : cmd_fail(&err);
    }
    if (!is_stdout) {
        char size[32] = "";
        if (size_bytes >= 0) {
            (void)out_format_bytes(size_bytes, size);
        }
        talk_note("wrote %s%s%s: open it in a browser", path, size_bytes >= 0 ? ", " : "", size);
    }
    return CMD_DONE;
}

static void show_calibration(void *context, uint64_t done, uint64_t total)
{
    term_progress_update(context, done, total);
}

/* Costs of the allocator that served the process whose pools are looked at, and of the others. */
static int calibrate(struct report *report, struct pair_costs *costs, struct err *err)
{
    const struct process_row *process = report_process(report);
    if (!report->settings->is_calibrated || process == NULL) {
        return 0;
    }
    struct term_progress progress;
    term_progress_begin(&progress, stderr, "measuring allocators");
    int result =
        pair_calibration_measure(process->allocator, show_calibration, &progress, costs, err);
    term_progress_end(&progress);
    report->pair_costs = result == 0 ? costs : NULL;
    return result;
}

static int print_report(struct report *report, const struct section_plan *plan,
                        struct pair_costs *costs)
{
    struct err err;
    int result = calibrate(report, costs, &err);
    if (result == 0 && report->is_page) {
        return write_page(report, plan);
    }
    if (result == 0) {
        result = out_create("report", &report->settings->out, stdout, &report->out, &err);
    }
    if (result < 0) {
        return cmd_fail(&err);
    }
    result = sections_print(report, plan, &err);
    if (result < 0) {
        out_destroy(report->out);
        return result == -ENOENT ? cmd_misuse(&cmd_report_page, "%s", err.text) : cmd_fail(&err);
    }
    return cmd_finish(report->out, CMD_DONE);
}

static int report_recording(struct report *report, const struct section_plan *plan,
                            struct selection *selection, struct pair_costs *costs)
{
    const struct report_settings *settings = report->settings;
    const struct selection_request request = {
        .process = settings->process,
        .thread = settings->thread,
        .module = settings->module,
        .function = settings->function,
        .from_ns = settings->from_ns,
        .to_ns = settings->to_ns,
    };
    struct err err;
    int result = selection_resolve(report->trace, &request, selection, &err);
    if (result < 0) {
        bool is_misuse = result == -ENOENT || result == -EINVAL;
        return is_misuse ? cmd_misuse(&cmd_report_page, "%s", err.text) : cmd_fail(&err);
    }
    report->selection = selection;
    if (settings->sort != REPORT_UNSORTED &&
        !site_key_is_known((enum site_key)settings->sort, selection)) {
        return cmd_misuse(&cmd_report_page, "--sort %s needs every allocation: not of a sample",
                          site_key_word((enum site_key)settings->sort));
    }
    trace_totals(report->trace, selection->process_id, &report->totals);
    result = stacks_create(report->trace->db, &report->stacks, &err);
    if (result == 0) {
        result = sites_load(report->trace, selection, plan->key_set, settings->within,
                            &report->sites, &err);
    }
    if (result == 0) {
        result = report_load_leaks(report, &err);
    }
    if (result == -EINVAL) {
        return cmd_misuse(&cmd_report_page, "%s", err.text);
    }
    return result < 0 ? cmd_fail(&err) : print_report(report, plan, costs);
}

/* The words that make the next command read the same file. */
static int name_file(struct report *report, struct err *err)
{
    bool is_default = strcmp(report->path, CMD_DEFAULT_FILE) == 0;
    int result = str_append(&report->file_words, is_default ? "" : " -i ");
    if (result == 0 && !is_default) {
        result = str_append_quoted(&report->file_words, report->path);
    }
    return result < 0 ? err_set_errno(err, -result, "cannot report") : 0;
}

int report_answer(const struct report_settings *settings, struct option_arguments *arguments,
                  const struct report_extra *extra)
{
    struct section_plan plan = {.has_names = false};
    struct report report = {
        .settings = settings, .path = cmd_take_file(settings->input, arguments), .extra = extra};
    struct err err;
    if (section_plan_make(settings, arguments->words, arguments->count, &plan, &err) < 0) {
        return cmd_misuse(&cmd_report_page, "%s", err.text);
    }
    int status = check_settings(settings, &plan);
    if (status != CMD_DONE) {
        return status;
    }

    report.is_page = settings->html != NULL;
    report.is_overview = !plan.has_names && !report.is_page;
    if (report.is_page && html_page_check(&err) < 0) {
        return cmd_fail(&err);
    }
    struct trace *trace = NULL;
    struct selection selection = {0};
    int result = trace_open(report.path, &trace, &err);
    if (result == 0) {
        result = trace_check_content(trace, &err);
    }
    if (result == 0) {
        result = name_file(&report, &err);
    }
    if (result < 0) {
        status = cmd_fail(&err);
    } else {
        struct pair_costs costs; /* of the report, if it is calibrated */
        report.trace = trace;
        status = report_recording(&report, &plan, &selection, &costs);
    }
    sites_destroy(report.sites);
    site_leaks_fini(&report.leaks);
    suppressions_fini(&report.suppressions);
    stacks_destroy(report.stacks);
    selection_fini(&selection);
    str_fini(&report.left_out);
    str_fini(&report.file_words);
    trace_close(trace);
    return status;
}

int cmd_report(int argc, char **argv)
{
    struct report_settings settings = REPORT_SETTINGS_DEFAULT;
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_report_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }
    return report_answer(&settings, &arguments, NULL);
}
