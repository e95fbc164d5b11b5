//! Packages and what their manifests say: names, source roots, scripts, dependencies.

use std::collections::BTreeMap;

use manta_flow::frontend::ProjectFiles;
use toml::{Table, Value};

use super::dependencies::{self, Versions};
use super::modules::{dir, join};

/// A directory with a manifest.
#[derive(Debug, Default)]
pub(crate) struct Package {
    /// Directory; `""` is the target.
    pub(crate) dir: String,
    /// Whether something here can be installed, and not only a list of requirements or a lock file.
    pub(crate) is_package: bool,
    pub(crate) name: Option<String>,
    /// Directories from which its modules are imported, in order.
    pub(crate) roots: Vec<String>,
    /// Targets of scripts: `package.module:function`.
    pub(crate) scripts: Vec<String>,
    pub(crate) declared: Versions,
    pub(crate) locked: Versions,
}

/// All directories with a manifest, sorted.
pub(crate) fn packages(files: &dyn ProjectFiles) -> Vec<Package> {
    let mut packages: BTreeMap<String, Package> = BTreeMap::new();
    for path in files.paths() {
        let Some(manifest) = Manifest::of(path) else { continue };
        let Some(text) = files.text(path) else { continue };
        let package = packages.entry(manifest.root(path).to_owned()).or_default();
        package.dir = manifest.root(path).to_owned();
        manifest.read(text, package);
    }
    let mut packages: Vec<Package> = packages.into_values().collect();
    for package in &mut packages {
        // Whatever a manifest leaves out is what the tools would guess.
        for guess in ["src", "python", ""] {
            let root = join(&package.dir, guess);
            if !package.roots.contains(&root) {
                package.roots.push(root);
            }
        }
    }
    packages
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manifest {
    PyProject,
    SetupPy,
    SetupCfg,
    Requirements,
    Lock,
    EntryPoints,
    Metadata,
}

impl Manifest {
    fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let installed = [".dist-info", ".egg-info"].iter().any(|suffix| dir(path).ends_with(suffix));
        match name {
            "pyproject.toml" => Some(Self::PyProject),
            "setup.py" => Some(Self::SetupPy),
            "setup.cfg" => Some(Self::SetupCfg),
            "uv.lock" | "poetry.lock" | "pdm.lock" => Some(Self::Lock),
            "entry_points.txt" if installed => Some(Self::EntryPoints),
            "METADATA" | "PKG-INFO" => Some(Self::Metadata),
            _ if name.starts_with("requirements") && name.ends_with(".txt") => Some(Self::Requirements),
            _ => None,
        }
    }

    /// The directory that a manifest describes; metadata lies in a directory of its own.
    fn root(self, path: &str) -> &str {
        let holder = dir(path);
        match self {
            Self::EntryPoints | Self::Metadata if holder.ends_with("-info") => dir(holder),
            _ => holder,
        }
    }

    fn read(self, text: &str, package: &mut Package) {
        package.is_package |= !matches!(self, Self::Requirements | Self::Lock);
        match self {
            Self::PyProject => {
                if let Ok(table) = text.parse::<Table>() {
                    pyproject(&table, package);
                }
            }
            Self::SetupPy => setup_py(text, package),
            Self::SetupCfg => setup_cfg(text, package),
            Self::Requirements => dependencies::requirements_file(text, &mut package.declared),
            Self::Lock => dependencies::lock_file(text, &mut package.locked),
            Self::EntryPoints => entry_points(text, package),
            Self::Metadata => {
                let name = dependencies::metadata(text, &mut package.declared);
                package.name = package.name.take().or(name);
            }
        }
    }
}

fn pyproject(table: &Table, package: &mut Package) {
    if let Some(project) = table.get("project") {
        package.name = project.get("name").and_then(Value::as_str).map(str::to_owned).or(package.name.take());
        dependencies::add(&mut package.declared, dependencies::strings(project.get("dependencies")));
        for extra in tables(project.get("optional-dependencies")) {
            dependencies::add(&mut package.declared, dependencies::strings(Some(extra.1)));
        }
        scripts(project.get("scripts"), package);
        scripts(project.get("gui-scripts"), package);
        for (group, targets) in tables(project.get("entry-points")) {
            if group.contains("mcp") {
                scripts(Some(targets), package);
            }
        }
    }
    let tool = table.get("tool");
    let tool = |name: &str| tool.and_then(|tool| tool.get(name));
    poetry(tool("poetry"), package);
    setuptools(tool("setuptools"), package);
    hatch(tool("hatch"), package);
    for (backend, key) in [("pdm", "package-dir"), ("maturin", "python-source")] {
        let holder = tool(backend).and_then(|pdm| pdm.get("build")).or_else(|| tool(backend));
        root(holder.and_then(|build| build.get(key)).and_then(Value::as_str), package);
    }
    let uv = tool("uv").and_then(|uv| uv.get("build-backend")).and_then(|backend| backend.get("module-root"));
    root(uv.and_then(Value::as_str), package);
}

fn poetry(poetry: Option<&Value>, package: &mut Package) {
    let Some(poetry) = poetry else { return };
    package.name = package.name.take().or_else(|| poetry.get("name").and_then(Value::as_str).map(str::to_owned));
    for (name, spec) in tables(poetry.get("dependencies")) {
        let version = spec.as_str().or_else(|| spec.get("version").and_then(Value::as_str)).unwrap_or("*");
        package.declared.entry(dependencies::normalized(name)).or_insert_with(|| version.to_owned());
    }
    scripts(poetry.get("scripts"), package);
    for included in poetry.get("packages").and_then(Value::as_array).into_iter().flatten() {
        root(included.get("from").and_then(Value::as_str), package);
    }
}

fn setuptools(setuptools: Option<&Value>, package: &mut Package) {
    let Some(setuptools) = setuptools else { return };
    root(setuptools.get("package-dir").and_then(|dirs| dirs.get("")).and_then(Value::as_str), package);
    let find = setuptools.get("packages").and_then(|packages| packages.get("find"));
    for place in dependencies::strings(find.and_then(|find| find.get("where"))) {
        root(Some(place), package);
    }
}

/// `packages = ["src/name"]` installs `name`; `sources = ["src"]` strips that prefix.
fn hatch(hatch: Option<&Value>, package: &mut Package) {
    let Some(build) = hatch.and_then(|hatch| hatch.get("build")) else { return };
    let wheel = build.get("targets").and_then(|targets| targets.get("wheel"));
    for section in [wheel, Some(build)].into_iter().flatten() {
        for source in dependencies::strings(section.get("sources")) {
            root(Some(source), package);
        }
        for listed in dependencies::strings(section.get("packages")) {
            root(Some(dir(listed.trim_end_matches('/'))), package);
        }
    }
}

/// The whole program of `setup.py` is not run; it usually spells these out as literals.
fn setup_py(text: &str, package: &mut Package) {
    if let Some(list) = after(text, "install_requires").and_then(|rest| between(rest, '[', ']')) {
        dependencies::add(&mut package.declared, quoted(list));
    }
    if let Some(list) = after(text, "console_scripts").and_then(|rest| between(rest, '[', ']')) {
        package.scripts.extend(
            quoted(list).filter_map(|script| script.split_once('=')).map(|(_, target)| target.trim().to_owned()),
        );
    }
    if let Some(map) = after(text, "package_dir").and_then(|rest| between(rest, '{', '}')) {
        root(map.split_once(':').and_then(|(_, value)| quoted(value).next()), package);
    }
    let places = after(text, "find_packages").and_then(|rest| between(rest, '(', ')'));
    root(places.and_then(|call| quoted(call).next()).filter(|place| !place.contains('*')), package);
    if let Some(name) = after(text, "name=").and_then(|rest| quoted(rest).next()) {
        package.name.get_or_insert_with(|| name.to_owned());
    }
}

fn setup_cfg(text: &str, package: &mut Package) {
    let mut key = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        let indented = line.starts_with([' ', '\t']);
        let mut value = line.trim();
        if value.is_empty() || value.starts_with('[') {
            key.clear();
            continue;
        }
        if !indented {
            let Some((name, rest)) = value.split_once('=') else { continue };
            name.trim().clone_into(&mut key);
            value = rest.trim();
        }
        match key.as_str() {
            _ if value.is_empty() => {}
            "install_requires" => dependencies::add(&mut package.declared, [value]),
            "console_scripts" | "gui_scripts" => {
                package.scripts.extend(value.split_once('=').map(|(_, target)| target.trim().to_owned()));
            }
            "package_dir" => root(value.strip_prefix('=').map(str::trim), package),
            "where" => root(Some(value), package),
            "name" => {
                package.name.get_or_insert_with(|| value.to_owned());
            }
            _ => {}
        }
    }
}

/// `entry_points.txt` of an installed distribution.
fn entry_points(text: &str, package: &mut Package) {
    let mut wanted = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            wanted = matches!(line, "[console_scripts]" | "[gui_scripts]") || line.contains("mcp");
        } else if let Some((_, target)) = line.split_once('=').filter(|_| wanted) {
            package.scripts.push(target.trim().to_owned());
        }
    }
}

fn scripts(targets: Option<&Value>, package: &mut Package) {
    for (_, target) in tables(targets) {
        let target = target.as_str().or_else(|| target.get("reference").and_then(Value::as_str));
        package.scripts.extend(target.map(str::to_owned));
    }
}

fn root(place: Option<&str>, package: &mut Package) {
    let Some(place) = place else { return };
    let place = place.trim_start_matches("./").trim_matches('/');
    let root = join(&package.dir, if place == "." { "" } else { place });
    if !package.roots.contains(&root) {
        package.roots.push(root);
    }
}

fn tables(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_table).into_iter().flatten()
}

fn after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.split_once(word).map(|(_, rest)| rest)
}

/// What lies between the first `open` and the `close` behind it, if `open` comes soon.
fn between(text: &str, open: char, close: char) -> Option<&str> {
    let start = text.find(open).filter(|start| *start < 16)?;
    let rest = &text[start + open.len_utf8()..];
    rest.find(close).map(|end| &rest[..end])
}

/// The contents of the quoted strings of a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(['"', '\''])?;
        let quote = rest[start..].chars().next()?;
        let inner = &rest[start + 1..];
        let end = inner.find(quote)?;
        rest = &inner[end + 1..];
        Some(&inner[..end])
    })
}
