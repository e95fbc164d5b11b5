//! What common runtimes need beyond the policy, so that servers start unmodified.
//!
//! A preset turns a command line into the program that really runs and the files it needs. It grants
//! code and system libraries only, never data: data is what the policy's roots are for.

mod fetch;
mod node;
mod npx;
mod program;
mod python;
mod uv;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use serde::Deserialize;

pub(crate) use self::fetch::{Fetch, fetch};
pub use self::program::{find_program, is_system};
use self::program::{grant_program, interpreter, system};
use crate::sandbox::Grant;

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
    /// A package or project whose environment uv makes.
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

/// Where a command is given.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// `PATH`.
    pub search: &'a OsStr,
    /// Where the server stands.
    pub cwd: &'a Path,
    /// The user's directory.
    pub home: Option<&'a Path>,
}

/// Finds out what a command needs.
///
/// # Errors
/// A message when the program isn't found, or starts something that the guard can't tell.
pub fn prepare(preset: Preset, command: &[String], at: &Surroundings<'_>) -> Result<Prepared, String> {
    let [program, arguments @ ..] = command else { return Err("there is no command to guard".to_owned()) };
    let found = find_program(program, at.search, at.cwd, at.home);
    let found = found.ok_or_else(|| format!("program not found: {program}"))?;
    let preset = match preset {
        Preset::Auto => detect(&found, arguments),
        // What uv would have started, from its environment.
        Preset::Uvx if name_of(&found) != "uvx" && name_of(&found) != "uv" => detect(&found, arguments),
        other => other,
    };
    let mut prepared = Prepared {
        preset,
        command: std::iter::once(found.to_string_lossy().into_owned()).chain(arguments.iter().cloned()).collect(),
        grants: system(),
        env: BTreeMap::new(),
        tmp_exec: false,
    };
    grant_program(&mut prepared.grants, &found, at);
    match preset {
        Preset::Node => node::node(&mut prepared, arguments, at),
        Preset::Npx => npx::prepare(&mut prepared, &found, arguments, at)?,
        Preset::Python => python::python(&mut prepared, &found, arguments, at),
        // uv itself runs beforehand; see `fetch`.
        Preset::Uvx | Preset::Native | Preset::Auto => {}
    }
    Ok(prepared)
}

fn detect(program: &Path, arguments: &[String]) -> Preset {
    match name_of(program) {
        "npx" | "npx-cli.js" | "bunx" | "npm" | "npm-cli.js" | "pnpm" | "yarn" => Preset::Npx,
        "bun" if npx::runs_a_package(program, arguments) => Preset::Npx,
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
        "node" | "nodejs" | "bun" | "deno" => Some(Preset::Node),
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sandbox::Exec;

    fn program(path: &Path) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "\x7fELF").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn prepared(preset: Preset, command: &[String], home: &Path) -> Vec<Grant> {
        let at = Surroundings { search: OsStr::new("/usr/bin:/bin"), cwd: home, home: Some(home) };
        prepare(preset, command, &at).unwrap().grants
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
    fn programs_in_installed_packages_are_started_and_those_of_a_project_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        let node = program(&home.join("opt/bin/node"));
        for file in ["project/node_modules/search/bin/tool", "project/bin/tool", "app/node_modules/search/bin/tool"] {
            program(&home.join(file));
        }
        for file in ["project/server.js", "app/node_modules/server/index.js"] {
            fs::create_dir_all(home.join(file).parent().unwrap()).unwrap();
            fs::write(home.join(file), "").unwrap();
        }
        let runs = |script: &str, tool: &str| {
            let script = home.join(script).to_string_lossy().into_owned();
            let grants = prepared(Preset::Node, &[node.clone(), script], &home);
            grants.iter().any(|grant| grant.exec == Exec::Run && home.join(tool).starts_with(&grant.path))
        };
        assert!(runs("app/node_modules/server/index.js", "app/node_modules/search/bin/tool"));
        assert!(runs("project/server.js", "project/node_modules/search/bin/tool"));
        assert!(!runs("project/server.js", "project/bin/tool"));
    }

    #[test]
    fn of_what_is_installed_as_it_is_edited_the_project_around_counts() {
        let directory = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(directory.path()).unwrap();
        let (project, other) = (home.join("work/my project"), home.join("work/other"));
        let python = program(&project.join(".venv/bin/python3"));
        fs::write(project.join(".venv/pyvenv.cfg"), "home = /usr/bin\n").unwrap();
        for place in [&project, &other] {
            fs::create_dir_all(place.join("src/server")).unwrap();
            fs::write(place.join("src/server/__init__.py"), "").unwrap();
            fs::write(place.join("notes.txt"), "").unwrap();
        }
        let packages = project.join(".venv/lib/python3.12/site-packages");
        for (name, place) in [("server", &project), ("greedy", &other)] {
            let record = packages.join(format!("{name}-1.0.dist-info"));
            fs::create_dir_all(&record).unwrap();
            let said =
                format!(r#"{{"url":"file://{}","dir_info":{{"editable":true}}}}"#, place.display()).replace(' ', "%20");
            fs::write(record.join("direct_url.json"), said).unwrap();
        }
        let grants = prepared(Preset::Python, &[python, "-m".into(), "server".into()], &home);
        let reads = |path: &Path| {
            grants.iter().any(|grant| grant.access >= crate::sandbox::Access::Read && path.starts_with(&grant.path))
        };
        assert!(reads(&project.join("src/server/__init__.py")) && !reads(&project.join("notes.txt")), "{grants:?}");
        assert!(!reads(&other.join("src/server/__init__.py")), "a package does not choose what is granted");
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
            let at = Surroundings { search: OsStr::new("/usr/bin"), cwd: &project, home: Some(&home) };
            let grants = prepare(Preset::Auto, &command, &at).unwrap().grants;
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
