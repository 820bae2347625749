/*
 * gtest_suite.cc - tests that know nothing of us, but for the listener: one makes three blocks, one
 * none, one forgets a block, and SUITE_FAILS makes one fail.
 * build: -pthread -lgtest -lgtest_main -pthread
 */
#include <cstdlib>

#include <gtest/gtest.h>

#include "../../interposer/allocaudit_gtest.h"

static void *volatile sink;

class Fixture : public testing::Test
{
  protected:
    void SetUp() override
    {
        sink = malloc(20);
        free(sink);
    }
};

TEST(Blocks, Three)
{
    for (int i = 0; i < 3; i++) {
        sink = malloc(10);
        free(sink);
    }
}

TEST(Blocks, None)
{
}

TEST_F(Fixture, Two)
{
    sink = malloc(10);
    free(sink);
}

TEST(Leaks, Forgets)
{
    ASSERT_EQ(getenv("SUITE_FAILS"), nullptr);
    sink = malloc(7);
}
