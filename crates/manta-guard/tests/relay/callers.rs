//! Who calls over HTTP: access tokens of an issuer, and certificates.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring as provider};

use super::http::Front;

const AUDIENCE: &str = "http://localhost:1/mcp";

/// Answers every request with the issuer's keys.
fn issuer(key: &Ed25519KeyPair) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let x = URL_SAFE_NO_PAD.encode(key.public_key());
    let body = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x }] }).to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
        }
    });
    port
}

fn token(key: &Ed25519KeyPair, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&json!({ "alg": "EdDSA", "kid": "k" })), encode(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes())))
}

/// What makes tokens of the issuer on a port of this machine count.
fn oauth(port: u16) -> String {
    let url = format!("http://127.0.0.1:{port}");
    format!(
        "[hosts.login]\nallow = [\"127.0.0.1\"]\nschemes = [\"https\", \"http\"]\nports = [{port}]\nprivate = \
         [\"127.0.0.1/32\"]\n[guard]\nnetwork = \"none\"\n[guard.http_oauth]\nissuer = \"{url}\"\naudience = \
         \"{AUDIENCE}\"\njwks = \"{url}/keys\"\nhosts = \"login\"\nscopes = [\"mcp\"]\n"
    )
}

pub(crate) fn streams_end_when_the_token_of_their_reader_does(directory: &Path) {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let port = issuer(&key);
    let front = Front::start(directory, &format!("{}\n{}", super::OPEN, oauth(port)));
    // Clocks may differ by a minute, so these count for two seconds and for an hour more.
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let bearer = |exp: u64| {
        let claims = json!({ "iss": format!("http://127.0.0.1:{port}"), "aud": AUDIENCE, "sub": "alice", "exp": exp, "scope": "mcp" });
        format!("Bearer {}", token(&key, &claims))
    };
    let (short, long) = (bearer(now - 57), bearer(now + 3600));
    let hello =
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
    let session = front.ask("POST", &[("authorization", &long)], hello).session.unwrap();
    let listen = |bearer: &str| {
        let headers = [("authorization", bearer), ("mcp-session-id", &session), ("Accept", "text/event-stream")];
        let (status, stream) = front.begin("GET", &headers, "");
        assert_eq!(status, 200);
        stream
    };
    let begun = std::time::Instant::now();
    let mut text = String::new();
    listen(&short).read_to_string(&mut text).unwrap();
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    let mut stays = listen(&long);
    stays.get_ref().set_read_timeout(Some(std::time::Duration::from_secs(4))).unwrap();
    let error = stays.read_to_string(&mut text).unwrap_err();
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{error}");
}

pub(crate) fn access_tokens_say_who_calls_and_go_no_further(directory: &Path) {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let port = issuer(&key);
    let url = format!("http://127.0.0.1:{port}");
    let policy = format!("{}\n[tools.large]\nprincipals = [\"bob\"]\nextra = \"pass\"\n{}", super::OPEN, oauth(port));
    let front = Front::start(directory, &policy);
    let later = UNIX_EPOCH.elapsed().unwrap().as_secs() + 600;
    let claims = |sub: &str| json!({ "iss": url, "aud": AUDIENCE, "sub": sub, "exp": later, "scope": "mcp other" });
    let alice = format!("Bearer {}", token(&key, &claims("alice")));
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"large","arguments":{"bytes":3},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    let modern = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "large")];
    let ask = |authorization: Option<&str>| {
        let mut headers = modern.to_vec();
        headers.extend(authorization.map(|value| ("authorization", value)));
        front.ask("POST", &headers, list)
    };
    let mut wrong = claims("alice");
    wrong["aud"] = "http://localhost:2/mcp".into();
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    for refused in [
        None,
        Some("Bearer x".to_owned()),
        Some(format!("Bearer {}", token(&other, &claims("alice")))),
        Some(format!("Bearer {}", token(&key, &wrong))),
    ] {
        let answer = ask(refused.as_deref());
        assert_eq!(answer.status, 401, "{refused:?}: {}", answer.body);
    }
    let mut narrow = claims("alice");
    narrow["scope"] = "other".into();
    assert_eq!(ask(Some(&format!("Bearer {}", token(&key, &narrow)))).status, 403);
    let refused = ask(Some(&alice));
    assert_eq!(refused.status, 200);
    assert!(refused.body.contains("may not call"), "rules know the caller: {}", refused.body);
    let bob = format!("Bearer {}", token(&key, &claims("bob")));
    assert!(ask(Some(&bob)).body.contains("xxx"));
    let page = front.get("/.well-known/oauth-protected-resource/mcp");
    assert!(page.contains(AUDIENCE) && page.contains(&url), "{page}");
    let log = fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
    assert!(log.contains("\"principal\":\"bob\"") && log.contains("\"principal\":\"alice\""));
    let secret = bob.rsplit('.').next().unwrap();
    assert!(!log.contains(secret), "no credential is recorded");
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

/// An authority and what it signs.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// A list of certificates that count no more, in force for a day or out of date.
    fn revoke(&self, certificates: &[&CertificateDer<'static>], is_old: bool) -> String {
        let serials = certificates.iter().map(|certificate| serial(certificate));
        let (from, to) = if is_old { ((2020, 1), (2020, 2)) } else { ((2020, 1), (4000, 1)) };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(from.0, from.1, 1),
            next_update: date_time_ymd(to.0, to.1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials
                .map(|serial_number| RevokedCertParams {
                    serial_number,
                    revocation_time: date_time_ymd(2021, 1, 1),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        pem("X509 CRL", params.signed_by(&self.issuer).unwrap().der())
    }

    fn sign(&self, names: &[&str], common: &str) -> (CertificateDer<'static>, Vec<u8>) {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key.serialize_der())
    }
}

/// The serial number of a certificate: the first integer of twenty bytes in it.
fn serial(certificate: &[u8]) -> SerialNumber {
    let at = certificate.windows(2).position(|bytes| bytes[0] == 2 && (8..=21).contains(&bytes[1])).unwrap();
    let length = usize::from(certificate[at + 1]);
    SerialNumber::from_slice(&certificate[at + 2..at + 2 + length])
}

pub(crate) fn certificates_say_who_calls_and_without_one_nobody_does(directory: &Path) {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (server, server_key) = authority.sign(&["localhost"], "server");
    fs::write(directory.join("server.pem"), pem("CERTIFICATE", &server)).unwrap();
    fs::write(directory.join("server.key"), pem("PRIVATE KEY", &server_key)).unwrap();
    fs::write(directory.join("ca.pem"), pem("CERTIFICATE", &authority.certificate)).unwrap();
    fs::write(directory.join("revoked.pem"), authority.revoke(&[], false)).unwrap();
    let policy = format!(
        "{}\n[guard.http_tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclients = \"ca.pem\"\nrevoked = \"revoked.pem\"\n",
        super::OPEN
    );
    let front = Front::start(directory, &policy);
    let ask = |caller: Option<(CertificateDer<'static>, Vec<u8>)>| -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match caller {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::try_from(key).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(front.address)?);
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
                    Accept: application/json\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n";
        write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    assert!(ask(None).is_err(), "no certificate");
    assert!(ask(Some(stranger.sign(&["alice.example"], "alice"))).is_err(), "of another authority");
    for (names, common, principal) in [(&["alice.example"][..], "x", "alice.example"), (&[], "bob", "bob")] {
        let answer = ask(Some(authority.sign(names, common))).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("hello"), "{answer}");
        let log = fs::read_to_string(directory.join("manta-audit.jsonl")).unwrap();
        assert!(log.contains(&format!("\"principal\":\"{principal}\"")), "{log}");
    }
    // A list that names one certificate and leaves the other, given while the guard runs.
    let (carol, dave) = (authority.sign(&["carol.example"], "x"), authority.sign(&["dave.example"], "x"));
    fs::write(directory.join("revoked.pem"), authority.revoke(&[&carol.0], false)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2200));
    assert!(ask(Some(carol)).is_err(), "revoked");
    assert!(ask(Some(dave)).unwrap().contains("hello"));
    // A list that has run out says nothing about anybody any more.
    fs::write(directory.join("revoked.pem"), authority.revoke(&[], true)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2200));
    assert!(ask(Some(authority.sign(&["erin.example"], "x"))).is_err(), "nobody knows");
    // Plain HTTP gets nothing.
    let mut plain = TcpStream::connect(front.address).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
}
