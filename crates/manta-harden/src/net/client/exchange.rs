//! One request on one connection to one checked address.

use std::net::IpAddr;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue, LOCATION, USER_AGENT};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::super::connect::MAX_TRIED;
use super::super::error::{UrlError, UrlRule};
use super::super::policy::{CheckedUrl, PublicAddr};
use super::{FetchError, Request, Response, SafeClient, Stream, body};

const MAX_HEADERS: usize = 64 * 1024;

impl SafeClient {
    /// The response, and the address it redirects to. A redirect's body is not read.
    pub(super) async fn exchange(
        &self,
        url: &CheckedUrl,
        request: &Request,
    ) -> Result<(Response, Option<String>), FetchError> {
        let (stream, peer) = self.open(url).await?;
        self.converse(stream, peer, url, request).await
    }

    /// A connection to one checked address, encrypted where the URL says so.
    pub(super) async fn open(&self, url: &CheckedUrl) -> Result<(Stream, IpAddr), FetchError> {
        let (stream, peer) = self.connect(url).await?;
        if !url.is_https() {
            return Ok((Box::new(stream), peer));
        }
        let name = match url.ip_literal() {
            Some(ip) => ServerName::from(ip),
            None => ServerName::try_from(url.host()).map_err(|_| FetchError::Tls)?,
        };
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        let handshake = timeout(self.limits.connect, handshake)
            .await
            .map_err(|_| FetchError::Limit("the time of the TLS handshake"))?;
        Ok((Box::new(handshake.map_err(|_| FetchError::Tls)?), peer))
    }

    /// Resolves once, checks every answer, connects to one of the checked addresses, verifies.
    async fn connect(&self, url: &CheckedUrl) -> Result<(TcpStream, IpAddr), FetchError> {
        for address in self.resolve(url).await?.into_iter().take(MAX_TRIED) {
            let attempt = timeout(self.limits.connect, TcpStream::connect(address.socket_addr())).await;
            let Ok(Ok(stream)) = attempt else { continue };
            let peer = stream.peer_addr().map_err(|_| UrlError::new(UrlRule::Peer, "the connection was lost"))?;
            address.verify(peer)?;
            return Ok((stream, peer.ip()));
        }
        Err(UrlError::new(UrlRule::Connect, "no connection to any of the host's addresses").into())
    }

    /// The resolver blocks, so it runs on the blocking pool, and only so many at a time: a name
    /// server that never answers must not use up all threads.
    async fn resolve(&self, url: &CheckedUrl) -> Result<Vec<PublicAddr>, FetchError> {
        if let Some(address) = url.ip_literal() {
            // Nothing to look up, and nothing to wait for.
            return Ok(self.policy.check_addresses(url, &[address])?);
        }
        let slow = || FetchError::Limit("the time of name resolution");
        let permit = timeout(self.limits.resolve, Arc::clone(&self.resolving).acquire_owned()).await;
        let permit = permit.map_err(|_| slow())?.map_err(|_| slow())?;
        let (policy, resolver, url) = (Arc::clone(&self.policy), Arc::clone(&self.resolver), url.clone());
        let lookup = tokio::task::spawn_blocking(move || {
            // Held until the look-up ends, also when nobody waits for it any more.
            let _permit = permit;
            super::super::connect::resolve(&policy, &url, &*resolver)
        });
        let answer = timeout(self.limits.resolve, lookup).await.map_err(|_| slow())?;
        Ok(answer.map_err(|_| slow())??)
    }

    async fn converse(
        &self,
        stream: Stream,
        peer: IpAddr,
        url: &CheckedUrl,
        request: &Request,
    ) -> Result<(Response, Option<String>), FetchError> {
        let handshake = http1::Builder::new().max_buf_size(MAX_HEADERS).handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(|_| FetchError::Protocol)?;
        let driver = Driver(tokio::spawn(async move { drop(connection.await) }));
        let answer = timeout(self.limits.first_byte, sender.send_request(message(url, request)?)).await;
        let answer =
            answer.map_err(|_| FetchError::Limit("the time to the first byte"))?.map_err(|_| FetchError::Protocol)?;
        let (head, incoming): (_, Incoming) = answer.into_parts();
        let location = match head.status.as_u16() {
            301 | 302 | 303 | 307 | 308 => {
                head.headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            }
            _ => None,
        };
        let content = match &location {
            Some(_) => Vec::new(),
            None => body::read(incoming, &head.headers, &self.limits).await?,
        };
        drop(driver);
        let headers = head
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        let response = Response {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: content,
            url: url.to_string(),
            redirects: 0,
            peer,
        };
        Ok((response, location))
    }
}

/// The request in origin form, with our own framing headers.
fn message(url: &CheckedUrl, request: &Request) -> Result<hyper::Request<Full<Bytes>>, FetchError> {
    let unfit = |_| FetchError::Request("the URL can't be sent");
    let parsed = url.url();
    let target = match parsed.query() {
        Some(query) => format!("{}?{query}", parsed.path()),
        None => parsed.path().to_owned(),
    };
    let authority = match parsed.port() {
        Some(port) => format!("{}:{port}", parsed.host_str().unwrap_or_default()),
        None => parsed.host_str().unwrap_or_default().to_owned(),
    };
    let mut message = hyper::Request::builder()
        .method(request.method.clone())
        .uri(target)
        .body(Full::new(Bytes::from(request.body.clone())))
        .map_err(|_| FetchError::Request("the URL can't be sent"))?;
    *message.headers_mut() = request.headers.clone();
    let headers = message.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(&authority).map_err(unfit)?);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(concat!("manta-harden/", env!("CARGO_PKG_VERSION"))));
    Ok(message)
}

/// Ends the connection's task with the request.
struct Driver(tokio::task::JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}
