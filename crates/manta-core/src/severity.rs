//! Three independent axes of a finding: how bad it is, how sure manta is, and for whom it is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that names no value of one of the axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    given: String,
    known: &'static [&'static str],
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is none of {}", crate::Untrusted(&self.given).for_terminal(), self.known.join(", "))
    }
}

impl std::error::Error for UnknownName {}

macro_rules! axis {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every value, from the lowest to the highest.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words of [`Self::ALL`], in the same order.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// The lowercase word used on the command line and in every report.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(given: &str) -> Result<Self, UnknownName> {
                match given { $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownName { given: given.to_owned(), known: Self::NAMES }) }
            }
        }
    };
}

axis! {
    /// How bad it is when the finding is true.
    Severity {
        /// Worth knowing, nothing to repair.
        Info = "info",
        /// A weakness that needs another one to matter.
        Low = "low",
        /// Harm under conditions an attacker may not control.
        Medium = "medium",
        /// A caller of the tool reads, writes or reaches what it should not.
        High = "high",
        /// A caller of the tool runs code or commands.
        Critical = "critical",
    }
}

axis! {
    /// How sure manta is that the finding is true.
    Confidence {
        /// A pattern that often means this.
        Low = "low",
        /// Followed through the code, with a step that was assumed.
        Medium = "medium",
        /// Every step was followed.
        High = "high",
    }
}

axis! {
    /// For whom the finding is meant.
    Persona {
        /// Everybody: it wants to be repaired.
        Regular = "regular",
        /// Those who want hardening beyond the need.
        Pedantic = "pedantic",
        /// Reviewers who want to see every dangerous power, gated or not.
        Auditor = "auditor",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_are_ordered() {
        for pair in Severity::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(*severity));
        }
        assert_eq!(
            "Persona".parse::<Persona>().unwrap_err().to_string(),
            "`Persona` is none of regular, pedantic, auditor"
        );
    }
}
