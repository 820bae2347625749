/*
 * hooks_api.c - the functions of allocaudit.h.
 */
#include "allocaudit.h"

#include "emit.h"
#include "hooks.h"

HOOK void allocaudit_note(unsigned kind, const char *name)
{
    emit_mark(kind, name != NULL ? name : "", HOOK_FRAME);
}
