//! JSON whose values stay exactly what they are, and which is still safe to print: characters nobody can see are
//! written as `\u` escapes, so an escape sequence in a tool's name can't reach the terminal it is printed on.

use std::io;

use manta_core::untrusted::is_invisible;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::Options;

/// Indented, ending in a line feed.
#[must_use]
pub fn pretty(value: &impl Serialize) -> String {
    write(value, Escaping { inner: PrettyFormatter::new() })
}

/// On one line, ending in a line feed.
#[must_use]
pub fn compact(value: &impl Serialize) -> String {
    write(value, Escaping { inner: serde_json::ser::CompactFormatter })
}

/// Indented, or on one line when the run has several documents.
pub(crate) fn document(value: &impl Serialize, options: &Options) -> String {
    if options.several { compact(value) } else { pretty(value) }
}

fn write(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut out = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut out, formatter))
        .expect("reports have string keys, and writing to memory can't fail");
    out.push(b'\n');
    String::from_utf8(out).expect("serde_json writes UTF-8")
}

struct Escaping<F> {
    inner: F,
}

/// Hands the listed methods to the inner formatter.
macro_rules! inherit {
    ($($method:ident ( $($argument:ident : $type:ty),* );)+) => {
        $(fn $method<W: ?Sized + io::Write>(&mut self, writer: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.inner.$method(writer $(, $argument)*)
        })+
    };
}

impl<F: Formatter> Formatter for Escaping<F> {
    inherit! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_invisible) {
            let (plain, from) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let character = from.chars().next().expect("find gave the start of a character");
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &from[character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_and_nothing_invisible_is_written() {
        let hostile = "\u{1b}[31m\u{202e}\u{200b}\u{e0041}\u{9b}\u{10ffff} é\n\"\\";
        for text in [compact(&[hostile]), pretty(&[hostile])] {
            assert!(!text.trim_end().chars().any(|character| character != '\n' && is_invisible(character)), "{text:?}");
            let back: Vec<String> = serde_json::from_str(&text).unwrap();
            assert_eq!(back, [hostile]);
        }
    }
}
