//! How far along a run is: what its next part is multiplied by.

use super::{FormalError, Poly};
use crate::plan::Base;
use ff::Field;
use halo2curves::bn256::Fr;

/// `scale lambda^shift`, where `scale` is `rho` to the power `rho`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offset {
    scale: Fr,
    shift: usize,
    rho: u32,
}

impl Offset {
    pub(super) const START: Self = Self { scale: Fr::ONE, shift: 0, rho: 0 };

    /// Adds a part of the run here.
    pub(super) fn add(self, poly: &mut Poly, mut part: Poly) -> Result<(), FormalError> {
        part.rho = part.rho.saturating_add(self.rho);
        poly.add(&part, self.scale, self.shift)
    }

    /// Goes on by `width` positions; `powers` are those of `rho`.
    pub(super) fn advance(&mut self, base: Base, width: usize, powers: &[Fr]) {
        match base {
            Base::Lambda => self.shift += width,
            Base::LambdaSquared => self.shift += 2 * width,
            Base::Rho => {
                self.scale *= powers[width];
                // At most 256 a group of at most 2^26: what is as large as this is refused as no
                // degree, and must not be taken for a small one.
                self.rho = self.rho.saturating_add(width as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        formal::{Cells, Formal, run_starts},
        machine::{Profile, Unit},
        plan::{Geometry, Group, RowProgram, Source, UnitRef},
    };

    fn of(rho: u32) -> Poly {
        let mut poly = Poly::default();
        poly.add_at(0, Fr::ONE).expect("small");
        poly.rho = rho;
        poly
    }

    /// `2^24` groups of 256 weights would be back at `rho^0`.
    #[test]
    fn a_run_of_more_positions_than_a_number_has_is_refused_and_does_not_wrap() {
        let powers: Vec<Fr> = (0..257).map(|_| Fr::ONE).collect();
        for (before, width, part) in [
            (u32::MAX - 255, 256, 0),
            (u32::MAX - 255, 255, 1),
            (u32::MAX - 1, 1, 0),
            (u32::MAX, 256, 255),
            (u32::MAX, 1, u32::MAX),
        ] {
            let mut offset = Offset { rho: before, ..Offset::START };
            offset.advance(Base::Rho, width, &powers);
            let mut poly = Poly::default();
            offset.add(&mut poly, of(part)).expect("no exponent of lambda");
            assert_eq!(poly.rho, u32::MAX, "{before} and {width} and {part}");
            assert!(!poly.is_bounded());
            // What is added later, or multiplied, makes no bounded polynomial of it.
            let mut product = Poly::default();
            poly.add(&of(0), Fr::ONE, 0).expect("small");
            product.add_product(&poly, &poly).expect("no exponent of lambda");
            assert!(!poly.is_bounded() && !product.is_bounded());
        }
    }

    struct NoCells;

    impl Cells for NoCells {
        fn lane(&self, _: usize, _: usize, _: usize) -> Fr {
            Fr::ZERO
        }

        fn scalar(&self, _: usize) -> Fr {
            Fr::ZERO
        }
    }

    /// The last admitted position of a run of weights, in a machine that has it, and the next.
    #[test]
    fn a_run_of_weights_ends_where_the_bound_of_degrees_is() {
        let profile = Profile::new(1, 1, 256, 1).expect("a machine");
        let last = Poly::MAX_DEGREE / 256;
        let mut groups = vec![Group { feature_next: true, ..Group::default() }; last];
        groups.push(Group { weights: vec![1], ..Group::default() });
        let k = 19;
        let (vector, tables, equations) = Default::default();
        let mut rows = RowProgram { profile, k, groups, vector, tables, equations, words: 0 };
        let geometry = Geometry::check(&rows).expect("fits");
        let value = |rows: &RowProgram| {
            let starts = run_starts(rows);
            let mut formal = Formal::new(rows, geometry, &starts, &NoCells, Fr::from(3));
            formal.value(Source::Unit(UnitRef::new(Unit::Feature, 0)))
        };
        let poly = value(&rows).expect("of the largest degree");
        assert_eq!(poly.rho as usize, Poly::MAX_DEGREE);
        assert_eq!(poly.at(0), Fr::from(3).pow_vartime([Poly::MAX_DEGREE as u64]));
        rows.groups[last].weights = vec![0, 1];
        assert!(matches!(value(&rows), Err(FormalError::Degree)));
    }
}
