/*
 * allocaudit_gtest.h - every test of GoogleTest is a scope "Suite.Test", with no change to the
 * tests.
 *
 * GoogleTest is linked into the test program, where nobody from outside can listen. So one source
 * file of that program includes this header, be it an empty one of its own:
 *
 *     #include <allocaudit_gtest.h>
 *
 * It appends a listener before main(); where nobody records it does nothing. Fixtures' SetUp() and
 * TearDown() belong to their test, and so do two blocks of GoogleTest's own (1.12): the test's
 * object and its saver of flags.
 */
#ifndef ALLOCAUDIT_GTEST_H
#define ALLOCAUDIT_GTEST_H

#include "allocaudit.h"

#ifdef __cplusplus

#    include <string>

#    include <gtest/gtest.h>

namespace allocaudit
{

class gtest_listener : public testing::EmptyTestEventListener
{
    std::string name_;

    void OnTestStart(const testing::TestInfo &test) override
    {
        /* The name is ours, not the test's. */
        allocaudit_pause_if();
        name_ = std::string(test.test_suite_name()) + "." + test.name();
        allocaudit_resume_if();
        allocaudit_scope_begin(name_.c_str());
    }

    void OnTestEnd(const testing::TestInfo &) override
    {
        allocaudit_scope_end(name_.c_str());
    }
};

/* One for the program, however many of its files include this. */
struct gtest_registration {
    gtest_registration()
    {
        static bool is_done = false;
        if (!is_done) {
            is_done = true;
            testing::UnitTest::GetInstance()->listeners().Append(new gtest_listener);
        }
    }
};

static gtest_registration gtest_registered;

} /* namespace allocaudit */

#endif

#endif
