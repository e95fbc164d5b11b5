//! Percent-encoding (RFC 3986, section 2.1).

/// The text as it is written where nothing of it may mean anything, full stops included.
pub(crate) fn percent_encoded(text: &str) -> String {
    let each = text.bytes().map(|byte| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        _ => format!("%{byte:02x}"),
    });
    each.collect()
}

/// What an encoded text stands for; none where that is no text. A sign that begins no code is itself.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digit = |at: usize| behind.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).ok()?);
                rest = &behind[2..];
            }
            _ => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_to_itself() {
        assert_eq!(percent_encoded("../a b/é"), "%2e%2e%2fa%20b%2f%c3%a9");
        for text in ["../../etc/passwd", "a b", "é%", ""] {
            assert_eq!(percent_decoded(&percent_encoded(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_code_is_itself_and_what_is_no_text_nothing() {
        assert_eq!(percent_decoded("100%, %2 %zz %2E").as_deref(), Some("100%, %2 %zz ."));
        assert_eq!(percent_decoded("%ff"), None);
    }
}
