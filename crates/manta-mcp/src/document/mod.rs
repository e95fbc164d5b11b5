//! Documents with the bytes they came from: what people and programs write down about servers.
//!
//! A finding about a client's configuration or a captured list of tools has to point at the line it means, so
//! these readers keep the span of every value and every key. They are lenient on purpose: comments, trailing
//! commas and repeated keys are what real files have, and a scanner must see what a sloppier reader would.

mod json;
mod toml;
mod yaml;

use std::fmt;

use manta_core::Span;

/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 128;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The bytes of the value, quotes and brackets included.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// A value of JSON, TOML or YAML.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, or nothing at all.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number or date, as written.
    Number(String),
    /// A text, with escapes resolved.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Members in the order they are written; a repeated key is there twice.
    Map(Vec<(Key, Node)>),
}

/// The key of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The bytes of the key, quotes included.
    pub span: Span,
    /// The key.
    pub text: String,
}

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Byte offset.
    pub offset: usize,
    /// What is wrong there: lowercase, no full stop.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.message)
    }
}

impl std::error::Error for Problem {}

/// The notations that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// JSON, with the comments and trailing commas that editors allow; several documents may follow one another.
    Json,
    /// TOML.
    Toml,
    /// YAML; anchors are resolved, custom tags ignored.
    Yaml,
}

impl Notation {
    /// The notation a file of this name is written in.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let extension = path.rsplit_once('.')?.1.to_ascii_lowercase();
        Some(match extension.as_str() {
            "json" | "jsonc" | "json5" | "jsonl" | "ndjson" | "code-workspace" => Self::Json,
            "toml" => Self::Toml,
            "yaml" | "yml" => Self::Yaml,
            _ => return None,
        })
    }
}

/// Reads a text; JSON may hold several documents, the others give one.
///
/// # Errors
/// The first thing that can't be read, with its place.
pub fn read(text: &str, notation: Notation) -> Result<Vec<Node>, Problem> {
    match notation {
        Notation::Json => json::read(text),
        Notation::Toml => toml::read(text).map(|node| vec![node]),
        Notation::Yaml => yaml::read(text),
    }
}

impl Node {
    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The elements of a list; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The members of a map; none for anything else.
    #[must_use]
    pub fn members(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(members) => members,
            _ => &[],
        }
    }

    /// The member of that name; of repeated ones the last, which is what most readers take.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.members().iter().rev().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The member's text, if there is such a member and it is a text.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    /// The value at the end of a path of names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// Whether it is a map.
    #[must_use]
    pub fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }
}

/// A span of offsets; files beyond 4 GiB are never read.
fn span(start: usize, end: usize) -> Span {
    Span::new(u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
}
