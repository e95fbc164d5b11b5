//! Functions over URLs.

use std::rc::Rc;

use manta_core::Span;

use crate::domain::{CharSet, StrProps};
use crate::engine::api::ApiStep;
use crate::engine::builtins::known_start;
use crate::engine::facts::Fact;
use crate::engine::interp::{Args, Interp};
use crate::engine::store::{Obj, ObjKind};
use crate::engine::url_text;
use crate::engine::value::{Kind, ObjId, Part, Transform, UrlPart, Val};
use crate::ir::{Lang, Symbol};

impl Interp<'_> {
    /// `new URL(text, base?)`, `urlparse(text)`: an object of parts that remember the URL they come from.
    pub(crate) fn url_parse(&mut self, args: &Args, span: Span) -> Val {
        let Some(text) = args.get(0).cloned() else { return Val::unknown() };
        let mut text = self.to_text(&text);
        if let Some(base) = args.get(1).cloned()
            && self.lang() == Lang::JavaScript
        {
            text = self.url_join(&Args::of(vec![base, text]), span);
        }
        let text = self.current(&text);
        let is_alone = args.get(1).is_none() && self.lang() == Lang::JavaScript;
        if is_alone && text.is_tainted() && text.vn != 0 && known_start(&text).is_none() {
            // `new URL(x)` throws unless `x` starts with a scheme (after blanks and controls, which it drops).
            let at = self.here(span);
            let mut fact = Fact::props(StrProps::default(), at);
            let letters = CharSet::ALNUM.minus(CharSet::DIGITS);
            fact.props.first = letters.union(CharSet::of(" \t\n\r"));
            self.store.assume(text.vn, &Rc::new(fact));
        }
        // One of several texts of the caller's is parsed as the one it is: what is learnt of its host is learnt of it.
        let is_one = self.found.replay.is_none() && text.vn != 0 && self.taint_now(&text).is_some();
        if let (Kind::Union(values), false) = (&text.kind, is_one) {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            let results: Vec<Val> =
                values.iter().map(|value| self.url_parse(&Args::of(vec![value.clone()]), span)).collect();
            return self.join_all(results).unwrap_or_else(Val::unknown);
        }
        if let Some(asked) = self.found.asked().filter(|_| text.is_tainted()) {
            asked.mark(":");
        }
        let mut obj = Obj::new(ObjKind::Plain);
        let taint = text.taint;
        let lang = self.lang();
        let concrete = text.literal().map(|text| crate::engine::url_text::split(text, lang));
        let mut field = |interp: &mut Self, names: &[&str], part: UrlPart, known: Option<&str>| {
            let value = match known {
                Some(known) => Val { taint, step: text.step, vn: interp.store.fresh_vn(), ..Val::str(known) },
                None if part == UrlPart::Whole && matches!(text.kind, Kind::Union(_)) => text.clone(),
                None if part == UrlPart::Whole => Val { kind: Kind::Str, ..text.clone() },
                None => interp.derived(props_of_part(names[0], interp.lang()), &text, Transform::UrlPart(part)),
            };
            for name in names {
                obj.fields.insert(Symbol::new(name), value.clone());
            }
        };
        let known = concrete.as_ref();
        let python = lang == Lang::Python;
        field(self, &["href"], UrlPart::Whole, None);
        // In Python without the brackets of an IPv6 address.
        let brackets: &[char] = if python { &['[', ']'] } else { &[] };
        let hostname = known.map(|url| url.hostname.trim_matches(brackets));
        field(self, &["hostname", "raw_host"], UrlPart::Host, hostname);
        // `httpx.URL(…).host` and `yarl.URL(…).host` are without the port, as in `hostname` elsewhere.
        let host = if python { hostname } else { known.map(|url| url.host.as_str()) };
        field(self, &["host"], UrlPart::Host, host);
        field(self, &["netloc"], UrlPart::Host, known.map(|url| url.host.as_str()));
        field(self, &["origin"], UrlPart::Host, known.map(|url| url.origin.as_str()));
        let scheme = known.map(|url| if python { url.scheme.clone() } else { format!("{}:", url.scheme) });
        field(self, &["protocol", "scheme"], UrlPart::Scheme, scheme.as_deref());
        field(self, &["pathname", "path"], UrlPart::Path, known.map(|url| url.path.as_str()));
        field(self, &["port"], UrlPart::Other, known.map(|url| url.port.as_str()));
        field(self, &["search", "query"], UrlPart::Other, None);
        field(self, &["hash", "fragment", "params"], UrlPart::Other, None);
        field(self, &["username", "password"], UrlPart::Other, known.map(|url| url.userinfo.as_str()));
        let search = match python {
            true => Val::unknown(),
            false => {
                let root = self.apis.root(Symbol::new("globalThis"));
                let class = self.apis.step(root, ApiStep::Field(Symbol::new("URLSearchParams")));
                let made = self.apis.step(class, ApiStep::Call);
                Val::of(Kind::Api(made, Some(self.store.new_obj(Obj::new(ObjKind::External)))))
            }
        };
        let search = Val { taint, step: text.step, vn: self.store.fresh_vn(), ..search };
        obj.fields.insert(Symbol::new("searchParams"), search);
        if python {
            obj.items = ["scheme", "netloc", "path", "params", "query", "fragment"]
                .iter()
                .filter_map(|name| obj.fields.get(&Symbol::new(name)).cloned())
                .collect();
        }
        let value =
            Val { taint, step: text.step, vn: self.store.fresh_vn(), ..Val::of(Kind::Obj(self.store.new_obj(obj))) };
        self.through(value, span, "URL parsing")
    }

    /// `url.hostname = x` and its like: the `URL` leads elsewhere from then on. Ports, schemes, queries and fragments lead
    /// nowhere else.
    ///
    /// Source: WHATWG URL, "API of URL".
    pub(crate) fn set_url_part(&mut self, url: ObjId, name: Symbol, value: &Val, span: Span) {
        let part = name.as_str();
        if !matches!(part, "href" | "host" | "hostname" | "pathname") {
            return;
        }
        let fields = &self.store.obj(url).fields;
        let field = |name: &str| fields.get(&Symbol::new(name)).cloned();
        let (Some(href), Some(_), Some(path)) = (field("href"), field("searchParams"), field("pathname")) else {
            return;
        };
        let slash = Val::str("/");
        let now = match part {
            "href" => value.clone(),
            "pathname" => {
                match href.literal().map(|text| crate::engine::url_text::split(text, Lang::JavaScript).origin) {
                    Some(origin) => {
                        let is_rooted =
                            known_start(value).or(value.literal()).is_some_and(|start| start.starts_with('/'));
                        let between = if is_rooted { Val::str("") } else { slash };
                        self.concat(&[Val::str(&origin), between, value.clone()], span)
                    }
                    None => return,
                }
            }
            _ => self.concat(&[Val::str("https://"), value.clone(), slash, path], span),
        };
        let fields = &mut self.store.obj_mut(url).fields;
        fields.insert(Symbol::new("href"), now);
        if part.starts_with("host") {
            for name in ["host", "hostname"] {
                fields.insert(Symbol::new(name), value.clone());
            }
        }
    }

    /// `new URL(reference, base)`, `urljoin(base, reference)`: an absolute reference wins.
    pub(crate) fn url_join(&mut self, args: &Args, span: Span) -> Val {
        let base = args.get(0).cloned().unwrap_or_else(Val::unknown);
        let reference = args.get(1).cloned().unwrap_or_else(Val::unknown);
        if self.taint_now(&reference).is_none() {
            return self.concat(&[base, reference], span);
        }
        if let Kind::Union(values) = &self.current(&reference).kind {
            let values: Vec<Val> = values.iter().filter(|value| !value.is_nullish()).cloned().collect();
            let joined: Vec<Val> =
                values.into_iter().map(|value| self.url_join(&Args::of(vec![base.clone(), value]), span)).collect();
            return self.join_all(joined).unwrap_or_else(Val::unknown);
        }
        // A concrete one is joined as it would be.
        if let (Some(text), true) = (reference.literal(), self.found.replay.is_some()) {
            if url_text::names_host(text) {
                return reference;
            }
            if text.starts_with("//") {
                return self.concat(&[Val::str("https:"), reference], span);
            }
        }
        // A host without a scheme leads elsewhere too.
        self.note_prefix("//");
        let own = self.props(&reference);
        // A reference that surely starts as a path cannot replace the host; `//host` and `scheme:` can.
        let text = self.current(&reference);
        let starts = match text.text.as_deref().and_then(|text| text.parts.first().cloned()) {
            Some(Part::Lit(start)) => start.to_string(),
            _ => String::new(),
        };
        let is_rooted = starts.starts_with('/') && !starts.starts_with("//") && starts.len() > 1;
        let is_relative =
            !starts.is_empty() && !starts.contains(':') && !starts.starts_with('/') && starts.contains('/');
        let is_harmless = own.charset.excludes("/:\\");
        // What is untrusted cannot say where the program's own text before it leads.
        let holes = text.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
        let is_harmless = is_harmless
            || holes.len() > 1
                && holes.iter().all(|part| match part {
                    Part::Hole(hole) if hole.is_tainted() => self.props(hole).charset.excludes("/:\\"),
                    _ => true,
                });
        if is_rooted || is_relative || is_harmless || own.is_finite() {
            return self.below_base(base, reference, &starts, span);
        }
        reference
    }

    /// A reference that leads nowhere but below a base; `starts` is what is known of its start.
    fn below_base(&mut self, base: Val, reference: Val, starts: &str, span: Span) -> Val {
        let authority = base.literal().and_then(|text| text.split_once("://")).map(|(_, rest)| rest);
        let needs_slash = authority.is_some_and(|rest| !rest.contains('/')) && !starts.starts_with('/');
        let between = Val::str(if needs_slash { "/" } else { "" });
        self.concat(&[base, between, reference], span)
    }

    /// `urlunparse((scheme, netloc, path, params, query, fragment))`, `urlunsplit` without `params`: the text that they
    /// spell. None when it is not known which parts there are.
    pub(super) fn url_unparse(&mut self, parts: &Val, span: Span) -> Option<Val> {
        let (items, None) = self.elements_of(parts, span) else { return None };
        let marks: &[&str] = match items.len() {
            6 => &["", "://", "", ";", "?", "#"],
            5 => &["", "://", "", "?", "#"],
            _ => return None,
        };
        let mut pieces = Vec::new();
        for (mark, item) in marks.iter().zip(items) {
            let is_missing = item.is_nullish() || item.literal() == Some("");
            if is_missing {
                continue;
            }
            // Between host and path there is a slash, also where the path has none.
            let is_path = mark.is_empty() && !pieces.is_empty();
            let needs_slash = is_path && item.literal().is_none_or(|path| !path.starts_with('/'));
            pieces.extend([Val::str(if needs_slash { "/" } else { mark }), self.to_text(&item)]);
        }
        Some(self.concat(&pieces, span))
    }
}

/// What a part of a URL is, whatever the URL (RFC 3986 §3): a port is digits, and what stands before a host ends where
/// that does. A backslash, which Python leaves in a user name and some of its clients read as the end of a host, is left
/// aside.
fn props_of_part(name: &str, lang: Lang) -> StrProps {
    let charset = match name {
        // In JavaScript with the colon behind it.
        "protocol" if lang == Lang::Python => CharSet::ALNUM.union(CharSet::of("+-.")),
        "port" => CharSet::DIGITS,
        "username" => CharSet::ALL.minus(CharSet::of("/?#\\")),
        "search" => CharSet::ALL.minus(CharSet::of("#")),
        _ => return StrProps::default(),
    };
    StrProps::of_charset(charset)
}
