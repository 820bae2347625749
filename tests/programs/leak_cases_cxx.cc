/*
 * leak_cases_cxx.cc - the same for how C++ holds blocks: see leak_cases.c.
 *
 * build: -O0
 */
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

struct counted {
    ~counted()
    {
        ::free(text);
    }
    char *text = nullptr;
    long filler = 0;
};

struct first {
    virtual ~first() = default;
    virtual int one()
    {
        return 1;
    }
    long a = 0;
};

struct second {
    virtual ~second() = default;
    virtual int two()
    {
        return 2;
    }
    long b = 0;
};

struct both : first, second {
    int one() override
    {
        return 3;
    }
    int two() override
    {
        return 4;
    }
};

static counted *volatile array;
static second *volatile base;
static both *volatile whole;
static std::string *text;
static std::vector<std::string *> *volatile words;
static std::map<int, std::string> *tree;
static std::shared_ptr<std::string> *shared;

static __attribute__((noinline)) void clear_stack()
{
    volatile char bytes[16384];
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        bytes[i] = 0;
    }
}

static void hold_array()
{
    array = new counted[7];
}
static void lose_array()
{
    array = new counted[7];
    array = nullptr;
}
static void hold_base()
{
    base = new both;
}
static void hold_whole()
{
    whole = new both;
}
static void lose_base()
{
    base = new both;
    base = nullptr;
}
static void hold_string()
{
    text = new std::string(100, 'x');
}
static void lose_string()
{
    text = new std::string(100, 'x');
    text = nullptr;
}
static void hold_vector()
{
    words = new std::vector<std::string *>;
    words->push_back(new std::string(50, 'y'));
}
static void lose_vector()
{
    hold_vector();
    words = nullptr;
}
static void hold_map()
{
    tree = new std::map<int, std::string>;
    for (int i = 0; i < 5; i++) {
        (*tree)[i] = std::string(40, 'z');
    }
}
static void lose_map()
{
    hold_map();
    tree = nullptr;
}
static void hold_shared()
{
    shared = new std::shared_ptr<std::string>(new std::string(60, 's'));
}
static void hold_made_shared()
{
    shared = new std::shared_ptr<std::string>(std::make_shared<std::string>(60, 's'));
}

static const struct {
    const char *name;
    void (*run)();
} cases[] = {
#define CASE(name)                                                                                 \
    {                                                                                              \
#        name, name                                                                                \
    }
    CASE(hold_array),       CASE(lose_array),  CASE(hold_base),   CASE(hold_whole),
    CASE(lose_base),        CASE(hold_string), CASE(lose_string), CASE(hold_vector),
    CASE(lose_vector),      CASE(hold_map),    CASE(lose_map),    CASE(hold_shared),
    CASE(hold_made_shared),
};

int main(int argc, char **argv)
{
    for (const auto &one : cases) {
        if (argc < 2) {
            (void)!write(1, one.name, std::strlen(one.name));
            (void)!write(1, "\n", 1);
        } else if (std::strcmp(one.name, argv[1]) == 0) {
            one.run();
        }
    }
    clear_stack();
    return 0;
}
