//! An OAuth resource server: access tokens of one issuer, for this server and no other.
//!
//! A token must be signed by a key of the issuer, name this server as audience (a token for somebody else
//! must not open us: RFC 8707, the confused deputy of CWE-441), be valid now, and carry the scopes that the
//! policy asks for. The metadata of RFC 9728 tells clients where to get one. Keys come from the issuer over
//! [`SafeClient`], are kept for minutes and fetched again when a token names one that is not among them, so
//! that a rotation needs no restart; how often callers can cause that is bounded.

mod jwt;
mod keys;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{Caller, Rejected};
use crate::net::{ClientLimits, SafeClient, UrlArg, UrlPolicy};
use crate::policy::Policy;
use crate::policy::spec::OAuthSpec;
use jwt::{Expected, Refusal, Subject};
use keys::{KeySet, Unusable};

/// Keys older than this are fetched again, which ends the life of a key that the issuer took back.
const FRESH: Duration = Duration::from_secs(600);
/// Keys this old still count while the issuer cannot be reached.
const STALE: Duration = Duration::from_secs(3600);
/// Shortest time between two questions to the issuer: callers can name unknown keys as fast as they like.
const PAUSE: Duration = Duration::from_secs(5);

/// Decides who may speak to the server. Cloning shares the keys.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    expected: Expected,
    jwks: Option<String>,
    client: SafeClient,
    known: Mutex<Known>,
    /// One question to the issuer at a time.
    asking: tokio::sync::Mutex<()>,
    fresh: Duration,
    pause: Duration,
}

#[derive(Debug, Default)]
struct Known {
    keys: Option<(Arc<KeySet>, Instant)>,
    asked: Option<Instant>,
}

impl Gate {
    /// The gate that a section describes; the policy has the host sets that it may name.
    ///
    /// # Errors
    /// What is wrong with the section.
    pub fn of(spec: &OAuthSpec, policy: &Policy) -> Result<Self, String> {
        let named = |name: &String| policy.hosts().get(name).ok_or_else(|| format!("there is no [hosts.{name}]"));
        let hosts = spec.hosts.as_ref().map(named).transpose()?;
        Self::new(spec, hosts.map(|set| &set.policy))
    }

    fn new(spec: &OAuthSpec, hosts: Option<&UrlPolicy>) -> Result<Self, String> {
        let client_policy = match hosts {
            Some(policy) => policy.clone(),
            None => issuer_hosts(spec)?,
        };
        for url in [Some(&spec.issuer), spec.jwks.as_ref()].into_iter().flatten() {
            let refuse = |error: crate::net::UrlError| format!("{url}: {error}");
            let checked = client_policy.check(url).map_err(refuse)?;
            if let Some(address) = checked.ip_literal() {
                client_policy.check_addresses(&checked, &[address]).map_err(refuse)?;
            }
        }
        resource(&spec.audience)?;
        let expected =
            Expected { issuer: spec.issuer.clone(), audience: spec.audience.clone(), scopes: spec.scopes.clone() };
        let limits = ClientLimits { total: Duration::from_secs(10), body: 1 << 20, ..ClientLimits::default() };
        let client = SafeClient::new(client_policy).limits(limits);
        let (known, asking) = (Mutex::default(), tokio::sync::Mutex::default());
        let (jwks, fresh, pause) = (spec.jwks.clone(), FRESH, PAUSE);
        Ok(Self(Arc::new(Inner { expected, jwks, client, known, asking, fresh, pause })))
    }

    /// The principal that a token speaks for.
    pub(super) async fn admit(&self, token: Option<&str>) -> Result<Caller, Rejected> {
        let token = token.ok_or(Rejected::Unauthorized(None))?;
        let now = UNIX_EPOCH.elapsed().map_or(f64::INFINITY, |elapsed| elapsed.as_secs_f64());
        let check = |keys: &KeySet| jwt::verify(token, keys, &self.0.expected, now);
        let keys = self.keys().await.ok_or(Rejected::Unavailable)?;
        let mut judged = check(&keys);
        if judged == Err(Refusal::UnknownKey)
            && let Some(newer) = self.newer_than(&keys).await
        {
            judged = check(&newer);
        }
        let caller = |subject: Subject| {
            // A token that outlives this program needs no end.
            let left = Duration::try_from_secs_f64(subject.until - now).ok();
            Caller { principal: subject.name, until: left.and_then(|left| Instant::now().checked_add(left)) }
        };
        judged.map(caller).map_err(|refusal| match refusal {
            Refusal::Scope => Rejected::Scope,
            Refusal::Invalid(why) => Rejected::Unauthorized(Some(why)),
            Refusal::UnknownKey => Rejected::Unauthorized(Some("the token is signed by an unknown key")),
        })
    }

    /// Keys that count: fresh ones, or not too old ones while the issuer does not answer.
    async fn keys(&self) -> Option<Arc<KeySet>> {
        if let Some(keys) = self.known_within(self.0.fresh) {
            return Some(keys);
        }
        let _turn = match self.0.asking.try_lock() {
            Ok(turn) => turn,
            // Somebody asks already, perhaps an issuer that does not answer: callers who can be judged don't stand in
            // line behind those who name keys that nobody has.
            Err(_) => match self.known_within(STALE) {
                Some(keys) => return Some(keys),
                None => self.0.asking.lock().await,
            },
        };
        if let Some(keys) = self.known_within(self.0.fresh) {
            return Some(keys); // somebody else fetched them meanwhile
        }
        self.fetch().await;
        self.known_within(STALE)
    }

    async fn newer_than(&self, old: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let _turn = self.0.asking.lock().await;
        let is_newer = |keys: &Arc<KeySet>| !Arc::ptr_eq(keys, old);
        if let Some(keys) = self.known_within(self.0.fresh).filter(is_newer) {
            return Some(keys);
        }
        self.fetch().await;
        self.known_within(self.0.fresh).filter(is_newer)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_within(&self, age: Duration) -> Option<Arc<KeySet>> {
        let known = self.known();
        known.keys.as_ref().filter(|(_, since)| since.elapsed() < age).map(|(keys, _)| Arc::clone(keys))
    }

    /// Asks the issuer, unless it was asked a moment ago.
    async fn fetch(&self) {
        {
            let mut known = self.known();
            if known.asked.is_some_and(|asked| asked.elapsed() < self.0.pause) {
                return;
            }
            known.asked = Some(Instant::now());
        }
        let keys = self.ask().await;
        let (mut known, now) = (self.known(), Instant::now());
        // From its end on: of an issuer that takes longer than the pause, everybody in line would ask again.
        known.asked = Some(now);
        if let Some(keys) = keys {
            known.keys = Some((Arc::new(keys), now));
        }
    }

    async fn ask(&self) -> Option<KeySet> {
        let address = match &self.0.jwks {
            Some(address) => address.clone(),
            None => self.discover().await?,
        };
        match KeySet::parse(&self.get(&address).await?) {
            Ok(keys) => Some(keys),
            // That is an answer: none of the keys before counts any more.
            Err(Unusable::NoKey) => Some(KeySet::default()),
            Err(Unusable::NoSet) => None,
        }
    }

    /// Where the issuer says that its keys are (RFC 8414, OpenID Connect Discovery).
    async fn discover(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            jwks_uri: String,
        }
        for address in well_known(&self.0.expected.issuer)? {
            let Some(body) = self.get(&address).await else { continue };
            let Ok(metadata) = serde_json::from_slice::<Metadata>(&body) else { continue };
            // A page of another issuer must not decide about ours (RFC 8414 §3.3).
            if metadata.issuer == self.0.expected.issuer {
                return Some(metadata.jwks_uri);
            }
        }
        None
    }

    async fn get(&self, address: &str) -> Option<Vec<u8>> {
        let response = self.0.client.get(&UrlArg::new(address)).await.ok()?;
        (response.status == 200).then_some(response.body)
    }

    /// Where [`Gate::metadata`] is served (RFC 9728 §3): with and without the path of the resource.
    pub(super) fn is_metadata_path(&self, path: &str) -> bool {
        let own = resource(&self.0.expected.audience).map(|url| url.path().trim_end_matches('/').to_owned());
        path.strip_prefix(WELL_KNOWN).is_some_and(|rest| rest.is_empty() || own.is_ok_and(|own| own == rest))
    }

    /// The document of RFC 9728.
    pub(super) fn metadata(&self) -> Value {
        let expected = &self.0.expected;
        json!({
            "resource": expected.audience,
            "authorization_servers": [expected.issuer],
            "scopes_supported": expected.scopes,
            "bearer_methods_supported": ["header"],
            "resource_name": "manta",
        })
    }

    /// `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1).
    pub(super) fn challenge(&self, rejected: Rejected) -> String {
        let mut challenge = String::from("Bearer");
        let mut separator = ' ';
        let mut add = |name: &str, value: &str| {
            // Both sides of every value are ours or the operator's; quotes cannot be among them.
            challenge.push_str(&format!("{separator}{name}=\"{}\"", value.replace(['"', '\\'], "")));
            separator = ',';
        };
        match rejected {
            Rejected::Unauthorized(Some(why)) => {
                add("error", "invalid_token");
                add("error_description", why);
            }
            Rejected::Scope => add("error", "insufficient_scope"),
            _ => {}
        }
        if !self.0.expected.scopes.is_empty() {
            add("scope", &self.0.expected.scopes.join(" "));
        }
        if let Ok(url) = resource(&self.0.expected.audience) {
            let path = url.path().trim_end_matches('/');
            add("resource_metadata", &format!("{}{WELL_KNOWN}{path}", url.origin().ascii_serialization()));
        }
        challenge
    }
}

/// Whom a token speaks for, without an issuer to ask.
#[cfg(feature = "fuzzing")]
pub(crate) fn subject(keys: &[u8], token: &str, issuer: &str, audience: &str, now: f64) -> Option<String> {
    let keys = KeySet::parse(keys).ok()?;
    let expected = Expected { issuer: issuer.to_owned(), audience: audience.to_owned(), scopes: Vec::new() };
    jwt::verify(token, &keys, &expected, now).ok().map(|subject| subject.name)
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The hosts of issuer and key set, over https, at public addresses.
fn issuer_hosts(spec: &OAuthSpec) -> Result<UrlPolicy, String> {
    let mut policy = UrlPolicy::new();
    for text in [Some(&spec.issuer), spec.jwks.as_ref()].into_iter().flatten() {
        let refuse = |why: &str| format!("{text}: {why}");
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let host = url.host_str().ok_or_else(|| refuse("it names no host"))?;
        policy = policy.host(host).map_err(|error| refuse(&error.to_string()))?;
        if let Some(port) = url.port() {
            policy = policy.port(port);
        }
    }
    Ok(policy)
}

/// The resource identifier: an absolute URL without fragment (RFC 8707 §2), over https unless it is this machine.
fn resource(audience: &str) -> Result<Url, String> {
    let refuse = |why: &str| format!("audience {audience}: {why}");
    let url = Url::parse(audience).map_err(|error| refuse(&error.to_string()))?;
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match (url.scheme(), url.fragment()) {
        (_, Some(_)) => Err(refuse("a resource has no fragment")),
        ("https", None) => Ok(url),
        ("http", None) if is_loopback => Ok(url),
        _ => Err(refuse("a resource is an https URL")),
    }
}

/// Where an issuer's metadata may be: RFC 8414 puts the path last, OpenID Connect first.
fn well_known(issuer: &str) -> Option<Vec<String>> {
    let url = Url::parse(issuer).ok()?;
    let (origin, path) = (url.origin().ascii_serialization(), url.path().trim_end_matches('/'));
    Some(vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
        format!("{origin}{path}/.well-known/openid-configuration"),
    ])
}
