//! The issuer's public keys (RFC 7517, 7518, 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use super::jwt::Refusal;

/// Most keys of one issuer that are kept.
const MAX_KEYS: usize = 64;

/// The usable keys of a JSON Web Key Set.
#[derive(Debug, Clone, Default)]
pub(super) struct KeySet(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    id: Option<String>,
    /// The one algorithm it may be used with, when its owner says so.
    only: Option<String>,
    public: Public,
}

#[derive(Debug, Clone)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// P-256 or P-384, uncompressed point.
    Curve {
        name: String,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
}

/// Why a text gives no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is no key set: whoever wrote it is in trouble.
    NoSet,
    /// It is one, with nothing in it that verifies signatures: the issuer has taken its keys back.
    NoKey,
}

/// A member that is of no use to us is ignored, as the standard wants it: sets hold keys of many kinds.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// The keys of a set that can verify signatures.
    ///
    /// # Errors
    /// When it is no key set, or none of its keys can be used.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Unusable> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(text).map_err(|_| Unusable::NoSet)?;
        let keys: Vec<Key> = set.keys.into_iter().filter_map(key).take(MAX_KEYS).collect();
        if keys.is_empty() {
            return Err(Unusable::NoKey);
        }
        Ok(Self(keys))
    }

    /// Whether one of the keys made this signature with this algorithm.
    pub(super) fn verify(&self, alg: &str, id: Option<&str>, signed: &[u8], by: &[u8]) -> Result<(), Refusal> {
        if !ALGORITHMS.contains(&alg) {
            return Err(Refusal::Invalid("the token's algorithm is not admitted"));
        }
        let named = |key: &&Key| id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut candidates = self.0.iter().filter(named).peekable();
        if candidates.peek().is_none() {
            return Err(Refusal::UnknownKey);
        }
        let is_allowed = |key: &&Key| key.only.as_deref().is_none_or(|only| only == alg);
        match candidates.filter(is_allowed).any(|key| key.public.verify(alg, signed, by)) {
            true => Ok(()),
            // Without a name it may be a key that we don't have yet.
            false if id.is_none() => Err(Refusal::UnknownKey),
            false => Err(Refusal::Invalid("the token's signature is not valid")),
        }
    }
}

/// Signatures by public keys, and none else.
const ALGORITHMS: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

impl Public {
    fn verify(&self, alg: &str, signed: &[u8], by: &[u8]) -> bool {
        let with = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(signed, by).is_ok()
        };
        match self {
            Self::Rsa { n, e } => rsa(alg).is_some_and(|parameters| {
                // At least 2048 bits, which ring sees to.
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, by).is_ok()
            }),
            Self::Curve { name, point } => match (alg, name.as_str()) {
                ("ES256", "P-256") => with(&signature::ECDSA_P256_SHA256_FIXED, point),
                ("ES384", "P-384") => with(&signature::ECDSA_P384_SHA384_FIXED, point),
                _ => false,
            },
            Self::Ed25519(point) => alg == "EdDSA" && with(&signature::ED25519, point),
        }
    }
}

fn rsa(alg: &str) -> Option<&'static RsaParameters> {
    Some(match alg {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn key(value: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
        && jwk.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    if !signs {
        return None;
    }
    let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
    let public = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let without_zeros = |bytes: Vec<u8>| bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            Public::Rsa { n: part(&jwk.n).map(without_zeros)?, e: part(&jwk.e).map(without_zeros)? }
        }
        ("EC", Some(curve @ ("P-256" | "P-384"))) => {
            let (x, y) = (part(&jwk.x)?, part(&jwk.y)?);
            Public::Curve { name: curve.to_owned(), point: [vec![4], x, y].concat() }
        }
        ("OKP", Some("Ed25519")) => Public::Ed25519(part(&jwk.x)?),
        _ => return None,
    };
    Some(Key { id: jwk.kid, only: jwk.alg, public })
}
