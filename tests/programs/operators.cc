/*
 * operators.cc - every form of operator new and delete, each from a function of its own.
 *
 * build: -fsized-deallocation
 */
#include <cstdlib>
#include <new>

namespace
{
constexpr std::align_val_t align64{64};

void case_new()
{
    ::operator delete(::operator new(10));
}
void case_new_sized_delete()
{
    ::operator delete (::operator new(11), std::size_t{11});
}
void case_new_nothrow()
{
    ::operator delete(::operator new(12, std::nothrow), std::nothrow);
}
void case_new_aligned()
{
    ::operator delete(::operator new(13, align64), align64);
}
void case_new_aligned_sized()
{
    ::operator delete (::operator new(14, align64), std::size_t{14}, align64);
}
void case_new_aligned_nothrow()
{
    ::operator delete(::operator new(15, align64, std::nothrow), align64, std::nothrow);
}
void case_array()
{
    ::operator delete[](::operator new[](20));
}
void case_array_sized_delete()
{
    ::operator delete[](::operator new[](21), std::size_t{21});
}
void case_array_nothrow()
{
    ::operator delete[](::operator new[](22, std::nothrow), std::nothrow);
}
void case_array_aligned()
{
    ::operator delete[](::operator new[](23, align64), align64);
}
void case_array_aligned_sized()
{
    ::operator delete[](::operator new[](24, align64), std::size_t{24}, align64);
}
void case_array_aligned_nothrow()
{
    ::operator delete[](::operator new[](25, align64, std::nothrow), align64, std::nothrow);
}
void case_mismatch_free()
{
    std::free(::operator new(30));
}
void case_mismatch_delete()
{
    ::operator delete(std::malloc(31));
}
void case_mismatch_array()
{
    void *volatile block = ::operator new[](32);
    ::operator delete(block);
}
void case_too_large()
{
    volatile std::size_t half = ~std::size_t{0} / 2;
    if (::operator new(half, std::nothrow) != nullptr) {
        std::abort();
    }
    try {
        void *block = ::operator new(half);
        ::operator delete(block);
        std::abort();
    } catch (const std::bad_alloc &) {
    }
}
} // namespace

int main()
{
    case_new();
    case_new_sized_delete();
    case_new_nothrow();
    case_new_aligned();
    case_new_aligned_sized();
    case_new_aligned_nothrow();
    case_array();
    case_array_sized_delete();
    case_array_nothrow();
    case_array_aligned();
    case_array_aligned_sized();
    case_array_aligned_nothrow();
    case_mismatch_free();
    case_mismatch_delete();
    case_mismatch_array();
    case_too_large();
    return 0;
}
