//! Where results go: `-o FORMAT[=FILE]`, any number of them in one run.

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use manta_core::ScanReport;
use manta_report::{Format, Options};

use crate::exit::Failure;

/// One `-o`: a format and the file it goes to, standard output if none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    format: Format,
    file: Option<PathBuf>,
}

impl Output {
    /// The file that is written, if any.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

impl FromStr for Output {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given.split_once('=') {
            Some((_, "")) => Err("there is no file after `=`".to_owned()),
            Some((format, file)) => Ok(Self { format: format.parse()?, file: Some(PathBuf::from(file)) }),
            None => Ok(Self { format: given.parse()?, file: None }),
        }
    }
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always on standard output.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether text on standard output is coloured.
    pub(crate) fn is_on(self) -> bool {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                io::stdout().is_terminal()
                    && !is_set("NO_COLOR")
                    && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// Writes the reports of one run as they come, in every format asked for.
pub(crate) struct Writers {
    open: Vec<Writer>,
}

struct Writer {
    format: Format,
    options: Options,
    /// What to call the destination in an error.
    name: String,
    to: Box<dyn Write>,
    is_first: bool,
    /// The reader went away, as `head` does; the rest of the output isn't wanted.
    is_closed: bool,
}

impl Writers {
    /// Opens every destination, so that an unwritable one fails before the work and not after it.
    pub(crate) fn open(outputs: &[Output], color: Color, quiet: bool, several: bool) -> Result<Self, Failure> {
        let human = [Output { format: Format::Human, file: None }];
        let outputs = if outputs.is_empty() { &human } else { outputs };
        let on_stdout: Vec<_> = outputs.iter().filter(|output| output.file.is_none()).collect();
        if let Some(document) = on_stdout.iter().find(|output| output.format.is_document() && on_stdout.len() > 1) {
            let format = document.format;
            return Err(Failure::new(format!("{format} can't share standard output with another format"))
                .hint(format!("give it a file: -o {format}=FILE")));
        }
        let open = |output: &Output| Writer::open(output, color, quiet, several);
        Ok(Self { open: outputs.iter().map(open).collect::<Result<_, _>>()? })
    }

    /// Writes the report of the next target.
    pub(crate) fn write(&mut self, report: &ScanReport) -> Result<(), Failure> {
        self.open.iter_mut().try_for_each(|writer| writer.part(report))
    }

    /// Ends every document and makes sure it arrived.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.open.iter_mut().try_for_each(Writer::finish)
    }
}

impl Writer {
    fn open(output: &Output, color: Color, quiet: bool, several: bool) -> Result<Self, Failure> {
        let (name, to): (_, Box<dyn Write>) = match &output.file {
            None => ("standard output".to_owned(), Box::new(io::stdout())),
            // Opened by its path, a standard output that is a file would be emptied under the other formats on it.
            Some(path) if path == Path::new("/dev/stdout") || path == Path::new("-") => {
                ("standard output".to_owned(), Box::new(io::stdout()))
            }
            Some(path) => {
                let name = path.display().to_string();
                let file =
                    File::create(path).map_err(|error| Failure::new(format!("failed to write {name}: {error}")))?;
                (name, Box::new(file))
            }
        };
        let color = output.file.is_none() && color.is_on();
        let options = Options { version: env!("CARGO_PKG_VERSION"), color, quiet, several };
        let to = Box::new(BufWriter::new(to));
        Ok(Self { format: output.format, options, name, to, is_first: true, is_closed: false })
    }

    fn part(&mut self, report: &ScanReport) -> Result<(), Failure> {
        let part = manta_report::part(self.format, report, &self.options);
        if part.is_empty() {
            return Ok(());
        }
        let frame = self.format.frame();
        let before = if self.is_first { frame.before } else { frame.between };
        self.is_first = false;
        self.put(before)?;
        self.put(&part)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let frame = self.format.frame();
        if self.is_first {
            self.put(frame.before)?;
        }
        self.put(frame.after)?;
        let flushed = self.to.flush();
        self.check(flushed)
    }

    fn put(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        let written = self.to.write_all(text.as_bytes());
        self.check(written)
    }

    fn check(&mut self, result: io::Result<()>) -> Result<(), Failure> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_closed = true,
            Err(error) if !self.is_closed => {
                return Err(Failure::new(format!("failed to write {}: {error}", self.name)));
            }
            Ok(()) | Err(_) => {}
        }
        Ok(())
    }
}

/// Writes text to standard output; a reader that went away is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("failed to write standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Says something beside the results, on standard error.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(io::stderr(), "note: {}", manta_core::Untrusted(text).for_terminal());
}
