/*
 * go_objects.h - each object of a Go program as a block: born where its runtime told of it, dead
 * when it was swept (`run --go-objects`).
 *
 * They belong to one thread, named for them, as goroutines move between threads. Single thread.
 */
#ifndef ALLOCAUDIT_GO_OBJECTS_H
#define ALLOCAUDIT_GO_OBJECTS_H

#include <stdint.h>

#include "../../base/err.h"
#include "../../go/object_trace.h"
#include "go_process.h"

/* From now on `process`, which has been met, has objects. Returns 0 or -ENOMEM. */
int go_objects_begin(struct go_process *process, uint64_t at_ns);

/*
 * One was allocated or swept at that moment; load_bias: run-time address - ELF address of its code.
 * One that was swept and is not known is left out. Returns 0, -ENOMEM, or the errno of a
 * failed write with *err set.
 */
int go_objects_add(struct go_process *process, const struct traced_object *object,
                   uint64_t load_bias, uint64_t at_ns, struct err *err);

#endif
