//! Classes that declare the fields of a schema.

use std::rc::Rc;

use manta_core::Span;

use crate::engine::api::ApiStep;
use crate::engine::interp::{Args, Interp};
use crate::engine::schema::{Applied, Schema, Ty};
use crate::engine::store::{Closure, Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Taint, Val};
use crate::ir::{Expr, ExprId, ImportName, Lang, Symbol};

impl Interp<'_> {
    /// Classes whose construction is not what `__init__` says: enums, pydantic models, dataclasses, named tuples.
    pub(crate) fn instantiate_python(&mut self, class: ObjId, args: &Args, _span: Span) -> Option<Val> {
        let base = self.external_base(class).map(|base| self.apis.name(base)).unwrap_or_default();
        if self.is_enum(class, 0) {
            // `Kind(value)` is the member with that value, or an exception.
            let members = self.enum_members(class);
            if let Some(text) = args.get(0).and_then(|value| value.literal().map(str::to_owned)) {
                let value = Symbol::new("value");
                let of = |member: &Val| match member.kind {
                    Kind::Obj(id) => self.store.obj(id).fields.get(&value).and_then(Val::literal) == Some(&text),
                    _ => false,
                };
                if let Some(member) = members.iter().find(|member| of(member)) {
                    return Some(member.clone());
                }
            }
            return self.join_all(members);
        }
        if self.find_method(class, Symbol::new("__init__")).is_some() {
            return None;
        }
        let fields = self.class_fields(class, 0);
        if fields.is_empty() || args.is_empty() && !self.declares_data(class) {
            return None;
        }
        let this = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Instance(class)))));
        let Kind::Obj(id) = this.kind else { return None };
        let mut taint = Taint::NONE;
        let is_settings = base.contains("BaseSettings");
        let is_pydantic = base.contains("BaseModel") || is_settings;
        let validators = if is_pydantic { self.class_validators(class, 0) } else { Validators::default() };
        for (index, (name, annotation, default)) in fields.iter().enumerate() {
            let given = args
                .named
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
                .or_else(|| args.pos.get(index).cloned().filter(|_| !is_pydantic));
            let given = given.or_else(|| {
                let value = self.named_of(args.named_rest.as_ref()?, *name);
                // What a configuration may leave out is as the program has it.
                match default {
                    Some(default) if !value.is_tainted() => {
                        let default = self.field_default(default).unwrap_or_else(|| default.clone());
                        Some(self.join(&value, &default))
                    }
                    _ => Some(value),
                }
            });
            // Settings are read from the environment; the default is what they are without it.
            let given = match given {
                None if is_settings => {
                    let configured = self.environment(&name.as_str().to_ascii_uppercase());
                    let default =
                        default.as_ref().map(|value| self.field_default(value).unwrap_or_else(|| value.clone()));
                    let value = default.map_or_else(|| configured.clone(), |default| self.join(&configured, &default));
                    self.store.obj_mut(id).fields.insert(*name, value);
                    continue;
                }
                given => given,
            };
            let value = match given {
                Some(value) if is_pydantic => {
                    let schema = annotation.and_then(|(module, expr)| self.annotation_schema(module, expr, 0));
                    let mut schema = schema.unwrap_or_else(|| Schema::new(Ty::Any));
                    if let Some(default) = default {
                        self.add_field_constraints(&mut schema, default);
                    }
                    schema.steps.extend(validators.of_field(*name));
                    self.conform(&value, &schema, 0)
                }
                Some(value) => value,
                None => match default {
                    Some(value) => self.field_default(value).unwrap_or_else(|| value.clone()),
                    None => Val::unknown(),
                },
            };
            let value =
                if value.is_tainted() && value.vn == 0 { Val { vn: self.store.fresh_vn(), ..value } } else { value };
            taint = taint.union(value.taint);
            self.store.obj_mut(id).fields.insert(*name, value);
        }
        for validator in &validators.of_fields_together {
            let raw = self.raw_fields(&this);
            let given = self.call_value(validator, None, Args::of(vec![raw]), Span::default());
            self.take_fields(&this, &given);
        }
        for validator in &validators.of_model {
            self.call_value(validator, None, Args::of(vec![this.clone()]), Span::default());
        }
        let post = self.get_member(&this, Symbol::new("__post_init__"), Span::default());
        if matches!(post.kind, Kind::Bound(_)) {
            self.call_value(&post, None, Args::default(), Span::default());
        }
        Some(Val { taint, ..this })
    }

    /// Whether a class is an enumeration: `class Colour(str, Enum)`.
    fn is_enum(&self, class: ObjId, depth: usize) -> bool {
        depth < 8
            && self.class_val(class).is_some_and(|class| {
                class.bases.iter().any(|base| match base.kind {
                    Kind::Api(api, _) => self.apis.name(api).starts_with("enum."),
                    Kind::Obj(id) => self.is_enum(id, depth + 1),
                    _ => false,
                })
            })
    }

    /// Whether annotations of a class make fields of its instances: something that is not known to leave them alone
    /// decorates it, made it, or is its base (`dataclass`, pydantic, named tuples). On any other class they are
    /// attributes of the class, which a class derived from it replaces without saying their type again.
    fn declares_data(&self, class: ObjId) -> bool {
        let Some(class) = self.class_val(class) else { return false };
        class.order.iter().any(|ancestor| match ancestor.kind {
            Kind::Obj(id) => self.class_val(id).is_some_and(|own| {
                let code = self.program.module(own.module);
                let own = code.class(own.class);
                let is_abstract = |value: &ExprId| match code.expr(*value) {
                    Expr::Import(_, ImportName::Named(name)) | Expr::Member { name, .. } => name.as_str() == "ABCMeta",
                    _ => false,
                };
                !own.decorators.is_empty() || own.keywords.iter().any(|(_, value)| !is_abstract(value))
            }),
            Kind::Api(api, _) => {
                !self.is_marker(api)
                    || ["NamedTuple", "TypedDict"].iter().any(|name| self.apis.name(api).ends_with(name))
            }
            _ => true,
        })
    }

    /// Annotated fields along the bases: name, annotation, default.
    #[expect(clippy::type_complexity, reason = "an annotation is an expression of a module")]
    pub(crate) fn class_fields(
        &self,
        class: ObjId,
        depth: usize,
    ) -> Vec<(Symbol, Option<(crate::engine::value::ModId, ExprId)>, Option<Val>)> {
        let mut fields = Vec::new();
        if depth > 8 {
            return fields;
        }
        let Some(class_val) = self.class_val(class) else { return fields };
        for base in &class_val.bases {
            if let Kind::Obj(base) = base.kind {
                fields.extend(self.class_fields(base, depth + 1));
            }
        }
        let code = self.program.module(class_val.module).class(class_val.class);
        for member in &code.members {
            if let (crate::ir::Key::Static(name), Some(annotation), crate::ir::MemberKind::StaticField) =
                (member.key, member.annotation, member.kind)
            {
                let default = self.store.obj(class).fields.get(&name).cloned();
                fields.retain(|(known, ..)| *known != name);
                fields.push((name, Some((class_val.module, annotation)), default));
            }
        }
        fields
    }

    /// A field that only its annotation declares: an instance of the class it names.
    pub(crate) fn annotated_field(&mut self, class: ObjId, name: Symbol) -> Option<Val> {
        let class_val = self.class_val(class)?;
        let code = self.program.module(class_val.module).class(class_val.class);
        let member = code.members.iter().find(|member| {
            matches!(member.key, crate::ir::Key::Static(key) if key == name) && member.annotation.is_some()
        })?;
        let annotation = member.annotation?;
        self.in_module(class_val.module, |interp| interp.instance_of_annotation(annotation))
    }

    pub(crate) fn declared_field(&mut self, class: &crate::engine::store::ClassVal, name: Symbol) -> Option<Val> {
        let code = self.program.module(class.module).class(class.class);
        let member = code.members.iter().find(|member| {
            matches!(member.key, crate::ir::Key::Static(key) if key == name) && member.annotation.is_some()
        })?;
        let annotation = member.annotation?;
        self.in_module(class.module, |interp| interp.instance_of_annotation(annotation))
    }

    /// `Optional[X]`, `X | None`: the `X`.
    fn without_none(&self, annotation: ExprId) -> ExprId {
        let code = self.code();
        match code.expr(annotation) {
            Expr::Binary(crate::ir::BinaryOp::BitOr, some, none) if matches!(code.expr(*none), Expr::Null) => *some,
            Expr::Index { object, index } => match code.expr(*object) {
                Expr::Import(_, crate::ir::ImportName::Named(name)) | Expr::Member { name, .. }
                    if name.as_str() == "Optional" =>
                {
                    *index
                }
                _ => annotation,
            },
            _ => annotation,
        }
    }

    /// An instance of what an annotation names, when it is a class of the target or of a modelled package.
    pub(crate) fn instance_of_annotation(&mut self, annotation: ExprId) -> Option<Val> {
        let annotation = self.without_none(annotation);
        let is_name = matches!(self.code().expr(annotation), Expr::Var(_) | Expr::Import(..) | Expr::Member { .. });
        if !is_name {
            return None;
        }
        let class = self.eval(annotation);
        match &class.kind {
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => {
                let id = *id;
                if let Some(known) = self.found.instances.get(&id) {
                    return Some(known.clone());
                }
                let this = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Instance(id)))));
                self.found.instances.insert(id, this.clone());
                // Its constructor runs once with unknown arguments, so that fields have their kinds.
                if self.found.instances.len() < 64 {
                    let args = Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
                    self.construct_into(id, &this, args, Span::default());
                }
                Some(this)
            }
            Kind::Api(api, _) => {
                let name = self.apis.name(*api);
                if name.starts_with("builtins.") || name.starts_with("globalThis.") || name.starts_with("typing.") {
                    return None;
                }
                let made = self.apis.step(*api, ApiStep::Call);
                let state = self.store.new_obj(Obj::new(ObjKind::External));
                Some(Val::of(Kind::Api(made, Some(state))))
            }
            _ => None,
        }
    }

    /// `Field(default=x)`, `Field(x)`, `Query(x)`: the default they stand for.
    pub(crate) fn field_default(&mut self, value: &Val) -> Option<Val> {
        let Kind::Api(api, Some(data)) = &value.kind else { return None };
        let name = self.apis.name(*api);
        let is_field = [
            "Field()",
            "Query()",
            "Body()",
            "Path()",
            "Form()",
            "Header()",
            "field()",
            "typer.Option()",
            "typer.Argument()",
        ]
        .iter()
        .any(|suffix| name.ends_with(suffix));
        if !is_field {
            return None;
        }
        let state = self.store.obj_rc(*data);
        let default = state.fields.get(&Symbol::new("$default")).or_else(|| state.items.first()).cloned();
        if let Some(factory) = state.fields.get(&Symbol::new("$default_factory")).cloned() {
            return Some(self.call_value(&factory, None, Args::default(), Span::default()));
        }
        Some(default.unwrap_or_else(Val::null))
    }

    /// The schema of a class used as a parameter type.
    pub(crate) fn class_schema(&mut self, class: &Val, depth: usize) -> Option<Schema> {
        let Kind::Obj(id) = class.kind else { return None };
        if depth > 6 {
            return None;
        }
        if self.is_enum(id, 0) {
            let members = self.store.obj_rc(id);
            let texts: Vec<String> =
                members.fields.values().filter_map(|value| value.literal().map(str::to_owned)).collect();
            let props = if texts.is_empty() {
                crate::domain::StrProps::number()
            } else {
                crate::domain::StrProps::one_of(&texts)
            };
            return Some(Schema::with_props(props, &format!("one of {}", texts.join(", "))));
        }
        let mut fields = Vec::new();
        let validators = self.class_validators(id, 0);
        for (name, annotation, default) in self.class_fields(id, 0) {
            let mut schema = annotation
                .and_then(|(module, expr)| self.annotation_schema(module, expr, depth + 1))
                .unwrap_or_else(|| Schema::new(Ty::Any));
            if let Some(default) = default {
                self.add_field_constraints(&mut schema, &default);
            }
            schema.steps.extend(validators.of_field(name));
            fields.push((name, schema));
        }
        let before = validators.of_fields_together.into_iter().map(|validator| (validator, Applied::Fields));
        let steps =
            before.chain(validators.of_model.into_iter().map(|validator| (validator, Applied::Transform))).collect();
        Some(Schema { steps, ..Schema::new(Ty::Class(class.clone(), fields.into())) })
    }

    /// The validators of a pydantic model along the bases: `@field_validator("a", "b")`, `@model_validator(mode="after")`.
    fn class_validators(&mut self, class: ObjId, depth: usize) -> Validators {
        let mut all = Validators::default();
        let Some(class_val) = self.class_val(class).filter(|_| depth < 8) else { return all };
        for base in &class_val.bases {
            if let Kind::Obj(base) = base.kind {
                let inherited = self.class_validators(base, depth + 1);
                all.of_fields.extend(inherited.of_fields);
                all.of_fields_together.extend(inherited.of_fields_together);
                all.of_model.extend(inherited.of_model);
            }
        }
        let code = self.program.module(class_val.module);
        for member in &code.class(class_val.class).members {
            let crate::ir::Key::Static(name) = member.key else { continue };
            let Some(method) = class_val.methods.get(&name).cloned() else { continue };
            for decorator in &member.decorators {
                let Some(kind) = called_name(code, *decorator) else { continue };
                if !matches!(kind.as_str(), "field_validator" | "validator" | "model_validator") {
                    continue;
                }
                let decorator = self.in_module(class_val.module, |interp| interp.eval(*decorator));
                let Kind::Api(_, Some(data)) = decorator.kind else { continue };
                let options = self.store.obj_rc(data);
                if kind.as_str() == "model_validator" {
                    match options.fields.get(&Symbol::new("$mode")).and_then(Val::literal) {
                        Some("after") => all.of_model.push(method.clone()),
                        Some("before") => {
                            let receiver = Val::of(Kind::Obj(class));
                            let bound = Val::of(Kind::Bound(std::rc::Rc::new((receiver, method.clone()))));
                            all.of_fields_together.push(bound);
                        }
                        _ => {}
                    }
                    continue;
                }
                let receiver = Val::of(Kind::Obj(class));
                let bound = Val::of(Kind::Bound(std::rc::Rc::new((receiver, method.clone()))));
                let names = options.items.iter().filter_map(Val::literal).map(Symbol::new);
                all.of_fields.extend(names.map(|name| (name, bound.clone())));
            }
        }
        all
    }

    /// Reads a Python annotation as a schema.
    pub(crate) fn annotation_schema(
        &mut self,
        module: crate::engine::value::ModId,
        annotation: ExprId,
        depth: usize,
    ) -> Option<Schema> {
        if depth > 8 {
            return None;
        }
        self.in_module(module, |interp| interp.annotation_schema_here(annotation, depth))
    }

    /// Whether a value is `typing.Annotated`, whose arguments are a type and what is asked of its values.
    pub(crate) fn is_annotated(&self, value: &Val) -> bool {
        matches!(value.kind, Kind::Api(api, None) if self.apis.name(api).ends_with(".Annotated"))
    }

    pub(crate) fn annotation_schema_here(&mut self, annotation: ExprId, depth: usize) -> Option<Schema> {
        let module = self.frame().module;
        let code = self.program.module(module);
        match code.expr(annotation) {
            Expr::Null => Some(Schema::new(Ty::Null)),
            Expr::Binary(crate::ir::BinaryOp::BitOr, a, b) => {
                let members: Vec<Schema> =
                    [*a, *b].into_iter().filter_map(|member| self.annotation_schema_here(member, depth + 1)).collect();
                Some(union_schema(members))
            }
            Expr::Index { object, index } => {
                let generic = self.eval(*object);
                let name = match &generic.kind {
                    Kind::Api(api, _) => self.apis.name(*api),
                    _ => std::rc::Rc::default(),
                };
                let name = name.rsplit('.').next().unwrap_or_default().to_owned();
                let args: Vec<ExprId> = match code.expr(*index) {
                    Expr::Seq { items, .. } => items.iter().map(|(item, _)| *item).collect(),
                    _ => vec![*index],
                };
                match name.as_str() {
                    "Optional" | "Union" => {
                        let members: Vec<Schema> =
                            args.iter().filter_map(|arg| self.annotation_schema_here(*arg, depth + 1)).collect();
                        Some(Schema { is_optional: name == "Optional", ..union_schema(members) })
                    }
                    "Literal" => {
                        let texts: Vec<String> =
                            args.iter().filter_map(|arg| self.eval(*arg).literal().map(str::to_owned)).collect();
                        Some(Schema::with_props(
                            crate::domain::StrProps::one_of(&texts),
                            &format!("one of {}", texts.join(", ")),
                        ))
                    }
                    "Annotated" => {
                        let (first, rest) = args.split_first()?;
                        let mut schema =
                            self.annotation_schema_here(*first, depth + 1).unwrap_or_else(|| Schema::new(Ty::Any));
                        for extra in rest {
                            let value = self.eval(*extra);
                            self.add_field_constraints(&mut schema, &value);
                        }
                        Some(schema)
                    }
                    "list" | "List" | "Sequence" | "Iterable" | "set" | "Set" | "tuple" | "Tuple" | "frozenset" => {
                        let element = args
                            .first()
                            .and_then(|arg| self.annotation_schema_here(*arg, depth + 1))
                            .unwrap_or_else(|| Schema::new(Ty::Any));
                        Some(Schema::new(Ty::Array(Rc::new(element))))
                    }
                    "dict" | "Dict" | "Mapping" => {
                        let element = args
                            .get(1)
                            .and_then(|arg| self.annotation_schema_here(*arg, depth + 1))
                            .unwrap_or_else(|| Schema::new(Ty::Any));
                        Some(Schema::new(Ty::Record(Rc::new(element))))
                    }
                    _ => None,
                }
            }
            Expr::Str(_) => None,
            _ => {
                let value = self.eval(annotation);
                match &value.kind {
                    Kind::Api(api, _) => {
                        let name = self.apis.name(*api);
                        match name.rsplit('.').next().unwrap_or_default() {
                            "str" | "AnyUrl" | "HttpUrl" | "AnyHttpUrl" | "FilePath" | "DirectoryPath" | "Path"
                            | "EmailStr" | "SecretStr" | "bytes" => Some(Schema::new(Ty::Str)),
                            "int" | "float" | "PositiveInt" | "NonNegativeInt" | "PositiveFloat" | "Decimal" => {
                                Some(Schema::new(Ty::Num))
                            }
                            "bool" => Some(Schema::new(Ty::Bool)),
                            "UUID" | "UUID4" => Some(Schema::with_props(crate::domain::StrProps::uuid(), "uuid")),
                            "list" | "List" | "set" | "tuple" => {
                                Some(Schema::new(Ty::Array(Rc::new(Schema::new(Ty::Any)))))
                            }
                            "dict" | "Dict" => Some(Schema::new(Ty::Record(Rc::new(Schema::new(Ty::Any))))),
                            "datetime" | "date" | "timedelta" | "time" => Some(Schema::new(Ty::Num)),
                            "constr()" => {
                                let mut schema = Schema::new(Ty::Str);
                                self.add_field_constraints(&mut schema, &value);
                                Some(schema)
                            }
                            "conint()" | "confloat()" | "condecimal()" => Some(Schema::new(Ty::Num)),
                            _ => None,
                        }
                    }
                    Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => {
                        self.class_schema(&value, depth + 1)
                    }
                    // `Name = Annotated[str, …]`, wherever that stands.
                    Kind::Schema(schema) => Some((**schema).clone()),
                    _ => None,
                }
            }
        }
    }

    /// What pydantic makes of data that it is given: `Model.model_validate(data)`, `TypeAdapter(T).validate_python(data)`.
    pub(crate) fn validated(&mut self, name: &str, of: ObjId, args: &Args, span: Span) -> Option<Val> {
        let (owner, method) = name.strip_prefix("pydantic.")?.rsplit_once('.')?;
        let data = args.get(0)?.clone();
        match (owner, method) {
            ("BaseModel", "model_validate" | "parse_obj") if self.class_val(of).is_some() => {
                let mut given = Args::default();
                self.spread_named(&data, &mut given);
                Some(self.instantiate(of, given, span))
            }
            ("TypeAdapter()", "validate_python" | "validate_strings") => {
                let declared = self.store.obj(of).items.first().cloned()?;
                let schema = self.declared_schema(&declared)?;
                Some(self.conform(&data, &schema, 0))
            }
            _ => None,
        }
    }

    /// The schema that a value stands for: an annotated type, or a class with fields.
    fn declared_schema(&mut self, declared: &Val) -> Option<Schema> {
        match &declared.kind {
            Kind::Schema(schema) => Some((**schema).clone()),
            _ => self.class_schema(declared, 0),
        }
    }

    /// `Field(pattern=…, max_length=…)`, `StringConstraints(…)`, `AfterValidator(f)`.
    pub(crate) fn add_field_constraints(&mut self, schema: &mut Schema, value: &Val) {
        let Kind::Api(api, Some(data)) = &value.kind else {
            if let Some(text) = value.literal() {
                schema.description.get_or_insert_with(|| text.to_owned());
            }
            return;
        };
        let name = self.apis.name(*api);
        let state = self.store.obj_rc(*data);
        let get = |name: &str| state.given(name).cloned();
        if name.ends_with("AfterValidator()") || name.ends_with("BeforeValidator()") {
            if let Some(function) = state.items.first() {
                schema.steps.push((function.clone(), Applied::Transform));
            }
            return;
        }
        for key in ["pattern", "regex"] {
            if let Some(pattern) = get(key).and_then(|value| value.literal().map(str::to_owned)) {
                schema.constraints.push(format!("/{pattern}/"));
                if let Some(props) = self.regex_full_match(&pattern, "", Lang::Python) {
                    schema.props = schema.props.refine(&props);
                }
            }
        }
        if let Some(Val { kind: Kind::Num(Some(max)), .. }) = get("max_length")
            && (0.0..1e9).contains(&max)
        {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
            let max = max as u32;
            schema.props.max_len = Some(max);
            schema.constraints.push(format!("max_length {max}"));
        }
        for key in ["ge", "gt", "le", "lt", "min_length", "multiple_of"] {
            if get(key).is_some() {
                schema.constraints.push(key.to_owned());
            }
        }
        if let Some(text) = get("description").and_then(|value| value.literal().map(str::to_owned)) {
            schema.description = Some(text);
        }
    }

    /// Whether a Python parameter is injected by the framework and not sent by the model.
    pub(crate) fn is_injected(
        &mut self,
        function: &Closure,
        annotation: Option<ExprId>,
        default: Option<&Val>,
    ) -> bool {
        if let Some(Val { kind: Kind::Api(api, _), .. }) = default {
            let name = self.apis.name(*api);
            if ["Depends()", "CurrentContext()", "Resolve()", "Security()", "CurrentFastMCP()", "CurrentRequest()"]
                .iter()
                .any(|suffix| name.ends_with(suffix))
            {
                return true;
            }
        }
        let Some(annotation) = annotation else { return false };
        self.in_signature(function, |interp| interp.names_context(annotation, 0))
    }

    /// Evaluates part of a function's signature: what it names was captured when the function was made.
    pub(crate) fn in_signature<T>(&mut self, function: &Closure, run: impl FnOnce(&mut Self) -> T) -> T {
        self.in_module(function.module, |interp| {
            interp.frame_mut().captures = function.captures.clone();
            run(interp)
        })
    }

    fn names_context(&mut self, annotation: ExprId, depth: usize) -> bool {
        if depth > 4 {
            return false;
        }
        let code = self.code();
        match code.expr(annotation) {
            Expr::Index { object, index } => {
                if self.names_context(*object, depth + 1) {
                    return true;
                }
                match code.expr(*index) {
                    Expr::Seq { items, .. } => items.iter().any(|(item, _)| self.names_context(*item, depth + 1)),
                    _ => self.names_context(*index, depth + 1),
                }
            }
            Expr::Binary(_, a, b) => self.names_context(*a, depth + 1) || self.names_context(*b, depth + 1),
            Expr::Call { callee, .. } => match self.eval(*callee).kind {
                Kind::Api(api, _) => {
                    let name = self.apis.name(api);
                    name.ends_with(".Depends") || name.ends_with(".Resolve") || name.ends_with("InjectedToolArg")
                }
                _ => false,
            },
            Expr::Var(_) | Expr::Import(..) | Expr::Member { .. } => match self.eval(annotation).kind {
                Kind::Obj(id) => self.holds_behaviour(id, 0),
                Kind::Api(api, _) => {
                    let name = self.apis.name(api);
                    let last = name.rsplit('.').next().unwrap_or_default();
                    matches!(
                        last,
                        "Context"
                            | "Request"
                            | "ServerSession"
                            | "RequestContext"
                            | "FastMCP"
                            | "BackgroundTasks"
                            | "Response"
                            | "WebSocket"
                            | "ToolContext"
                            | "AsyncSession"
                            | "Session"
                    )
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether no JSON makes an instance of a class: it is neither a model nor a dataclass nor an enumeration, or one of
    /// its fields is of such a class. pydantic refuses to read one, so a parameter of this type is filled by the program.
    fn holds_behaviour(&mut self, class: ObjId, depth: usize) -> bool {
        let Some(class_val) = self.class_val(class).filter(|_| depth < 4) else { return false };
        if !matches!(self.store.obj(class).kind, ObjKind::Class(_)) {
            return false;
        }
        let code = self.program.module(class_val.module);
        let declared = code.class(class_val.class);
        // Bases and decorators from outside, and bases that are not known, may make it anything.
        let is_known = |class: &Val| match class.kind {
            Kind::Obj(id) => self
                .class_val(id)
                .is_some_and(|class| class.bases.iter().all(|base| matches!(base.kind, Kind::Obj(_) | Kind::Api(..)))),
            _ => true,
        };
        let is_plain = declared.decorators.is_empty()
            && class_val.order.iter().all(is_known)
            && self.external_base(class).is_none_or(|base| {
                let name = self.apis.name(base);
                name.starts_with("abc.") || name.ends_with(".Protocol") || name.ends_with(".Generic")
            });
        let is_dataclass = declared.decorators.iter().any(|decorator| {
            let named = match code.expr(*decorator) {
                Expr::Call { callee, .. } => *callee,
                _ => *decorator,
            };
            matches!(code.expr(named), Expr::Import(_, crate::ir::ImportName::Named(name)) | Expr::Member { name, .. } if name.as_str() == "dataclass")
        });
        if is_plain {
            return true;
        }
        if !is_dataclass {
            return false;
        }
        let annotations: Vec<_> =
            self.class_fields(class, 0).into_iter().filter_map(|(_, annotation, _)| annotation).collect();
        annotations.into_iter().any(|(module, annotation)| {
            self.in_module(module, |interp| {
                let mut annotation = interp.without_none(annotation);
                if let Expr::Index { object, .. } = interp.code().expr(annotation) {
                    annotation = *object;
                }
                let is_name =
                    matches!(interp.code().expr(annotation), Expr::Var(_) | Expr::Import(..) | Expr::Member { .. });
                let class = is_name.then(|| interp.eval(annotation));
                matches!(class.map(|class| class.kind), Some(Kind::Obj(id)) if interp.holds_behaviour(id, depth + 1))
            })
        })
    }

    /// A pydantic model or dataclass as a parameter, or anything else a schema cannot say.
    pub(crate) fn param_schema(
        &mut self,
        function: &Closure,
        annotation: Option<ExprId>,
        default: Option<&Val>,
    ) -> Option<Schema> {
        let mut schema = annotation
            .and_then(|annotation| self.in_signature(function, |interp| interp.annotation_schema_here(annotation, 0)));
        if let Some(default) = default
            && let Some(schema) = schema.as_mut()
        {
            self.add_field_constraints(schema, default);
        }
        schema
    }
}

/// Validators of a pydantic model.
#[derive(Default)]
struct Validators {
    /// By field; `*` stands for all.
    of_fields: Vec<(Symbol, Val)>,
    /// Of the fields before an instance is made.
    of_fields_together: Vec<Val>,
    /// Of whole instances.
    of_model: Vec<Val>,
}

impl Validators {
    /// The validators of a field, as steps of its schema.
    fn of_field(&self, name: Symbol) -> Vec<(Val, Applied)> {
        let concerns = |field: &Symbol| *field == name || field.as_str() == "*";
        self.of_fields
            .iter()
            .filter(|(field, _)| concerns(field))
            .map(|(_, validator)| (validator.clone(), Applied::Transform))
            .collect()
    }
}

/// The last name of what a decorator calls: `field_validator` for `@pydantic.field_validator("x")`.
fn called_name(code: &crate::ir::Module, decorator: ExprId) -> Option<Symbol> {
    let Expr::Call { callee, .. } = code.expr(decorator) else { return None };
    match code.expr(*callee) {
        Expr::Member { name, .. } | Expr::Import(_, crate::ir::ImportName::Named(name)) => Some(*name),
        _ => None,
    }
}

fn union_schema(mut members: Vec<Schema>) -> Schema {
    let is_optional = members.iter().any(|member| matches!(member.ty, Ty::Null));
    members.retain(|member| !matches!(member.ty, Ty::Null));
    match members.len() {
        1 => Schema { is_optional, ..members.remove(0) },
        _ => Schema { is_optional, ..Schema::new(Ty::Union(members.into())) },
    }
}
