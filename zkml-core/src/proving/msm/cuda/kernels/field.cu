// The two fields of BN254 in Montgomery form, R = 2^256, as eight words, least significant first.
//
// Values are lazy: anywhere in [0, 2p), so 0 has two forms, 0 and p. As 4p < 2^256, a product of two such values comes out below 2p
// with no final subtraction: (2p 2p + R p) / R < 2p.

struct __align__(16) Words {
    u32 v[8];
};

// Coordinates: p = 21888242871839275222246405745257275088696311157297823662689037894645226208583.
struct Base {
    static DEVICE u32 p(int i) {
        const u32 words[8] = {0xd87cfd47u, 0x3c208c16u, 0x6871ca8du, 0x97816a91u,
                              0x8181585du, 0xb85045b6u, 0xe131a029u, 0x30644e72u};
        return words[i];
    }
    static const u32 NEGATIVE_INVERSE = 0xe4866389u;  // -p^-1 mod 2^32
};

// Scalars: p = 21888242871839275222246405745257275088548364400416034343698204186575808495617.
struct Scalar {
    static DEVICE u32 p(int i) {
        const u32 words[8] = {0xf0000001u, 0x43e1f593u, 0x79b97091u, 0x2833e848u,
                              0x8181585du, 0xb85045b6u, 0xe131a029u, 0x30644e72u};
        return words[i];
    }
    static const u32 NEGATIVE_INVERSE = 0xefffffffu;
};

// Word i of p or 2p.
template <class F> DEVICE u32 multiple_of_p(int i, bool twice) {
    if (!twice) return F::p(i);
    return i == 0 ? F::p(0) << 1 : F::p(i) << 1 | F::p(i - 1) >> 31;
}

DEVICE Words zero() {
    Words r;
    UNROLL for (int j = 0; j < 8; j++) r.v[j] = 0;
    return r;
}

// Whether all words are 0.
DEVICE bool blank(const Words& a) {
    u32 any = 0;
    UNROLL for (int j = 0; j < 8; j++) any |= a.v[j];
    return any == 0;
}

// Whether the value is 0 mod p: 0 or p.
template <class F> DEVICE bool vanishes(const Words& a) {
    u32 any = 0, other = 0;
    UNROLL for (int j = 0; j < 8; j++) {
        any |= a.v[j];
        other |= a.v[j] ^ F::p(j);
    }
    return any == 0 || other == 0;
}

// a b / R. Row i adds a b_i and then a multiple of p that clears the lowest word. Products of words 0, 2, 4, 6 of a go to the
// accumulator `even`, the others to `odd`, which stands one word higher: within one of them products do not overlap, so each is
// one chain of carries.
template <class F> DEVICE Words multiply(const Words& a, const Words& b) {
    u32 even[8], odd[8];
    UNROLL for (int j = 0; j < 8; j += 2) {
        u64 s = (u64)a.v[j] * b.v[0], t = (u64)a.v[j + 1] * b.v[0];
        even[j] = (u32)s, even[j + 1] = (u32)(s >> 32);
        odd[j] = (u32)t, odd[j + 1] = (u32)(t >> 32);
    }
    UNROLL for (int i = 0; i < 8; i++) {
        u32 m = even[0] * F::NEGATIVE_INVERSE;
        odd[0] = mad_lo_cc(m, F::p(1), odd[0]);
        odd[1] = madc_hi_cc(m, F::p(1), odd[1]);
        UNROLL for (int j = 2; j < 8; j += 2) {
            odd[j] = madc_lo_cc(m, F::p(j + 1), odd[j]);
            odd[j + 1] = j < 6 ? madc_hi_cc(m, F::p(j + 1), odd[j + 1]) : madc_hi(m, F::p(7), odd[7]);
        }
        even[0] = mad_lo_cc(m, F::p(0), even[0]);
        even[1] = madc_hi_cc(m, F::p(0), even[1]);
        UNROLL for (int j = 2; j < 8; j += 2) {
            even[j] = madc_lo_cc(m, F::p(j), even[j]);
            even[j + 1] = madc_hi_cc(m, F::p(j), even[j + 1]);
        }
        odd[7] = addc(odd[7], 0);
        if (i == 7) break;
        // The lowest word is 0 and drops out: what was odd is even now, with the word that `even` had beside it, and `even` without
        // two words is odd.
        u32 bi = b.v[i + 1], next[8];
        odd[0] = add_cc(odd[0], even[1]);
        UNROLL for (int j = 0; j < 6; j += 2) {
            next[j] = madc_lo_cc(a.v[j + 1], bi, even[j + 2]);
            next[j + 1] = madc_hi_cc(a.v[j + 1], bi, even[j + 3]);
        }
        next[6] = madc_lo_cc(a.v[7], bi, 0);
        next[7] = madc_hi(a.v[7], bi, 0);
        odd[0] = mad_lo_cc(a.v[0], bi, odd[0]);
        odd[1] = madc_hi_cc(a.v[0], bi, odd[1]);
        UNROLL for (int j = 2; j < 8; j += 2) {
            odd[j] = madc_lo_cc(a.v[j], bi, odd[j]);
            odd[j + 1] = madc_hi_cc(a.v[j], bi, odd[j + 1]);
        }
        next[7] = addc(next[7], 0);
        UNROLL for (int j = 0; j < 8; j++) {
            even[j] = odd[j];
            odd[j] = next[j];
        }
    }
    Words r;
    r.v[0] = add_cc(odd[0], even[1]);
    UNROLL for (int j = 1; j < 7; j++) r.v[j] = addc_cc(odd[j], even[j + 1]);
    r.v[7] = addc(odd[7], 0);
    return r;
}

// a - p (or 2p) if that is not negative, else a.
template <class F> DEVICE Words reduce_once(const Words& a, bool twice) {
    Words r;
    r.v[0] = sub_cc(a.v[0], multiple_of_p<F>(0, twice));
    UNROLL for (int j = 1; j < 8; j++) r.v[j] = subc_cc(a.v[j], multiple_of_p<F>(j, twice));
    u32 borrow = subc(0, 0);
    UNROLL for (int j = 0; j < 8; j++) r.v[j] = borrow ? a.v[j] : r.v[j];
    return r;
}

template <class F> DEVICE Words add(const Words& a, const Words& b) {
    Words r;
    r.v[0] = add_cc(a.v[0], b.v[0]);
    UNROLL for (int j = 1; j < 7; j++) r.v[j] = addc_cc(a.v[j], b.v[j]);
    r.v[7] = addc(a.v[7], b.v[7]);
    return reduce_once<F>(r, true);
}

template <class F> DEVICE Words subtract(const Words& a, const Words& b) {
    Words r;
    r.v[0] = sub_cc(a.v[0], b.v[0]);
    UNROLL for (int j = 1; j < 8; j++) r.v[j] = subc_cc(a.v[j], b.v[j]);
    u32 mask = subc(0, 0);
    r.v[0] = add_cc(r.v[0], multiple_of_p<F>(0, true) & mask);
    UNROLL for (int j = 1; j < 7; j++) r.v[j] = addc_cc(r.v[j], multiple_of_p<F>(j, true) & mask);
    r.v[7] = addc(r.v[7], multiple_of_p<F>(7, true) & mask);
    return r;
}

// The canonical integer of a scalar in Montgomery form.
DEVICE Words integer(const Words& a) {
    Words one = zero();
    one.v[0] = 1;
    return reduce_once<Scalar>(multiply<Scalar>(a, one), false);
}
