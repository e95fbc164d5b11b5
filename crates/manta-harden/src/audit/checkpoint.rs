//! Checkpoints: statements about how far a log has come, for keeping elsewhere.
//!
//! A checkpoint names the number and hash of one record, and with it everything before. Signed, and on a
//! file system that the owner of the log cannot write, it shows a log that was cut off or rewritten.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::chain::Tip;
use super::file::{open_beside, private};
use super::time::rfc3339;
use super::writer::{AuditError, Options, io_error, with_suffix};

/// One line of the checkpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of the record.
    pub seq: u64,
    /// Hash of its line.
    pub hash: String,
    /// When the checkpoint was made.
    pub timestamp: String,
    /// Public key, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Ed25519 signature, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
}

impl Checkpoint {
    /// What is signed. The first line keeps a signature from being valid for anything else.
    #[cfg(feature = "signing")]
    fn message(&self) -> String {
        format!("manta-audit-checkpoint/v1\n{}\n{}\n{}\n{}\n", self.origin, self.seq, self.hash, self.timestamp)
    }

    /// Whether the signature is `key`'s.
    #[cfg(feature = "signing")]
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let Some(signature) = self.sig.as_deref().and_then(crate::digest::unhex::<64>) else { return false };
        let signature = ed25519_dalek::Signature::from_bytes(&signature);
        key.0.verify_strict(self.message().as_bytes(), &signature).is_ok()
    }
}

/// Signs checkpoints (Ed25519).
#[cfg(feature = "signing")]
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

#[cfg(feature = "signing")]
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(***)")
    }
}

#[cfg(feature = "signing")]
impl SigningKey {
    /// From a 32-byte seed in hexadecimal, as a key file holds it.
    #[must_use]
    pub fn from_hex(seed: &str) -> Option<Self> {
        crate::digest::unhex::<32>(seed.trim()).map(|seed| Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// The other half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }
}

/// Checks checkpoints (Ed25519).
#[cfg(feature = "signing")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

#[cfg(feature = "signing")]
impl PublicKey {
    /// From 32 bytes in hexadecimal.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = crate::digest::unhex::<32>(text.trim())?;
        ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok().map(Self)
    }

    /// In hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        crate::digest::hex(self.0.as_bytes())
    }
}

/// What checkpoints call a log.
pub(super) fn origin_of(log: &Path) -> String {
    log.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Writes a checkpoint now and then.
#[derive(Debug)]
pub(super) struct Checkpointer {
    file: File,
    origin: String,
    every: u64,
    last: u64,
    #[cfg(feature = "signing")]
    key: Option<SigningKey>,
}

impl Checkpointer {
    pub(super) fn open(log: &Path, options: &Options) -> Result<Self, AuditError> {
        let path = options.checkpoints.clone().unwrap_or_else(|| with_suffix(log, "checkpoints"));
        let file = open_beside(private().create(true).append(true), &path);
        Ok(Self {
            file: file.map_err(|error| io_error(&path, &error))?,
            origin: origin_of(log),
            every: options.checkpoint_every.max(1),
            last: 0,
            #[cfg(feature = "signing")]
            key: options.signing_key.clone(),
        })
    }

    /// Called after every batch.
    pub(super) fn after(&mut self, tip: &Tip) -> io::Result<()> {
        if self.last == 0 {
            self.last = tip.seq; // the first batch after opening is the point to count from
        }
        if tip.seq - self.last < self.every { Ok(()) } else { self.write(tip) }
    }

    pub(super) fn write(&mut self, tip: &Tip) -> io::Result<()> {
        self.last = tip.seq;
        let checkpoint = self.sign(Checkpoint {
            origin: self.origin.clone(),
            seq: tip.seq,
            hash: tip.hash.as_str().to_owned(),
            timestamp: rfc3339(SystemTime::now()),
            key: None,
            sig: None,
        });
        let mut line = serde_json::to_vec(&checkpoint)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }

    #[cfg(feature = "signing")]
    fn sign(&self, mut checkpoint: Checkpoint) -> Checkpoint {
        use ed25519_dalek::Signer as _;
        if let Some(key) = &self.key {
            let signature = key.0.sign(checkpoint.message().as_bytes());
            checkpoint.key = Some(key.public().to_hex());
            checkpoint.sig = Some(crate::digest::hex(&signature.to_bytes()));
        }
        checkpoint
    }

    #[cfg(not(feature = "signing"))]
    #[expect(clippy::unused_self, reason = "signs with the key when the feature is on")]
    fn sign(&self, checkpoint: Checkpoint) -> Checkpoint {
        checkpoint
    }
}
