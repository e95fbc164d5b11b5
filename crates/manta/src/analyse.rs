//! Hands a collected target to the analysis, with every front end there is.

use std::path::PathBuf;

use manta_core::{ProjectInput, RuleMeta, ScanReport};

use crate::exit::Failure;
use crate::suppress;

/// Every rule, in the order reports list them.
#[must_use]
pub fn rules() -> Vec<&'static RuleMeta> {
    vec![&suppress::UNUSED]
}

/// What is the same for every target of a run.
#[derive(Debug)]
pub struct Analysis {}

impl Analysis {
    /// Prepares an analysis that knows the built-in models and those in the given directories.
    ///
    /// # Errors
    /// When a directory can't be read or a model in it isn't one.
    pub fn new(models: &[PathBuf]) -> Result<Self, Failure> {
        if let Some(directory) = models.first() {
            return Err(Failure::new(format!("models can't be read from {} yet", directory.display())));
        }
        Ok(Self {})
    }

    /// Analyses one target.
    #[must_use]
    pub fn run(&self, input: &ProjectInput) -> ScanReport {
        ScanReport::new(input)
    }
}
