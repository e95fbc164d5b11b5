//! The server's own schemas, enforced: arguments before the call, structured results after it.
//!
//! Schemas come from the server and are hostile: no reference leaves the document, size and depth
//! are bounded, patterns run on a linear-time engine. A schema that can't be checked under these
//! bounds makes its tool `unchecked`, which is said once in the log; the policy's own rules still hold.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use crate::decide::Denial;

/// Largest schema in bytes of its text.
const MAX_BYTES: usize = 256 << 10;
/// Deepest nesting of a schema.
const MAX_DEPTH: usize = 32;
/// Most tools whose schemas are kept.
const MAX_TOOLS: usize = 4096;

/// Schemas of the tools seen in lists, compiled at first use.
#[derive(Default)]
pub(super) struct Schemas {
    tools: HashMap<String, ToolSchemas>,
}

#[derive(Default)]
struct ToolSchemas {
    input: Schema,
    output: Schema,
}

#[derive(Default)]
enum Schema {
    #[default]
    None,
    Source(Value),
    Compiled(Box<Validator>),
    Unchecked,
}

impl Schemas {
    /// Takes over the schemas of a listed tool.
    pub(super) fn learn(&mut self, tool: &Value) {
        let Some(name) = tool.get("name").and_then(Value::as_str) else { return };
        if self.tools.len() >= MAX_TOOLS && !self.tools.contains_key(name) {
            return;
        }
        let schema = |key| tool.get(key).map_or(Schema::None, |schema| Schema::Source(schema.clone()));
        let schemas = ToolSchemas { input: schema("inputSchema"), output: schema("outputSchema") };
        self.tools.insert(name.to_owned(), schemas);
    }

    pub(super) fn check_input(&mut self, tool: &str, arguments: &Value) -> Result<(), Denial> {
        let Some(schemas) = self.tools.get_mut(tool) else { return Ok(()) };
        schemas.input.check(arguments).map_err(|why| {
            Denial::new(format!("schema.{tool}.input"), format!("arguments do not match the tool's own schema: {why}"))
        })
    }

    pub(super) fn check_output(&mut self, tool: &str, structured: &Value) -> Result<(), Denial> {
        let Some(schemas) = self.tools.get_mut(tool) else { return Ok(()) };
        schemas.output.check(structured).map_err(|why| {
            Denial::new(format!("schema.{tool}.output"), format!("the result does not match the tool's schema: {why}"))
        })
    }

    pub(super) fn has_output(&self, tool: &str) -> bool {
        self.tools.get(tool).is_some_and(|schemas| !matches!(schemas.output, Schema::None))
    }
}

impl Schema {
    fn check(&mut self, value: &Value) -> Result<(), String> {
        if let Self::Source(source) = self {
            *self = compile(source).map_or(Self::Unchecked, |validator| Self::Compiled(Box::new(validator)));
        }
        match self {
            Self::Compiled(validator) if !validator.is_valid(value) => {
                Err(validator.iter_errors(value).next().map_or_else(String::new, |error| {
                    let place = error.instance_path().to_string();
                    // Without the value itself: it may be a secret, and the message is recorded.
                    super::shown(&format!(
                        "{} at {}",
                        error.masked(),
                        if place.is_empty() { "the top" } else { &place }
                    ))
                }))
            }
            _ => Ok(()),
        }
    }
}

fn compile(schema: &Value) -> Option<Validator> {
    if schema.to_string().len() > MAX_BYTES || depth(schema) > MAX_DEPTH {
        return None;
    }
    // Default features are off, so a reference that leaves the document has nothing to fetch it with.
    jsonschema::options().with_pattern_options(PatternOptions::regex().size_limit(1 << 20)).build(schema).ok()
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
