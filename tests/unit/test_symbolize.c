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

#include "../../analyzer/collect/debug_file.h"
#include "../../analyzer/collect/symbolize.h"

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

static const char *symbolize(const char *path, const char *build_id, struct answer *answer)
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

static void symbolize_module_with_dwarf_gives_inlined_functions(void **state)
{
    (void)state;
    static const char *const flags[] = {"-g",         "-g -gdwarf-4",
                                        "-g -gz",     "-g -gsplit-dwarf",
                                        "-g -no-pie", "-g -ffunction-sections -Wl,--gc-sections"};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        build_sample(flags[i]);

        struct answer answer;
        const char *source = symbolize(fixture.program, NULL, &answer);

        assert_string_equal(source, "dwarf");
        check_all_is_known(&answer);
    }
}

static void symbolize_module_without_dwarf_gives_names_of_symtab(void **state)
{
    (void)state;
    build_sample("-g0");

    struct answer answer;
    const char *source = symbolize(fixture.program, NULL, &answer);

    assert_string_equal(source, "symtab");
    check_symbol(&answer, OUTER, 0, "outer", 0);
    check_symbol(&answer, HIDDEN, 0, "hidden", 0);
    check_symbol(&answer, GIVES_UP, 0, "gives_up", 0);
}

static void symbolize_module_stripped_gives_exported_names_only(void **state)
{
    (void)state;
    build_sample("-g0 -rdynamic -s");

    struct answer answer;
    const char *source = symbolize(fixture.program, NULL, &answer);

    assert_string_equal(source, "dynsym");
    check_symbol(&answer, OUTER, 0, "outer", 0);
    check_symbol(&answer, GIVES_UP, 0, "gives_up", 0);
    assert_int_equal(answer.counts[fixture.order[HIDDEN]], 0);
}

static void symbolize_module_stripped_with_build_id_file_uses_it(void **state)
{
    (void)state;
    build_sample("-g -Wl,--build-id");
    char build_id[128];
    read_build_id(build_id, sizeof(build_id));
    run_shell("mkdir -p root/.build-id/%.2s && objcopy --only-keep-debug sample "
              "root/.build-id/%.2s/%s.debug && strip sample",
              build_id, build_id, build_id + 2);
    char expected[256];
    snprintf(expected, sizeof(expected), "%s/root/.build-id/%.2s/%s.debug", fixture.folder,
             build_id, build_id + 2);
    struct answer answer;

    /* given or read from the module, and even where the module itself is gone */
    assert_string_equal(symbolize(fixture.program, build_id, &answer), expected);
    check_all_is_known(&answer);
    assert_string_equal(symbolize(fixture.program, NULL, &answer), expected);
    check_all_is_known(&answer);
    run_shell("rm sample");
    assert_string_equal(symbolize(fixture.program, build_id, &answer), expected);
    check_all_is_known(&answer);
    assert_string_equal(symbolize("/deleted/sample (deleted)", build_id, &answer), expected);
    check_all_is_known(&answer);
}

static void symbolize_module_of_another_build_id_is_not_used(void **state)
{
    (void)state;
    build_sample("-g -Wl,--build-id");
    char build_id[128];
    read_build_id(build_id, sizeof(build_id));
    struct answer answer;

    assert_string_equal(symbolize(fixture.program, build_id, &answer), "dwarf");

    build_id[0] = build_id[0] == '0' ? '1' : '0';
    assert_string_equal(symbolize(fixture.program, build_id, &answer), "none");
    check_nothing_is_known(&answer);
}

static void symbolize_module_with_debug_file_of_another_build_ignores_it(void **state)
{
    (void)state;
    build_sample("-g -Wl,--build-id");
    char build_id[128];
    read_build_id(build_id, sizeof(build_id));
    run_shell(
        "mkdir -p root/.build-id/%.2s && cc -D_GNU_SOURCE -g -O1 -Wl,--build-id sample.c last.c -o "
        "root/.build-id/%.2s/%s.debug && strip sample",
        build_id, build_id, build_id + 2);

    struct answer answer;
    const char *source = symbolize(fixture.program, build_id, &answer);

    assert_string_equal(source, "none");
    check_nothing_is_known(&answer);
}

static void symbolize_module_with_debuglink_finds_the_file_in_each_place(void **state)
{
    (void)state;
    static const char *const folders[] = {".", ".debug", "root$PWD"};
    static const char *const flags[] = {"-g -Wl,--build-id", "-g -Wl,--build-id=none"};
    for (size_t i = 0; i < 6; i++) {
        build_sample(flags[i % 2]);
        run_shell("objcopy --only-keep-debug sample sample.debug && strip sample && "
                  "objcopy --add-gnu-debuglink=sample.debug sample && mkdir -p root %s && "
                  "{ test %s = . || mv sample.debug %s/; }",
                  folders[i / 2], folders[i / 2], folders[i / 2]);

        struct answer answer;
        const char *source = symbolize(fixture.program, NULL, &answer);

        assert_non_null(strstr(source, "/sample.debug"));
        check_all_is_known(&answer);
    }
}

static void symbolize_module_with_debuglink_of_another_checksum_ignores_it(void **state)
{
    (void)state;
    build_sample("-g -Wl,--build-id=none");
    run_shell("objcopy --only-keep-debug sample sample.debug && strip sample && "
              "objcopy --add-gnu-debuglink=sample.debug sample && echo >> sample.debug");

    struct answer answer;
    const char *source = symbolize(fixture.program, NULL, &answer);

    assert_string_equal(source, "none");
    check_nothing_is_known(&answer);
}

static void symbolize_module_with_dwz_supplement_reads_both(void **state)
{
    (void)state;
    if (system("command -v dwz >/dev/null") != 0) {
        skip();
    }
    build_sample("-g -gdwarf-4");
    run_shell("cp sample other && dwz -m common.debug sample other && "
              "readelf -S sample | grep -q gnu_debugaltlink");

    struct answer answer;
    const char *source = symbolize(fixture.program, NULL, &answer);

    assert_string_equal(source, "dwarf");
    check_all_is_known(&answer);
}

static void symbolize_module_in_cplusplus_gives_demangled_names(void **state)
{
    (void)state;
    write_file("sample.cc", "#include <cstdio>\n"
                            "namespace shop {\n"
                            "namespace { __attribute__((noinline)) void secret(int n) {\n"
                            "    std::printf(\"%d\", n);\n"
                            "    __asm__ volatile(\"\");\n"
                            "} }\n"
                            "template <typename T> struct cart {\n"
                            "    __attribute__((noinline)) void add(T thing) {\n"
                            "        secret((int)thing);\n"
                            "        __asm__ volatile(\"\");\n"
                            "    }\n"
                            "};\n"
                            "}\n"
                            "int main() { shop::cart<char>().add('a'); }\n");
    run_shell("c++ -O0 -g sample.cc -o sample && nm sample | "
              "sed -n '/6secretEi$/s/ .*//p; /3addEc$/s/ .*//p' | sort > symbols");
    char path[128];
    snprintf(path, sizeof(path), "%s/symbols", fixture.folder);
    FILE *symbols = fopen(path, "r");
    assert_non_null(symbols);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(fscanf(symbols, "%" SCNx64, &fixture.offsets[i]), 1);
        fixture.offsets[i] += 1; /* as if behind the first byte */
    }
    fclose(symbols);
    fixture.offsets[2] = fixture.offsets[1];

    struct answer answer;
    symbolize(fixture.program, NULL, &answer);

    bool is_secret_first = strstr(answer.functions[0][0], "secret") != NULL;
    assert_string_equal(answer.functions[!is_secret_first][0],
                        "shop::(anonymous namespace)::secret(int)");
    assert_string_equal(answer.functions[is_secret_first][0], "shop::cart<char>::add(char)");
}

static void symbolize_module_that_is_no_elf_file_gives_nothing(void **state)
{
    (void)state;
    struct answer answer;
    char path[128];

    assert_string_equal(symbolize("[vdso]", NULL, &answer), "none");
    check_nothing_is_known(&answer);
    assert_string_equal(symbolize("/no/such/file", "00aabb", &answer), "none");
    check_nothing_is_known(&answer);
    assert_string_equal(symbolize("", "../../x", &answer), "none");
    assert_string_equal(symbolize(fixture.folder, NULL, &answer), "none");
    assert_string_equal(symbolize("/dev/zero", NULL, &answer), "none");
    snprintf(path, sizeof(path), "%s/sample.c", fixture.folder);
    assert_string_equal(symbolize(path, NULL, &answer), "none");
    snprintf(path, sizeof(path), "%s/pipe", fixture.folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_string_equal(symbolize(path, NULL, &answer), "none");
    check_nothing_is_known(&answer);
}

static char *read_program(size_t *out_size_bytes)
{
    struct stat status;
    int fd = open(fixture.program, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    char *bytes = malloc((size_t)status.st_size);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    *out_size_bytes = (size_t)status.st_size;
    return bytes;
}

static void write_program(const char *bytes, size_t size_bytes)
{
    unlink(fixture.program);
    int fd = open(fixture.program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_int_equal(write(fd, bytes, size_bytes), size_bytes);
    close(fd);
}

static void symbolize_module_cut_short_survives(void **state)
{
    (void)state;
    build_sample("-g");
    size_t size_bytes;
    char *bytes = read_program(&size_bytes);

    for (size_t kept_bytes = 0; kept_bytes < size_bytes; kept_bytes += size_bytes / 100) {
        struct answer answer;
        write_program(bytes, kept_bytes);
        symbolize(fixture.program, NULL, &answer);
    }
    free(bytes);
}

static void symbolize_module_with_damaged_bytes_survives(void **state)
{
    (void)state;
    build_sample("-g");
    size_t size_bytes;
    char *bytes = read_program(&size_bytes);
    unsigned seed = 1;

    for (int round = 0; round < 300; round++) {
        char *damaged = malloc(size_bytes);
        memcpy(damaged, bytes, size_bytes);
        for (int i = 0; i < 20; i++) {
            damaged[(size_t)rand_r(&seed) % size_bytes] = (char)rand_r(&seed);
        }
        memcpy(damaged, bytes, 64); /* the ELF header stays, so that the rest is looked at */
        struct answer answer;
        write_program(damaged, size_bytes);
        symbolize(fixture.program, NULL, &answer);
        free(damaged);
    }
    free(bytes);
}

/* Each of 60 nested namespaces says that its sibling is its own child: 2^60 ways to the end. */
static const char endless_text[] = ".section .debug_abbrev,\"\",@progbits\n"
                                   "abbrev:\n"
                                   " .byte 1, 0x11, 1, 0x11, 0x01, 0x12, 0x06, 0, 0\n"
                                   " .byte 2, 0x39, 1, 0x01, 0x13, 0, 0\n"
                                   " .byte 0\n"
                                   ".section .debug_info,\"\",@progbits\n"
                                   "info:\n"
                                   " .long 9f - 0f\n"
                                   "0: .short 4\n"
                                   " .long abbrev\n"
                                   " .byte 8, 1\n"
                                   " .quad probe\n"
                                   " .long 0x1000\n"
                                   " .rept 60\n"
                                   " .byte 2\n"
                                   " .long 1f - info\n"
                                   "1:\n"
                                   " .endr\n"
                                   " .byte 0\n"
                                   "9:\n"
                                   ".section .note.GNU-stack,\"\",@progbits\n";

static void symbolize_module_with_siblings_that_are_children_ends(void **state)
{
    (void)state;
    write_file("endless.s", endless_text);
    build_sample("-g0 endless.s");

    struct answer answer;
    alarm(20);
    const char *source = symbolize(fixture.program, NULL, &answer);
    alarm(0);

    assert_string_equal(source, "dwarf");
    check_symbol(&answer, OUTER, 0, "outer", 0);
}

static void count_calls(void *context, size_t index, const struct symbol *symbols, size_t count)
{
    (void)index;
    (void)symbols;
    (void)count;
    bool *is_cancelled = context;
    assert_false(*is_cancelled);
    *is_cancelled = true;
}

static void symbolize_module_cancelled_stops_before_the_next_offset(void **state)
{
    (void)state;
    bool is_cancelled = false;
    const struct symbolize_request request = {.path = "/no/such/file",
                                              .offsets = fixture.offsets,
                                              .offset_count = OFFSET_COUNT,
                                              .is_cancelled = &is_cancelled};

    symbolize_module(&request, count_calls, &is_cancelled);

    assert_true(is_cancelled);
}

static void symbolize_module_offset_0_is_unknown(void **state)
{
    (void)state;
    build_sample("-g");
    memset(fixture.offsets, 0, sizeof(fixture.offsets));

    struct answer answer;
    symbolize(fixture.program, NULL, &answer);

    check_nothing_is_known(&answer);
}

static int set_up(void **state)
{
    (void)state;
    static char root[96];
    strcpy(fixture.folder, "/tmp/test_symbolize_XXXXXX");
    if (mkdtemp(fixture.folder) == NULL) {
        return -1;
    }
    snprintf(fixture.program, sizeof(fixture.program), "%s/sample", fixture.folder);
    snprintf(root, sizeof(root), "%s/root", fixture.folder);
    debug_file_set_root(root);
    write_file("sample.c", sample_text);
    write_file("last.c", last_text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    symbolize_cleanup();
    debug_file_set_root(NULL);
    run_shell("rm -rf %s", fixture.folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbolize_module_with_dwarf_gives_inlined_functions),
        cmocka_unit_test(symbolize_module_without_dwarf_gives_names_of_symtab),
        cmocka_unit_test(symbolize_module_stripped_gives_exported_names_only),
        cmocka_unit_test(symbolize_module_stripped_with_build_id_file_uses_it),
        cmocka_unit_test(symbolize_module_of_another_build_id_is_not_used),
        cmocka_unit_test(symbolize_module_with_debug_file_of_another_build_ignores_it),
        cmocka_unit_test(symbolize_module_with_debuglink_finds_the_file_in_each_place),
        cmocka_unit_test(symbolize_module_with_debuglink_of_another_checksum_ignores_it),
        cmocka_unit_test(symbolize_module_with_dwz_supplement_reads_both),
        cmocka_unit_test(symbolize_module_in_cplusplus_gives_demangled_names),
        cmocka_unit_test(symbolize_module_that_is_no_elf_file_gives_nothing),
        cmocka_unit_test(symbolize_module_cut_short_survives),
        cmocka_unit_test(symbolize_module_with_damaged_bytes_survives),
        cmocka_unit_test(symbolize_module_with_siblings_that_are_children_ends),
        cmocka_unit_test(symbolize_module_cancelled_stops_before_the_next_offset),
        cmocka_unit_test(symbolize_module_offset_0_is_unknown),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
