//! Access tokens: JSON Web Tokens, checked without a network (RFC 7515, 7519, 8725, 9068).
//!
//! Only public-key algorithms exist here, so `none` and "the public key as HMAC secret" (CVE-2015-9235,
//! CVE-2016-5431) are not refused but absent. The algorithm must suit the key, not only the header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::keys::KeySet;

/// Longest token that is looked at.
const MAX_TOKEN: usize = 16 << 10;
/// How far clocks may differ, in seconds.
const LEEWAY: f64 = 60.0;

/// What a token must say to be for us.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) issuer: String,
    pub(super) audience: String,
    /// All of these scopes.
    pub(super) scopes: Vec<String>,
}

/// Who a valid token speaks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Subject {
    pub(super) name: String,
    /// The last moment at which it counts, in seconds since 1970.
    pub(super) until: f64,
}

/// Why a token is refused. The texts go to the caller; none of them repeats what the token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It names a key that the set does not have: perhaps a new one.
    UnknownKey,
    /// It is invalid, whatever keys there are.
    Invalid(&'static str),
    /// It is valid and may not do this.
    Scope,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "even_null")]
    crit: Option<Value>,
    #[serde(default, deserialize_with = "even_null")]
    b64: Option<Value>,
}

/// A member that is there counts as there, also when its value is `null`.
fn even_null<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: OneOrMany,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    scope: Option<String>,
    /// How some issuers spell `scope`.
    scp: Option<OneOrMany>,
    /// The key of the client that alone may use it (RFC 7800).
    #[serde(default, deserialize_with = "even_null")]
    cnf: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Checks form, signature and claims; `now` is in seconds since 1970.
pub(super) fn verify(token: &str, keys: &KeySet, expected: &Expected, now: f64) -> Result<Subject, Refusal> {
    if token.len() > MAX_TOKEN {
        return Err(Refusal::Invalid("the token is too long"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::Invalid("the token is no JWT"));
    };
    let signed = &token[..header.len() + 1 + claims.len()];
    let header: Header = decode(header)?;
    let is_access_token = header.typ.as_deref().is_none_or(|typ| {
        let typ = typ.to_ascii_lowercase();
        matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
    });
    if !is_access_token {
        return Err(Refusal::Invalid("the token is no access token"));
    }
    // Extensions that must be understood, and we understand none (RFC 7515 §4.1.11).
    if header.crit.is_some() || header.b64.is_some() {
        return Err(Refusal::Invalid("the token uses an unknown extension"));
    }
    let signature = bytes(signature)?;
    keys.verify(&header.alg, header.kid.as_deref(), signed.as_bytes(), &signature)?;
    // Nothing of the claims is believed before this line.
    judge(&decode(claims)?, expected, now)
}

fn judge(claims: &Claims, expected: &Expected, now: f64) -> Result<Subject, Refusal> {
    if claims.iss != expected.issuer {
        return Err(Refusal::Invalid("the token is from another issuer"));
    }
    if !contains(&claims.aud, &expected.audience) {
        return Err(Refusal::Invalid("the token is for another audience"));
    }
    // Written so that a number that is none fails.
    let is_live = claims.exp > now - LEEWAY;
    let is_begun = claims.nbf.is_none_or(|from| from <= now + LEEWAY);
    let is_past = claims.iat.is_none_or(|issued| issued <= now + LEEWAY);
    if !(is_live && is_begun && is_past) {
        return Err(Refusal::Invalid("the token has expired or is not valid yet"));
    }
    let subject = &claims.sub;
    if subject.is_empty() || subject.len() > 256 || subject.chars().any(char::is_control) {
        return Err(Refusal::Invalid("the token has no usable subject"));
    }
    // Nobody may become the user at the keyboard by taking his name.
    if subject == crate::policy::LOCAL {
        return Err(Refusal::Invalid("the token's subject is a reserved name"));
    }
    // Whoever presents it here proves nothing about that key: a stolen one would do (RFC 8705 §3, RFC 9449 §7.1).
    if claims.cnf.is_some() {
        return Err(Refusal::Invalid("the token is bound to a key whose proof is not checked here"));
    }
    let granted = |wanted: &String| {
        claims.scope.iter().flat_map(|scopes| scopes.split(' ')).any(|scope| scope == wanted)
            || match &claims.scp {
                Some(OneOrMany::One(scopes)) => scopes.split(' ').any(|scope| scope == wanted),
                Some(OneOrMany::Many(scopes)) => scopes.contains(wanted),
                None => false,
            }
    };
    match expected.scopes.iter().all(granted) {
        true => Ok(Subject { name: subject.clone(), until: claims.exp + LEEWAY }),
        false => Err(Refusal::Scope),
    }
}

fn contains(values: &OneOrMany, wanted: &str) -> bool {
    match values {
        OneOrMany::One(value) => value == wanted,
        OneOrMany::Many(values) => values.iter().any(|value| value == wanted),
    }
}

/// Without padding, without white space, with no bits left over: one text per value (RFC 7515 §2).
fn bytes(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Invalid("the token is no JWT"))
}

/// A struct, not a map: serde refuses a member that comes twice. It would also take a list for one, which nobody else
/// reads as such.
fn decode<T: DeserializeOwned>(part: &str) -> Result<T, Refusal> {
    let text = bytes(part)?;
    if text.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::Invalid("the token is no JWT"));
    }
    serde_json::from_slice(&text).map_err(|_| Refusal::Invalid("the token lacks what an access token has"))
}
