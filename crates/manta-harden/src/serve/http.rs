//! The server over Streamable HTTP, for clients that cannot start a program.
//!
//! Host and Origin are checked (a web page must not reach a server on this machine through the user's
//! browser: CVE-2025-66416, CVE-2026-11624), an address that others can reach needs a token, and the token
//! is compared in constant time and never handed on.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::{ServeError, ToolServer, guarded};
use crate::policy::Policy;
use crate::policy::spec::ServeSpec;
use crate::rmcp::{Guarded, Principal};

/// Connections at once; more wait in the kernel's queue.
const CONNECTIONS: usize = 1024;
/// Largest request; the SDK counts while it reads.
const MAX_BODY: usize = 4 << 20;

/// How the endpoint is reached.
#[derive(Clone)]
pub struct HttpOptions {
    /// Where to listen.
    pub address: SocketAddr,
    /// Bearer token that every request must carry. Needed for any address but loopback.
    pub token: Option<String>,
}

impl std::fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpOptions").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Serves until the process is told to stop. `ready` is called once, with the address that was bound.
///
/// # Errors
/// [`ServeError::Unprotected`] for a public address without a token.
pub fn serve_http(
    policy: Policy,
    default_log: &Path,
    options: &HttpOptions,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    if options.token.is_none() && !options.address.ip().is_loopback() {
        let message =
            format!("{} can be reached by others: set a bearer token, or listen on 127.0.0.1", options.address);
        return Err(ServeError::Unprotected(message));
    }
    if options.token.as_ref().is_some_and(|token| token.len() < 16) {
        return Err(ServeError::Unprotected("a bearer token has at least 16 characters".to_owned()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let serve = policy.file().spec().serve.clone();
    let guarded = guarded(policy, default_log)?;
    let log = Arc::clone(guarded.enforcer().log());
    let result = runtime.block_on(async {
        let listener = TcpListener::bind(options.address).await?;
        let bound = listener.local_addr()?;
        ready(bound);
        let front = Front::new(guarded, config(&serve, bound), options.token.as_deref());
        tokio::select! {
            result = accept(listener, front) => result,
            result = stopped() => result,
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    log.close().map_err(|error| ServeError::Setup(error.into()))?;
    result.map_err(ServeError::Io)
}

/// Host names besides loopback, and origins besides the endpoint's own, come from the policy. Nobody but
/// this server can put a page under its own loopback origin, so that one is safe; the specification's tests
/// ask for it.
fn config(serve: &ServeSpec, bound: SocketAddr) -> StreamableHttpServerConfig {
    let loopback = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let own = ["localhost", "127.0.0.1", "[::1]"].map(|host| format!("http://{host}:{}", bound.port()));
    let own = own.into_iter().filter(|_| bound.ip().is_loopback());
    StreamableHttpServerConfig::default()
        .with_allowed_hosts(loopback.into_iter().chain(serve.allowed_hosts.iter().cloned()))
        .with_allowed_origins(own.chain(serve.allowed_origins.iter().cloned()))
        .enforce_origin_validation()
        .with_max_request_body_bytes(MAX_BODY)
}

async fn stopped() -> std::io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminated.recv() => Ok(()),
    }
}

async fn accept(listener: TcpListener, front: Front) -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.map_err(std::io::Error::other)?;
        // One connection that fails to be accepted is not the end of the server.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let front = front.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let front = front.clone();
                async move { Ok::<_, Infallible>(front.answer(request).await) }
            });
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(10));
            // A peer that breaks the protocol only ends its own connection.
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

/// What stands before the protocol: the token.
#[derive(Clone)]
struct Front {
    service: StreamableHttpService<Guarded<ToolServer>, LocalSessionManager>,
    token: Option<[u8; 32]>,
}

impl Front {
    fn new(guarded: Guarded<ToolServer>, config: StreamableHttpServerConfig, token: Option<&str>) -> Self {
        let guarded = guarded.peer("http");
        let service = StreamableHttpService::new(move || Ok(guarded.clone()), Arc::default(), config);
        Self { service, token: token.map(|token| Sha256::digest(token.as_bytes()).into()) }
    }

    /// Digests of equal length are compared, so that the time says nothing about the token (CWE-208).
    fn admits(&self, header: Option<&HeaderValue>) -> bool {
        let Some(expected) = &self.token else { return true };
        let given = header.and_then(|value| value.to_str().ok()).and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let Some(given) = given else { return false };
        let given: [u8; 32] = Sha256::digest(given.as_bytes()).into();
        given.iter().zip(expected).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }

    async fn answer(self, mut request: Request<Incoming>) -> Response<BoxBody> {
        if !self.admits(request.headers().get(AUTHORIZATION)) {
            let mut response = plain(StatusCode::UNAUTHORIZED, "a bearer token is needed");
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return response;
        }
        // The protocol has no use for the credential: what is not handed on cannot leak.
        request.headers_mut().remove(AUTHORIZATION);
        let principal = if self.token.is_some() { "token" } else { crate::policy::LOCAL };
        request.extensions_mut().insert(Principal(principal.to_owned()));
        self.service.handle(request).await
    }
}

type BoxBody = http_body_util::combinators::BoxBody<Bytes, Infallible>;

fn plain(status: StatusCode, text: &'static str) -> Response<BoxBody> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *response.status_mut() = status;
    response
}
