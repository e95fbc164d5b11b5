//! What schemas and policies mark as sensitive.

use std::collections::BTreeMap;

use serde_json::Value;

/// Deepest place in a schema that is looked at, references followed.
const MAX_DEPTH: usize = 32;
/// Places in a schema that are looked at. A reference may be written out in many of them.
const MAX_PLACES: usize = 4096;
/// Levels of a type that contains itself which are told apart; below, all of it counts as marked when any is.
const MAX_WITHIN_ITSELF: usize = 3;

/// Members that a schema marks with `x-manta-sensitive: true`, or a policy with `sensitive = true`.
#[derive(Debug, Clone, Default)]
pub struct Sensitive {
    pub(super) root: Marks,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    pub(super) here: bool,
    members: BTreeMap<String, Marks>,
    /// Members of any other name.
    others: Option<Box<Marks>>,
    items: Option<Box<Marks>>,
}

pub(super) static NO_MARKS: Marks = Marks { here: false, members: BTreeMap::new(), others: None, items: None };

impl Marks {
    pub(super) fn member(&self, name: &str) -> &Self {
        self.members.get(name).or(self.others.as_deref()).unwrap_or(&NO_MARKS)
    }

    pub(super) fn item(&self) -> &Self {
        self.items.as_deref().unwrap_or(&NO_MARKS)
    }

    fn is_empty(&self) -> bool {
        !self.here && self.members.is_empty() && self.others.is_none() && self.items.is_none()
    }

    /// Whatever either of them marks.
    fn join(&mut self, other: Self) {
        self.here |= other.here;
        for (name, marks) in other.members {
            self.members.entry(name).or_default().join(marks);
        }
        for (own, other) in [(&mut self.others, other.others), (&mut self.items, other.items)] {
            if let Some(other) = other {
                own.get_or_insert_default().join(*other);
            }
        }
    }

    fn join_boxed(place: &mut Option<Box<Self>>, other: Self) {
        if !other.is_empty() {
            place.get_or_insert_default().join(other);
        }
    }
}

impl Sensitive {
    /// Whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// Reads the marks of a tool's input schema: `x-manta-sensitive`, `writeOnly`, `format: password`, wherever a value may
    /// meet them, through `$ref` within the schema, `anyOf` and its kin. A type that contains itself is told apart to
    /// three levels; deeper, and beyond 4,096 places, everything counts as marked of which any part is.
    #[must_use]
    pub fn from_schema(schema: &Value) -> Self {
        let mut reader = Reader { root: schema, within: Vec::new(), left: MAX_PLACES };
        Self { root: reader.marks_of(schema, 0) }
    }

    /// Marks one member; `path` leads to it, with `*` for the elements of an array.
    pub fn mark<'a>(&mut self, path: impl IntoIterator<Item = &'a str>) {
        let mut marks = &mut self.root;
        for step in path {
            marks = match step {
                "*" => marks.items.get_or_insert_default(),
                name => marks.members.entry(name.to_owned()).or_default(),
            };
        }
        marks.here = true;
    }
}

struct Reader<'a> {
    root: &'a Value,
    /// References that are being followed.
    within: Vec<&'a str>,
    /// Places that may still be looked at.
    left: usize,
}

impl<'a> Reader<'a> {
    fn marks_of(&mut self, schema: &'a Value, depth: usize) -> Marks {
        let Some(members) = schema.as_object() else { return Marks::default() };
        if depth > MAX_DEPTH || self.left == 0 {
            return Marks { here: mentions_marks(schema), ..Marks::default() };
        }
        self.left -= 1;
        let mut marks = Marks { here: is_marked(schema), ..Marks::default() };
        for (keyword, inner) in members {
            match (keyword.as_str(), inner) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        let found = self.marks_of(property, depth + 1);
                        if !found.is_empty() {
                            marks.members.entry(name.clone()).or_default().join(found);
                        }
                    }
                }
                ("patternProperties", Value::Object(patterns)) => {
                    for property in patterns.values() {
                        let found = self.marks_of(property, depth + 1);
                        Marks::join_boxed(&mut marks.others, found);
                    }
                }
                ("additionalProperties" | "unevaluatedProperties", inner) => {
                    let found = self.marks_of(inner, depth + 1);
                    Marks::join_boxed(&mut marks.others, found);
                }
                ("items" | "contains" | "unevaluatedItems" | "additionalItems", Value::Object(_)) => {
                    let found = self.marks_of(inner, depth + 1);
                    Marks::join_boxed(&mut marks.items, found);
                }
                ("items" | "prefixItems", Value::Array(places)) => {
                    for place in places {
                        let found = self.marks_of(place, depth + 1);
                        Marks::join_boxed(&mut marks.items, found);
                    }
                }
                ("allOf" | "anyOf" | "oneOf", Value::Array(branches)) => {
                    for branch in branches {
                        let found = self.marks_of(branch, depth + 1);
                        marks.join(found);
                    }
                }
                ("if" | "then" | "else", inner) => {
                    let found = self.marks_of(inner, depth + 1);
                    marks.join(found);
                }
                ("dependentSchemas", Value::Object(branches)) => {
                    for branch in branches.values() {
                        let found = self.marks_of(branch, depth + 1);
                        marks.join(found);
                    }
                }
                ("$ref" | "$dynamicRef", Value::String(reference)) => {
                    let found = self.referred(reference, depth);
                    marks.join(found);
                }
                _ => {}
            }
        }
        marks
    }

    fn referred(&mut self, reference: &'a str, depth: usize) -> Marks {
        let target = match reference.strip_prefix('#') {
            Some(pointer) => self.root.pointer(pointer),
            None => None,
        };
        let Some(target) = target else { return Marks::default() };
        if self.within.iter().filter(|other| **other == reference).count() >= MAX_WITHIN_ITSELF {
            return Marks { here: mentions_marks(target), ..Marks::default() };
        }
        self.within.push(reference);
        let marks = self.marks_of(target, depth + 1);
        self.within.pop();
        marks
    }
}

fn is_marked(schema: &Value) -> bool {
    schema.get("x-manta-sensitive") == Some(&Value::Bool(true))
        || schema.get("writeOnly") == Some(&Value::Bool(true))
        || schema.get("format").and_then(Value::as_str) == Some("password")
}

/// Whether a mark stands anywhere in it. Schemas were parsed to a bounded depth.
fn mentions_marks(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => is_marked(schema) || members.values().any(mentions_marks),
        Value::Array(items) => items.iter().any(mentions_marks),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Redactor;
    use super::*;

    #[test]
    fn a_mark_counts_however_the_schema_leads_to_it() {
        let secret = json!({ "type": "string", "writeOnly": true });
        let optional = json!({ "anyOf": [secret, { "type": "null" }] });
        for schema in [
            json!({ "properties": { "note": optional } }),
            json!({ "properties": { "note": { "$ref": "#/$defs/s" } }, "$defs": { "s": secret } }),
            json!({ "$ref": "#/$defs/all", "$defs": { "all": { "properties": { "note": secret } } } }),
            json!({ "allOf": [{ "properties": { "other": {} } }, { "oneOf": [{ "properties": { "note": secret } }] }] }),
            json!({ "properties": { "other": {} }, "additionalProperties": secret }),
            json!({ "patternProperties": { "^n": secret } }),
            json!({ "if": {}, "then": { "properties": { "note": secret } } }),
            json!({ "dependentSchemas": { "kind": { "properties": { "note": secret } } } }),
        ] {
            let marks = Sensitive::from_schema(&schema);
            let record = Redactor::new([0; 32]).redact_marked(&json!({ "note": "tell nobody" }), &marks);
            assert_eq!(record.value, json!({ "note": "[redacted:key]" }), "{schema}");
        }
        let place = json!({ "prefixItems": [{}, secret] });
        let marks = Sensitive::from_schema(&json!({ "properties": { "pair": place } }));
        let record = Redactor::new([0; 32]).redact_marked(&json!({ "pair": ["a", "b"] }), &marks);
        assert!(!record.value.to_string().contains("\"b\""), "{}", record.value);
        let unmarked =
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "properties": { "a": { "$ref": "#/$defs/a" } } } } });
        assert!(Sensitive::from_schema(&unmarked).is_empty());
        assert!(
            Sensitive::from_schema(&json!({ "$ref": "https://x.example/s", "allOf": 5, "properties": [] })).is_empty()
        );
    }

    #[test]
    fn a_type_that_contains_itself_hides_its_secrets_at_every_level() {
        let node = json!({ "properties": {
            "memo": { "format": "password" },
            "left": { "$ref": "#/$defs/node" },
            "right": { "anyOf": [{ "$ref": "#/$defs/node" }, { "type": "null" }] },
            "list": { "items": { "$ref": "#/$defs/node" } },
        }});
        let schema = json!({ "$ref": "#/$defs/node", "$defs": { "node": node } });
        let marks = Sensitive::from_schema(&schema);
        let mut value = json!({ "note": "deepest", "memo": "hunter2" });
        for _ in 0..12 {
            value = json!({ "left": value.clone(), "list": [value], "memo": "hunter2" });
        }
        let shallow = Redactor::new([0; 32]).redact_marked(&json!({ "note": "kept", "memo": 1 }), &marks);
        assert_eq!(shallow.value, json!({ "note": "kept", "memo": "[redacted:key]" }));
        assert!(!Redactor::new([0; 32]).redact_marked(&value, &marks).value.to_string().contains("hunter2"));
    }
}
