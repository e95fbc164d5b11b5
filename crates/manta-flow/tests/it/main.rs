//! The value domains, held against what they model.

mod domain_laws;
mod domain_regex;
mod domain_runtimes;
mod domain_shell;
