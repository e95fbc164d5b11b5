//! Paths that a program takes apart, or finds below a directory.

use manta_core::Span;

use crate::domain::{CharSet, StrProps};
use crate::engine::interp::{Args, Interp};
use crate::engine::models::Effect;
use crate::engine::report::REPLAY_NAME;
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, Val};
use crate::ir::Symbol;

impl Interp<'_> {
    /// Node `path.parse(path)`.
    pub(super) fn path_parsed(&mut self, path: &Val) -> Val {
        let base_props = self.props(path).basename();
        let base = self.text_val(base_props.clone(), path);
        let (name, ext) = match base.literal() {
            Some(text) => {
                let at = text.rfind('.').filter(|at| *at > 0).unwrap_or(text.len());
                let (name, ext) = text.split_at(at);
                (self.text_val(StrProps::exact(name), path), self.text_val(StrProps::exact(ext), path))
            }
            None => {
                let charset = base_props.charset.minus(CharSet::of("/"));
                (self.text_val(base_props, path), self.text_val(StrProps::of_charset(charset), path))
            }
        };
        let dir = self.path_parent(path);
        let root = self.text_val(StrProps::one_of(["", "/"]), path);
        let mut parsed = Obj::new(ObjKind::Plain);
        for (key, value) in [("root", root), ("dir", dir), ("base", base), ("name", name), ("ext", ext)] {
            parsed.fields.insert(Symbol::new(key), value);
        }
        Val::of(Kind::Obj(self.store.new_obj(parsed)))
    }

    /// A path that is found below a directory; it ends as the pattern says, if there is one.
    pub(super) fn path_below(&mut self, dir: &Val, pattern: Option<&Val>, span: Span) -> Val {
        let name = Val { vn: self.store.fresh_vn(), ..Val::unknown() };
        if let Some(extension) = pattern.and_then(|pattern| self.file_extension(pattern)) {
            self.extensions.insert(name.vn, extension.into());
        }
        self.path_operation(Effect::PythonPathJoin, &[dir.clone(), name], span)
    }

    /// A path that fits a pattern. Patterns may be told where to look by an option.
    pub(super) fn path_like(&mut self, pattern: &Val, args: &Args, span: Span) -> Val {
        let found = match pattern.literal() {
            Some(text) => self.text_val(StrProps::exact(&a_match(text)), pattern),
            None => pattern.clone(),
        };
        let options = args.pos.get(1).cloned();
        let mut option = |name: &str| {
            let options = options.as_ref()?;
            matches!(options.kind, Kind::Obj(_)).then(|| self.get_member(options, Symbol::new(name), span))
        };
        let root = match option("absolute").and_then(|is_absolute| is_absolute.truth()) {
            Some(true) => option("cwd"),
            _ => None,
        };
        match args.named("root_dir").cloned().or(root).filter(|root| !root.is_nullish()) {
            Some(root) => self.path_operation(Effect::PythonPathJoin, &[root, found], span),
            None => found,
        }
    }
}

/// A path that fits a pattern, without wildcards.
fn a_match(pattern: &str) -> String {
    pattern.replace("**/", "").replace("**", REPLAY_NAME).replace('*', REPLAY_NAME).replace('?', "m")
}
