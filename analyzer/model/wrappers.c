#include "wrappers.h"

#include <stddef.h>
#include <string.h>

/* A name that ends in '*' stands for everything that begins so; others must be followed by nothing,
 * by template arguments, parameters, a version or a compiler's suffix. */
static const char *const wrapper_names[] = {
    /* the C library */
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
    "valloc",
    "pvalloc",
    "strdup",
    "strndup",
    "__strdup",
    "__strndup",
    "__libc_malloc",
    "__libc_calloc",
    "__libc_realloc",
    "__libc_memalign",
    /* C++ */
    "operator new",
    "operator new[]",
    "std::allocator*",
    "std::__new_allocator*",
    "std::__allocate_guarded*",
    "std::__detail::_Hashtable_alloc*",
    "std::_Vector_base*",
    "std::_Deque_base*",
    "std::_List_base*",
    "std::__allocated_ptr*",
    "__gnu_cxx::*",
    "void* __gnu_cxx::*",
    "std::pmr::*",
    "std::__cxx11::basic_string<*",
    "std::basic_string<*",
    "std::vector<*",
    "std::deque<*",
    "std::__cxx11::list<*",
    "std::__cxx11::_List_base<*",
    "std::_Rb_tree<*",
    "std::_Hashtable<*",
    "std::map<*",
    "std::set<*",
    "std::unordered_map<*",
    "std::unordered_set<*",
    "std::make_unique<*",
    "std::make_shared<*",
    "std::allocate_shared<*",
    "std::shared_ptr<*",
    "std::__shared_ptr<*",
    "std::__shared_count<*",
    /* runtimes of sanitizers, and what their reports and faults begin with */
    "__sanitizer::*",
    "__interceptor_*",
    "__asan::*",
    "__lsan::*",
    "libasan.so*",
    "liblsan.so*",
    "free",
    "cfree",
    "operator delete",
    "operator delete[]",
    /* Rust */
    "__rust_alloc",
    "__rust_alloc_zeroed",
    "__rust_realloc",
    "__rdl_alloc",
    "__rdl_realloc",
    "alloc::alloc::*",
    "alloc::raw_vec::*",
    "<alloc::alloc::Global*",
    /* Go */
    "runtime.*",
    /* helpers of common C programs */
    "xmalloc",
    "xcalloc",
    "xrealloc",
    "xzalloc",
    "xmalloc0",
    "xreallocarray",
    "xmallocarray",
    "x2realloc",
    "x2nrealloc",
    "xnmalloc",
    "xnrealloc",
    "xstrdup",
    "xstrndup",
    "xmemdup",
    "emalloc",
    "ecalloc",
    "erealloc",
    "safe_malloc",
    "safe_calloc",
    "safe_realloc",
    "checked_malloc",
    "g_malloc",
    "g_malloc0",
    "g_malloc_n",
    "g_malloc0_n",
    "g_realloc",
    "g_realloc_n",
    "g_try_malloc",
    "g_try_malloc0",
    "g_try_realloc",
    "g_slice_alloc",
    "g_slice_alloc0",
    "g_strdup",
    "g_strndup",
    "g_memdup",
    "g_memdup2",
    "zmalloc",
    "zcalloc",
    "zrealloc",
    "ztrymalloc",
    "ztrymalloc_usable",
    "ztrycalloc",
    "zmalloc_usable",
    "zstrdup",
    "sqlite3MemMalloc",
    "sqlite3MemRealloc",
    "mallocWithAlarm",
    "sqlite3Malloc",
    "sqlite3MallocZero",
    "sqlite3_malloc",
    "sqlite3_malloc64",
    "sqlite3Realloc",
    "sqlite3_realloc",
    "sqlite3_realloc64",
    "sqlite3DbMallocRaw",
    "sqlite3DbMallocRawNN",
    "sqlite3DbMallocRawNNTyped",
    "sqlite3DbMallocZero",
    "sqlite3DbRealloc",
    "dbMallocRawFinish",
    "dbReallocFinish",
    "Perl_safesysmalloc",
    "Perl_safesyscalloc",
    "Perl_safesysrealloc",
    "PyMem_Malloc",
    "PyMem_Calloc",
    "PyMem_Realloc",
    "PyMem_RawMalloc",
    "PyMem_RawCalloc",
    "PyMem_RawRealloc",
    "PyObject_Malloc",
    "PyObject_Calloc",
    "PyObject_Realloc",
    "_PyObject_Malloc",
    "_PyObject_Calloc",
    "_PyObject_Realloc",
    "_PyMem_RawMalloc",
    "_PyMem_RawCalloc",
    "_PyMem_RawRealloc",
    "jv_mem_alloc",
    "jv_mem_calloc",
    "jv_mem_realloc",
    "jv_mem_strdup",
    "xmlMalloc",
    "xmlRealloc",
    "xmlStrdup",
    "xmlStrndup",
};

static bool is_name_end(const char *rest)
{
    return *rest == '\0' || strchr("(<@.[", *rest) != NULL;
}

/* "std::vector<int>::push_back" may come with what it returns in front ("void std::vector..."). */
static const char *skip_return_type(const char *function)
{
    static const char *const types[] = {"void* ", "void ", "char* "};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t length = strlen(types[i]);
        if (strncmp(function, types[i], length) == 0) {
            return function + length;
        }
    }
    return function;
}

bool wrapper_is_allocator(const char *function)
{
    const char *name = skip_return_type(function);
    for (size_t i = 0; i < sizeof(wrapper_names) / sizeof(wrapper_names[0]); i++) {
        size_t length = strlen(wrapper_names[i]);
        bool is_prefix = wrapper_names[i][length - 1] == '*';
        length -= is_prefix ? 1 : 0;
        if (strncmp(name, wrapper_names[i], length) == 0 &&
            (is_prefix || is_name_end(name + length))) {
            return true;
        }
    }
    return false;
}
