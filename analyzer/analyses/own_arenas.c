#include "own_arenas.h"

#include <errno.h>
#include <math.h>

#include "repack.h"

/* Whatever was held since the call before. */
static void add_time(const struct repack *repack, struct own_arena *arenas, size_t count,
                     double since_ns)
{
    for (size_t i = 0; i < count; i++) {
        double held_bytes = (double)repack_held_bytes(repack, i);
        arenas[i].peak_bytes = fmax(arenas[i].peak_bytes, held_bytes);
        arenas[i].mean_bytes += held_bytes * since_ns; /* a sum until the end */
        arenas[i].end_bytes = held_bytes;
    }
}

static int read_calls(struct operations *operations, struct repack *repack,
                      struct own_arena *arenas, size_t count, struct err *err)
{
    struct operation operation;
    uint64_t began_ns = 0;
    uint64_t now_ns = 0;
    int result;
    while ((result = operations_next(operations, &operation, err)) > 0) {
        began_ns = began_ns == 0 ? operation.at_ns : began_ns;
        now_ns = now_ns == 0 ? operation.at_ns : now_ns;
        add_time(repack, arenas, count, (double)(operation.at_ns - now_ns));
        now_ns = operation.at_ns;
        result = repack_observe(repack, &operation);
        if (result < 0) {
            return err_set_errno(err, -result, "cannot lay out the blocks anew");
        }
    }
    add_time(repack, arenas, count, 0);
    for (size_t i = 0; i < count; i++) {
        arenas[i].mean_bytes = now_ns > began_ns
                                   ? arenas[i].mean_bytes / (double)(now_ns - began_ns)
                                   : arenas[i].end_bytes;
    }
    return result;
}

int own_arenas_measure(const struct trace *trace, uint32_t process_id, struct own_arena *arenas,
                       size_t count, struct err *err)
{
    uint32_t stack_ids[OWN_ARENAS_MAX];
    struct operations *operations = NULL;
    for (size_t i = 0; i < count; i++) {
        stack_ids[i] = arenas[i].stack_id;
        arenas[i] = (struct own_arena){.stack_id = stack_ids[i]};
    }
    struct repack *repack = repack_create(stack_ids, count);
    int result = repack == NULL ? err_set_errno(err, ENOMEM, "cannot lay out the blocks anew")
                                : operations_open(trace->db, process_id, &operations, err);
    if (result == 0) {
        result = read_calls(operations, repack, arenas, count, err);
    }
    operations_close(operations);
    repack_destroy(repack);
    return result;
}
