//! Request ids: the only forms that every peer writes back as it read them.

use std::fmt;

/// A JSON-RPC request id. Compared by value: `"a"` and `"\u0061"` are the same id, `1` and `"1"` are not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// A safe integer (at most 2^53 − 1 in magnitude) written without fraction or exponent.
    Number(i64),
    /// A string of at most [`Id::MAX_LEN`] bytes.
    Text(Box<str>),
}

impl Id {
    /// Longest accepted string id, in bytes. Ids are kept while a call is in flight.
    pub const MAX_LEN: usize = 1024;

    /// Reads an id from its JSON text; `None` for every form outside the two above.
    #[must_use]
    pub fn from_json(raw: &str) -> Option<Self> {
        match raw.as_bytes().first()? {
            b'"' => {
                let text = crate::text::decode_string(raw)?;
                (text.len() <= Self::MAX_LEN).then(|| Self::Text(text.into()))
            }
            // `-0` is 0 for some peers and stays -0 for others.
            b'-' if raw == "-0" => None,
            b'-' | b'0'..=b'9' => {
                let number: i64 = raw.parse().ok()?;
                (number.unsigned_abs() <= crate::walk::MAX_SAFE_INTEGER).then_some(Self::Number(number))
            }
            _ => None,
        }
    }
}

/// Writes the id as JSON text.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => {
                f.write_str(&serde_json::to_string(&**text).expect("a string always serialises to JSON"))
            }
        }
    }
}
