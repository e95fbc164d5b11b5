//! From the JSON of a schema to nodes, references resolved within it.

use std::collections::{BTreeMap, HashMap, HashSet};

use percent_encoding::percent_decode_str;
use regex::Regex;
use serde_json::{Map, Value};
use url::Url;

use super::number::Decimal;
use super::{Node, NodeId, Schema, SchemaError, Types, pattern};

const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 100;
const MAX_PATTERNS: usize = 256;
/// Bytes of a pointer that messages show.
const MAX_POINTER: usize = 200;
/// Base of a schema without `$id`. The domain can't exist (RFC 2606), and nothing is fetched anyway.
const NOWHERE: &str = "https://schema.invalid/";

pub(super) fn compile(schema: &Value, closed: bool) -> Result<Schema, SchemaError> {
    let base = Url::parse(NOWHERE).expect("a constant URL");
    let mut compiler = Compiler { draft: Draft::of(schema)?, ..Compiler::default() };
    compiler.index(schema, &base, 0, 0)?;
    let root = compiler.node(schema, "")?;
    // A queue rather than recursion: a chain of ten thousand references must not use up the stack.
    while let Some((id, value, at)) = compiler.queue.pop() {
        compiler.nodes[id] = compiler.read(value, &at)?;
    }
    if closed {
        compiler.close(root);
    }
    let tracks_evaluation =
        compiler.nodes.iter().any(|node| node.unevaluated_items.is_some() || node.unevaluated_properties.is_some());
    Ok(Schema { nodes: compiler.nodes, root, resources: compiler.dynamic_anchors, tracks_evaluation })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Draft {
    #[default]
    D2020,
    D2019,
    /// draft-06 and -07, where a `$ref` stands alone: keywords beside it mean nothing.
    D7,
}

impl Draft {
    fn of(schema: &Value) -> Result<Self, SchemaError> {
        let Some(dialect) = schema.get("$schema") else { return Ok(Self::D2020) };
        let name = dialect.as_str().unwrap_or_default().trim_end_matches('#');
        match name.trim_start_matches("https://").trim_start_matches("http://") {
            "json-schema.org/draft/2020-12/schema" => Ok(Self::D2020),
            "json-schema.org/draft/2019-09/schema" => Ok(Self::D2019),
            "json-schema.org/draft-07/schema" | "json-schema.org/draft-06/schema" => Ok(Self::D7),
            _ => Err(error("/$schema", "a dialect other than 2020-12, 2019-09, draft-07 and draft-06")),
        }
    }
}

fn error(pointer: &str, message: impl Into<String>) -> SchemaError {
    SchemaError { pointer: pointer.to_owned(), message: message.into() }
}

/// Where a schema value stands; keyed by its address, which doesn't change while we read.
#[derive(Clone)]
struct Place {
    base: Url,
    resource: usize,
}

#[derive(Default)]
struct Compiler<'s> {
    draft: Draft,
    nodes: Vec<Node>,
    compiled: HashMap<usize, NodeId>,
    /// Schemas that have a node which nobody has read yet, and where they were first met.
    queue: Vec<(NodeId, &'s Value, String)>,
    patterns: usize,
    places: HashMap<usize, Place>,
    /// Full URI, with or without anchor, to the schema it names.
    named: HashMap<String, &'s Value>,
    dynamic_anchors: Vec<BTreeMap<String, NodeId>>,
    dynamic_schemas: Vec<Vec<(String, &'s Value)>>,
    /// Nodes that describe a value of their own, not another view of their parent's.
    value_positions: Vec<NodeId>,
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'s> Compiler<'s> {
    /// Records base, resource and names of every value, before any reference is followed.
    ///
    /// `enum` and `const` hold data, not schemas, so names in them count for nothing.
    fn index(&mut self, value: &'s Value, base: &Url, resource: usize, depth: usize) -> Result<(), SchemaError> {
        if depth > MAX_DEPTH {
            return Err(error("", format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let mut place = Place { base: base.clone(), resource };
        if self.dynamic_schemas.is_empty() {
            self.new_resource(base, value);
        }
        if let Value::Object(members) = value {
            let invalid = |_| error("", "an `$id` or reference that is no URI");
            let is_bare_reference = self.draft == Draft::D7 && members.get("$ref").is_some_and(Value::is_string);
            if let Some(id) =
                members.get("$id").and_then(Value::as_str).filter(|id| !id.starts_with('#') && !is_bare_reference)
            {
                place.base = base.join(id.trim_end_matches('#')).map_err(invalid)?;
                place.base.set_fragment(None);
                place.resource = self.new_resource(&place.base, value);
            }
            let old_anchor = members.get("$id").and_then(Value::as_str).and_then(|id| id.strip_prefix('#'));
            let anchors = ["$anchor", "$dynamicAnchor"].map(|name| members.get(name).and_then(Value::as_str));
            for anchor in anchors.into_iter().chain([old_anchor]).flatten() {
                self.named.insert(format!("{}#{anchor}", place.base), value);
            }
            if let Some(anchor) = anchors[1] {
                self.dynamic_schemas[place.resource].push((anchor.to_owned(), value));
            }
            for (_, member) in
                members.iter().filter(|(name, _)| !matches!(name.as_str(), "enum" | "const" | "default" | "examples"))
            {
                self.index(member, &place.base, place.resource, depth + 1)?;
            }
        }
        if let Value::Array(items) = value {
            items.iter().try_for_each(|item| self.index(item, base, resource, depth + 1))?;
        }
        self.places.insert(address(value), place);
        Ok(())
    }

    fn new_resource(&mut self, base: &Url, value: &'s Value) -> usize {
        self.named.insert(base.to_string(), value);
        self.dynamic_schemas.push(Vec::new());
        self.dynamic_anchors.push(BTreeMap::new());
        self.dynamic_schemas.len() - 1
    }

    /// The node of a schema; the same one when it is reached twice, so recursive schemas end.
    fn node(&mut self, value: &'s Value, at: &str) -> Result<NodeId, SchemaError> {
        if let Some(&id) = self.compiled.get(&address(value)) {
            return Ok(id);
        }
        let id = self.nodes.len();
        if id >= MAX_NODES {
            return Err(error(at, format!("more than {MAX_NODES} subschemas")));
        }
        self.nodes.push(Node::default());
        self.compiled.insert(address(value), id);
        // Along a chain of references the way grows without end; its beginning says enough.
        let at = at.get(..MAX_POINTER).unwrap_or(at);
        self.queue.push((id, value, at.to_owned()));
        Ok(id)
    }

    fn read(&mut self, value: &'s Value, at: &str) -> Result<Node, SchemaError> {
        match value {
            Value::Bool(admits) => Ok(Node { never: !admits, ..Node::default() }),
            Value::Object(members) => self.object(value, members, at),
            _ => Err(error(at, "a schema is an object, true or false")),
        }
    }

    fn pattern(&mut self, text: &str, at: &str) -> Result<Regex, SchemaError> {
        self.patterns += 1;
        if self.patterns > MAX_PATTERNS {
            return Err(error(at, format!("more than {MAX_PATTERNS} patterns")));
        }
        pattern::compile(text).map_err(|why| error(at, why))
    }

    fn object(&mut self, value: &'s Value, members: &'s Map<String, Value>, at: &str) -> Result<Node, SchemaError> {
        let place = self
            .places
            .get(&address(value))
            .cloned()
            .ok_or_else(|| error(at, "a reference into data that is no schema"))?;
        let read = Reader { members, at };
        if self.draft == Draft::D7 && members.contains_key("$ref") {
            let mut node = Node { resource: place.resource, ..Node::default() };
            self.references(&mut node, &read, &place)?;
            return Ok(node);
        }
        let mut node = Node {
            resource: place.resource,
            types: read.types()?,
            one_of_values: read.values()?,
            multiple_of: read.number("multipleOf")?,
            minimum: read.number("minimum")?,
            maximum: read.number("maximum")?,
            exclusive_minimum: read.number("exclusiveMinimum")?,
            exclusive_maximum: read.number("exclusiveMaximum")?,
            min_length: read.count("minLength")?,
            max_length: read.count("maxLength")?,
            pattern: read.text("pattern")?.map(|text| self.pattern(text, &read.below("pattern"))).transpose()?,
            min_contains: read.count("minContains")?,
            max_contains: read.count("maxContains")?,
            min_items: read.count("minItems")?,
            max_items: read.count("maxItems")?,
            unique_items: read.flag("uniqueItems")?,
            required: read.names("required")?,
            min_properties: read.count("minProperties")?,
            max_properties: read.count("maxProperties")?,
            ..Node::default()
        };
        if node.multiple_of.is_some_and(|unit| !unit.is_positive()) {
            return Err(error(&read.below("multipleOf"), "must be more than 0"));
        }
        self.arrays(&mut node, &read)?;
        self.objects(&mut node, &read)?;
        self.combinations(&mut node, &read)?;
        self.references(&mut node, &read, &place)?;
        Ok(node)
    }

    fn arrays(&mut self, node: &mut Node, read: &Reader<'s, '_>) -> Result<(), SchemaError> {
        // Before 2020-12 a tuple was `items: […]` and the rest `additionalItems`.
        let is_old_tuple = self.draft != Draft::D2020 && read.get("items").is_some_and(Value::is_array);
        let (tuple, rest) = if is_old_tuple { ("items", "additionalItems") } else { ("prefixItems", "items") };
        node.prefix_items = self.list(read, tuple)?;
        node.items = self.optional(read, rest)?;
        node.contains = self.optional(read, "contains")?;
        node.unevaluated_items = self.optional(read, "unevaluatedItems")?;
        self.value_positions.extend(node.prefix_items.iter().chain(&node.items));
        Ok(())
    }

    fn objects(&mut self, node: &mut Node, read: &Reader<'s, '_>) -> Result<(), SchemaError> {
        node.properties = self.map(read, "properties")?;
        for (text, id) in self.map(read, "patternProperties")? {
            let regex = self.pattern(&text, &read.below("patternProperties"))?;
            node.pattern_properties.push((regex, id));
        }
        node.additional_properties = self.optional(read, "additionalProperties")?;
        node.unevaluated_properties = self.optional(read, "unevaluatedProperties")?;
        node.property_names = self.optional(read, "propertyNames")?;
        node.dependent_schemas = self.map(read, "dependentSchemas")?;
        for (name, needed) in read.object("dependentRequired")? {
            node.dependent_required.insert(name.clone(), names(needed).ok_or_else(|| read.bad("dependentRequired"))?);
        }
        if self.draft != Draft::D2020 {
            for (name, dependency) in read.object("dependencies")? {
                match names(dependency) {
                    Some(needed) => drop(node.dependent_required.insert(name.clone(), needed)),
                    None => drop(
                        node.dependent_schemas
                            .insert(name.clone(), self.node(dependency, &read.below("dependencies"))?),
                    ),
                }
            }
        }
        let values = node.properties.values().chain(&node.additional_properties).copied();
        self.value_positions.extend(values.chain(node.pattern_properties.iter().map(|&(_, id)| id)));
        Ok(())
    }

    fn combinations(&mut self, node: &mut Node, read: &Reader<'s, '_>) -> Result<(), SchemaError> {
        node.all_of = self.list(read, "allOf")?;
        node.any_of = self.list(read, "anyOf")?;
        node.one_of = self.list(read, "oneOf")?;
        node.not = self.optional(read, "not")?;
        node.condition = self.optional(read, "if")?;
        node.then = self.optional(read, "then")?;
        node.otherwise = self.optional(read, "else")?;
        Ok(())
    }

    fn references(&mut self, node: &mut Node, read: &Reader<'s, '_>, place: &Place) -> Result<(), SchemaError> {
        if let Some(reference) = read.text("$ref")? {
            let target = self.resolve(reference, place, &read.below("$ref"))?;
            node.reference = Some(self.node(target, &read.below("$ref"))?);
        }
        if let Some(reference) = read.text("$dynamicRef")? {
            let target = self.resolve(reference, place, &read.below("$dynamicRef"))?;
            let anchor = reference.split_once('#').map(|(_, anchor)| anchor);
            let own = target.get("$dynamicAnchor").and_then(Value::as_str);
            let name = anchor.filter(|anchor| own == Some(anchor)).map(str::to_owned);
            node.dynamic_reference = Some((self.node(target, &read.below("$dynamicRef"))?, name));
            self.dynamic_targets(&read.below("$dynamicRef"))?;
        }
        if read.get("$recursiveRef").is_some() {
            return Err(error(&read.below("$recursiveRef"), "not supported; use `$dynamicRef`"));
        }
        Ok(())
    }

    /// Compiles every dynamic anchor, because at run time any of them may be the one.
    fn dynamic_targets(&mut self, at: &str) -> Result<(), SchemaError> {
        for resource in 0..self.dynamic_schemas.len() {
            for (anchor, schema) in self.dynamic_schemas[resource].clone() {
                let id = self.node(schema, at)?;
                self.dynamic_anchors[resource].insert(anchor, id);
            }
        }
        Ok(())
    }

    /// Finds what `reference` names inside this schema.
    fn resolve(&self, reference: &str, place: &Place, at: &str) -> Result<&'s Value, SchemaError> {
        let outside = || error(at, "refers outside this schema; nothing is fetched");
        let mut target = place.base.join(reference).map_err(|_| outside())?;
        let fragment = target.fragment().unwrap_or_default().to_owned();
        target.set_fragment(None);
        let resource = *self.named.get(target.as_str()).ok_or_else(outside)?;
        if fragment.is_empty() {
            return Ok(resource);
        }
        if !fragment.starts_with('/') {
            return self.named.get(&format!("{target}#{fragment}")).copied().ok_or_else(outside);
        }
        let pointer = percent_decode_str(&fragment).decode_utf8().map_err(|_| outside())?;
        resource.pointer(&pointer).ok_or_else(outside)
    }

    fn optional(&mut self, read: &Reader<'s, '_>, name: &str) -> Result<Option<NodeId>, SchemaError> {
        read.get(name).map(|value| self.node(value, &read.below(name))).transpose()
    }

    fn list(&mut self, read: &Reader<'s, '_>, name: &str) -> Result<Vec<NodeId>, SchemaError> {
        let Some(value) = read.get(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(|| read.bad(name))?;
        items.iter().enumerate().map(|(i, item)| self.node(item, &format!("{}/{i}", read.below(name)))).collect()
    }

    fn map(&mut self, read: &Reader<'s, '_>, name: &str) -> Result<BTreeMap<String, NodeId>, SchemaError> {
        let below = read.below(name);
        read.object(name)?.map(|(key, value)| Ok((key.clone(), self.node(value, &format!("{below}/{key}"))?))).collect()
    }

    /// Refuses undeclared members of every value whose schema declares some.
    fn close(&mut self, root: NodeId) {
        let never = self.nodes.len();
        self.nodes.push(Node { never: true, ..Node::default() });
        let mut positions = std::mem::take(&mut self.value_positions);
        positions.push(root);
        for id in positions {
            if self.nodes[id].unevaluated_properties.is_none() && self.declares_members(id) {
                self.nodes[id].unevaluated_properties = Some(never);
            }
        }
    }

    /// Whether this schema, or one that it applies to the same value, names a member.
    fn declares_members(&self, id: NodeId) -> bool {
        let (mut seen, mut open) = (HashSet::new(), vec![id]);
        while let Some(id) = open.pop() {
            let node = &self.nodes[id];
            if !node.properties.is_empty() {
                return true;
            }
            if seen.insert(id) {
                open.extend(node.all_of.iter().chain(&node.any_of).chain(&node.one_of).chain(&node.reference));
            }
        }
        false
    }
}

/// The keywords of one schema object.
struct Reader<'s, 'a> {
    members: &'s Map<String, Value>,
    at: &'a str,
}

impl<'s> Reader<'s, '_> {
    fn get(&self, name: &str) -> Option<&'s Value> {
        self.members.get(name)
    }

    fn below(&self, name: &str) -> String {
        format!("{}/{name}", self.at)
    }

    fn bad(&self, name: &str) -> SchemaError {
        error(&self.below(name), "not what this keyword takes")
    }

    fn types(&self) -> Result<Option<Types>, SchemaError> {
        let Some(value) = self.get("type") else { return Ok(None) };
        let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let bits = list.iter().map(|name| Types::bit(name.as_str()?)).try_fold(0, |all, bit| Some(all | bit?));
        bits.map(|bits| Some(Types(bits))).ok_or_else(|| self.bad("type"))
    }

    fn values(&self) -> Result<Option<Vec<Value>>, SchemaError> {
        let listed = match self.get("enum") {
            None => None,
            Some(Value::Array(values)) => Some(values.clone()),
            Some(_) => return Err(self.bad("enum")),
        };
        // Both at once: the constant, if it is among the values.
        Ok(match (listed, self.get("const")) {
            (Some(values), Some(constant))
                if values
                    .iter()
                    .any(|value| super::validate::canonical(value) == super::validate::canonical(constant)) =>
            {
                Some(vec![constant.clone()])
            }
            (Some(_), Some(_)) => Some(Vec::new()),
            (listed, constant) => listed.or_else(|| constant.map(|value| vec![value.clone()])),
        })
    }

    fn number(&self, name: &str) -> Result<Option<Decimal>, SchemaError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(Decimal::of(number))),
            Some(_) => Err(self.bad(name)),
        }
    }

    /// `2.0` is a valid count.
    fn count(&self, name: &str) -> Result<Option<u64>, SchemaError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let whole =
            value.as_u64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0).map(|f| f as u64));
        whole.map(Some).ok_or_else(|| self.bad(name))
    }

    fn text(&self, name: &str) -> Result<Option<&'s str>, SchemaError> {
        self.get(name).map(|value| value.as_str().ok_or_else(|| self.bad(name))).transpose()
    }

    fn flag(&self, name: &str) -> Result<bool, SchemaError> {
        self.get(name).map_or(Ok(false), |value| value.as_bool().ok_or_else(|| self.bad(name)))
    }

    fn names(&self, name: &str) -> Result<Vec<String>, SchemaError> {
        self.get(name).map_or(Ok(Vec::new()), |value| names(value).ok_or_else(|| self.bad(name)))
    }

    fn object(&self, name: &str) -> Result<impl Iterator<Item = (&'s String, &'s Value)> + use<'s>, SchemaError> {
        match self.get(name) {
            None => Ok(None.into_iter().flatten()),
            Some(Value::Object(members)) => Ok(Some(members).into_iter().flatten()),
            Some(_) => Err(self.bad(name)),
        }
    }
}

fn names(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}
