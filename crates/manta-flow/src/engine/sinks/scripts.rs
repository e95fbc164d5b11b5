//! Code that reaches an interpreter past its command line: through its standard input, or in a file that it then runs.
//! Either is the same as giving the text as an argument (CWE-94), and judged as that.

use manta_core::Span;

use super::program_of;
use crate::domain::argv;
use crate::engine::interp::Interp;
use crate::engine::value::{Kind, ObjId, Part, Val};
use crate::ir::Symbol;

/// How deep what is written is searched for data of the caller's.
const DEPTH: usize = 4;

impl Interp<'_> {
    /// What a program reads from its standard input is data, unless it is an interpreter that is given no script.
    pub(super) fn check_input(&mut self, api: &str, words: &[Val], input: &Val, span: Span) {
        let known = self.names_of(words);
        let Some(line) = argv::reader(&known) else { return };
        let words = line.into_iter().map(Val::str).chain([input.clone()]).collect();
        self.check_words(api, words, None, span);
    }

    /// The same, of a command line for a shell: `execSync("bash", { input: text })`. What pipes and the like do is not
    /// looked at.
    pub(super) fn check_input_of_line(&mut self, api: &str, line: &Val, input: &Val, span: Span) {
        let Some(line) = line.literal().filter(|line| !line.contains(['|', ';', '&', '<', '\n'])) else { return };
        let words: Vec<Val> = line.split_whitespace().map(Val::str).collect();
        self.check_input(api, &words, input, span);
    }

    /// A method that writes to the input of a program: `spawn("bash").stdin.write(text)`. `data` is what is known of the
    /// call that started it.
    pub(super) fn check_input_of_started(&mut self, api: &str, data: Option<ObjId>, input: &Val, span: Span) {
        let Some(started) = data.map(|data| self.store.obj(data).items.clone()) else { return };
        let (mut words, mut more) = (Vec::new(), None);
        for value in started.iter().filter(|value| !matches!(value.kind, Kind::Fn(_))) {
            match value.literal() {
                // A command line; blanks in a program's own path are rare.
                Some(line) => words.extend(line.split_whitespace().map(Val::str)),
                None => self.add_words(value, &mut words, &mut more, span),
            }
        }
        if more.is_none() {
            self.check_input(api, &words, input, span);
        }
    }

    /// Something of the caller's is written into a file.
    pub(super) fn note_file(&mut self, path: &Val, content: &Val) {
        let mut names = self.names_of_file(path);
        names.extend(self.base_name(path));
        self.note_file_as(names, content);
    }

    /// The same, of what is written into an open file: `open(path, "w").write(text)`, `os.fdopen(fd, "w").write(text)`.
    pub(super) fn note_file_to(&mut self, opened: ObjId, content: &Val) {
        let path = self.store.obj(opened).items.first().cloned();
        let mut names = vec![name_of_made(opened)];
        if let Some(path) = path {
            names.extend(self.names_of_file(&path));
            names.extend(self.base_name(&path));
        }
        self.note_file_as(names, content);
    }

    fn note_file_as(&mut self, names: Vec<Symbol>, content: &Val) {
        let Some(files) = self.found.files.filter(|_| self.deep_taint(content, DEPTH).0.is_some()) else { return };
        for name in names {
            let before = self.store.obj(files).fields.get(&name).cloned();
            let content = before.map_or_else(|| content.clone(), |before| self.join(&before, content));
            self.store.obj_mut(files).fields.insert(name, content);
        }
    }

    /// Files with text of the caller's among the words of a command, where the command runs them.
    pub(super) fn check_files_run(&mut self, api: &str, words: &[Val], readings: &[Vec<String>], span: Span) {
        for (index, word) in words.iter().enumerate() {
            let Some(content) = self.written_into(word) else { continue };
            let extension = self.file_extension(word).unwrap_or_default();
            let runs = readings.iter().find_map(|words| {
                let words: Vec<String> = words.iter().map(|word| word.trim_matches('\0').to_owned()).collect();
                argv::runs_file(&words, index, &extension)
            });
            self.check_code(api, runs, content, span);
        }
    }

    /// The same, in a command line: `node ${file}`.
    pub(super) fn check_files_in_line(&mut self, api: &str, line: &Val, span: Span) {
        if let Some(content) = self.written_into(line) {
            let extension = self.file_extension(line).unwrap_or_default();
            let runs = argv::runs_file(&[String::new()], 0, &extension);
            self.check_code(api, runs, content, span);
            return;
        }
        let Some(parts) = line.text.as_deref().map(|text| text.parts.to_vec()) else { return };
        if let Some(line) = line.literal() {
            let words: Vec<Val> = line.split_whitespace().map(Val::str).collect();
            let reading = words.iter().filter_map(|word| Some(word.literal()?.to_owned())).collect();
            self.check_files_run(api, &words, &[reading], span);
            return;
        }
        let mut before = String::new();
        for part in parts {
            match part {
                Part::Lit(text) => before.push_str(&text),
                Part::Hole(hole) => {
                    if let Some(content) = self.written_into(&hole) {
                        let command = before.rsplit(['|', ';', '&', '\n']).next().unwrap_or_default();
                        let mut words: Vec<String> =
                            command.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
                        words.retain(|word| !word.is_empty());
                        words.push(String::new());
                        let extension = self.file_extension(&hole).unwrap_or_default();
                        let runs = argv::runs_file(&words, words.len() - 1, &extension);
                        self.check_code(api, runs, content, span);
                    }
                    before.push('x');
                }
            }
        }
    }

    fn check_code(&mut self, api: &str, runs: Option<(&str, &str)>, content: Val, span: Span) {
        if let Some((interpreter, option)) = runs {
            self.check_words(api, vec![Val::str(interpreter), Val::str(option), content], None, span);
        }
    }

    /// What a handler has written into a file of the caller's.
    fn written_into(&mut self, path: &Val) -> Option<Val> {
        let files = self.found.files?;
        if self.store.obj(files).fields.is_empty() {
            return None;
        }
        let mut names = self.names_of_file(path);
        names.extend(self.base_name(path));
        let fields = &self.store.obj(files).fields;
        names.iter().find_map(|name| fields.get(name).cloned())
    }

    /// What tells a file from others: its path, as a text or as the value it is, or the call that made or opened it.
    fn names_of_file(&mut self, path: &Val) -> Vec<Symbol> {
        let mut names = Vec::new();
        for path in self.current(path).alternatives() {
            if let Some(text) = path.literal() {
                names.push(Symbol::new(text));
            } else if let Kind::Api(_, Some(made)) = path.kind {
                names.push(name_of_made(made));
            }
            let base = path.text.as_deref().and_then(|text| text.base).map(|(vn, _)| vn);
            let numbers = [Some(path.vn), base].into_iter().flatten().filter(|vn| *vn != 0);
            names.extend(numbers.map(|vn| Symbol::new(&format!("\0value {vn}"))));
        }
        names
    }

    /// The name that a path ends with: what a command says of a file in its own working directory, and what is left of a
    /// path whose directory is asked for anew.
    fn base_name(&self, path: &Val) -> Option<Symbol> {
        let parts = &path.text.as_deref()?.parts;
        let [.., Part::Lit(end)] = parts.as_slice() else { return None };
        let name = end.rsplit('/').next().filter(|name| name.contains('.') && parts.len() > 1)?;
        Some(Symbol::new(name))
    }

    /// Words as far as they are known; empty where they are not.
    fn names_of(&self, words: &[Val]) -> Vec<String> {
        let known = |word: &Val| word.literal().map(str::to_owned).or_else(|| program_of(&self.apis, word));
        words.iter().map(|word| known(word).unwrap_or_default()).collect()
    }
}

/// The name of a file that is known by the call that made or opened it.
fn name_of_made(made: ObjId) -> Symbol {
    Symbol::new(&format!("\0made {}", made.0))
}
