//! The commands a server may run, opened once and checked call by call.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{CommandError, CommandRule};
use super::grammar::{EndOfOptions, Grammar};
use super::{interpreters, runs};
use crate::paths::Root;

/// What a running command may use up. All hold for each process of its tree, but `wall`, `output`
/// and `processes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Processor time, in whole seconds, rounded up. Default 10 s.
    pub cpu: Duration,
    /// Time by the clock, after which the whole tree is killed. Default 30 s.
    pub wall: Duration,
    /// Address space in bytes. Default 2 GiB.
    pub memory: u64,
    /// Largest file it may write, in bytes. Default 64 MiB.
    pub file: u64,
    /// Open files. Default 256.
    pub files: u64,
    /// Processes and threads the tree may add to those its user has already. Linux doesn't count
    /// root's. Default 64.
    pub processes: u64,
    /// Standard output and standard error together, in bytes. Default 1 MiB.
    pub output: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(10),
            wall: Duration::from_secs(30),
            memory: 2 << 30,
            file: 64 << 20,
            files: 256,
            processes: 64,
            output: 1 << 20,
        }
    }
}

/// Where a command runs.
#[derive(Debug, Clone)]
pub enum Cwd {
    /// In a root: the descriptor opened at start is used, not the name.
    Root(Root),
    /// In a fixed directory.
    Dir(PathBuf),
}

/// One command, as an operator describes it.
#[derive(Debug, Clone)]
pub struct CommandSpec {
    /// What callers say.
    pub name: String,
    /// Absolute path of the program.
    pub exe: PathBuf,
    /// Arguments that come first whatever the caller says, such as `-c core.hooksPath=/dev/null`.
    pub args_before: Vec<String>,
    /// Added to the otherwise empty environment (`PATH`, `LANG`, `HOME=/nonexistent`, `TMPDIR`).
    pub env: Vec<(String, String)>,
    /// Working directory.
    pub cwd: Cwd,
    /// How it may be called.
    pub grammar: Grammar,
    /// What separates flags from operands.
    pub end_of_options: EndOfOptions,
    /// Most arguments from the caller.
    pub max_args: usize,
    /// Most bytes of them.
    pub max_bytes: usize,
    /// What it may use up.
    pub limits: Limits,
    /// The operator knows that this program runs whatever it is told and admits it all the same.
    pub interpreter: bool,
}

impl CommandSpec {
    /// A command that takes no argument yet, in `cwd`, with default limits: 32 arguments, 8 KiB.
    #[must_use]
    pub fn new(name: impl Into<String>, exe: impl Into<PathBuf>, cwd: Cwd) -> Self {
        Self {
            name: name.into(),
            exe: exe.into(),
            args_before: Vec::new(),
            env: Vec::new(),
            cwd,
            grammar: Grammar::default(),
            end_of_options: EndOfOptions::default(),
            max_args: 32,
            max_bytes: 8192,
            limits: Limits::default(),
            interpreter: false,
        }
    }
}

/// Commands, deny by default.
#[derive(Debug, Clone, Default)]
pub struct CommandSet {
    commands: BTreeMap<String, Arc<Prepared>>,
}

/// A command whose program and directory are held open.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) spec: CommandSpec,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "commands run on Linux only"))]
    pub(super) exe: File,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "commands run on Linux only"))]
    pub(super) cwd: File,
    cwd_path: PathBuf,
}

impl CommandSet {
    /// Opens every program and directory. From here on replacing the file under its name changes
    /// nothing (CWE-367, CWE-426).
    ///
    /// # Errors
    /// [`CommandRule::Interpreter`] for programs that run whatever they are told,
    /// [`CommandRule::Executable`], [`CommandRule::Policy`] for entries that can't work.
    pub fn new(specs: impl IntoIterator<Item = CommandSpec>) -> Result<Self, CommandError> {
        let mut commands = BTreeMap::new();
        for spec in specs {
            let name = spec.name.clone();
            if commands.insert(name, Arc::new(Prepared::open(spec)?)).is_some() {
                return Err(CommandError::new(CommandRule::Policy, "two commands have the same name"));
            }
        }
        Ok(Self { commands })
    }

    /// Names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.commands.keys().map(String::as_str)
    }

    /// Decides on the arguments alone. Nothing runs.
    ///
    /// # Errors
    /// Names the rule that refused and the argument's position.
    pub fn check<S: AsRef<str>>(&self, name: &str, args: &[S]) -> Result<Invocation, CommandError> {
        let command = self
            .commands
            .get(name)
            .ok_or_else(|| CommandError::new(CommandRule::UnknownCommand, "this command is not allowed"))?;
        let args: Vec<String> = args.iter().map(|arg| arg.as_ref().to_owned()).collect();
        let spec = &command.spec;
        if args.len() > spec.max_args || args.iter().map(String::len).sum::<usize>() > spec.max_bytes {
            return Err(CommandError::new(CommandRule::TooMany, "more arguments than this command takes"));
        }
        let mut argv = spec.args_before.clone();
        argv.extend(spec.grammar.normalise(&args, spec.end_of_options, &command.cwd_path)?);
        Ok(Invocation { command: Arc::clone(command), argv })
    }

    /// Checks and runs to the end. Blocks for at most the command's wall time and 5 s.
    ///
    /// # Errors
    /// Names the rule that refused, or what kept the program from running. A program that fails is
    /// no error; see [`Output::status`].
    pub fn run<S: AsRef<str>>(&self, name: &str, args: &[S]) -> Result<Output, CommandError> {
        self.check(name, args)?.run()
    }
}

impl Prepared {
    fn open(spec: CommandSpec) -> Result<Self, CommandError> {
        spec.grammar.validate()?;
        let broken = |detail: &str| CommandError::new(CommandRule::Executable, detail.to_owned());
        if !spec.exe.is_absolute() {
            return Err(broken("the program must be an absolute path, so that no PATH decides which one runs"));
        }
        let real = spec
            .exe
            .canonicalize()
            .map_err(|error| broken(&format!("the program can't be found: {}", error.kind())))?;
        if !spec.interpreter {
            for exe in [&spec.exe, &real] {
                refuse_interpreter(exe)?;
                refuse_what_runs(exe, &spec)?;
            }
        }
        let mut exe =
            File::open(&real).map_err(|error| broken(&format!("the program can't be opened: {}", error.kind())))?;
        let mut magic = [0; 2];
        if !exe.metadata().is_ok_and(|meta| is_executable(&meta)) || exe.read_exact(&mut magic).is_err() {
            return Err(broken("the program is no executable file"));
        }
        if magic == *b"#!" {
            return Err(broken(
                "the program is a script; name its interpreter as the program and the script in `args_before`",
            ));
        }
        let cwd_path = match &spec.cwd {
            Cwd::Root(root) => root.path().to_owned(),
            Cwd::Dir(dir) => dir.canonicalize().map_err(|_| broken("the working directory can't be found"))?,
        };
        let cwd = match &spec.cwd {
            Cwd::Root(root) => root.directory(),
            Cwd::Dir(_) => File::open(&cwd_path),
        };
        let cwd = cwd.map_err(|_| broken("the working directory can't be opened"))?;
        Ok(Self { spec, exe, cwd, cwd_path })
    }
}

fn refuse_interpreter(exe: &Path) -> Result<(), CommandError> {
    let name = exe.file_name().unwrap_or_default().to_string_lossy();
    match interpreters::refusal(&name) {
        Some(reason) => Err(CommandError::new(
            CommandRule::Interpreter,
            format!("{reason}, so no rule about its arguments can hold; allow the program it would run instead"),
        )),
        None => Ok(()),
    }
}

fn refuse_what_runs(exe: &Path, spec: &CommandSpec) -> Result<(), CommandError> {
    let name = exe.file_name().unwrap_or_default().to_string_lossy();
    match runs::opening(&name, &spec.grammar, spec.end_of_options) {
        Some(what) => Err(CommandError::new(
            CommandRule::Interpreter,
            format!("with {what}, {name} runs what its caller says; leave it out, or list its values (`enum …`)"),
        )),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn is_executable(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    meta.is_file() && meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(meta: &std::fs::Metadata) -> bool {
    meta.is_file()
}

/// A call that was admitted.
#[derive(Debug, Clone)]
pub struct Invocation {
    pub(super) command: Arc<Prepared>,
    argv: Vec<String>,
}

impl Invocation {
    /// The command's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.command.spec.name
    }

    /// The arguments as the program will receive them, without its name.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.argv
    }

    /// Runs to the end. Blocks for at most the command's wall time and 5 s.
    ///
    /// # Errors
    /// [`CommandRule::NoLauncher`] when [`super::init`] was not called, [`CommandRule::Launch`]
    /// when the program can't be started.
    pub fn run(&self) -> Result<Output, CommandError> {
        #[cfg(target_os = "linux")]
        return super::launch::run(self);
        #[cfg(not(target_os = "linux"))]
        Err(CommandError::new(CommandRule::Unsupported, "commands run on Linux only"))
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// Killed when its wall time was over.
    TimedOut,
    /// Killed when its output budget was used up.
    OutputLimit,
}

/// What a program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// Standard output, up to the budget.
    pub stdout: Vec<u8>,
    /// Standard error, up to what standard output left of the budget.
    pub stderr: Vec<u8>,
    /// From start to end.
    pub duration: Duration,
    /// Processes that were still running when the program had ended, and were killed.
    pub swept: u32,
}

impl Output {
    /// The program ended by itself with code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == Status::Exited(0)
    }
}

/// Untrusted name and arguments of a command. Only a [`CommandSet`] runs them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandArg {
    /// One of the allowed commands.
    pub command: String,
    /// Its arguments, one per element; no shell reads them.
    #[serde(default)]
    pub args: Vec<String>,
}
