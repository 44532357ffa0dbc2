// 32-bit words, and sums and products of them with a carry.
//
// The files of this directory are one source, joined in the order words, field, curve, sort, sum, ceilings. Device
// compilers (NVRTC, nvcc) see it as it is, with no #include. A C++ compiler sees it after emulator.h, which defines
// ZKML_EMULATOR and the words of CUDA: no kernel waits for another thread (no barrier, no shuffle, only atomic
// additions), so a grid is a loop.

typedef unsigned int u32;
typedef unsigned long long u64;

#ifndef ZKML_EMULATOR
#define DEVICE __device__ __forceinline__
// Called rarely, or long enough that the call does not show: compiles in a sixth of the time.
#define OUTLINED __device__ __noinline__ static
#define KERNEL extern "C" __global__ void
// Registers for four to five blocks on a multiprocessor; ../gpu.rs launches blocks of this size.
#define KERNEL_OF_POINTS extern "C" __global__ void __launch_bounds__(128)
#define UNROLL _Pragma("unroll")
#define COUNT_ADDITION()
#endif

// This thread's place in the grid.
#define THREAD ((u64)blockIdx.x * blockDim.x + threadIdx.x)

// `_cc` at the end sets the carry; `c` after the verb takes it in. The carry lives in a processor flag that compilers do not
// know of, hence `volatile`, which keeps the order.
#ifdef ZKML_EMULATOR
static thread_local u32 carry_flag = 0;
DEVICE u32 with_carry(u64 sum) { carry_flag = (u32)(sum >> 32) & 1; return (u32)sum; }
DEVICE u32 low(u32 a, u32 b) { return (u32)((u64)a * b); }
DEVICE u32 high(u32 a, u32 b) { return (u32)(((u64)a * b) >> 32); }
DEVICE u32 add_cc(u32 a, u32 b) { return with_carry((u64)a + b); }
DEVICE u32 addc_cc(u32 a, u32 b) { return with_carry((u64)a + b + carry_flag); }
DEVICE u32 addc(u32 a, u32 b) { return a + b + carry_flag; }
DEVICE u32 sub_cc(u32 a, u32 b) { return with_carry((u64)a - b); }
DEVICE u32 subc_cc(u32 a, u32 b) { return with_carry((u64)a - b - carry_flag); }
DEVICE u32 subc(u32 a, u32 b) { return a - b - carry_flag; }
DEVICE u32 mad_lo_cc(u32 a, u32 b, u32 c) { return with_carry((u64)low(a, b) + c); }
DEVICE u32 madc_lo_cc(u32 a, u32 b, u32 c) { return with_carry((u64)low(a, b) + c + carry_flag); }
DEVICE u32 madc_hi_cc(u32 a, u32 b, u32 c) { return with_carry((u64)high(a, b) + c + carry_flag); }
DEVICE u32 madc_hi(u32 a, u32 b, u32 c) { return high(a, b) + c + carry_flag; }
#else
#define SUM(name, instruction)                                                                                         \
    DEVICE u32 name(u32 a, u32 b) {                                                                                    \
        u32 r;                                                                                                         \
        asm volatile(instruction ".u32 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));                                       \
        return r;                                                                                                      \
    }
#define PRODUCT(name, instruction)                                                                                     \
    DEVICE u32 name(u32 a, u32 b, u32 c) {                                                                             \
        u32 r;                                                                                                         \
        asm volatile(instruction ".u32 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c));                           \
        return r;                                                                                                      \
    }
SUM(add_cc, "add.cc")
SUM(addc_cc, "addc.cc")
SUM(addc, "addc")
SUM(sub_cc, "sub.cc")
SUM(subc_cc, "subc.cc")
SUM(subc, "subc")
PRODUCT(mad_lo_cc, "mad.lo.cc")
PRODUCT(madc_lo_cc, "madc.lo.cc")
PRODUCT(madc_hi_cc, "madc.hi.cc")
PRODUCT(madc_hi, "madc.hi")
#endif
