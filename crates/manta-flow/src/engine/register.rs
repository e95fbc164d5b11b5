//! How servers announce what the model can call: SDK calls, decorators, and plain shapes.

mod decorators;
mod frameworks;
mod hierarchy;
mod models;
mod responders;
mod rows;
mod shapes;
mod sources;

use manta_core::Span;

pub(crate) use self::rows::said;
use crate::engine::api::ApiStep;
use crate::engine::interp::{Args, Interp};
use crate::engine::program::Link;
use crate::engine::store::ObjKind;
use crate::engine::value::{FnId, Kind, Taint, Val};
use crate::ir::Symbol;

/// Members that describe its parameters.
const SCHEMA_NAMES: [&str; 7] =
    ["inputSchema", "parameters", "schema", "input_schema", "paramsSchema", "args", "params"];

/// Packages whose tags only change the white space of a template.
const LAYOUT_TAGS: [&str; 6] = ["common-tags", "dedent", "ts-dedent", "outdent", "endent", "string-dedent"];

impl Interp<'_> {
    // ------------------------------------------------------------------ helpers

    pub(crate) fn is_callable(&self, value: &Val) -> bool {
        match &value.kind {
            Kind::Fn(_) | Kind::Bound(_) => true,
            Kind::Union(values) => values.iter().any(|value| self.is_callable(value)),
            _ => false,
        }
    }

    /// Whether a value, which is none of several, is a function; none when that is not known, as of a class, which is
    /// called as well and is none.
    pub(crate) fn is_surely_callable(&self, value: &Val) -> Option<bool> {
        match &value.kind {
            Kind::Fn(_) | Kind::Bound(_) | Kind::Method(_) => Some(true),
            Kind::Undefined | Kind::Null | Kind::Bool(_) | Kind::Num(_) | Kind::Str | Kind::Regex(_) => Some(false),
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Dict | ObjKind::Array) => Some(false),
            _ => None,
        }
    }

    pub(crate) fn closure_of(&self, value: &Val) -> Option<FnId> {
        match &value.kind {
            Kind::Fn(id) => Some(*id),
            Kind::Bound(bound) => self.closure_of(&bound.1),
            Kind::Union(values) => values.iter().find_map(|value| self.closure_of(value)),
            _ => None,
        }
    }

    pub(crate) fn function_name(&self, value: &Val) -> Option<String> {
        let closure = self.store.closure(self.wrapped(self.closure_of(value)?));
        let given = closure.props.and_then(|props| self.store.obj(props).fields.get(&Symbol::new("__name__")));
        if let Some(name) = given.and_then(Val::literal) {
            return Some(name.to_owned());
        }
        let func = self.program.module(closure.module).func(closure.func);
        func.name.map(|name| name.as_str().to_owned())
    }

    /// The function that a wrapper stands for (`functools.wraps`): its name and its parameters are what callers see.
    pub(crate) fn wrapped(&self, id: FnId) -> FnId {
        let mut id = id;
        for _ in 0..8 {
            let inner = self.store.closure(id).props.and_then(|props| {
                self.store.obj(props).fields.get(&Symbol::new("__wrapped__")).and_then(|inner| self.closure_of(inner))
            });
            match inner {
                Some(inner) => id = inner,
                None => break,
            }
        }
        id
    }

    fn function_doc(&self, value: &Val) -> Option<String> {
        let closure = self.store.closure(self.wrapped(self.closure_of(value)?));
        let func = self.program.module(closure.module).func(closure.func);
        func.doc.as_deref().map(str::to_owned)
    }

    /// Tagged templates: ``$`git clone ${url}` `` passes each hole as one word; ``sql`…${x}` `` binds them.
    pub(crate) fn call_tagged(&mut self, tag: &Val, parts: &[Val], span: Span) -> Val {
        if let Kind::Fn(id) = tag.kind {
            let strings: Vec<Val> = parts.iter().filter(|part| part.literal().is_some()).cloned().collect();
            let values: Vec<Val> = parts.iter().filter(|part| part.literal().is_none()).cloned().collect();
            let strings = self.new_array(strings, None);
            let mut pos = vec![strings];
            pos.extend(values);
            return self.call_closure(id, None, Args::of(pos), span);
        }
        let mut result = Val::unknown();
        for part in parts {
            if let Kind::Fn(_) = part.kind {
                self.call_closures(&Args::of(vec![part.clone()]), None, span);
            }
            result = result.tainted_by(part);
        }
        if let Kind::Api(api, data) = &tag.kind {
            let name = self.apis.name(*api);
            self.check_command_tag(*api, *data, parts, span);
            let is_layout = LAYOUT_TAGS.contains(&name.split('.').next().unwrap_or_default());
            if is_layout || name.ends_with("String.raw") || name.ends_with(".html") || name.ends_with(".gql") {
                return self.concat(parts, span);
            }
            let made = self.apis.step(*api, ApiStep::Call);
            return Val { taint: Taint::NONE, step: 0, ..Val::of(Kind::Api(made, None)) };
        }
        result
    }

    /// The value a `with` statement binds.
    pub(crate) fn enter_context(&mut self, value: &Val, span: Span) -> Val {
        match &value.kind {
            Kind::Obj(id) if matches!(self.store.obj(*id).kind, ObjKind::Instance(_)) => {
                for name in ["__enter__", "__aenter__"] {
                    let method = self.get_member(value, Symbol::new(name), span);
                    if matches!(method.kind, Kind::Bound(_)) {
                        return self.call_value(&method, None, Args::default(), span);
                    }
                }
                value.clone()
            }
            // A generator wrapped by `contextmanager` is the list of what it yields.
            Kind::Obj(id) if self.store.obj(*id).is_sequence() => {
                let (items, more) = self.elements_of(value, span);
                self.join_all(items.into_iter().chain(more)).unwrap_or_else(|| value.clone())
            }
            _ => value.clone(),
        }
    }

    /// What `pkgutil.iter_modules` and `walk_packages` find: a finder, the name behind the prefix that is asked for, and
    /// whether it is a package. The packages are those that the module may load from by names it computes.
    pub(crate) fn modules_listed(&mut self, args: &Args) -> Option<Val> {
        let program = self.program;
        let files: Vec<&str> =
            program.computed(self.frame().module).iter().map(|target| &*program.module(*target).path).collect();
        let package_of = |file: &'_ str| file.strip_suffix("/__init__.py").map(str::to_owned);
        let is_looked_through = |package: &str| {
            files.iter().any(|file| {
                file.rsplit_once('/').is_some_and(|(folder, name)| folder == package && name != "__init__.py")
            })
        };
        let prefix = args.get(1).or_else(|| args.named("prefix"));
        // A prefix that is not known says nothing of the whole names.
        let prefix = prefix.map_or(Some(""), Val::literal)?.to_owned();
        let mut found = Vec::new();
        for file in &files {
            let package = package_of(file);
            if package.as_deref().is_some_and(is_looked_through) {
                continue;
            }
            let path = package.as_deref().or_else(|| file.strip_suffix(".py")).unwrap_or(file);
            let name = path.rsplit('/').next().unwrap_or(path);
            found.push((Val::str(&format!("{prefix}{name}")), Val::bool(package.is_some())));
        }
        if found.is_empty() {
            return None;
        }
        let mut listed = Vec::new();
        for (name, is_package) in found {
            let entry = self.new_array(vec![Val::unknown(), name.clone(), is_package.clone()], None);
            if let Kind::Obj(id) = entry.kind {
                let fields = &mut self.store.obj_mut(id).fields;
                fields.insert(Symbol::new("name"), name);
                fields.insert(Symbol::new("ispkg"), is_package);
            }
            listed.push(entry);
        }
        Some(self.new_array(listed, None))
    }

    /// `import(expr)`: literal specifiers resolve; computed ones load what the program may mean by them.
    pub(crate) fn dynamic_import(&mut self, request: &Val, span: Span) -> Val {
        self.check_dynamic_import(request, span);
        let module = self.frame().module;
        let program = self.program;
        let named: Vec<Val> = request
            .literals()
            .iter()
            .flatten()
            .filter_map(|name| match program.resolve(module, name) {
                Link::Module(target) => {
                    self.load(target);
                    Some(Val::of(Kind::Module(target)))
                }
                Link::External(root, path) => {
                    let mut api = self.apis.root(root);
                    for field in path {
                        api = self.apis.step(api, ApiStep::Field(field));
                    }
                    let api = self.models.canonical(&mut self.apis, api);
                    Some(Val::of(Kind::Api(api, None)))
                }
                _ => None,
            })
            .collect();
        if !named.is_empty() {
            return self.join_all(named).unwrap_or_else(Val::unknown);
        }
        let loaded = program.computed(module).iter().map(|target| {
            self.load(*target);
            Val::of(Kind::Module(*target))
        });
        let loaded: Vec<Val> = loaded.collect();
        self.join_all(loaded).unwrap_or_else(Val::unknown)
    }
}
