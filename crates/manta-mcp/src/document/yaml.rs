//! YAML with the places of its keys and values.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Key, MAX_DEPTH, Node, Problem, Value, span};

/// Most values a document may have once its aliases are written out: a few lines can otherwise stand for millions.
const MAX_NODES: usize = 200_000;

/// Reads every document of the stream.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Problem> {
    let offsets = Offsets::of(text);
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, place) = event.map_err(|error| Problem {
            offset: offsets.byte(error.marker().index()),
            message: error.info().to_owned(),
        })?;
        let (start, end) = (offsets.byte(place.start.index()), offsets.byte(place.end.index()));
        builder.take(event, start, end).map_err(|message| Problem { offset: start, message })?;
    }
    if builder.documents.is_empty() {
        return Err(Problem { offset: 0, message: "nothing but white space".to_owned() });
    }
    Ok(builder.documents)
}

/// Where each character starts; the parser counts characters, everybody else bytes.
struct Offsets {
    length: usize,
    /// Empty when every character is one byte.
    starts: Vec<usize>,
}

impl Offsets {
    fn of(text: &str) -> Self {
        let starts = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(start, _)| start).collect() };
        Self { length: text.len(), starts }
    }

    fn byte(&self, character: usize) -> usize {
        if self.starts.is_empty() {
            character.min(self.length)
        } else {
            self.starts.get(character).copied().unwrap_or(self.length)
        }
    }
}

/// A list or map that is still open.
struct Open {
    start: usize,
    anchor: usize,
    is_map: bool,
    items: Vec<Node>,
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, start: usize, end: usize) -> Result<(), String> {
        match event {
            Event::MappingStart(anchor, _) | Event::SequenceStart(anchor, _) => {
                if self.open.len() >= MAX_DEPTH {
                    return Err(format!("nested deeper than {MAX_DEPTH}"));
                }
                let is_map = matches!(event, Event::MappingStart(..));
                self.open.push(Open { start, anchor, is_map, items: Vec::new() });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let end = open.items.last().map_or(end, |last| last.span.end as usize).max(open.start);
                let value = if open.is_map { Value::Map(pairs(open.items)) } else { Value::List(open.items) };
                self.finish(Node { span: span(open.start, end), value }, open.anchor)?;
            }
            Event::Scalar(text, style, anchor, _) => {
                let value = if style == ScalarStyle::Plain { plain(&text) } else { Value::Text(text.into_owned()) };
                self.finish(Node { span: span(start, end), value }, anchor)?;
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).map_or(Value::Null, |node| node.value.clone());
                let node = Node { span: span(start, end), value };
                self.nodes += size(&node, MAX_NODES);
                self.finish(node, 0)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("more than {MAX_NODES} values"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(parent) => parent.items.push(node),
            None => self.documents.push(node),
        }
        Ok(())
    }
}

/// Number of values in a node, itself included, counted no further than `limit`.
fn size(node: &Node, limit: usize) -> usize {
    let children: Box<dyn Iterator<Item = &Node>> = match &node.value {
        Value::List(items) => Box::new(items.iter()),
        Value::Map(members) => Box::new(members.iter().map(|(_, value)| value)),
        _ => return 1,
    };
    let mut total = 1;
    for child in children {
        if total > limit {
            break;
        }
        total += size(child, limit - total.min(limit));
    }
    total
}

/// Keys and values alternate. What is merged (`<<: *base`) comes last, and only where the map has no such key.
fn pairs(items: Vec<Node>) -> Vec<(Key, Node)> {
    let mut members: Vec<(Key, Node)> = Vec::with_capacity(items.len() / 2);
    let mut merged = Vec::new();
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        let text = match key.value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Bool(value) => value.to_string(),
            Value::Null | Value::List(_) | Value::Map(_) => String::new(),
        };
        match value.value {
            Value::Map(base) if text == "<<" => merged.extend(base),
            Value::List(bases) if text == "<<" => merged.extend(bases.into_iter().flat_map(into_members)),
            _ => members.push((Key { span: key.span, text }, value)),
        }
    }
    for (key, value) in merged {
        if !members.iter().any(|(own, _)| own.text == key.text) {
            members.push((key, value));
        }
    }
    members
}

fn into_members(node: Node) -> Vec<(Key, Node)> {
    match node.value {
        Value::Map(members) => members,
        _ => Vec::new(),
    }
}

/// A scalar without quotes, by the core schema.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if text.parse::<f64>().is_ok() => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        read(text).unwrap().remove(0)
    }

    #[test]
    fn maps_lists_and_their_places() {
        let text =
            "# é\nextensions:\n  fs:\n    cmd: npx\n    args: [-y, 'pkg']\n    timeout: 300\n    enabled: true\n";
        let node = one(text);
        let server = node.at(&["extensions", "fs"]).unwrap();
        let command = server.get("cmd").unwrap();
        assert_eq!(command.text(), Some("npx"));
        assert_eq!(&text[command.span.start as usize..command.span.end as usize], "npx");
        assert_eq!(server.get("args").unwrap().items()[1].text(), Some("pkg"));
        assert_eq!(server.get("timeout").unwrap().value, Value::Number("300".to_owned()));
        assert_eq!(server.get("enabled").unwrap().bool(), Some(true));
    }

    #[test]
    fn aliases_are_written_out_within_limits() {
        let node = one("a: &x {k: v}\nb: *x\n");
        assert_eq!(node.at(&["b", "k"]).and_then(Node::text), Some("v"));
        let node = one("a: &x {k: v, l: w}\nb:\n  l: own\n  <<: *x\nc:\n  <<: [*x, {m: n}]\n");
        assert_eq!(node.at(&["b", "k"]).and_then(Node::text), Some("v"));
        assert_eq!(node.at(&["b", "l"]).and_then(Node::text), Some("own"));
        assert_eq!(node.at(&["c", "m"]).and_then(Node::text), Some("n"));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(read(&bomb).unwrap_err().message.contains("values"));
    }

    #[test]
    fn what_cannot_be_read_is_a_problem() {
        assert!(read("a: [1, 2").is_err());
        assert!(read("").is_err());
        assert!(read(&"[".repeat(5000)).is_err());
    }
}
