/*
 * plugin_large_frame.c - see plugin_frame.h.
 *
 * build: -shared -fPIC
 */
#define PLUGIN_FRAME_BYTES "0x508"
#include "plugin_frame.h"
