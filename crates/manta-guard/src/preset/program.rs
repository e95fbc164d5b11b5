//! Programs: where they are, what interprets them, and what of the system they load.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Surroundings;
use crate::code;
use crate::sandbox::Grant;

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

pub(super) fn system() -> Vec<Grant> {
    let libraries = SYSTEM_LIBRARIES.iter().map(Grant::load);
    let files = SYSTEM_DIRECTORIES.iter().chain(SYSTEM_FILES).map(Grant::read);
    libraries.chain(files).filter(|grant| grant.path.exists()).collect()
}

/// The program, what interprets it, and what links it: each may be started, nothing else.
pub(super) fn grant_program(grants: &mut Vec<Grant>, program: &Path, at: &Surroundings<'_>) {
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
        if let Some(found) = find_program(&interpreter.to_string_lossy(), at.search, Path::new("/"), None) {
            if found != program {
                grant_program(grants, &found, at);
            }
            runtime_library(grants, &found, at.home);
        }
    }
    runtime_library(grants, program, at.home);
}

/// A runtime outside the system directories brings its library along: `PREFIX/bin/x` has `PREFIX/lib`. A prefix that
/// is somebody's home directory holds more than that.
pub(super) fn runtime_library(grants: &mut Vec<Grant>, program: &Path, home: Option<&Path>) {
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

pub(super) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a script's first line names: the interpreter, or the program `env` looks up.
pub(super) fn interpreter(script: &Path) -> Option<PathBuf> {
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
