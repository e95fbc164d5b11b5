//! Who calls over HTTP: access tokens of an issuer, and certificates.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
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

pub(crate) fn access_tokens_say_who_calls_and_go_no_further(directory: &Path) {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let port = issuer(&key);
    let url = format!("http://127.0.0.1:{port}");
    let policy = format!(
        "{}\n[tools.large]\nprincipals = [\"bob\"]\nextra = \"pass\"\n[hosts.login]\nallow = [\"127.0.0.1\"]\nschemes = \
         [\"https\", \"http\"]\nports = [{port}]\nprivate = [\"127.0.0.1/32\"]\n[guard]\nnetwork = \
         \"none\"\n[guard.http_oauth]\nissuer = \"{url}\"\naudience = \"{AUDIENCE}\"\njwks = \"{url}/keys\"\nhosts = \
         \"login\"\nscopes = [\"mcp\"]\n",
        super::OPEN
    );
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

    fn sign(&self, names: &[&str], common: &str) -> (CertificateDer<'static>, Vec<u8>) {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key.serialize_der())
    }
}

pub(crate) fn certificates_say_who_calls_and_without_one_nobody_does(directory: &Path) {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (server, server_key) = authority.sign(&["localhost"], "server");
    fs::write(directory.join("server.pem"), pem("CERTIFICATE", &server)).unwrap();
    fs::write(directory.join("server.key"), pem("PRIVATE KEY", &server_key)).unwrap();
    fs::write(directory.join("ca.pem"), pem("CERTIFICATE", &authority.certificate)).unwrap();
    let policy = format!(
        "{}\n[guard.http_tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\nclients = \"ca.pem\"\n",
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
    // Plain HTTP gets nothing.
    let mut plain = TcpStream::connect(front.address).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
}
