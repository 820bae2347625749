/* One target of fuzz_targets.h for a fuzzer: -DFUZZ_TARGET=fuzz_budget. libFuzzer and AFL++ alike.
 */
#include "fuzz_journal.h"
#include "fuzz_ring.h"
#include "fuzz_targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count <= FUZZ_BYTES_MAX) {
        FUZZ_TARGET(bytes, count);
    }
    return 0;
}
