//! The strict walk: one pass over the bytes that accepts only messages with a single reading.
//!
//! Recursive descent over RFC 8259, bounded by the depth limit, plus the rules of
//! [`Refusal`]. It builds no tree: it keeps the spans of the members in [`PARTS`] and, per open
//! object, a hash of each key to notice duplicates.

use std::borrow::Cow;

use crate::frame::{PARTS, Place};
use crate::{Direction, Frame, FrameError, Id, Kind, Limits, Part, Refusal, Span, text};

/// Largest integer that a double, and so JavaScript, keeps exactly.
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Integers with up to this many digits are safe without looking at their value.
const SURELY_SAFE_DIGITS: usize = 15;

/// Numbers shorter than this and without an exponent can't overflow a double.
const SURELY_FINITE_DIGITS: usize = 300;

type Walk<T> = Result<T, FrameError>;

pub(crate) struct Walker<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    direction: Direction,
    depth: u16,
    max_depth: u16,
    /// Keys of all open objects, innermost last.
    keys: Vec<Key<'a>>,
    spans: Box<[Span; PARTS.len()]>,
}

/// A key with its quotes stripped, still escaped, and the hash of its folded decoded form.
#[derive(Clone, Copy)]
struct Key<'a> {
    hash: u64,
    raw: &'a str,
    escaped: bool,
}

impl<'a> Walker<'a> {
    pub(crate) fn walk(bytes: &'a [u8], direction: Direction, limits: &Limits) -> Walk<Frame<'a>> {
        let bytes = strip_line_break(bytes);
        if bytes.len() > limits.max_bytes.min(u32::MAX as usize) {
            return Err(FrameError { refusal: Refusal::TooLong, at: limits.max_bytes });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| FrameError { refusal: Refusal::NotUtf8, at: error.valid_up_to() })?;
        if text.starts_with('\u{feff}') {
            return Err(FrameError { refusal: Refusal::ByteOrderMark, at: 0 });
        }
        let mut walker = Self {
            text,
            bytes,
            at: 0,
            direction,
            depth: 0,
            max_depth: limits.max_depth,
            keys: Vec::with_capacity(16),
            spans: Box::new([const { 0..0 }; PARTS.len()]),
        };
        walker.message()?;
        walker.finish()
    }

    fn message(&mut self) -> Walk<()> {
        self.space()?;
        match self.peek() {
            Some(b'{') => self.object(Place::Top)?,
            Some(b'[') => return self.refuse(Refusal::Batch),
            None => return self.refuse(Refusal::Syntax),
            Some(_) => {
                self.value(Place::Data)?;
                return self.refuse(Refusal::NotAnObject);
            }
        }
        self.space()?;
        if self.at == self.bytes.len() { Ok(()) } else { self.refuse(Refusal::TrailingData) }
    }

    /// Decides what kind of message the object was.
    fn finish(self) -> Walk<Frame<'a>> {
        let raw = |part: Part| {
            let span = &self.spans[part as usize];
            (span.start < span.end).then(|| &self.text[span.start as usize..span.end as usize])
        };
        let error = |refusal, part: Part| FrameError { refusal, at: self.spans[part as usize].start as usize };
        if raw(Part::JsonRpc) != Some("\"2.0\"") {
            return Err(error(Refusal::NotJsonRpc, Part::JsonRpc));
        }
        let kind = match (raw(Part::Method), raw(Part::Id), raw(Part::Result), raw(Part::Error)) {
            (Some(_), Some(_), None, None) => Kind::Request,
            (Some(_), None, None, None) => Kind::Notification,
            (None, Some(_), Some(_), None) => Kind::Response,
            (None, _, None, Some(_)) => Kind::Error,
            _ => return Err(error(Refusal::NotJsonRpc, Part::Method)),
        };
        if raw(Part::Params).is_some_and(|params| !params.starts_with('{') && params != "null") {
            return Err(error(Refusal::ParamsNotObject, Part::Params));
        }
        let is_to_server = self.direction == Direction::ToServer;
        if is_to_server && raw(Part::Meta).is_some_and(|meta| !meta.starts_with('{') && meta != "null") {
            return Err(error(Refusal::MetaNotObject, Part::Meta));
        }
        let id = match raw(Part::Id) {
            None => None,
            Some("null") if kind == Kind::Error => None,
            Some(id) => Some(Id::from_json(id).ok_or_else(|| error(Refusal::BadId, Part::Id))?),
        };
        let method = match raw(Part::Method) {
            None => None,
            Some(method) => Some(text::decode_string(method).ok_or_else(|| error(Refusal::NotJsonRpc, Part::Method))?),
        };
        Ok(Frame::new(self.text, kind, id, method, self.spans))
    }

    fn value(&mut self, place: Place) -> Walk<()> {
        match self.peek() {
            Some(b'{') => self.object(place),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => self.refuse(Refusal::Syntax),
        }
    }

    fn object(&mut self, place: Place) -> Walk<()> {
        self.descend()?;
        let first_key = self.keys.len();
        self.at += 1;
        self.space()?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            let key = self.key(first_key)?;
            self.space()?;
            self.expect(b':')?;
            self.space()?;
            self.member(place, key)?;
            self.space()?;
            match self.next() {
                Some(b',') => self.space()?,
                Some(b'}') => break,
                _ => return self.refuse_previous(Refusal::Syntax),
            }
        }
        self.no_duplicates(first_key)?;
        self.keys.truncate(first_key);
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self) -> Walk<()> {
        self.descend()?;
        self.at += 1;
        self.space()?;
        if self.peek() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            self.value(Place::Data)?;
            self.space()?;
            match self.next() {
                Some(b',') => self.space()?,
                Some(b']') => break,
                _ => return self.refuse_previous(Refusal::Syntax),
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// The value of one member; keeps its span when the protocol names it.
    fn member(&mut self, place: Place, key: Key<'a>) -> Walk<()> {
        let start = self.at;
        let part = if place == Place::Data { None } else { self.known_part(place, key)? };
        let inner = match part {
            Some(Part::Params) => Place::Params,
            Some(Part::Result) => Place::Result,
            Some(Part::Meta) => Place::ParamsMeta,
            _ => Place::Data,
        };
        self.value(inner)?;
        if let Some(part) = part {
            self.spans[part as usize] = narrow(start)..narrow(self.at);
        }
        Ok(())
    }

    /// The part that a key names at this place. A key that only folds to a protocol key is refused:
    /// decoders that ignore case would read it as that key.
    fn known_part(&self, place: Place, key: Key<'a>) -> Walk<Option<Part>> {
        let name = key.decoded();
        let parts = place.parts();
        if name.is_ascii() {
            // No character folds to a longer one, and in ASCII none to a shorter one.
            let alike = parts.iter().find(|(_, _, part_key)| part_key.eq_ignore_ascii_case(&name));
            return match alike {
                Some((part, _, part_key)) if *part_key == name => Ok(Some(*part)),
                Some(_) => self.refuse(Refusal::CaseVariant),
                None => Ok(None),
            };
        }
        let is_twin = |part_key: &str| text::fold_key(part_key).eq(text::fold_key(&name));
        match parts.iter().any(|(_, _, part_key)| part_key.len() <= name.len() && is_twin(part_key)) {
            true => self.refuse(Refusal::CaseVariant),
            false => Ok(None),
        }
    }

    fn key(&mut self, first_key: usize) -> Walk<Key<'a>> {
        if self.peek() != Some(b'"') {
            return self.refuse(Refusal::Syntax);
        }
        let start = self.at + 1;
        let escaped = self.string()?;
        let mut key = Key { hash: 0, raw: &self.text[start..self.at - 1], escaped };
        let name = key.decoded();
        // Unescaped, it would have been refused as a control character.
        if escaped && name.contains('\0') {
            return self.refuse(Refusal::NulInKey);
        }
        if self.direction == Direction::ToServer && name == "__proto__" {
            return self.refuse(Refusal::PrototypeKey);
        }
        key.hash = hash_folded(&name);
        // Few keys: compare at once, so that the refusal points at the second of the two. With every key of that hash:
        // before the first of two equal keys may stand a third that only folds to them.
        if self.keys.len() - first_key < FEW_KEYS {
            for earlier in self.keys[first_key..].iter().filter(|earlier| earlier.hash == key.hash) {
                self.compare_twins(*earlier, key)?;
            }
        }
        self.keys.push(key);
        Ok(key)
    }

    /// Duplicates among the keys of a large object, in n log n.
    fn no_duplicates(&mut self, first_key: usize) -> Walk<()> {
        if self.keys.len() - first_key <= FEW_KEYS {
            return Ok(());
        }
        // By their text as well: between two equal keys there is then none that only has their hash.
        self.keys[first_key..]
            .sort_unstable_by(|one, other| one.hash.cmp(&other.hash).then_with(|| one.decoded().cmp(&other.decoded())));
        for index in first_key + 1..self.keys.len() {
            if self.keys[index - 1].hash == self.keys[index].hash {
                self.compare_twins(self.keys[index - 1], self.keys[index])?;
            }
        }
        Ok(())
    }

    /// Two keys of one object with the same folded hash. Different keys that collide are refused as
    /// well when they travel to a server: by chance that happens once in 2^64 pairs, so it is an attack.
    fn compare_twins(&self, one: Key<'a>, other: Key<'a>) -> Walk<()> {
        if one.decoded() == other.decoded() {
            return self.refuse(Refusal::DuplicateKey);
        }
        match self.direction {
            Direction::ToServer => self.refuse(Refusal::CaseTwin),
            // A result may hold data such as counts per letter; protocol members are covered by `known_part`.
            Direction::ToClient => Ok(()),
        }
    }

    /// Skips a string, checking escapes; returns whether it had any.
    fn string(&mut self) -> Walk<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.skip_plain() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                // A raw control character, or the end of the frame.
                _ => return self.refuse(Refusal::Syntax),
            }
        }
    }

    /// Moves to the next quote, backslash or control character.
    fn skip_plain(&mut self) -> Option<u8> {
        // Most strings are short, and a call into the vector search costs as much as a dozen bytes.
        let near = self.at.saturating_add(24).min(self.bytes.len());
        while self.at < near {
            if !PLAIN[self.bytes[self.at] as usize] {
                return Some(self.bytes[self.at]);
            }
            self.at += 1;
        }
        let rest = &self.bytes[self.at..];
        let end = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let plain = &rest[..end];
        // Written without early exit so that the compiler vectorises it.
        if plain.iter().fold(false, |any, byte| any | (*byte < 0x20)) {
            let control = plain.iter().position(|byte| *byte < 0x20).expect("the fold saw one");
            self.at += control;
        } else {
            self.at += end;
        }
        self.peek()
    }

    fn escape(&mut self) -> Walk<()> {
        self.at += 1;
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.hex4()? {
                0xd800..=0xdbff => {
                    if self.next() != Some(b'\\') || self.next() != Some(b'u') {
                        return self.refuse_previous(Refusal::LoneSurrogate);
                    }
                    match self.hex4()? {
                        0xdc00..=0xdfff => Ok(()),
                        _ => self.refuse_previous(Refusal::LoneSurrogate),
                    }
                }
                0xdc00..=0xdfff => self.refuse_previous(Refusal::LoneSurrogate),
                _ => Ok(()),
            },
            _ => self.refuse_previous(Refusal::Syntax),
        }
    }

    fn hex4(&mut self) -> Walk<u32> {
        let mut code = 0;
        for _ in 0..4 {
            match self.next().and_then(|byte| char::from(byte).to_digit(16)) {
                Some(digit) => code = code << 4 | digit,
                None => return self.refuse_previous(Refusal::Syntax),
            }
        }
        Ok(code)
    }

    fn number(&mut self) -> Walk<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let integer_start = self.at;
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.refuse(Refusal::Syntax),
        }
        let integer_end = self.at;
        let has_fraction = self.peek() == Some(b'.');
        if has_fraction {
            self.at += 1;
            self.some_digits()?;
        }
        let has_exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        if has_exponent || self.at - start > SURELY_FINITE_DIGITS {
            let finite = self.text[start..self.at].parse::<f64>().is_ok_and(f64::is_finite);
            if !finite {
                return self.refuse(Refusal::NumberOverflow);
            }
        }
        let is_integer = !has_fraction && !has_exponent;
        if is_integer && self.direction == Direction::ToServer {
            self.safe_integer(&self.text[integer_start..integer_end])?;
        }
        Ok(())
    }

    fn safe_integer(&self, digits: &str) -> Walk<()> {
        let safe = digits.len() <= SURELY_SAFE_DIGITS
            || digits.parse::<u64>().is_ok_and(|magnitude| magnitude <= MAX_SAFE_INTEGER);
        if safe { Ok(()) } else { self.refuse(Refusal::UnsafeInteger) }
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Walk<()> {
        let start = self.at;
        self.digits();
        if self.at > start { Ok(()) } else { self.refuse(Refusal::Syntax) }
    }

    fn literal(&mut self, word: &str) -> Walk<()> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            self.refuse(Refusal::Syntax)
        }
    }

    fn space(&mut self) -> Walk<()> {
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\n') => self.at += 1,
                // Python's text streams end a line here.
                Some(b'\r') => return self.refuse(Refusal::CarriageReturn),
                _ => return Ok(()),
            }
        }
    }

    fn descend(&mut self) -> Walk<()> {
        self.depth += 1;
        if self.depth > self.max_depth { self.refuse(Refusal::TooDeep) } else { Ok(()) }
    }

    fn expect(&mut self, byte: u8) -> Walk<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            self.refuse(Refusal::Syntax)
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn refuse<T>(&self, refusal: Refusal) -> Walk<T> {
        Err(FrameError { refusal, at: self.at })
    }

    fn refuse_previous<T>(&self, refusal: Refusal) -> Walk<T> {
        Err(FrameError { refusal, at: self.at.saturating_sub(1) })
    }
}

/// Up to this many keys are compared pairwise.
const FEW_KEYS: usize = 16;

impl<'a> Key<'a> {
    fn decoded(&self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let quoted = format!("\"{}\"", self.raw);
        Cow::Owned(text::decode_string(&quoted).map(Cow::into_owned).expect("the walker checked every escape"))
    }
}

/// FNV-1a over the folded characters.
fn hash_folded(name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut mix = |code: u32| hash = (hash ^ u64::from(code)).wrapping_mul(0x0100_0000_01b3);
    if name.is_ascii() {
        name.bytes().for_each(|byte| mix(u32::from(byte.to_ascii_lowercase())));
    } else {
        text::fold_key(name).for_each(|c| mix(u32::from(c)));
    }
    hash
}

/// Bytes that stand for themselves inside a string.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

fn strip_line_break(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).expect("frames are shorter than 4 GiB")
}
