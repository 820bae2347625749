#include "../../analyzer/collect/target/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test_target_XXXXXX";
static struct err err;

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void make_file(const char *name, const void *bytes, size_t size_bytes, mode_t mode)
{
    int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size_bytes), size_bytes);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void make_script(const char *name, const char *text)
{
    make_file(name, text, strlen(text), 0700);
}

/* The head of a program as the kernel would load it: with a loader's name in it, or without. */
static void make_program(const char *name, unsigned char bits, uint16_t machine, bool has_loader,
                         mode_t mode)
{
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr segments[2];
    } file = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', bits, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_EXEC,
                   .e_machine = machine,
                   .e_version = EV_CURRENT,
                   .e_phoff = sizeof(Elf64_Ehdr),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 2},
        .segments = {{.p_type = PT_LOAD}, {.p_type = has_loader ? PT_INTERP : PT_NOTE}},
    };
    make_file(name, &file, sizeof(file), mode);
}

#if defined(__x86_64__)
enum {
    OWN = EM_X86_64,
    OTHER = EM_AARCH64
};
#else
enum {
    OWN = EM_AARCH64,
    OTHER = EM_X86_64
};
#endif

static int check(const char *command)
{
    memset(&err, 0, sizeof(err));
    struct target target;
    return target_check(command, &target, &err);
}

static void check_refused(const char *name, int code, const char *reason)
{
    assert_int_equal(check(path_of(name)), -code);
    if (strstr(err.text, reason) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, reason);
    }
    assert_non_null(strstr(err.text, name)); /* the command, or the file it stands for */
    assert_null(strchr(err.text, '\n'));
}

static void target_check_dynamic_program_is_fine(void **state)
{
    (void)state;
    make_program("dynamic", ELFCLASS64, OWN, true, 0700);

    assert_int_equal(check(path_of("dynamic")), 0);
    assert_int_equal(check("/bin/sh"), 0);
    assert_int_equal(check("sh"), 0); /* by PATH */
    assert_string_equal(err.text, "");
}

static void target_check_static_program_is_refused(void **state)
{
    (void)state;
    make_program("static", ELFCLASS64, OWN, false, 0700);

    check_refused("static", ENOEXEC, "statically linked");
}

static void target_check_program_of_another_processor_is_refused(void **state)
{
    (void)state;
    make_program("foreign", ELFCLASS64, OTHER, true, 0700);
    check_refused("foreign", ENOEXEC, "another processor");

    make_program("narrow", ELFCLASS32, EM_386, true, 0700);
    check_refused("narrow", ENOEXEC, "32-bit");
}

static void target_check_truncated_program_is_refused(void **state)
{
    (void)state;
    make_program("torn", ELFCLASS64, OWN, true, 0700);
    assert_int_equal(truncate(path_of("torn"), sizeof(Elf64_Ehdr) + 10), 0);

    check_refused("torn", ENOEXEC, "statically linked");
}

static void target_check_set_user_id_of_another_user_is_refused(void **state)
{
    (void)state;
    if (getuid() != 0) {
        skip(); /* only root can make such a file */
    }
    make_program("setuid", ELFCLASS64, OWN, true, 0700);
    assert_int_equal(chown(path_of("setuid"), 65534, getgid()), 0);
    assert_int_equal(chmod(path_of("setuid"), 04755), 0);
    check_refused("setuid", ENOEXEC, "set-user-id");

    make_program("setgid", ELFCLASS64, OWN, true, 0700);
    assert_int_equal(chown(path_of("setgid"), getuid(), 65534), 0);
    assert_int_equal(chmod(path_of("setgid"), 02755), 0);
    check_refused("setgid", ENOEXEC, "set-group-id");

    assert_int_equal(chmod(path_of("setgid"), 02745), 0); /* without x: mandatory locks, no right */
    assert_int_equal(check(path_of("setgid")), 0);
}

static void target_check_set_user_id_of_oneself_is_fine(void **state)
{
    (void)state;
    make_program("own_setuid", ELFCLASS64, OWN, true, 0700);
    assert_int_equal(chmod(path_of("own_setuid"), 04755), 0);

    assert_int_equal(check(path_of("own_setuid")), 0);
}

static void target_check_script_stands_for_its_interpreter(void **state)
{
    (void)state;
    char text[256];
    make_program("dynamic", ELFCLASS64, OWN, true, 0700);
    make_program("static", ELFCLASS64, OWN, false, 0700);

    snprintf(text, sizeof(text), "#!%s -x\necho\n", path_of("dynamic"));
    make_script("good_script", text);
    assert_int_equal(check(path_of("good_script")), 0);
    snprintf(text, sizeof(text), "#! \t%s\n", path_of("static"));
    make_script("bad_script", text);
    assert_int_equal(check(path_of("bad_script")), -ENOEXEC);
    assert_non_null(strstr(err.text, "/static'"));
    snprintf(text, sizeof(text), "#!%s\n", path_of("bad_script"));
    make_script("script_of_script", text);
    assert_int_equal(check(path_of("script_of_script")), -ENOEXEC);
}

/* Whatever the first line looks like: it comes to an end. */
static void target_check_strange_scripts_come_to_an_end(void **state)
{
    (void)state;
    char text[600];
    make_script("empty_line", "#!\n");
    assert_int_equal(check(path_of("empty_line")), 0);
    make_script("bare", "#!");
    assert_int_equal(check(path_of("bare")), 0);
    snprintf(text, sizeof(text), "#!%s\n", path_of("itself"));
    make_script("itself", text);
    assert_int_equal(check(path_of("itself")), 0);
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "#!/", 3);
    text[sizeof(text) - 1] = '\0';
    make_script("endless", text);
    assert_int_not_equal(check(path_of("endless")), 0); /* no such interpreter */
    make_script("no_interpreter", "#!/nonexistent/shell\n");
    assert_int_equal(check(path_of("no_interpreter")), -ENOENT);
    make_script("text", "echo hello\n");
    assert_int_equal(check(path_of("text")), 0); /* execvp would hand it to a shell */
}

static void target_check_missing_command_is_not_found(void **state)
{
    (void)state;
    check_refused("missing", ENOENT, "cannot run");
    assert_int_equal(check("no-such-command-anywhere"), -ENOENT);
    assert_string_equal(err.text, "cannot run 'no-such-command-anywhere': command not found");
    assert_int_equal(check(""), -ENOENT);
    assert_int_equal(check("/bin/sh/x"), -ENOENT);
}

static void target_check_what_may_not_be_executed_is_denied(void **state)
{
    (void)state;
    make_program("no_x", ELFCLASS64, OWN, true, 0600);
    check_refused("no_x", EACCES, "ermission denied");
    assert_int_equal(check("/tmp"), -EACCES);
}

static void target_check_search_follows_path(void **state)
{
    (void)state;
    char list[256];
    char *old = getenv("PATH") != NULL ? strdup(getenv("PATH")) : NULL;
    make_program("found_by_path", ELFCLASS64, OWN, true, 0600);
    snprintf(list, sizeof(list), "/nonexistent::%s", directory);
    assert_int_equal(setenv("PATH", list, 1), 0);

    assert_int_equal(check("found_by_path"), -EACCES);
    assert_int_equal(chmod(path_of("found_by_path"), 0700), 0);
    assert_int_equal(check("found_by_path"), 0);
    assert_int_equal(setenv("PATH", "", 1), 0);
    assert_int_equal(check("found_by_path"), -ENOENT);

    if (old != NULL) {
        assert_int_equal(setenv("PATH", old, 1), 0);
        free(old);
    }
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    static const char *const names[] = {
        "dynamic", "static",     "foreign",       "narrow",          "torn",
        "setuid",  "setgid",     "own_setuid",    "good_script",     "bad_script",
        "bare",    "empty_line", "itself",        "endless",         "no_interpreter",
        "text",    "no_x",       "found_by_path", "script_of_script"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unlink(path_of(names[i]));
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target_check_dynamic_program_is_fine),
        cmocka_unit_test(target_check_static_program_is_refused),
        cmocka_unit_test(target_check_program_of_another_processor_is_refused),
        cmocka_unit_test(target_check_truncated_program_is_refused),
        cmocka_unit_test(target_check_set_user_id_of_another_user_is_refused),
        cmocka_unit_test(target_check_set_user_id_of_oneself_is_fine),
        cmocka_unit_test(target_check_script_stands_for_its_interpreter),
        cmocka_unit_test(target_check_strange_scripts_come_to_an_end),
        cmocka_unit_test(target_check_missing_command_is_not_found),
        cmocka_unit_test(target_check_what_may_not_be_executed_is_denied),
        cmocka_unit_test(target_check_search_follows_path),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
