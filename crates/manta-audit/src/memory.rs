//! What one analysis of a tree may keep for the next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use manta_core::{FileId, SourceFile, SourceMap};
use manta_detect::Match;
use manta_flow::frontend::{FrontEnd, Lowered};

/// Files as they were lowered in earlier analyses of one tree, and what detectors found in them and in what servers say:
/// an editor changes one of them at a time.
///
/// It never changes a result. Clones share what they keep, which is at most one version of each file of the tree that
/// was analysed last, and the texts of the last two analyses.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: Arc<Mutex<HashMap<String, Kept>>>,
    secrets: Arc<Mutex<HashMap<String, (Arc<str>, Vec<Match>)>>>,
    said: Arc<Mutex<Said>>,
}

/// What a detector found in a text, by its name and the text.
type Found = HashMap<&'static str, HashMap<String, Vec<Match>>>;

/// Texts of this analysis, and those of the one before that this one has not asked for.
#[derive(Debug, Default)]
struct Said {
    now: Found,
    before: Found,
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
        whole(&self.secrets).retain(|path, _| sources.find(path).is_some());
    }

    /// A new analysis begins to ask for texts.
    pub(crate) fn forget_unsaid(&self) {
        let mut said = whole(&self.said);
        said.before = std::mem::take(&mut said.now);
    }

    /// What a detector finds in a text that a server says.
    pub(crate) fn said(&self, detector: &'static str, find: fn(&str) -> Vec<Match>, text: &str) -> Vec<Match> {
        let mut said = whole(&self.said);
        if let Some(found) = said.now.get(detector).and_then(|texts| texts.get(text)) {
            return found.clone();
        }
        let before = said.before.get_mut(detector).and_then(|texts| texts.remove_entry(text));
        let (text, found) = before.unwrap_or_else(|| (text.to_owned(), find(text)));
        said.now.entry(detector).or_default().insert(text, found.clone());
        found
    }

    /// What a detector finds in a file.
    pub(crate) fn in_file(&self, find: fn(&str) -> Vec<Match>, file: &SourceFile) -> Vec<Match> {
        let mut secrets = whole(&self.secrets);
        if let Some((_, found)) = secrets.get(&file.path).filter(|(text, _)| *text == file.text) {
            return found.clone();
        }
        let found = find(&file.text);
        secrets.insert(file.path.clone(), (Arc::clone(&file.text), found.clone()));
        found
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

    fn files(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        whole(&self.files)
    }
}

/// What a panic left behind is whole: it is only ever changed by one insertion or removal.
fn whole<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static ASKED: AtomicUsize = AtomicUsize::new(0);

    fn length(text: &str) -> Vec<Match> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        vec![Match { range: 0..text.len(), rule: "length" }]
    }

    #[test]
    fn a_text_is_looked_at_once_while_it_is_said() {
        let memory = Memory::default();
        let asked = |text: &str| {
            let before = ASKED.load(Ordering::Relaxed);
            assert_eq!(memory.said("length", length, text)[0].range, 0..text.len());
            ASKED.load(Ordering::Relaxed) - before
        };
        assert_eq!([asked("ab"), asked("ab"), asked("abc")], [1, 0, 1]);
        memory.forget_unsaid();
        assert_eq!(asked("ab"), 0);
        memory.forget_unsaid();
        memory.forget_unsaid();
        assert_eq!(asked("ab"), 1);
        let file = |text: &str| SourceFile::new("a.py", text);
        let lengths = ["x", "x", "xy"].map(|text| memory.in_file(length, &file(text))[0].range.len());
        assert_eq!(lengths, [1, 1, 2]);
    }
}
