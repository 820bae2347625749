/*
 * exceptions.cc - catches what the dlopened plugin argv[1] throws, 1000 times, in two threads.
 *
 * build: -pthread
 */
#include <cstdio>
#include <dlfcn.h>
#include <stdexcept>
#include <thread>

namespace
{
using throw_function = void (*)(int);

long run(throw_function plugin_throw)
{
    long sum = 0;
    for (int i = 0; i < 1000; i++) {
        try {
            plugin_throw(i);
        } catch (const std::runtime_error &error) {
            sum += error.what()[0];
        } catch (int number) {
            sum += number;
        }
    }
    return sum;
}
} // namespace

int main(int argc, char **argv)
{
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (plugin == nullptr) {
        return 3;
    }
    auto plugin_throw = reinterpret_cast<throw_function>(dlsym(plugin, "plugin_throw"));
    long in_thread = 0;
    std::thread thread([&] { in_thread = run(plugin_throw); });
    long in_main = run(plugin_throw);
    thread.join();
    std::printf("%ld %ld\n", in_main, in_thread);
    return 0;
}
