//! HMAC-SHA-256 (RFC 2104), hexadecimal and lengths, for chain, policy hash and keyed digests.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

const BLOCK: usize = 64;

/// HMAC-SHA-256.
pub(crate) fn hmac_sha256(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut inner_pad = [0x36u8; BLOCK];
    let mut outer_pad = [0x5cu8; BLOCK];
    for (i, byte) in key.iter().enumerate() {
        inner_pad[i] ^= byte;
        outer_pad[i] ^= byte;
    }
    let inner = Sha256::new().chain_update(inner_pad).chain_update(message).finalize();
    Sha256::new().chain_update(outer_pad).chain_update(inner).finalize().into()
}

/// Lowercase hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits_of(*byte)).map(char::from).collect()
}

const fn digits_of(byte: u8) -> [u8; 2] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

/// Lowercase hexadecimal of a known length (`TEXT` digits), which needs no allocation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hex<const TEXT: usize>([u8; TEXT]);

impl<const TEXT: usize> Hex<TEXT> {
    /// Of the first `TEXT / 2` bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut text = [b'0'; TEXT];
        for (place, byte) in text.chunks_exact_mut(2).zip(bytes) {
            place.copy_from_slice(&digits_of(*byte));
        }
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits")
    }
}

impl<const TEXT: usize> std::fmt::Debug for Hex<TEXT> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Bytes of a value as JSON, without writing them anywhere; `None` for what JSON cannot carry.
pub(crate) fn serialised_len(value: &impl serde::Serialize) -> Option<usize> {
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).ok().map(|()| length.0)
}

/// No serialisation of these members is longer; `None` when saying so would take longer than serialising.
pub(crate) fn at_most(members: &Map<String, Value>, most_members: usize) -> Option<u64> {
    const ESCAPED: u64 = 6; // `\u0000`
    let text = |text: &str| ESCAPED * text.len() as u64 + 3;
    members.iter().take(most_members + 1).enumerate().try_fold(2, |sum, (position, (name, value))| {
        let value = match value {
            Value::Null | Value::Bool(_) => 6,
            Value::Number(_) => 32,
            Value::String(value) => text(value),
            Value::Array(_) | Value::Object(_) => return None,
        };
        (position < most_members).then_some(sum + text(name) + value)
    })
}

/// Reads exactly `N` bytes of hexadecimal.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0u8; N];
    if text.len() != N * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[i * 2..i * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_agrees_with_rfc_4231_case_2_padded_key() {
        // Case 2 has the key "Jefe"; HMAC pads short keys with zeros, so this is the same key.
        let mut key = [0u8; 32];
        key[..4].copy_from_slice(b"Jefe");
        let mac = hmac_sha256(&key, b"what do ya want for nothing?");
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn hex_round_trips_and_refuses_other_text() {
        let bytes: [u8; 3] = [0, 0x7f, 0xff];
        assert_eq!(unhex::<3>(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex::<3>("00zz00"), None);
        assert_eq!(unhex::<3>("0000"), None);
        assert_eq!(unhex::<1>("é"), None);
    }
}
