use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

use super::*;

const NOW: f64 = 1_800_000_000.0;
const ISSUER: &str = "https://login.example.com";
pub(crate) const AUDIENCE: &str = "https://mcp.example.com/mcp";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An issuer's key.
pub(crate) enum Signer {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
}

impl Signer {
    pub(crate) fn ed(seed: u8) -> Self {
        Self::Ed(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn ec() -> Self {
        let random = SystemRandom::new();
        let text = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, text.as_ref(), &random).unwrap())
    }

    fn alg(&self) -> &'static str {
        if matches!(self, Self::Ed(_)) { "EdDSA" } else { "ES256" }
    }

    pub(crate) fn jwk(&self, id: &str) -> Value {
        match self {
            Self::Ed(key) => json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": b64(key.public_key()) }),
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "x": b64(x), "y": b64(y) })
            }
        }
    }

    fn sign_text(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let signature = match self {
            Self::Ed(key) => key.sign(signed.as_bytes()).as_ref().to_vec(),
            Self::Ec(key) => key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{signed}.{}", b64(signature))
    }

    pub(crate) fn sign(&self, id: &str, claims: &Value) -> String {
        let header = json!({ "alg": self.alg(), "kid": id, "typ": "at+jwt" });
        self.sign_text(&header.to_string(), &claims.to_string())
    }
}

fn keys(all: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": all }).to_string().as_bytes()).unwrap()
}

fn expected() -> Expected {
    Expected { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), scopes: vec!["mcp".to_owned()] }
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 300.0, "iat": NOW - 5.0, "scope": "openid mcp" })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[test]
fn a_token_of_the_issuer_for_us_names_its_subject() {
    for signer in [Signer::ed(1), Signer::ec()] {
        let keys = keys(&[signer.jwk("k1")]);
        for good in [
            claims(),
            with("aud", json!(["https://other.example", AUDIENCE])),
            with("scp", json!(["mcp"])),
            with("nbf", json!(NOW)),
            with("exp", json!(NOW - 59.0)),
        ] {
            let subject = jwt::verify(&signer.sign("k1", &good), &keys, &expected(), NOW);
            assert_eq!(subject.map(|subject| subject.name).as_deref(), Ok("alice"), "{good}");
        }
    }
    let signer = Signer::ed(1);
    let azure = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 1.0, "scp": "mcp other" });
    assert!(jwt::verify(&signer.sign("k1", &azure), &keys(&[signer.jwk("k1")]), &expected(), NOW).is_ok());
}

#[test]
fn claims_that_are_not_for_us_now_are_refused() {
    let signer = Signer::ed(1);
    let keys = keys(&[signer.jwk("k1")]);
    for bad in [
        with("iss", json!("https://login.example.com/")),
        with("iss", json!("https://evil.example")),
        with("aud", json!("https://mcp.example.com")),
        with("aud", json!("https://mcp.example.com/mcp/")),
        with("aud", json!(["https://other.example"])),
        with("aud", json!({ AUDIENCE: true })),
        with("exp", json!(NOW - 61.0)),
        with("exp", json!("1900000000")),
        with("exp", json!(null)),
        with("nbf", json!(NOW + 61.0)),
        with("iat", json!(NOW + 3600.0)),
        with("sub", json!("")),
        with("sub", json!("local")),
        with("sub", json!("a\nb")),
        with("cnf", json!(null)),
        with("sub", json!("x".repeat(257))),
        without("iss"),
        without("aud"),
        without("sub"),
        without("exp"),
    ] {
        let refused = jwt::verify(&signer.sign("k1", &bad), &keys, &expected(), NOW);
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{bad}: {refused:?}");
    }
    for bad in
        [with("scope", json!("mcpx")), with("scope", json!("")), without("scope"), with("scope", json!("xmcp openid"))]
    {
        assert_eq!(jwt::verify(&signer.sign("k1", &bad), &keys, &expected(), NOW), Err(Refusal::Scope), "{bad}");
    }
}

#[test]
fn forged_headers_and_signatures_are_refused() {
    let (signer, other) = (Signer::ed(1), Signer::ed(2));
    let mut for_one = signer.jwk("only");
    for_one["alg"] = json!("RS256");
    let mut encrypts = signer.jwk("enc");
    encrypts["use"] = json!("enc");
    let keys = keys(&[signer.jwk("k1"), Signer::ec().jwk("k2"), for_one, encrypts]);
    let refuse = |token: &str| jwt::verify(token, &keys, &expected(), NOW).unwrap_err();
    let claims = claims().to_string();
    let headed = |header: Value| signer.sign_text(&header.to_string(), &claims);

    for header in [
        json!({ "alg": "none", "kid": "k1" }),
        json!({ "alg": "NONE" }),
        json!({ "alg": "HS256", "kid": "k1" }),
        json!({ "alg": "EdDSA ", "kid": "k1" }),
        json!({ "alg": "ES256", "kid": "k1" }),
        json!({ "alg": "RS256", "kid": "k1" }),
        json!({ "alg": "EdDSA", "kid": "k2" }),
        json!({ "alg": "EdDSA", "kid": "only" }),
        json!({ "alg": "EdDSA", "kid": "k1", "typ": "id+jwt" }),
        json!({ "alg": "EdDSA", "kid": "k1", "typ": "logout+jwt" }),
        json!({ "alg": "EdDSA", "kid": "k1", "crit": ["exp"] }),
        json!({ "alg": "EdDSA", "kid": "k1", "b64": false }),
        json!({ "alg": "EdDSA", "kid": "k1", "crit": null }),
        json!({ "alg": "EdDSA", "kid": "k1", "b64": null }),
        json!({ "kid": "k1" }),
    ] {
        assert!(matches!(refuse(&headed(header.clone())), Refusal::Invalid(_)), "{header}");
    }
    // A key for encryption is no key for signatures; a key in the header is nobody's.
    for header in [
        json!({ "alg": "EdDSA", "kid": "enc" }),
        json!({ "alg": "EdDSA", "kid": "../../k1" }),
        json!({ "alg": "EdDSA", "kid": "evil", "jwk": other.jwk("evil"), "jku": "https://evil.example/jwks" }),
    ] {
        assert_eq!(refuse(&headed(header.clone())), Refusal::UnknownKey, "{header}");
    }
    let good = signer.sign("k1", &super::tests::claims());
    let parts: Vec<&str> = good.split('.').collect();
    let foreign = other.sign("k1", &super::tests::claims());
    let altered = format!("{}.{}.{}", parts[0], b64(with("sub", json!("root")).to_string()), parts[2]);
    for token in [
        foreign.as_str(),
        altered.as_str(),
        &format!("{}.{}.", parts[0], parts[1]),
        &format!("{}.{}", parts[0], parts[1]),
        &format!("{good}.x"),
        &format!("{good}="),
        &format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
        &format!(" {good}"),
        "",
        "..",
        &"x".repeat(100_000),
    ] {
        assert!(matches!(refuse(token), Refusal::Invalid(_)), "{token}");
    }
    let twice = claims.replacen('{', "{\"sub\":\"root\",", 1);
    let header = json!({ "alg": "EdDSA", "kid": "k1" }).to_string();
    assert!(matches!(refuse(&signer.sign_text(&header, &twice)), Refusal::Invalid(_)));
}

#[test]
fn key_sets_take_what_they_can_use_and_nothing_else() {
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
        assert!(KeySet::parse(text.as_bytes()).is_err(), "{text}");
    }
    let mixed = json!({ "keys": [{ "kty": "oct", "k": "AA" }, 5, { "kty": "EC", "crv": "secp256k1" }, Signer::ed(1).jwk("a")] });
    assert!(KeySet::parse(mixed.to_string().as_bytes()).is_ok());
}

/// An issuer on loopback: metadata and keys, over plain HTTP.
pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
    is_away: Arc<AtomicBool>,
    /// How long it thinks before each answer, in milliseconds.
    thinks: Arc<AtomicU64>,
    /// Where its page says that its keys are, instead of with itself.
    elsewhere: Arc<Mutex<Option<String>>>,
}

impl Issuer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keys, asked, is_away) =
            (Arc::<Mutex<Vec<Value>>>::default(), Arc::<AtomicUsize>::default(), Arc::default());
        let elsewhere = Arc::<Mutex<Option<String>>>::default();
        let thinks = Arc::<AtomicU64>::default();
        let issuer = Self {
            url: url.clone(),
            elsewhere: Arc::clone(&elsewhere),
            keys: Arc::clone(&keys),
            asked: Arc::clone(&asked),
            is_away: Arc::clone(&is_away),
            thinks: Arc::clone(&thinks),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap();
                std::thread::sleep(Duration::from_millis(thinks.load(Ordering::Relaxed)));
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let body = match head.split(' ').nth(1).unwrap_or_default() {
                    _ if is_away.load(Ordering::Relaxed) => None,
                    "/.well-known/oauth-authorization-server" => {
                        let keys = elsewhere.lock().unwrap().clone().unwrap_or_else(|| format!("{url}/keys"));
                        Some(json!({ "issuer": url, "jwks_uri": keys }))
                    }
                    "/keys" => {
                        asked.fetch_add(1, Ordering::Relaxed);
                        Some(json!({ "keys": *keys.lock().unwrap() }))
                    }
                    _ => None,
                };
                let (status, body) = body.map_or(("404 Not Found", String::new()), |body| ("200 OK", body.to_string()));
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        issuer
    }

    fn gate(&self, pause: Duration) -> Gate {
        let port = self.url.rsplit(':').next().unwrap().parse().unwrap();
        let hosts = UrlPolicy::new().host("127.0.0.1").unwrap().http(true).port(port);
        let hosts = hosts.dangerous_allow_range("127.0.0.1/32").unwrap();
        let spec = OAuthSpec {
            issuer: self.url.clone(),
            audience: AUDIENCE.to_owned(),
            scopes: Vec::new(),
            jwks: None,
            hosts: None,
        };
        let mut gate = Gate::new(&spec, Some(&hosts)).unwrap();
        Arc::get_mut(&mut gate.0).unwrap().pause = pause;
        gate
    }

    fn token(&self, signer: &Signer, id: &str) -> String {
        let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
        signer.sign(id, &json!({ "iss": self.url, "aud": AUDIENCE, "sub": "alice", "exp": now + 300 }))
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_a_key_that_went_away_counts_no_more() {
    let issuer = Issuer::start();
    let gate = issuer.gate(Duration::ZERO);
    let (old, new) = (Signer::ed(1), Signer::ec());
    issuer.keys.lock().unwrap().push(old.jwk("old"));
    assert_eq!(
        gate.admit(Some(&issuer.token(&old, "old"))).await.map(|caller| caller.principal),
        Ok("alice".to_owned())
    );
    *issuer.keys.lock().unwrap() = vec![new.jwk("new")];
    assert_eq!(
        gate.admit(Some(&issuer.token(&new, "new"))).await.map(|caller| caller.principal),
        Ok("alice".to_owned())
    );
    assert!(matches!(gate.admit(Some(&issuer.token(&old, "old"))).await, Err(Rejected::Unauthorized(Some(_)))));
    assert_eq!(gate.admit(None).await, Err(Rejected::Unauthorized(None)));
}

#[tokio::test]
async fn a_caller_is_known_for_as_long_as_the_token_counts() {
    let issuer = Issuer::start();
    let gate = issuer.gate(Duration::ZERO);
    let signer = Signer::ed(1);
    issuer.keys.lock().unwrap().push(signer.jwk("k"));
    let left = |exp: f64| {
        let token = signer.sign("k", &json!({ "iss": issuer.url, "aud": AUDIENCE, "sub": "alice", "exp": exp }));
        let gate = gate.clone();
        async move { gate.admit(Some(&token)).await.unwrap().until.map(|until| until - Instant::now()) }
    };
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let minutes = left(now + 240.0).await.unwrap().as_secs_f64() / 60.0;
    assert!((4.9..=5.0).contains(&minutes), "with the minute that clocks may differ: {minutes}");
    assert!(left(now - 50.0).await.unwrap() <= Duration::from_secs(10));
    assert_eq!(left(1e300).await, None);
}

#[tokio::test]
async fn keys_that_were_all_taken_back_admit_nobody() {
    let issuer = Issuer::start();
    let gate = issuer.gate(Duration::ZERO);
    let signer = Signer::ed(1);
    issuer.keys.lock().unwrap().push(signer.jwk("k"));
    assert!(gate.admit(Some(&issuer.token(&signer, "k"))).await.is_ok());
    issuer.keys.lock().unwrap().clear();
    // A token with another name makes the gate ask again.
    let _ = gate.admit(Some(&issuer.token(&signer, "other"))).await;
    assert!(matches!(gate.admit(Some(&issuer.token(&signer, "k"))).await, Err(Rejected::Unauthorized(Some(_)))));
}

#[tokio::test]
async fn a_key_set_of_somebody_else_is_not_asked_for() {
    // The issuer's page names keys at a host that the policy does not: nobody is judged by those.
    let (issuer, other) = (Issuer::start(), Issuer::start());
    let signer = Signer::ed(1);
    other.keys.lock().unwrap().push(signer.jwk("k"));
    *issuer.elsewhere.lock().unwrap() = Some(format!("{}/keys", other.url));
    let gate = issuer.gate(Duration::ZERO);
    assert_eq!(gate.admit(Some(&issuer.token(&signer, "k"))).await, Err(Rejected::Unavailable));
    assert_eq!(other.asked.load(Ordering::Relaxed), 0);
}

#[test]
fn forms_that_another_reader_would_take_for_something_else_are_refused() {
    let signer = Signer::ed(1);
    let keys = keys(&[signer.jwk("k1")]);
    let refuse = |header: &str, claims: &str| {
        let refused = jwt::verify(&signer.sign_text(header, claims), &keys, &expected(), NOW);
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{header} {claims}: {refused:?}");
    };
    let (header, good) = (r#"{"alg":"EdDSA","kid":"k1"}"#, claims().to_string());
    assert!(jwt::verify(&signer.sign_text(header, &good), &keys, &expected(), NOW).is_ok());
    // Lists in the order of our fields.
    refuse(r#"["EdDSA",null,"k1",null,null]"#, &good);
    let list = json!([ISSUER, "alice", AUDIENCE, NOW + 300.0, null, null, "mcp", null, null]);
    refuse(header, &list.to_string());
    for header in [
        r#"{"alg":"EdDSA","alg":"none","kid":"k1"}"#,
        r#"{"alg":"EdDSA","kid":"k2","kid":"k1"}"#,
        r#"{"alg":["EdDSA"],"kid":"k1"}"#,
        r#"{"alg":"EdDSA","kid":["k1"]}"#,
        r#"{"alg":"EdDSA","kid":1}"#,
        r#"{"Alg":"EdDSA","kid":"k1"}"#,
        "\u{feff}{\"alg\":\"EdDSA\",\"kid\":\"k1\"}",
        r#"{"alg":"EdDSA","kid":"k1"}{}"#,
        r#""EdDSA""#,
        "null",
    ] {
        refuse(header, &good);
    }
    for claims in [
        good.replacen('{', r#"{"exp":99999999999,"#, 1),
        good.replacen('{', r#"{"aud":"https://mcp.example.com/mcp","#, 1),
        good.replace("\"exp\"", "\"EXP\""),
        with("exp", json!(-1)).to_string(),
        with("exp", json!([NOW + 300.0])).to_string(),
        with("exp", json!(true)).to_string(),
        good.replace(&format!("{:.1}", NOW + 300.0), "1e999"),
        with("nbf", json!("0")).to_string(),
        with("nbf", json!(1e300)).to_string(),
        with("iss", json!([ISSUER])).to_string(),
        with("aud", json!([])).to_string(),
        with("aud", json!([[AUDIENCE]])).to_string(),
        with("aud", json!(AUDIENCE.to_uppercase())).to_string(),
        with("aud", json!(format!("{AUDIENCE}\0"))).to_string(),
        with("sub", json!(["alice"])).to_string(),
        with("sub", json!("alice\u{0}")).to_string(),
        // Bound to a key that whoever stole the token does not have, and that nobody proves here.
        with("cnf", json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" })).to_string(),
        with("cnf", json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" })).to_string(),
    ] {
        refuse(header, &claims);
    }
    // Clocks may differ by a minute, not by more, and a second of it is not a day.
    for (name, ahead, is_good) in [
        ("nbf", 59.0, true),
        ("nbf", 61.0, false),
        ("iat", 59.0, true),
        ("iat", 61.0, false),
        ("exp", -59.0, true),
        ("exp", -60.0, false),
    ] {
        let token = signer.sign_text(header, &with(name, json!(NOW + ahead)).to_string());
        assert_eq!(jwt::verify(&token, &keys, &expected(), NOW).is_ok(), is_good, "{name} {ahead}");
    }
    // A clock that stands before 1970 knows no time at all.
    assert!(jwt::verify(&signer.sign_text(header, &good), &keys, &expected(), f64::INFINITY).is_err());
    assert!(jwt::verify(&signer.sign_text(header, &good), &keys, &expected(), f64::NAN).is_err());
}

#[tokio::test]
async fn unknown_keys_cannot_flood_the_issuer() {
    let issuer = Issuer::start();
    let signer = Signer::ed(1);
    issuer.keys.lock().unwrap().push(signer.jwk("k"));
    let gate = issuer.gate(Duration::from_secs(60));
    for number in 0..50 {
        let _ = gate.admit(Some(&issuer.token(&signer, &format!("made-up-{number}")))).await;
    }
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    assert!(gate.admit(Some(&issuer.token(&signer, "k"))).await.is_ok());
}

#[tokio::test]
async fn a_crowd_with_unknown_keys_before_a_slow_issuer_keeps_nobody_waiting() {
    let issuer = Issuer::start();
    let signer = Signer::ed(1);
    issuer.keys.lock().unwrap().push(signer.jwk("k"));
    let mut gate = issuer.gate(Duration::from_millis(100));
    Arc::get_mut(&mut gate.0).unwrap().fresh = Duration::ZERO;
    assert!(gate.admit(Some(&issuer.token(&signer, "k"))).await.is_ok());
    issuer.thinks.store(400, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(150)).await;
    let crowd: Vec<_> = (0..50)
        .map(|number| {
            let (gate, token) = (gate.clone(), issuer.token(&signer, &format!("made-up-{number}")));
            tokio::spawn(async move { gate.admit(Some(&token)).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let asked = Instant::now();
    assert!(gate.admit(Some(&issuer.token(&signer, "k"))).await.is_ok());
    assert!(asked.elapsed() < Duration::from_millis(300), "{:?}", asked.elapsed());
    for one in crowd {
        assert!(matches!(one.await.unwrap(), Err(Rejected::Unauthorized(Some(_)))));
    }
    // A few, and not one for each.
    assert!(issuer.asked.load(Ordering::Relaxed) <= 8, "{}", issuer.asked.load(Ordering::Relaxed));
}

#[tokio::test]
async fn without_keys_nobody_is_judged_and_nobody_admitted() {
    let issuer = Issuer::start();
    issuer.is_away.store(true, Ordering::Relaxed);
    let signer = Signer::ed(1);
    issuer.keys.lock().unwrap().push(signer.jwk("k"));
    let gate = issuer.gate(Duration::ZERO);
    assert_eq!(gate.admit(Some(&issuer.token(&signer, "k"))).await, Err(Rejected::Unavailable));
    issuer.is_away.store(false, Ordering::Relaxed);
    assert!(gate.admit(Some(&issuer.token(&signer, "k"))).await.is_ok());
    issuer.is_away.store(true, Ordering::Relaxed);
    assert!(gate.admit(Some(&issuer.token(&signer, "k"))).await.is_ok(), "keys that are known still count");
}

#[test]
fn what_cannot_be_an_issuer_or_a_resource_is_refused_at_start() {
    let spec = |issuer: &str, audience: &str| OAuthSpec {
        issuer: issuer.to_owned(),
        audience: audience.to_owned(),
        scopes: Vec::new(),
        jwks: None,
        hosts: None,
    };
    assert!(Gate::new(&spec(ISSUER, AUDIENCE), None).is_ok());
    assert!(Gate::new(&spec(ISSUER, "http://localhost:8080/mcp"), None).is_ok());
    for (issuer, audience) in [
        ("http://login.example.com", AUDIENCE),
        ("https://127.0.0.1", AUDIENCE),
        ("https://user@login.example.com", AUDIENCE),
        ("login.example.com", AUDIENCE),
        (ISSUER, "http://mcp.example.com"),
        (ISSUER, "https://mcp.example.com/#x"),
        (ISSUER, "mcp"),
    ] {
        assert!(Gate::new(&spec(issuer, audience), None).is_err(), "{issuer} {audience}");
    }
}

#[test]
fn clients_learn_where_tokens_come_from() {
    let spec = OAuthSpec {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        scopes: vec!["mcp".to_owned()],
        jwks: None,
        hosts: None,
    };
    let gate = Gate::new(&spec, None).unwrap();
    let metadata = gate.metadata();
    assert_eq!((&metadata["resource"], &metadata["authorization_servers"][0]), (&json!(AUDIENCE), &json!(ISSUER)));
    assert!(gate.is_metadata_path(WELL_KNOWN) && gate.is_metadata_path(&format!("{WELL_KNOWN}/mcp")));
    assert!(!gate.is_metadata_path("/mcp") && !gate.is_metadata_path(&format!("{WELL_KNOWN}/other")));
    assert_eq!(
        gate.challenge(Rejected::Unauthorized(Some("the token is no JWT"))),
        "Bearer error=\"invalid_token\",error_description=\"the token is no JWT\",scope=\"mcp\",\
         resource_metadata=\"https://mcp.example.com/.well-known/oauth-protected-resource/mcp\""
    );
    assert!(gate.challenge(Rejected::Scope).contains("insufficient_scope"));
}

#[test]
fn mutated_tokens_and_key_sets_never_pass_and_never_panic() {
    let signer = Signer::ed(1);
    let keys = keys(&[signer.jwk("k1"), Signer::ec().jwk("k2")]);
    let good = signer.sign("k1", &claims());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    for _ in 0..20_000 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            match below(3) {
                0 => bytes[at] = b"ABCabc019-_.=+/ \n"[below(17)],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"ABCabc019-_.="[below(13)]),
            }
        }
        let token = String::from_utf8(bytes).unwrap();
        let passed = jwt::verify(&token, &keys, &expected(), NOW);
        assert!(token == good || passed.is_err(), "{token}");
        let _ = KeySet::parse(token.as_bytes());
    }
}
