//! Parsers that only this crate calls, as functions of bytes: what fuzz targets run. Not part of the interface.

/// Whom a token speaks for, for this issuer and audience, signed by one of these keys.
#[cfg(feature = "front")]
#[must_use]
pub fn subject(keys: &[u8], token: &str, issuer: &str, audience: &str, now: f64) -> Option<String> {
    crate::front::oauth::subject(keys, token, issuer, audience, now)
}

/// Whether bytes are one answer of a Redis server.
#[cfg(feature = "redis")]
#[must_use]
pub fn is_store_reply(bytes: &[u8]) -> bool {
    crate::limit::is_store_reply(bytes)
}
