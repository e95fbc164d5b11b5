//! Access tokens, and answers of a shared store.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use manta_harden::fuzzing::{is_store_reply, subject};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use crate::{seeds, text};

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "https://mcp.example.com/mcp";
const NOW: f64 = 1_800_000_000.0;

static SIGNER: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[1; 32]).expect("32 bytes are a seed"));
static KEYS: LazyLock<String> = LazyLock::new(|| {
    let point = URL_SAFE_NO_PAD.encode(SIGNER.public_key());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": point }, { "kty": "oct", "k": point }] })
        .to_string()
});
/// What the issuer signed, and nobody else can.
static SIGNED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let claims =
        |more: &str| format!(r#"{{"iss":"{ISSUER}","aud":["{AUDIENCE}"],"sub":"alice","exp":1800000300{more}}}"#);
    let header = r#"{"alg":"EdDSA","kid":"k","typ":"at+jwt"}"#;
    let other = r#"{"alg":"none","kid":"k"}"#;
    [
        (header, claims("")),
        (header, claims(r#","nbf":9e99"#)),
        (header, claims(r#","sub":"root""#)),
        (other, claims("")),
    ]
    .into_iter()
    .map(|(header, claims)| {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(SIGNER.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    })
    .collect()
});

pub(crate) fn token_seeds() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = SIGNED.iter().map(|token| token.clone().into_bytes()).collect();
    all.push(KEYS.clone().into_bytes());
    all
}

/// A token, or a set of keys.
pub(crate) fn token(data: &[u8]) {
    let text = text(data);
    if let Some(subject) = subject(KEYS.as_bytes(), &text, ISSUER, AUDIENCE, NOW) {
        assert_eq!(subject, "alice");
        assert!(SIGNED.contains(&*text), "nobody else can sign: {text:?}");
    }
    for token in SIGNED.iter() {
        black_box(subject(data, token, ISSUER, AUDIENCE, NOW));
    }
}

pub(crate) fn store_seeds() -> Vec<Vec<u8>> {
    seeds(&[
        "*2\r\n:1\r\n$3\r\nabc\r\n",
        "+OK\r\n",
        "-NOSCRIPT x\r\n",
        "$-1\r\n",
        "*4\r\n:0\r\n$1\r\n7\r\n:1\r\n$4\r\n2500\r\n",
    ])
}

/// What a Redis server may answer.
pub(crate) fn store(data: &[u8]) {
    if is_store_reply(data) {
        assert!(data.windows(2).any(|pair| pair == b"\r\n"), "an answer has an end");
    }
}
