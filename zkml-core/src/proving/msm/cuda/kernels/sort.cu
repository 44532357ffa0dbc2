// From scalars to a list of (bucket, base, sign), sorted by bucket.
//
// With windows of `width` bits, a scalar is sum_w d_w 2^(width w) with -2^(width-1) < d_w <= 2^(width-1); digit d_w of column c belongs to
//
//     bucket = ((c windows + w) 2^(width-1)) + |d_w| - 1
//
// and zeros to none. Sorting is by counting: `zkml_count`, an exclusive scan, `zkml_scatter`. So that a bucket in which all digits
// fall is as fast as others, each has 2^stripes counters side by side, and row i counts in number i mod 2^stripes: at most
// rows / 2^stripes + 1 atomic additions meet in one word, whatever the column holds.

// Calls f(window, magnitude - 1, sign) for each digit that is not 0 of the magnitude v of `words` words.
template <class Then>
DEVICE void for_digits(const u32* v, u32 words, bool negative, u32 width, u32 windows, Then f) {
    u32 carry = 0, half = 1u << (width - 1), mask = (1u << width) - 1;
    for (u32 w = 0; w < windows; w++) {
        u32 bit = w * width, i = bit >> 5;
        u64 pair = i < words ? v[i] : 0;
        if (i + 1 < words) pair |= (u64)v[i + 1] << 32;
        u32 digit = ((u32)(pair >> (bit & 31)) & mask) + carry;
        bool above = digit > half;
        carry = above;
        if (above) digit = (1u << width) - digit;
        if (digit) f(w, digit - 1, above != negative);
    }
}

// Kinds of scalars, as ../scalars.rs numbers them.
#define FIELD 0u
#define I16 1u
#define I32 2u

// Calls f as `for_digits` does for scalar `index`. A field element s above p / 2 counts as -(p - s), so that small negative ones have
// few digits.
template <class Then>
DEVICE void for_digits_of(const void* scalars, u32 kind, u64 index, u32 width, u32 windows, Then f) {
    u32 v[8];
    if (kind == FIELD) {
        Words a = integer(((const Words*)scalars)[index]), n;
        n.v[0] = sub_cc(Scalar::p(0), a.v[0]);
        UNROLL for (int j = 1; j < 7; j++) n.v[j] = subc_cc(Scalar::p(j), a.v[j]);
        n.v[7] = subc(Scalar::p(7), a.v[7]);
        bool negative = false;
        for (int j = 7; j >= 0; j--) {
            if (a.v[j] == n.v[j]) continue;
            negative = a.v[j] > n.v[j];
            break;
        }
        UNROLL for (int j = 0; j < 8; j++) v[j] = negative ? n.v[j] : a.v[j];
        for_digits(v, 8, negative, width, windows, f);
        return;
    }
    long long x = kind == I16   ? (long long)((const short*)scalars)[index]
                  : kind == I32 ? (long long)((const int*)scalars)[index]
                                : ((const long long*)scalars)[index];
    u64 magnitude = x < 0 ? (u64)0 - (u64)x : (u64)x;
    v[0] = (u32)magnitude;
    v[1] = (u32)(magnitude >> 32);
    for_digits(v, 2, x < 0, width, windows, f);
}

// counts[columns windows 2^(width - 1) 2^stripes], zeros before; scalars[columns rows], column by column; a thread a scalar.
KERNEL zkml_count(const void* scalars, u32 kind, u32 rows, u32 columns, u32 width, u32 windows, u32 stripes,
                  u32* counts) {
    u64 t = THREAD;
    if (t >= (u64)rows * columns) return;
    u32 column = (u32)(t / rows), stripe = (u32)t & ((1u << stripes) - 1);
    for_digits_of(scalars, kind, t, width, windows, [&](u32 w, u32 d, bool) {
        u32 bucket = (column * windows + w) << (width - 1) | d;
        atomicAdd(&counts[bucket << stripes | stripe], 1u);
    });
}

// Items that a thread of a scan goes through.
#define SCAN 32u

// sums[t] = sum of items SCAN t to SCAN t + SCAN - 1.
KERNEL zkml_scan_sums(const u32* items, u32 count, u32* sums) {
    u64 t = THREAD, from = t * SCAN;
    if (from >= count) return;
    u32 sum = 0;
    for (u64 i = from; i < from + SCAN && i < count; i++) sum += items[i];
    sums[t] = sum;
}

// items[i] = start + the sum of the items before i that the thread goes through; `starts` may be null for a single thread.
KERNEL zkml_scan_apply(u32* items, u32 count, const u32* starts) {
    u64 t = THREAD, from = t * SCAN;
    if (from >= count) return;
    u32 sum = starts ? starts[t] : 0;
    for (u64 i = from; i < from + SCAN && i < count; i++) {
        u32 item = items[i];
        items[i] = sum;
        sum += item;
    }
}

// Puts each digit where the scanned counters say, and moves them on: entry = row | sign 2^31.
KERNEL zkml_scatter(const void* scalars, u32 kind, u32 rows, u32 columns, u32 width, u32 windows, u32 stripes,
                    u32* cursors, u32* entries, u32* buckets) {
    u64 t = THREAD;
    if (t >= (u64)rows * columns) return;
    u32 column = (u32)(t / rows), row = (u32)(t - (u64)column * rows), stripe = (u32)t & ((1u << stripes) - 1);
    for_digits_of(scalars, kind, t, width, windows, [&](u32 w, u32 d, bool negative) {
        u32 bucket = (column * windows + w) << (width - 1) | d;
        u32 at = atomicAdd(&cursors[bucket << stripes | stripe], 1u);
        entries[at] = row | (negative ? 0x80000000u : 0u);
        buckets[at] = bucket;
    });
}
