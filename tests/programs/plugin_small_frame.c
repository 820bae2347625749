/*
 * plugin_small_frame.c - see plugin_frame.h.
 *
 * build: -shared -fPIC
 */
#define PLUGIN_FRAME_BYTES "0x108"
#include "plugin_frame.h"
