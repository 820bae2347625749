/*
 * plugin_frame.h - the body of plugin_small_frame.c and plugin_large_frame.c: the same code at the
 * same addresses, but for the size of one frame (PLUGIN_FRAME_BYTES, as text).
 */
#include <stdlib.h>

int plugin_run(void);
void plugin_call(void (*function)(void));

__asm__(".text\n"
        ".type plugin_call, @function\n"
        "plugin_call:\n"
        "    .cfi_startproc\n"
        "    sub $" PLUGIN_FRAME_BYTES ", %rsp\n"
        "    .cfi_adjust_cfa_offset " PLUGIN_FRAME_BYTES "\n"
        "    call *%rdi\n"
        "    add $" PLUGIN_FRAME_BYTES ", %rsp\n"
        "    .cfi_adjust_cfa_offset -" PLUGIN_FRAME_BYTES "\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size plugin_call, . - plugin_call\n");

static void plugin_take(void)
{
    for (int i = 0; i < 10; i++) {
        free(malloc(64));
    }
}

int plugin_run(void)
{
    plugin_call(plugin_take);
    return 0;
}
