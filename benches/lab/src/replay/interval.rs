//! Exact bounds of a probability that was estimated by counting.

use statrs::distribution::{Beta, ContinuousCDF as _};

/// The 95 % confidence interval of a probability that came true `hits` times in `trials`
/// (Clopper and Pearson, Biometrika 1934): the bounds that a binomial count would overstep with
/// 2.5 % probability on either side. `None` without trials, or with more hits than trials.
#[must_use]
pub fn clopper_pearson(hits: usize, trials: usize) -> Option<[f64; 2]> {
    const TAIL: f64 = 0.025;
    if trials == 0 || hits > trials {
        return None;
    }
    let (hit, missed) = (hits as f64, (trials - hits) as f64);
    let quantile = |a: f64, b: f64, at: f64| Some(Beta::new(a, b).ok()?.inverse_cdf(at));
    let low = match hits {
        0 => 0.0,
        _ => quantile(hit, missed + 1.0, TAIL)?,
    };
    let high = match trials - hits {
        0 => 1.0,
        _ => quantile(hit + 1.0, missed, 1.0 - TAIL)?,
    };
    Some([low, high])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bounds_are_those_of_published_tables() {
        // R: binom.test(k, n)$conf.int
        let cases = [
            (0, 5, [0.0, 0.521_823_750_1]),
            (9, 10, [0.554_983_883_0, 0.997_471_421_5]),
            (10, 10, [0.691_502_892_2, 1.0]),
            (95, 100, [0.887_165_088_9, 0.983_568_120_8]),
            (999, 1000, [0.994_441_075_7, 0.999_974_682_5]),
        ];
        for (hits, trials, wanted) in cases {
            let found = clopper_pearson(hits, trials).expect("bounds");
            let near = (0..2).all(|n| (found[n] - wanted[n]).abs() < 1e-8);
            assert!(near, "{hits}/{trials}: {found:?}");
        }
        assert_eq!(clopper_pearson(0, 0), None);
        assert_eq!(clopper_pearson(2, 1), None);
    }

    /// P(X ≥ `least`) for X of `trials` throws with probability `p`.
    fn upper_tail(least: usize, trials: usize, p: f64) -> f64 {
        let mut sum = 0.0;
        let mut ways = 1.0;
        for k in 0..=trials {
            if k >= least {
                sum += ways * p.powi(k as i32) * (1.0 - p).powi((trials - k) as i32);
            }
            ways *= (trials - k) as f64 / (k + 1) as f64;
        }
        sum
    }

    proptest! {
        #[test]
        fn at_each_bound_the_count_is_as_unlikely_as_the_method_says(
            (trials, hits) in (1..60_usize).prop_flat_map(|n| (Just(n), 0..=n)),
        ) {
            let [low, high] = clopper_pearson(hits, trials).expect("bounds");
            let rate = hits as f64 / trials as f64;
            prop_assert!(low <= rate && rate <= high);
            if hits > 0 {
                prop_assert!((upper_tail(hits, trials, low) - 0.025).abs() < 1e-7);
            }
            if hits < trials {
                prop_assert!((1.0 - upper_tail(hits + 1, trials, high) - 0.025).abs() < 1e-7);
            }
        }
    }
}
