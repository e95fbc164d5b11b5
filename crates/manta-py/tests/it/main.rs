//! The front end for Python.

mod golden;
mod resolver;
mod robustness;
