//! The Model Context Protocol as attackers send it: strict wire, lenient models.
#![forbid(unsafe_code)]
