// Points of y^2 = x^3 + 3 over the base field.
//
// Sums have coordinates (X, Y, ZZ, ZZZ) with x = X / ZZ, y = Y / ZZZ, ZZ^3 = ZZZ^2: adding an affine point takes 10 products, adding two
// sums 14, and none of them an inversion. Formulas: Explicit-Formulas Database, "XYZZ coordinates for short Weierstrass curves",
// madd-2008-s, add-2008-s, dbl-2008-s-1. They do not hold for equal or opposite points, which occur here (repeated bases), and are told apart.

struct Affine {
    Words x, y;  // both 0: the identity
};

struct Point {
    Words x, y, zz, zzz;  // zz all zeros: the identity
};

DEVICE Words times(const Words& a, const Words& b) { return multiply<Base>(a, b); }
DEVICE Words plus(const Words& a, const Words& b) { return add<Base>(a, b); }
DEVICE Words minus(const Words& a, const Words& b) { return subtract<Base>(a, b); }

// R mod p: 1 in Montgomery form.
DEVICE Words one() {
    const u32 words[8] = {0xc58f0d9du, 0xd35d438du, 0xf5c70b3du, 0x0a78eb28u,
                          0x7879462cu, 0x666ea36fu, 0x9a07df2fu, 0x0e0a77c1u};
    Words r;
    UNROLL for (int j = 0; j < 8; j++) r.v[j] = words[j];
    return r;
}

DEVICE Point identity() {
    Point r;
    r.x = r.y = r.zz = r.zzz = zero();
    return r;
}

DEVICE Point from_affine(const Affine& q) {
    Point r;
    r.x = q.x, r.y = q.y, r.zz = r.zzz = one();
    return r;
}

// p = 2 p. No point of the curve has order 2.
OUTLINED void double_in_place(Point* at) {
    Point p = *at;
    if (blank(p.zz)) return;
    Words u = plus(p.y, p.y), v = times(u, u), w = times(u, v), s = times(p.x, v), m = times(p.x, p.x);
    m = plus(plus(m, m), m);
    Point r;
    r.x = minus(times(m, m), plus(s, s));
    r.y = minus(times(m, minus(s, r.x)), times(w, p.y));
    r.zz = times(v, p.zz);
    r.zzz = times(w, p.zzz);
    *at = r;
}

// p += q, or p -= q.
DEVICE void add_affine(Point& p, Affine q, bool negative) {
    COUNT_ADDITION();
    if (blank(q.x) && blank(q.y)) return;
    if (negative) q.y = minus(zero(), q.y);
    if (blank(p.zz)) {
        p = from_affine(q);
        return;
    }
    Words h = minus(times(q.x, p.zz), p.x), r = minus(times(q.y, p.zzz), p.y);
    if (vanishes<Base>(h)) {
        // A copy has its address taken, so that the sum itself stays in registers.
        Point twice = vanishes<Base>(r) ? from_affine(q) : identity();
        double_in_place(&twice);
        p = twice;
        return;
    }
    Words hh = times(h, h), hhh = times(h, hh), v = times(p.x, hh);
    Words x = minus(minus(times(r, r), hhh), plus(v, v));
    p.y = minus(times(r, minus(v, x)), times(p.y, hhh));
    p.x = x;
    p.zz = times(p.zz, hh);
    p.zzz = times(p.zzz, hhh);
}

// p += q.
OUTLINED void add_in_place(Point* at, const Point* other) {
    COUNT_ADDITION();
    Point p = *at;
    const Point q = *other;
    if (blank(q.zz)) return;
    if (blank(p.zz)) {
        *at = q;
        return;
    }
    Words u = times(p.x, q.zz), h = minus(times(q.x, p.zz), u);
    Words s = times(p.y, q.zzz), r = minus(times(q.y, p.zzz), s);
    if (vanishes<Base>(h)) {
        if (vanishes<Base>(r)) double_in_place(at);
        else *at = identity();
        return;
    }
    Words hh = times(h, h), hhh = times(h, hh), v = times(u, hh);
    Words x = minus(minus(times(r, r), hhh), plus(v, v));
    p.y = minus(times(r, minus(v, x)), times(s, hhh));
    p.x = x;
    p.zz = times(times(p.zz, q.zz), hh);
    p.zzz = times(times(p.zzz, q.zzz), hhh);
    *at = p;
}
