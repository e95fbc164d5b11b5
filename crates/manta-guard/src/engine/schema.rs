//! The server's own schemas, enforced: arguments before the call, structured results after it.
//!
//! Schemas come from the server and are hostile: no reference leaves the document, size, depth and the steps of a check
//! are bounded. Patterns run on a linear-time engine; those that look around, as the ones for e-mail addresses that SDKs
//! write do, run with few steps and on short texts only. A schema that can't be checked under these bounds makes its tool
//! `unchecked`, which is said once in the log; the policy's own rules still hold.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::burden::Burden;
use crate::decide::Denial;

/// Largest schema in bytes of its text.
const MAX_BYTES: usize = 256 << 10;
/// Deepest nesting of a schema.
const MAX_DEPTH: usize = 32;
/// Most tools whose schemas are kept.
const MAX_TOOLS: usize = 4096;

/// Most steps back of a pattern that looks around.
const MAX_BACKTRACKS: usize = 5_000;
/// Longest value that is checked by such patterns.
const MAX_COSTLY_BYTES: usize = 256 << 10;

/// Schemas of the tools seen in lists, compiled at first use.
#[derive(Default)]
pub(super) struct Schemas {
    tools: HashMap<String, ToolSchemas>,
    /// Tools that are found to be unchecked, until somebody is told.
    unsaid: Vec<String>,
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
    Compiled(Box<Validator>, Burden),
    /// With patterns that look around.
    Costly(Box<Validator>, Burden),
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
        if schemas.input.compile().is_err() {
            self.unsaid.push(format!("arguments of {}", super::shown(tool)));
        }
        schemas.input.check(arguments).map_err(|why| {
            Denial::new(format!("schema.{tool}.input"), format!("arguments do not match the tool's own schema: {why}"))
        })
    }

    pub(super) fn check_output(&mut self, tool: &str, structured: &Value) -> Result<(), Denial> {
        let Some(schemas) = self.tools.get_mut(tool) else { return Ok(()) };
        if schemas.output.compile().is_err() {
            self.unsaid.push(format!("results of {}", super::shown(tool)));
        }
        schemas.output.check(structured).map_err(|why| {
            Denial::new(format!("schema.{tool}.output"), format!("the result does not match the tool's schema: {why}"))
        })
    }

    /// What is found to be unchecked since the last time, for the log.
    pub(super) fn take_unsaid(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unsaid)
    }

    pub(super) fn has_output(&self, tool: &str) -> bool {
        self.tools.get(tool).is_some_and(|schemas| !matches!(schemas.output, Schema::None))
    }
}

impl Schema {
    /// Compiles a schema that was only taken over so far.
    ///
    /// # Errors
    /// When it can't be checked.
    fn compile(&mut self) -> Result<(), ()> {
        if let Self::Source(source) = self {
            *self = compile(source);
            if matches!(self, Self::Unchecked) {
                return Err(());
            }
        }
        Ok(())
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        let (validator, burden) = match self {
            Self::Compiled(validator, burden) => (validator, burden),
            Self::Costly(..) if value.to_string().len() > MAX_COSTLY_BYTES => {
                return Err(format!("more than {MAX_COSTLY_BYTES} bytes, and its patterns look around"));
            }
            Self::Costly(validator, burden) => (validator, burden),
            Self::None | Self::Source(_) | Self::Unchecked => return Ok(()),
        };
        if !burden.is_borne_by(value) {
            return Err("to hold so large a value to this schema takes too long".to_owned());
        }
        if validator.is_valid(value) {
            return Ok(());
        }
        Err(validator.iter_errors(value).next().map_or_else(String::new, |error| {
            let place = error.instance_path().to_string();
            // Without the value itself: it may be a secret, and the message is recorded.
            super::shown(&format!("{} at {}", error.masked(), if place.is_empty() { "the top" } else { &place }))
        }))
    }
}

fn compile(schema: &Value) -> Schema {
    if schema.to_string().len() > MAX_BYTES || depth(schema) > MAX_DEPTH {
        return Schema::Unchecked;
    }
    let Some(burden) = Burden::of(schema) else { return Schema::Unchecked };
    // Default features are off, so a reference that leaves the document has nothing to fetch it with.
    let linear = PatternOptions::regex().size_limit(1 << 20);
    if let Ok(validator) = jsonschema::options().with_pattern_options(linear).build(schema) {
        return Schema::Compiled(Box::new(validator), burden);
    }
    let costly = PatternOptions::fancy_regex().size_limit(1 << 20).backtrack_limit(MAX_BACKTRACKS);
    let validator = jsonschema::options().with_pattern_options(costly).build(schema);
    validator.map_or(Schema::Unchecked, |validator| Schema::Costly(Box::new(validator), burden))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schemas(input: Value) -> Schemas {
        let mut schemas = Schemas::default();
        schemas.learn(&json!({ "name": "t", "inputSchema": input }));
        schemas
    }

    #[test]
    fn patterns_that_look_around_are_checked_with_the_rest() {
        let email = r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$";
        let properties = json!({ "to": { "type": "string", "pattern": email }, "n": { "type": "integer" } });
        let mut schemas = schemas(json!({ "type": "object", "properties": properties }));
        let mut is_ok = |arguments: Value| schemas.check_input("t", &arguments).is_ok();
        assert!(is_ok(json!({ "to": "a.b@example.com", "n": 1 })));
        assert!(!is_ok(json!({ "to": "a..b@example.com" })));
        assert!(!is_ok(json!({ "to": "a@example.com", "n": "1" })), "the rest counts too");
        assert!(!is_ok(json!({ "to": "a@example.com", "text": "x".repeat(MAX_COSTLY_BYTES) })), "too long to be sure");
        assert!(schemas.take_unsaid().is_empty());
    }

    #[test]
    fn a_pattern_that_goes_back_without_end_is_given_up_and_matches_nothing() {
        let start = std::time::Instant::now();
        let mut schemas = schemas(json!({ "properties": { "x": { "pattern": r"^(?=a)(a+)+\1$" } } }));
        assert!(schemas.check_input("t", &json!({ "x": format!("{}b", "a".repeat(50_000)) })).is_err());
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[test]
    fn what_is_unchecked_is_said_once() {
        for schema in [
            json!({ "$ref": "http://127.0.0.1:9/x" }),
            json!({ "$ref": "file:///etc/passwd" }),
            json!({ "properties": { "x": { "type": "nonsense" } } }),
            json!({ "properties": { "x": { "pattern": "(" } } }),
        ] {
            let mut schemas = schemas(schema.clone());
            assert!(schemas.check_input("t", &json!({})).is_ok());
            assert_eq!(schemas.take_unsaid(), ["arguments of t"], "{schema}");
            assert!(schemas.check_input("t", &json!({})).is_ok());
            assert!(schemas.take_unsaid().is_empty());
        }
    }

    /// Processor time that this thread has used, which does not depend on what else the machine does.
    fn cpu_time() -> std::time::Duration {
        rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into().unwrap()
    }

    #[test]
    fn a_schema_that_goes_in_circles_or_branches_without_end_holds_nobody_up() {
        let doubled = |depth: usize| {
            let branch =
                |at: usize| json!([{ "$ref": format!("#/$defs/d{at}") }, { "$ref": format!("#/$defs/d{at}") }]);
            let definitions: serde_json::Map<String, Value> = (0..depth)
                .map(|at| (format!("d{at}"), json!({ "anyOf": branch(at + 1) })))
                .chain([(format!("d{depth}"), json!({ "type": "null" }))])
                .collect();
            json!({ "$defs": definitions, "properties": { "x": { "$ref": "#/$defs/d0" } } })
        };
        let nested = (0..60).fold(json!(1), |inner, _| json!([inner]));
        for (schema, arguments) in [
            (json!({ "$ref": "#" }), json!({ "x": 1 })),
            (json!({ "allOf": [{ "$ref": "#" }] }), json!({ "x": 1 })),
            (
                json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } }, "$ref": "#/$defs/a" }),
                json!({}),
            ),
            (json!({ "$dynamicAnchor": "n", "not": { "$dynamicRef": "#n" } }), json!({})),
            (
                json!({ "$dynamicAnchor": "n", "unevaluatedProperties": { "$dynamicRef": "#n" } }),
                json!({ "a": { "b": 1 } }),
            ),
            (json!({ "not": { "not": { "$ref": "#" } } }), json!({})),
            (
                json!({ "$defs": { "l": { "anyOf": [{ "items": { "$ref": "#/$defs/l" } }, { "items": { "$ref": "#/$defs/l" }, "type": "null" }] } }, "properties": { "x": { "$ref": "#/$defs/l" } } }),
                json!({ "x": nested }),
            ),
            (doubled(40), json!({ "x": 1 })),
            (
                json!({ "properties": { "x": { "uniqueItems": true } } }),
                json!({ "x": (0..100_000).map(|n| json!({ "n": n })).collect::<Vec<_>>() }),
            ),
            (
                json!({ "properties": { "x": { "pattern": "^(([a-z]{1,100}){1,100}){1,100}$" } } }),
                json!({ "x": "a".repeat(10_000) }),
            ),
            (
                json!({ "properties": { "x": { "pattern": "(?i)(a|b|ab)*c".repeat(200) } } }),
                json!({ "x": "ab".repeat(100_000) }),
            ),
            (
                json!({ "properties": { "x": { "multipleOf": 1e-308 }, "y": { "multipleOf": 0 } } }),
                json!({ "x": 1e308, "y": 3 }),
            ),
            (json!({ "properties": { "x": { "minLength": -1, "maxItems": 1e300 } } }), json!({ "x": "" })),
        ] {
            let start = cpu_time();
            let mut schemas = schemas(schema.clone());
            let _ = schemas.check_input("t", &arguments);
            let took = cpu_time() - start;
            let schema = schema.to_string().chars().take(100).collect::<String>();
            assert!(took < std::time::Duration::from_secs(5), "{took:?} {schema}");
        }
    }
}
