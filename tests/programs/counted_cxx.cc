/*
 * The same as C++.
 */
#include "counted.c"
