//! How much work a schema makes, told before anything is checked against it.
//!
//! A schema comes from the server, and so does what is held to its output schema. A few lines of it can ask for more
//! steps than there is time (`anyOf` of two references to the same, forty times over) or for a step inside itself
//! without end, and nothing stops a validator half-way. So the steps are counted first: at one place of a value, what a
//! schema asks of that place and, of everything below it, along the dearest way down.

use std::collections::HashMap;

use manta_mcp::Limits;
use serde_json::Value;

/// Steps for one value: a second, more or less.
const MOST_STEPS: u64 = 20_000_000;

/// Steps inside one another. Each takes some hundred bytes of the stack.
const MOST_NESTED: usize = 1_000;

/// Pairs of a schema and a depth that are looked at; there are fewer in every schema that people write.
const MOST_LOOKS: usize = 500_000;

/// Steps at one place of a value and on the way down from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Burden(u64);

impl Burden {
    /// What a schema asks; `None` when that is without end, too much for the smallest value, or can't be told.
    pub(super) fn of(schema: &Value) -> Option<Self> {
        let mut anchors = HashMap::new();
        collect(schema, true, &mut anchors)?;
        let mut count = Count { root: schema, anchors, known: HashMap::new() };
        let depth = Limits::default().max_depth;
        count.steps(schema, depth, 0).map(|steps| Self(steps.all()))
    }

    /// Whether a value may be held to the schema.
    pub(super) fn is_borne_by(self, value: &Value) -> bool {
        // Most schemas ask for little, and their values need not be counted.
        self.0 <= 64 || self.0.saturating_mul(size(value)) <= MOST_STEPS
    }
}

fn size(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<u64>(),
        Value::Object(members) => 1 + members.values().map(size).sum::<u64>(),
        _ => 1,
    }
}

/// The parts of a schema that have a name of their own. `None` when one has an address of its own: references in it start
/// elsewhere.
fn collect<'s>(schema: &'s Value, is_root: bool, anchors: &mut HashMap<&'s str, &'s Value>) -> Option<()> {
    match schema {
        Value::Array(parts) => parts.iter().try_for_each(|part| collect(part, false, anchors)),
        Value::Object(parts) => {
            if !is_root && parts.get("$id").is_some_and(Value::is_string) {
                return None;
            }
            for key in ["$anchor", "$dynamicAnchor"] {
                if let Some(name) = parts.get(key).and_then(Value::as_str) {
                    anchors.insert(name, schema);
                }
            }
            parts.values().try_for_each(|part| collect(part, false, anchors))
        }
        _ => Some(()),
    }
}

/// Steps at one place.
#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    here: u64,
    /// Below it, if it is a list, and if it is an object.
    list: u64,
    object: u64,
    /// How many of them are inside one another.
    nested: usize,
}

impl Steps {
    fn all(self) -> u64 {
        self.here.saturating_add(self.list.max(self.object))
    }

    fn add(&mut self, other: Self) {
        self.here = self.here.saturating_add(other.here);
        self.list = self.list.saturating_add(other.list);
        self.object = self.object.saturating_add(other.object);
        self.nested = self.nested.max(other.nested);
    }
}

struct Count<'s> {
    root: &'s Value,
    anchors: HashMap<&'s str, &'s Value>,
    /// By the place of a schema in memory and the depth of the value; `None` while it is being counted.
    known: HashMap<(usize, u16), Option<Steps>>,
}

impl<'s> Count<'s> {
    /// Of a value that goes so much deeper. `None` without end, or when there is too much.
    fn steps(&mut self, schema: &'s Value, depth: u16, nested: usize) -> Option<Steps> {
        let Value::Object(parts) = schema else { return Some(Steps { here: 1, nested: 1, ..Steps::default() }) };
        let key = (std::ptr::from_ref(schema).addr(), depth);
        if let Some(known) = self.known.get(&key) {
            return *known; // what is still being counted asks for itself
        }
        if nested > MOST_NESTED || self.known.len() > MOST_LOOKS {
            return None;
        }
        self.known.insert(key, None);
        let mut steps = Steps { here: 1 + parts.len() as u64, ..Steps::default() };
        for part in self.here(parts)? {
            steps.add(self.steps(part, depth, nested + 1)?);
        }
        if let Some(depth) = depth.checked_sub(1) {
            let (list, deep) = self.below(below_list(parts), depth, nested)?;
            steps.add(Steps { list, nested: deep, ..Steps::default() });
            let (object, deep) = self.below(below_object(parts), depth, nested)?;
            steps.add(Steps { object, nested: deep, ..Steps::default() });
        }
        steps.nested += 1;
        if steps.all() > MOST_STEPS || steps.nested > MOST_NESTED {
            return None;
        }
        self.known.insert(key, Some(steps));
        Some(steps)
    }

    /// Of one element or member: the dearest of those schemas of which one holds for it, and all those that always do.
    fn below(&mut self, (apart, together): (Parts<'s>, Parts<'s>), depth: u16, nested: usize) -> Option<(u64, usize)> {
        let (mut dearest, mut rest, mut deep) = (0, 0u64, 0);
        for part in apart {
            let one = self.steps(part, depth, nested + 1)?;
            (dearest, deep) = (one.all().max(dearest), one.nested.max(deep));
        }
        for part in together {
            let one = self.steps(part, depth, nested + 1)?;
            (rest, deep) = (rest.saturating_add(one.all()), one.nested.max(deep));
        }
        Some((rest.saturating_add(dearest), deep))
    }

    /// What is asked of the same place. `None` for a reference that leads nowhere.
    fn here(&self, parts: &'s serde_json::Map<String, Value>) -> Option<Vec<&'s Value>> {
        let mut here = Vec::new();
        for key in ["allOf", "anyOf", "oneOf"] {
            here.extend(parts.get(key).and_then(Value::as_array).into_iter().flatten());
        }
        here.extend(["not", "if", "then", "else"].iter().filter_map(|key| parts.get(*key)));
        for key in ["dependentSchemas", "dependencies"] {
            here.extend(parts.get(key).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values));
        }
        for key in ["$ref", "$dynamicRef", "$recursiveRef"] {
            if let Some(reference) = parts.get(key).and_then(Value::as_str) {
                here.push(self.resolve(reference)?);
            }
        }
        Some(here)
    }

    fn resolve(&self, reference: &str) -> Option<&'s Value> {
        let inside = reference.strip_prefix('#')?;
        match inside.is_empty() || inside.starts_with('/') {
            true => self.root.pointer(inside),
            false => self.anchors.get(inside).copied(),
        }
    }
}

type Parts<'s> = Vec<&'s Value>;

/// For the elements of a list: schemas of which one holds for an element, and those that hold for all.
fn below_list(parts: &serde_json::Map<String, Value>) -> (Parts<'_>, Parts<'_>) {
    let mut apart = Vec::new();
    for key in ["items", "prefixItems", "additionalItems"] {
        match parts.get(key) {
            Some(Value::Array(each)) => apart.extend(each),
            other => apart.extend(other),
        }
    }
    (apart, ["contains", "unevaluatedItems"].iter().filter_map(|key| parts.get(*key)).collect())
}

/// The same for the members of an object.
fn below_object(parts: &serde_json::Map<String, Value>) -> (Parts<'_>, Parts<'_>) {
    let of = |key: &str| parts.get(key).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values);
    let apart = of("properties").chain(parts.get("additionalProperties")).collect();
    let rest = ["unevaluatedProperties", "propertyNames"].iter().filter_map(|key| parts.get(*key));
    (apart, of("patternProperties").chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_people_write_is_little() {
        for schema in [
            json!({ "type": "object", "properties": { "path": { "type": "string" }, "n": { "type": "integer" } } }),
            json!({ "$defs": { "t": { "properties": { "children": { "items": { "$ref": "#/$defs/t" } } } } }, "$ref": "#/$defs/t" }),
            json!({ "$defs": { "any": { "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "$ref": "#/$defs/any" } },
                { "type": "object", "additionalProperties": { "$ref": "#/$defs/any" } },
            ] } }, "properties": { "x": { "$ref": "#/$defs/any" } } }),
        ] {
            let burden = Burden::of(&schema).unwrap();
            assert!(burden.0 < 2_000, "{burden:?} {schema}");
            assert!(burden.is_borne_by(&json!({ "x": [1, 2, 3] })));
        }
    }

    #[test]
    fn what_has_no_end_or_doubles_at_every_step_is_too_much() {
        let chain = |length: usize| {
            let link = |at: usize| (format!("d{at}"), json!({ "$ref": format!("#/$defs/d{}", at + 1) }));
            let mut links: serde_json::Map<String, Value> = (0..length).map(link).collect();
            links.insert(format!("d{length}"), json!({}));
            json!({ "$defs": links, "$ref": "#/$defs/d0" })
        };
        for schema in [
            json!({ "$ref": "#" }),
            json!({ "$ref": "#nobody" }),
            json!({ "$ref": "http://127.0.0.1/x" }),
            json!({ "allOf": [{ "not": { "$ref": "#" } }] }),
            json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } }, "$ref": "#/$defs/a" }),
            json!({ "$defs": { "l": { "anyOf": [{ "items": { "$ref": "#/$defs/l" } }, { "items": { "$ref": "#/$defs/l" } }] } }, "$ref": "#/$defs/l" }),
            json!({ "$dynamicAnchor": "n", "not": { "$dynamicRef": "#n" } }),
            json!({ "$defs": { "a": { "$id": "x", "$ref": "#" } }, "$ref": "#/$defs/a" }),
            chain(5_000),
        ] {
            assert_eq!(Burden::of(&schema), None, "{}", schema.to_string().chars().take(100).collect::<String>());
        }
        assert!(Burden::of(&chain(500)).is_some());
    }

    #[test]
    fn a_dear_schema_bears_a_small_value_and_no_large_one() {
        let branches: Vec<Value> = (0..500).map(|n| json!({ "const": n })).collect();
        let burden = Burden::of(&json!({ "items": { "anyOf": branches } })).unwrap();
        assert!(burden.is_borne_by(&json!([1, 2, 3])));
        assert!(!burden.is_borne_by(&json!((0..100_000).collect::<Vec<_>>())));
    }
}
