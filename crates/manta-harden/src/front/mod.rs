//! Who is let in over HTTP (feature `front`), for `manta serve` and `manta guard` alike.
//!
//! Three ways in: everybody who reaches a loopback address, whoever presents a key that names its holder, or
//! whoever brings an access token of one issuer ([`Gate`]). What was presented says who calls and goes no
//! further: a credential that is handed on opens the next door as well (CWE-441, CWE-522).

mod connection;
mod listen;
pub(crate) mod oauth;
mod request;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub use connection::{Crowd, Place, send_away, speak};
pub use listen::{accept, listen};
pub use oauth::Gate;
#[cfg(all(test, feature = "serve"))]
pub(crate) use oauth::tests as issuers;
pub use request::{check_form, is_last};

/// A key in a header of its own, for clients that can't send a bearer token.
const API_KEY: &str = "x-api-key";
/// Shortest key: shorter ones are guessed.
const MIN_KEY: usize = 16;

/// Why a request is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// 401: no credential, or none that counts; the text is `error_description`.
    Unauthorized(Option<&'static str>),
    /// 403: the token lacks a scope.
    Scope,
    /// 503: the issuer's keys cannot be had, so nobody can be judged.
    Unavailable,
}

impl Rejected {
    /// HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unauthorized(_) => 401,
            Self::Scope => 403,
            Self::Unavailable => 503,
        }
    }

    /// What the body of the answer says.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "a bearer token or key is needed",
            Self::Scope => "the token lacks a scope",
            Self::Unavailable => "tokens can't be checked now",
        }
    }
}

/// Keys that open the door, each with the principal that holds it. Kept as digests.
#[derive(Clone)]
pub struct Keys(Arc<[([u8; 32], String)]>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, principal)| principal)).finish()
    }
}

impl Keys {
    /// Principals with the keys they present.
    ///
    /// # Errors
    /// The principal whose key has fewer than 16 characters, or has the key of another.
    pub fn new(held: impl IntoIterator<Item = (String, String)>) -> Result<Self, String> {
        let mut keys: Vec<([u8; 32], String)> = Vec::new();
        for (principal, key) in held {
            if key.len() < MIN_KEY {
                return Err(format!("the key of `{principal}` has fewer than {MIN_KEY} characters"));
            }
            let digest = digest(&key);
            if let Some((_, other)) = keys.iter().find(|(known, _)| *known == digest) {
                return Err(format!("`{principal}` and `{other}` have the same key"));
            }
            keys.push((digest, principal));
        }
        Ok(Self(keys.into()))
    }

    fn holder(&self, key: &str) -> Option<&str> {
        let given = digest(key);
        // Every key is compared to its end: the time says neither which nor how much was right (CWE-208).
        self.0.iter().fold(None, |found, (known, principal)| {
            let difference = known.iter().zip(given).fold(0, |difference, (a, b)| difference | (a ^ b));
            if difference == 0 { Some(principal) } else { found }
        })
    }
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name that rules, limits and records know.
    pub principal: String,
    /// When what was presented stops to count. A stream that goes on for longer has to end then, or whoever was shut out
    /// would go on listening (CWE-613).
    pub until: Option<Instant>,
}

impl Caller {
    fn always(principal: &str) -> Self {
        Self { principal: principal.to_owned(), until: None }
    }
}

/// Who is let in.
#[derive(Debug, Clone)]
pub enum Door {
    /// Everybody who reaches the address: for loopback only.
    Open,
    /// Whoever presents a key, as a bearer token or in `X-Api-Key`.
    Keys(Keys),
    /// Whoever brings an access token.
    OAuth(Gate),
}

impl Door {
    /// The principal that asks.
    ///
    /// # Errors
    /// Why it is not let in.
    pub async fn admit(&self, headers: &HeaderMap) -> Result<Caller, Rejected> {
        match self {
            Self::Open => Ok(Caller::always(crate::policy::LOCAL)),
            Self::Keys(keys) => {
                let holder = key(headers).and_then(|key| keys.holder(key));
                holder.map(Caller::always).ok_or(Rejected::Unauthorized(None))
            }
            Self::OAuth(gate) => gate.admit(bearer(headers)).await,
        }
    }

    /// `WWW-Authenticate` for a refusal.
    #[must_use]
    pub fn challenge(&self, rejected: Rejected) -> String {
        match self {
            Self::OAuth(gate) => gate.challenge(rejected),
            _ => "Bearer".to_owned(),
        }
    }

    /// The page of RFC 9728 that clients find at this path, when it is one.
    #[must_use]
    pub fn metadata(&self, path: &str) -> Option<Value> {
        match self {
            Self::OAuth(gate) if gate.is_metadata_path(path) => Some(gate.metadata()),
            _ => None,
        }
    }
}

/// The one bearer token of a request. Two `Authorization` headers are none: a proxy may have read the other.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = single(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The one key of a request. Two credentials are none.
fn key(headers: &HeaderMap) -> Option<&str> {
    match (headers.contains_key(AUTHORIZATION), headers.contains_key(API_KEY)) {
        (true, false) => bearer(headers),
        (false, true) => single(headers, API_KEY),
        _ => None,
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[tokio::test]
    async fn a_key_says_who_calls_and_two_credentials_are_none() {
        let (alice, bob) = ("alice's key of 22 bytes", "bob's key of twenty bytes");
        let held = [("alice", alice), ("bob", bob)].map(|(who, key)| (who.to_owned(), key.to_owned()));
        let door = Door::Keys(Keys::new(held).unwrap());
        let bearer = |key: &str| format!("Bearer {key}");
        for (given, principal) in [
            (headers(&[("authorization", &bearer(alice))]), Some("alice")),
            (
                headers(&[("authorization", &bearer(alice).to_lowercase().replacen("bearer", "BEARER", 1))]),
                Some("alice"),
            ),
            (headers(&[("x-api-key", bob)]), Some("bob")),
            (headers(&[]), None),
            (headers(&[("x-api-key", "")]), None),
            (headers(&[("x-api-key", &bob[1..])]), None),
            (headers(&[("authorization", &format!("Basic {alice}"))]), None),
            (headers(&[("authorization", &bearer(&format!("{alice}x")))]), None),
            (headers(&[("x-api-key", alice), ("authorization", &bearer(alice))]), None),
            (headers(&[("x-api-key", alice), ("x-api-key", alice)]), None),
            (headers(&[("authorization", &bearer(alice)), ("authorization", &bearer(bob))]), None),
        ] {
            let expected = principal.map(Caller::always).ok_or(Rejected::Unauthorized(None));
            assert_eq!(door.admit(&given).await, expected, "{given:?}");
        }
    }

    #[test]
    fn keys_are_long_and_have_one_holder() {
        let keys =
            |held: &[(&str, &str)]| Keys::new(held.iter().map(|(who, key)| ((*who).to_owned(), (*key).to_owned())));
        assert!(keys(&[("a", "too short")]).is_err());
        assert!(keys(&[("a", "0123456789abcdef"), ("b", "0123456789abcdef")]).unwrap_err().contains("same key"));
        assert!(!format!("{:?}", keys(&[("a", "0123456789abcdef")]).unwrap()).contains("0123"));
    }
}
