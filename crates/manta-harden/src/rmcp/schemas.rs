//! The schemas that tools publish, enforced before the tool runs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{JsonObject, Tool};
use serde_json::Value;

use crate::redact::Sensitive;
use crate::values::Schema;

/// Input schemas of a handler's tools, each compiled at its first call. Only names that the handler
/// knows get in, so callers can't make it grow.
#[derive(Default)]
pub(super) struct Schemas {
    compiled: Mutex<HashMap<String, Arc<Compiled>>>,
    /// Tools out of the handler's own lists, for handlers that don't tell about one tool.
    listed: Mutex<HashMap<String, Tool>>,
}

struct Compiled {
    source: Arc<JsonObject>,
    schema: Result<Schema, String>,
    sensitive: Arc<Sensitive>,
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schemas")
    }
}

impl Schemas {
    /// What is wrong with `arguments`, in words for the model. A schema that can't be enforced (it
    /// refers elsewhere, or has a pattern that takes exponential time) refuses every call.
    pub(super) fn problem(&self, tool: &Tool, arguments: &JsonObject) -> Option<String> {
        match &self.compiled(tool).schema {
            Ok(schema) => {
                schema.validate(&Value::Object(arguments.clone())).err().map(|violation| violation.to_string())
            }
            Err(error) => Some(format!("the tool's own input schema can't be enforced: {error}")),
        }
    }

    /// The members that the schema marks as sensitive.
    pub(super) fn sensitive(&self, tool: &Tool) -> Arc<Sensitive> {
        Arc::clone(&self.compiled(tool).sensitive)
    }

    /// Remembers what a list of the handler says.
    pub(super) fn note(&self, tools: &[Tool]) {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        listed.extend(tools.iter().map(|tool| (tool.name.to_string(), tool.clone())));
    }

    /// A tool out of a list that was seen.
    pub(super) fn listed(&self, name: &str) -> Option<Tool> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn compiled(&self, tool: &Tool) -> Arc<Compiled> {
        let mut known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let current = known.get(tool.name.as_ref()).filter(|compiled| {
            // A handler may build its tools anew for every question, or change them.
            Arc::ptr_eq(&compiled.source, &tool.input_schema) || compiled.source == tool.input_schema
        });
        if let Some(compiled) = current {
            return Arc::clone(compiled);
        }
        let source = Value::Object((*tool.input_schema).clone());
        let schema = Schema::compile(&source).map_err(|error| error.to_string());
        let sensitive = Arc::new(Sensitive::from_schema(&source));
        let compiled = Arc::new(Compiled { source: Arc::clone(&tool.input_schema), schema, sensitive });
        known.insert(tool.name.to_string(), Arc::clone(&compiled));
        compiled
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(schema: &Value) -> Tool {
        Tool::new("t", "", Arc::new(schema.as_object().unwrap().clone()))
    }

    #[test]
    fn published_schemas_hold_and_change_with_the_tool() {
        let schemas = Schemas::default();
        let problem = |schema: Value, arguments: Value| schemas.problem(&tool(&schema), arguments.as_object().unwrap());
        let short =
            json!({ "type": "object", "properties": { "a": { "type": "string", "maxLength": 2 } }, "required": ["a"] });
        assert_eq!(problem(short.clone(), json!({ "a": "xy" })), None);
        assert!(problem(short.clone(), json!({ "a": "xyz" })).unwrap().starts_with("/a: "));
        assert!(problem(short, json!({})).unwrap().contains("`a` is missing"));
        assert_eq!(problem(json!({ "type": "object" }), json!({ "a": "xyz" })), None, "the tool was changed");
        assert!(problem(json!({ "$ref": "https://example.com/s" }), json!({})).unwrap().contains("can't be enforced"));
    }
}
