#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/cli/grid.h"
#include "../../analyzer/cli/name_elision.h"
#include "../../analyzer/cli/term.h"

/* As a table shows it, with dots for the ellipsis. */
static void assert_shown(const char *name, unsigned width_columns, const char *expected)
{
    struct str shown = {0};

    assert_int_equal(grid_append_elided(name, strlen(name), width_columns, false, &shown), 0);

    assert_string_equal(str_text(&shown), expected);
    assert_true(term_text_columns(str_text(&shown), shown.size_bytes) <= width_columns);
    str_fini(&shown);
}

static const char insert_name[] =
    "std::pair<std::_Rb_tree_iterator<int>, bool> std::_Rb_tree<int, std::less<int> "
    ">::_M_insert_unique<int const&>(int const&)";

static void name_elision_shorten_leaves_out_the_innermost_first(void **state)
{
    (void)state;
    static const char name[] =
        "std::vector<std::set<long long, std::less<long long> > >::reserve(unsigned long)";
    assert_shown(name, 75,
                 "std::vector<std::set<long long, std::less<...> > >::reserve(unsigned long)");
    assert_shown(name, 60, "std::vector<std::set<...> >::reserve(unsigned long)");
    assert_shown(name, 42, "std::vector<...>::reserve(unsigned long)");
    assert_shown(name, 32, "std::vector<...>::reserve(...)");
}

static void name_elision_shorten_then_cuts_namespaces_from_the_front(void **state)
{
    (void)state;
    assert_shown(insert_name, 90,
                 "std::pair<...> std::_Rb_tree<...>::_M_insert_unique<...>(int const&)");
    assert_shown(insert_name, 62, "std::pair<...> std::_Rb_tree<...>::_M_insert_unique<...>(...)");
    assert_shown(insert_name, 60, "...::_Rb_tree<...>::_M_insert_unique<...>(...)");
    assert_shown(insert_name, 32, "...::_M_insert_unique<...>(...)");
}

static void name_elision_shorten_keeps_the_bare_name_where_there_is_no_room(void **state)
{
    (void)state;
    assert_shown(insert_name, 20, "_M_insert_unique");
    assert_shown("auto run(int)::{lambda(auto:1&)#1}::operator()<int>(int&) const", 14,
                 "operator()");
    assert_shown("std::__detail::_Map_base<int, int>::operator[](int&&)", 16, "operator[]");
}

static void name_elision_shorten_knows_operators_from_brackets(void **state)
{
    (void)state;
    assert_shown("bool app::operator< <char>(app::Text<char> const&, app::Text<char> const&)", 40,
                 "bool app::operator< <...>(...)");
    assert_shown("app::Stream& app::operator<<(app::Stream&, app::Text<char> const&)", 40,
                 "app::Stream& app::operator<<(...)");
    assert_shown("app::Pointer<app::Node<int> >::operator->() const", 40,
                 "app::Pointer<...>::operator->() const");
    assert_shown("app::myoperator<int, long, unsigned char>::call(unsigned long)", 40,
                 "app::myoperator<...>::call(...)");
}

static void name_elision_shorten_reads_rust_names(void **state)
{
    (void)state;
    assert_shown("<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop::h0123456789abcdef", 40,
                 "<...>::drop::h0123456789abcdef");
}

static void name_elision_shorten_refuses_what_is_no_name(void **state)
{
    (void)state;
    const char *const texts[] = {
        "/usr/share/app/(old)/file.c",
        "app --expression f(x) --more of it",
        "a change within its margin (so it is noise)",
        "say \"f(x)\" and g(y)",
        "f(int",
        "f>(int)}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct str name = {0};

        int result = name_elision_shorten(texts[i], strlen(texts[i]), 16, "...", &name);

        assert_int_equal(result, 0);
        str_fini(&name);
    }
    assert_shown("app --expression f(x) --more of it", 20, "app --exp...re of it");
}

static void name_elision_shorten_survives_deep_brackets(void **state)
{
    (void)state;
    struct str deep = {0};
    assert_int_equal(str_append_repeated(&deep, '<', 1000), 0);
    assert_int_equal(str_append_repeated(&deep, '>', 1000), 0);
    struct str name = {0};

    assert_int_equal(name_elision_shorten(deep.text, deep.size_bytes, 16, "...", &name), 0);

    str_fini(&name);
    str_fini(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_elision_shorten_leaves_out_the_innermost_first),
        cmocka_unit_test(name_elision_shorten_then_cuts_namespaces_from_the_front),
        cmocka_unit_test(name_elision_shorten_keeps_the_bare_name_where_there_is_no_room),
        cmocka_unit_test(name_elision_shorten_knows_operators_from_brackets),
        cmocka_unit_test(name_elision_shorten_reads_rust_names),
        cmocka_unit_test(name_elision_shorten_refuses_what_is_no_name),
        cmocka_unit_test(name_elision_shorten_survives_deep_brackets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
