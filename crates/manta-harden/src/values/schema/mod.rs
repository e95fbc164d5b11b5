//! JSON Schema 2020-12, enforced within bounds and without ever fetching anything.
//!
//! Written here rather than taken from a crate for three properties that an enforcement point
//! needs: patterns run on a linear-time engine or the schema is refused; a schema that refers
//! outside itself is refused, so validating can't become a request (CWE-918); and time and depth
//! are bounded for every pair of schema and value, however they recurse (CWE-674, CWE-770).
//!
//! All assertions and applicators of the 2020-12 vocabularies are enforced, `$dynamicRef` and
//! `unevaluated*` included; `format` and `content*` are annotations, as the specification has it by
//! default. Schemas that say they are draft-06, -07 or 2019-09 (many tools' do) are read by their
//! own names for tuples, dependencies and definitions.
//!
//! ```
//! use manta_harden::values::Schema;
//! use serde_json::json;
//!
//! let schema = Schema::closed(&json!({
//!     "type": "object",
//!     "properties": { "path": { "type": "string", "maxLength": 4096 } },
//!     "required": ["path"]
//! }))?;
//! assert!(schema.validate(&json!({ "path": "a" })).is_ok());
//! let refused = schema.validate(&json!({ "path": "a", "mode": "w" })).unwrap_err();
//! assert_eq!(refused.pointer(), "/mode");
//! # Ok::<(), manta_harden::values::schema::SchemaError>(())
//! ```

mod compile;
mod number;
mod pattern;
mod validate;

use std::collections::BTreeMap;
use std::fmt;

use regex::Regex;
use serde_json::Value;

use number::Decimal;

/// A schema, compiled.
#[derive(Debug, Clone)]
pub struct Schema {
    nodes: Vec<Node>,
    root: NodeId,
    /// Per resource (a schema with its own `$id`), its dynamic anchors.
    resources: Vec<BTreeMap<String, NodeId>>,
    /// Some node asks what others evaluated.
    tracks_evaluation: bool,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// [`SchemaError`] for what is not valid, too large, refers outside itself, or has a pattern
    /// that no linear-time engine can run.
    pub fn compile(schema: &Value) -> Result<Self, SchemaError> {
        compile::compile(schema, false)
    }

    /// The same, and objects refuse members that the schema doesn't declare, unless it says itself
    /// what becomes of them (`additionalProperties`, `unevaluatedProperties`). An object schema
    /// that declares no member at all stays open.
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn closed(schema: &Value) -> Result<Self, SchemaError> {
        compile::compile(schema, true)
    }

    /// Whether `value` is valid. Takes at most a bounded number of steps; a value that needs more
    /// is refused.
    ///
    /// # Errors
    /// The first violation.
    pub fn validate(&self, value: &Value) -> Result<(), Violation> {
        validate::validate(self, value)
    }
}

type NodeId = usize;

/// One subschema. Absent keywords are `None` or empty.
#[derive(Debug, Clone, Default)]
struct Node {
    resource: usize,
    /// `false` refuses everything.
    never: bool,
    types: Option<Types>,
    one_of_values: Option<Vec<Value>>,
    multiple_of: Option<Decimal>,
    minimum: Option<Decimal>,
    maximum: Option<Decimal>,
    exclusive_minimum: Option<Decimal>,
    exclusive_maximum: Option<Decimal>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    pattern: Option<Regex>,
    prefix_items: Vec<NodeId>,
    items: Option<NodeId>,
    contains: Option<NodeId>,
    min_contains: Option<u64>,
    max_contains: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    unique_items: bool,
    unevaluated_items: Option<NodeId>,
    properties: BTreeMap<String, NodeId>,
    pattern_properties: Vec<(Regex, NodeId)>,
    additional_properties: Option<NodeId>,
    property_names: Option<NodeId>,
    required: Vec<String>,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
    dependent_required: BTreeMap<String, Vec<String>>,
    dependent_schemas: BTreeMap<String, NodeId>,
    unevaluated_properties: Option<NodeId>,
    all_of: Vec<NodeId>,
    any_of: Vec<NodeId>,
    one_of: Vec<NodeId>,
    not: Option<NodeId>,
    condition: Option<NodeId>,
    then: Option<NodeId>,
    otherwise: Option<NodeId>,
    reference: Option<NodeId>,
    /// Target when no outer resource overrides the anchor, and its name if it can be overridden.
    dynamic_reference: Option<(NodeId, Option<String>)>,
}

/// A set of the seven type names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Types(u8);

impl Types {
    const NAMES: [&'static str; 7] = ["null", "boolean", "object", "array", "number", "string", "integer"];

    fn bit(name: &str) -> Option<u8> {
        Self::NAMES.iter().position(|have| *have == name).map(|i| 1 << i)
    }

    fn admits(self, value: &Value) -> bool {
        let bit = match value {
            Value::Null => 1,
            Value::Bool(_) => 2,
            Value::Object(_) => 4,
            Value::Array(_) => 8,
            Value::String(_) => 32,
            Value::Number(number) if Decimal::of(number).is_whole() => 16 | 64,
            Value::Number(_) => 16,
        };
        self.0 & bit != 0
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> =
            Self::NAMES.iter().enumerate().filter(|(i, _)| self.0 & (1 << i) != 0).map(|(_, name)| *name).collect();
        f.write_str(&names.join(" or "))
    }
}

/// Why a schema can't be enforced. Not being able to enforce is a reason to refuse the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    pointer: String,
    message: String,
}

impl SchemaError {
    /// JSON pointer into the schema.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema at `{}`: {}", self.pointer, self.message)
    }
}

impl std::error::Error for SchemaError {}

/// A value that the schema refuses. Values are not repeated, only names the schema knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pointer: String,
    keyword: &'static str,
    message: String,
}

impl Violation {
    /// JSON pointer to the value; empty for the whole.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The keyword that refused; `budget` when the value took too many steps.
    #[must_use]
    pub const fn keyword(&self) -> &'static str {
        self.keyword
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the arguments" } else { &self.pointer };
        write!(f, "{place}: {} ({})", self.message, self.keyword)
    }
}

impl std::error::Error for Violation {}
