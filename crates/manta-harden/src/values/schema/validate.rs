//! A value against a compiled schema, within a budget.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Value};

use super::number::Decimal;
use super::{Node, NodeId, Schema, Violation};

/// Subschema applications per value. A schema of a few hundred nodes over a megabyte of arguments
/// stays well below; an exponential pair of schema and value doesn't.
const MAX_STEPS: u32 = 1_000_000;
const MAX_DEPTH: usize = 256;

pub(super) fn validate(schema: &Schema, value: &Value) -> Result<(), Violation> {
    let mut run = Run { schema, steps: 0, depth: 0, scope: Vec::new() };
    run.node(schema.root, value).map(|_| ()).map_err(Failure::into_violation)
}

struct Run<'s> {
    schema: &'s Schema,
    steps: u32,
    depth: usize,
    /// Resources entered, outermost first: where `$dynamicRef` looks.
    scope: Vec<usize>,
}

/// A violation under way: its pointer grows from the inside out. Boxed, because `anyOf` makes many
/// and throws them away.
struct Failure(Box<Violation>);

impl Failure {
    fn new(keyword: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Violation { pointer: String::new(), keyword, message: message.into() }))
    }

    fn below(mut self, name: &str) -> Self {
        self.0.pointer = format!("/{}{}", name.replace('~', "~0").replace('/', "~1"), self.0.pointer);
        self
    }

    fn is_budget(&self) -> bool {
        self.0.keyword == "budget"
    }

    fn into_violation(self) -> Violation {
        *self.0
    }
}

type Outcome<T = ()> = Result<T, Failure>;

/// Which members or elements some schema has looked at, by position. Empty unless asked for.
#[derive(Clone, Default)]
struct Evaluated(Vec<bool>);

impl Evaluated {
    fn mark(&mut self, i: usize) {
        if let Some(seen) = self.0.get_mut(i) {
            *seen = true;
        }
    }

    fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

impl Run<'_> {
    fn node(&mut self, id: NodeId, value: &Value) -> Outcome<Evaluated> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.depth > MAX_DEPTH {
            return Err(Failure::new("budget", "checking this value takes too many steps"));
        }
        let schema = self.schema;
        let node = &schema.nodes[id];
        self.depth += 1;
        self.scope.push(node.resource);
        let outcome = self.apply(node, value);
        self.scope.pop();
        self.depth -= 1;
        outcome
    }

    fn apply(&mut self, node: &Node, value: &Value) -> Outcome<Evaluated> {
        let parts = match value {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        let mut seen = Evaluated(if self.schema.tracks_evaluation { vec![false; parts] } else { Vec::new() });
        assert_any(node, value)?;
        match value {
            Value::Number(number) => assert_number(node, Decimal::of(number))?,
            Value::String(text) => assert_text(node, text)?,
            Value::Array(items) => self.array(node, items, &mut seen)?,
            Value::Object(members) => {
                self.object(node, members, &mut seen)?;
                for (_, &id) in node.dependent_schemas.iter().filter(|(name, _)| members.contains_key(*name)) {
                    seen.add(&self.node(id, value)?);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        self.references(node, value, &mut seen)?;
        self.combinations(node, value, &mut seen)?;
        self.unevaluated(node, value, &mut seen)?;
        Ok(seen)
    }

    fn array(&mut self, node: &Node, items: &[Value], seen: &mut Evaluated) -> Outcome {
        let count = items.len() as u64;
        at_least("minItems", count, node.min_items, "elements")?;
        at_most("maxItems", count, node.max_items, "elements")?;
        if node.unique_items {
            let mut before = HashSet::new();
            if !items.iter().all(|item| before.insert(canonical(item))) {
                return Err(Failure::new("uniqueItems", "two elements are equal"));
            }
        }
        let rest = node.items.into_iter().cycle();
        for (i, (item, id)) in items.iter().zip(node.prefix_items.iter().copied().chain(rest)).enumerate() {
            self.node(id, item).map_err(|failure| failure.below(&i.to_string()))?;
            seen.mark(i);
        }
        let Some(contains) = node.contains else { return Ok(()) };
        let mut found = 0;
        for (i, item) in items.iter().enumerate() {
            if self.holds(contains, item)?.is_some() {
                found += 1;
                seen.mark(i);
            }
        }
        at_least("contains", found, Some(node.min_contains.unwrap_or(1)), "matching elements")?;
        at_most("maxContains", found, node.max_contains, "matching elements")
    }

    fn object(&mut self, node: &Node, members: &Map<String, Value>, seen: &mut Evaluated) -> Outcome {
        let count = members.len() as u64;
        at_least("minProperties", count, node.min_properties, "members")?;
        at_most("maxProperties", count, node.max_properties, "members")?;
        require("required", &node.required, members)?;
        for (_, needed) in node.dependent_required.iter().filter(|(name, _)| members.contains_key(*name)) {
            require("dependentRequired", needed, members)?;
        }
        for (i, (name, value)) in members.iter().enumerate() {
            self.member(node, name, value, i, seen).map_err(|failure| failure.below(name))?;
        }
        Ok(())
    }

    fn member(&mut self, node: &Node, name: &str, value: &Value, i: usize, seen: &mut Evaluated) -> Outcome {
        if let Some(id) = node.property_names {
            // Through `holds`, because an exhausted budget must stay one: below a `not`, any other
            // failure would admit the value.
            if self.holds(id, &Value::String(name.to_owned()))?.is_none() {
                return Err(Failure::new("propertyNames", "a name that is not allowed"));
            }
        }
        let mut is_declared = false;
        if let Some(&id) = node.properties.get(name) {
            self.node(id, value)?;
            is_declared = true;
        }
        for (_, id) in node.pattern_properties.iter().filter(|(pattern, _)| pattern.is_match(name)) {
            self.node(*id, value)?;
            is_declared = true;
        }
        if let Some(id) = node.additional_properties.filter(|_| !is_declared) {
            self.or_unknown(id, value, "additionalProperties")?;
            is_declared = true;
        }
        if is_declared {
            seen.mark(i);
        }
        Ok(())
    }

    fn references(&mut self, node: &Node, value: &Value, seen: &mut Evaluated) -> Outcome {
        if let Some(id) = node.reference {
            seen.add(&self.node(id, value)?);
        }
        if let Some((fallback, name)) = &node.dynamic_reference {
            let outermost =
                |name: &String| self.scope.iter().find_map(|&resource| self.schema.resources[resource].get(name));
            let id = name.as_ref().and_then(outermost).copied().unwrap_or(*fallback);
            seen.add(&self.node(id, value)?);
        }
        Ok(())
    }

    fn combinations(&mut self, node: &Node, value: &Value, seen: &mut Evaluated) -> Outcome {
        for &id in &node.all_of {
            seen.add(&self.node(id, value)?);
        }
        if !node.any_of.is_empty() {
            let matching = self.matching(&node.any_of, value, seen)?;
            if matching == 0 {
                return Err(Failure::new("anyOf", "matches none of the alternatives"));
            }
        }
        if !node.one_of.is_empty() && self.matching(&node.one_of, value, seen)? != 1 {
            return Err(Failure::new("oneOf", "does not match exactly one of the alternatives"));
        }
        if let Some(id) = node.not
            && self.holds(id, value)?.is_some()
        {
            return Err(Failure::new("not", "has a form that is excluded"));
        }
        let Some(condition) = node.condition else { return Ok(()) };
        let branch = match self.holds(condition, value)? {
            Some(evaluated) => {
                seen.add(&evaluated);
                node.then
            }
            None => node.otherwise,
        };
        if let Some(id) = branch {
            seen.add(&self.node(id, value)?);
        }
        Ok(())
    }

    fn matching(&mut self, alternatives: &[NodeId], value: &Value, seen: &mut Evaluated) -> Outcome<usize> {
        let mut count = 0;
        for &id in alternatives {
            if let Some(evaluated) = self.holds(id, value)? {
                seen.add(&evaluated);
                count += 1;
            }
        }
        Ok(count)
    }

    fn unevaluated(&mut self, node: &Node, value: &Value, seen: &mut Evaluated) -> Outcome {
        match value {
            Value::Array(items) => {
                let Some(id) = node.unevaluated_items else { return Ok(()) };
                for (i, item) in items.iter().enumerate().filter(|&(i, _)| !seen.0[i]) {
                    self.or_unknown(id, item, "unevaluatedItems").map_err(|failure| failure.below(&i.to_string()))?;
                }
            }
            Value::Object(members) => {
                let Some(id) = node.unevaluated_properties else { return Ok(()) };
                for (_, (name, value)) in members.iter().enumerate().filter(|&(i, _)| !seen.0[i]) {
                    self.or_unknown(id, value, "unevaluatedProperties").map_err(|failure| failure.below(name))?;
                }
            }
            _ => return Ok(()),
        }
        seen.0.fill(true);
        Ok(())
    }

    /// A `false` schema for the rest means: there must be no rest.
    fn or_unknown(&mut self, id: NodeId, value: &Value, keyword: &'static str) -> Outcome {
        if self.schema.nodes[id].never {
            return Err(Failure::new(keyword, "nothing of this name or at this place is declared"));
        }
        self.node(id, value).map(|_| ())
    }

    /// What the schema evaluated if it holds. An exhausted budget is no answer, so it goes up.
    fn holds(&mut self, id: NodeId, value: &Value) -> Outcome<Option<Evaluated>> {
        match self.node(id, value) {
            Ok(evaluated) => Ok(Some(evaluated)),
            Err(failure) if failure.is_budget() => Err(failure),
            Err(_) => Ok(None),
        }
    }
}

fn assert_any(node: &Node, value: &Value) -> Outcome {
    if node.never {
        return Err(Failure::new("false", "nothing is allowed here"));
    }
    if let Some(types) = node.types.filter(|types| !types.admits(value)) {
        return Err(Failure::new("type", format!("expected {types}")));
    }
    match &node.one_of_values {
        Some(values) if !values.iter().any(|admitted| is_equal(admitted, value)) => {
            Err(Failure::new("enum", "not one of the allowed values"))
        }
        _ => Ok(()),
    }
}

/// A keyword, its bound, and how a number must compare with it.
type Bound = (&'static str, Option<Decimal>, fn(Ordering) -> bool);

fn assert_number(node: &Node, number: Decimal) -> Outcome {
    let bounds: [Bound; 4] = [
        ("minimum", node.minimum, Ordering::is_ge),
        ("maximum", node.maximum, Ordering::is_le),
        ("exclusiveMinimum", node.exclusive_minimum, Ordering::is_gt),
        ("exclusiveMaximum", node.exclusive_maximum, Ordering::is_lt),
    ];
    for (keyword, bound, holds) in bounds {
        // What can't be compared is not within bounds.
        if bound.is_some_and(|bound| !number.compare(bound).is_some_and(holds)) {
            return Err(Failure::new(keyword, "the number is out of range"));
        }
    }
    match node.multiple_of {
        Some(unit) if !number.is_multiple_of(unit) => {
            Err(Failure::new("multipleOf", "not a multiple of the required number"))
        }
        _ => Ok(()),
    }
}

fn assert_text(node: &Node, text: &str) -> Outcome {
    if node.min_length.is_some() || node.max_length.is_some() {
        let length = text.chars().count() as u64;
        at_least("minLength", length, node.min_length, "characters")?;
        at_most("maxLength", length, node.max_length, "characters")?;
    }
    match &node.pattern {
        Some(pattern) if !pattern.is_match(text) => Err(Failure::new("pattern", "does not have the required form")),
        _ => Ok(()),
    }
}

fn at_least(keyword: &'static str, count: u64, min: Option<u64>, what: &str) -> Outcome {
    match min {
        Some(min) if count < min => Err(Failure::new(keyword, format!("expected at least {min} {what}"))),
        _ => Ok(()),
    }
}

fn at_most(keyword: &'static str, count: u64, max: Option<u64>, what: &str) -> Outcome {
    match max {
        Some(max) if count > max => Err(Failure::new(keyword, format!("expected at most {max} {what}"))),
        _ => Ok(()),
    }
}

fn require(keyword: &'static str, needed: &[String], members: &Map<String, Value>) -> Outcome {
    match needed.iter().find(|name| !members.contains_key(*name)) {
        Some(name) => Err(Failure::new(keyword, format!("`{name}` is missing"))),
        None => Ok(()),
    }
}

fn is_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Null, Value::Null) => true,
        (Value::String(_) | Value::Bool(_) | Value::Null, _) => false,
        _ => canonical(a) == canonical(b),
    }
}

/// A text that two values share exactly when JSON Schema calls them equal: members in any order,
/// numbers by value.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => Decimal::of(number).canonical(),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut parts: Vec<_> =
                members.iter().map(|(name, value)| format!("{name:?}:{}", canonical(value))).collect();
            parts.sort_unstable();
            format!("{{{}}}", parts.join(","))
        }
        Value::String(text) => format!("{text:?}"),
        Value::Bool(_) | Value::Null => value.to_string(),
    }
}
