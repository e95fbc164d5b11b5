//! What one analysis of a tree may keep for the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use manta_core::{FileId, SourceMap};
use manta_flow::frontend::{FrontEnd, Lowered};

/// Files as they were lowered in earlier analyses of one tree: an editor changes one of them at a time.
///
/// It never changes a result. Clones share what they keep, which is at most one version of each file of the tree that
/// was analysed last.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: Arc<Mutex<HashMap<String, Kept>>>,
}

/// One file and what became of it.
#[derive(Debug)]
struct Kept {
    /// Modules name it; another file before it in the tree changes it.
    id: FileId,
    text: Arc<str>,
    lowered: Lowered,
}

impl Memory {
    /// Forgets files that are no longer there.
    pub(crate) fn keep_only(&self, sources: &SourceMap) {
        self.files().retain(|path, _| sources.find(path).is_some());
    }

    /// Lowers a file, unless it was lowered before just as it is now.
    pub(crate) fn lower(&self, front_end: &dyn FrontEnd, id: FileId, path: &str, text: &Arc<str>) -> Lowered {
        if let Some(kept) = self.files().get(path).filter(|kept| kept.id == id && kept.text == *text) {
            return kept.lowered.clone();
        }
        let lowered = front_end.lower(id, path, text);
        let kept = Kept { id, text: Arc::clone(text), lowered: lowered.clone() };
        self.files().insert(path.to_owned(), kept);
        lowered
    }

    /// A map that a panic left behind is whole: it is only ever changed by one insertion or removal.
    fn files(&self) -> std::sync::MutexGuard<'_, HashMap<String, Kept>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
