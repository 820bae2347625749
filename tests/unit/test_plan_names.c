#include "../../analyzer/plan/plan_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void plan_name_matches_the_forms_of_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *pattern;
        bool matches;
    } cases[] = {
        {"f", "f", true},
        {"f", "g", false},
        {"f", "f*", true},
        {"f", "?", true},
        {"f", "F", false},
        {"f.part.0", "f", true},
        {"f.part.0", "f.part.0", true},
        {"f.constprop.0.cold", "f", true},
        {".f", "", false},
        {".f", ".f", true},
        {"ns::f(int) const", "ns::f", true},
        {"ns::f(int) const", "ns::f(int) const", true},
        {"ns::f(int) const", "ns::f(int)", false},
        {"ns::f(int) [clone .cold]", "ns::f(int)", true},
        {"ns::f(int) [clone .cold]", "ns::f", true},
        {"f(int (*)(char))", "f", true},
        {"A::operator()() const", "A::operator()", true},
        {"A::operator[](int)", "A::operator[]", true},
        {"operator new(unsigned long)", "operator new", true},
        {"operator new(unsigned long)", "new", false},
        {"(anonymous namespace)::f(int)", "(anonymous namespace)::f", true},
        {"(anonymous namespace)::f(int)", "*::f", true},
        {"A* make<A, int>(int)", "make<A, int>", true},
        {"A* make<A, int>(int)", "make<*", true},
        {"std::vector<int, x>::push_back(int&&)", "std::vector<*>::push_back", true},
        {"operator delete(void*)", "operator new", false},
        {"", "f", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct plan_name name;
        plan_name_init(&name, cases[i].name);

        bool matches = plan_name_matches(&name, cases[i].pattern);

        if (matches != cases[i].matches) {
            fail_msg("'%s' %s '%s'", cases[i].pattern, matches ? "matches" : "does not match",
                     cases[i].name);
        }
    }
}

static void plan_name_is_address_only_module_and_offset(void **state)
{
    (void)state;
    size_t length = 0;
    uint64_t offset = 0;

    assert_true(plan_name_is_address("libstdc++.so.6+0xbe", &length, &offset));
    assert_int_equal(length, 14);
    assert_int_equal(offset, 0xbe);
    assert_false(plan_name_is_address("operator+", &length, &offset));
    assert_false(plan_name_is_address("f+0x", &length, &offset));
    assert_false(plan_name_is_address("f+0x0", &length, &offset));
    assert_false(plan_name_is_address("+0x12", &length, &offset));
    assert_false(plan_name_is_address("f+0x12g", &length, &offset));
    assert_false(plan_name_is_address("f+12", &length, &offset));
    assert_false(plan_name_is_address("f+0x11112222333344445", &length, &offset));
}

static void plan_module_matches_path_or_last_part(void **state)
{
    (void)state;

    assert_true(plan_module_matches("/usr/lib/libxml2.so.2", "libxml2*"));
    assert_true(plan_module_matches("/usr/lib/libxml2.so.2", "/usr/*"));
    assert_true(plan_module_matches("/usr/lib/libxml2.so.2", ""));
    assert_false(plan_module_matches("/usr/lib/libxml2.so.2", "xml2*"));
    assert_true(plan_module_matches("app", "app"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_name_matches_the_forms_of_a_name),
        cmocka_unit_test(plan_name_is_address_only_module_and_offset),
        cmocka_unit_test(plan_module_matches_path_or_last_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
