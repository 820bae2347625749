/*
 * misuse.cc - one error in the use of the allocator, named by argv[1], from a function called
 * `wrong` with a block of 100 bytes made by `make`.
 *
 * build: -Wno-all -Wno-extra
 */
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static char foreign[256] __attribute__((aligned(16)));

struct Misuse {
    const char *name;
    void (*wrong)();
};

static void *make(std::size_t size_bytes = 100)
{
    return std::malloc(size_bytes);
}

static void double_free()
{
    void *block = make();
    std::free(block);
    std::free(block);
}

static void large_double_free()
{
    void *block = make(5000);
    void *barrier = make(16);
    std::free(block);
    std::free(block);
    std::free(barrier);
}

static void *free_it(void *block)
{
    std::free(block);
    return nullptr;
}

static void thread_double_free()
{
    pthread_t thread;
    void *block = make();
    pthread_create(&thread, nullptr, free_it, block);
    pthread_join(thread, nullptr);
    pthread_create(&thread, nullptr, free_it, block);
    pthread_join(thread, nullptr);
}

static void child_double_free()
{
    void *block = make();
    if (fork() == 0) {
        void *own = make();
        std::free(own);
        std::free(block);
        std::free(own);
        _exit(0);
    }
    wait(nullptr);
    std::free(block);
}

static void interior_free()
{
    std::free(static_cast<char *>(make()) + 16);
}

static void foreign_free()
{
    std::free(foreign + 32);
}

static void wild_free()
{
    std::free(reinterpret_cast<void *>(0x1230));
}

static void wild_realloc()
{
    void *volatile again = std::realloc(reinterpret_cast<void *>(0x1230), 104);
    (void)again;
}

static void realloc_of_freed()
{
    void *block = make();
    std::free(block);
    void *volatile again = std::realloc(block, 104);
    (void)again;
}

static void new_and_free()
{
    std::free(::operator new(100));
}

static void malloc_and_delete()
{
    ::operator delete(make());
}

static void array_and_delete()
{
    ::operator delete(::operator new[](100));
}

static void wrong_size()
{
    ::operator delete(::operator new(100), std::size_t(60));
}

static void wrong_size_by_64()
{
    ::operator delete(::operator new(100), std::size_t(36));
}

static void realloc_of_new()
{
    void *volatile again = std::realloc(::operator new(100), 104);
    (void)again;
}

static void bad_alignment()
{
    void *block = nullptr;
    std::free(memalign(24, 100));
    (void)posix_memalign(&block, 4, 100);
}

static void nothing()
{
    void *block = nullptr;
    ::operator delete(::operator new(100), std::size_t(100));
    ::operator delete[](::operator new[](100));
    ::operator delete(::operator new(64, std::align_val_t(64)), std::align_val_t(64));
    std::free(std::realloc(make(), 3000));
    std::free(std::realloc(make(300000), 600000));
    std::free(std::calloc(10, 10000));
    std::free(memalign(64, 100));
    if (posix_memalign(&block, 4096, 100) == 0) {
        std::free(block);
    }
    std::free(std::aligned_alloc(32, 64));
    for (int i = 1; i < 20000; i += 7) {
        void *blocks[20];
        for (void *&each : blocks) {
            each = make(i);
        }
        for (void *each : blocks) {
            std::free(each);
        }
    }
}

static const Misuse misuses[] = {
    {"double_free", double_free},
    {"large_double_free", large_double_free},
    {"thread_double_free", thread_double_free},
    {"child_double_free", child_double_free},
    {"interior_free", interior_free},
    {"foreign_free", foreign_free},
    {"wild_free", wild_free},
    {"wild_realloc", wild_realloc},
    {"realloc_of_freed", realloc_of_freed},
    {"new_and_free", new_and_free},
    {"malloc_and_delete", malloc_and_delete},
    {"array_and_delete", array_and_delete},
    {"wrong_size", wrong_size},
    {"wrong_size_by_64", wrong_size_by_64},
    {"realloc_of_new", realloc_of_new},
    {"bad_alignment", bad_alignment},
    {"nothing", nothing},
};

/* misuse NAME [PAIRS]: does it, after so many right calls. */
int main(int argc, char **argv)
{
    for (const Misuse &misuse : misuses) {
        if (argc > 1 && std::strcmp(argv[1], misuse.name) == 0) {
            for (int pairs = argc > 2 ? std::atoi(argv[2]) : 0; pairs > 0; pairs--) {
                std::free(make());
            }
            misuse.wrong();
            return 0;
        }
    }
    return 2;
}
