// The words of CUDA for a C++ compiler. Included before the kernels.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <unordered_map>

#define ZKML_EMULATOR
#define DEVICE inline
#define OUTLINED static
#define KERNEL static void
#define KERNEL_OF_POINTS static void
#define UNROLL
#define __align__(bytes) alignas(bytes)

struct Dimension {
    unsigned x;
};
static thread_local Dimension blockIdx, blockDim, threadIdx;

// Additions of points by the running thread, and atomic additions to each word by the running grid.
static thread_local uint64_t additions;
static thread_local std::unordered_map<unsigned*, uint64_t> atomics;
#define COUNT_ADDITION() (additions++)

static inline unsigned atomicAdd(unsigned* at, unsigned value) {
    atomics[at]++;
    unsigned before = *at;
    *at = before + value;
    return before;
}
