//! Encodings of a text: what a decoder turns back into letters.

use std::ops::Range;

use super::is_telling;

/// Shortest encoded run that is looked at, in characters.
pub(super) const SHORTEST: usize = 16;
/// Longest encoded run that is decoded.
const LONGEST: usize = 64 << 10;
/// Decodings inside one another that are followed.
const LAYERS: usize = 3;
/// Fewest codes in a list of them.
const FEWEST_CODES: usize = 8;

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
    runs.extend(listed_codes(bytes));
    runs.extend(grouped(bytes));
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

/// `49 67 6e`, `49:67:6e`, `0x49, 0x67` and `U+0049 U+0067`: codes in hexadecimal with a sign or two between.
fn listed_codes(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut codes = 0;
        let mut end = start;
        while let Some(after) = listed_code(bytes, at) {
            (end, codes) = (after, codes + 1);
            at = after + bytes[after..].iter().take(2).take_while(|byte| is_between_codes(**byte)).count();
            if at == after {
                break;
            }
        }
        if codes >= FEWEST_CODES && end - start <= LONGEST {
            runs.push(start..end);
        }
        at = at.max(start + 1);
    }
    runs
}

/// The end of a code that begins here.
fn listed_code(bytes: &[u8], at: usize) -> Option<usize> {
    if at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
        return None;
    }
    let prefix = if matches!(bytes.get(at..at + 2)?, b"0x" | b"0X" | b"U+" | b"u+") { 2 } else { 0 };
    let digits = bytes[at + prefix..].iter().take(7).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let is_whole = bytes.get(at + prefix + digits).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (is_whole && (digits == 2 || prefix > 0 && (1..=6).contains(&digits))).then_some(at + prefix + digits)
}

fn is_between_codes(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b':' | b';' | b'-')
}

/// `aWdub3Jl IHByZXZp b3VzIGlu`: pieces of one length, as an encoding looks that was broken into lines or groups. The last
/// piece may be shorter.
fn grouped(bytes: &[u8]) -> Vec<Range<usize>> {
    const FEWEST_PIECES: usize = 3;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    let piece = |at: usize| bytes[at..].iter().take_while(|byte| is_part(byte)).count();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let length = piece(at);
        let is_group = length >= 4 && length.is_multiple_of(4);
        let (mut pieces, mut end) = (1, start + length);
        at = end;
        while is_group && bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            let next = at + bytes[at..].iter().take(3).take_while(|byte| byte.is_ascii_whitespace()).count();
            let size = piece(next);
            // A piece of another length may begin a run of its own.
            if size == 0 || size > length {
                break;
            }
            (pieces, end) = (pieces + 1, next + size);
            if size < length {
                break;
            }
            at = end;
        }
        if pieces >= FEWEST_PIECES && (SHORTEST..=LONGEST).contains(&(end - start)) {
            runs.push(start..end);
        }
        at = at.max(start + 1);
    }
    runs
}

fn decoded(passage: &str, layers: usize) -> Option<(String, &'static str)> {
    type Decoder = fn(&str) -> Option<Vec<u8>>;
    const DECODERS: [(&str, Decoder); 9] = [
        ("percent encoding", percent),
        ("character escapes", escapes),
        ("octal escapes", octal),
        ("character references", references),
        ("hexadecimal", hexadecimal),
        ("codes of characters", listed),
        ("numbers of characters", numbers),
        ("base32", base32),
        ("base64", base64),
    ];
    // Eight characters take no fewer in any of these.
    if layers == 0 || passage.len() < SHORTEST {
        return None;
    }
    let mut readings = DECODERS.iter().filter_map(|(name, decoder)| {
        let text = text_of(decoder(passage)?).filter(|text| is_readable(text))?;
        Some((text, *name))
    });
    // Digits may be read in several ways; the one that says something is meant.
    let first = readings.next()?;
    let (text, name) =
        if is_telling(&first.0) { first } else { readings.find(|(text, _)| is_telling(text)).unwrap_or(first) };
    let inner = decoded(text.trim(), layers - 1).filter(|(inner, _)| is_telling(inner));
    Some((inner.map_or(text, |(inner, _)| inner), name))
}

/// Bytes as text: UTF-8, or UTF-16 when every other byte is zero, as Windows encodes commands.
fn text_of(bytes: Vec<u8>) -> Option<String> {
    let is_zero_at = |rest: usize| bytes.len() > 8 && bytes.iter().skip(rest).step_by(2).all(|byte| *byte == 0);
    let wide = |order: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    match (is_zero_at(0), is_zero_at(1)) {
        (true, _) => wide(u16::from_be_bytes),
        (_, true) => wide(u16::from_le_bytes),
        _ => String::from_utf8(bytes).ok(),
    }
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

/// `\111\147`
fn octal(text: &str) -> Option<Vec<u8>> {
    let codes = text.strip_prefix('\\')?.split('\\');
    codes.map(|code| if code.len() == 3 { u8::from_str_radix(code, 8).ok() } else { None }).collect()
}

/// `0x49, 0x67`, `U+0049 U+0067`, `49:67` and `=49=67`.
fn listed(text: &str) -> Option<Vec<u8>> {
    let is_between = |c: char| c == '=' || u8::try_from(c).is_ok_and(is_between_codes);
    let mut out = String::new();
    for code in text.split(is_between).filter(|code| !code.is_empty()) {
        let prefixes = ["0x", "0X", "U+", "u+"];
        let digits = prefixes.iter().find_map(|prefix| code.strip_prefix(prefix)).unwrap_or(code);
        if !(1..=6).contains(&digits.len()) || digits.len() == code.len() && digits.len() != 2 {
            return None;
        }
        out.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
    }
    Some(out.into_bytes())
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
    let mut pieces = text.split_ascii_whitespace().map(str::len);
    // Prose is not copied to find out that it is none.
    let is_grouped = pieces.next().is_some_and(|first| first >= 4 && pieces.next() == Some(first));
    let joined: String = if is_grouped { text.split_ascii_whitespace().collect() } else { String::new() };
    let text = if is_grouped { joined.as_str() } else { text };
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
