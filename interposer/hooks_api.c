/*
 * hooks_api.c - the functions of allocaudit.h.
 */
#include "allocaudit.h"

#include "emit.h"
#include "hooks.h"
#include "route.h"

HOOK void allocaudit_note(unsigned kind, const char *name)
{
    if (kind == ALLOCAUDIT_FRAME) {
        route_end_frame();
    }
    emit_mark(kind, name != NULL ? name : "", HOOK_FRAME);
}
