//! Bytes into text: UTF-8 as a rule, UTF-16 with its mark, and never a refusal over a bad byte.

/// The text of a file, and what had to be done to it.
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) note: Option<String>,
}

/// Decodes a file. Bytes that aren't UTF-8 become U+FFFD, as Node.js and most readers do.
pub(super) fn text(bytes: Vec<u8>) -> Result<Decoded, &'static str> {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => return Ok(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => return Ok(utf16(rest, u16::from_be_bytes)),
        _ => {}
    }
    if is_binary(&bytes) {
        return Err("binary, not text");
    }
    let (text, note) = match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            (text, Some("bytes that aren't UTF-8 were replaced".to_owned()))
        }
    };
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    Ok(Decoded { text, note })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    Decoded { text: String::from_utf16_lossy(&units), note: Some("read as UTF-16".to_owned()) }
}

/// Whether it can't be source code: a NUL byte may hide in a string of a program that runs, many can't.
fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..8_000).unwrap_or(bytes);
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    zeros * 10 > head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_is_read_and_binaries_are_not() {
        let read = |bytes: &[u8]| text(bytes.to_vec()).map(|decoded| (decoded.text, decoded.note.is_some()));
        assert_eq!(read("é".as_bytes()), Ok(("é".to_owned(), false)));
        assert_eq!(read(b"\xef\xbb\xbfa"), Ok(("a".to_owned(), false)));
        assert_eq!(read(b"a\xffb"), Ok(("a\u{fffd}b".to_owned(), true)));
        assert_eq!(read(b"\xff\xfea\0b\0"), Ok(("ab".to_owned(), true)));
        assert_eq!(read(b"\xfe\xff\0a"), Ok(("a".to_owned(), true)));
        assert_eq!(
            read(b"'one \0 in a long enough string'"),
            Ok(("'one \0 in a long enough string'".to_owned(), false))
        );
        assert!(text(vec![0; 100]).is_err());
    }
}
