//! The points `2^i P`, of eight points.

use halo2curves::bn256::G1Affine;

use super::{Eight, invert, quadruple};
use crate::proving::simd::{load, store};

/// See [`super::Lanes::double`].
///
/// Doublings in Jacobian coordinates, `(X / Z^2, Y / Z^3)`, in lane form. Source: Bernstein and
/// Lange, Explicit-Formulas Database, dbl-2009-l. Then all `Z` are inverted at once.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn double(points: &[G1Affine], doublings: &mut [G1Affine]) -> bool {
    let length = doublings.len() / points.len();
    let eight: [&G1Affine; 8] = std::array::from_fn(|lane| &points[lane.min(points.len() - 1)]);
    let mut x = load(eight.map(|point| &point.x)).to_lane_form();
    let mut y = load(eight.map(|point| &point.y)).to_lane_form();
    let mut z = Eight::one();
    let mut product = Eight::one();
    // Coordinates, and the product of all `Z` before. Below 2.2 p.
    let mut chain = Vec::with_capacity(length);
    for _ in 0..length {
        chain.push((x, y, z, product));
        product = product.mul(z);
        let (a, b) = (x.square(), y.square());
        let d = quadruple(x.mul(b)).carry();
        let e = a.add(a).add(a).carry();
        z = y.mul(z);
        z = z.add(z).carry();
        x = e.square().sub(d, 5).sub(d, 5).carry().reduce();
        let c = b.square();
        let c8 = quadruple(c.add(c)).carry();
        y = e.mul(d.sub(x, 2).carry()).sub(c8, 9).carry().reduce();
    }
    let Some([mut inverse]) = invert([product]) else { return false };
    for (i, (x, y, z, product)) in chain.into_iter().enumerate().rev() {
        // A quarter of 1 / Z: products with its square and cube are in memory form.
        let quarter = inverse.mul(product);
        inverse = inverse.mul(z);
        let square = quarter.square();
        let cube = quadruple(square.mul(quarter)).carry();
        let mut points = [G1Affine::default(); 8];
        store(x.mul(square).canonical(), points.each_mut().map(|point| &mut point.x));
        store(y.mul(cube).canonical(), points.each_mut().map(|point| &mut point.y));
        for (row, point) in doublings.chunks_exact_mut(length).zip(points) {
            row[i] = point;
        }
    }
    true
}
