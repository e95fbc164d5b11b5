//! `npx PACKAGE`: fetched in one sandbox, run in another.
//!
//! npx downloads and runs in one go, so a server under it would need the network and a writable
//! cache for as long as it runs. Here the two are apart: *prepare* fills npm's own cache (network
//! open, install scripts off, none of the policy's directories or secrets in sight), *serve* runs
//! the package's program from that cache, read-only, without npm.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha512};

/// What an npx command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Package with or without version, as written.
    pub spec: String,
    /// Program of the package, when it is named apart.
    bin: Option<String>,
    /// Arguments of the program.
    arguments: Vec<String>,
}

/// A package in the cache, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The script to run.
    pub script: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The directory of the package and everything it depends on.
    pub modules: PathBuf,
}

/// Reads the arguments of npx; `None` for forms that name no single package.
#[must_use]
pub fn parse(arguments: &[String]) -> Option<Package> {
    let mut spec = None;
    let mut rest = arguments.iter();
    let mut words: Vec<String> = Vec::new();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-y" | "--yes" | "-q" | "--quiet" => {}
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

    /// The package in npm's cache, where npx puts it: a directory named by a digest of the request.
    #[must_use]
    pub fn installed(&self, cache: &Path) -> Option<Installed> {
        let digest = Sha512::digest(self.spec.as_bytes());
        let hash: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let modules = cache.join("_npx").join(hash).join("node_modules");
        let package = modules.join(self.name());
        let manifest: Value = serde_json::from_str(&fs::read_to_string(package.join("package.json")).ok()?).ok()?;
        let script = package.join(self.program(&manifest)?);
        // A manifest that points outside its own package is not what was asked for.
        let (script, package) = (fs::canonicalize(script).ok()?, fs::canonicalize(package).ok()?);
        script.starts_with(&package).then(|| Installed { script, arguments: self.arguments.clone(), modules })
    }

    /// The command that fills the cache and runs nothing of the package.
    #[must_use]
    pub fn fetch_command(&self, npx: &str) -> Vec<String> {
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
        let hash: String = Sha512::digest(b"thing")[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let directory = cache.path().join("_npx").join(hash).join("node_modules/thing");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("main.js"), "").unwrap();
        fs::write(cache.path().join("evil.js"), "").unwrap();
        fs::write(directory.join("package.json"), r#"{"bin":"main.js"}"#).unwrap();
        assert!(package.installed(cache.path()).is_some());
        fs::write(directory.join("package.json"), r#"{"bin":"../../../../evil.js"}"#).unwrap();
        assert_eq!(package.installed(cache.path()), None);
    }
}
