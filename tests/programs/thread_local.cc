/*
 * thread_local.cc - C++ objects with thread storage whose destructors free at thread exit.
 *
 * build: -pthread
 */
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace
{
thread_local std::vector<int> numbers;
thread_local std::unique_ptr<char[]> text;

void work()
{
    numbers.resize(250);
    text = std::make_unique<char[]>(77);
}
} // namespace

int main()
{
    for (int i = 0; i < 5; i++) {
        std::thread(work).join();
    }
    work();
    return 0;
}
