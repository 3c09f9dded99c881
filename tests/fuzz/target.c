/* A libFuzzer target; FUZZ_FORMAT says of what. With the preset `fuzz` (clang): fuzz_npy corpus/ -max_total_time=600 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_one(FUZZ_FORMAT, bytes, n);
    return 0;
}
