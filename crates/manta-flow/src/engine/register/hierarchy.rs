//! Tools that are classes of the program's own: a base class `Tool`, and one class below it for each tool.

use std::rc::Rc;

use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs};
use crate::engine::report::Registration;
use crate::engine::store::ClassVal;
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Lang, Symbol};

/// Methods by which such a class is run.
const RUNS: [&str; 8] = ["apply", "execute", "run", "_run", "call", "invoke", "handle", "__call__"];

/// Packages of the SDKs.
const SDKS: [&str; 2] = ["mcp", "fastmcp"];

/// Most tools found so.
const MAX_TOOLS: usize = 400;

impl Interp<'_> {
    /// Where a program that uses an SDK registers nothing that was seen, the classes of its own below one called `Tool`
    /// are what it serves: how it hands them to the SDK (a registry, a factory, a container) makes no difference to them.
    pub(crate) fn register_tool_hierarchy(&mut self) {
        let is_known = self.found.registrations.iter().any(|known| known.exposes == Exposes::Tool);
        if is_known || !self.uses_sdk() {
            return;
        }
        let classes = self.known_classes();
        let is_base = |id: ObjId| {
            classes
                .iter()
                .any(|(_, class)| class.bases.iter().any(|base| matches!(base.kind, Kind::Obj(base) if base == id)))
        };
        let tools: Vec<(ObjId, Rc<ClassVal>)> = classes
            .iter()
            .filter(|(id, class)| self.is_below_tool(class) && !is_base(*id))
            .take(MAX_TOOLS)
            .cloned()
            .collect();
        for (id, class) in tools {
            self.register_class_tool(id, &class);
        }
    }

    fn uses_sdk(&self) -> bool {
        let is_sdk = |request: &str| SDKS.contains(&request.split('.').next().unwrap_or_default());
        self.program.modules().any(|(_, module)| {
            module.lang == Lang::Python && module.imports.iter().any(|import| is_sdk(&import.request))
        })
    }

    /// Whether an ancestor of the target is called `Tool`, or something that ends so.
    fn is_below_tool(&self, class: &ClassVal) -> bool {
        let is_tool = |ancestor: &Val| match ancestor.kind {
            Kind::Obj(id) => self.class_name(id).is_some_and(|name| name.as_str().ends_with("Tool")),
            _ => false,
        };
        self.program.module(class.module).lang == Lang::Python && class.order.iter().skip(1).any(is_tool)
    }

    fn class_name(&self, id: ObjId) -> Option<Symbol> {
        let class = self.class_val(id)?;
        self.program.module(class.module).class(class.class).name
    }

    fn register_class_tool(&mut self, id: ObjId, class: &ClassVal) {
        let Some(method) = RUNS.iter().map(|name| Symbol::new(name)).find(|name| self.find_method(id, *name).is_some())
        else {
            return;
        };
        let span = self.program.module(class.module).class(class.class).span;
        self.in_module(class.module, |interp| {
            let unknown = || Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
            let instance = interp.construct(&Val::of(Kind::Obj(id)), unknown(), span);
            let handler = interp.get_member(&instance, method, span);
            if !matches!(handler.kind, Kind::Bound(_)) {
                return;
            }
            let said = ["name", "get_name"].iter().find_map(|name| {
                let value = interp.get_member(&instance, Symbol::new(name), span);
                let value = match value.kind {
                    Kind::Bound(_) => interp.call_value(&value, None, Args::default(), span),
                    _ => value,
                };
                value.literal().map(str::to_owned)
            });
            let Some(name) = said.or_else(|| interp.class_name(id).map(|name| snake_case(name.as_str()))) else {
                return;
            };
            let description = interp.program.module(class.module).class(class.class).doc.as_deref().map(str::to_owned);
            let registration = Registration {
                description,
                args: HandlerArgs::Named,
                is_structural: true,
                ..Registration::tool("class", &name, class.module, interp.here(span), handler)
            };
            interp.push_registration(registration);
        });
    }
}

/// `WriteMemoryTool` → `write_memory`.
fn snake_case(class: &str) -> String {
    let mut name = String::new();
    for c in class.strip_suffix("Tool").filter(|name| !name.is_empty()).unwrap_or(class).chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}
