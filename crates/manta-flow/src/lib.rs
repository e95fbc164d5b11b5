//! Language-neutral IR, value domains and abstract interpreter.
#![forbid(unsafe_code)]
