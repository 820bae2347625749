#include "../../analyzer/collect/recording/sanitizer_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sanitizer_text parse(const char *text)
{
    struct sanitizer_text parsed;
    assert_int_equal(sanitizer_text_parse(text, strlen(text), &parsed), 0);
    return parsed;
}

static uint64_t frame_at(const struct sanitizer_text *text, const struct sanitizer_stack *stack,
                         size_t i)
{
    assert_in_range(i, 0, stack->count - 1);
    return text->frames[stack->first + i];
}

static void sanitizer_text_parse_use_after_free_names_block_and_stacks(void **state)
{
    (void)state;
    struct sanitizer_text text = parse(
        "=================================================================\n"
        "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x604000000093 at pc 0x1\n"
        "READ of size 4 at 0x604000000093 thread T0\n"
        "    #0 0x100 in use app.c:5:3\n"
        "    #1 0x101 in main app.c:9\n"
        "\n"
        "0x604000000093 is located 3 bytes inside of 48-byte region "
        "[0x604000000090,0x6040000000c0)\n"
        "freed by thread T1 here:\n"
        "    #0 0x200 in free (/app+0x1)\n"
        "    #1 0x201 in drop app.c:2\n"
        "\n"
        "previously allocated by thread T0 here:\n"
        "    #0 0x300 in malloc (/app+0x2)\n"
        "\n"
        "Thread T1 created by T0 here:\n"
        "    #0 0x400 in pthread_create (/app+0x3)\n"
        "\n"
        "SUMMARY: AddressSanitizer: heap-use-after-free app.c:5:3 in use\n");

    assert_string_equal(text.tool, "AddressSanitizer");
    assert_string_equal(text.kind, "heap-use-after-free");
    assert_string_equal(text.access, "read");
    assert_int_equal(text.access_bytes, 4);
    assert_true(text.has_address);
    assert_int_equal(text.address, 0x604000000093);
    assert_int_equal(text.error.count, 2);
    assert_int_equal(frame_at(&text, &text.error, 1), 0x102);
    assert_int_equal(text.named_count, 1);
    assert_int_equal(text.named[0].role, SANITIZER_BLOCK);
    assert_int_equal(text.named[0].address, 0x604000000090);
    assert_int_equal(text.named[0].size_bytes, 48);
    assert_int_equal(text.named[0].freed.count, 2);
    assert_int_equal(frame_at(&text, &text.named[0].freed, 0), 0x201);
    assert_int_equal(text.named[0].allocated.count, 1);
    assert_int_equal(frame_at(&text, &text.named[0].allocated, 0), 0x301);
    sanitizer_text_fini(&text);
}

/* How the title words it, and how the summary does. */
static void sanitizer_text_parse_kind_is_that_of_the_summary(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        const char *summary;
        const char *kind;
        uint64_t address;
    } cases[] = {
        {"attempting double-free on 0x10 in thread T0:", "double-free a.c:1 in main", "double-free",
         0x10},
        {"attempting free on address which was not malloc()-ed: 0x20 in thread T0",
         "bad-free a.c:1 in main", "bad-free", 0x20},
        {"alloc-dealloc-mismatch (operator new vs free) on 0x30",
         "alloc-dealloc-mismatch (/app+0x5) in free", "alloc-dealloc-mismatch", 0x30},
        {"SEGV on unknown address 0x40 (pc 0x1 bp 0x2 sp 0x3 T0)", "SEGV a.c:2 in main", "SEGV",
         0x40},
        {"requested allocation size 0xffff (0x10000 after) exceeds maximum",
         "allocation-size-too-big (/app+0x5) in malloc", "allocation-size-too-big", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char report[400];
        (void)snprintf(report, sizeof(report),
                       "==1==ERROR: AddressSanitizer: %s\n    #0 0x1 in main\n\n"
                       "SUMMARY: AddressSanitizer: %s\n",
                       cases[i].title, cases[i].summary);

        struct sanitizer_text text = parse(report);

        assert_string_equal(text.kind, cases[i].kind);
        assert_int_equal(text.has_address, cases[i].address != 0);
        assert_int_equal(text.address, cases[i].address);
        assert_int_equal(text.error.count, 1);
        sanitizer_text_fini(&text);
    }
}

static void sanitizer_text_parse_leaks_are_named_with_their_blocks(void **state)
{
    (void)state;
    struct sanitizer_text text =
        parse("\n==7==ERROR: LeakSanitizer: detected memory leaks\n"
              "\n"
              "Direct leak of 480 byte(s) in 10 object(s) allocated from:\n"
              "    #0 0x10 in malloc\n"
              "    #1 0x11 in main\n"
              "\n"
              "Objects leaked above:\n"
              "0x602000000010 (48 bytes)\n"
              "0x602000000050 (48 bytes)\n"
              "\n"
              "Indirect leak of 7 byte(s) in 1 object(s) allocated from:\n"
              "    #0 0x10 in malloc\n"
              "\n"
              "SUMMARY: AddressSanitizer: 487 byte(s) leaked in 11 allocation(s).\n");

    assert_string_equal(text.tool, "LeakSanitizer");
    assert_string_equal(text.kind, "leak");
    assert_false(text.has_address);
    assert_int_equal(text.error.count, 0);
    assert_int_equal(text.named_count, 4);
    assert_int_equal(text.named[0].role, SANITIZER_DIRECT_LEAK);
    assert_int_equal(text.named[0].size_bytes, 480);
    assert_int_equal(text.named[0].block_count, 10);
    assert_int_equal(text.named[0].allocated.count, 2);
    assert_int_equal(text.named[2].role, SANITIZER_LEAKED_BLOCK);
    assert_int_equal(text.named[2].address, 0x602000000050);
    assert_int_equal(text.named[3].role, SANITIZER_INDIRECT_LEAK);
    assert_int_equal(text.named[3].allocated.count, 1);
    sanitizer_text_fini(&text);
}

static void sanitizer_text_parse_other_texts_are_no_report(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n\n",
        "==1==ERROR: ",
        "==1==ERROR: AddressSanitizer",
        "ERROR: AddressSanitizer: heap-use-after-free on address 0x10\n",
        "app.c:5:3: runtime error: signed integer overflow\n",
        "#0 0x1\nfreed by thread T0\n#0 0x2\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sanitizer_text text = parse(texts[i]);

        assert_string_equal(text.tool, "");
        assert_int_equal(text.frame_count, 0);
        sanitizer_text_fini(&text);
    }
}

static void sanitizer_text_parse_numbers_too_large_do_no_harm(void **state)
{
    (void)state;
    struct sanitizer_text text =
        parse("==1==ERROR: AddressSanitizer: x on address 0xfffffffffffffffffffffff\n"
              "READ of size 99999999999999999999999\n"
              "    #99999999999999 0xffffffffffffffff in f\n"
              "0x1 is located 0 bytes inside of 1-byte region [0x20,0x10)\n"
              "0x1 is located 0 bytes inside of 1-byte region [0x10\n"
              "0x1 is located 0 bytes inside of 1-byte region [\n"
              "Direct leak of 99999999999999999999 byte(s) in 1 object(s)\n");

    assert_int_equal(text.address, UINT64_MAX);
    assert_int_equal(text.error.count, 1);
    assert_int_equal(frame_at(&text, &text.error, 0), 0);
    assert_int_equal(text.named_count, 1);
    sanitizer_text_fini(&text);
}

static void sanitizer_text_parse_what_is_named_is_bounded(void **state)
{
    (void)state;
    static const char line[] = "0x1 is located 0 bytes inside of 1-byte region [0x10,0x11)\n";
    static char report[(SANITIZER_NAMED_MAX + 10) * (sizeof(line) - 1) + 64];
    size_t length = (size_t)sprintf(report, "==1==ERROR: AddressSanitizer: x\n");
    for (int i = 0; i < SANITIZER_NAMED_MAX + 10; i++) {
        memcpy(report + length, line, sizeof(line) - 1);
        length += sizeof(line) - 1;
    }
    struct sanitizer_text text;

    assert_int_equal(sanitizer_text_parse(report, length, &text), 0);

    assert_int_equal(text.named_count, SANITIZER_NAMED_MAX);
    sanitizer_text_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sanitizer_text_parse_use_after_free_names_block_and_stacks),
        cmocka_unit_test(sanitizer_text_parse_kind_is_that_of_the_summary),
        cmocka_unit_test(sanitizer_text_parse_leaks_are_named_with_their_blocks),
        cmocka_unit_test(sanitizer_text_parse_other_texts_are_no_report),
        cmocka_unit_test(sanitizer_text_parse_numbers_too_large_do_no_harm),
        cmocka_unit_test(sanitizer_text_parse_what_is_named_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
