//! What comes out of a model: tensors, read in place.
//!
//! A head whose values lie row by row cuts [`OutputView::data`] into rows. One whose objects lie
//! across them takes a view ([`OutputView::shaped`]) and turns it. Views of rows cost 2 to 13 % of a
//! head's time (`benches/infer.rs`), a turned one nothing.

use ndarray::{ArrayView, Dim, Dimension, IntoDimension};

/// One output tensor: its shape with the batch first, and its values in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct OutputView<'a> {
    /// Dimensions.
    pub shape: &'a [i64],
    /// `shape`'s product of values.
    pub data: &'a [f32],
}

impl<'a> OutputView<'a> {
    /// The values as the shape says. `None` where it has not so many dimensions, or where there
    /// are fewer values.
    #[must_use]
    pub fn shaped<const N: usize>(&self) -> Option<ArrayView<'a, f32, Dim<[usize; N]>>>
    where
        Dim<[usize; N]>: Dimension,
        [usize; N]: IntoDimension<Dim = Dim<[usize; N]>>,
    {
        let mut sizes = [0; N];
        if self.shape.len() != N {
            return None;
        }
        for (size, told) in sizes.iter_mut().zip(self.shape) {
            *size = usize::try_from(*told).unwrap_or(0);
        }
        let values = sizes
            .iter()
            .try_fold(1_usize, |n, size| n.checked_mul(*size))?;
        ArrayView::from_shape(sizes, self.data.get(..values)?).ok()
    }
}
