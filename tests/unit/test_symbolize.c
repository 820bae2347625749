#include "sample_program.h"

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
