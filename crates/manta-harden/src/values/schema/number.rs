//! JSON numbers as decimals, so that 0.0075 is a multiple of 0.0001 and 1.0 equals 1.

use std::cmp::Ordering;

use serde_json::Number;

/// `mantissa × 10^exponent`, without trailing zeros in the mantissa; a float where that doesn't fit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decimal {
    Exact { mantissa: i128, exponent: i32 },
    Float(f64),
}

impl Decimal {
    pub(super) fn of(number: &Number) -> Self {
        parse(&number.to_string()).unwrap_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)))
    }

    pub(super) fn is_whole(self) -> bool {
        match self {
            Self::Exact { exponent, .. } => exponent >= 0,
            Self::Float(float) => float.is_finite() && float.fract() == 0.0,
        }
    }

    pub(super) const fn is_positive(self) -> bool {
        match self {
            Self::Exact { mantissa, .. } => mantissa > 0,
            Self::Float(float) => float > 0.0,
        }
    }

    pub(super) fn is_multiple_of(self, unit: Self) -> bool {
        match aligned(self, unit) {
            Some((a, b)) => b != 0 && a % b == 0,
            None => (self.as_f64() / unit.as_f64()).fract() == 0.0,
        }
    }

    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match aligned(self, other) {
            Some((a, b)) => Some(a.cmp(&b)),
            None => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }

    /// A text that two numbers share exactly when they are equal.
    pub(super) fn canonical(self) -> String {
        match self {
            Self::Exact { mantissa, exponent } => format!("{mantissa}e{exponent}"),
            Self::Float(float) => format!("{float:e}f"),
        }
    }

    fn as_f64(self) -> f64 {
        match self {
            Self::Exact { mantissa, exponent } => format!("{mantissa}e{exponent}").parse().unwrap_or(f64::NAN),
            Self::Float(float) => float,
        }
    }
}

/// Both as whole multiples of the same power of ten, when that fits.
fn aligned(a: Decimal, b: Decimal) -> Option<(i128, i128)> {
    let (Decimal::Exact { mantissa: a, exponent: x }, Decimal::Exact { mantissa: b, exponent: y }) = (a, b) else {
        return None;
    };
    let low = x.min(y);
    let scale = |mantissa: i128, exponent: i32| {
        let power = 10_i128.checked_pow(u32::try_from(exponent.checked_sub(low)?).ok()?)?;
        mantissa.checked_mul(power)
    };
    Some((scale(a, x)?, scale(b, y)?))
}

fn parse(text: &str) -> Option<Decimal> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let mut exponent: i32 = exponent.parse().ok()?;
    exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if mantissa == 0 {
        return Some(Decimal::Exact { mantissa: 0, exponent: 0 });
    }
    while mantissa % 10 == 0 {
        mantissa /= 10;
        exponent += 1;
    }
    Some(Decimal::Exact { mantissa, exponent })
}
