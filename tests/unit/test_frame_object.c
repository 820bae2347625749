#include "../../analyzer/elf/frame_object.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../schema/frame_symbols.h"

static const char *const three[] = {"swap_window", "end_turn", "_ZN4Game4swapEv"};

static Elf64_Phdr *segments_of(const struct str *image)
{
    return (Elf64_Phdr *)(image->text + ((Elf64_Ehdr *)image->text)->e_phoff);
}

static uint64_t dynamic_value(const struct str *image, int64_t tag)
{
    const Elf64_Phdr *segments = segments_of(image);
    for (int i = 0; i < ((Elf64_Ehdr *)image->text)->e_phnum; i++) {
        const Elf64_Dyn *entry = (const Elf64_Dyn *)(image->text + segments[i].p_offset);
        for (; segments[i].p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == tag) {
                return entry->d_un.d_val;
            }
        }
    }
    fail_msg("no entry %d", (int)tag);
    return 0;
}

/* By the hash table, as the loader does: the symbol, or NULL. */
static const Elf64_Sym *find_symbol(const struct str *image, const char *name)
{
    const uint32_t *hash = (const uint32_t *)(image->text + dynamic_value(image, DT_HASH));
    const Elf64_Sym *symbols = (const Elf64_Sym *)(image->text + dynamic_value(image, DT_SYMTAB));
    const char *names = image->text + dynamic_value(image, DT_STRTAB);
    assert_int_equal(hash[0], 1);
    for (uint32_t i = hash[2]; i != 0; i = hash[3 + i]) {
        assert_true(i < hash[1]);
        if (strcmp(names + symbols[i].st_name, name) == 0) {
            return &symbols[i];
        }
    }
    return NULL;
}

static void frame_object_defines_each_symbol_and_dlsym(void **state)
{
    (void)state;
    struct str image = {.text = NULL};

    assert_int_equal(frame_object_make(three, 3, &image), 0);

    for (int i = 0; i < 3; i++) {
        const Elf64_Sym *symbol = find_symbol(&image, three[i]);
        assert_non_null(symbol);
        assert_int_equal(ELF64_ST_TYPE(symbol->st_info), STT_FUNC);
        assert_memory_equal(image.text + symbol->st_value, "\xf3\x0f\x1e\xfa\x4c\x8d\x1d", 7);
    }
    assert_non_null(find_symbol(&image, "dlsym"));
    assert_non_null(find_symbol(&image, FRAME_TABLE_NAME));
    assert_null(find_symbol(&image, "malloc"));
    str_fini(&image);
}

static void frame_object_table_leads_to_names_and_stubs(void **state)
{
    (void)state;
    struct str image = {.text = NULL};

    assert_int_equal(frame_object_make(three, 3, &image), 0);

    uint64_t table_address = find_symbol(&image, FRAME_TABLE_NAME)->st_value;
    const struct frame_symbols *table = (const struct frame_symbols *)(image.text + table_address);
    assert_int_equal(table->symbol_count, 3);
    for (int i = 0; i < 3; i++) {
        const struct frame_symbol *symbol = &table->symbols[i];
        assert_string_equal((const char *)symbol + symbol->name_offset, three[i]);
        const char *stub = (const char *)symbol + symbol->stub_offset;
        int32_t distance;
        memcpy(&distance, stub + 7, sizeof(distance));
        assert_ptr_equal(stub + 11 + distance, (const char *)symbol + 1); /* tagged */
        assert_int_equal(symbol->found, 0);
    }
    str_fini(&image);
}

static void frame_object_has_no_executable_stack_nor_writable_code(void **state)
{
    (void)state;
    struct str image = {.text = NULL};
    bool has_stack = false;

    assert_int_equal(frame_object_make(three, 1, &image), 0);

    const Elf64_Phdr *segments = segments_of(&image);
    for (int i = 0; i < ((Elf64_Ehdr *)image.text)->e_phnum; i++) {
        assert_true((segments[i].p_flags & (PF_W | PF_X)) != (PF_W | PF_X));
        has_stack = has_stack || segments[i].p_type == PT_GNU_STACK;
        if (segments[i].p_type == PT_GNU_STACK) {
            assert_int_equal(segments[i].p_flags & PF_X, 0);
        }
        assert_true(segments[i].p_offset + segments[i].p_filesz <= image.size_bytes);
    }
    assert_true(has_stack);
    str_fini(&image);
}

static void frame_object_make_refuses_none_and_too_many(void **state)
{
    (void)state;
    static const char *const many[] = {"a", "b", "c", "d", "e"};
    struct str image = {.text = NULL};

    assert_int_equal(frame_object_make(many, 0, &image), -EINVAL);
    assert_int_equal(frame_object_make(many, FRAME_SYMBOLS_MAX, &image), 0);
    assert_int_equal(frame_object_make(many, FRAME_SYMBOLS_MAX + 1, &image), -EINVAL);
    str_fini(&image);
}

static void frame_object_write_needs_a_folder(void **state)
{
    (void)state;
    char folder[] = "/tmp/allocaudit-object-XXXXXX";
    char path[64];
    struct err err = {.text = ""};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/" FRAME_OBJECT_FILE, folder);

    assert_int_equal(frame_object_write(folder, three, 3, &err), 0);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(frame_object_write(folder, three, 3, &err), -EEXIST);
    assert_int_equal(frame_object_write("/no/such/folder", three, 3, &err), -ENOENT);

    (void)unlink(path);
    (void)rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_object_defines_each_symbol_and_dlsym),
        cmocka_unit_test(frame_object_table_leads_to_names_and_stubs),
        cmocka_unit_test(frame_object_has_no_executable_stack_nor_writable_code),
        cmocka_unit_test(frame_object_make_refuses_none_and_too_many),
        cmocka_unit_test(frame_object_write_needs_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
