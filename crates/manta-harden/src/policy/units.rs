//! Lengths of time and sizes as people write them: `"60s"`, `"5m"`, `"10MiB"`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A length of time: a whole number and `ms`, `s`, `m`, `h` or `d`. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(Duration);

impl Period {
    /// That many seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// That many milliseconds.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }

    /// Reads `"60s"`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" => return Err(format!("`{text}` has no unit; write `{text}s` for seconds")),
            _ => return Err(format!("unknown unit `{unit}` in `{text}`; use ms, s, m, h or d")),
        };
        let total = number.checked_mul(milliseconds).ok_or_else(|| format!("`{text}` is too long"))?;
        if total == 0 {
            return Err("a length of time must be more than zero".to_owned());
        }
        Ok(Self(Duration::from_millis(total)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        match ms {
            _ if !ms.is_multiple_of(1000) => write!(f, "{ms} ms"),
            _ => write!(f, "{} s", ms / 1000),
        }
    }
}

/// A number of bytes: a whole number and `B`, `KiB`, `MiB`, `GiB`, `KB`, `MB` or `GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// In bytes, for comparing with a length in memory.
    #[must_use]
    pub fn as_len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Reads `"10MiB"`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = split_unit(text)?;
        let factor: u64 = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "" => return Err(format!("`{text}` has no unit; write `{text}B` for bytes")),
            _ => return Err(format!("unknown unit `{unit}` in `{text}`; use B, KiB, MiB or GiB")),
        };
        number.checked_mul(factor).map(Self).ok_or_else(|| format!("`{text}` is too large"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n >= 1 << 30 && n.is_multiple_of(1 << 30) => write!(f, "{} GiB", n >> 30),
            n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => write!(f, "{} MiB", n >> 20),
            n if n >= 1 << 10 && n.is_multiple_of(1 << 10) => write!(f, "{} KiB", n >> 10),
            n => write!(f, "{n} B"),
        }
    }
}

fn split_unit(text: &str) -> Result<(u64, &str), String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Err(format!("`{text}` does not start with a whole number"));
    }
    let number = text[..digits].parse().map_err(|_| format!("`{text}` is too large"))?;
    Ok((number, text[digits..].trim_start()))
}

macro_rules! from_text {
    ($type:ident, $example:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": "^[0-9]+ ?[A-Za-z]+$",
                    "examples": [$example],
                })
            }
        }
    };
}

from_text!(Period, "60s");
from_text!(Size, "10MiB");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_sizes_are_read() {
        assert_eq!(Period::parse("60s").map(Period::get), Ok(Duration::from_secs(60)));
        assert_eq!(Period::parse("250 ms").map(Period::get), Ok(Duration::from_millis(250)));
        assert_eq!(Size::parse("10MiB"), Ok(Size(10 << 20)));
    }

    #[test]
    fn bare_zero_unknown_and_overflowing_values_are_errors() {
        for text in ["60", "0s", "s", "-1s", "1y", "99999999999999999999s", "18446744073709551615d", ""] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
        for text in ["10", "MiB", "1TiB", "18446744073709551615GiB"] {
            assert!(Size::parse(text).is_err(), "{text}");
        }
    }
}
