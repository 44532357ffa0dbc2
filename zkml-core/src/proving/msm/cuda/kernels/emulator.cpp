// Kernels as functions, called as cuLaunchKernel calls them: by name, with an array of pointers to the arguments.
#include "emulator.h"

#include "words.cu"
#include "field.cu"
#include "curve.cu"
#include "sort.cu"
#include "sum.cu"
#include "ceilings.cu"

#include <string.h>
#include <utility>

template <class... A, size_t... I>
static void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*(A*)arguments[I]...);
}

// Threads run one after the other, in another order for each `stride`, coprime to their number: what depends on the order shows.
template <class... A>
static void run(void (*kernel)(A...), uint64_t blocks, unsigned block, uint64_t stride, void** arguments,
                uint64_t work[2]) {
    uint64_t threads = blocks * block;
    blockDim.x = block;
    atomics.clear();
    work[0] = work[1] = 0;
    for (uint64_t i = 0; i < threads; i++) {
        uint64_t t = (uint64_t)((unsigned __int128)i * stride % threads);
        blockIdx.x = (unsigned)(t / block);
        threadIdx.x = (unsigned)(t % block);
        additions = 0;
        call(kernel, arguments, std::index_sequence_for<A...>{});
        if (additions > work[0]) work[0] = additions;
    }
    for (const auto& word : atomics)
        if (word.second > work[1]) work[1] = word.second;
}

// Runs a grid of `blocks` blocks of `block` threads. Returns 0, or 1 when there is no such kernel. `work` gets the most
// additions of points that a thread did, and the most atomic additions to one word.
extern "C" int zkml_emulate(const char* name, uint64_t blocks, unsigned block, uint64_t stride, void** arguments,
                            uint64_t work[2]) {
#define KERNEL_NAMED(kernel)                                                                                           \
    if (!strcmp(name, #kernel)) {                                                                                      \
        run(&kernel, blocks, block, stride, arguments, work);                                                          \
        return 0;                                                                                                      \
    }
    KERNEL_NAMED(zkml_count)
    KERNEL_NAMED(zkml_scan_sums)
    KERNEL_NAMED(zkml_scan_apply)
    KERNEL_NAMED(zkml_scatter)
    KERNEL_NAMED(zkml_accumulate)
    KERNEL_NAMED(zkml_merge)
    KERNEL_NAMED(zkml_weigh)
    KERNEL_NAMED(zkml_fold)
    KERNEL_NAMED(zkml_ceiling_products)
    KERNEL_NAMED(zkml_ceiling_additions)
    return 1;
}
