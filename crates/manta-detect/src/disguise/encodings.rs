//! Encodings of a text: what a decoder turns back into letters.

use std::ops::Range;

use super::is_telling;

/// Shortest encoded run that is looked at, in characters.
pub(super) const SHORTEST: usize = 16;
/// Longest encoded run that is decoded.
const LONGEST: usize = 64 << 10;
/// Decodings inside one another that are followed.
const LAYERS: usize = 3;

/// Passages that decode to something that is there for a reader.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = runs(text);
    found.retain(|range| decode(&text[range.clone()]).is_some_and(|(hidden, _)| is_telling(&hidden)));
    found
}

/// What an encoded passage says, with the name of its outermost encoding.
pub(super) fn decode(passage: &str) -> Option<(String, &'static str)> {
    decoded(passage, LAYERS)
}

/// Stretches that may be an encoding: no white space, at least [`SHORTEST`] characters of an encoding's alphabet.
fn runs(text: &str) -> Vec<Range<usize>> {
    let is_part = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'%' | b'\\' | b'&' | b'#' | b';')
    };
    let bytes = text.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_part(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_part(bytes[at]) {
            at += 1;
        }
        if (SHORTEST..=LONGEST).contains(&(at - start)) {
            runs.push(start..at);
        }
    }
    runs.extend(spaced_hex(bytes));
    runs.extend(spaced_numbers(bytes));
    runs
}

/// `73 103 110, 111`: codes of letters in decimal or binary, with a space or a comma between.
fn spaced_numbers(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric());
        if !starts {
            at += 1;
            continue;
        }
        let start = at;
        let mut end = at;
        while let Some(after) = number(bytes, at) {
            end = after;
            at = after + bytes[after..].iter().take(2).take_while(|byte| matches!(byte, b' ' | b',')).count();
            if at == after {
                break;
            }
        }
        if (SHORTEST..=LONGEST).contains(&(end - start)) {
            runs.push(start..end);
        }
        at = at.max(start + 1);
    }
    runs
}

/// The end of a number of two, three or eight digits.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes[at..].iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    matches!(digits, 2 | 3 | 8).then_some(at + digits)
}

/// `49 67 6e 6f 72 65`: bytes in hexadecimal with a space between.
fn spaced_hex(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_pair = |at: usize| {
        bytes.get(at..at + 2).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
            && bytes.get(at + 2).is_none_or(|byte| !byte.is_ascii_alphanumeric())
            && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
    };
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while is_pair(at) && bytes.get(at + 2) == Some(&b' ') {
            at += 3;
        }
        if is_pair(at) && at - start >= SHORTEST {
            runs.push(start..at + 2);
        }
        at = at.max(start) + 1;
    }
    runs
}

fn decoded(passage: &str, layers: usize) -> Option<(String, &'static str)> {
    type Decoder = fn(&str) -> Option<Vec<u8>>;
    const DECODERS: [(&str, Decoder); 7] = [
        ("percent encoding", percent),
        ("character escapes", escapes),
        ("character references", references),
        ("hexadecimal", hexadecimal),
        ("numbers of characters", numbers),
        ("base32", base32),
        ("base64", base64),
    ];
    // Eight characters take no fewer in any of these.
    if layers == 0 || passage.len() < SHORTEST {
        return None;
    }
    let mut readings = DECODERS.iter().filter_map(|(name, decoder)| {
        let text = String::from_utf8(decoder(passage)?).ok().filter(|text| is_readable(text))?;
        Some((text, *name))
    });
    // Digits may be read in several ways; the one that says something is meant.
    let first = readings.next()?;
    let (text, name) =
        if is_telling(&first.0) { first } else { readings.find(|(text, _)| is_telling(text)).unwrap_or(first) };
    let inner = decoded(text.trim(), layers - 1).filter(|(inner, _)| is_telling(inner));
    Some((inner.map_or(text, |(inner, _)| inner), name))
}

fn is_readable(text: &str) -> bool {
    let visible = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')).count();
    let all = text.chars().count();
    all >= 8 && visible == all
}

fn percent(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let marks = bytes.iter().filter(|byte| **byte == b'%').count();
    // A sentence with encoded spaces, or letters that needed no encoding.
    if marks < 4 {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3).and_then(byte_of)).flatten();
        out.push(pair.unwrap_or(bytes[at]));
        at += if pair.is_some() { 3 } else { 1 };
    }
    Some(out)
}

/// `\x49\x67` and `\u0049\u0067`.
fn escapes(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = match bytes.get(at..at + 2)? {
            br"\x" => 2,
            br"\u" => 4,
            _ => return None,
        };
        let code = std::str::from_utf8(bytes.get(at + 2..at + 2 + digits)?).ok()?;
        let c = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        at += 2 + digits;
    }
    Some(out)
}

/// `&#73;&#x67;`
fn references(text: &str) -> Option<Vec<u8>> {
    let mut out = String::new();
    for part in text.strip_prefix("&#")?.strip_suffix(';')?.split(";&#") {
        let code = match part.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => part.parse().ok()?,
        };
        out.push(char::from_u32(code)?);
    }
    Some(out.into_bytes())
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    // Most text has a letter beyond `f` near its start, and is not copied to find that out.
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b' ' | b'x')) {
        return None;
    }
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let digits = digits.strip_prefix(b"0x").unwrap_or(&digits);
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).map(byte_of).collect::<Option<Vec<u8>>>()).flatten()
}

/// Decimal or binary codes, with spaces or commas between.
fn numbers(text: &str) -> Option<Vec<u8>> {
    let radix = if text.bytes().all(|byte| matches!(byte, b'0' | b'1' | b' ' | b',')) { 2 } else { 10 };
    if !text.contains([' ', ',']) || !text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b',')) {
        return None;
    }
    let codes = text.split([' ', ',']).filter(|code| !code.is_empty());
    codes.map(|code| u8::from_str_radix(code, radix).ok()).collect()
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    let values = body.bytes().map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    });
    from_bits(values, 5)
}

fn byte_of(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let &[high, low] = pair else { return None };
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '=' | '+' | '/' | '-' | '_'));
    let body = text.trim_end_matches('=');
    // `ref=aWdub3Jl…`: padding stands at the end, so what is before another sign is a name.
    let body = body.rsplit('=').next().unwrap_or(body);
    if body.len() < SHORTEST || body.len() % 4 == 1 {
        return None;
    }
    let values = body.bytes().map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    });
    from_bits(values, 6)
}

/// Bytes of digits of `width` bits each; what is left over at the end is padding.
fn from_bits(values: impl Iterator<Item = Option<u8>>, width: u32) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for value in values {
        bits = bits << width | u32::from(value?);
        count += width;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(out)
}
