//! The front end for JavaScript and TypeScript.

mod golden;
mod resolver;
mod robust;
