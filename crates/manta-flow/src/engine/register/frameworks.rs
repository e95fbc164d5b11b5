//! Frameworks that find tools without a call: by the place of a file, by a base class, or by how the program is started.

use manta_core::{Location, Span};

use crate::engine::analysis::ArgInfo;
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{Exposes, HandlerArgs};
use crate::engine::report::Registration;
use crate::engine::value::{Kind, ModId, ObjId, Val};
use crate::ir::{Lang, Symbol};

/// Base class of a Django application whose public methods are tools.
const TOOLSET: &str = "mcp_server.MCPToolset";

/// The framework that serves the files of a directory `tools`, each with a function of its own.
const BY_PLACE: &str = "xmcp";

/// The framework for pages whose functions are tools where the page is started as a server.
const BY_START: &str = "gradio";

impl Interp<'_> {
    /// Whether the methods of a class are tools.
    pub(super) fn is_toolset(&self, class: ObjId) -> bool {
        self.external_base(class).is_some_and(|base| self.apis.name(base).starts_with(TOOLSET))
    }

    /// Registers the public methods of a class.
    pub(super) fn register_toolset(&mut self, class: ObjId) {
        let Some(toolset) = self.class_val(class) else { return };
        let code = self.program.module(toolset.module).class(toolset.class);
        let span = code.span;
        let public = |name: &&Symbol| !name.as_str().starts_with('_');
        let methods: Vec<Symbol> = toolset.methods.keys().filter(public).copied().collect();
        self.in_module(toolset.module, |interp| {
            let instance = interp.construct(&Val::of(Kind::Obj(class)), Args::default(), span);
            for name in methods {
                let handler = interp.get_member(&instance, name, span);
                let Some(at) = interp.place_of(&handler) else { continue };
                let found = Registration {
                    description: interp.function_doc(&handler),
                    args: HandlerArgs::Named,
                    validates: true,
                    this: Some(instance.clone()),
                    ..Registration::tool("django-mcp-server", name.as_str(), toolset.module, at, handler)
                };
                interp.push_registration(found);
            }
        });
    }

    /// Registers what files export that are tools by their place: `export default`, with `schema` and `metadata` beside.
    pub(crate) fn register_tool_files(&mut self) {
        let is_tool = |path: &str| path.starts_with("tools/") || path.contains("/tools/");
        let files: Vec<(ModId, String)> = self
            .program
            .modules()
            .filter(|(_, module)| module.lang == Lang::JavaScript && is_tool(&module.path))
            .filter(|(_, module)| self.program.dependency_of(&module.path, BY_PLACE).is_some())
            .map(|(id, module)| (id, module.path.to_string()))
            .collect();
        for (module, path) in files {
            let Some(handler) = self.export(module, Symbol::new("default"), 0).filter(|value| self.is_callable(value))
            else {
                continue;
            };
            self.in_module(module, |interp| {
                let span = Span::default();
                let at = interp.place_of(&handler).unwrap_or_else(|| interp.here(span));
                let mut exported =
                    |name: &str| interp.export(module, Symbol::new(name), 0).unwrap_or_else(Val::undefined);
                let (metadata, schema) = (exported("metadata"), exported("schema"));
                let mut said = |name: &str| {
                    let value = interp.get_member(&metadata, Symbol::new(name), span);
                    value.literal().map(str::to_owned)
                };
                let (name, description) = (said("name"), said("description"));
                let stem = path.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or_default();
                let schema = if schema.is_nullish() { None } else { interp.as_schema(&schema) };
                let found = Registration {
                    description,
                    validates: schema.is_some(),
                    schema,
                    args: HandlerArgs::ObjectIfSchema,
                    ..Registration::tool(BY_PLACE, name.as_deref().unwrap_or(stem), module, at, handler)
                };
                interp.push_registration(found);
            });
        }
    }

    /// Where a function is written.
    fn place_of(&self, function: &Val) -> Option<Location> {
        let closure = self.store.closure(self.closure_of(function)?);
        let code = self.program.module(closure.module);
        Some(Location::new(code.file, code.func(closure.func).span))
    }

    /// Forgets the functions of a page that is not started as a server: `launch(mcp_server=True)` makes them tools.
    pub(crate) fn forget_unserved(&mut self) {
        let is_served = self.found.calls.iter().any(|call| {
            call.api.starts_with(BY_START)
                && call.api.ends_with(".launch")
                && call
                    .named
                    .iter()
                    .any(|(name, value)| name == "mcp_server" && !matches!(value, ArgInfo::Bool(false) | ArgInfo::Null))
        });
        if !is_served {
            self.found.registrations.retain(|known| known.sdk != BY_START || known.exposes != Exposes::Tool);
        }
    }
}
