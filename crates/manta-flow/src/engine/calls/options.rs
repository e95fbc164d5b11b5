//! Options of the command line: what the administrator sets when the server starts, and what holds otherwise.

use manta_core::Span;

use crate::engine::api::ApiId;
use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

/// Names under which a parser remembers its options.
const MARK: &str = "$option:";

/// Most objects between an option and the parser it belongs to (groups, subcommands).
const MAX_OWNERS: usize = 8;

impl Interp<'_> {
    /// `argparse`: an option declared is remembered by its parser, and parsing gives all of them, each being what the
    /// administrator sets or else its default.
    pub(super) fn command_line(
        &mut self,
        name: &str,
        api: ApiId,
        data: Option<ObjId>,
        args: &Args,
        span: Span,
    ) -> Option<Val> {
        let method = name.strip_prefix("argparse.ArgumentParser()")?.rsplit('.').next()?;
        let parser = data?;
        match method {
            "add_argument" => {
                self.declare_option(parser, args);
                None
            }
            // Their options are the parser's.
            "add_argument_group" | "add_mutually_exclusive_group" | "add_subparsers" | "add_parser" => {
                Some(self.external_result(api, data, args, span))
            }
            "parse_args" | "parse_intermixed_args" => self.parsed_options(parser),
            "parse_known_args" | "parse_known_intermixed_args" => {
                let options = self.parsed_options(parser)?;
                let rest = self.new_array(Vec::new(), Some(Val::unknown()));
                Some(self.new_array(vec![options, rest], None))
            }
            _ => None,
        }
    }

    fn declare_option(&mut self, parser: ObjId, args: &Args) {
        let flags: Vec<&str> = args.pos.iter().filter_map(Val::literal).collect();
        let flag = flags.iter().find(|flag| flag.starts_with("--")).or_else(|| flags.first());
        let named = args.named("dest").and_then(Val::literal);
        let Some(option) = named.or_else(|| flag.map(|flag| flag.trim_start_matches('-'))) else { return };
        let name = Symbol::new(&format!("{MARK}{}", option.replace('-', "_")));
        let default = match (args.named("default"), args.named("action").and_then(Val::literal)) {
            (Some(default), _) => default.clone(),
            (None, Some("store_false")) => Val::bool(true),
            (None, _) => Val::null(),
        };
        let mut owner = Some(parser);
        for _ in 0..MAX_OWNERS {
            let Some(id) = owner else { break };
            self.store.obj_mut(id).fields.insert(name, default.clone());
            owner = match self.store.obj(id).fields.get(&Symbol::new("$of")).map(|value| &value.kind) {
                Some(Kind::Obj(id)) => Some(*id),
                _ => None,
            };
        }
    }

    /// None when no option is known: the parser was made and filled where we did not look.
    fn parsed_options(&mut self, parser: ObjId) -> Option<Val> {
        let declared: Vec<(Symbol, Val)> = self
            .store
            .obj(parser)
            .fields
            .iter()
            .filter_map(|(key, default)| Some((Symbol::new(key.as_str().strip_prefix(MARK)?), default.clone())))
            .collect();
        if declared.is_empty() {
            return None;
        }
        let mut options = Obj { any: Some(Val::unknown()), ..Obj::new(ObjKind::Plain) };
        for (name, default) in declared {
            let set = self.environment(name.as_str());
            let value = if default.truth() == Some(false) { set } else { self.join(&set, &default) };
            options.fields.insert(name, value);
        }
        Some(Val::of(Kind::Obj(self.store.new_obj(options))))
    }
}
