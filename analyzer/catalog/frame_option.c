#include "frame_option.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "../../schema/frame_symbols.h"
#include "../base/suggest.h"
#include "elf_names.h"
#include "preload.h"

enum {
    NAME_BYTES_MAX = 255,
};

static bool is_symbol(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789$";
    size_t length = strlen(name);
    return length > 0 && length <= NAME_BYTES_MAX && strchr(letters, name[0]) != NULL &&
           strspn(name, others) == length;
}

static int check_symbol(const char *symbol, const char *library, struct err *err)
{
    if (!is_symbol(symbol)) {
        return err_set(
            err, EINVAL,
            "--frame-symbol '%s': no name of a function as the linker knows it (of a C++ "
            "function, give the mangled one: nm -D)",
            symbol);
    }
    if (elf_names_gives(library, symbol) || strcmp(symbol, "dlsym") == 0) {
        return err_set(err, EINVAL, "--frame-symbol %s: the recorder takes that function over",
                       symbol);
    }
    if (elf_names_takes(library, symbol)) {
        return err_set(err, EINVAL, "--frame-symbol %s: the recorder calls that function itself",
                       symbol);
    }
    return 0;
}

int frame_option_check(const char *const *symbols, size_t count, struct err *err)
{
    char library[PATH_MAX];
    if (count > FRAME_SYMBOLS_MAX) {
        return err_set(err, EINVAL, "--frame-symbol can be given %d times at most",
                       FRAME_SYMBOLS_MAX);
    }
    int result = count > 0 ? preload_find_library(library, sizeof(library), err) : 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = check_symbol(symbols[i], library, err);
        for (size_t j = 0; j < i && result == 0; j++) {
            if (strcmp(symbols[i], symbols[j]) == 0) {
                result = err_set(err, EINVAL, "--frame-symbol %s is given twice", symbols[i]);
            }
        }
    }
    return result;
}

int frame_option_advise(const char *program, const char *symbol, struct str *advice)
{
    struct elf_name_answer answer;
    struct elf_names names = {.count = 0};
    int result = elf_names_ask(program, symbol, &answer, &names);
    if (result == 0 && answer.is_in_program) {
        result = str_printf(advice,
                            "--frame-symbol %s: the program defines that function itself, where "
                            "calls cannot be seen; call allocaudit_frame() in it (allocaudit.h)",
                            symbol);
    } else if (result == 0 && !answer.is_in_library) {
        const char *nearest =
            names.count > 0 ? suggest_nearest(symbol, (const char *const *)names.items) : NULL;
        result = str_printf(advice,
                            "--frame-symbol %s: neither the program nor a library that it is "
                            "linked with has that function",
                            symbol);
        if (result == 0 && nearest != NULL) {
            result = str_printf(advice, ": did you mean '%s'?", nearest);
        } else if (result == 0) {
            result = str_append(advice, "; a library that it loads later may");
        }
    }
    elf_names_fini(&names);
    return result;
}
