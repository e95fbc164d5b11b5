//! Parameters that are neither path, URL nor command: bounded, typed, nothing unknown.
//!
//! A handler that takes "a string" takes a megabyte of it, control characters that rewrite the
//! operator's log, and fields nobody knows (CWE-20, CWE-770, CWE-915). [`Rule`] says what one
//! argument may be; [`Schema`] enforces the JSON Schema a tool declares for all of them.
//!
//! ```
//! use manta_harden::values::{Field, Rule, TextRule};
//! use serde_json::json;
//!
//! let arguments = Rule::object([
//!     ("title", Field::required(Rule::Text(TextRule::line().max_len(80)))),
//!     ("count", Field::optional(Rule::Int { min: 1, max: 100 })),
//! ]);
//! assert!(arguments.check(&json!({ "title": "report", "count": 5 })).is_ok());
//!
//! let refused = arguments.check(&json!({ "title": "x", "count": 1e9 })).unwrap_err();
//! assert_eq!(refused.to_string(), "/count: expected a whole number from 1 to 100");
//! assert!(arguments.check(&json!({ "title": "x", "admin": true })).is_err());
//! assert!(arguments.check(&json!({ "title": "two\nlines" })).is_err());
//! ```

mod rule;
pub mod schema;
mod text;

pub use rule::{Field, Rule, ValueError};
pub use schema::Schema;
pub use text::{Charset, TextProblem, TextRule};
