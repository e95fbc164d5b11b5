//! Hands a collected target to the analysis, with every front end there is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use manta_audit::{Kept, Memory, Settings};
use manta_core::{ProjectInput, RuleMeta, ScanReport, TextChange};
use manta_flow::engine::Observer;
use manta_flow::engine::models::Models;
use manta_flow::frontend::FrontEnd;

use crate::exit::Failure;
use crate::suppress;

/// Every rule, in the order reports list them.
#[must_use]
pub fn rules() -> Vec<&'static RuleMeta> {
    let mut rules = manta_audit::all_rules();
    rules.push(&suppress::UNUSED);
    rules
}

/// The languages manta reads.
fn front_ends() -> Vec<Box<dyn FrontEnd>> {
    vec![Box::new(manta_js::JavaScript), Box::new(manta_py::Python)]
}

/// What is the same for every target of a run.
pub struct Analysis {
    front_ends: Vec<Box<dyn FrontEnd>>,
    models: Models,
    observer: Observer,
    current: BTreeMap<String, String>,
    memory: Option<Memory>,
}

impl Analysis {
    /// Prepares an analysis that knows the built-in models and those in the given directories.
    ///
    /// # Errors
    /// When a directory can't be read or a model in it isn't one.
    pub fn new(model_directories: &[PathBuf]) -> Result<Self, Failure> {
        let mut models = Models::builtin();
        for directory in model_directories {
            for file in model_files(directory)? {
                let name = file.display();
                let text = fs::read_to_string(&file)
                    .map_err(|error| Failure::new(format!("failed to read {name}: {error}")))?;
                models.add(&name.to_string(), &text).map_err(|error| Failure::new(format!("failed to {error}")))?;
            }
        }
        let (observer, current) = (Observer::default(), BTreeMap::new());
        Ok(Self { front_ends: front_ends(), models, observer, current, memory: None })
    }

    /// The same, and `observer` is told what it is at.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// The same, and it knows the versions that packages have now; see [`manta_audit::Settings`].
    #[must_use]
    pub fn knowing(self, current: BTreeMap<String, String>) -> Self {
        Self { current, ..self }
    }

    /// The same, for one tree that is analysed again and again: files that did not change are not parsed again.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self { memory: Some(Memory::default()), ..self }
    }

    /// Who is told what an analysis is at.
    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Analyses one target.
    #[must_use]
    pub fn run(&self, input: &ProjectInput) -> ScanReport {
        self.run_on(input, 1)
    }

    /// The same on so many threads; the report does not depend on their number.
    #[must_use]
    pub fn run_on(&self, input: &ProjectInput, threads: usize) -> ScanReport {
        self.run_with(input, &Settings { threads, ..self.settings() })
    }

    /// The same, unless `stop` is set before it is done: then there is no report. Beside it is what glances at later edits
    /// need.
    #[must_use]
    pub(crate) fn run_unless(
        &self,
        stop: &Arc<AtomicBool>,
        input: &ProjectInput,
    ) -> Option<(ScanReport, Option<Kept>)> {
        let settings = self.stopped_by(stop);
        let (mut report, kept) = manta_audit::audit_to_keep(input, &self.front_ends, &self.models, &settings);
        report.rules = rules();
        (!stop.load(Ordering::Relaxed)).then_some((report, kept))
    }

    /// A first look at a tree that was changed; see [`manta_audit::glance`].
    #[must_use]
    pub(crate) fn glance_unless(
        &self,
        stop: &Arc<AtomicBool>,
        input: &ProjectInput,
        change: TextChange,
        is_time: &dyn Fn() -> bool,
        kept: &mut Option<Kept>,
    ) -> Option<(ScanReport, Vec<Option<String>>)> {
        let settings = self.stopped_by(stop);
        let (mut report, left) =
            manta_audit::glance(input, &self.front_ends, &self.models, &settings, change, is_time, kept);
        report.rules = rules();
        (!stop.load(Ordering::Relaxed)).then_some((report, left))
    }

    /// The same without loading modules; none where the change may be to what they do then, or `stop` is set. See
    /// [`manta_audit::glance_at_kept`].
    #[must_use]
    pub(crate) fn glance_at_kept_unless(
        &self,
        stop: &Arc<AtomicBool>,
        input: &ProjectInput,
        change: TextChange,
        is_time: &dyn Fn() -> bool,
        kept: &mut Option<Kept>,
    ) -> Option<(ScanReport, Vec<Option<String>>)> {
        let settings = self.stopped_by(stop);
        let (mut report, left) =
            manta_audit::glance_at_kept(input, &self.front_ends, &self.models, &settings, change, is_time, kept)?;
        report.rules = rules();
        (!stop.load(Ordering::Relaxed)).then_some((report, left))
    }

    /// What is told of a target without looking at what its code does.
    #[must_use]
    pub(crate) fn around(&self, input: &ProjectInput) -> ScanReport {
        let mut report = manta_audit::around(input, &self.settings());
        report.rules = rules();
        report
    }

    fn stopped_by(&self, stop: &Arc<AtomicBool>) -> Settings {
        let observer = self.observer.clone().stopped_by(Arc::clone(stop));
        Settings { observer, ..self.settings() }
    }

    fn run_with(&self, input: &ProjectInput, settings: &Settings) -> ScanReport {
        let mut report = manta_audit::audit(input, &self.front_ends, &self.models, settings);
        report.rules = rules();
        report
    }

    fn settings(&self) -> Settings {
        let (observer, current) = (self.observer.clone(), self.current.clone());
        let memory = self.memory.clone().unwrap_or_default();
        Settings { observer, current, memory, ..Settings::default() }
    }
}

/// The `*.toml` files of a directory, sorted, so that the order of models doesn't depend on the file system.
fn model_files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::new(format!("failed to read models from {}: {error}", directory.display()));
    let entries = fs::read_dir(directory).map_err(failed)?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut files: Vec<PathBuf> = paths.map_err(failed)?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}
