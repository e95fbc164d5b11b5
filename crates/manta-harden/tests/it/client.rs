//! The HTTP client against servers that lie, on loopback. 127.0.0.2 plays the public network and
//! 127.0.0.1 the private one that must never be reached.

use std::io::Write as _;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use manta_harden::net::{ClientLimits, FetchError, Method, Request, Resolve, SafeClient, UrlArg, UrlPolicy, UrlRule};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Every name is at 127.0.0.2.
struct Public(Arc<AtomicUsize>);

impl Resolve for Public {
    fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let ip = if host == "private.test" { "127.0.0.1" } else { "127.0.0.2" };
        Ok(vec![ip.parse().unwrap()])
    }
}

struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    private_hits: Arc<AtomicUsize>,
    lookups: Arc<AtomicUsize>,
}

impl Server {
    /// Answers every connection on 127.0.0.2 with what `answer` makes of the request's text, and
    /// counts those on 127.0.0.1.
    async fn start(answer: impl Fn(&str, u16) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let public = TcpListener::bind("127.0.0.2:0").await.unwrap();
        let port = public.local_addr().unwrap().port();
        let private = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let (seen, private_hits) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (record, hits) = (Arc::clone(&seen), Arc::clone(&private_hits));
        tokio::spawn(async move {
            while private.accept().await.is_ok() {
                hits.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = public.accept().await {
                let mut request = vec![0; 65536];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                let response = answer(&text, port);
                record.lock().unwrap().push(text);
                if response.is_empty() {
                    // Keeps the connection open and says nothing.
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        drop(stream);
                    });
                    continue;
                }
                let _ = stream.write_all(&response).await;
            }
        });
        Self { port, seen, private_hits, lookups: Arc::default() }
    }

    fn policy(&self) -> UrlPolicy {
        let hosts = ["good.test", "other.test", "private.test", "127.0.0.1"];
        let policy = hosts.into_iter().fold(UrlPolicy::new(), |policy, host| policy.host(host).unwrap());
        policy.http(true).port(self.port).dangerous_allow_range("127.0.0.2/32").unwrap()
    }

    fn client(&self) -> SafeClient {
        SafeClient::new(self.policy()).resolver(Public(Arc::clone(&self.lookups)))
    }

    fn url(&self, path: &str) -> UrlArg {
        UrlArg::new(format!("http://good.test:{}{path}", self.port))
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nX-A: b\r\n\r\n{body}", body.len()).into_bytes()
}

fn redirect(status: u16, location: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

fn path_of(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_plain_request_has_our_framing_and_one_look_up() {
    let server = Server::start(|_, _| ok("hello")).await;
    let request = Request::get(&server.url("/a/../b?q=1#frag")).header("X-Key", "k").unwrap();
    let response = server.client().send(request).await.unwrap();
    assert_eq!((response.status, response.body.as_slice(), response.header("x-a")), (200, &b"hello"[..], Some("b")));
    assert_eq!(response.peer, "127.0.0.2".parse::<IpAddr>().unwrap());
    let seen = server.seen();
    assert!(seen[0].starts_with("GET /b?q=1 HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].to_lowercase().contains(&format!("host: good.test:{}\r\n", server.port)));
    assert!(seen[0].contains("x-key: k\r\n") && seen[0].contains("connection: close\r\n"));
    assert_eq!(server.lookups.load(Ordering::Relaxed), 1);
    for (name, value) in
        [("Host", "evil"), ("Transfer-Encoding", "chunked"), ("X-A", "a\r\nB: c"), ("A B", "c"), ("Connection", "x")]
    {
        assert!(matches!(Request::get(&server.url("/")).header(name, value), Err(FetchError::Request(_))), "{name}");
    }
}

#[test]
fn proxies_in_the_environment_are_not_used() {
    // The test above once more, where every proxy variable names a port that nobody listens on.
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "client::a_plain_request_has_our_framing_and_one_look_up"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, "http://127.0.0.1:9");
    }
    let output = again.output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

#[tokio::test]
async fn private_destinations_are_refused_however_they_come() {
    let server = Server::start(|request, port| match path_of(request) {
        "/literal" => redirect(302, &format!("http://127.0.0.1:{port}/")),
        "/name" => redirect(307, &format!("http://private.test:{port}/")),
        "/odd" => redirect(302, &format!("http://0x7f.1:{port}/")),
        "/slashes" => redirect(302, &format!("//127.0.0.1:{port}/")),
        "/back" => redirect(302, &format!("http:\\\\127.0.0.1:{port}/")),
        "/user" => redirect(302, &format!("http://good.test@127.0.0.1:{port}/")),
        "/file" => redirect(302, "file:///etc/passwd"),
        "/host" => redirect(302, &format!("http://evil.test:{port}/")),
        "/port" => redirect(302, "http://good.test:22/"),
        "/loop" => redirect(302, "/loop"),
        _ => ok("end"),
    })
    .await;
    let client = server.client();
    let private = UrlArg::new(format!("http://private.test:{}/", server.port));
    assert!(
        matches!(client.get(&private).await, Err(FetchError::Refused(error)) if matches!(error.rule(), UrlRule::Address(_)))
    );
    let literal = UrlArg::new(format!("http://127.0.0.1:{}/", server.port));
    assert!(
        matches!(client.get(&literal).await, Err(FetchError::Refused(error)) if matches!(error.rule(), UrlRule::Address(_))),
        "listed, and still not public"
    );
    for path in ["/literal", "/name", "/odd", "/slashes", "/back", "/user", "/file", "/host", "/port", "/loop"] {
        let refused = client.get(&server.url(path)).await.unwrap_err();
        assert!(matches!(refused, FetchError::Refused(_) | FetchError::Redirect(_)), "{path}: {refused}");
    }
    assert_eq!(server.private_hits.load(Ordering::Relaxed), 0, "nobody connected to the private address");
}

#[tokio::test]
async fn redirects_drop_credentials_and_bodies_at_the_origin() {
    let server = Server::start(|request, port| match path_of(request) {
        "/same" => redirect(307, "/end"),
        "/cross" => redirect(302, &format!("http://other.test:{port}/end")),
        "/cross307" => redirect(307, &format!("http://other.test:{port}/end")),
        _ => ok("end"),
    })
    .await;
    let client = server.client();
    let post = |path: &str| {
        Request::new(Method::POST, &server.url(path))
            .header("Authorization", "Bearer t")
            .unwrap()
            .header("Accept", "text/x")
            .unwrap()
            .body("secret")
    };
    assert_eq!(client.send(post("/same")).await.unwrap().redirects, 1);
    let last = server.seen().pop().unwrap();
    assert!(last.starts_with("POST /end") && last.contains("Bearer t") && last.ends_with("secret"), "{last}");

    client.send(post("/cross")).await.unwrap();
    let last = server.seen().pop().unwrap();
    assert!(
        last.starts_with("GET /end") && !last.contains("Bearer") && !last.contains("secret") && last.contains("text/x"),
        "{last}"
    );

    assert!(matches!(client.send(post("/cross307")).await, Err(FetchError::Redirect(_))));
}

#[tokio::test]
async fn size_ratio_and_time_are_bounded() {
    let gzip = |content: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let framed = move |encoding: &str, body: Vec<u8>| {
        let mut response =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n", body.len())
                .into_bytes();
        response.extend(body);
        response
    };
    let server = Server::start(move |request, _| match path_of(request) {
        "/small" => framed("gzip", gzip(b"squeezed")),
        "/bomb" => framed("gzip", gzip(&vec![0; 5 << 20])),
        "/twice" => framed("gzip, gzip", gzip(&gzip(b"x"))),
        "/br" => framed("br", b"x".to_vec()),
        "/torn" => framed("gzip", gzip(b"squeezed")[..12].to_vec()),
        "/announced" => b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nx".to_vec(),
        "/unannounced" => [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 300_000]].concat(),
        "/headers" => [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 200_000], b"\r\n\r\n".to_vec()].concat(),
        "/garbage" => b"SSH-2.0-OpenSSH\r\n".to_vec(),
        "/silent" => Vec::new(),
        _ => ok("x"),
    })
    .await;
    let limits = ClientLimits { body: 200_000, first_byte: Duration::from_millis(300), ..ClientLimits::default() };
    let client = server.client().limits(limits);
    assert_eq!(client.get(&server.url("/small")).await.unwrap().body, b"squeezed");
    for (path, is_expected) in [
        ("/bomb", (|error| matches!(error, FetchError::Limit(_))) as fn(&FetchError) -> bool),
        ("/announced", |error| matches!(error, FetchError::Limit(_))),
        ("/unannounced", |error| matches!(error, FetchError::Limit(_))),
        ("/twice", |error| *error == FetchError::Protocol),
        ("/br", |error| *error == FetchError::Protocol),
        ("/torn", |error| *error == FetchError::Protocol),
        ("/headers", |error| *error == FetchError::Protocol),
        ("/garbage", |error| *error == FetchError::Protocol),
    ] {
        let error = client.get(&server.url(path)).await.unwrap_err();
        assert!(is_expected(&error), "{path}: {error}");
    }
    let start = Instant::now();
    assert!(matches!(client.get(&server.url("/silent")).await, Err(FetchError::Limit(_))));
    assert!(start.elapsed() < Duration::from_millis(800));
    // A body of 10 MiB would be admitted, but not when it grew a thousandfold.
    assert!(matches!(server.client().get(&server.url("/bomb")).await, Err(FetchError::Limit(_))));
}

/// Answers a lookup after a while.
struct Slow;

impl Resolve for Slow {
    fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        std::thread::sleep(Duration::from_millis(700));
        Ok(vec!["127.0.0.2".parse().unwrap()])
    }
}

#[tokio::test]
async fn a_slow_name_server_takes_neither_the_time_nor_the_threads() {
    let server = Server::start(|_, _| ok("x")).await;
    let limits = ClientLimits { resolve: Duration::from_millis(100), resolving: 2, ..ClientLimits::default() };
    let client = SafeClient::new(server.policy()).resolver(Slow).limits(limits);
    let start = Instant::now();
    for _ in 0..4 {
        assert!(matches!(client.get(&server.url("/")).await, Err(FetchError::Limit(_))));
    }
    assert!(start.elapsed() < Duration::from_millis(650), "{:?}", start.elapsed());
}

#[tokio::test]
async fn certificates_must_be_the_hosts() {
    let made = rcgen::generate_simple_self_signed(["good.test".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.der().to_vec(), made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone().into()], PrivateKeyDer::Pkcs8(key.into()))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&ok("over TLS")).await;
            let _ = stream.shutdown().await;
        }
    });
    let policy =
        ["good.test", "other.test"].into_iter().fold(UrlPolicy::new(), |policy, host| policy.host(host).unwrap());
    let policy = policy.port(port).dangerous_allow_range("127.0.0.2/32").unwrap();
    let stranger = SafeClient::new(policy).resolver(Public(Arc::default()));
    let friend = stranger.clone().authorities([certificate]).unwrap();
    let url = |host: &str| UrlArg::new(format!("https://{host}:{port}/"));
    assert_eq!(friend.get(&url("good.test")).await.unwrap().body, b"over TLS");
    assert_eq!(friend.get(&url("other.test")).await.unwrap_err(), FetchError::Tls, "another name's certificate");
    assert_eq!(stranger.get(&url("good.test")).await.unwrap_err(), FetchError::Tls, "an unknown authority");
    assert!(
        matches!(friend.get(&UrlArg::new(format!("http://good.test:{port}/"))).await, Err(FetchError::Refused(_))),
        "https only"
    );
}
