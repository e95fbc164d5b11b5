//! The shared nouns of manta: findings, locations, rule metadata, untrusted text.
#![forbid(unsafe_code)]
