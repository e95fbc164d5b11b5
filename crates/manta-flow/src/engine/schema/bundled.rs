//! zod that a bundler has put into the program: its constructors are code of the program, but what they are given says
//! what is made. Version 3 names the kind of a schema in `typeName`, version 4 in `type`; minifiers keep both.

use std::rc::Rc;

use manta_core::Span;

use super::{Schema, Ty};
use crate::domain::StrProps;
use crate::engine::interp::{Args, Interp};
use crate::engine::store::ObjKind;
use crate::engine::value::{FnId, Kind, Val};
use crate::ir::{Expr, Lang, Symbol};

impl Interp<'_> {
    /// The schema that `new constructor(definition)` makes; none when it makes something else.
    pub(crate) fn bundled_schema(&mut self, constructor: &Val, args: &Args, span: Span) -> Option<Val> {
        let [definition] = args.pos.as_slice() else { return None };
        let Kind::Obj(id) = definition.kind else { return None };
        let field = |interp: &Self, name: &str| {
            let obj = interp.store.obj(id);
            let text = obj.fields.get(&Symbol::new(name)).and_then(Val::literal);
            text.filter(|_| matches!(obj.kind, ObjKind::Plain)).map(str::to_owned)
        };
        let kind = match &constructor.kind {
            Kind::Obj(_) => field(self, "typeName")?.strip_prefix("Zod")?.to_ascii_lowercase(),
            Kind::Fn(function) => field(self, "type").filter(|_| self.makes_schemas(*function))?,
            _ => return None,
        };
        let schema = self.defined_schema(&kind, definition, span)?;
        Some(self.schema_val(schema))
    }

    /// Whether a function is a constructor of zod 4, which keeps everything of its own under `_zod`.
    fn makes_schemas(&mut self, function: FnId) -> bool {
        let closure = self.store.closure(function);
        let place = (closure.module, closure.func);
        if let Some(known) = self.schema_makers.get(&place) {
            return *known;
        }
        let module = self.program.module(place.0);
        let span = module.func(place.1).span;
        let is_own = |expr: &Expr| matches!(expr, Expr::Member { name, .. } if name.as_str() == "_zod");
        let is_maker = module.lang == Lang::JavaScript
            && module.exprs.iter().zip(&module.spans).any(|(expr, at)| span.contains(*at) && is_own(expr));
        self.schema_makers.insert(place, is_maker);
        is_maker
    }

    fn defined_schema(&mut self, kind: &str, definition: &Val, span: Span) -> Option<Schema> {
        let get = |interp: &mut Self, name: &str| interp.get_member(definition, Symbol::new(name), span);
        let inner = |interp: &mut Self, name: &str| {
            let value = get(interp, name);
            interp.as_schema(&value).unwrap_or_else(|| Schema::new(Ty::Any))
        };
        Some(match kind {
            "string" => {
                let format = get(self, "format").literal().map(str::to_owned);
                let known = format.and_then(|format| self.zod_build(&format, &Args::default()));
                known.unwrap_or_else(|| Schema::new(Ty::Str))
            }
            "number" | "int" | "bigint" | "nan" => Schema::new(Ty::Num),
            "boolean" => Schema::new(Ty::Bool),
            "null" | "undefined" | "void" | "never" => Schema::new(Ty::Null),
            "enum" | "nativeenum" => {
                let members = get(self, "values");
                let members = if members.is_nullish() { get(self, "entries") } else { members };
                // A list or a record of the same, where the program tells them apart.
                let mut lists = members.alternatives().iter().filter(|list| matches!(list.kind, Kind::Obj(_)));
                let list = lists.next_back().cloned().unwrap_or_else(|| members.clone());
                self.zod_build("enum", &Args::of(vec![list]))?
            }
            "literal" => {
                let one = get(self, "value");
                let given = if one.is_nullish() { get(self, "values") } else { one };
                let mut texts: Vec<String> = Vec::new();
                for value in given.alternatives() {
                    let values = match value.kind {
                        Kind::Obj(_) => self.elements_of(value, span).0,
                        _ => vec![value.clone()],
                    };
                    texts.extend(values.iter().filter_map(Val::literal).map(str::to_owned));
                }
                texts.dedup();
                if texts.is_empty() {
                    Schema::new(Ty::Num)
                } else {
                    Schema::with_props(StrProps::one_of(&texts), &format!("= {}", texts.join(", ")))
                }
            }
            "object" => {
                let shape = self.defined_shape(definition, span);
                self.zod_build("object", &Args::of(vec![shape]))?
            }
            "array" | "set" => {
                let names = ["element", "type", "valueType"];
                let element = names.into_iter().find_map(|name| {
                    let value = get(self, name);
                    self.as_schema(&value).filter(|_| matches!(value.kind, Kind::Schema(_)))
                });
                Schema::new(Ty::Array(Rc::new(element.unwrap_or_else(|| Schema::new(Ty::Any)))))
            }
            "record" | "map" => Schema::new(Ty::Record(Rc::new(inner(self, "valueType")))),
            "union" | "discriminatedunion" => {
                let options = get(self, "options");
                let (items, more) = self.elements_of(&options, span);
                let members: Vec<Schema> =
                    items.iter().chain(&more).filter_map(|option| self.as_schema(option)).collect();
                Schema::new(Ty::Union(members.into()))
            }
            "optional" | "nullable" | "nullish" | "nonoptional" | "readonly" | "branded" => {
                let schema = inner(self, if kind == "branded" { "type" } else { "innerType" });
                Schema { is_optional: kind != "nonoptional" && kind != "readonly" || schema.is_optional, ..schema }
            }
            "default" | "prefault" | "catch" => {
                let schema = inner(self, "innerType");
                let value = get(self, "defaultValue");
                let value = match value.kind {
                    Kind::Fn(_) => self.call_value(&value, None, Args::default(), span),
                    _ => value,
                };
                Schema { is_optional: true, default: Some(value), ..schema }
            }
            "effects" if self.effect_of(definition, span) != "transform" => inner(self, "schema"),
            "pipeline" | "pipe" => inner(self, "out"),
            _ => Schema::new(Ty::Any),
        })
    }

    /// What an effect of zod 3 is: `refinement`, `preprocess`, `transform`.
    fn effect_of(&mut self, definition: &Val, span: Span) -> String {
        let effect = self.get_member(definition, Symbol::new("effect"), span);
        let kind = self.get_member(&effect, Symbol::new("type"), span);
        kind.literal().unwrap_or("transform").to_owned()
    }

    /// The fields of an object: given as they are, by a function (version 3), or by a getter that replaces itself
    /// (version 4), whose fields are what it closes over.
    fn defined_shape(&mut self, definition: &Val, span: Span) -> Val {
        let Kind::Obj(id) = definition.kind else { return Val::unknown() };
        let own = self.store.obj(id).fields.get(&Symbol::new("shape")).cloned().unwrap_or_else(Val::unknown);
        match own.kind {
            Kind::Accessor(Some(getter), _) => {
                let captures = self.store.closure(getter).captures.clone();
                let held = captures.iter().map(|cell| self.store.cell(*cell).clone());
                let shape = held.into_iter().find(|value| match value.kind {
                    Kind::Obj(id) => {
                        let obj = self.store.obj(id);
                        matches!(obj.kind, ObjKind::Plain)
                            && obj.fields.iter().any(|(_, field)| matches!(field.kind, Kind::Schema(_)))
                    }
                    _ => false,
                });
                shape.unwrap_or_else(|| self.get_member(definition, Symbol::new("shape"), span))
            }
            Kind::Fn(_) => self.call_value(&own, None, Args::default(), span),
            _ => own,
        }
    }
}
