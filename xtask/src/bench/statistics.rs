//! Medians and ranges of the measurements of several rounds.

use serde::Serialize;

/// The middle of some numbers, and their range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Of some numbers; `None` without any.
    pub(super) fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        let (least, most) = (*numbers.first()?, *numbers.last()?);
        let (upper, lower) = (numbers[numbers.len() / 2], numbers[(numbers.len() - 1) / 2]);
        Some(Self { median: (lower + upper) / 2.0, least, most })
    }

    /// `1,527 (1,490–1,602)`; one number alone has no range.
    pub(super) fn show(self) -> String {
        let Self { median, least, most } = self;
        let [median, least, most] = [median, least, most].map(show);
        if least == most { median } else { format!("{median} ({least}–{most})") }
    }
}

/// A number with three digits that count.
pub(super) fn show(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if size < 1.0 => format!("{number:.3}"),
        size if size < 10.0 => format!("{number:.2}"),
        size if size < 100.0 => format!("{number:.1}"),
        _ => thousands(number),
    }
}

/// A whole number with commas.
fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let sign = if number < 0.0 { "-" } else { "" };
    let from_end = digits.chars().rev().enumerate();
    let reversed: String = from_end
        .flat_map(|(place, digit)| (place > 0 && place % 3 == 0).then_some(',').into_iter().chain([digit]))
        .collect();
    sign.chars().chain(reversed.chars().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Spread, show};

    #[test]
    fn the_median_is_in_the_middle_and_the_range_is_beside_it() {
        let spread = |numbers: &[f64]| Spread::of(numbers.iter().copied());
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0]), Some(Spread { median: 2.5, least: 1.0, most: 4.0 }));
        assert_eq!(spread(&[1_602.0, 1_490.0, 1_527.0]).unwrap().show(), "1,527 (1,490–1,602)");
        assert_eq!(spread(&[0.4412]).unwrap().show(), "0.441");
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        let shown = [0.0, 0.04, 2.345, 19.96, 123.4, 4_047.2, 1_234_567.0, -1_500.0].map(show);
        assert_eq!(shown, ["0", "0.040", "2.35", "20.0", "123", "4,047", "1,234,567", "-1,500"]);
    }
}
