// What the device can do at best, to compare with what it does: see `CudaMsm::ceilings`.

// 2 `rounds` products in the base field a thread, each waiting for the one before.
KERNEL_OF_POINTS zkml_ceiling_products(Words* io, u32 rounds) {
    u64 t = THREAD;
    Words a = io[t], b = a;
    for (u32 i = 0; i < rounds; i++) {
        a = times(a, b);
        b = times(b, a);
    }
    io[t] = plus(a, b);
}

// `rounds` additions of bases from all over the list a thread.
KERNEL_OF_POINTS zkml_ceiling_additions(const Affine* bases, u32 count, u32 rounds, Point* out) {
    u64 t = THREAD;
    u32 x = (u32)t * 2654435761u;
    Point sum = identity();
    for (u32 i = 0; i < rounds; i++) {
        add_affine(sum, bases[x % count], x >> 31);
        x = x * 1664525u + 1013904223u;
    }
    out[t] = sum;
}
