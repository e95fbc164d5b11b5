//! Secrets in markup: `<user password="…"/>`, `<add key="ApiKey" value="…"/>`, `<entry key="token">…</entry>`.

use std::ops::Range;

use super::assigned::Says;
use super::{is_of_one, names_one};

/// Attributes of one tag that are looked at; nobody writes more.
const MAX_ATTRIBUTES: usize = 64;

/// An attribute, and where its value stands.
struct Attribute<'a> {
    name: &'a str,
    value: Range<usize>,
}

/// Where secrets stand in tags and between them.
pub(super) fn find(text: &str, says: &dyn Fn(&str) -> Says, found: &mut Vec<Range<usize>>) {
    let mut next = Says::Nothing;
    let mut hide = |says: Says, value: Range<usize>| {
        if says == Says::Surely || says.fits(&text[value.clone()]) {
            found.push(value);
        }
    };
    let mut at = 0;
    while let Some(open) = text[at..].find('<').map(|open| at + open) {
        at = open + 1;
        // An end has no name here, and leaves what was named before it.
        let Some((name, attributes, end)) = tag(text, at) else { continue };
        at = end;
        let inner = content(text, end);
        let value_of = |attribute: &Attribute<'_>| &text[attribute.value.clone()];
        let named = attributes.iter().map(|attribute| {
            let is_kind = local(attribute.name).eq_ignore_ascii_case("type");
            match value_of(attribute) {
                value if names(local(attribute.name), says) => says(value),
                value if is_kind && value.eq_ignore_ascii_case("password") => Says::Surely,
                _ => Says::Nothing,
            }
        });
        let named = named.max().unwrap_or(Says::Nothing);
        let is_value = |attribute: &Attribute<'_>| {
            is_of_one(local(attribute.name)) || local(attribute.name).eq_ignore_ascii_case("content")
        };
        for attribute in &attributes {
            // `<li key={item.id}>` names something; it holds nothing.
            let own = own(local(attribute.name), says);
            hide(if is_value(attribute) { named.max(own) } else { own }, attribute.value.clone());
        }
        let is_open = !attributes.iter().any(is_value) && !name.eq_ignore_ascii_case("input");
        hide(next.max(own(local(name), says)).max(if is_open { named } else { Says::Nothing }), inner.clone());
        // `<key>token</key><string>…</string>`, as property lists have it.
        next = if names(name, says) { says(text[inner].trim()) } else { Says::Nothing };
    }
}

/// Whether what is called so says what something else is: `key` and `name`, and not `api_key`.
fn names(name: &str, says: &dyn Fn(&str) -> Says) -> bool {
    names_one(name) && says(name) != Says::Surely
}

/// What a name tells of its own value.
fn own(name: &str, says: &dyn Fn(&str) -> Says) -> Says {
    if names(name, says) { Says::Nothing } else { says(name) }
}

/// What comes after `<`: a name, its attributes, and where the text behind the tag begins.
fn tag(text: &str, start: usize) -> Option<(&str, Vec<Attribute<'_>>, usize)> {
    let bytes = text.as_bytes();
    let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'.' | b'-') || b >= 0x80;
    let run = |from: usize, of: &dyn Fn(u8) -> bool| {
        from + bytes[from..].iter().position(|b| !of(*b)).unwrap_or(bytes.len() - from)
    };
    let space = |b: u8| b.is_ascii_whitespace();
    let mut at = run(start, &is_name);
    if at == start || bytes[start].is_ascii_digit() {
        return None;
    }
    let name = &text[start..at];
    let mut attributes = Vec::new();
    loop {
        at = run(at, &|b| space(b) || b == b'/');
        match bytes.get(at) {
            Some(b'>') => return Some((name, attributes, at + 1)),
            Some(b'<') | None => return Some((name, attributes, at)),
            Some(_) if attributes.len() == MAX_ATTRIBUTES => return Some((name, attributes, at)),
            Some(_) => {}
        }
        let begin = at;
        at = run(at, &is_name);
        if at == begin {
            return Some((name, attributes, at));
        }
        let attribute = &text[begin..at];
        let equals = run(at, &space);
        if bytes.get(equals) != Some(&b'=') {
            continue;
        }
        at = run(equals + 1, &space);
        let value = match bytes.get(at) {
            Some(quote @ (b'"' | b'\'')) => at + 1..run(at + 1, &|b| b != *quote),
            _ => at..run(at, &|b| !space(b) && !matches!(b, b'>' | b'<')),
        };
        at = value.end + usize::from(matches!(bytes.get(value.end), Some(b'"' | b'\'')));
        attributes.push(Attribute { name: attribute, value });
    }
}

/// The text behind a tag, without what only wraps it.
fn content(text: &str, start: usize) -> Range<usize> {
    const WRAPPED: &str = "<![CDATA[";
    let from = start + (text[start..].len() - text[start..].trim_start().len());
    match text[from..].strip_prefix(WRAPPED) {
        Some(inner) => {
            let from = from + WRAPPED.len();
            from..from + inner.find("]]>").unwrap_or(inner.len())
        }
        None => {
            let inner = &text[from..];
            // What no end follows is no element: `--token <token> --name <name>`.
            let end = inner.find('<').filter(|end| inner[*end..].starts_with("</"));
            from..from + end.map_or(0, |end| inner[..end].trim_end().len())
        }
    }
}

/// A name without its name space.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}
