//! What a string value may be: the sanitizer domain of the scanner.
//!
//! A check or a sanitizer is worth what it leaves possible. Every string therefore carries [`StrProps`]: its character
//! set, length, finite literals, quoting, path state and URL state. Transfer functions follow it through string
//! operations, [`regex`] turns patterns into facts, and one automaton per sink language ([`shell`], [`argv`], [`url`],
//! [`path`], [`sql`]) answers the only question that matters: can this value leave the place it was given? Every "yes"
//! carries an input that does.
//!
//! All facts over-approximate: a property excludes a string only if no execution can produce it. What is not understood
//! yields no fact. Everything here is pure and deterministic.

pub mod address;
pub mod argv;
pub mod charset;
mod checks;
pub mod code;
pub mod formats;
pub mod hosts;
pub mod path;
pub mod props;
pub mod regex;
pub mod shell;
pub mod sql;
mod transfer;
pub mod url;

pub use charset::CharSet;
pub use path::PathState;
pub use props::{Part, Quoting, StrProps};
pub use url::UrlState;
