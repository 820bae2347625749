/*
 * The unwind rules of every row that readelf shows for this program and for libc, at the first and
 * the last address that the row covers.
 */
#include "../../interposer/cfi.h"

#include <dlfcn.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../interposer/eh_frame.h"

static void eh_frame_uleb_known_numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[11];
        size_t count;
        uint64_t value;
    } cases[] = {
        {{0x00}, 1, 0},
        {{0x7f}, 1, 127},
        {{0x80, 0x01}, 2, 128},
        {{0xe5, 0x8e, 0x26}, 3, 624485},
        {{0x80, 0x80, 0x00}, 3, 0},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t *at = cases[i].bytes;
        assert_int_equal(eh_frame_uleb(&at, cases[i].bytes + 11), cases[i].value);
        assert_ptr_equal(at, cases[i].bytes + cases[i].count);
    }
}

static void eh_frame_sleb_known_numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[11];
        size_t count;
        int64_t value;
    } cases[] = {
        {{0x02}, 1, 2},
        {{0x7e}, 1, -2},
        {{0xff, 0x00}, 2, 127},
        {{0x81, 0x7f}, 2, -127},
        {{0x78}, 1, -8},
        {{0xc0, 0xbb, 0x78}, 3, -123456},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f}, 10, INT64_MIN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t *at = cases[i].bytes;
        assert_int_equal(eh_frame_sleb(&at, cases[i].bytes + 11), cases[i].value);
        assert_ptr_equal(at, cases[i].bytes + cases[i].count);
    }
}

static void eh_frame_leb_stops_at_the_end(void **state)
{
    (void)state;
    static const uint8_t endless[20] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    for (size_t length = 0; length <= sizeof(endless); length++) {
        const uint8_t *at = endless;
        (void)eh_frame_uleb(&at, endless + length);
        assert_ptr_equal(at, endless + length);
        at = endless;
        (void)eh_frame_sleb(&at, endless + length);
        assert_ptr_equal(at, endless + length);
    }
}

static void cfi_find_outside_of_code_is_unknown(void **state)
{
    (void)state;
    char *block = malloc(100);
    const uintptr_t addresses[] = {
        0, 1, 4096, (uintptr_t)block, (uintptr_t)&block, UINTPTR_MAX, UINTPTR_MAX / 2};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        assert_int_equal(cfi_find(addresses[i]).kind, CFI_UNKNOWN);
    }
    free(block);
}

#if defined(__x86_64__)

enum {
    COLUMNS_MAX = 32,
    COLUMN_BYTES = 64,
    MISMATCHES_SHOWN = 20,
};

/* A row of readelf's table, and what its columns are called. */
struct table {
    char names[COLUMNS_MAX][COLUMN_BYTES];
    char cells[COLUMNS_MAX][COLUMN_BYTES];
    size_t column_count;
    uint64_t row_start; /* 0: none yet */
    uint64_t end;       /* of the function */
    bool is_signal;
};

struct comparison {
    uintptr_t load_bias;
    unsigned row_count;
    unsigned known_count; /* rows for which cfi_find() has a rule */
    unsigned mismatch_count;
};

static size_t split(char *line, char cells[][COLUMN_BYTES])
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \n", &rest); word != NULL && count < COLUMNS_MAX;
         word = strtok_r(NULL, " \n", &rest)) {
        if (word[0] != '(') { /* "r3 (rbx)" is one cell */
            snprintf(cells[count++], COLUMN_BYTES, "%s", word);
        }
    }
    return count;
}

static const char *cell(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->names[i], name) == 0) {
            return table->cells[i];
        }
    }
    return "u"; /* not mentioned: unchanged */
}

/* What the row means in our terms. *out_may_be_unknown: a form that need not be understood. */
static struct cfi_rule expect(const struct table *table, uint64_t address, bool *out_may_be_unknown)
{
    struct cfi_rule rule = {.kind = CFI_UNKNOWN};
    const char *cfa = cell(table, "CFA");
    const char *fp = cell(table, "rbp");
    const char *ra = cell(table, "ra");
    int offset = 0;
    bool is_plt = strcmp(cfa, "exp") == 0 && strcmp(fp, "u") == 0;
    *out_may_be_unknown = !is_plt && (strcmp(cfa, "exp") == 0 || strcmp(fp, "exp") == 0);
    if (strcmp(ra, "u") == 0) {
        rule.kind = CFI_END;
        return rule;
    }
    if (strcmp(ra, "c-8") != 0) {
        return rule;
    }
    if (strcmp(fp, "u") == 0 || strcmp(fp, "s") == 0) {
        rule.saved_fp = CFI_FP_UNCHANGED;
    } else if (sscanf(fp, "c%d", &offset) == 1) {
        rule.saved_fp = (int16_t)offset;
    } else if (strcmp(fp, "exp") == 0) {
        rule.saved_fp = CFI_FP_AT_FP;
    } else {
        return rule;
    }
    if (sscanf(cfa, "rsp%d", &rule.cfa_offset) == 1) {
        rule.kind = CFI_FROM_SP;
    } else if (sscanf(cfa, "rbp%d", &rule.cfa_offset) == 1) {
        rule.kind = CFI_FROM_FP;
    } else if (is_plt) { /* an entry has 16 bytes, and has pushed a word from its 11th on */
        rule.kind = CFI_FROM_SP;
        rule.cfa_offset = address % 16 < 11 ? 8 : 16;
    } else if (strcmp(cfa, "exp") == 0) {
        rule.kind = CFI_FROM_FP_SLOT;
    }
    return rule;
}

static bool is_same(struct cfi_rule found, struct cfi_rule expected, bool may_be_unknown)
{
    if (found.kind == CFI_UNKNOWN && may_be_unknown) {
        return true;
    }
    if (found.kind != expected.kind) {
        return false;
    }
    if (found.kind == CFI_UNKNOWN || found.kind == CFI_END) {
        return true;
    }
    bool is_offset_known = found.kind != CFI_FROM_FP_SLOT; /* readelf shows "exp" alone */
    return found.saved_fp == expected.saved_fp &&
           (!is_offset_known || found.cfa_offset == expected.cfa_offset);
}

static void compare_at(struct comparison *comparison, const struct table *table, uint64_t address)
{
    bool may_be_unknown;
    struct cfi_rule expected = expect(table, address, &may_be_unknown);
    struct cfi_rule found = cfi_find((uintptr_t)address + comparison->load_bias);
    if (table->is_signal) {
        expected = (struct cfi_rule){.kind = CFI_SIGNAL};
        may_be_unknown = true; /* the table's first byte is not the handler's return */
        found.saved_fp = 0;
        found.cfa_offset = 0;
    }
    comparison->known_count += found.kind != CFI_UNKNOWN;
    if (!is_same(found, expected, may_be_unknown) &&
        comparison->mismatch_count++ < MISMATCHES_SHOWN) {
        print_error("%llx: cfa %s fp %s ra %s: found kind %u cfa %+d fp %+d\n",
                    (unsigned long long)address, cell(table, "CFA"), cell(table, "rbp"),
                    cell(table, "ra"), found.kind, found.cfa_offset, found.saved_fp);
    }
}

static void end_row(struct comparison *comparison, struct table *table, uint64_t row_end)
{
    if (table->row_start != 0 && row_end > table->row_start) {
        comparison->row_count++;
        compare_at(comparison, table, table->row_start);
        compare_at(comparison, table, row_end - 1);
    }
    table->row_start = 0;
}

/* One line of `readelf --debug-dump=frames-interp`. */
static void read_line(struct comparison *comparison, struct table *table, char *line)
{
    unsigned long long start;
    unsigned long long end;
    const char *range = strstr(line, " pc=");
    if (range != NULL && sscanf(range, " pc=%llx..%llx", &start, &end) == 2) {
        end_row(comparison, table, table->end);
        table->end = end;
        table->column_count = 0;
        return;
    }
    if (strstr(line, " CIE ") != NULL || line[0] == '\n') {
        end_row(comparison, table, table->end);
        table->end = 0;
        return;
    }
    if (strncmp(line, "   LOC", 6) == 0) {
        table->column_count = split(line, table->names);
        return;
    }
    char *after = NULL;
    start = strtoull(line, &after, 16);
    if (table->end == 0 || table->column_count == 0 || after != line + 16 || *after != ' ') {
        return;
    }
    end_row(comparison, table, start);
    split(line, table->cells);
    table->row_start = start;
}

static void read_tables(struct comparison *comparison, FILE *text)
{
    static char line[4096];
    struct table table = {.end = 0};
    bool is_wanted = false;
    unsigned long long signal_common = UINT64_MAX; /* where signal frames have their common part */
    while (fgets(line, sizeof(line), text) != NULL) {
        if (strncmp(line, "Contents of the ", 16) == 0) {
            is_wanted = strstr(line, ".eh_frame") != NULL;
        }
        if (strstr(line, " CIE \"zRS\"") != NULL) {
            signal_common = strtoull(line, NULL, 16);
        }
        const char *common = strstr(line, " FDE cie=");
        if (common != NULL) {
            end_row(comparison, &table, table.end);
            table.is_signal = strtoull(common + 9, NULL, 16) == signal_common;
        }
        if (is_wanted) {
            read_line(comparison, &table, line);
        }
    }
    end_row(comparison, &table, table.end);
}

struct module {
    const char *name; /* part of it; "" is the program itself */
    char path[4096];
    uintptr_t load_bias;
};

static int find_module(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    struct module *module = context;
    (void)size_bytes;
    bool is_wanted = module->name[0] == '\0' ? info->dlpi_name[0] == '\0'
                                             : strstr(info->dlpi_name, module->name) != NULL;
    if (!is_wanted) {
        return 0;
    }
    snprintf(module->path, sizeof(module->path), "%s", info->dlpi_name);
    module->load_bias = info->dlpi_addr;
    return 1;
}

static void compare_module(const char *name, unsigned least_row_count)
{
    struct module module = {.name = name};
    char command[8192];
    if (system("readelf --version >/dev/null 2>&1") != 0) {
        skip();
    }
    assert_int_equal(dl_iterate_phdr(find_module, &module), 1);
    if (module.path[0] == '\0') {
        ssize_t length = readlink("/proc/self/exe", module.path, sizeof(module.path) - 1);
        assert_true(length > 0);
        module.path[length] = '\0';
    }
    snprintf(command, sizeof(command),
             "LC_ALL=C readelf --wide --debug-dump=frames-interp --debug-dump=no-follow-links '%s'"
             " 2>/dev/null",
             module.path);
    struct comparison comparison = {.load_bias = module.load_bias};
    FILE *text = popen(command, "r");
    assert_non_null(text);

    read_tables(&comparison, text);

    assert_int_equal(pclose(text), 0);
    print_message("%s: %u rows, %u of %u rules known\n", module.path, comparison.row_count,
                  comparison.known_count, 2 * comparison.row_count);
    assert_int_equal(comparison.mismatch_count, 0);
    assert_in_range(comparison.row_count, least_row_count, 10000000);
    /* rules that are not known cost time only; many would mean that something broke */
    assert_true(comparison.known_count >= 2 * (comparison.row_count - comparison.row_count / 50));
}

static void cfi_find_rules_of_this_program_equal_readelf(void **state)
{
    (void)state;
    compare_module("", 40);
}

static void cfi_find_rules_of_libc_equal_readelf(void **state)
{
    (void)state;
    compare_module("/libc.so", 10000);
}

/* Written by hand, with forms that compilers rarely choose. */
static void cfi_find_rules_of_the_loader_equal_readelf(void **state)
{
    (void)state;
    compare_module("/ld-linux", 1000);
}

#else

static void cfi_find_rules_of_this_program_equal_readelf(void **state)
{
    (void)state;
    skip();
}

#    define cfi_find_rules_of_libc_equal_readelf       cfi_find_rules_of_this_program_equal_readelf
#    define cfi_find_rules_of_the_loader_equal_readelf cfi_find_rules_of_this_program_equal_readelf

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eh_frame_uleb_known_numbers_are_read),
        cmocka_unit_test(eh_frame_sleb_known_numbers_are_read),
        cmocka_unit_test(eh_frame_leb_stops_at_the_end),
        cmocka_unit_test(cfi_find_outside_of_code_is_unknown),
        cmocka_unit_test(cfi_find_rules_of_this_program_equal_readelf),
        cmocka_unit_test(cfi_find_rules_of_libc_equal_readelf),
        cmocka_unit_test(cfi_find_rules_of_the_loader_equal_readelf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
