//! Modules: what they run when they load, and what they import and export.

use std::rc::Rc;

use manta_core::Span;

use super::{Args, Frame, Interp, ModState};
use crate::engine::api::ApiStep;
use crate::engine::program::Link;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{CellId, Kind, ModId, Val};
use crate::ir::{FuncId, ImportId, ImportName, Lang, Symbol};

impl Interp<'_> {
    /// Runs a module's top level once.
    pub(crate) fn load(&mut self, id: ModId) {
        // Without steps nothing of it is run: it may be loaded when there are some again.
        if !matches!(self.mods[id.0 as usize], ModState::Unloaded) || self.fuel == 0 {
            return;
        }
        if let Some(package) = self.program.parent(id) {
            self.load(package);
            // The package may have imported it.
            if !matches!(self.mods[id.0 as usize], ModState::Unloaded) {
                return;
            }
        }
        self.mark_effect();
        let module = self.program.module(id);
        let slots = module.func(FuncId(0)).slots;
        let cells: Vec<CellId> = (0..slots).map(|_| self.store.new_cell(Val::undefined())).collect();
        self.mods[id.0 as usize] = ModState::Loaded(Rc::from(cells.as_slice()));
        if let Some(slots) = module.commonjs {
            let exports = Val::of(Kind::Obj(self.store.new_obj(Obj::new(ObjKind::Plain))));
            let mut holder = Obj::new(ObjKind::Plain);
            holder.fields.insert(Symbol::new("exports"), exports.clone());
            let holder = Val::of(Kind::Obj(self.store.new_obj(holder)));
            self.store.set_cell(cells[slots.exports as usize], exports);
            self.store.set_cell(cells[slots.module as usize], holder);
        }
        // JavaScript's imports come first wherever they stand; Python's are statements.
        let is_python = module.lang == Lang::Python;
        if !is_python {
            self.load_imports(id);
        }
        self.entered.insert((id, FuncId(0)));
        let entry = self.store.mark();
        self.frames.push(Frame::new(id, FuncId(0), cells, entry));
        self.block(&module.func(FuncId(0)).body);
        self.frames.pop();
        self.store.release(entry);
        if is_python {
            // What functions import when they are called is there before any handler runs.
            self.load_imports(id);
        }
    }

    fn load_imports(&mut self, id: ModId) {
        let module = self.program.module(id);
        for import in 0..module.imports.len() {
            if let Link::Module(target) = self.program.link_of(id, ImportId(u32::try_from(import).unwrap_or(0)))
                && !module.imports[import].type_only
            {
                self.load(*target);
            }
        }
    }

    pub(crate) fn module_slot(&mut self, module: ModId, slot: u32) -> Val {
        self.load(module);
        match &self.mods[module.0 as usize] {
            ModState::Loaded(cells) => self.store.cell(cells[slot as usize]).clone(),
            ModState::Unloaded => Val::unknown(),
        }
    }

    /// `settings.name = value`, by whoever imported the module.
    pub(crate) fn set_in_module(&mut self, module: ModId, name: Symbol, value: Val) {
        let slot = self.program.module(module).exports.iter().find_map(|export| match export {
            crate::ir::Export::Local { name: public, slot } if *public == name => Some(*slot),
            _ => None,
        });
        if let (Some(slot), ModState::Loaded(cells)) = (slot, &self.mods[module.0 as usize]) {
            let cell = cells[slot as usize];
            self.store.set_cell(cell, value);
        }
    }

    /// What `module` exports as `name`.
    pub(crate) fn export(&mut self, module: ModId, name: Symbol, depth: usize) -> Option<Val> {
        if depth > 24 {
            return None;
        }
        self.load(module);
        let code = self.program.module(module);
        if let Some(slots) = code.commonjs {
            let exports = self.commonjs_value(module, slots.module);
            if name.as_str() == "default" {
                // Interoperation: `import d from "cjs"` is `module.exports` unless the file marks itself as ES.
                if let Kind::Obj(id) = exports.kind
                    && let Some(value) = self.store.obj(id).fields.get(&name)
                {
                    return Some(value.clone());
                }
                if code.exports.is_empty() {
                    return Some(exports);
                }
            }
            if let Kind::Obj(id) = exports.kind
                && let Some(value) = self.store.obj(id).fields.get(&name)
            {
                return Some(value.clone());
            }
            if code.exports.is_empty() {
                return Some(self.get_member(&exports, name, Span::default()));
            }
        }
        for export in &code.exports {
            match export {
                crate::ir::Export::Local { name: public, slot } if *public == name => {
                    let value = self.module_slot(module, *slot);
                    // A name that is both re-exported and assigned (fallback imports) prefers a real value.
                    if !value.is_nullish() {
                        return Some(value);
                    }
                }
                crate::ir::Export::From { name: public, import, imported } if *public == name => {
                    return Some(self.import(module, *import, *imported, depth + 1));
                }
                _ => {}
            }
        }
        for export in &code.exports {
            if let crate::ir::Export::Star { import } = export {
                match self.program.link_of(module, *import).clone() {
                    Link::Module(target) if target != module => {
                        if let Some(value) = self.export(target, name, depth + 1) {
                            return Some(value);
                        }
                    }
                    _ => {}
                }
            }
        }
        let declared = code
            .exports
            .iter()
            .any(|export| matches!(export, crate::ir::Export::Local { name: public, .. } if *public == name));
        if declared {
            return Some(Val::undefined());
        }
        if code.lang == Lang::Python {
            // `import pkg.sub` makes `sub` an attribute of `pkg`.
            if let Link::Module(target) = self.program.resolve(module, &format!(".{name}")) {
                return Some(Val::of(Kind::Module(target)));
            }
            return self.lazy_export(module, name);
        }
        None
    }

    /// What a Python module makes of a name it doesn't have (PEP 562): `def __getattr__(name)` at its top level.
    fn lazy_export(&mut self, module: ModId, name: Symbol) -> Option<Val> {
        if name.as_str().starts_with("__") || self.lazy_exports.contains(&(module, name)) {
            return None;
        }
        let makes = self.export(module, Symbol::new("__getattr__"), 0)?;
        if !matches!(makes.kind, Kind::Fn(_)) {
            return None;
        }
        self.lazy_exports.push((module, name));
        let failed = std::mem::replace(&mut self.last_call_failed, false);
        let value = self.call_value(&makes, None, Args::of(vec![Val::str(name.as_str())]), Span::default());
        let is_missing = std::mem::replace(&mut self.last_call_failed, failed);
        self.lazy_exports.pop();
        (!is_missing).then_some(value)
    }

    fn commonjs_value(&mut self, module: ModId, slot: u32) -> Val {
        let holder = self.module_slot(module, slot);
        match holder.kind {
            Kind::Obj(id) => {
                self.store.obj(id).fields.get(&Symbol::new("exports")).cloned().unwrap_or_else(Val::unknown)
            }
            _ => Val::unknown(),
        }
    }

    /// `this`. At the top of a module it is what the module exports, or nothing: `this && this.__importDefault` of what a
    /// compiler wrote is no helper from elsewhere.
    pub(super) fn this(&mut self) -> Val {
        let frame = self.frame();
        if let Some(this) = &frame.this {
            return this.clone();
        }
        let module = frame.module;
        let is_top = frame.func == FuncId(0) && self.lang() == Lang::JavaScript;
        match self.program.module(module).commonjs {
            Some(slots) if is_top => self.commonjs_value(module, slots.module),
            None if is_top => Val::undefined(),
            _ => Val::unknown(),
        }
    }

    /// The value of an import.
    pub(crate) fn import(&mut self, module: ModId, import: ImportId, name: ImportName, depth: usize) -> Val {
        match self.program.link_of(module, import).clone() {
            Link::Module(target) => {
                self.load(target);
                let code = self.program.module(target);
                match name {
                    ImportName::Namespace => match code.commonjs {
                        Some(slots) if code.exports.is_empty() => self.commonjs_value(target, slots.module),
                        _ => Val::of(Kind::Module(target)),
                    },
                    ImportName::Default => {
                        self.export(target, Symbol::new("default"), depth).unwrap_or_else(Val::unknown)
                    }
                    ImportName::Named(name) => {
                        let value = self.export(target, name, depth).unwrap_or_else(|| {
                            // `from . import module` in the package itself, which exports it by that statement.
                            match self.program.resolve(target, &format!(".{name}")) {
                                Link::Module(sub) if code.lang == Lang::Python => Val::of(Kind::Module(sub)),
                                _ => Val::unknown(),
                            }
                        });
                        // `from package import module` runs the module.
                        if let Kind::Module(sub) = value.kind {
                            self.load(sub);
                        }
                        value
                    }
                }
            }
            Link::External(root, path) => {
                let mut api = self.apis.root(root);
                for field in path {
                    api = self.apis.step(api, ApiStep::Field(field));
                }
                match name {
                    ImportName::Namespace | ImportName::Default => {}
                    ImportName::Named(name) if name.as_str() == "default" => {}
                    ImportName::Named(name) => {
                        let module = self.models.canonical(&mut self.apis, api);
                        let module = Val::of(Kind::Api(module, None));
                        // `import { sep } from "node:path"`: a value, as `path.sep` is.
                        if let Kind::Api(of, _) = module.kind
                            && let Some(value) = self.api_property(of, None, &module, name)
                        {
                            return value;
                        }
                        api = self.apis.step(api, ApiStep::Field(name));
                    }
                }
                let api = self.models.canonical(&mut self.apis, api);
                Val::of(Kind::Api(api, None))
            }
            Link::Namespace => match name {
                ImportName::Named(name) => {
                    let base = &self.program.module(module).imports[import.0 as usize].request;
                    let dot = if base.ends_with('.') { "" } else { "." };
                    let request = format!("{base}{dot}{name}");
                    match self.program.resolve(module, &request) {
                        Link::Module(target) => {
                            self.load(target);
                            Val::of(Kind::Module(target))
                        }
                        _ => Val::unknown(),
                    }
                }
                _ => Val::unknown(),
            },
            Link::Missing if name != ImportName::Namespace => self.generated_index(module, import, depth),
            Link::Missing | Link::Asset => Val::unknown(),
        }
    }

    /// An index that a build writes, such as `tools/registry.js`: a list of what the modules around it export, one each.
    fn generated_index(&mut self, module: ModId, import: ImportId, depth: usize) -> Val {
        let code = self.program.module(module);
        if code.lang != Lang::JavaScript {
            return Val::unknown();
        }
        let around = self.program.listed(module, &code.imports[import.0 as usize].request);
        let default = Symbol::new("default");
        let each: Vec<Val> = around.into_iter().filter_map(|listed| self.export(listed, default, depth + 1)).collect();
        if each.len() > 1 { self.new_array(each, None) } else { Val::unknown() }
    }
}
