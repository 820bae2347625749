/*
 * plugin_throw.cc - a plugin that throws through its caller's frames.
 *
 * build: -shared -fPIC
 */
#include <stdexcept>
#include <string>

extern "C" void plugin_throw(int number)
{
    std::string text(static_cast<std::size_t>(100 + number), 'x');
    if (number % 2 == 0) {
        throw std::runtime_error(text);
    }
    throw number;
}
