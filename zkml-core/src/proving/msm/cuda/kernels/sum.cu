// From the sorted list to one point for each window of each column.
//
//     bucket_b = sum of its entries' bases;     window = sum_b (b + 1) bucket_b
//
// A thread takes a fixed number of neighbouring entries, never a bucket: a bucket that holds the whole column is shared out like any
// other list. Buckets that begin and end within a thread's entries are done; the first and the last may go on next door and become
// partial sums, two a thread, which `zkml_merge` treats as entries again until there are few.

// No bucket: a place for a partial sum that was not needed.
#define NONE 0xffffffffu

// entries[count] of `length` a thread; sums[], all identities before; partial sums 2t and 2t + 1 of thread t.
KERNEL_OF_POINTS zkml_accumulate(const Affine* bases, const u32* entries, const u32* buckets, u32 count, u32 length,
                                 Point* sums, Point* partial, u32* partial_buckets) {
    u64 t = THREAD, from = t * length;
    if (from >= count) return;
    u32 to = (u32)(from + length < count ? from + length : count);
    Point sum = identity();
    u32 current = buckets[from];
    bool first = true;
    for (u32 i = (u32)from; i < to; i++) {
        if (buckets[i] != current) {
            if (first) {
                partial[2 * t] = sum;
                partial_buckets[2 * t] = current;
                first = false;
            } else {
                sums[current] = sum;
            }
            sum = identity();
            current = buckets[i];
        }
        u32 entry = entries[i];
        add_affine(sum, bases[entry & 0x7fffffffu], entry >> 31);
    }
    u64 last = first ? 2 * t : 2 * t + 1;
    partial[last] = sum;
    partial_buckets[last] = current;
    if (first) partial_buckets[2 * t + 1] = NONE;
}

// The same for points, of which some belong to no bucket. With `final` there is one thread, and every bucket is done.
KERNEL_OF_POINTS zkml_merge(const Point* points, const u32* buckets, u32 count, u32 length, u32 final, Point* sums,
                            Point* partial, u32* partial_buckets) {
    u64 t = THREAD, from = t * length;
    if (from >= count) return;
    u64 to = from + length < count ? from + length : count;
    Point sum = identity();
    u32 current = NONE, head = NONE, tail = NONE;
    bool first = !final;
    for (u64 i = from; i < to; i++) {
        if (buckets[i] == NONE) continue;
        if (buckets[i] != current && current != NONE) {
            if (first) {
                partial[2 * t] = sum;
                head = current;
                first = false;
            } else {
                sums[current] = sum;
            }
            sum = identity();
        }
        current = buckets[i];
        add_in_place(&sum, &points[i]);
    }
    if (final) {
        if (current != NONE) sums[current] = sum;
        return;
    }
    if (first) {
        partial[2 * t] = sum;
        head = current;
    } else {
        partial[2 * t + 1] = sum;
        tail = current;
    }
    partial_buckets[2 * t] = head;
    partial_buckets[2 * t + 1] = tail;
}

// out[t] = sum over the thread's `share` buckets b of a window of (b + 1) bucket_b. `share` divides `buckets`, those of a window. With
// s the first of them this is s sum_b bucket_b plus a sum of running sums from the last to the first.
KERNEL_OF_POINTS zkml_weigh(const Point* sums, u32 buckets, u32 windows, u32 share, Point* out) {
    u64 t = THREAD;
    u32 threads = buckets / share;
    if (t >= (u64)threads * windows) return;
    u64 window = t / threads;
    u32 start = (u32)(t - window * threads) * share;
    const Point* mine = sums + window * buckets + start;
    Point running = identity(), sum = identity(), multiple = identity();
    for (u32 i = share; i-- > 0;) {
        add_in_place(&running, &mine[i]);
        add_in_place(&sum, &running);
    }
    for (int bit = 31; bit >= 0; bit--) {
        if (!(start >> bit)) continue;
        double_in_place(&multiple);
        if (start >> bit & 1) add_in_place(&multiple, &running);
    }
    add_in_place(&sum, &multiple);
    out[t] = sum;
}

// Of each window's `count` points, sums of `share`.
KERNEL_OF_POINTS zkml_fold(const Point* points, u32 count, u32 windows, u32 share, Point* out) {
    u64 t = THREAD;
    u32 threads = (count + share - 1) / share;
    if (t >= (u64)threads * windows) return;
    u64 window = t / threads;
    u32 from = (u32)(t - window * threads) * share;
    Point sum = identity();
    for (u32 i = from; i < from + share && i < count; i++) add_in_place(&sum, &points[window * count + i]);
    out[t] = sum;
}
