//! `npx PACKAGE` and what other managers call it: npm's own cache is filled in one sandbox, with install scripts off, and
//! the package's program run from there in another.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha512};

use super::fetch::{self, Fetch};
use super::node::grant_package;
use super::program::{find_program, grant_program};
use super::{Prepared, Surroundings, name_of};
use crate::sandbox::{Grant, Plan};
use crate::setup::Request;

/// What an npx command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Package with or without version, as written.
    spec: String,
    /// Program of the package, when it is named apart.
    bin: Option<String>,
    /// Arguments of the program.
    arguments: Vec<String>,
}

/// Makes the command ready: a package that is there runs under Node directly; otherwise what remains is npx itself, for
/// [`fetch`].
///
/// # Errors
/// For forms that name no package, which say what could be guarded instead.
pub(super) fn prepare(
    prepared: &mut Prepared,
    program: &Path,
    arguments: &[String],
    at: &Surroundings<'_>,
) -> Result<(), String> {
    prepared.env.insert("NODE_USE_ENV_PROXY".into(), "1".into());
    let package = read(program, arguments)?;
    let Some(node) = find_program("node", at.search, at.cwd, at.home) else {
        return Err(format!("{} runs its packages under Node, which is not found", name_of(program)));
    };
    grant_program(&mut prepared.grants, &node, at);
    match package.script(at) {
        Some(script) => {
            grant_package(&mut prepared.grants, &script, at.home);
            let words = [node, script].map(|path| path.to_string_lossy().into_owned());
            prepared.command = words.into_iter().chain(package.arguments).collect();
        }
        None => grant_package(&mut prepared.grants, program, at.home),
    }
    Ok(())
}

/// Fills the cache, where the package is not there.
///
/// # Errors
/// For forms that name no package.
pub(super) fn fetch(
    prepared: Prepared,
    request: &Request,
    at: &Surroundings<'_>,
    home: &Path,
) -> Result<Option<Fetch>, String> {
    let [program, arguments @ ..] = request.command.as_slice() else { return Ok(None) };
    let package = read(Path::new(program), arguments)?;
    if package.script(at).is_some() {
        return Ok(None);
    }
    let npx = find_program("npx", at.search, at.cwd, at.home);
    let npx = npx.ok_or_else(|| format!("packages are fetched with npx, which is not found: {}", package.spec))?;
    let (env, grants) = sandbox(prepared, &npx, at, home);
    let command = package.fetch_command(&npx.to_string_lossy());
    let made = vec![Plan { command, ..fetch::plan(env, grants, false, request) }];
    Ok(Some(Fetch { found: None, made, tool: None }))
}

fn cache(home: &Path) -> PathBuf {
    home.join(".npm")
}

/// What npx needs to fill its cache.
fn sandbox(prepared: Prepared, npx: &Path, at: &Surroundings<'_>, home: &Path) -> (Vec<(String, String)>, Vec<Grant>) {
    let cache = cache(home);
    // A cache that can't be made shows as a failed download.
    let _ = fs::create_dir_all(&cache);
    let mut grants = prepared.grants;
    grant_program(&mut grants, npx, at);
    grant_package(&mut grants, npx, at.home);
    grants.push(Grant::write(&cache));
    for helper in ["sh", "env"] {
        grants.extend(find_program(helper, at.search, at.cwd, at.home).into_iter().flat_map(|found| {
            let real = fs::canonicalize(&found).ok();
            [Some(Grant::run(found)), real.map(Grant::run)].into_iter().flatten()
        }));
    }
    grants.extend(Some(home.join(".npmrc")).filter(|file| file.is_file()).map(Grant::read));
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let env = vec![
        ("PATH".to_owned(), at.search.to_string_lossy().into_owned()),
        ("HOME".to_owned(), home.to_string_lossy().into_owned()),
        setting("TMPDIR", "/tmp"),
        // A package's own code runs in the sandbox of the server, or not at all.
        setting("npm_config_ignore_scripts", "true"),
        setting("npm_config_update_notifier", "false"),
        setting("npm_config_audit", "false"),
        setting("npm_config_fund", "false"),
        ("npm_config_cache".to_owned(), cache.to_string_lossy().into_owned()),
    ];
    (env, grants)
}

/// Words by which managers are told to run a package: they are no package.
const RUN_A_PACKAGE: &[(&str, &[&str])] = &[
    ("npx", &[""]),
    ("bunx", &[""]),
    ("npm", &["exec", "x"]),
    ("pnpm", &["dlx"]),
    ("yarn", &["dlx"]),
    ("bun", &["x"]),
];

/// Whether a command of this manager runs a package.
pub(super) fn runs_a_package(program: &Path, arguments: &[String]) -> bool {
    verb(program, arguments).is_some()
}

/// The word that says so; empty where the program says it.
fn verb(program: &Path, arguments: &[String]) -> Option<&'static str> {
    let name = name_of(program);
    let name = name.strip_suffix("-cli.js").unwrap_or(name);
    let (_, verbs) = RUN_A_PACKAGE.iter().find(|(manager, _)| *manager == name)?;
    verbs.iter().copied().find(|verb| verb.is_empty() || arguments.first().is_some_and(|first| first == verb))
}

fn read(program: &Path, arguments: &[String]) -> Result<Package, String> {
    let name = name_of(program);
    let verb = verb(program, arguments).ok_or_else(|| {
        let what = arguments.first().map_or("", String::as_str);
        format!("`{name} {what}` runs what a file of the project says, through a shell: guard what it starts (node dist/index.js)")
    })?;
    let words = &arguments[usize::from(!verb.is_empty())..];
    parse(words).ok_or_else(|| {
        format!("of {name} the guard knows `-y`, `--package` and the name of one package of the registry: install others, and guard what is installed")
    })
}

/// Reads the arguments of npx; `None` for forms that name no single package.
fn parse(arguments: &[String]) -> Option<Package> {
    let mut spec = None;
    let mut rest = arguments.iter();
    let mut words: Vec<String> = Vec::new();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-y" | "--yes" | "-q" | "--quiet" | "--silent" | "--bun" | "--prefer-offline" => {}
            "-p" | "--package" => spec = Some(rest.next()?.clone()),
            "--" => words.extend(rest.by_ref().cloned()),
            other if other.starts_with("--package=") => spec = Some(other["--package=".len()..].to_owned()),
            other if other.starts_with('-') && words.is_empty() => return None,
            _ => {
                words.push(argument.clone());
                words.extend(rest.by_ref().cloned());
            }
        }
    }
    if words.is_empty() {
        return None;
    }
    let first = words.remove(0);
    let (spec, bin) = match spec {
        Some(spec) => (spec, Some(first)),
        None => (first, None),
    };
    // Directories, archives and addresses are not packages of the registry.
    let is_registry = !spec.starts_with(['.', '/', '~', '-']) && !spec.contains("://") && !spec.contains("..");
    is_registry.then_some(Package { spec, bin, arguments: words })
}

impl Package {
    /// Name without version: `@scope/name@1.2.3` is `@scope/name`.
    fn name(&self) -> &str {
        match self.spec.char_indices().skip(1).find(|(_, c)| *c == '@') {
            Some((at, _)) => &self.spec[..at],
            None => &self.spec,
        }
    }

    /// Its program: among the dependencies of the project where it is asked for, as npx looks there first and a name may
    /// well be somebody else's in the registry; else in npm's cache.
    fn script(&self, at: &Surroundings<'_>) -> Option<PathBuf> {
        let beside = at.cwd.ancestors().map(|directory| directory.join("node_modules"));
        let mut beside = beside.filter_map(|modules| self.script_in(&modules, true));
        beside.next().or_else(|| self.script_in(&self.cached(&cache(at.home?)), false))
    }

    /// Where npx puts it: a directory named by a digest of the request.
    fn cached(&self, cache: &Path) -> PathBuf {
        let digest = Sha512::digest(self.spec.as_bytes());
        let hash: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        cache.join("_npx").join(hash).join("node_modules")
    }

    /// Its program in a directory of installed packages. Of a project's it must be the version that was asked for.
    fn script_in(&self, modules: &Path, is_projects: bool) -> Option<PathBuf> {
        let package = modules.join(self.name());
        let Ok(text) = fs::read_to_string(package.join("package.json")) else {
            // The program of a package of another name.
            let is_name = is_projects && self.bin.is_none() && !self.spec.contains(['@', '/']);
            return is_name.then(|| fs::canonicalize(modules.join(".bin").join(&self.spec)).ok())?;
        };
        let manifest: Value = serde_json::from_str(&text).ok()?;
        let version = self.spec.get(self.name().len() + 1..);
        if is_projects && version.is_some_and(|version| manifest["version"] != version) {
            return None;
        }
        let script = package.join(self.program(&manifest)?);
        // A manifest that points outside its own package is not what was asked for.
        let (script, package) = (fs::canonicalize(script).ok()?, fs::canonicalize(package).ok()?);
        script.starts_with(&package).then_some(script)
    }

    /// The command that fills the cache and runs nothing of the package.
    fn fetch_command(&self, npx: &str) -> Vec<String> {
        [npx, "--yes", &format!("--package={}", self.spec), "--", "node", "-e", ""].map(str::to_owned).into()
    }

    fn program(&self, manifest: &Value) -> Option<String> {
        match manifest.get("bin")? {
            Value::String(path) => Some(path.clone()),
            Value::Object(programs) => {
                let short = self.name().rsplit('/').next().unwrap_or("");
                let wanted = self.bin.as_deref().unwrap_or(short);
                let chosen = programs.get(wanted).or_else(|| programs.values().next().filter(|_| programs.len() == 1));
                chosen?.as_str().map(str::to_owned)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_forms_of_npx_name_their_package() {
        let package = parse(&words("-y @scope/server@1.2.3 /data --flag")).unwrap();
        assert_eq!((package.name(), package.spec.as_str()), ("@scope/server", "@scope/server@1.2.3"));
        assert_eq!(package.arguments, ["/data", "--flag"]);
        let package = parse(&words("--package=server -- program -x")).unwrap();
        assert_eq!((package.bin.as_deref(), package.arguments.as_slice()), (Some("program"), &["-x".to_owned()][..]));
        for other in ["--unknown x", "-y ./local", "-y https://evil.example/x.tgz", "-y"] {
            assert_eq!(parse(&words(other)), None, "{other}");
        }
    }

    #[test]
    fn a_manifest_can_not_point_outside_its_package() {
        let cache = tempfile::tempdir().unwrap();
        let package = parse(&words("-y thing")).unwrap();
        let modules = package.cached(cache.path());
        let directory = modules.join("thing");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("main.js"), "").unwrap();
        fs::write(cache.path().join("evil.js"), "").unwrap();
        fs::write(directory.join("package.json"), r#"{"bin":"main.js"}"#).unwrap();
        assert!(package.script_in(&modules, false).is_some());
        fs::write(directory.join("package.json"), r#"{"bin":"../../../../evil.js"}"#).unwrap();
        assert_eq!(package.script_in(&modules, false), None);
    }

    #[test]
    fn what_a_manager_is_told_to_do_is_no_package() {
        let parsed = |text: &str| {
            let words = words(text);
            read(Path::new(&words[0]), &words[1..]).map(|package| package.spec)
        };
        for command in [
            "npx -y server",
            "/opt/npm exec -y -- server",
            "pnpm dlx server",
            "yarn dlx -q server",
            "bunx --bun server",
            "bun x server",
        ] {
            assert_eq!(parsed(command).as_deref(), Ok("server"), "{command}");
        }
        for command in ["npm run start", "npm start", "yarn serve", "pnpm", "npx --unknown x"] {
            assert!(parsed(command).unwrap_err().contains("guard what"), "{command}");
        }
    }

    #[test]
    fn a_package_of_the_project_comes_before_one_of_the_registry() {
        let directory = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(directory.path()).unwrap();
        let (home, project) = (at.join("home"), at.join("project"));
        let script = |spec: &str| {
            let surroundings = Surroundings { search: OsStr::new(""), cwd: &project.join("deep"), home: Some(&home) };
            parse(&words(spec)).unwrap().script(&surroundings)
        };
        let install = |modules: &Path, name: &str| {
            fs::create_dir_all(modules.join(name)).unwrap();
            fs::write(modules.join(name).join("main.js"), "").unwrap();
            fs::write(modules.join(name).join("package.json"), r#"{"version":"1.0.0","bin":"main.js"}"#).unwrap();
            modules.join(name).join("main.js")
        };
        let cached = install(&parse(&words("own")).unwrap().cached(&cache(&home)), "own");
        fs::create_dir_all(project.join("deep")).unwrap();
        assert_eq!(script("own"), Some(cached));
        let modules = project.join("node_modules");
        let own = install(&modules, "own");
        assert_eq!((script("own"), script("own@1.0.0")), (Some(own.clone()), Some(own.clone())));
        assert_eq!(script("own@2.0.0"), None);
        fs::create_dir(modules.join(".bin")).unwrap();
        std::os::unix::fs::symlink("../own/main.js", modules.join(".bin/other")).unwrap();
        assert_eq!((script("other"), script("other@1.0.0")), (Some(own), None));
    }
}
