//! The server over Streamable HTTP, for clients that cannot start a program.
//!
//! Host and Origin are checked (a web page must not reach a server on this machine through the user's
//! browser: CVE-2025-66416, CVE-2026-11624). An address that others can reach needs a token: a shared secret,
//! compared in constant time, or an access token of an OAuth issuer ([`crate::front`]). Neither is handed on. A session
//! belongs to the principal that opened it (CWE-384).

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::net::TcpListener;
use tokio::time::{Sleep, sleep_until};

use super::strict;
use super::{ServeError, ToolServer, guarded};
use crate::enforce::Enforcer;
use crate::front::{
    Caller, Crowd, Door, Gate, Keys, Rejected, accept as take, check_form, is_last, listen, send_away, speak,
};
use crate::policy::Policy;
use crate::policy::spec::ServeSpec;
use crate::rmcp::{Guarded, Principal};

/// Connections at once; others are told that there are too many.
const CONNECTIONS: usize = 1024;
/// Largest request, and the longest time to send it.
const MAX_BODY: usize = 4 << 20;
const BODY_TIME: Duration = Duration::from_secs(30);
/// Sessions of the older era at once; they end after five idle minutes.
const SESSIONS: usize = 1024;
/// Those of one principal, where there are several.
const SESSIONS_OF_ONE: usize = 128;
const SESSION_HEADER: &str = "mcp-session-id";

/// How the endpoint is reached.
#[derive(Clone)]
pub struct HttpOptions {
    /// Where to listen.
    pub address: SocketAddr,
    /// Bearer token that every request must carry. Any address but loopback needs it, or `[serve.oauth]`.
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
    let door = door(&policy, options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let serve = policy.file().spec().serve.clone();
    let guarded = guarded(policy, default_log)?;
    let log = Arc::clone(guarded.enforcer().log());
    let result = runtime.block_on(async {
        super::outlive_file_limits()?;
        let listener = listen(options.address)?;
        let bound = listener.local_addr()?;
        ready(bound);
        let front = Front::new(guarded, config(&serve, bound), door);
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

/// Somebody at the terminal or the service manager asks for the end.
#[cfg(unix)]
async fn stopped() -> std::io::Result<()> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminated.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stopped() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

async fn accept(listener: TcpListener, front: Front) -> std::io::Result<()> {
    let crowd = Crowd::new(CONNECTIONS);
    loop {
        // One connection that fails to be accepted is not the end of the server.
        let Ok(stream) = take(&listener).await else { continue };
        match crowd.enter() {
            Ok(place) => {
                let front = front.clone();
                tokio::spawn(async move {
                    speak(stream, |request| front.clone().answer(request)).await;
                    drop(place);
                });
            }
            Err(Some(place)) => {
                tokio::spawn(async move {
                    send_away(stream).await;
                    drop(place);
                });
            }
            Err(None) => {}
        }
    }
}

/// The way in that policy and options describe.
fn door(policy: &Policy, options: &HttpOptions) -> Result<Door, ServeError> {
    let refuse = |message: String| Err(ServeError::Unprotected(message));
    match (&policy.file().spec().serve.oauth, &options.token) {
        (Some(_), Some(_)) => {
            refuse("there is a bearer token and [serve.oauth]; one way in is enough, choose it".to_owned())
        }
        (Some(spec), None) => match Gate::of(spec.get_ref(), policy) {
            Ok(gate) => Ok(Door::OAuth(gate)),
            Err(why) => refuse(format!("[serve.oauth] {why}")),
        },
        (None, Some(token)) => Keys::new([("token".to_owned(), token.clone())]).map(Door::Keys).or_else(refuse),
        (None, None) if options.address.ip().is_loopback() => Ok(Door::Open),
        (None, None) => {
            let address = options.address;
            refuse(format!("{address} can be reached by others: set a bearer token, or listen on 127.0.0.1"))
        }
    }
}

fn refusal(door: &Door, rejected: Rejected) -> Response<BoxBody> {
    let status = StatusCode::from_u16(rejected.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = plain(status, rejected.sentence());
    if let Ok(challenge) = HeaderValue::try_from(door.challenge(rejected)) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// What stands before the protocol: who asks, how much, and whose session it is.
#[derive(Clone)]
struct Front {
    service: StreamableHttpService<Guarded<ToolServer>, LocalSessionManager>,
    sessions: Arc<LocalSessionManager>,
    owners: Arc<Mutex<HashMap<String, String>>>,
    enforcer: Arc<Enforcer>,
    door: Door,
}

impl Front {
    fn new(guarded: Guarded<ToolServer>, config: StreamableHttpServerConfig, door: Door) -> Self {
        let guarded = guarded.peer("http");
        let enforcer = Arc::clone(guarded.enforcer());
        let sessions: Arc<LocalSessionManager> = Arc::default();
        let service = StreamableHttpService::new(move || Ok(guarded.clone()), Arc::clone(&sessions), config);
        Self { service, sessions, owners: Arc::default(), enforcer, door }
    }

    async fn answer(self, request: Request<Incoming>) -> Response<BoxBody> {
        let is_last = is_last(request.headers());
        let mut response = self.respond(request).await;
        if is_last {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn respond(self, mut request: Request<Incoming>) -> Response<BoxBody> {
        if let Err((status, why)) = check_form(request.uri(), request.headers()) {
            return plain(status, why);
        }
        if request.method() == hyper::Method::GET
            && let Some(metadata) = self.door.metadata(request.uri().path())
        {
            return json(StatusCode::OK, &metadata);
        }
        let Caller { principal, until } = match self.door.admit(request.headers()).await {
            Ok(caller) => caller,
            Err(rejected) => return refusal(&self.door, rejected),
        };
        // The protocol has no use for the credential: what is not handed on cannot leak.
        request.headers_mut().remove(AUTHORIZATION);
        request.headers_mut().remove("x-api-key");
        request.extensions_mut().insert(Principal(principal.clone()));
        let session =
            request.headers().get(SESSION_HEADER).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        if let Some(id) = &session
            && !self.may_use(id, &principal)
        {
            return plain(StatusCode::NOT_FOUND, "there is no such session");
        }
        let (head, body) = request.into_parts();
        // Read here, so that a body has an end in time as well as in length.
        let body = match tokio::time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large");
            }
            Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "the request ended early"),
            Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the request took too long"),
        };
        let method = match strict::method_of(&body) {
            Ok(method) => method,
            Err(error) => {
                self.enforcer.event("frame-refused", error["error"]["message"].as_str().unwrap_or_default());
                return json(StatusCode::BAD_REQUEST, &error);
            }
        };
        // The body says it and not the headers: the SDK opens a session for it whatever revision they name.
        if method == "initialize" && session.is_none() && self.is_full(&principal).await {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "too many sessions");
        }
        let is_end = head.method == hyper::Method::DELETE;
        let mut response = self.service.handle(Request::from_parts(head, Full::new(body))).await;
        // The session is gone when this is said, and the official Python client takes another answer for a failure.
        if is_end && response.status() == StatusCode::ACCEPTED {
            *response.status_mut() = StatusCode::NO_CONTENT;
            response.headers_mut().remove(hyper::header::CONTENT_LENGTH);
        }
        if session.is_none() {
            self.note_session(&response, principal).await;
        }
        match until {
            Some(until) => response.map(|body| Until { body, end: Box::pin(sleep_until(until.into())) }.boxed()),
            None => response,
        }
    }

    /// Whether nobody, or not this principal any more, may open a session: one must not take the places of all.
    async fn is_full(&self, principal: &str) -> bool {
        let live = self.sessions.sessions.read().await;
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let is_own = |(id, owner): &(&String, &String)| *owner == principal && live.contains_key(id.as_str());
        let own = || owners.iter().filter(is_own).count();
        live.len() >= SESSIONS || (matches!(self.door, Door::OAuth(_)) && own() >= SESSIONS_OF_ONE)
    }

    /// Another principal's session is none. Of an unknown one the SDK says that it is.
    fn may_use(&self, session: &str, principal: &str) -> bool {
        let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        owners.get(session).is_none_or(|owner| owner == principal)
    }

    async fn note_session(&self, response: &Response<BoxBody>, principal: String) {
        let Some(id) = response.headers().get(SESSION_HEADER).and_then(|id| id.to_str().ok()) else { return };
        let live = self.sessions.sessions.read().await;
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.len() > 2 * SESSIONS {
            owners.retain(|id, _| live.contains_key(id.as_str()));
        }
        owners.insert(id.to_owned(), principal);
    }
}

/// A body that ends at a moment, whatever is still to come.
struct Until {
    body: BoxBody,
    end: Pin<Box<Sleep>>,
}

impl Body for Until {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => Pin::new(&mut self.body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

type BoxBody = http_body_util::combinators::BoxBody<Bytes, Infallible>;

fn plain(status: StatusCode, text: &'static str) -> Response<BoxBody> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *response.status_mut() = status;
    response
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<BoxBody> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
