//! Declared constraints on parameters, and what they make of a value.
//!
//! zod and its relatives are interpreted as they are built (`z.string().regex(…)`); JSON Schema is read from the object
//! the program passes; pydantic constraints come from annotations. Whether a constraint *holds* is a separate question:
//! only where the SDK validates, or the program calls `parse` itself.

mod bundled;

use std::rc::Rc;

use manta_core::Span;

use crate::domain::{StrProps, formats};
use crate::engine::api::ApiStep;
use crate::engine::interp::{Args, Interp, key_name};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, Taint, Val};
use crate::ir::{Lang, Symbol};

/// A schema.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    pub(crate) ty: Ty,
    /// What strings of it look like.
    pub(crate) props: StrProps,
    pub(crate) is_optional: bool,
    pub(crate) description: Option<String>,
    pub(crate) default: Option<Val>,
    /// `refine`, `transform`, validators: functions applied in order.
    pub(crate) steps: Vec<(Val, Applied)>,
    /// Constraints as shown in the inventory.
    pub(crate) constraints: Vec<String>,
    /// One of a list that the program makes, of which not every member is known.
    pub(crate) is_listed: bool,
}

/// How a function of a schema is applied to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It says whether the value is accepted.
    Predicate,
    /// It gives what takes the place of the value.
    Transform,
    /// It refuses the value with an issue that it adds, and answers nothing: `superRefine`.
    Refinement,
    /// It is given the value in a payload, and adds to the issues of that: zod's `check`.
    Payload,
    /// It is given the fields before an object is made of them: `model_validator(mode="before")`.
    Fields,
}

/// The shape of accepted values. What it is made of is shared: a schema is copied at every link of `z.object(…).strict()`.
#[derive(Clone, Debug)]
pub(crate) enum Ty {
    Any,
    Str,
    Num,
    Bool,
    Null,
    /// Fields in order; true when unknown fields pass through.
    Object(Rc<Vec<(Symbol, Schema)>>, bool),
    Array(Rc<Schema>),
    /// Any key.
    Record(Rc<Schema>),
    Union(Rc<Vec<Schema>>),
    /// An instance built from a project class (pydantic model, dataclass).
    Class(Val, Rc<Vec<(Symbol, Schema)>>),
}

impl Schema {
    pub(crate) fn new(ty: Ty) -> Self {
        Self {
            ty,
            props: StrProps::default(),
            is_optional: false,
            description: None,
            default: None,
            steps: Vec::new(),
            constraints: Vec::new(),
            is_listed: false,
        }
    }

    pub(crate) fn with_props(props: StrProps, constraint: &str) -> Self {
        let constraints = if constraint.is_empty() { Vec::new() } else { vec![constraint.to_owned()] };
        Self { props, constraints, ..Self::new(Ty::Str) }
    }

    pub(crate) fn fields(&self) -> &[(Symbol, Self)] {
        match &self.ty {
            Ty::Object(fields, _) | Ty::Class(_, fields) => fields,
            _ => &[],
        }
    }

    /// Whether it has more than so many nodes, which are counted down.
    fn is_larger_than(&self, nodes: &mut usize) -> bool {
        let Some(left) = nodes.checked_sub(1) else { return true };
        *nodes = left;
        match &self.ty {
            Ty::Any | Ty::Str | Ty::Num | Ty::Bool | Ty::Null => false,
            Ty::Object(fields, _) | Ty::Class(_, fields) => fields.iter().any(|(_, field)| field.is_larger_than(nodes)),
            Ty::Array(element) | Ty::Record(element) => element.is_larger_than(nodes),
            Ty::Union(members) => members.iter().any(|member| member.is_larger_than(nodes)),
        }
    }

    /// The type as shown in the inventory.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.ty {
            Ty::Any => "any",
            Ty::Str => "string",
            Ty::Num => "number",
            Ty::Bool => "boolean",
            Ty::Null => "null",
            Ty::Object(..) | Ty::Record(_) | Ty::Class(..) => "object",
            Ty::Array(_) => "array",
            Ty::Union(_) => "union",
        }
    }
}

/// Deeper schemas are treated as `any`: recursive types end here.
const MAX_DEPTH: usize = 8;
/// Larger schemas are treated as `any`: one made of another twice, again and again, grows without end. In nodes.
const MAX_NODES: usize = 2_000;
/// What it costs to read one node of a schema, in values copied.
const NODE: usize = 256;
/// What it costs to copy one, likewise.
const NODE_COPY: usize = 16;

impl Interp<'_> {
    /// An untrusted value that conforms to a schema (or to nothing, when the schema is not enforced).
    pub(crate) fn untrusted(
        &mut self,
        schema: Option<&Schema>,
        enforced: bool,
        taint: Taint,
        step: u32,
        depth: usize,
    ) -> Val {
        let vn = self.store.fresh_vn();
        let base = Val { taint, step, vn, ..Val::unknown() };
        let Some(schema) = schema else { return base };
        if depth > MAX_DEPTH {
            return base;
        }
        let value = match &schema.ty {
            Ty::Any => base,
            Ty::Str if enforced && schema.is_listed => Val { vn, ..Val::with_props(schema.props.clone()) },
            Ty::Str if enforced => Val { taint, step, vn, ..Val::with_props(schema.props.clone()) },
            Ty::Str => Val { taint, step, vn, ..Val::with_props(StrProps::default()) },
            Ty::Num if enforced => Val { taint, step, vn, ..Val::of(Kind::Num(None)) },
            Ty::Bool if enforced => Val::any_bool(),
            Ty::Null if enforced => Val::null(),
            // A declared number that nobody checks is whatever the caller sends.
            Ty::Num | Ty::Bool | Ty::Null => base,
            Ty::Object(fields, open) => {
                let mut obj = Obj::new(ObjKind::Plain);
                for (name, field) in fields.iter() {
                    let value = self.untrusted_field(*name, field, enforced, taint, step, depth + 1);
                    obj.fields.insert(*name, value);
                }
                if *open || !enforced {
                    obj.any = Some(Val { taint, step, vn: self.element_vn(vn), ..Val::unknown() });
                }
                Val { taint, step, vn, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            Ty::Class(class, fields) => {
                let class_id = match class.kind {
                    Kind::Obj(id) => id,
                    _ => return base,
                };
                let mut obj = Obj::new(ObjKind::Instance(class_id));
                for (name, field) in fields.iter() {
                    let value = self.untrusted_field(*name, field, enforced, taint, step, depth + 1);
                    obj.fields.insert(*name, value);
                }
                Val { taint, step, vn, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            Ty::Array(element) => {
                let element = self.untrusted(Some(element), enforced, taint, step, depth + 1);
                let element = Val { vn: self.element_vn(vn), ..element };
                let param =
                    self.found.sources.get(taint.0.trailing_zeros() as usize).map(|source| source.param.clone());
                let element = match (&element.kind, param) {
                    (Kind::Str | Kind::Unknown, Some(param)) => self.replayed(element, &param),
                    _ => element,
                };
                let obj = Obj { more: Some(element), ..Obj::new(ObjKind::Array) };
                Val { taint, step, vn, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            Ty::Record(element) => {
                let element = self.untrusted(Some(element), enforced, taint, step, depth + 1);
                let kind = if self.lang() == Lang::Python { ObjKind::Dict } else { ObjKind::Plain };
                let obj = Obj { any: Some(element), ..Obj::new(kind) };
                Val { taint, step, vn, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            Ty::Union(members) => {
                let values: Vec<Val> = members
                    .iter()
                    .map(|member| self.untrusted(Some(member), enforced, taint, step, depth + 1))
                    .collect();
                let is_text = |value: &Val| matches!(value.kind, Kind::Str);
                let is_number = |value: &Val| matches!(value.kind, Kind::Num(_) | Kind::Bool(_));
                let are_apart = values.iter().any(is_text) && values.iter().any(is_number);
                if are_apart && values.iter().all(|value| is_text(value) || is_number(value)) {
                    // Kept apart, for the program asks which of them it got.
                    Val { kind: Kind::Union(values.into()), ..base }
                } else {
                    self.join_all(values).unwrap_or(base)
                }
            }
        };
        if enforced { self.apply_steps(value, schema) } else { value }
    }

    fn untrusted_field(
        &mut self,
        name: Symbol,
        schema: &Schema,
        enforced: bool,
        taint: Taint,
        step: u32,
        depth: usize,
    ) -> Val {
        let (taint, step) = self.named_source(name, taint, step, depth);
        let param = self.found.sources.get(taint.0.trailing_zeros() as usize).map(|source| source.param.clone());
        let value = self.untrusted(Some(schema), enforced, taint, step, depth);
        // A declared number that nobody checks may be a text.
        let may_be_text = match &schema.ty {
            Ty::Str | Ty::Any | Ty::Union(_) => true,
            Ty::Num | Ty::Bool => !enforced,
            _ => false,
        };
        match param {
            Some(param) if may_be_text && self.is_replayed(&param) => {
                let value = self.replayed(value, &param);
                if enforced { self.admitted(value, schema) } else { value }
            }
            _ => value,
        }
    }

    /// The witness as a schema lets it through, which sees it first and may refuse or change it.
    pub(crate) fn admitted(&mut self, witness: Val, schema: &Schema) -> Val {
        let is_refused =
            matches!(schema.ty, Ty::Str) && witness.literal().is_some_and(|text| !schema.props.admits(text));
        if is_refused {
            self.raise_here();
        }
        self.apply_steps(witness, schema)
    }

    fn apply_steps(&mut self, mut value: Val, schema: &Schema) -> Val {
        for (function, applied) in &schema.steps {
            let given = match applied {
                Applied::Payload => vec![self.issues(Some(&value))],
                Applied::Fields => vec![self.raw_fields(&value)],
                // What is asked of a text may be asked of its place, too.
                Applied::Predicate | Applied::Refinement | Applied::Transform if self.is_of_javascript(function) => {
                    vec![value.clone(), self.issues(None)]
                }
                Applied::Predicate | Applied::Refinement | Applied::Transform => vec![value.clone()],
            };
            let result = self.call_value(function, None, Args::of(given), Span::default());
            value = match applied {
                Applied::Predicate => {
                    if result.truth() == Some(false) && self.found.replay.is_some() {
                        self.raise_here();
                    }
                    if let Some(cond) = result.cond.clone() {
                        self.assume(&cond.when_true);
                    }
                    self.current(&value)
                }
                Applied::Refinement | Applied::Payload => self.current(&value),
                Applied::Transform => result,
                Applied::Fields => {
                    self.take_fields(&value, &result);
                    value
                }
            };
        }
        value
    }

    /// What zod gives a check to refuse the value with: nothing that adds an issue comes back to the handler.
    fn issues(&mut self, value: Option<&Val>) -> Val {
        let root = self.apis.root(Symbol::new("zod"));
        let context = self.apis.step(root, ApiStep::Field(Symbol::new("$context")));
        let of = |interp: &mut Self, name: &str| {
            Val::of(Kind::Api(interp.apis.step(context, ApiStep::Field(Symbol::new(name))), None))
        };
        let mut obj = Obj::new(ObjKind::Plain);
        for name in ["addIssue", "issues"] {
            let value = of(self, name);
            obj.fields.insert(Symbol::new(name), value);
        }
        if let Some(value) = value {
            obj.fields.insert(Symbol::new("value"), value.clone());
        }
        obj.any = Some(Val::unknown());
        Val::of(Kind::Obj(self.store.new_obj(obj)))
    }

    fn is_of_javascript(&self, function: &Val) -> bool {
        match function.kind {
            Kind::Fn(id) => self.program.module(self.store.closure(id).module).lang == Lang::JavaScript,
            _ => self.lang() == Lang::JavaScript,
        }
    }

    /// The fields of an object that a schema makes, as the caller gives them.
    pub(crate) fn raw_fields(&mut self, object: &Val) -> Val {
        let raw = self.store.new_obj(Obj::new(ObjKind::Dict));
        self.copy_fields(object, raw);
        Val { kind: Kind::Obj(raw), vn: self.store.fresh_vn(), ..object.clone() }
    }

    /// The fields of an object as a function gives them that has seen all of them.
    pub(crate) fn take_fields(&mut self, object: &Val, given: &Val) {
        let (Kind::Obj(id), Kind::Obj(given)) = (&object.kind, &given.kind) else { return };
        let given = self.store.obj_rc(*given);
        for (name, value) in &given.fields {
            let value = self.current(value);
            if let Some(field) = self.store.obj_mut(*id).fields.get_mut(name) {
                *field = value;
            }
        }
    }

    /// What `schema.parse(value)` returns: the value with the constraints folded in.
    pub(crate) fn conform(&mut self, value: &Val, schema: &Schema, depth: usize) -> Val {
        if depth > MAX_DEPTH {
            return value.clone();
        }
        if value.is_nullish() || matches!(value.kind, Kind::Undefined) {
            return schema.default.clone().unwrap_or_else(|| value.clone());
        }
        let (taint, step) = (value.taint, value.step);
        let conformed = match &schema.ty {
            Ty::Any => value.clone(),
            Ty::Str => {
                if let Kind::Str | Kind::Unknown = value.kind {
                    let mut text = value.text.as_deref().cloned().unwrap_or_default();
                    text.known = self.props(value).refine(&schema.props).into();
                    let taint = if schema.is_listed { Taint::NONE } else { taint };
                    Val { kind: Kind::Str, text: Some(Rc::new(text)), taint, ..value.clone() }
                } else {
                    value.clone()
                }
            }
            Ty::Num => Val { taint, step, ..Val::of(Kind::Num(None)) },
            Ty::Bool => Val::any_bool(),
            Ty::Null => Val::null(),
            Ty::Object(fields, open) => {
                let mut obj = Obj::new(ObjKind::Plain);
                for (name, field) in fields.iter() {
                    let own = self.get_index(value, &Val::str(name.as_str()), Span::default());
                    let own = self.conform(&own, field, depth + 1);
                    obj.fields.insert(*name, own);
                }
                if *open {
                    obj.any = Some(Val { taint, step, ..Val::unknown() });
                }
                Val { taint, step, vn: value.vn, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            Ty::Class(class, fields) => {
                let Kind::Obj(class_id) = class.kind else { return value.clone() };
                // What is an object of the program already stays what it is, of whatever class behind the declared one.
                let is_made = |value: &Val| {
                    let is_object =
                        matches!(value.kind, Kind::Obj(id) if matches!(self.store.obj(id).kind, ObjKind::Instance(_)));
                    is_object || value.is_nullish()
                };
                if value.alternatives().iter().all(is_made) {
                    return self.apply_steps(value.clone(), schema);
                }
                let mut obj = Obj::new(ObjKind::Instance(class_id));
                for (name, field) in fields.iter() {
                    let own = self.get_index(value, &Val::str(name.as_str()), Span::default());
                    let own = self.conform(&own, field, depth + 1);
                    obj.fields.insert(*name, own);
                }
                Val { taint, step, vn: value.vn, ..Val::of(Kind::Obj(self.store.new_obj(obj))) }
            }
            Ty::Array(element) => {
                let (items, more) = self.elements_of(value, Span::default());
                let items: Vec<Val> = items.iter().map(|item| self.conform(item, element, depth + 1)).collect();
                let more = more.map(|more| self.conform(&more, element, depth + 1));
                let list = self.new_array(items, more);
                Val { vn: value.vn, taint, ..list }
            }
            Ty::Record(_) => value.clone(),
            Ty::Union(members) => {
                let values: Vec<Val> = members.iter().map(|member| self.conform(value, member, depth + 1)).collect();
                self.join_all(values).unwrap_or_else(|| value.clone())
            }
        };
        self.apply_steps(conformed, schema)
    }

    // ------------------------------------------------------------------ zod

    /// Whether an access path is a schema builder: `zod.z.string`, `zod.string`.
    pub(crate) fn zod_call(&mut self, name: &str, args: &Args) -> Option<Schema> {
        let rest = ["zod.z.", "zod/v4.z.", "zod/v3.z.", "zod.", "zod/v4.", "zod/v3.", "zod/mini."]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            // Libraries hand it on by its name.
            .or_else(|| name.split_once(".z.").filter(|(package, _)| !package.contains('(')).map(|(_, rest)| rest))?;
        let rest = rest.strip_prefix("coerce.").unwrap_or(rest);
        self.zod_build(rest, args)
    }

    /// Builds the schema for a builder name; also used for bundled zod, where only the method name is left.
    pub(crate) fn zod_build(&mut self, name: &str, args: &Args) -> Option<Schema> {
        let first = args.get(0).cloned();
        Some(match name {
            "string" => Schema::new(Ty::Str),
            "number" | "int" | "bigint" | "float32" | "float64" | "int32" | "uint32" => Schema::new(Ty::Num),
            "boolean" | "stringbool" => Schema::new(Ty::Bool),
            "null" | "undefined" | "void" => Schema::new(Ty::Null),
            "custom" => {
                let steps = first.filter(|check| self.is_callable(check)).map(|check| (check, Applied::Predicate));
                Schema { steps: steps.into_iter().collect(), ..Schema::new(Ty::Any) }
            }
            "any" | "unknown" | "instanceof" | "json" | "lazy" | "never" | "date" | "file" => Schema::new(Ty::Any),
            "uuid" | "guid" | "uuidv4" => Schema::with_props(StrProps::uuid(), "uuid"),
            "email" | "url" | "cuid" | "cuid2" | "ulid" | "nanoid" | "ipv4" | "ipv6" | "jwt" | "base64"
            | "base64url" | "hostname" => Schema::with_props(formats::zod(name).unwrap_or_default(), name),
            "enum" | "nativeEnum" => {
                let (values, more) = first.as_ref().map(|value| self.values_of(value)).unwrap_or_default();
                let texts: Vec<String> = values.iter().filter_map(|v| v.literal().map(str::to_owned)).collect();
                let is_open = more.is_some() || texts.len() < values.len();
                let is_own = first.as_ref().is_some_and(|list| self.deep_taint(list, 2).0.is_none());
                if is_open && is_own {
                    Schema { is_listed: true, ..Schema::new(Ty::Str) }
                } else if texts.is_empty() {
                    Schema::new(Ty::Str)
                } else {
                    Schema::with_props(StrProps::one_of(&texts), &format!("one of {}", texts.join(", ")))
                }
            }
            "literal" => match first {
                Some(value) if value.literal().is_some() => {
                    let text = value.literal().unwrap_or_default().to_owned();
                    Schema::with_props(StrProps::exact(&text), &format!("= {text}"))
                }
                Some(value) if matches!(value.kind, Kind::Obj(_)) => return self.zod_build("enum", args),
                _ => Schema::new(Ty::Num),
            },
            "object" | "strictObject" | "looseObject" => {
                let fields = first.map(|shape| self.shape_fields(&shape)).unwrap_or_default();
                Schema::new(Ty::Object(fields.into(), name == "looseObject"))
            }
            "array" | "set" => {
                let element = first.and_then(|value| self.as_schema(&value)).unwrap_or_else(|| Schema::new(Ty::Any));
                Schema::new(Ty::Array(Rc::new(element)))
            }
            "record" | "map" => {
                let element = args
                    .get(1)
                    .or(args.get(0))
                    .cloned()
                    .and_then(|value| self.as_schema(&value))
                    .unwrap_or_else(|| Schema::new(Ty::Any));
                Schema::new(Ty::Record(Rc::new(element)))
            }
            "tuple" => {
                let (items, more) = first.map(|list| self.elements_of(&list, Span::default())).unwrap_or_default();
                let members: Vec<Schema> =
                    items.iter().chain(&more).filter_map(|value| self.as_schema(value)).collect();
                Schema::new(Ty::Array(Rc::new(Schema::new(Ty::Union(members.into())))))
            }
            "union" | "discriminatedUnion" | "xor" => {
                let list = if name == "discriminatedUnion" { args.get(1).cloned() } else { first };
                let (items, more) = list.map(|list| self.elements_of(&list, Span::default())).unwrap_or_default();
                let members: Vec<Schema> =
                    items.iter().chain(&more).filter_map(|value| self.as_schema(value)).collect();
                Schema::new(Ty::Union(members.into()))
            }
            "intersection" => {
                let left = first.and_then(|value| self.as_schema(&value));
                let right = args.get(1).cloned().and_then(|value| self.as_schema(&value));
                match (left, right) {
                    (Some(a), Some(b)) => merge_objects(a, &b),
                    (a, b) => a.or(b)?,
                }
            }
            "optional" | "nullable" | "nullish" | "readonly" => {
                let inner = first.and_then(|value| self.as_schema(&value))?;
                Schema { is_optional: true, ..inner }
            }
            "preprocess" => {
                let mut schema = args.get(1).cloned().and_then(|value| self.as_schema(&value))?;
                schema.steps.splice(0..0, first.map(|function| (function, Applied::Transform)));
                schema
            }
            "pipe" => args.get(1).cloned().and_then(|value| self.as_schema(&value))?,
            _ => return None,
        })
    }

    /// Reads a value as a schema: a schema, a raw shape of schemas, a JSON Schema object.
    pub(crate) fn as_schema(&mut self, value: &Val) -> Option<Schema> {
        match &value.kind {
            Kind::Schema(schema) => {
                let mut left = MAX_NODES;
                if schema.is_larger_than(&mut left) {
                    return Some(Schema::new(Ty::Any));
                }
                self.charge(NODE_COPY * (MAX_NODES - left));
                Some((**schema).clone())
            }
            Kind::Obj(id) => {
                let obj = self.store.obj_rc(*id);
                if let ObjKind::Class(_) = obj.kind {
                    return self.class_schema(value, 0);
                }
                if is_json_schema(&obj) {
                    return Some(self.json_schema(value, 0));
                }
                // A Standard Schema wrapper that keeps its schema in a field.
                if let Some(inner) = obj.fields.get(&Symbol::new("schema")).cloned()
                    && let Kind::Schema(_) = inner.kind
                {
                    return self.as_schema(&inner);
                }
                let fields = self.inside(|interp| interp.shape_fields(value))?;
                (!fields.is_empty() || obj.fields.is_empty() && obj.any.is_none())
                    .then(|| Schema::new(Ty::Object(fields.into(), obj.any.is_some())))
            }
            Kind::Union(values) => self.as_one_schema(values),
            _ => None,
        }
    }

    /// One schema for several of which one is in force: objects have the fields of all of them, and others where one of them
    /// cannot be read.
    fn as_one_schema(&mut self, values: &[Val]) -> Option<Schema> {
        let given: Vec<&Val> = values.iter().filter(|value| !value.is_nullish() && !self.is_list(value)).collect();
        let read: Vec<Schema> = given.iter().filter_map(|value| self.as_schema(value)).collect();
        let is_open = read.len() < given.len();
        let mut read = read.into_iter();
        let first = read.next()?;
        let Ty::Object(..) = first.ty else { return Some(first) };
        let mut all = read.filter(|schema| matches!(schema.ty, Ty::Object(..))).fold(first, |known, other| {
            // What the first one says of a field stays: it is the usual one.
            let others = merge_objects(other, &known);
            merge_objects(known, &others)
        });
        if let Ty::Object(_, open) = &mut all.ty {
            *open |= is_open;
        }
        Some(all)
    }

    fn is_list(&self, value: &Val) -> bool {
        matches!(value.kind, Kind::Obj(id) if self.store.obj(id).is_sequence())
    }

    fn shape_fields(&mut self, shape: &Val) -> Vec<(Symbol, Schema)> {
        let Kind::Obj(id) = shape.kind else { return Vec::new() };
        let obj = self.store.obj_rc(id);
        self.charge(NODE * obj.fields.len());
        obj.fields
            .iter()
            .map(|(name, field)| {
                let field = match field.kind {
                    Kind::Accessor(Some(getter), _) => {
                        self.call_closure(getter, Some(shape.clone()), Args::default(), Span::default())
                    }
                    _ => field.clone(),
                };
                (*name, self.as_schema(&field).unwrap_or_else(|| Schema::new(Ty::Any)))
            })
            .collect()
    }

    /// `schema.method(…)`.
    pub(crate) fn schema_method(&mut self, schema: &Schema, name: Symbol, args: &Args, span: Span) -> Val {
        let mut next = schema.clone();
        let first = args.get(0).cloned();
        match name.as_str() {
            "check" if first.as_ref().is_some_and(|check| self.is_callable(check)) => {
                next.steps.extend(args.pos.iter().map(|check| (check.clone(), Applied::Payload)));
            }
            "parse" | "parseAsync" | "validateSync" | "decode" | "create" | "check" => {
                let value = first.unwrap_or_else(Val::undefined);
                return self.conform(&value, schema, 0);
            }
            "safeParse" | "safeParseAsync" | "spa" => {
                let value = first.unwrap_or_else(Val::undefined);
                let data = self.conform(&value, schema, 0);
                let mut result = Obj::new(ObjKind::Plain);
                result.fields.insert(Symbol::new("success"), Val::any_bool());
                result.fields.insert(Symbol::new("data"), data.clone());
                result.fields.insert(Symbol::new("error"), Val::unknown());
                return Val { taint: data.taint, step: data.step, ..Val::of(Kind::Obj(self.store.new_obj(result))) };
            }
            "optional" | "nullable" | "nullish" => next.is_optional = true,
            "default" | "prefault" | "catch" => {
                next.is_optional = true;
                next.default = first;
            }
            "describe" | "meta" => {
                next.description = first.as_ref().and_then(|text| text.literal().map(str::to_owned));
            }
            "regex" | "pattern" => {
                if let Some(Val { kind: Kind::Regex(regex), .. }) = &first {
                    next.constraints.push(format!("/{}/{}", regex.pattern, regex.flags));
                    if let Some(props) = self.regex_full_match(&regex.pattern, &regex.flags, Lang::JavaScript) {
                        next.props = next.props.refine(&props);
                    }
                }
            }
            "uuid" | "guid" => next.props = next.props.refine(&StrProps::uuid()),
            "startsWith" => {
                if let Some(prefix) = first.as_ref().and_then(Val::literal)
                    && let Some(first) = prefix.chars().next()
                {
                    next.props.first = next.props.first.intersect(crate::domain::CharSet::single(first));
                    if prefix.contains("://") {
                        next.props.url = crate::domain::url::UrlState::of_prefix(prefix, false);
                    }
                    next.constraints.push(format!("starts with {prefix}"));
                }
            }
            "max" | "length" => {
                if let Some(Val { kind: Kind::Num(Some(length)), .. }) = first
                    && matches!(next.ty, Ty::Str)
                    && (0.0..1e9).contains(&length)
                {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
                    let length = length as u32;
                    next.props.max_len = Some(next.props.max_len.map_or(length, |max| max.min(length)));
                }
                next.constraints.push(name.to_string());
            }
            "min" | "nonempty" => next.constraints.push(name.to_string()),
            "refine" => next.steps.extend(first.map(|function| (function, Applied::Predicate))),
            "superRefine" => next.steps.extend(first.map(|function| (function, Applied::Refinement))),
            "transform" | "overwrite" => next.steps.extend(first.map(|function| (function, Applied::Transform))),
            "pipe" => {
                if let Some(target) = first.and_then(|value| self.as_schema(&value)) {
                    let steps = std::mem::take(&mut next.steps);
                    next = target;
                    next.steps.splice(0..0, steps);
                }
            }
            "array" => next = Schema::new(Ty::Array(Rc::new(next))),
            "or" => {
                if let Some(other) = first.and_then(|value| self.as_schema(&value)) {
                    next = Schema::new(Ty::Union(vec![next, other].into()));
                }
            }
            "and" | "merge" | "extend" | "safeExtend" | "augment" => {
                if let Some(other) = first.and_then(|value| self.as_schema(&value)) {
                    next = merge_objects(next, &other);
                }
            }
            "pick" | "omit" => {
                let keys: Vec<Symbol> = match first.as_ref().map(|value| &value.kind) {
                    Some(Kind::Obj(id)) => self.store.obj(*id).fields.keys().copied().collect(),
                    _ => Vec::new(),
                };
                if let Ty::Object(fields, _) = &mut next.ty {
                    Rc::make_mut(fields).retain(|(field, _)| keys.contains(field) == (name.as_str() == "pick"));
                }
            }
            "passthrough" | "loose" | "catchall" => {
                if let Ty::Object(_, open) = &mut next.ty {
                    *open = true;
                }
            }
            "strict" | "strip" => {
                if let Ty::Object(_, open) = &mut next.ty {
                    *open = false;
                }
            }
            "unwrap" | "removeDefault" | "innerType" => next.is_optional = false,
            "trim" | "toLowerCase" | "toUpperCase" | "normalize" => next.constraints.push(name.to_string()),
            format if matches!(next.ty, Ty::Str) && formats::zod(format).is_some() => {
                next.props = next.props.refine(&formats::zod(format).unwrap_or_default());
                next.constraints.push(format.to_owned());
            }
            "keyof" => {
                let names: Vec<&str> = schema.fields().iter().map(|(name, _)| name.as_str()).collect();
                next = Schema::with_props(StrProps::one_of(&names), "");
            }
            _ => {}
        }
        let _ = span;
        self.schema_val(next)
    }

    /// `schema.field`.
    pub(crate) fn schema_member(&mut self, schema: &Rc<Schema>, receiver: &Val, name: Symbol) -> Val {
        match name.as_str() {
            "shape" | "_shape" | "entries" => {
                let mut shape = Obj::new(ObjKind::Plain);
                for (name, field) in schema.fields() {
                    shape.fields.insert(*name, self.schema_val(field.clone()));
                }
                Val::of(Kind::Obj(self.store.new_obj(shape)))
            }
            "element" => match &schema.ty {
                Ty::Array(element) => self.schema_val((**element).clone()),
                _ => receiver.clone(),
            },
            "options" | "enum" | "Enum" | "Values" => {
                let items: Vec<Val> = schema
                    .props
                    .lits
                    .as_deref()
                    .map(|lits| lits.iter().map(|lit| Val::str(lit)).collect())
                    .unwrap_or_default();
                if name.as_str() == "options" {
                    return self.new_array(items, None);
                }
                let mut all = Obj::new(ObjKind::Plain);
                for item in items {
                    if let Some(key) = key_name(&item) {
                        all.fields.insert(key, item);
                    }
                }
                Val::of(Kind::Obj(self.store.new_obj(all)))
            }
            _ => Val::of(Kind::Method(Rc::new((receiver.clone(), name)))),
        }
    }

    /// Calling a schema (arktype and others): validates.
    pub(crate) fn call_schema(&mut self, schema: &Rc<Schema>, args: &Args, _span: Span) -> Val {
        let value = args.get(0).cloned().unwrap_or_else(Val::undefined);
        self.conform(&value, schema, 0)
    }

    // ------------------------------------------------------------------ JSON Schema

    /// Reads a JSON Schema object.
    pub(crate) fn json_schema(&mut self, value: &Val, depth: usize) -> Schema {
        let Kind::Obj(id) = value.kind else {
            return self.as_schema(value).unwrap_or_else(|| Schema::new(Ty::Any));
        };
        if depth > MAX_DEPTH || self.fuel == 0 {
            return Schema::new(Ty::Any);
        }
        self.charge(NODE);
        let obj = self.store.obj_rc(id);
        let get = |name: &str| obj.fields.get(&Symbol::new(name)).cloned();
        let ty = get("type").and_then(|ty| ty.literal().map(str::to_owned));
        let mut schema = Schema::new(match ty.as_deref() {
            Some("string") => Ty::Str,
            Some("number" | "integer") => Ty::Num,
            Some("boolean") => Ty::Bool,
            Some("null") => Ty::Null,
            Some("array") => {
                let element =
                    get("items").map_or_else(|| Schema::new(Ty::Any), |items| self.json_schema(&items, depth + 1));
                Ty::Array(Rc::new(element))
            }
            Some("object") | None if get("properties").is_some() || ty.is_some() => {
                let mut fields = Vec::new();
                if let Some(Val { kind: Kind::Obj(properties), .. }) = get("properties") {
                    let properties = self.store.obj_rc(properties);
                    for (name, field) in &properties.fields {
                        fields.push((*name, self.json_schema(field, depth + 1)));
                    }
                }
                let closed = get("additionalProperties").is_some_and(|value| value.truth() == Some(false));
                Ty::Object(fields.into(), !closed)
            }
            _ => Ty::Any,
        });
        schema.description = get("description").and_then(|text| text.literal().map(str::to_owned));
        if let Some(values) = get("enum") {
            let values = self.elements_of(&values, Span::default()).0;
            let texts: Vec<String> = values.iter().filter_map(|v| v.literal().map(str::to_owned)).collect();
            if !texts.is_empty() {
                schema.constraints.push(format!("one of {}", texts.join(", ")));
                schema.props = StrProps::one_of(&texts);
                schema.ty = Ty::Str;
            }
        }
        if let Some(text) = get("const").and_then(|value| value.literal().map(str::to_owned)) {
            schema.props = StrProps::exact(&text);
            schema.ty = Ty::Str;
        }
        if let Some(pattern) = get("pattern").and_then(|value| value.literal().map(str::to_owned)) {
            schema.constraints.push(format!("/{pattern}/"));
            if let Some(props) = self.regex_full_match(&pattern, "", Lang::JavaScript) {
                schema.props = schema.props.refine(&props);
            }
        }
        if ["maxLength", "maxItems"].iter().any(|key| get(key).is_some()) {
            schema.constraints.push("max".to_owned());
        }
        if let Some(format) = get("format").and_then(|value| value.literal().map(str::to_owned)) {
            schema.constraints.push(format);
        }
        schema
    }
}

fn is_json_schema(obj: &Obj) -> bool {
    let has = |name: &str| obj.fields.get(&Symbol::new(name));
    has("type").is_some_and(|ty| ty.literal().is_some())
        || has("properties").is_some_and(|value| matches!(value.kind, Kind::Obj(_)))
        || has("anyOf").is_some()
        || has("$ref").is_some()
        || has("$schema").is_some()
}

fn merge_objects(mut a: Schema, b: &Schema) -> Schema {
    if let (Ty::Object(fields, open), Ty::Object(more, more_open)) = (&mut a.ty, &b.ty) {
        let fields = Rc::make_mut(fields);
        for (name, schema) in more.iter() {
            match fields.iter_mut().find(|(known, _)| known == name) {
                Some(field) => field.1 = schema.clone(),
                None => fields.push((*name, schema.clone())),
            }
        }
        *open |= *more_open;
    }
    a
}
