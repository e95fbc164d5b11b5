//! TLS of the front, and what a client's certificate says about who calls.
//!
//! With `clients`, a connection without a certificate from one of those authorities ends in the handshake, before
//! a single byte of HTTP is read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use manta_harden::policy::LOCAL;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto::ring};

/// `[guard.http_tls]`; files in PEM, relative to the policy file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSpec {
    /// The server's certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of clients. Left out: clients need no certificate.
    pub clients: Option<PathBuf>,
    /// Revocation lists of those authorities, several in one file. A certificate that none of them speaks about, or
    /// only one that is out of date, is not admitted.
    pub revoked: Option<PathBuf>,
}

/// A compiled [`TlsSpec`]. Files that change are read again: certificates and lists run out.
#[derive(Clone)]
pub struct Tls {
    spec: TlsSpec,
    base: PathBuf,
    current: Arc<Mutex<Current>>,
    pub(super) wants_certificates: bool,
}

/// What connections are accepted with.
struct Current {
    acceptor: TlsAcceptor,
    looked: Instant,
    /// When the files were changed, as far as the system says.
    changed: Vec<Option<SystemTime>>,
}

/// How often somebody looks whether the files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("wants_certificates", &self.wants_certificates).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A message that names the file.
    pub fn load(spec: &TlsSpec, base: &Path) -> Result<Self, String> {
        let changed = changes(spec, base);
        let current = Current { acceptor: acceptor(spec, base)?, looked: Instant::now(), changed };
        Ok(Self {
            spec: spec.clone(),
            base: base.to_owned(),
            current: Arc::new(Mutex::new(current)),
            wants_certificates: spec.clients.is_some(),
        })
    }

    /// What the next connection is accepted with. Files that can't be used leave the ones before them in force, and
    /// what is wrong is told.
    pub(super) fn acceptor(&self) -> (TlsAcceptor, Option<String>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut problem = None;
        if current.looked.elapsed() >= LOOK_EVERY {
            current.looked = Instant::now();
            let changed = changes(&self.spec, &self.base);
            if changed != current.changed {
                match acceptor(&self.spec, &self.base) {
                    Ok(acceptor) => (current.acceptor, current.changed) = (acceptor, changed),
                    Err(why) => problem = Some(why),
                }
            }
        }
        (current.acceptor.clone(), problem)
    }
}

fn changes(spec: &TlsSpec, base: &Path) -> Vec<Option<SystemTime>> {
    let files = [Some(&spec.certificate), Some(&spec.key), spec.clients.as_ref(), spec.revoked.as_ref()];
    files
        .iter()
        .flatten()
        .map(|file| std::fs::metadata(base.join(file)).and_then(|found| found.modified()).ok())
        .collect()
}

fn acceptor(spec: &TlsSpec, base: &Path) -> Result<TlsAcceptor, String> {
    let (certificate, key) = (base.join(&spec.certificate), base.join(&spec.key));
    let wrong = |file: &Path, why: &dyn std::fmt::Display| format!("[guard.http_tls] {}: {why}", file.display());
    let chain = certificates(&certificate).map_err(|why| wrong(&certificate, &why))?;
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| wrong(&key, &error))?;
    if spec.revoked.is_some() && spec.clients.is_none() {
        return Err("[guard.http_tls] `revoked` means nothing without `clients`".to_owned());
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&certificate, &error))?;
    let builder = match &spec.clients {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let file = base.join(file);
            let mut roots = RootCertStore::empty();
            for authority in certificates(&file).map_err(|why| wrong(&file, &why))? {
                roots.add(authority).map_err(|error| wrong(&file, &error))?;
            }
            let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            if let Some(lists) = &spec.revoked {
                let lists = base.join(lists);
                let read = revocations(&lists).map_err(|why| wrong(&lists, &why))?;
                verifier = verifier.with_crls(read).enforce_revocation_expiration();
            }
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(&file, &error))?)
        }
    };
    let mut config = builder.with_single_cert(chain, private).map_err(|error| wrong(&certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn revocations(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let read = CertificateRevocationListDer::pem_file_iter(file).map_err(|error| error.to_string())?;
    let read: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if read.is_empty() { Err("there is no revocation list in it".to_owned()) } else { Ok(read) }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(|error| error.to_string())?.collect();
    match read {
        Ok(list) if list.is_empty() => Err("there is no certificate in it".to_owned()),
        Ok(list) => Ok(list),
        Err(error) => Err(error.to_string()),
    }
}

/// Who a verified certificate speaks for: its first URI (as SPIFFE has it), its first DNS name, its common name,
/// else the digest of the certificate itself.
pub(super) fn principal(certificate: &CertificateDer<'_>) -> String {
    let digest = || {
        let digest = Sha256::digest(certificate.as_ref());
        digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    };
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return digest() };
    let (mut uris, mut names) = (parsed.valid_uri_names(), parsed.valid_dns_names());
    let named = uris.next().or_else(|| names.next()).map(str::to_owned);
    // Nobody may become the user at the keyboard by taking his name.
    let is_usable = |name: &str| !name.is_empty() && name.len() <= 256 && name != LOCAL;
    let is_plain = |name: &String| is_usable(name) && !name.chars().any(char::is_control);
    named.or_else(|| common_name(parsed.subject())).filter(is_plain).unwrap_or_else(digest)
}

/// The common name (2.5.4.3) in a subject: sets of sequences of an identifier and a text (X.501).
fn common_name(subject: &[u8]) -> Option<String> {
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const IDENTIFIER: u8 = 0x06;
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    let mut rest = match element(subject)? {
        (SEQUENCE, inner, []) => inner,
        _ => subject,
    };
    let mut found = None;
    while let Some((SET, set, after)) = element(rest) {
        rest = after;
        let Some((SEQUENCE, pair, [])) = element(set) else { continue };
        let Some((IDENTIFIER, COMMON_NAME, value)) = element(pair) else { continue };
        // UTF8String, PrintableString, IA5String; of two names neither is the one.
        let Some((0x0c | 0x13 | 0x16, text, [])) = element(value) else { continue };
        if found.replace(std::str::from_utf8(text).ok()?.to_owned()).is_some() {
            return None;
        }
    }
    found
}

/// Tag, content and what follows of one DER element with a definite length below 64 KiB.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, rest @ ..] = bytes else { return None };
    let (length, rest) = match rest {
        [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((*tag, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate of these names, signed by itself.
    fn certificate(names: &[&str], common: &str) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, common);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn nobody_takes_the_name_of_the_user_at_the_keyboard_or_one_that_can_not_be_shown() {
        assert_eq!(principal(&certificate(&["alice.example"], "bob")), "alice.example");
        assert_eq!(principal(&certificate(&[], "bob")), "bob");
        let long = "x".repeat(300);
        for (names, common) in [
            (&[][..], LOCAL),
            (&[LOCAL][..], "bob"),
            (&[], ""),
            (&[], "bob\u{1b}[2J"),
            (&[], "bob\nlocal"),
            (&[], &long),
        ] {
            let name = principal(&certificate(names, common));
            assert!(name.starts_with("sha256:") && name.len() == 71, "{names:?} {common:?}: {name}");
        }
    }

    #[test]
    fn a_common_name_is_read_and_two_are_none() {
        let pair = |name: &[u8]| {
            let mut inner = vec![0x06, 3, 0x55, 0x04, 0x03, 0x0c, u8::try_from(name.len()).unwrap()];
            inner.extend_from_slice(name);
            let mut sequence = vec![0x30, u8::try_from(inner.len()).unwrap()];
            sequence.extend(inner);
            let mut set = vec![0x31, u8::try_from(sequence.len()).unwrap()];
            set.extend(sequence);
            set
        };
        let one = pair(b"alice");
        let mut whole = vec![0x30, u8::try_from(one.len()).unwrap()];
        whole.extend_from_slice(&one);
        assert_eq!(common_name(&one).as_deref(), Some("alice"));
        assert_eq!(common_name(&whole).as_deref(), Some("alice"));
        assert_eq!(common_name(&[pair(b"alice"), pair(b"bob")].concat()), None);
        for end in 0..whole.len() {
            let _ = common_name(&whole[..end]);
        }
        assert_eq!(common_name(&[]), None);
    }
}
