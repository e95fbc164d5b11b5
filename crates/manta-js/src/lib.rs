//! JavaScript and TypeScript front end.
#![forbid(unsafe_code)]
