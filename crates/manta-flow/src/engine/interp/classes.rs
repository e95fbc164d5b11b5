//! Classes, their instances, and what they inherit.

use std::rc::Rc;

use manta_core::Span;

use super::{Args, Interp};
use crate::engine::memo::Callee;
use crate::engine::models::parse_path;
use crate::engine::ops::is_error_class;
use crate::engine::store::{ClassVal, Closure, Fields, Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Class, ClassId, Expr, ExprId, Key, Lang, MemberKind, Module, Pat, Symbol, Var};

impl Interp<'_> {
    pub(super) fn make_class(&mut self, id: ClassId) -> Val {
        let module = self.frame().module;
        let code = self.program.module(module);
        let class = code.class(id);
        if let Some(known) = bundled_sdk_class(code, class) {
            return Val::of(Kind::Api(parse_path(&mut self.apis, known), None));
        }
        // `class Server(FastMCP[Context])`: the parameters of a generic base are of no matter.
        let plain = |base: &ExprId| match self.code().expr(*base) {
            Expr::Index { object, .. } if self.lang() == Lang::Python => *object,
            _ => *base,
        };
        let bases: Vec<ExprId> = class.bases.iter().map(plain).collect();
        let bases: Vec<Val> = bases.into_iter().map(|base| self.eval(base)).map(only_base).collect();
        for (_, value) in &class.keywords {
            self.eval(*value);
        }
        let obj = self.store.new_obj(Obj::new(ObjKind::Plain));
        let is_python = code.lang == Lang::Python;
        let mut class_val = ClassVal {
            module,
            class: id,
            order: self.resolution_order(obj, &bases).into(),
            bases,
            methods: Fields::default(),
            class_methods: Vec::new(),
            field_inits: Vec::new(),
        };
        let mut statics: Vec<(Symbol, Val)> = Vec::new();
        let mut static_blocks = Vec::new();
        for member in &class.members {
            let Ok(name) = self.eval_key(member.key) else { continue };
            let closure = |interp: &mut Self, takes_self| match member.func {
                Some(func) => interp.make_closure(func, Some(obj), takes_self),
                None => Val::undefined(),
            };
            match member.kind {
                MemberKind::Method | MemberKind::ClassMethod => {
                    if member.kind == MemberKind::ClassMethod {
                        class_val.class_methods.push(name);
                    }
                    let mut value = closure(self, is_python);
                    for decorator in member.decorators.iter().rev() {
                        let decorator = self.eval(*decorator);
                        let decorated = self.decorate_member(&decorator, value, obj, name, member.span);
                        value = if is_python { self.as_method(decorated) } else { decorated };
                    }
                    class_val.methods.insert(name, value);
                }
                MemberKind::StaticMethod => {
                    let mut value = closure(self, false);
                    for decorator in member.decorators.iter().rev() {
                        let decorator = self.eval(*decorator);
                        value = self.decorate_member(&decorator, value, obj, name, member.span);
                    }
                    statics.push((name, value));
                }
                MemberKind::Getter => {
                    if let Kind::Fn(getter) = closure(self, is_python).kind {
                        class_val.methods.insert(name, Val::of(Kind::Accessor(Some(getter), None)));
                    }
                }
                MemberKind::StaticGetter => {
                    if let Kind::Fn(getter) = closure(self, false).kind {
                        statics.push((name, Val::of(Kind::Accessor(Some(getter), None))));
                    }
                }
                MemberKind::StaticSetter => {
                    closure(self, false);
                }
                MemberKind::Setter => {
                    if let Kind::Fn(setter) = closure(self, is_python).kind {
                        let getter = match class_val.methods.get(&name).map(|value| &value.kind) {
                            Some(Kind::Accessor(getter, _)) => *getter,
                            _ => None,
                        };
                        class_val.methods.insert(name, Val::of(Kind::Accessor(getter, Some(setter))));
                    }
                }
                MemberKind::Field => {
                    let func = match closure(self, false).kind {
                        Kind::Fn(func) => Some(func),
                        _ => None,
                    };
                    class_val.field_inits.push((name, func));
                }
                MemberKind::StaticField => {
                    let value = match (member.value, member.func) {
                        (Some(expr), _) => self.eval(expr),
                        (None, Some(_)) => {
                            let init = closure(self, false);
                            self.call_value(&init, Some(Val::of(Kind::Obj(obj))), Args::default(), Span::default())
                        }
                        (None, None) if is_python => continue,
                        (None, None) => Val::undefined(),
                    };
                    statics.push((name, value.clone()));
                    if is_python && matches!(value.kind, Kind::Fn(_)) {
                        // `method = function` in a class body makes a method.
                        let method = self.as_method(value);
                        class_val.methods.insert(name, method);
                    }
                }
                MemberKind::StaticBlock if is_python => {
                    // A statement of the class body; the fields behind it read what it bound.
                    let block = closure(self, false);
                    self.call_value(&block, None, Args::default(), member.span);
                }
                MemberKind::StaticBlock => static_blocks.push(closure(self, false)),
            }
        }
        let class_val = Rc::new(class_val);
        self.classes.insert(obj, class_val.clone());
        let holder = self.store.obj_mut(obj);
        holder.kind = ObjKind::Class(class_val);
        for (name, value) in statics {
            holder.fields.insert(name, value);
        }
        let mut value = Val::of(Kind::Obj(obj));
        for block in static_blocks {
            self.call_value(&block, Some(value.clone()), Args::default(), Span::default());
        }
        for decorator in class.decorators.iter().rev() {
            let decorator = self.eval(*decorator);
            value = self.decorate(&decorator, value, class.span);
        }
        if is_python {
            self.announce_subclass(obj, class.span);
        }
        self.class_created(obj);
        value
    }

    /// Python: any function that a class body binds to a name is given the instance first, also one made elsewhere, as a
    /// decorator's wrapper is.
    fn as_method(&mut self, value: Val) -> Val {
        match value.kind {
            Kind::Fn(id) if !self.store.closure(id).takes_self => {
                let method = Closure { takes_self: true, ..self.store.closure(id).clone() };
                Val { kind: Kind::Fn(self.store.new_closure(method)), ..value }
            }
            Kind::Union(values) => {
                let methods: Vec<Val> = values.iter().map(|value| self.as_method(value.clone())).collect();
                self.join_all(methods).unwrap_or_else(Val::unknown)
            }
            _ => value,
        }
    }

    pub(crate) fn class_val(&self, id: ObjId) -> Option<Rc<ClassVal>> {
        match &self.store.obj(id).kind {
            ObjKind::Class(class) => Some(class.clone()),
            _ => self.classes.get(&id).cloned(),
        }
    }

    /// Drops the classes among the objects from this one on.
    pub(crate) fn forget_classes(&mut self, objs: usize) {
        self.classes.retain(|id, _| (id.0 as usize) < objs);
    }

    pub(crate) fn construct(&mut self, target: &Val, args: Args, span: Span) -> Val {
        if let Some(schema) = self.bundled_schema(target, &args, span) {
            return schema;
        }
        match &target.kind {
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Class(_)) => self.instantiate(*id, args, span),
            Kind::Fn(id) => {
                // A constructor function.
                let object = self.store.new_obj(Obj::new(ObjKind::Plain));
                let this = Val::of(Kind::Obj(object));
                if let Some(prototype) = self.prototype_of(*id) {
                    self.copy_fields(&prototype, object);
                }
                let result = self.call_closure(*id, Some(this.clone()), args, span);
                if matches!(result.kind, Kind::Obj(_)) { result } else { this }
            }
            Kind::Api(api, data) => self.call_api(*api, *data, None, args, span),
            Kind::Union(values) => {
                let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
                self.each_alternative(&values, |interp, value| interp.construct(value, args.clone(), span))
            }
            Kind::Bound(bound) => {
                let method = bound.1.clone();
                self.construct(&method, args, span)
            }
            Kind::Module(module) => match self.export(*module, Symbol::new("default"), 0) {
                Some(default) => self.construct(&default, args, span),
                None => self.call_unknown(target, &args, span),
            },
            _ => self.call_unknown(target, &args, span),
        }
    }

    pub(crate) fn instantiate(&mut self, class: ObjId, args: Args, span: Span) -> Val {
        let at = (!self.frames.is_empty()).then(|| self.here(span));
        self.remembered(Callee::Class(class), None, args, at, |interp, _, args| {
            interp.instantiate_anew(class, args, span)
        })
    }

    fn instantiate_anew(&mut self, class: ObjId, args: Args, span: Span) -> Val {
        let is_python =
            self.class_val(class).is_some_and(|class| self.program.module(class.module).lang == Lang::Python);
        if is_python && let Some(value) = self.instantiate_python(class, &args, span) {
            return value;
        }
        if is_python && let Some(made) = self.made_by_class(class, &args, span) {
            return made;
        }
        let id = self.store.new_obj(Obj::new(ObjKind::Instance(class)));
        self.give_collection(class, id);
        let this = Val::of(Kind::Obj(id));
        self.construct_into(class, &this, args, span);
        this
    }

    /// Python: what `__new__` of the class gives, with `__init__` run on it where it is an instance of the class.
    fn made_by_class(&mut self, class: ObjId, args: &Args, span: Span) -> Option<Val> {
        let (new, _) = self.find_method(class, Symbol::new("__new__"))?;
        let made = self.call_value(&new, Some(Val::of(Kind::Obj(class))), args.clone(), span);
        let is_instance = |value: &Val| match value.kind {
            Kind::Obj(id) => matches!(self.store.obj(id).kind, ObjKind::Instance(of) if of == class),
            _ => false,
        };
        let instances: Vec<Val> = made.alternatives().iter().filter(|value| is_instance(value)).cloned().collect();
        for this in &instances {
            self.construct_into(class, this, args.clone(), span);
        }
        // What is made in a way that is not understood stays an instance like any other.
        (!instances.is_empty()).then_some(made)
    }

    /// Python: `super().__new__(cls)`, which makes the instance.
    pub(crate) fn bare_instance(&mut self, class: &Val) -> Option<Val> {
        let Kind::Obj(class) = class.kind else { return None };
        if !matches!(self.store.obj(class).kind, ObjKind::Class(_)) {
            return None;
        }
        let id = self.store.new_obj(Obj::new(ObjKind::Instance(class)));
        self.give_collection(class, id);
        Some(Val::of(Kind::Obj(id)))
    }

    /// Runs field initialisers and the constructor of `class` on `this`.
    pub(crate) fn construct_into(&mut self, class: ObjId, this: &Val, args: Args, span: Span) {
        let Some(class_val) = self.class_val(class) else { return };
        let is_python = self.program.module(class_val.module).lang == Lang::Python;
        let name = Symbol::new(if is_python { "__init__" } else { "constructor" });
        let own = class_val.methods.get(&name).cloned();
        if is_python {
            match self.find_method(class, name) {
                Some((init, _)) => {
                    self.call_value(&init, Some(this.clone()), args, span);
                }
                None => self.external_init(class, this, args, span),
            }
            return;
        }
        match own {
            Some(constructor) => {
                let inherits = !class_val.bases.is_empty();
                if !inherits {
                    self.init_fields(class, this);
                }
                // A derived class initialises its fields when `super()` returns; see `super_call`.
                self.call_value(&constructor, Some(this.clone()), args, span);
            }
            None => {
                match class_val.bases.first() {
                    Some(Val { kind: Kind::Obj(base), .. }) => self.construct_into(*base, this, args, span),
                    Some(_) => self.external_init(class, this, args, span),
                    None => {}
                }
                self.init_fields(class, this);
            }
        }
    }

    fn init_fields(&mut self, class: ObjId, this: &Val) {
        let Some(class_val) = self.class_val(class) else { return };
        for (name, init) in &class_val.field_inits {
            let value = match init {
                Some(init) => self.call_closure(*init, Some(this.clone()), Args::default(), Span::default()),
                None => match self.declared_field(&class_val, *name) {
                    Some(value) => value,
                    None => continue,
                },
            };
            if let Kind::Obj(id) = this.kind {
                // A bare declaration does not overwrite what a base constructor assigned.
                if init.is_some() || !self.store.obj(id).fields.contains_key(name) {
                    self.store.obj_mut(id).fields.insert(*name, value);
                }
            }
        }
    }

    /// Arguments given to a base class outside the target are kept on the instance.
    fn external_init(&mut self, class: ObjId, this: &Val, args: Args, span: Span) {
        self.fill_collection(this, &args, span);
        self.fill_error(class, this, &args);
        if let (Some(api), Kind::Obj(id)) = (self.external_base(class), &this.kind) {
            let id = *id;
            for (index, value) in args.pos.iter().enumerate() {
                self.store.obj_mut(id).fields.insert(Symbol::new(&format!("$arg{index}")), value.clone());
            }
            for (name, value) in &args.named {
                self.store.obj_mut(id).fields.insert(*name, value.clone());
            }
            self.external_constructed(api, this, &args, span);
        }
    }

    /// An error of a class of the program's has the message it was made with.
    fn fill_error(&mut self, class: ObjId, this: &Val, args: &Args) {
        let is_error = self.external_base(class).is_some_and(|base| is_error_class(&self.apis.name(base)));
        if let (true, Kind::Obj(id), Some(message)) = (is_error, &this.kind, args.get(0)) {
            self.store.obj_mut(*id).fields.insert(Symbol::new("message"), message.clone());
        }
    }

    pub(super) fn super_value(&mut self) -> Val {
        self.frame().this.clone().unwrap_or_else(Val::unknown)
    }

    fn super_base(&self) -> Option<Val> {
        let home = self.frame().home?;
        self.class_val(home)?.bases.first().cloned()
    }

    pub(super) fn super_member(&mut self, home: Option<ObjId>, this: Val, name: Symbol, span: Span) -> Val {
        let class = match &this.kind {
            Kind::Obj(id) => match self.store.obj(*id).kind {
                ObjKind::Instance(class) => Some(class),
                ObjKind::Class(_) => Some(*id),
                _ => None,
            },
            _ => None,
        };
        let order = home.map(|home| self.order_behind(home, class)).unwrap_or_default();
        for ancestor in order {
            match ancestor.kind {
                Kind::Obj(id) => {
                    let method = self.class_val(id).and_then(|class| class.methods.get(&name).cloned());
                    if let Some(method) = method {
                        return match method.kind {
                            Kind::Accessor(Some(getter), _) => {
                                self.call_closure(getter, Some(this), Args::default(), span)
                            }
                            _ => Val::of(Kind::Bound(Rc::new((this, method)))),
                        };
                    }
                }
                Kind::Api(api, _) => return self.inherited_method(api, &this, name),
                _ => {}
            }
        }
        if name.as_str() == "__new__" {
            return Val::of(Kind::Method(Rc::new((this, name))));
        }
        self.collection_method(&this, name).unwrap_or_else(Val::unknown)
    }

    /// In Python the receiver is the first local, not `this`.
    pub(super) fn python_self(&self) -> Option<Val> {
        self.frames.iter().rev().find_map(|frame| {
            let code = self.program.module(frame.module);
            if code.lang != Lang::Python {
                return None;
            }
            match code.func(frame.func).params.first().map(|param| &param.pat) {
                Some(Pat::Var(Var::Local(slot))) if frame.home.is_some() => {
                    frame.locals.get(*slot as usize).map(|cell| self.store.cell(*cell).clone())
                }
                _ => None,
            }
        })
    }

    pub(super) fn super_call(&mut self, args: Args, span: Span) -> Val {
        if self.lang() == Lang::Python {
            return self.python_self().unwrap_or_else(Val::unknown);
        }
        let this = self.frame().this.clone().unwrap_or_else(Val::unknown);
        let home = self.frame().home;
        match self.super_base() {
            Some(Val { kind: Kind::Obj(base), .. }) => self.construct_into(base, &this, args, span),
            Some(Val { kind: Kind::Fn(base), .. }) => {
                self.call_closure(base, Some(this.clone()), args, span);
            }
            Some(_) => {
                if let Some(home) = home {
                    self.external_init(home, &this, args, span);
                }
            }
            None => {}
        }
        if let Some(home) = home {
            self.init_fields(home, &this);
        }
        this
    }
}

/// Of several classes that a base may be, the one from a package: another stands in where the package is missing.
fn only_base(base: Val) -> Val {
    let alternatives = base.alternatives();
    let is_outside = |class: &&Val| matches!(class.kind, Kind::Api(..));
    let is_own = |class: &&Val| matches!(class.kind, Kind::Obj(_));
    alternatives.iter().find(is_outside).or_else(|| alternatives.iter().find(is_own)).cloned().unwrap_or(base)
}

/// The official SDK's own classes where a bundler has put them into the program, by two methods that no one else has.
/// Minifiers rename variables and classes, not members.
fn bundled_sdk_class(code: &Module, class: &Class) -> Option<&'static str> {
    const CLASSES: [(&str, [&str; 2]); 5] = [
        ("@modelcontextprotocol/sdk/server/mcp.McpServer", ["setToolRequestHandlers", "setResourceRequestHandlers"]),
        ("@modelcontextprotocol/sdk/server/index.Server", ["_oninitialize", "assertCapabilityForMethod"]),
        ("@modelcontextprotocol/sdk/server/sse.SSEServerTransport", ["handlePostMessage", "handleMessage"]),
        (
            "@modelcontextprotocol/sdk/server/streamableHttp.StreamableHTTPServerTransport",
            ["handleRequest", "closeStandaloneSSEStream"],
        ),
        (
            "@modelcontextprotocol/sdk/server/streamableHttp.StreamableHTTPServerTransport",
            ["handleUnsupportedRequest", "handleDeleteRequest"],
        ),
    ];
    let has =
        |name: &str| class.members.iter().any(|member| matches!(member.key, Key::Static(own) if own.as_str() == name));
    let known = CLASSES.iter().find(|(_, methods)| methods.iter().all(|method| has(method)));
    known.filter(|_| code.lang == Lang::JavaScript).map(|(path, _)| *path)
}
