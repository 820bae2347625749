/*
 * sample_program.h - for tests of symbolize: a program that is compiled in the test and prints the
 * offsets of three calls of its own, and what the symbolizer says of them. Failures end the test.
 */
#ifndef ALLOCAUDIT_SAMPLE_PROGRAM_H
#define ALLOCAUDIT_SAMPLE_PROGRAM_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/elf/debug_file.h"
#include "../../analyzer/elf/symbolize.h"

/* Prints the offsets of the calls of probe(), in the order in which main() comes by. */
static const char sample_text[] =
    "#include <link.h>\n"
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "static int take_bias(struct dl_phdr_info *info, size_t size, void *bias)\n"
    "{\n"
    "    (void)size;\n"
    "    *(unsigned long *)bias = info->dlpi_addr;\n"
    "    return 1;\n"
    "}\n"
    "__attribute__((noinline)) void probe(int is_last)\n"
    "{\n"
    "    unsigned long bias = 0;\n"
    "    dl_iterate_phdr(take_bias, &bias);\n"
    "    printf(\"%lx\\n\", (unsigned long)__builtin_return_address(0) - bias);\n"
    "    if (is_last) { exit(0); }\n"
    "}\n"
    "__attribute__((noinline, noreturn)) void probe_last(void);\n"
    "static inline __attribute__((always_inline)) void inner(void)\n"
    "{\n"
    "    probe(0);\n" /* line 20 */
    "    __asm__ volatile(\"\");\n"
    "}\n"
    "static inline __attribute__((always_inline)) void middle(void)\n"
    "{\n"
    "    { int block = 1; __asm__ volatile(\"\" : \"+r\"(block)); inner(); }\n" /* line 25 */
    "}\n"
    "__attribute__((noinline)) void outer(void)\n"
    "{\n"
    "    middle();\n" /* line 29 */
    "    __asm__ volatile(\"\");\n"
    "}\n"
    "static __attribute__((noinline)) void hidden(void)\n"
    "{\n"
    "    probe(0);\n" /* line 34 */
    "    __asm__ volatile(\"\");\n"
    "}\n"
    "__attribute__((noinline)) void gives_up(void)\n"
    "{\n"
    "    probe_last();\n" /* line 39: nothing of this function is behind the call */
    "}\n"
    "__attribute__((noinline)) void stands_behind(void)\n"
    "{\n"
    "    __asm__ volatile(\"\");\n"
    "}\n"
    "int main(void)\n"
    "{\n"
    "    outer();\n"
    "    hidden();\n"
    "    gives_up();\n"
    "    stands_behind();\n"
    "    return 1;\n"
    "}\n";

/* The call is the last instruction, and prints where it would return to. */
static const char last_text[] =
    "void probe(int is_last);\n"
    "__attribute__((noreturn)) void probe_last(void);\n"
    "__asm__(\".text\\n.globl probe_last\\n.type probe_last,@function\\n\"\n"
    "        \"probe_last:\\n mov $1, %edi\\n jmp probe\\n.size probe_last, .-probe_last\\n\");\n";

enum {
    OFFSET_COUNT = 3,
    OUTER = 0,
    HIDDEN = 1,
    GIVES_UP = 2
};

struct fixture {
    char folder[64];
    char program[96];
    uint64_t offsets[OFFSET_COUNT]; /* ascending in the file, as the functions stand in it */
    size_t order[OFFSET_COUNT];     /* where the offsets of OUTER, HIDDEN, GIVES_UP went */
};

static struct fixture fixture;

/* What the sink was given. */
struct answer {
    size_t call_count;
    size_t counts[OFFSET_COUNT];
    char functions[OFFSET_COUNT][8][128];
    char files[OFFSET_COUNT][8][256];
    uint32_t lines[OFFSET_COUNT][8];
};

static void run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run_shell(const char *format, ...)
{
    char command[1024];
    int length = snprintf(command, sizeof(command), "cd %s && ", fixture.folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + length, sizeof(command) - (size_t)length, format, args);
    va_end(args);
    if (system(command) != 0) {
        fail_msg("failed: %s", command);
    }
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", fixture.folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Compiles the sample, runs it, and takes the offsets that it prints. */
static void build_sample(const char *flags)
{
    run_shell("rm -rf sample sample.debug root .debug && cc -D_GNU_SOURCE -O2 %s sample.c last.c "
              "-o sample",
              flags);
    char command[128];
    snprintf(command, sizeof(command), "%s/sample", fixture.folder);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    uint64_t offsets[OFFSET_COUNT];
    for (size_t i = 0; i < OFFSET_COUNT; i++) {
        assert_int_equal(fscanf(output, "%" SCNx64, &offsets[i]), 1);
    }
    assert_int_equal(pclose(output), 0);
    for (size_t i = 0; i < OFFSET_COUNT; i++) {
        size_t place = 0;
        for (size_t j = 0; j < OFFSET_COUNT; j++) {
            place += offsets[j] < offsets[i];
        }
        fixture.offsets[place] = offsets[i];
        fixture.order[i] = place;
    }
}

static void take_answer(void *context, size_t index, const struct symbol *symbols, size_t count)
{
    struct answer *answer = context;
    assert_int_equal(index, answer->call_count++);
    assert_in_range(index, 0, OFFSET_COUNT - 1);
    answer->counts[index] = count;
    for (size_t i = 0; i < count && i < 8; i++) {
        const char *function = symbols[i].function != NULL ? symbols[i].function : "(null)";
        const char *file = symbols[i].file != NULL ? symbols[i].file : "(null)";
        snprintf(answer->functions[index][i], sizeof(answer->functions[index][i]), "%s", function);
        snprintf(answer->files[index][i], sizeof(answer->files[index][i]), "%s", file);
        answer->lines[index][i] = symbols[i].line;
    }
}

static inline const char *symbolize(const char *path, const char *build_id, struct answer *answer)
{
    const struct symbolize_request request = {.path = path,
                                              .build_id = build_id,
                                              .offsets = fixture.offsets,
                                              .offset_count = OFFSET_COUNT};
    memset(answer, 0, sizeof(*answer));
    const char *source = symbolize_module(&request, take_answer, answer);
    assert_int_equal(answer->call_count, OFFSET_COUNT);
    return source;
}

static void check_symbol(const struct answer *answer, int place, size_t level, const char *function,
                         uint32_t line)
{
    size_t index = fixture.order[place];
    char file[128];
    snprintf(file, sizeof(file), "%s/sample.c", fixture.folder);
    assert_in_range(level, 0, answer->counts[index] - 1);
    assert_string_equal(answer->functions[index][level], function);
    assert_string_equal(answer->files[index][level], line == 0 ? "(null)" : file);
    assert_int_equal(answer->lines[index][level], line);
}

static void check_all_is_known(const struct answer *answer)
{
    check_symbol(answer, OUTER, 0, "inner", 20);
    check_symbol(answer, OUTER, 1, "middle", 25);
    check_symbol(answer, OUTER, 2, "outer", 29);
    assert_int_equal(answer->counts[fixture.order[OUTER]], 3);
    check_symbol(answer, HIDDEN, 0, "hidden", 34);
    assert_int_equal(answer->counts[fixture.order[HIDDEN]], 1);
    check_symbol(answer, GIVES_UP, 0, "gives_up", 39);
    assert_int_equal(answer->counts[fixture.order[GIVES_UP]], 1);
}

static void check_nothing_is_known(const struct answer *answer)
{
    for (size_t i = 0; i < OFFSET_COUNT; i++) {
        assert_int_equal(answer->counts[i], 0);
    }
}

/* The hex build id of the sample, by readelf. */
static void read_build_id(char *build_id, size_t size_bytes)
{
    char command[160];
    snprintf(command, sizeof(command), "readelf -n %s | sed -n 's/.*Build ID: //p'",
             fixture.program);
    FILE *output = popen(command, "r");
    assert_non_null(fgets(build_id, (int)size_bytes, output));
    pclose(output);
    build_id[strcspn(build_id, "\n")] = '\0';
    assert_in_range(strlen(build_id), 16, 64);
}

#endif
