//! Sinks that start programs.

use manta_core::Span;

use super::{Judged, Piece, REMOTE_SHELLS, Request, Spelled, judge_argument, program_of};
use crate::domain::argv::{self, ArgVerdict, Operand};
use crate::domain::props::Part as DomainPart;
use crate::domain::shell::Verdict;
use crate::domain::{StrProps, path};
use crate::engine::api::ApiId;
use crate::engine::interp::{Args, Interp};
use crate::engine::models::{SinkKind, SinkRow};
use crate::engine::report::{FlowRule, Outcome};
use crate::engine::value::{Kind, ObjId, Part, Val};
use crate::ir::Symbol;

/// Options whose value is a file the program writes.
const OUTPUT_OPTIONS: [&str; 9] =
    ["-o", "-O", "--output", "--out", "--output-file", "--outfile", "--output-document", "--output-dir", "--save-to"];

/// Most combinations of words that are judged for one call.
const MAX_READINGS: usize = 16;
/// A word that is not known.
const UNKNOWN_WORD: &str = "\u{0}";

impl Interp<'_> {
    pub(super) fn check_argv(&mut self, row: &SinkRow, api: &str, args: &Args, this: Option<&Val>, span: Span) {
        let options_shell = row.shell_if.as_ref().and_then(|selector| self.select(selector, args, this));
        let is_shell = options_shell.is_some_and(|value| match value.truth() {
            Some(truth) => truth,
            // An unknown option object says nothing; a value that was chosen at run time may be a shell.
            None => !matches!(value.kind, Kind::Unknown | Kind::Api(..)),
        });
        let mut words: Vec<Val> = Vec::new();
        let mut more: Option<Val> = None;
        if let Some(program) = &row.program {
            let method = api.rsplit('.').next().unwrap_or_default().replace('_', "-");
            words.extend(program.split(' ').map(|word| Val::str(&word.replace("{method}", &method))));
        } else {
            let Some(program) = self.select(&row.arg, args, this) else { return };
            let program = self.current(&program);
            let is_text = |value: &Val| matches!(value.kind, Kind::Str);
            let is_line = row.splits && program.alternatives().iter().any(is_text)
                || !is_shell && program.alternatives().iter().all(names_program_first);
            let program = if is_line { self.split_words(&program, span) } else { program };
            self.add_words(&program, &mut words, &mut more, span);
        }
        match row.argv.as_deref() {
            Some(from) if from.ends_with("..") => {
                let from = from.trim_end_matches('.').parse::<usize>().unwrap_or(1);
                for value in args.pos.iter().skip(from).cloned().collect::<Vec<_>>() {
                    self.add_words(&value, &mut words, &mut more, span);
                }
                if let Some(rest) = args.rest.clone() {
                    more = Some(more.map_or(rest.clone(), |more| self.join(&more, &rest)));
                }
            }
            Some(selector) => {
                if let Some(list) = self.select(selector, args, this)
                    && !list.is_nullish()
                {
                    let is_line = row.splits && row.program.is_some() && matches!(list.kind, Kind::Str);
                    let list = if is_line { self.split_words(&list, span) } else { list };
                    self.add_words(&list, &mut words, &mut more, span);
                }
            }
            None => {}
        }
        if is_shell {
            let list = self.new_array(words, more);
            let line = self.join_array(&list, " ");
            if let Some(input) = row.input.as_ref().and_then(|input| self.select(input, args, this)) {
                self.check_input_of_line(api, &line, &input, span);
            }
            self.check_value(SinkKind::Shell, api, &line, span);
            return;
        }
        if let Some(input) = row.input.as_ref().and_then(|input| self.select(input, args, this)) {
            self.check_input(api, &words, &input, span);
        }
        self.check_words(api, words, more, span);
    }

    /// A command as a template: blanks of the template part words, blanks of values do not, and an array is as many words as
    /// it has elements. With the `shell` option, which `$({ shell: true })` keeps, it is a line for a shell.
    pub(crate) fn check_command_tag(&mut self, api: ApiId, options: Option<ObjId>, parts: &[Val], span: Span) {
        let models = self.models;
        let rows = self.model_index(api).map(|index| &models.get(index).sinks);
        let is_command = rows.is_some_and(|rows| rows.iter().any(|row| row.kind == SinkKind::CommandTag));
        if !is_command || !self.found.is_running_handler {
            return;
        }
        let (at, name) = (self.here(span), self.apis.name(api));
        self.found.conduct.act(SinkKind::CommandTag, at, &name);
        let options = options.and_then(|options| self.store.obj(options).items.first().cloned());
        let shell = options.map(|options| self.get_member(&options, Symbol::new("shell"), span));
        if shell.is_some_and(|shell| shell.truth() == Some(true)) {
            let line = self.concat(parts, span);
            self.check_value(SinkKind::Shell, &name, &line, span);
            return;
        }
        let (mut words, mut more, mut word) = (Vec::new(), None, Vec::new());
        for part in parts {
            let Some(text) = part.literal().filter(|_| part.taint.is_none()) else {
                let is_list = matches!(part.kind, Kind::Obj(id) if self.store.obj(id).is_sequence());
                if is_list && word.is_empty() {
                    self.add_words(part, &mut words, &mut more, span);
                } else {
                    word.push(part.clone());
                }
                continue;
            };
            for (index, piece) in text.split(char::is_whitespace).enumerate() {
                if index > 0 && !word.is_empty() {
                    words.push(self.concat(&std::mem::take(&mut word), span));
                }
                let piece = piece.trim_matches(['"', '\'']);
                if !piece.is_empty() {
                    word.push(Val::str(piece));
                }
            }
        }
        if !word.is_empty() {
            words.push(self.concat(&word, span));
        }
        self.check_words(&name, words, more, span);
    }

    /// Elements of an argument list, or a single word.
    pub(super) fn add_words(&mut self, value: &Val, words: &mut Vec<Val>, more: &mut Option<Val>, span: Span) {
        let value = self.current(value);
        let is_list = match &value.kind {
            Kind::Obj(id) => self.store.obj(*id).is_sequence(),
            Kind::Union(values) => {
                values.iter().any(|value| matches!(value.kind, Kind::Obj(id) if self.store.obj(id).is_sequence()))
            }
            _ => false,
        };
        if is_list {
            let (items, rest) = self.elements_of(&value, span);
            if more.is_none() {
                words.extend(items);
                *more = rest;
            } else {
                for item in items.into_iter().chain(rest) {
                    let joined = match more.take() {
                        Some(before) => self.join(&before, &item),
                        None => item,
                    };
                    *more = Some(joined);
                }
            }
        } else if let (Kind::Obj(_), false) = (&value.kind, words.is_empty()) {
            // Options, not arguments.
        } else if matches!(value.kind, Kind::Unknown)
            && value.text.is_none()
            && words.last().is_some_and(|word| word.literal().is_none_or(|word| !word.starts_with('-')))
        {
            // A list of unknown length; behind an option it is the one word that the option takes.
            let (items, rest) = self.elements_of(&value, span);
            words.extend(items);
            *more = rest;
        } else {
            words.push(value);
        }
    }

    pub(super) fn check_words(&mut self, api: &str, words: Vec<Val>, more: Option<Val>, span: Span) {
        let known = words.len();
        let mut all: Vec<Val> = words.into_iter().chain(more).collect();
        self.decode_words(&mut all);
        let spelled: Vec<Vec<Option<Spelled>>> = all
            .iter()
            .map(|word| {
                let word = self.current(word);
                let shape = self.path_shape(&word);
                let spelled = word.alternatives().to_vec();
                spelled.iter().map(|word| self.spell(word).map(|spelled| Spelled { shape, ..spelled })).collect()
            })
            .collect();
        let readings = self.readings(&all);
        self.check_files_run(api, &all, &readings, span);
        let own: Vec<StrProps> = all.iter().map(|word| self.props(word)).collect();
        for (index, alternatives) in spelled.iter().enumerate() {
            for word in alternatives.iter().flatten() {
                if self.replay_reached(word, span) {
                    continue;
                }
                let verdicts = readings.iter().map(|fixed| (fixed, judge_word(&spelled, fixed, index, word, &own)));
                // Readings mix what belongs together: of several, the worst is the one that was meant.
                let worst =
                    verdicts.reduce(|worst, next| if gravity(&next.1) > gravity(&worst.1) { next } else { worst });
                let Some((fixed, verdict)) = worst else { continue };
                self.report_word(api, word, verdict, fixed, index, known, span);
            }
        }
    }

    /// `powershell -EncodedCommand BASE64` says the same as `powershell -Command TEXT`, where the text is known.
    fn decode_words(&self, words: &mut [Val]) {
        let Some(program) = words.first().and_then(|first| self.fixed_texts(first, true).pop()) else { return };
        for at in 1..words.len().saturating_sub(1) {
            let plain = words[at].literal().and_then(|option| argv::plain_option(&program, option));
            if let Some(plain) = plain
                && let Some(text) = self.encoded.get(&words[at + 1].vn)
            {
                words[at + 1] = text.clone();
                words[at] = Val::str(plain);
            }
        }
    }

    /// What the words may be that the caller does not choose, one reading for each combination: `["cmd", "/c"]` here and
    /// `["sh", "-c"]` there are two programs. Words that are not known are [`UNKNOWN_WORD`].
    fn readings(&self, words: &[Val]) -> Vec<Vec<String>> {
        let mut readings: Vec<Vec<String>> = vec![Vec::new()];
        for (index, word) in words.iter().enumerate() {
            let mut texts = self.fixed_texts(word, index == 0);
            if texts.is_empty() || texts.len() * readings.len() > MAX_READINGS {
                texts = vec![UNKNOWN_WORD.to_owned()];
            }
            readings = readings
                .iter()
                .flat_map(|before| texts.iter().map(|text| [before.as_slice(), std::slice::from_ref(text)].concat()))
                .collect();
        }
        readings
    }

    /// The texts a word may be, when the program knows them all.
    fn fixed_texts(&self, word: &Val, is_program: bool) -> Vec<String> {
        let texts = |value: &Val| -> Option<Vec<String>> {
            let literals = value.literals().filter(|_| value.taint.is_none());
            let named = || if is_program { program_of(&self.apis, value) } else { None };
            match literals {
                Some(literals) => Some(literals.iter().map(|text| text.to_string()).collect()),
                None => Some(vec![named()?]),
            }
        };
        let known: Option<Vec<Vec<String>>> = word.alternatives().iter().map(texts).collect();
        let mut known = known.map(|known| known.concat()).or_else(|| texts(word)).unwrap_or_default();
        known.sort();
        known.dedup();
        known
    }

    /// Records what the word at `index` does among the words of one reading.
    #[expect(clippy::too_many_arguments, reason = "what was judged, and where")]
    fn report_word(
        &mut self,
        api: &str,
        word: &Spelled,
        verdict: ArgVerdict,
        fixed: &[String],
        index: usize,
        known: usize,
        span: Span,
    ) {
        let judged = match verdict {
            ArgVerdict::Safe => Judged::guarded(FlowRule::ArgumentInjection),
            // Everything after the program is the caller's: a pass-through of that program, which is what the
            // tool is for. It still may not choose the program or reach a shell.
            ArgVerdict::Option { program, example, .. } if index == 1 && index >= known => Judged::bad(
                FlowRule::DangerousByDesign,
                example,
                format!("the caller writes all arguments of `{program}`"),
            ),
            // `kubectl exec … -- program`: it runs there and not here.
            ArgVerdict::Program { example } if index > 0 && is_remote(&fixed[0]) => {
                Judged::bad(FlowRule::DangerousByDesign, example, format!("`{}` runs the program elsewhere", fixed[0]))
                    .through(&fixed[0])
            }
            // `docker exec … sh -c command`: the same, for a shell or an interpreter there.
            ArgVerdict::Shell { is_command: true, .. } | ArgVerdict::Code { .. }
                if index > 0 && word.is_whole && is_remote(&fixed[0]) =>
            {
                Judged::bad(FlowRule::DangerousByDesign, "id", format!("`{}` runs the command elsewhere", fixed[0]))
                    .through(&fixed[0])
            }
            verdict => judge_argument(verdict, word.is_whole),
        };
        // A program in a directory that the server chose is one it means to run.
        let is_contained = |piece: &Piece| matches!(piece, Piece::Hole(props) if matches!(props.path.within, path::Within::Strong { .. }));
        let judged = match word.pieces.as_slice() {
            [piece] if judged.rule == FlowRule::CommandExecution && is_contained(piece) => Judged::guarded(judged.rule),
            _ => judged,
        };
        let is_quiet = judged.outcome == Outcome::Guarded;
        self.hit(SinkKind::Argv, api, word, judged, span);
        if opens_url(fixed, index) {
            let judged = self.judge_scheme(word);
            self.hit(SinkKind::Open, api, word, judged, span);
        }
        // Where a list goes on, what stands before a word is not known.
        let operand = argv::operand(fixed, index).filter(|_| index < known);
        let is_made = operand.is_none() && is_quiet && is_output_file(fixed, index);
        self.check_operand(api, operand.or(is_made.then_some(Operand::Creates)), word, span);
    }

    /// Files and addresses that programs in a shell line are told of: `cat ${path}`, where the value can do nothing else.
    pub(super) fn check_operands_of_line(&mut self, api: &str, line: &Val, span: Span) {
        let Some(parts) = line.text.as_deref().map(|text| text.parts.to_vec()) else { return };
        let mut before = String::new();
        for (index, part) in parts.iter().enumerate() {
            let hole = match part {
                Part::Lit(text) => {
                    before.push_str(text);
                    continue;
                }
                Part::Hole(hole) => hole,
            };
            let ends_word = |text: &str| text.starts_with(|c: char| c.is_whitespace() || "'\"|;&>)".contains(c));
            let is_end = match parts.get(index + 1) {
                None => true,
                Some(Part::Lit(text)) => ends_word(text),
                Some(Part::Hole(_)) => false,
            };
            let command = before.rsplit(['|', ';', '&', '\n', '(']).next().unwrap_or_default();
            let is_start = command.trim_end_matches(['\'', '"']).ends_with(char::is_whitespace);
            if is_start && is_end && hole.is_tainted() {
                let words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned());
                let mut words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
                words.push(UNKNOWN_WORD.to_owned());
                let operand = argv::operand(&words, words.len() - 1);
                // What is quoted is judged as what it says.
                let value = self.encoded.get(&hole.vn).unwrap_or(hole).clone();
                if let Some(word) = self.spell(&value).filter(|_| operand.is_some())
                    && !self.replay_reached(&word, span)
                {
                    let shape = self.path_shape(&value);
                    self.check_operand(api, operand, &Spelled { shape, ..word }, span);
                }
            }
            before.push('x');
        }
    }

    fn check_operand(&mut self, api: &str, operand: Option<Operand>, word: &Spelled, span: Span) {
        let file = match operand {
            Some(Operand::Fetches) => {
                let request = Request { kind: SinkKind::Url, api, is_redirected: false };
                for judged in self.judge_url(request, word) {
                    self.hit(SinkKind::Url, api, word, judged, span);
                }
                None
            }
            Some(Operand::Reads) => Some((SinkKind::FileRead, FlowRule::PathTraversal)),
            Some(Operand::Changes) => Some((SinkKind::FileWrite, FlowRule::FileWrite)),
            Some(Operand::Creates) => Some((SinkKind::FileCreate, FlowRule::FileWrite)),
            None => None,
        };
        if let Some((kind, rule)) = file {
            let judged = self.judge_path(word, rule);
            self.hit(kind, api, word, judged, span);
        }
    }
}

/// Judges the word at `index` among the words of one reading.
fn judge_word(
    spelled: &[Vec<Option<Spelled>>],
    fixed: &[String],
    index: usize,
    word: &Spelled,
    own: &[StrProps],
) -> ArgVerdict {
    let mut words: Vec<argv::Word<'_>> = spelled
        .iter()
        .zip(fixed.iter().zip(own))
        .map(|(alternatives, (fixed, own))| match alternatives.iter().flatten().next() {
            Some(spelled) => spelled.parts(),
            None if fixed != UNKNOWN_WORD => vec![DomainPart::Lit(fixed)],
            None => vec![DomainPart::Trusted(own)],
        })
        .collect();
    words[index] = word.parts();
    match argv::judge(&words, index) {
        // A comment that hides nothing of the program's: the last word is missing, that is all.
        ArgVerdict::Shell { verdict, .. } if index + 1 == fixed.len() && is_comment(&verdict) => ArgVerdict::Safe,
        verdict => verdict,
    }
}

/// How much a caller gains, to compare.
fn gravity(verdict: &ArgVerdict) -> u8 {
    match verdict {
        ArgVerdict::Safe => 0,
        ArgVerdict::Option { effect: None, .. } => 1,
        ArgVerdict::Option { .. } => 2,
        ArgVerdict::Code { .. } => 3,
        ArgVerdict::Program { .. } => 4,
        ArgVerdict::Shell { .. } => 5,
    }
}

/// Whether a program hands commands to another machine, device or container.
fn is_remote(program: &str) -> bool {
    REMOTE_SHELLS.contains(&program.rsplit('/').next().unwrap_or(program))
}

/// Whether the word at `index` names a file that the program writes: the value of an output option, or the operand of a
/// known capture command.
fn is_output_file(fixed: &[String], index: usize) -> bool {
    let after_option = index > 0 && OUTPUT_OPTIONS.contains(&fixed[index - 1].as_str());
    let is_capture = fixed.first().is_some_and(|program| program.ends_with("xcrun"))
        && fixed[..index].iter().any(|word| matches!(word.as_str(), "screenshot" | "recordVideo"))
        && (fixed[index - 1] == "--" || index + 1 == fixed.len());
    after_option || is_capture
}

/// Whether the word at `index` is a URL that another program is chosen for by its scheme: on this desktop, on a device, in
/// a simulator.
fn opens_url(fixed: &[String], index: usize) -> bool {
    let program = fixed.first().map(|path| path.rsplit(['/', '\\']).next().unwrap_or_default()).unwrap_or_default();
    let before = &fixed[..index];
    let says = |word: &str| before.iter().any(|before| before == word);
    match program.strip_suffix(".exe").unwrap_or(program) {
        "open" | "xdg-open" | "wslview" | "gnome-open" | "kde-open" | "sensible-browser" => {
            before.last().is_some_and(|last| !matches!(last.as_str(), "-a" | "-b"))
        }
        "gio" => says("open"),
        "explorer" => index == 1,
        "rundll32" => index == 2,
        "cmd" => says("start"),
        "adb" => says("start") && before.last().is_some_and(|last| last == "-d"),
        "xcrun" | "simctl" => says("openurl") && index >= 2,
        _ => false,
    }
}

/// Whether a value can do no more in a command than to begin a comment.
fn is_comment(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::BreaksOut { example, .. } if example.starts_with('#'))
}

/// Whether a text begins with a program that the server names, in quotes or one word, with something behind it. Without a
/// shell that is a command line on Windows; elsewhere there is no program of that name. (What goes on with a slash may be
/// a directory with a blank in its name.)
fn names_program_first(line: &Val) -> bool {
    let parts = line.text.as_deref().map(|text| text.parts.as_slice()).unwrap_or_default();
    let is_own = |part: &&Part| match part {
        Part::Lit(_) => true,
        Part::Hole(hole) => !hole.is_tainted(),
    };
    let start = parts.iter().take_while(is_own);
    let literals = start.filter_map(|part| match part {
        Part::Lit(text) => Some(&**text),
        Part::Hole(_) => None,
    });
    let start = literals.collect::<String>();
    let start = start.trim_start();
    let behind = match start.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map(|(_, behind)| behind).filter(|behind| behind.starts_with(' ')),
        None => start.split_once(' ').map(|(_, behind)| behind),
    };
    matches!(line.kind, Kind::Str) && behind.is_some_and(|behind| !behind.contains(['/', '\\']))
}
