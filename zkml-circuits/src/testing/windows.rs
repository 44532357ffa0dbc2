//! Random small convolutional programs over the whole attribute space.

use super::{Dice, encoding, random, relu, shape};
use zkml_core::{
    ir::{Axis, Window},
    program::{Affine, Program, ProgramBuilder, TensorId, Term, View},
    tensor::Tensor,
};

/// A random axis of `input` positions that has at least one output.
pub fn random_axis(dice: &mut Dice, input: usize) -> Axis {
    loop {
        let kernel = 1 + dice.below(3);
        let (stride, dilation) = (1 + dice.below(3), 1 + dice.below(2));
        let (before, after) = (dice.below(kernel + 1), dice.below(kernel + 1));
        let span = dilation * (kernel - 1) + 1;
        if dice.below(4) == 0 {
            let full = stride * (input - 1) + span;
            if full > before + after {
                let output = full - before - after;
                let steps = (stride, dilation);
                return Axis::transposed(input, output, kernel, steps, before as i64);
            }
        } else if input + before + after >= span {
            let output = (input + before + after - span) / stride + 1;
            return Axis::convolution(input, output, kernel, (stride, dilation), before as i64);
        }
    }
}

/// A random window over an image, of one axis at times.
pub fn random_window(dice: &mut Dice, (height, width): (usize, usize)) -> Window {
    let height = if height == 1 { Axis::identity(1) } else { random_axis(dice, height) };
    Window { height, width: random_axis(dice, width) }
}

/// A random convolutional program: `steps` convolutions (grouped, depthwise, transposed, strided,
/// dilated, padded at will), residual sums, biases, tables, and now and then a flattened product.
pub fn random_windows(seed: u64, steps: usize) -> Program {
    let mut dice = Dice::new(seed);
    let mut b = ProgramBuilder::new();
    let (batch, channels) = (1 + dice.below(2), 1 + dice.below(4));
    let (height, width) =
        (if dice.below(3) == 0 { 1 } else { 2 + dice.below(5) }, 2 + dice.below(6));
    let mut dims = [batch, channels, height, width];
    let mut last = b.input("x", shape(&dims), encoding("x", 5));
    let mut reach = 16i64;
    for step in 0..steps {
        let (term, out, worst) = random_convolution(&mut dice, b.whole(last), dims, reach);
        let mut terms = vec![term];
        let mut worst = worst;
        if out == dims && dice.below(2) == 0 {
            // A residual sum.
            terms.push(Term::Scale { view: b.whole(last), factor: random(&mut dice, &[], 3) });
            worst += 3 * reach;
        } else if dice.below(3) == 0 {
            // A second path of another geometry, if it fits.
            let (term, other, more) = random_convolution(&mut dice, b.whole(last), dims, reach);
            if other == out {
                terms.push(term);
                worst += more;
            }
        }
        let affine = Affine::new(terms);
        worst += 50;
        let affine = match dice.below(3) {
            0 => affine,
            1 => affine.bias(random(&mut dice, &[], 50)),
            _ => affine.bias(random(&mut dice, &out, 50)),
        };
        let shift = (0..=16u8).find(|s| worst >> s < 120).expect("bounds stay small");
        let bits = 8;
        let mut affine = affine.shift(shift);
        reach = (worst >> shift) + 1;
        if dice.below(2) == 0 {
            affine = affine.table(b.table(relu(bits)));
        }
        last = b.affine(shape(&out), encoding(&format!("conv{step}"), bits), affine);
        dims = out;
    }
    if dice.below(3) == 0 {
        last = flattened(&mut dice, &mut b, last, dims, reach);
    }
    let view = b.whole(last);
    b.output("y", view);
    b.finish().expect("a program")
}

fn flattened(
    dice: &mut Dice,
    b: &mut ProgramBuilder,
    last: TensorId,
    [batch, channels, height, width]: [usize; 4],
    reach: i64,
) -> TensorId {
    let inner = channels * height * width;
    let view = View { shape: shape(&[batch, inner]), ..b.whole(last) };
    let outputs = 1 + dice.below(4);
    let weight = random(dice, &[inner, outputs], 3);
    let worst = 3 * reach * inner as i64;
    let shift = (0..=16u8).find(|s| worst >> s < 120).expect("bounds stay small");
    let affine = Affine::new(vec![Term::Contract { view, weight }]).shift(shift);
    b.affine(shape(&[batch, outputs]), encoding("flat", 8), affine)
}

fn random_convolution(
    dice: &mut Dice,
    view: View,
    [batch, channels, height, width]: [usize; 4],
    reach: i64,
) -> (Term, [usize; 4], i64) {
    let window = random_window(dice, (height, width));
    let divisors: Vec<usize> = (1..=channels).filter(|d| channels.is_multiple_of(*d)).collect();
    let groups = divisors[dice.below(divisors.len())];
    let outputs = groups * (1 + dice.below(3));
    let kernel = [outputs, channels / groups, window.height.kernel, window.width.kernel];
    let mut weight: Tensor<i32> = random(dice, &kernel, 4);
    if dice.below(3) == 0 {
        // One kernel for all channels, as of a pool.
        let size = weight.data().len() / outputs;
        let first = weight.data()[..size].to_vec();
        weight = Tensor::new(shape(&kernel), first.repeat(outputs)).expect("as many");
    }
    let products = (weight.data().len() / outputs) as i64;
    let out = [batch, outputs, window.height.output, window.width.output];
    (Term::Correlate { view, weight, window, groups }, out, 4 * reach * products)
}
