//! An HTTP client that can't be talked out of its policy (feature `client`).
//!
//! HTTP/1.1 over one fresh connection per request: no pool that could hand a connection to another
//! name, no proxy, no cookies, no redirect that the transport follows by itself. Needs a tokio
//! runtime with time and I/O.

mod body;
mod exchange;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::connect::{Resolve, SystemResolver};
use super::error::UrlError;
use super::policy::{CheckedUrl, UrlArg, UrlPolicy};

/// What a request may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// Resolving one name. Default 2 s.
    pub resolve: Duration,
    /// Connecting to one address, and then the TLS handshake. Default 5 s each.
    pub connect: Duration,
    /// From the request to the response's headers. Default 15 s.
    pub first_byte: Duration,
    /// The whole request with all redirects. Default 30 s.
    pub total: Duration,
    /// Redirects followed. Default 5.
    pub redirects: u8,
    /// Body of a response in bytes, after decompression. Default 10 MiB.
    pub body: usize,
    /// How many times larger a body may become by decompression. Default 100.
    pub ratio: usize,
    /// Names resolved at the same time. Default 16.
    pub resolving: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(2),
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(15),
            total: Duration::from_secs(30),
            redirects: 5,
            body: 10 << 20,
            ratio: 100,
            resolving: 16,
        }
    }
}

/// A request. The URL is untrusted; method, headers and body are the author's.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    /// `GET`.
    #[must_use]
    pub fn get(url: &UrlArg) -> Self {
        Self::new(Method::GET, url)
    }

    /// Any method but `CONNECT` and `TRACE`, which are refused when sent.
    #[must_use]
    pub fn new(method: Method, url: &UrlArg) -> Self {
        Self { method, url: url.untrusted().to_owned(), headers: HeaderMap::new(), body: Vec::new() }
    }

    /// Adds a header. Headers that frame the message or name the destination (`Host`,
    /// `Content-Length`, `Transfer-Encoding`, `Connection`, …) are refused (CWE-444).
    ///
    /// # Errors
    /// [`FetchError::Request`] for those, and for characters that no header can carry (CWE-113).
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, FetchError> {
        const FRAMING: &[&str] = &[
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "proxy-authorization",
            "proxy-connection",
            "accept-encoding",
        ];
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| FetchError::Request("a header name is not valid"))?;
        let value = HeaderValue::from_str(value).map_err(|_| FetchError::Request("a header value is not valid"))?;
        if FRAMING.contains(&name.as_str()) {
            return Err(FetchError::Request("this header is the client's own"));
        }
        self.headers.append(name, value);
        Ok(self)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// A complete response.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case. Values that are not ASCII are left out.
    pub headers: Vec<(String, String)>,
    /// Body, decompressed.
    pub body: Vec<u8>,
    /// The URL that answered, re-serialised: the last hop.
    pub url: String,
    /// Redirects followed.
    pub redirects: u8,
    /// The address that answered.
    pub peer: IpAddr,
}

impl Response {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// Why nothing was fetched. No variant repeats what the other side sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL, an address behind it, or the URL of a redirect was refused.
    Refused(UrlError),
    /// The request itself can't be sent.
    Request(&'static str),
    /// A redirect that would leave a rule: too many, to `http`, or with a body to another origin.
    Redirect(&'static str),
    /// A limit of [`ClientLimits`] was reached.
    Limit(&'static str),
    /// TLS failed: the certificate is not the host's, or the other side speaks something else.
    Tls,
    /// The other side did not answer in valid HTTP.
    Protocol,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Request(why) => write!(f, "the request can't be sent: {why}"),
            Self::Redirect(why) => write!(f, "a redirect was not followed: {why}"),
            Self::Limit(what) => write!(f, "{what} is over its limit"),
            Self::Tls => f.write_str("the TLS connection failed"),
            Self::Protocol => f.write_str("the server did not answer in valid HTTP"),
        }
    }
}

impl std::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

impl From<UrlError> for FetchError {
    fn from(error: UrlError) -> Self {
        Self::Refused(error)
    }
}

/// Both directions of a connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection to a checked address.
pub type Stream = Box<dyn Duplex>;

/// The client. Cloning shares it.
#[derive(Clone)]
pub struct SafeClient {
    policy: Arc<UrlPolicy>,
    limits: ClientLimits,
    resolver: Arc<dyn Resolve>,
    resolving: Arc<Semaphore>,
    tls: Arc<ClientConfig>,
}

impl fmt::Debug for SafeClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SafeClient").field("policy", &self.policy).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl SafeClient {
    /// A client for `policy`, with default limits, the system's resolver and Mozilla's roots.
    #[must_use]
    pub fn new(policy: UrlPolicy) -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let limits = ClientLimits::default();
        Self {
            policy: Arc::new(policy),
            limits,
            resolver: Arc::new(SystemResolver),
            resolving: Arc::new(Semaphore::new(limits.resolving)),
            tls: Arc::new(tls_config(roots)),
        }
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: ClientLimits) -> Self {
        self.limits = limits;
        self.resolving = Arc::new(Semaphore::new(limits.resolving.max(1)));
        self
    }

    /// Another resolver.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Certificate authorities (DER) in place of Mozilla's, such as a company's own.
    ///
    /// # Errors
    /// [`FetchError::Tls`] when one of them is no certificate.
    pub fn authorities(mut self, certificates: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, FetchError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate.into()).map_err(|_| FetchError::Tls)?;
        }
        self.tls = Arc::new(tls_config(roots));
        Ok(self)
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &UrlPolicy {
        &self.policy
    }

    /// Fetches with `GET`.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, url: &UrlArg) -> Result<Response, FetchError> {
        self.send(Request::get(url)).await
    }

    /// A connection for a protocol that lives longer than one request: resolved once, every address checked,
    /// the other end verified, encrypted for `https`. Redirects are the caller's to refuse.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn dial(&self, url: &UrlArg) -> Result<(Stream, CheckedUrl), FetchError> {
        let url = self.policy.check(url.untrusted())?;
        let (stream, _) = self.open(&url).await?;
        Ok((stream, url))
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// See [`FetchError`]. A status of 400 or more is no error.
    pub async fn send(&self, request: Request) -> Result<Response, FetchError> {
        if matches!(request.method, Method::CONNECT | Method::TRACE) {
            return Err(FetchError::Request("this method is not allowed"));
        }
        let whole = tokio::time::timeout(self.limits.total, self.follow(request));
        whole.await.unwrap_or(Err(FetchError::Limit("the time of the whole request")))
    }

    /// Each hop starts at the top: text, host, addresses, connection.
    async fn follow(&self, mut request: Request) -> Result<Response, FetchError> {
        let mut url = self.policy.check(&request.url)?;
        for redirects in 0..=self.limits.redirects {
            let (mut response, location) = self.exchange(&url, &request).await?;
            let Some(location) = location else {
                response.redirects = redirects;
                return Ok(response);
            };
            let next = self.next_hop(&url, &location)?;
            adapt(&mut request, response.status, url.same_origin(&next))?;
            url = next;
        }
        Err(FetchError::Redirect("too many"))
    }

    /// The server's `Location` is as untrusted as the first URL.
    fn next_hop(&self, from: &CheckedUrl, location: &str) -> Result<CheckedUrl, FetchError> {
        if location.bytes().any(|b| b <= b' ' || b == 0x7f || b == b'\\' || !b.is_ascii()) {
            return Err(FetchError::Redirect("its address has characters that parsers read differently"));
        }
        // An absolute address is checked as written, so that nothing is folded before the check.
        let is_scheme = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let next = match location.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
            true => self.policy.check(location)?,
            false => {
                let joined = from.url().join(location).map_err(|_| FetchError::Redirect("its address is not valid"))?;
                self.policy.check(joined.as_str())?
            }
        };
        if from.is_https() && !next.is_https() {
            return Err(FetchError::Redirect("from https to http"));
        }
        Ok(next)
    }
}

/// What of the request goes to the next hop (RFC 9110 §15.4).
fn adapt(request: &mut Request, status: u16, same_origin: bool) -> Result<(), FetchError> {
    let becomes_get = status == 303 || (matches!(status, 301 | 302) && request.method == Method::POST);
    if becomes_get && request.method != Method::HEAD {
        request.method = Method::GET;
        request.body.clear();
        request.headers.remove("content-type");
    }
    if same_origin {
        return Ok(());
    }
    if !request.body.is_empty() {
        return Err(FetchError::Redirect("it would send the body to another origin"));
    }
    // Whatever the author added may be a credential (CWE-200); only what describes the answer stays.
    let kept = ["accept", "accept-language", "user-agent"];
    let dropped: Vec<_> = request.headers.keys().filter(|name| !kept.contains(&name.as_str())).cloned().collect();
    for name in dropped {
        request.headers.remove(name);
    }
    Ok(())
}

fn tls_config(roots: RootCertStore) -> ClientConfig {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
