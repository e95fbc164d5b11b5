//! Small functions of the standard libraries that hand values on: what goes in comes out again, and with it what is
//! known of it.

use manta_core::Span;

use crate::domain::StrProps;
use crate::engine::interp::{Args, Interp};
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

impl Interp<'_> {
    /// A function of a standard library by its path; `data` is what the call is on, or what made the function.
    pub(super) fn standard_call(&mut self, name: &str, data: Option<ObjId>, args: &Args, span: Span) -> Option<Val> {
        match name {
            "util.format" => {
                let (format, values) = args.pos.split_first()?;
                let values = self.new_array(values.to_vec(), args.rest.clone());
                format.literal()?;
                Some(self.percent_format(format, &values, span))
            }
            "functools.reduce" => {
                let list = args.get(1).cloned()?;
                Some(self.reduce(&list, &args.get(0).cloned()?, args.get(2).cloned(), span))
            }
            "string.Template().substitute" | "string.Template().safe_substitute" => {
                let template = self.given_at(data?, 0)?;
                self.dollar_template(&template, args, span)
            }
            "operator.itemgetter()" => self.each_asked(data?, |interp, key| {
                let holder = args.get(0).cloned().unwrap_or_else(Val::unknown);
                interp.get_index(&holder, key, span)
            }),
            "operator.attrgetter()" => self.each_asked(data?, |interp, path| {
                let holder = args.get(0).cloned().unwrap_or_else(Val::unknown);
                let Some(path) = path.literal() else { return Val::unknown().tainted_by(&holder) };
                path.split('.').fold(holder, |holder, name| interp.get_member(&holder, Symbol::new(name), span))
            }),
            "operator.methodcaller()" => {
                let mut given = self.store.obj(data?).items.clone();
                let method = given.first()?.literal().map(Symbol::new)?;
                given.remove(0);
                let receiver = args.get(0).cloned()?;
                let target = self.get_member(&receiver, method, span);
                Some(self.call_value(&target, Some(receiver), Args::of(given), span))
            }
            "builtins.format" => {
                let value = args.get(0).cloned()?;
                let spec = args.get(1)?.literal()?.to_owned();
                matches!(value.kind, Kind::Str).then(|| self.padded(&value, &spec))
            }
            "builtins.bytes" | "builtins.bytearray" => {
                args.get(0).filter(|text| matches!(text.kind, Kind::Str)).cloned()
            }
            "builtins.vars" => {
                let holder = args.get(0).cloned()?;
                matches!(holder.kind, Kind::Obj(_)).then(|| self.get_member(&holder, Symbol::new("__dict__"), span))
            }
            _ => None,
        }
    }

    /// `Point = namedtuple("Point", "x y"); Point(1, 2).y`: by name, or by the place that the name has in the class.
    pub(super) fn field_of_tuple(&mut self, tuple: ObjId, name: Symbol) -> Option<Val> {
        if let Some(given) = self.store.obj(tuple).given(name.as_str()) {
            return Some(given.clone());
        }
        let class = match self.store.obj(tuple).fields.get(&Symbol::new("$of"))?.kind {
            Kind::Obj(class) => class,
            _ => return None,
        };
        let names = self.given_at(class, 1)?;
        let names: Vec<String> = match names.literal() {
            Some(text) => text.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            None => {
                let (items, _) = self.elements_of(&names, Span::default());
                items.iter().filter_map(|name| name.literal().map(str::to_owned)).collect()
            }
        };
        let at = names.iter().position(|own| own == name.as_str())?;
        self.given_at(tuple, at)
    }

    /// What the call that made something was given in a place.
    fn given_at(&self, data: ObjId, at: usize) -> Option<Val> {
        self.store.obj(data).items.get(at).cloned()
    }

    /// One value for one key that a getter was made with, and a tuple for several.
    fn each_asked(&mut self, getter: ObjId, mut get: impl FnMut(&mut Self, &Val) -> Val) -> Option<Val> {
        let keys = self.store.obj(getter).items.clone();
        let mut values: Vec<Val> = keys.iter().map(|key| get(self, key)).collect();
        match values.len() {
            0 => None,
            1 => values.pop(),
            _ => Some(self.new_array(values, None)),
        }
    }

    /// `f"{text:>10}"`: a text with something around it, or cut off.
    fn padded(&mut self, text: &Val, spec: &str) -> Val {
        let mut letters = spec.chars();
        let fill = match (letters.next(), letters.next()) {
            (Some(fill), Some('<' | '>' | '^' | '=')) => fill,
            (Some('0'), _) => '0',
            _ => ' ',
        };
        let props = self.props(text).slice().replace_some(&StrProps::exact(&fill.to_string()));
        self.text_val(props, text)
    }

    /// `Template("ls $name").substitute(name=value)`: every `$name` and `${name}` is a place, `$$` a dollar.
    fn dollar_template(&mut self, template: &Val, args: &Args, span: Span) -> Option<Val> {
        let text = template.literal()?.to_owned();
        let table = args.get(0).cloned();
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find('$') {
            pieces.push(Val::str(&rest[..at]));
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('$') {
                pieces.push(Val::str("$"));
                rest = after;
                continue;
            }
            let (name, after) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some(found) => found,
                None => after.split_at(after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len())),
            };
            let value = match (args.named(name), &table) {
                (Some(value), _) => value.clone(),
                (None, Some(table)) => self.get_index(table, &Val::str(name), span),
                (None, None) => args.named_rest.clone().unwrap_or_else(Val::unknown),
            };
            pieces.push(value);
            rest = after;
        }
        pieces.push(Val::str(rest));
        Some(self.concat(&pieces, span))
    }

    /// What bytes say that were made of a text: `Buffer.from(text).toString()`, `new Response(text).text()`.
    pub(crate) fn text_of_bytes(&mut self, name: &str, data: Option<ObjId>, args: &Args, span: Span) -> Option<Val> {
        match name {
            "globalThis.Buffer.from().toString" | "globalThis.Response().text" => {}
            "globalThis.Blob().text" | "globalThis.File().text" => {
                let parts = self.given_at(data?, 0)?;
                return Some(self.join_array(&parts, ""));
            }
            _ => return None,
        }
        let text = self.given_at(data?, 0).filter(|text| matches!(text.kind, Kind::Str))?;
        let said = match self.given_at(data?, 1).as_ref().map(|encoding| encoding.literal()) {
            None | Some(Some("utf8" | "utf-8")) => text,
            Some(Some("base64" | "base64url" | "hex")) => self.encoded.get(&text.vn)?.clone(),
            Some(_) => return None,
        };
        match args.get(0).map(|encoding| encoding.literal()) {
            None | Some(Some("utf8" | "utf-8")) => Some(said),
            Some(Some(_)) => self.text_method(&said, Symbol::new("toString"), args, span),
            Some(None) => None,
        }
    }
}
