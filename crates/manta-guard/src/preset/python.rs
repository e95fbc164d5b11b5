//! Python programs and the environments they run in.

use std::fs;
use std::path::{Path, PathBuf};

use super::program::{interpreter, runtime_library};
use super::{Prepared, Surroundings, is_script};
use crate::code;
use crate::sandbox::Grant;

pub(super) fn python(prepared: &mut Prepared, program: &Path, arguments: &[String], at: &Surroundings<'_>) {
    let (cwd, home) = (at.cwd, at.home);
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
pub(super) fn grant_environment(grants: &mut Vec<Grant>, program: &Path, home: Option<&Path>) {
    let Some(prefix) = program.parent().and_then(Path::parent) else { return };
    let Ok(settings) = fs::read_to_string(prefix.join("pyvenv.cfg")) else { return };
    // Made in a directory of a project, it has other things beside it.
    let parts = ["bin", "include", "lib", "lib64", "share", "pyvenv.cfg"].map(|name| prefix.join(name));
    grants.extend(parts.into_iter().filter(|path| path.exists()).map(Grant::load));
    if let Some(project) = prefix.parent() {
        grants.extend(edited_in(prefix, project).iter().flat_map(|directory| code::around(directory, home)));
    }
    let base = settings.lines().find_map(|line| line.split_once('=').filter(|(key, _)| key.trim() == "home"));
    if let Some((_, bin)) = base {
        // Its other programs are none of the server's; the interpreter itself is granted where it really is.
        runtime_library(grants, &Path::new(bin.trim()).join("python3"), home);
    }
}

/// Directories whose packages are installed as they are edited (PEP 610): the environment has only a pointer to them. A package
/// may say so of any place; what counts is the project that the environment was made in, and what is below it.
fn edited_in(prefix: &Path, project: &Path) -> Vec<PathBuf> {
    let entries = |directory: &Path| fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let versions = entries(&prefix.join("lib")).map(|version| version.join("site-packages"));
    let records = versions.flat_map(|packages| entries(&packages).collect::<Vec<_>>());
    let records = records.filter(|path| path.extension().is_some_and(|ending| ending == "dist-info"));
    let edited = records.filter_map(|record| {
        let text = fs::read_to_string(record.join("direct_url.json")).ok()?;
        let said: serde_json::Value = serde_json::from_str(&text).ok()?;
        let place = unescaped(said["url"].as_str()?.strip_prefix("file://")?)?;
        (said["dir_info"]["editable"] == true).then(|| fs::canonicalize(place).ok())?
    });
    let project = fs::canonicalize(project).unwrap_or_else(|_| project.to_owned());
    edited.filter(|place| place.starts_with(&project)).collect()
}

/// The path that a `file:` address names.
fn unescaped(path: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut parts = path.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    Some(std::ffi::OsString::from_vec(bytes).into())
}
