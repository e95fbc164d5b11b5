//! `uvx PACKAGE` and `uv run …`: the environment found, or made, in sandboxes of their own, and what it is for run in another.
//!
//! uv writes to its cache whenever it runs, also to start what is there already. Here it is asked where the environment is,
//! and the environment's Python started without it. An environment that is there is taken as it is; one that is not is made
//! where nothing has to be built for it, because building runs code of what is built.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::fetch::{self, Fetch};
use super::program::{find_program, grant_program, is_program};
use super::{Prepared, Surroundings, name_of};
use crate::code;
use crate::sandbox::{Exec, Grant, Network, Plan};
use crate::setup::{Request, merged};

/// What a command line of uv asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Whose environment it runs in.
    of: Of,
    /// Options that say what the environment holds, as written.
    options: Vec<String>,
    /// Options about the lock of a project: they matter where the environment is made.
    lock: Vec<String>,
    /// What runs in it.
    runs: Runs,
    /// Its arguments.
    arguments: Vec<String>,
    /// Where it stands, if not where the guard does.
    stands: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Of {
    /// A package of an index, where it is not what the program is called, and the words that say so to uv.
    Index { words: Vec<String>, package: String },
    /// A project, or a directory without one.
    Project(PathBuf),
    /// A script that says what it needs in its first lines.
    Script(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Runs {
    Program(String),
    File(String),
    Module(String),
}

/// Options that stand alone, and those with a value.
const ALONE: &[&str] =
    &["-q", "--quiet", "-v", "--verbose", "--no-config", "--no-progress", "--native-tls", "--offline"];
const WITH_VALUE: &[&str] = &[
    "-p",
    "--python",
    "--index",
    "--default-index",
    "-i",
    "--index-url",
    "--extra-index-url",
    "--index-strategy",
    "--prerelease",
    "--resolution",
    "--exclude-newer",
];

/// What environments of packages know besides.
const OF_TOOLS: &[&str] = &["--isolated"];
const OF_TOOLS_WITH_VALUE: &[&str] = &["-w", "--with", "-c", "--constraints"];

/// And those of projects.
const OF_PROJECTS: &[&str] =
    &["--dev", "--no-dev", "--all-extras", "--all-groups", "--all-packages", "--no-default-groups", "--only-dev"];
const OF_PROJECTS_WITH_VALUE: &[&str] =
    &["--extra", "--no-extra", "--group", "--no-group", "--only-group", "--package"];
const OF_LOCKS: &[&str] = &["--locked", "--frozen"];
/// What the guard does anyway.
const ANYWAY: &[&str] = &["--no-sync", "--no-env-file", "--exact", "--inexact"];

/// What uv is told to be like uvx.
const TOOL_RUN: [&str; 2] = ["tool", "run"];

/// Python that says where it is, and where a program is. Neither the packages' modules nor their `.pth` files are looked at.
const SAY_WHERE: [&str; 5] =
    ["python", "-I", "-S", "-c", "import shutil, sys; print(sys.executable); print(shutil.which(sys.argv[1]) or '')"];

/// Reads a command. `cwd` is where it is given.
///
/// # Errors
/// For forms whose environment can't be found, which say what could be guarded instead.
pub(super) fn parse(program: &Path, arguments: &[String], cwd: &Path) -> Result<Tool, String> {
    let mut words = Words::new(arguments);
    if name_of(program) != "uv" {
        return of_a_package(words, Vec::new());
    }
    match words.name()?.unwrap_or_default() {
        "run" => of_a_project(words, cwd),
        "tool" if words.rest.as_slice().first().is_some_and(|word| word == "run") => {
            words.rest.next();
            of_a_package(words, TOOL_RUN.map(str::to_owned).into())
        }
        other => Err(format!("`uv {other}` starts no server: guard `uv run …`, or uvx")),
    }
}

/// A command line that is read from left to right.
struct Words<'a> {
    rest: std::slice::Iter<'a, String>,
    /// What was read of options that may stand anywhere.
    options: Vec<String>,
    directory: Option<&'a str>,
    project: Option<&'a str>,
}

impl<'a> Words<'a> {
    fn new(arguments: &'a [String]) -> Self {
        Self { rest: arguments.iter(), options: Vec::new(), directory: None, project: None }
    }

    /// The next word that is no option that may stand anywhere.
    fn name(&mut self) -> Result<Option<&'a str>, String> {
        while let Some(word) = self.rest.next() {
            let (name, value) = split(word);
            match name {
                "--directory" => self.directory = Some(self.value(name, value)?),
                "--project" => self.project = Some(self.value(name, value)?),
                _ if ALONE.contains(&name) => self.options.push(word.clone()),
                _ if WITH_VALUE.contains(&name) => {
                    let value = self.value(name, value)?.to_owned();
                    self.options.extend([name.to_owned(), value]);
                }
                _ => return Ok(Some(word)),
            }
        }
        Ok(None)
    }

    fn value(&mut self, name: &str, value: Option<&'a str>) -> Result<&'a str, String> {
        value.or_else(|| self.rest.next().map(String::as_str)).ok_or_else(|| format!("{name} of uv needs a value"))
    }
}

fn split(word: &str) -> (&str, Option<&str>) {
    word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)))
}

fn unknown(word: &str) -> String {
    format!(
        "the guard does not know `{word}` of uv: start the environment's own Python (.venv/bin/python server.py), or install the package and guard its program"
    )
}

/// `uvx PACKAGE`.
fn of_a_package(mut words: Words<'_>, said: Vec<String>) -> Result<Tool, String> {
    let (mut layers, mut from) = (Vec::new(), None);
    let name = loop {
        let Some(word) = words.name()? else { return Err("uvx names no package".to_owned()) };
        let (name, value) = split(word);
        match name {
            "--from" => from = Some(words.value(name, value)?.to_owned()),
            _ if OF_TOOLS.contains(&name) => layers.push(word.to_owned()),
            _ if OF_TOOLS_WITH_VALUE.contains(&name) => {
                layers.extend([name.to_owned(), words.value(name, value)?.to_owned()]);
            }
            _ if word.starts_with('-') => return Err(unknown(word)),
            _ => break word,
        }
    };
    // `name[extra]@1.2` is `name`.
    let end = name.find(['@', '[', '=', '<', '>', '~', '!', ';', ' ']).filter(|_| from.is_none());
    let program = &name[..end.unwrap_or(name.len())];
    let package = from.unwrap_or_else(|| name.to_owned());
    let is_name = !program.is_empty() && program != ".." && program != "." && !program.contains('/');
    if !is_of_an_index(&package) || !is_name {
        return Err(unknown(name));
    }
    let arguments = words.rest.cloned().collect();
    Ok(Tool {
        of: Of::Index { words: said, package },
        options: [words.options, layers].concat(),
        lock: Vec::new(),
        runs: Runs::Program(program.to_owned()),
        arguments,
        stands: None,
    })
}

/// Directories and addresses are not packages of an index.
fn is_of_an_index(package: &str) -> bool {
    !package.starts_with(['.', '/', '~', '-']) && !package.contains("://") && !package.contains("..")
}

/// `uv run`.
fn of_a_project(mut words: Words<'_>, cwd: &Path) -> Result<Tool, String> {
    let (mut options, mut lock, mut layers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut is_module, mut is_script, mut is_apart) = (false, false, false);
    let what = loop {
        let Some(word) = words.name()? else { return Err("`uv run` names nothing to run".to_owned()) };
        let (name, value) = split(word);
        match name {
            "-m" | "--module" => is_module = true,
            "-s" | "--script" => is_script = true,
            "--no-project" => is_apart = true,
            "-w" | "--with" => layers.push(words.value(name, value)?.to_owned()),
            _ if ANYWAY.contains(&name) => {}
            _ if OF_LOCKS.contains(&name) => lock.push(word.to_owned()),
            _ if OF_PROJECTS.contains(&name) => options.push(word.to_owned()),
            _ if OF_PROJECTS_WITH_VALUE.contains(&name) => {
                options.extend([name.to_owned(), words.value(name, value)?.to_owned()]);
            }
            "--" => break words.rest.next().ok_or("`uv run` names nothing to run")?.as_str(),
            _ if word.starts_with('-') => return Err(unknown(word)),
            _ => break word,
        }
    };
    let stands = words.directory.map_or_else(|| cwd.to_owned(), |directory| cwd.join(directory));
    let at = words.project.map_or_else(|| stands.clone(), |project| stands.join(project));
    let file = stands.join(what);
    let is_python = || file.extension().is_some_and(|ending| ending == "py" || ending == "pyc") || file.is_dir();
    let runs = match is_module {
        true => Runs::Module(what.to_owned()),
        false if is_script || (file.exists() && is_python()) => Runs::File(what.to_owned()),
        false => Runs::Program(what.to_owned()),
    };
    let is_apart = is_apart || project_of(&at).is_none();
    let of = match (&runs, layers.is_empty()) {
        (Runs::File(_), true) if says_what_it_needs(&file) => Of::Script(file),
        (_, true) => Of::Project(at),
        // Without a project it is the environment of packages, which stays where it was made.
        (_, false) if is_apart && layers.iter().all(|package| is_of_an_index(package)) => {
            options.extend(layers.iter().skip(1).flat_map(|package| ["--with".to_owned(), package.clone()]));
            Of::Index { words: TOOL_RUN.map(str::to_owned).into(), package: layers.swap_remove(0) }
        }
        (_, false) => {
            return Err("uv keeps no environment that is a project's and `--with` something: add that to the project (uv add), and run it without".to_owned());
        }
    };
    let arguments = words.rest.cloned().collect();
    let stands = (stands != cwd).then_some(stands);
    Ok(Tool { of, options: [words.options, options].concat(), lock, runs, arguments, stands })
}

/// Whether a script has a block of metadata, as PEP 723 says.
fn says_what_it_needs(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line.trim_end() == "# /// script"))
}

/// The nearest directory upwards that is a project.
fn project_of(at: &Path) -> Option<&Path> {
    at.ancestors().find(|directory| directory.join("pyproject.toml").is_file())
}

fn read_toml(file: &Path) -> Option<toml::Table> {
    fs::read_to_string(file).ok()?.parse().ok()
}

/// A member of a workspace has its lock and environment at the root of it.
fn workspace_of(project: &Path) -> &Path {
    let is_root = |directory: &&Path| {
        let settings = read_toml(&directory.join("pyproject.toml"));
        settings.is_some_and(|settings| key(&settings, &["tool", "uv", "workspace"]).is_some())
    };
    project.ancestors().find(is_root).unwrap_or(project)
}

fn key<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a toml::Value> {
    let (last, path) = path.split_last()?;
    path.iter().try_fold(table, |table, name| table.get(*name)?.as_table())?.get(*last)
}

/// Whether the environment of a workspace is made of packages of an index alone, leaving its own members out. Anything else is
/// built, and building runs its code.
fn needs_no_build(root: &Path) -> bool {
    let Some(lock) = read_toml(&root.join("uv.lock")) else {
        // Without a lock it has to be found out what is needed: of a mere list of packages that is no secret.
        return read_toml(&root.join("pyproject.toml")).is_some_and(|settings| {
            let kinds = [&["build-system"][..], &["tool", "uv", "sources"], &["tool", "uv", "workspace"]];
            kinds.iter().all(|kind| key(&settings, kind).is_none())
        });
    };
    let members = key(&lock, &["manifest", "members"]).and_then(toml::Value::as_array);
    let is_member = |name: &toml::Value| members.is_none_or(|members| members.contains(name));
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    packages.filter_map(toml::Value::as_table).all(|package| {
        let source = package.get("source").and_then(toml::Value::as_table);
        let from = |kind: &str| source.is_some_and(|source| source.contains_key(kind));
        let is_own = package.get("name").is_some_and(is_member) && (from("editable") || from("virtual"));
        from("registry") || is_own
    })
}

impl Tool {
    /// The command that finds its environment as it is, or in what was made.
    fn find_command(&self, uv: &str, is_offline: bool) -> Vec<String> {
        let offline = is_offline.then(|| "--offline".to_owned());
        let program = match &self.runs {
            Runs::Program(name) => name.clone(),
            Runs::File(_) | Runs::Module(_) => "python".to_owned(),
        };
        let say = || SAY_WHERE.map(str::to_owned).into_iter().chain([program.clone()]);
        let words = |first: &[&str], then: &[&str]| {
            let first = std::iter::once(uv).chain(first.iter().copied()).map(str::to_owned);
            let options = offline.clone().into_iter().chain(self.options.iter().cloned());
            first.chain(options).chain(then.iter().copied().map(str::to_owned)).collect::<Vec<_>>()
        };
        match &self.of {
            Of::Index { words: said, package } => {
                let said: Vec<&str> = said.iter().map(String::as_str).collect();
                words(&said, &["--from", package]).into_iter().chain(say()).collect()
            }
            Of::Project(at) => {
                let found = words(&["run", "--no-sync"], &["--project", &at.to_string_lossy()]);
                found.into_iter().chain(say()).collect()
            }
            Of::Script(file) => words(&["python", "find"], &["--script", &file.to_string_lossy()]),
        }
    }

    /// The commands that make it, one after the other; `None` where that would have to build something.
    fn make_commands(&self, uv: &str) -> Option<Vec<Vec<String>>> {
        let sync = |words: &[&str]| {
            let words = [&[uv, "sync"][..], words].concat().into_iter().map(str::to_owned);
            words.chain(self.options.iter().chain(&self.lock).cloned()).collect()
        };
        let last = self.find_command(uv, false);
        match &self.of {
            Of::Index { .. } => Some(vec![last]),
            Of::Script(file) => Some(vec![sync(&["--script", &file.to_string_lossy()]), last]),
            Of::Project(at) => {
                let Some(project) = project_of(at) else { return Some(vec![last]) };
                let root = workspace_of(project);
                if !needs_no_build(root) {
                    return None;
                }
                let is_locked = root.join("uv.lock").is_file() && self.lock.is_empty();
                let frozen = is_locked.then_some("--frozen");
                let at = at.to_string_lossy();
                let words = ["--project", &at, "--no-install-workspace", "--inexact"];
                Some(vec![sync(&words.into_iter().chain(frozen).collect::<Vec<_>>()), last])
            }
        }
    }

    /// The command that runs it, from what was said of its environment. The first line of a program of it is for a shell where
    /// the path is long, which would need other programs to find the Python beside it.
    ///
    /// # Errors
    /// When there is no such program.
    pub(crate) fn run_command(&self, said: &str) -> Result<Vec<String>, String> {
        let mut places = said.lines().map(str::trim).filter(|line| line.starts_with('/'));
        let python = places.next().unwrap_or_default();
        if !self.has_made(Path::new(python)) {
            return Err(self.missing());
        }
        let command = match &self.runs {
            Runs::File(file) => vec![python.to_owned(), file.clone()],
            Runs::Module(name) => vec![python.to_owned(), "-m".to_owned(), name.clone()],
            Runs::Program(_) => {
                let program = places.next().map(PathBuf::from).filter(|program| is_program(program));
                let program = program.ok_or_else(|| self.missing())?;
                let own = program.with_file_name("python");
                let name = program.to_string_lossy().into_owned();
                if name_of(&program).starts_with("python") || !starts_with_a_line(&program) {
                    vec![name]
                } else if own.is_file() {
                    vec![own.to_string_lossy().into_owned(), name]
                } else {
                    return Err(self.missing());
                }
            }
        };
        Ok(command.into_iter().chain(self.arguments.iter().cloned()).collect())
    }

    /// Whether this is the Python of its own environment. Asked about a script whose environment is not there, uv names another.
    fn has_made(&self, python: &Path) -> bool {
        let environment = python.parent().and_then(Path::parent);
        let is_own = |place: &Path| {
            place.components().any(|part| part.as_os_str().to_string_lossy().starts_with("environments-"))
        };
        environment.is_some_and(|place| !matches!(self.of, Of::Script(_)) || is_own(place))
    }

    /// Where it stands, if not where the guard does.
    pub(crate) fn stands(&self) -> Option<&Path> {
        self.stands.as_deref()
    }

    /// What to do where its environment or its program is not there.
    pub(crate) fn missing(&self) -> String {
        match (&self.of, &self.runs) {
            (Of::Index { package, .. }, Runs::Program(name)) => {
                format!("`{package}` has no program `{name}`; name it: uvx --from PACKAGE PROGRAM")
            }
            (Of::Project(at), Runs::Program(name)) => {
                let at = at.display();
                format!(
                    "the environment of {at} is not there, or has no program `{name}`: run `uv sync` in {at} once. The guard makes it where nothing has to be built, because that runs code of what is built"
                )
            }
            (Of::Project(at), _) => {
                let at = at.display();
                format!("the environment of {at} is not there: run `uv sync` in {at} once")
            }
            _ => "uv did not say where the environment is".to_owned(),
        }
    }
}

/// Whether a program says what interprets it.
fn starts_with_a_line(program: &Path) -> bool {
    use std::io::Read as _;
    let mut start = [0; 2];
    fs::File::open(program).and_then(|mut file| file.read_exact(&mut start)).is_ok() && &start == b"#!"
}

/// Finds the environment, and makes it where it is not there.
///
/// # Errors
/// For forms whose environment can't be found.
pub(super) fn fetch(
    prepared: Prepared,
    request: &Request,
    at: &Surroundings<'_>,
    home: &Path,
) -> Result<Fetch, String> {
    let arguments = request.command.get(1..).unwrap_or_default();
    let uv = prepared.command[0].clone();
    let tool = parse(Path::new(&uv), arguments, at.cwd)?;
    let base = plan(prepared, request, at, home);
    let (seen, changed) = places(&tool.of, Some(home));
    let with = |command, network, grants: &[Grant]| Plan {
        command,
        network,
        grants: merged([base.grants.as_slice(), grants].concat()),
        ..base.clone()
    };
    let found = with(tool.find_command(&uv, true), Network::None, &seen);
    let made = tool.make_commands(&uv).filter(|_| changed.is_some()).unwrap_or_default();
    let seen: Vec<Grant> = seen.into_iter().chain(changed.flatten()).collect();
    let made = made.into_iter().map(|command| with(command, Network::Any, &seen)).collect();
    Ok(Fetch { found: Some(found), made, tool: Some(tool) })
}

/// What uv reads of what it is asked about, and where it makes the environment; `None` where it may not make one.
fn places(of: &Of, home: Option<&Path>) -> (Vec<Grant>, Option<Option<Grant>>) {
    match of {
        Of::Index { .. } => (Vec::new(), Some(None)),
        Of::Script(file) => (vec![Grant::read(file)], Some(None)),
        Of::Project(at) => {
            let project = project_of(at).unwrap_or(at);
            let root = workspace_of(project);
            // Of a home directory that is a project it sees what it asks for.
            let parts = ["pyproject.toml", "uv.toml", "uv.lock", ".python-version", ".venv"];
            let read = |place: &Path| match code::is_shared(place, home) {
                true => parts.map(|name| place.join(name)).into_iter().filter(|path| path.exists()).collect(),
                false => vec![place.to_owned()],
            };
            let seen = [project, root, at].into_iter().flat_map(read).map(Grant::run).collect();
            (seen, (!code::is_shared(root, home)).then(|| Some(Grant { exec: Exec::Run, ..Grant::write(root) })))
        }
    }
}

/// A plan under which uv makes environments: its cache and its own Pythons may change, and those of the system are seen.
fn plan(prepared: Prepared, request: &Request, at: &Surroundings<'_>, home: &Path) -> Plan {
    let mut grants = prepared.grants;
    grant_uv(&mut grants, Path::new(&prepared.command[0]));
    let own = [("UV_CACHE_DIR", ".cache/uv"), ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python")];
    let own = own.map(|(variable, directory)| (variable, home.join(directory)));
    for (_, directory) in &own {
        // One that can't be made shows as a failed download.
        let _ = fs::create_dir_all(directory);
        grants.push(Grant { exec: Exec::Run, ..Grant::write(directory) });
    }
    grants.push(Grant::read("/etc/uv"));
    grants.extend(Some(home.join(".config/uv")).filter(|place| place.is_dir()).map(Grant::read));
    let path = path_of_pythons(&mut grants, at);
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut env = vec![
        ("PATH".to_owned(), path.to_string_lossy().into_owned()),
        ("HOME".to_owned(), home.to_string_lossy().into_owned()),
        setting("TMPDIR", "/tmp"),
        setting("UV_NO_PROGRESS", "1"),
        // It writes where tools are installed for good, also for one that is not.
        setting("UV_TOOL_DIR", "/tmp/tools"),
        // A package's own code runs in the sandbox of the server, or not at all.
        setting("UV_NO_BUILD", "1"),
    ];
    env.extend(own.map(|(variable, directory)| (variable.to_owned(), directory.to_string_lossy().into_owned())));
    // Where packages come from is said by variables as often as by files.
    let said = request.environment.iter().filter(|(name, _)| name.starts_with("UV_") && name.contains("INDEX"));
    env.extend(said.filter_map(|(name, value)| Some((name.clone(), value.to_str()?.to_owned()))));
    fetch::plan(env, grants, true, request)
}

/// Where uv looks for Pythons to make environments with, each of which it may start. Environments are none of these, and shims
/// of a version manager are scripts that start other programs: what is behind them comes first.
fn path_of_pythons(grants: &mut Vec<Grant>, at: &Surroundings<'_>) -> OsString {
    let is_environment = |place: &PathBuf| at.cwd.join(place).join("../pyvenv.cfg").is_file();
    let mut places: Vec<PathBuf> = std::env::split_paths(at.search).filter(|place| !is_environment(place)).collect();
    for name in ["python3", "python"] {
        let search = std::env::join_paths(&places).unwrap_or_default();
        let Some(python) = find_program(name, &search, at.cwd, at.home) else { continue };
        grant_program(grants, &python, at);
        if let Some(bin) = python.parent() {
            places.retain(|place| place != bin);
            places.insert(0, bin.to_owned());
        }
    }
    std::env::join_paths(places).unwrap_or_default()
}

/// `uvx` starts the `uv` beside it.
fn grant_uv(grants: &mut Vec<Grant>, program: &Path) {
    let real = fs::canonicalize(program).ok();
    for beside in [Some(program), real.as_deref()].into_iter().flatten().filter_map(Path::parent) {
        let uv = beside.join("uv");
        if is_program(&uv) {
            let leads = fs::canonicalize(&uv).ok();
            grants.extend(std::iter::once(uv).chain(leads).map(Grant::run));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, cwd: &Path) -> Result<Tool, String> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        parse(Path::new(&words[0]), &words[1..], cwd)
    }

    fn found(text: &str, cwd: &Path) -> String {
        parsed(text, cwd).unwrap().find_command(text.split(' ').next().unwrap(), true).join(" ")
    }

    #[test]
    fn the_forms_of_uvx_name_their_package() {
        let nowhere = Path::new("/");
        for (said, begins, ends) in [
            (
                "uvx mcp-server-time --local-timezone UTC",
                "uvx --offline --from mcp-server-time python -I -S -c ",
                " mcp-server-time",
            ),
            (
                "uvx --python=3.12 --with extra -q name[all]@1.2.3 --from x",
                "uvx --offline --python 3.12 -q --with extra --from name[all]@1.2.3 python ",
                " name",
            ),
            (
                "/opt/uv -q tool run --from some-package==1.0 some-server",
                "/opt/uv tool run --offline -q --from some-package==1.0 python ",
                " some-server",
            ),
        ] {
            let found = found(said, nowhere);
            assert!(found.starts_with(begins) && found.ends_with(ends), "{found}");
        }
        assert_eq!(parsed("uvx --with y name --from x", nowhere).unwrap().arguments, ["--from", "x"]);
        for other in [
            "uvx",
            "uvx --from",
            "uvx --unknown x y",
            "uvx ./local",
            "uvx --from git+https://example.com/x y",
            "uvx --from a ../b",
            "uv",
            "uv sync",
            "uv pip install x",
            "uv run",
            "uv run --env-file .env server.py",
            "uv run --with-requirements r.txt server.py",
        ] {
            assert!(parsed(other, nowhere).is_err(), "{other}");
        }
    }

    /// A project, a script beside it and one that says what it needs.
    fn stage() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir(at.join("project")).unwrap();
        fs::write(at.join("project/pyproject.toml"), "[project]\nname = \"p\"\n").unwrap();
        fs::write(at.join("project/server.py"), "").unwrap();
        fs::write(at.join("own.py"), "# /// script\n# dependencies = []\n# ///\n").unwrap();
        (directory, at)
    }

    #[test]
    fn uv_run_asks_for_the_environment_of_the_project() {
        let (_kept, at) = stage();
        let project = at.join("project");
        let place = project.display();
        for said in ["uv --directory project run server.py", "uv run --directory=project --locked -- server.py"] {
            let tool = parsed(said, &at).unwrap();
            assert_eq!((&tool.runs, tool.stands()), (&Runs::File("server.py".into()), Some(&*project)), "{said}");
            let found = found(said, &at);
            assert!(found.starts_with(&format!("uv run --no-sync --offline --project {place} python -I")), "{found}");
        }
        let tool = parsed("uv run --project project --extra x server --flag", &at).unwrap();
        assert_eq!((&tool.runs, tool.stands()), (&Runs::Program("server".into()), None));
        let made = tool.make_commands("uv").unwrap();
        let sync = format!("uv sync --project {place} --no-install-workspace --inexact --extra x");
        assert_eq!(made[0].join(" "), sync);
        assert_eq!(parsed("uv run -m server", &project).unwrap().runs, Runs::Module("server".into()));
        let script = parsed("uv run own.py", &at).unwrap();
        assert_eq!(script.of, Of::Script(at.join("own.py")));
        assert_eq!(script.find_command("uv", true)[1..4], ["python", "find", "--offline"]);
        // Where there is no project, what is asked for besides is all there is.
        let layered = found("uv run --with mcp[cli] --with x mcp run own.py", &at);
        assert!(layered.starts_with("uv tool run --offline --with x --from mcp[cli] python"), "{layered}");
        assert!(parsed("uv run --with x server.py", &project).unwrap_err().contains("uv add"));
    }

    #[test]
    fn nothing_is_built_to_make_an_environment() {
        let (_kept, at) = stage();
        let project = at.join("project");
        let says = |file: &str, text: &str| fs::write(project.join(file), text).unwrap();
        assert!(needs_no_build(&project));
        says("pyproject.toml", "[project]\nname = \"p\"\n[build-system]\nrequires = []\n");
        assert!(!needs_no_build(&project), "what it needs may be known to its build alone");
        let locked = |source: &str| {
            says(
                "uv.lock",
                &format!(
                    "[[package]]\nname = \"p\"\nsource = {{ editable = \".\" }}\n[[package]]\nname = \"q\"\nsource = {{ {source} }}\n[manifest]\nmembers = [\"p\"]\n"
                ),
            );
            needs_no_build(&project)
        };
        assert!(locked("registry = \"https://pypi.org/simple\""));
        for source in [
            "editable = \"../q\"",
            "directory = \"../q\"",
            "git = \"https://example.com/q\"",
            "url = \"https://example.com/q.tar.gz\"",
        ] {
            assert!(!locked(source), "{source}");
        }
        says("pyproject.toml", "[tool.uv.workspace]\nmembers = [\"member\"]\n");
        fs::create_dir(project.join("member")).unwrap();
        says("member/pyproject.toml", "[project]\nname = \"m\"\n");
        assert_eq!(workspace_of(&project.join("member")), project);
    }

    #[test]
    fn the_program_is_the_one_beside_the_python_of_its_environment() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(directory.path()).unwrap();
        let bin = at.join("bin");
        fs::create_dir(&bin).unwrap();
        for (name, text) in [("python", "\x7fELF"), ("server", "#!/bin/sh\n"), ("native", "\x7fELF")] {
            fs::write(bin.join(name), text).unwrap();
            fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let place = |name: &str| bin.join(name).to_string_lossy().into_owned();
        let ran = |said: &str, program: &str| {
            let told = format!("a word before\n{}\n{program}\n", place("python"));
            parsed(said, &at).unwrap().run_command(&told)
        };
        let command = ran("uvx server --flag", &place("server")).unwrap();
        assert_eq!(command, [place("python"), place("server"), "--flag".to_owned()]);
        assert_eq!(ran("uv run native", &place("native")).unwrap(), [place("native")]);
        assert_eq!(ran("uv run python -m x", &place("python")).unwrap(), [place("python"), "-m".into(), "x".into()]);
        assert_eq!(
            ran("uv run -m x -y", &place("python")).unwrap(),
            [place("python"), "-m".into(), "x".into(), "-y".into()]
        );
        assert!(ran("uvx other", "").unwrap_err().contains("--from"));
        assert!(ran("uv run other", "").unwrap_err().contains("uv sync"));
        fs::write(at.join("s.py"), "# /// script\n# ///\n").unwrap();
        assert!(ran("uv run s.py", "").is_err(), "the Python that uv names is not the script's");
    }
}
