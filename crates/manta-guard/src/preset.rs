//! What common runtimes need beyond the policy, so that servers start unmodified.
//!
//! A preset turns a command line into the program that really runs and the files it needs. It grants
//! code and system libraries only, never data: data is what the policy's roots are for.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::code;
use crate::npx;
use crate::sandbox::{Exec, Grant, Level, Limits, Network, PROXY_PORT, Plan};
use crate::setup::Request;
use crate::uvx::{self, Tool};

/// How a server is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Decided by the program's name.
    #[default]
    Auto,
    /// A JavaScript program.
    Node,
    /// A package fetched by npm.
    Npx,
    /// A Python program.
    Python,
    /// A package fetched by uv.
    Uvx,
    /// Any other program.
    Native,
}

/// A command made ready.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The preset that was used.
    pub preset: Preset,
    /// Program (absolute) and arguments.
    pub command: Vec<String>,
    /// Code and libraries.
    pub grants: Vec<Grant>,
    /// Variables the runtime needs.
    pub env: BTreeMap<String, String>,
    /// Programs may be started from the temporary directory.
    pub tmp_exec: bool,
}

/// System files that programs expect and that tell nothing about the user.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/services",
    "/etc/mime.types",
    "/etc/os-release",
    "/private/etc/resolv.conf",
    "/private/etc/ssl",
];

/// Directories of the system. Their programs are read at most: at level A they are mounted without execution, so
/// that the dynamic loader, which every program needs, can't be told to run them.
const SYSTEM_DIRECTORIES: &[&str] = &["/usr", "/bin", "/sbin", "/System"];

/// Directories of libraries, which may be loaded; programs in them are started only when granted one by one.
const SYSTEM_LIBRARIES: &[&str] = &[
    "/usr/lib",
    "/usr/lib64",
    "/usr/lib32",
    "/usr/libx32",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/usr/share",
    "/lib",
    "/lib64",
    "/lib32",
    "/nix/store",
    "/gnu/store",
    "/System/Library",
    "/Library/Apple",
    "/private/var/db/dyld",
    "/private/var/db/timezone",
];

/// Whether a path belongs to the system, where everybody's programs and libraries are.
#[must_use]
pub fn is_system(path: &Path) -> bool {
    let mut places = SYSTEM_DIRECTORIES.iter().chain(SYSTEM_LIBRARIES).chain(SYSTEM_FILES);
    places.any(|place| path.starts_with(place))
}

/// Finds out what a command needs. `search` is the `PATH` to look in, `home` the user's directory.
///
/// # Errors
/// A message when the program isn't found.
pub fn prepare(
    preset: Preset,
    command: &[String],
    search: &OsStr,
    cwd: &Path,
    home: Option<&Path>,
) -> Result<Prepared, String> {
    let [program, arguments @ ..] = command else { return Err("there is no command to guard".to_owned()) };
    let found = find_program(program, search, cwd, home).ok_or_else(|| format!("program not found: {program}"))?;
    let preset = match preset {
        Preset::Auto => detect(&found),
        // What uvx would have started, from its environment.
        Preset::Uvx if detect(&found) == Preset::Python => Preset::Python,
        other => other,
    };
    let mut prepared = Prepared {
        preset,
        command: std::iter::once(found.to_string_lossy().into_owned()).chain(arguments.iter().cloned()).collect(),
        grants: system(),
        env: BTreeMap::new(),
        tmp_exec: false,
    };
    grant_program(&mut prepared.grants, &found, search, home);
    match preset {
        Preset::Node => node(&mut prepared, arguments, cwd, home),
        Preset::Npx => npx(&mut prepared, arguments, &found, search, cwd, home),
        Preset::Python => python(&mut prepared, &found, arguments, cwd, home),
        Preset::Uvx => uvx(&mut prepared, &found, home),
        Preset::Native | Preset::Auto => {}
    }
    Ok(prepared)
}

fn detect(program: &Path) -> Preset {
    match name_of(program) {
        "npx" | "npm" | "npx-cli.js" | "pnpm" | "yarn" => Preset::Npx,
        "uvx" | "uv" => Preset::Uvx,
        name => runtime(name).or_else(|| runtime(name_of(&interpreter(program)?))).unwrap_or(Preset::Native),
    }
}

fn name_of(program: &Path) -> &str {
    program.file_name().and_then(OsStr::to_str).unwrap_or("")
}

/// What a program of this name runs.
fn runtime(name: &str) -> Option<Preset> {
    match name {
        "node" | "nodejs" | "bun" => Some(Preset::Node),
        _ if name.starts_with("python") || name.starts_with("pypy") => Some(Preset::Python),
        _ => None,
    }
}

/// Whether a program is itself a script of a runtime, started by its first line. Then nothing that it is given names code: a
/// database or a directory among its arguments is data. A version manager's `python`, which is a script of a shell, starts
/// what it is given.
fn is_script(program: &Path) -> bool {
    runtime(name_of(program)).is_none()
        && interpreter(program).is_some_and(|interpreter| runtime(name_of(&interpreter)).is_some())
}

fn system() -> Vec<Grant> {
    let libraries = SYSTEM_LIBRARIES.iter().map(Grant::load);
    let files = SYSTEM_DIRECTORIES.iter().chain(SYSTEM_FILES).map(Grant::read);
    libraries.chain(files).filter(|grant| grant.path.exists()).collect()
}

/// The program, what interprets it, and what links it: each may be started, nothing else.
fn grant_program(grants: &mut Vec<Grant>, program: &Path, search: &OsStr, home: Option<&Path>) {
    grants.push(Grant::run(program));
    if let Ok(real) = fs::canonicalize(program) {
        grants.push(Grant::run(real));
    }
    for loader in [
        "/lib64/ld-linux-x86-64.so.2",
        "/lib/ld-linux-aarch64.so.1",
        "/lib/ld-musl-x86_64.so.1",
        "/lib/ld-musl-aarch64.so.1",
    ] {
        if let Ok(real) = fs::canonicalize(loader) {
            grants.push(Grant::run(real));
        }
    }
    if let Some(interpreter) = interpreter(program) {
        grants.push(Grant::run("/usr/bin/env"));
        if let Some(found) = find_program(&interpreter.to_string_lossy(), search, Path::new("/"), None) {
            if found != program {
                grant_program(grants, &found, search, home);
            }
            runtime_library(grants, &found, home);
        }
    }
    runtime_library(grants, program, home);
}

/// A runtime outside the system directories brings its library along: `PREFIX/bin/x` has `PREFIX/lib`. A prefix that
/// is somebody's home directory holds more than that.
fn runtime_library(grants: &mut Vec<Grant>, program: &Path, home: Option<&Path>) {
    let Ok(real) = fs::canonicalize(program) else { return };
    let Some(prefix) = real.parent().filter(|bin| bin.ends_with("bin")).and_then(Path::parent) else { return };
    if is_system(prefix) || prefix == Path::new("/") {
        return;
    }
    if prefix.join("pyvenv.cfg").is_file() {
        return; // a virtual environment, of which more is known
    }
    if code::is_shared(prefix, home) {
        let libraries = ["lib", "lib64", "lib32", "libexec"].map(|name| prefix.join(name));
        return grants.extend(libraries.into_iter().filter(|path| path.is_dir()).map(Grant::load));
    }
    grants.push(Grant::load(prefix));
}

fn node(prepared: &mut Prepared, arguments: &[String], cwd: &Path, home: Option<&Path>) {
    prepared.env.insert("NODE_USE_ENV_PROXY".into(), "1".into());
    let own = PathBuf::from(&prepared.command[0]);
    let named = if is_script(&own) { None } else { node_script(arguments, cwd) };
    for script in named.into_iter().chain(interpreter(&own).map(|_| own)) {
        grant_package(&mut prepared.grants, &script, home);
    }
}

/// The script that Node is told to run.
fn node_script(arguments: &[String], cwd: &Path) -> Option<PathBuf> {
    const WITH_VALUE: &[&str] = &[
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "-C",
        "--conditions",
        "--env-file",
        "--env-file-if-exists",
    ];
    const INSTEAD: &[&str] = &["-e", "--eval", "-p", "--print", "-pe"];
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            _ if INSTEAD.contains(&word) => return None,
            _ if WITH_VALUE.contains(&word) => drop(words.next()),
            _ if word.starts_with('-') => {}
            // A word that names nothing is a command, as in `bun run server.ts`, or belongs to an option.
            _ if cwd.join(word).exists() => return Some(cwd.join(word)),
            _ => {}
        }
    }
    None
}

/// The package a script belongs to: code is read, and native parts of it loaded. What is installed is code as a
/// whole; of a directory of somebody's own only the code in it is.
fn grant_package(grants: &mut Vec<Grant>, script: &Path, home: Option<&Path>) {
    let Ok(real) = fs::canonicalize(script) else { return };
    // The outermost `node_modules` holds the dependencies of everything inside it.
    let modules = real.ancestors().filter(|path| path.file_name() == Some(OsStr::new("node_modules"))).last();
    match modules {
        Some(modules) => {
            grants.push(Grant::load(modules));
            let manifest = modules.parent().map(|parent| parent.join("package.json"));
            grants.extend(manifest.filter(|file| file.is_file()).map(Grant::read));
        }
        None => {
            // `node .` runs what the directory's manifest names.
            let own = if real.is_dir() { Some(&*real) } else { real.parent() };
            let package = real.ancestors().find(|path| path.join("package.json").is_file());
            for directory in own.into_iter().chain(package) {
                grants.extend(code::around(directory, home));
            }
            if real.is_file() {
                grants.push(Grant::read(&real));
            }
        }
    }
    if script != real && real.is_file() {
        grants.push(Grant::read(script));
    }
}

/// With the package in the cache, its program runs under node directly; otherwise what remains is
/// npx itself, for [`fetch_plan`].
fn npx(prepared: &mut Prepared, arguments: &[String], program: &Path, search: &OsStr, cwd: &Path, home: Option<&Path>) {
    prepared.env.insert("NODE_USE_ENV_PROXY".into(), "1".into());
    let Some(node) = find_program("node", search, cwd, home) else { return };
    grant_program(&mut prepared.grants, &node, search, home);
    let installed = npm_cache(home).and_then(|cache| npx::parse(arguments)?.installed(&cache));
    match installed {
        Some(installed) => {
            let script = installed.script.to_string_lossy().into_owned();
            prepared.command =
                [node.to_string_lossy().into_owned(), script].into_iter().chain(installed.arguments).collect();
            prepared.grants.push(Grant::load(installed.modules));
        }
        None => grant_package(&mut prepared.grants, program, home),
    }
}

fn npm_cache(home: Option<&Path>) -> Option<PathBuf> {
    home.map(|home| home.join(".npm"))
}

/// What has to be done in a sandbox of its own before the server's.
pub(crate) enum Fetch {
    /// Fill the cache.
    Npx(Box<Plan>),
    /// Find the environment of a tool.
    Uvx(Box<Environment>),
}

/// The environment of a tool of uv.
pub(crate) struct Environment {
    pub(crate) tool: Tool,
    /// Says where it is, without the network.
    pub(crate) found: Plan,
    /// Where it is not there: makes it.
    pub(crate) made: Plan,
}

/// For a command of npx whose package isn't in the cache, and every one of uvx. Such a sandbox sees the cache, the
/// network and the manager's configuration, and nothing of the policy.
pub(crate) fn fetch(preset: Preset, request: &Request) -> Option<Fetch> {
    let search = request.environment.get("PATH").cloned().unwrap_or_default();
    let home = request.environment.get("HOME").map(PathBuf::from)?;
    let prepared = prepare(preset, &request.command, &search, &request.cwd, Some(&home)).ok()?;
    let words = request.command.get(1..)?;
    match prepared.preset {
        Preset::Npx => {
            let package = npx::parse(words)?;
            let cache = npm_cache(Some(&home))?;
            let is_there = package.installed(&cache).is_some();
            (!is_there).then(|| Fetch::Npx(Box::new(npx_plan(prepared, &package, cache, &search, &request.cwd, &home))))
        }
        Preset::Uvx => {
            let tool = uvx::parse(&prepared.command[0], words)?;
            let program = prepared.command[0].clone();
            let plan = uvx_plan(prepared, request, &search, &home);
            let with = |is_offline: bool| {
                let network = if is_offline { Network::None } else { Network::Any };
                Plan { command: tool.find_command(&program, is_offline), network, ..plan.clone() }
            };
            Some(Fetch::Uvx(Box::new(Environment { found: with(true), made: with(false), tool })))
        }
        _ => None,
    }
}

fn npx_plan(
    prepared: Prepared,
    package: &npx::Package,
    cache: PathBuf,
    search: &OsStr,
    cwd: &Path,
    home: &Path,
) -> Plan {
    // A cache that can't be made shows as a failed download.
    let _ = fs::create_dir_all(&cache);
    let mut grants = prepared.grants;
    grants.push(Grant::write(&cache));
    grants.extend(["/etc/resolv.conf", "/etc/passwd"].map(Grant::read));
    for helper in ["sh", "env"] {
        grants.extend(find_program(helper, search, cwd, Some(home)).into_iter().flat_map(|found| {
            let real = fs::canonicalize(&found).ok();
            [Some(Grant::run(found)), real.map(Grant::run)].into_iter().flatten()
        }));
    }
    grants.extend(Some(home.join(".npmrc")).filter(|file| file.is_file()).map(Grant::read));
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let env = vec![
        ("PATH".to_owned(), search.to_string_lossy().into_owned()),
        ("HOME".to_owned(), home.to_string_lossy().into_owned()),
        setting("TMPDIR", "/tmp"),
        // A package's own code runs in the sandbox of the server, or not at all.
        setting("npm_config_ignore_scripts", "true"),
        setting("npm_config_update_notifier", "false"),
        setting("npm_config_audit", "false"),
        setting("npm_config_fund", "false"),
        ("npm_config_cache".to_owned(), cache.to_string_lossy().into_owned()),
    ];
    let command = package.fetch_command(&prepared.command[0]);
    fetching(command, env, grants, false)
}

/// A plan under which uv makes environments: its cache and its own Pythons may change, and those of the system are seen.
fn uvx_plan(prepared: Prepared, request: &Request, search: &OsStr, home: &Path) -> Plan {
    let mut grants = prepared.grants;
    let own = [("UV_CACHE_DIR", ".cache/uv"), ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python")];
    let own = own.map(|(variable, directory)| (variable, home.join(directory)));
    for (_, directory) in &own {
        // One that can't be made shows as a failed download.
        let _ = fs::create_dir_all(directory);
        grants.retain(|grant| grant.path != *directory);
        grants.push(Grant { exec: Exec::Run, ..Grant::write(directory) });
    }
    grants.extend(["/etc/resolv.conf", "/etc/passwd", "/etc/uv"].map(Grant::read));
    grants.extend(Some(home.join(".config/uv")).filter(|place| place.is_dir()).map(Grant::read));
    // Shims of a version manager are scripts that start other programs: what is behind them comes first.
    let mut path = search.to_os_string();
    for name in ["python3", "python"] {
        let Some(python) = find_program(name, search, &request.cwd, Some(home)) else { continue };
        grant_program(&mut grants, &python, search, Some(home));
        grant_environment(&mut grants, &python, Some(home));
        if let Some(bin) = python.parent() {
            let places =
                std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path).filter(|place| place != bin));
            path = std::env::join_paths(places).unwrap_or(path);
        }
    }
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
    fetching(Vec::new(), env, grants, true)
}

/// A sandbox with the network, for a package manager.
fn fetching(command: Vec<String>, env: Vec<(String, String)>, grants: Vec<Grant>, tmp_exec: bool) -> Plan {
    Plan {
        level: Level::A,
        command,
        env,
        cwd: PathBuf::from("/tmp"),
        grants,
        hidden: Vec::new(),
        frozen: Vec::new(),
        network: Network::Any,
        // Name services are asked over unix sockets on some systems.
        proxy_port: PROXY_PORT,
        unix_sockets: true,
        tmp_bytes: 1 << 30,
        tmp_exec,
        limits: Limits::default(),
    }
}

fn python(prepared: &mut Prepared, program: &Path, arguments: &[String], cwd: &Path, home: Option<&Path>) {
    prepared.env.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
    prepared.env.insert("PYTHONUNBUFFERED".into(), "1".into());
    grant_environment(&mut prepared.grants, program, home);
    if let Some(interpreter) = interpreter(program) {
        grant_environment(&mut prepared.grants, &interpreter, home);
    }
    let runs = if is_script(program) { PythonRuns::Nothing } else { python_runs(arguments) };
    let script = match runs {
        PythonRuns::Script(script) => Some(script),
        PythonRuns::Module(name) => {
            // Modules are looked for where the server stands before anywhere else.
            let top = name.split('.').next().unwrap_or(name);
            if cwd.join(top).is_dir() || cwd.join(format!("{top}.py")).is_file() {
                prepared.grants.extend(code::around(cwd, home));
            }
            None
        }
        PythonRuns::Nothing => None,
    };
    let own = interpreter(program).is_some().then(|| program.to_owned());
    for script in script.map(|script| cwd.join(script)).into_iter().chain(own) {
        let Ok(real) = fs::canonicalize(&script) else { continue };
        if let Some(directory) = real.parent().filter(|_| real.is_file()) {
            prepared.grants.extend(code::around(directory, home));
        }
        if real.is_dir() {
            prepared.grants.push(Grant::load(&real));
        }
        prepared.grants.extend([Grant::read(&real), Grant::read(script)]);
    }
}

/// What Python is told to run, of what may be somebody's own.
enum PythonRuns<'a> {
    Script(&'a str),
    Module(&'a str),
    Nothing,
}

/// Letters of options may stand together; `c` and `m` say what to run instead of a script, and two others have a value. What
/// goes with them may be the next word.
fn python_runs(arguments: &[String]) -> PythonRuns<'_> {
    let mut words = arguments.iter().map(String::as_str);
    // Isolated from where it stands.
    let mut is_apart = false;
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            None => return PythonRuns::Script(word),
            Some("") => return PythonRuns::Nothing, // standard input
            Some("-check-hash-based-pycs") => drop(words.next()),
            Some(long) if long.starts_with('-') => {}
            Some(letters) => {
                let at = letters.find(['c', 'm', 'W', 'X']).unwrap_or(letters.len());
                let (before, rest) = letters.split_at(at);
                is_apart |= before.contains(['I', 'P']);
                match rest.chars().next() {
                    Some('m') if is_apart => return PythonRuns::Nothing,
                    Some('m') if rest.len() > 1 => return PythonRuns::Module(&rest[1..]),
                    Some('m') => return words.next().map_or(PythonRuns::Nothing, PythonRuns::Module),
                    Some('c') => return PythonRuns::Nothing,
                    Some(_) if rest.len() == 1 => drop(words.next()),
                    _ => {}
                }
            }
        }
    }
    PythonRuns::Nothing
}

/// A virtual environment and the installation it was made from.
fn grant_environment(grants: &mut Vec<Grant>, program: &Path, home: Option<&Path>) {
    let Some(prefix) = program.parent().and_then(Path::parent) else { return };
    let Ok(settings) = fs::read_to_string(prefix.join("pyvenv.cfg")) else { return };
    // Made in a directory of a project, it has other things beside it.
    let parts = ["bin", "include", "lib", "lib64", "share", "pyvenv.cfg"].map(|name| prefix.join(name));
    grants.extend(parts.into_iter().filter(|path| path.exists()).map(Grant::load));
    let base = settings.lines().find_map(|line| line.split_once('=').filter(|(key, _)| key.trim() == "home"));
    if let Some((_, bin)) = base {
        // Its other programs are none of the server's; the interpreter itself is granted where it really is.
        runtime_library(grants, &Path::new(bin.trim()).join("python3"), home);
    }
}

fn uvx(prepared: &mut Prepared, program: &Path, home: Option<&Path>) {
    // It starts the `uv` beside it.
    let real = fs::canonicalize(program).ok();
    for beside in [Some(program), real.as_deref()].into_iter().flatten().filter_map(Path::parent) {
        let uv = beside.join("uv");
        if is_program(&uv) {
            let leads = fs::canonicalize(&uv).ok();
            prepared.grants.extend(std::iter::once(uv).chain(leads).map(Grant::run));
        }
    }
    prepared.env.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
    prepared.env.insert("UV_OFFLINE".into(), "1".into());
    prepared.tmp_exec = true;
    let Some(home) = home else { return };
    for (variable, directory) in [
        ("UV_CACHE_DIR", ".cache/uv"),
        ("UV_TOOL_DIR", ".local/share/uv/tools"),
        ("UV_PYTHON_INSTALL_DIR", ".local/share/uv/python"),
    ] {
        let directory = home.join(directory);
        if directory.is_dir() {
            prepared.env.insert(variable.into(), directory.to_string_lossy().into_owned());
            prepared.grants.push(Grant::run(directory));
        }
    }
}

/// Looks a program up as a shell would. Version-manager shims are scripts that start other scripts;
/// the program behind them is taken instead.
#[must_use]
pub fn find_program(name: &str, search: &OsStr, cwd: &Path, home: Option<&Path>) -> Option<PathBuf> {
    if name.contains('/') {
        let path = cwd.join(name);
        return is_program(&path).then_some(path);
    }
    let candidates = std::env::split_paths(search).map(|directory| cwd.join(directory).join(name));
    let mut shim = None;
    for candidate in candidates.filter(|candidate| is_program(candidate)) {
        if candidate.parent().is_some_and(|directory| directory.ends_with("shims")) {
            shim.get_or_insert(candidate);
            continue;
        }
        if shim.is_none() {
            return Some(candidate);
        }
        return behind_shim(name, home).or(Some(candidate));
    }
    behind_shim(name, home).or(shim)
}

fn behind_shim(name: &str, home: Option<&Path>) -> Option<PathBuf> {
    let pyenv = home?.join(".pyenv");
    let version = fs::read_to_string(pyenv.join("version")).ok();
    let chosen = version.as_deref().and_then(|text| text.lines().next()).map(str::trim);
    let versions = pyenv.join("versions");
    let candidate = versions.join(chosen?).join("bin").join(name);
    is_program(&candidate).then_some(candidate)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a script's first line names: the interpreter, or the program `env` looks up.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut start = [0; 256];
    let read = fs::File::open(script).and_then(|mut file| file.read(&mut start)).ok()?;
    let line = start[..read].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let first = words.next()?;
    if Path::new(first).file_name() != Some(OsStr::new("env")) {
        return Some(PathBuf::from(first));
    }
    words.find(|word| !word.starts_with('-') && !word.contains('=')).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &Path) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "\x7fELF").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn prepared(preset: Preset, command: &[String], home: &Path) -> Vec<Grant> {
        prepare(preset, command, OsStr::new("/usr/bin:/bin"), home, Some(home)).unwrap().grants
    }

    #[test]
    fn a_virtual_environment_starts_its_interpreter_and_no_other_program() {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        let python = program(&home.join("project/bin/python3"));
        fs::write(home.join("project/pyvenv.cfg"), "home = /usr/bin\n").unwrap();
        fs::write(home.join("project/notes.txt"), "").unwrap();
        fs::create_dir(home.join("project/lib")).unwrap();
        let grants = prepared(Preset::Python, &[python, "-m".into(), "server".into()], &home);
        let runs: Vec<&Grant> = grants.iter().filter(|grant| grant.exec == Exec::Run && grant.path.is_dir()).collect();
        assert!(runs.is_empty(), "{runs:?}");
        let reads = |name: &str| grants.iter().any(|grant| home.join("project").join(name).starts_with(&grant.path));
        assert!(reads("lib/python3.11/site-packages/x.py") && !reads("notes.txt"), "made inside a project: {grants:?}");
    }

    #[test]
    fn a_directory_as_the_script_is_its_code_and_nothing_else_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        let node = program(&home.join("opt/bin/node"));
        fs::create_dir_all(home.join("project/src")).unwrap();
        for file in ["package.json", "src/index.js", "secret.txt"] {
            fs::write(home.join("project").join(file), "{}").unwrap();
        }
        let grants = prepared(Preset::Node, &[node, "--import".into(), "tsx".into(), "project".into()], &home);
        let reads = |name: &str| {
            let path = home.join("project").join(name);
            grants.iter().any(|grant| grant.access >= crate::sandbox::Access::Read && path.starts_with(&grant.path))
        };
        assert!(reads("package.json") && reads("src/index.js") && !reads("secret.txt"), "{grants:?}");
    }

    #[test]
    fn what_a_script_is_given_is_not_its_code() {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        let script = |path: &str, first: &str| {
            let path = program(&home.join(path));
            fs::write(&path, format!("#!{first}\n")).unwrap();
            path
        };
        let node = program(&home.join("opt/bin/node"));
        let python = program(&home.join("opt/bin/python3"));
        let shim = script("shims/python", "/usr/bin/env bash");
        fs::create_dir_all(home.join("data")).unwrap();
        for file in
            ["data/x.db", "data/helper.py", "data/helper.js", "data/package.json", "server/main.py", "server/main.js"]
        {
            fs::create_dir_all(home.join(file).parent().unwrap()).unwrap();
            fs::write(home.join(file), "").unwrap();
        }
        let reads = |command: &[&str]| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            let grants = prepared(Preset::Auto, &command, &home);
            let is_read = |place: &str| grants.iter().any(|grant| grant.path.starts_with(home.join(place)));
            (is_read("server"), is_read("data"))
        };
        let venv_script = script("env/bin/server-py", &python);
        let node_script = script("env/bin/server-js", "/usr/bin/env node");
        for command in [
            &[&*venv_script, "--db", "data/x.db"][..],
            &[&*node_script, "data/x.db"],
            &[&*node_script, "data"],
            &[&*python, "-um", "server", "data/x.db"],
            &[&*python, "-c", "pass", "data/x.db"],
            &[&*python, "-", "data/x.db"],
            &[&*node, "-e", "0", "data/x.db"],
        ] {
            assert_eq!(reads(command), (false, false), "{command:?}");
        }
        for command in [
            &[&*python, "server/main.py", "data/x.db"][..],
            &[&*python, "-X", "dev", "-Wignore", "-u", "server/main.py", "data/x.db"],
            &[&*shim, "server/main.py", "data/x.db"],
            &[&*node, "--env-file", "data/x.db", "server/main.js", "data/x.db"],
            &[&*node, "--enable-source-maps", "server/main.js", "data"],
        ] {
            assert_eq!(reads(command), (true, false), "{command:?}");
        }
    }

    #[test]
    fn a_module_where_the_server_stands_is_its_code() {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        let python = program(&home.join("opt/bin/python3"));
        let project = home.join("project");
        for file in ["server/__main__.py", "data/x.db", "notes.txt"] {
            fs::create_dir_all(project.join(file).parent().unwrap()).unwrap();
            fs::write(project.join(file), "").unwrap();
        }
        let reads = |words: &[&str]| {
            let command: Vec<String> = [&*python].iter().chain(words).map(|word| (*word).to_owned()).collect();
            let grants = prepare(Preset::Auto, &command, OsStr::new("/usr/bin"), &project, Some(&home)).unwrap().grants;
            let is_read = |name: &str| {
                grants.iter().any(|grant| {
                    grant.access >= crate::sandbox::Access::Read && project.join(name).starts_with(&grant.path)
                })
            };
            assert!(!is_read("data/x.db") && !is_read("notes.txt"), "{grants:?}");
            is_read("server/__main__.py")
        };
        assert!(reads(&["-m", "server", "data/x.db"]));
        assert!(reads(&["-X", "dev", "-umserver.main", "--db", "data/x.db"]));
        for other in [&["-m", "installed", "server"][..], &["-Im", "server"], &["-m"], &["-c", "import server"]] {
            assert!(!reads(other), "{other:?}");
        }
    }

    #[test]
    fn a_program_in_a_home_directory_does_not_bring_the_home_along() {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        for place in ["bin/server", ".local/bin/server"] {
            let server = program(&home.join(place));
            let grants = prepared(Preset::Native, &[server], &home);
            let wide = grants.iter().find(|grant| home.join(".local").starts_with(&grant.path));
            assert!(wide.is_none(), "{place}: {wide:?}");
        }
        let server = program(&home.join("opt/runtime/bin/server"));
        let grants = prepared(Preset::Native, &[server], &home);
        assert!(grants.iter().any(|grant| grant.path == home.join("opt/runtime")), "{grants:?}");
    }
}
