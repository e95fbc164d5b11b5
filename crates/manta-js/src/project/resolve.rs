//! Where an import specifier leads.

use manta_flow::frontend::Resolution;
use manta_flow::ir::Symbol;

use super::manifest::Package;
use super::{Project, is_source, paths};

/// Extensions tried in order after a TypeScript importer, and after a JavaScript one.
const FROM_TYPESCRIPT: [&str; 8] = ["ts", "tsx", "mts", "cts", "js", "mjs", "cjs", "jsx"];
const FROM_JAVASCRIPT: [&str; 8] = ["js", "mjs", "cjs", "jsx", "ts", "tsx", "mts", "cts"];

/// Directories that build tools write to by convention.
const OUTPUT_DIRS: [&str; 12] =
    ["dist", "build", "lib", "out", "output", "bin", "esm", "cjs", "es", "compiled", ".build", "bundle"];
/// Directories inside an output directory that name a module format.
const FORMAT_DIRS: [&str; 8] = ["esm", "cjs", "es", "mjs", "module", "node", "commonjs", "es6"];

/// Resolves `request` as written in file `from`.
pub(super) fn resolve(project: &Project, from: &str, request: &str) -> Resolution {
    let request = request.split('?').next().unwrap_or(request);
    let typescript = paths::is_typescript(from);
    if let Some(builtin) = request.strip_prefix("node:") {
        return external(builtin);
    }
    if request.starts_with('.') || request.starts_with('/') {
        return relative(project, from, request, typescript);
    }
    internal(project, from, request, typescript).unwrap_or_else(|| external(&without_registry(request)))
}

fn external(request: &str) -> Resolution {
    Resolution::External { root: Symbol::new(request), path: Vec::new() }
}

/// `npm:name@1.2/sub` (Deno) names the package `name/sub`.
fn without_registry(request: &str) -> String {
    let Some(request) = request.strip_prefix("npm:").or_else(|| request.strip_prefix("jsr:")) else {
        return request.to_owned();
    };
    let request = request.trim_start_matches('/');
    let (name, sub) = split_package(request);
    let name = match name.char_indices().skip(1).find(|(_, c)| *c == '@') {
        Some((at, _)) => &name[..at],
        None => name,
    };
    if sub.is_empty() { name.to_owned() } else { format!("{name}/{sub}") }
}

fn relative(project: &Project, from: &str, request: &str, typescript: bool) -> Resolution {
    let dir = if request.starts_with('/') { "" } else { paths::parent(from) };
    let Some(path) = paths::join(dir, request) else { return Resolution::Missing };
    if let Some(found) = probe(project, &path, typescript) {
        return match found {
            Resolution::File(file) => Resolution::File(prefer_source(project, file, from)),
            other => other,
        };
    }
    // A wrapper in a source repository imports output that has not been built.
    let unbuilt = || source_of(project, &path).map(Resolution::File);
    unbuilt().or_else(|| copied_package(project, from, &path, typescript)).unwrap_or(Resolution::Missing)
}

/// A file of a neighbouring package that the build copies or links into the importing one: `local/shared/x.js` for
/// `shared/src/x.ts`, where `local` has no directory `shared`.
fn copied_package(project: &Project, from: &str, path: &str, typescript: bool) -> Option<Resolution> {
    let importer = project.package_of(from)?;
    let mut rest = paths::below(&importer.dir, path)?;
    while let Some((name, inner)) = rest.split_once('/') {
        let copy = path[..path.len() - inner.len()].trim_end_matches('/');
        let original = paths::join(paths::parent(&importer.dir), name)?;
        let package = project.packages.iter().find(|package| package.dir == original && package.dir != importer.dir);
        if let Some(package) = package
            && project.below(copy).next().is_none()
        {
            return in_package(project, package, inner, typescript);
        }
        rest = inner;
    }
    None
}

/// Specifiers that lead to files of the target: aliases, `#imports`, workspace packages, the package itself.
fn internal(project: &Project, from: &str, request: &str, typescript: bool) -> Option<Resolution> {
    if request.starts_with('#')
        && let Some(package) = project.package_of(from)
        && let Some(found) = mapped(project, package, package.imports(request), typescript)
    {
        return Some(found);
    }
    if let Some(config) = project.tsconfig_of(from) {
        let mut candidates = config.candidates(request).into_iter();
        if let Some(found) = candidates.find_map(|path| probe_or_source(project, &path, typescript)) {
            return Some(found);
        }
    }
    let (name, subpath) = split_package(request);
    if let Some(index) = project.by_name.get(name) {
        return in_package(project, &project.packages[*index], subpath, typescript);
    }
    conventional_alias(project, from, request, typescript)
}

/// A target of an `imports` or `exports` map; targets that are not relative name other packages.
fn mapped(project: &Project, package: &Package, targets: Vec<String>, typescript: bool) -> Option<Resolution> {
    for target in targets {
        if target.starts_with('.') {
            if let Some(found) =
                paths::join(&package.dir, &target).and_then(|path| probe_or_source(project, &path, typescript))
            {
                return Some(found);
            }
        } else {
            return Some(external(target.strip_prefix("node:").unwrap_or(&target)));
        }
    }
    None
}

/// `name/subpath` where `name` is a package of the target.
fn in_package(project: &Project, package: &Package, subpath: &str, typescript: bool) -> Option<Resolution> {
    let key = if subpath.is_empty() { ".".to_owned() } else { format!("./{subpath}") };
    if let Some(found) = mapped(project, package, package.exports(&key), typescript) {
        return Some(found);
    }
    let probe_in = |path: &str| probe_or_source(project, &paths::join(&package.dir, path)?, typescript);
    if subpath.is_empty() {
        package.mains().find_map(probe_in).or_else(|| probe_in("src/index")).or_else(|| probe_in("index"))
    } else {
        probe_in(subpath).or_else(|| probe_in(&format!("src/{subpath}")))
    }
}

/// `@/x`, `~/x` and `src/x` without a configuration that says so: bundlers are often set up this way.
fn conventional_alias(project: &Project, from: &str, request: &str, typescript: bool) -> Option<Resolution> {
    let dir = project.package_of(from).map_or("", |package| &package.dir);
    let candidates = match request.strip_prefix("@/").or_else(|| request.strip_prefix("~/")) {
        Some(rest) => vec![format!("src/{rest}"), rest.to_owned()],
        None if request.starts_with("src/") => vec![request.to_owned()],
        None => return None,
    };
    candidates.iter().find_map(|path| probe(project, &paths::join(dir, path)?, typescript))
}

/// `@scope/name/sub` → (`@scope/name`, `sub`).
fn split_package(request: &str) -> (&str, &str) {
    let skip = if request.starts_with('@') { request.find('/').map_or(request.len(), |at| at + 1) } else { 0 };
    match request[skip..].find('/') {
        Some(at) => (&request[..skip + at], &request[skip + at + 1..]),
        None => (request, ""),
    }
}

// ---- files -------------------------------------------------------------------------------------------------------

/// The file that a path without certainty about extension or index means.
pub(super) fn probe(project: &Project, path: &str, typescript: bool) -> Option<Resolution> {
    probe_file(project, path, typescript).or_else(|| probe_dir(project, path, typescript))
}

fn probe_file(project: &Project, path: &str, typescript: bool) -> Option<Resolution> {
    let exact = project.exists(path);
    // TypeScript sources import the names that the compiler will write.
    if let Some((stem, extension)) = path.rsplit_once('.')
        && (typescript || !exact)
    {
        let sources: &[&str] = match extension {
            "js" => &["ts", "tsx", "jsx"],
            "mjs" => &["mts"],
            "cjs" => &["cts"],
            "jsx" => &["tsx"],
            _ => &[],
        };
        if let Some(found) = sources.iter().map(|source| format!("{stem}.{source}")).find(|p| project.exists(p)) {
            return Some(Resolution::File(found));
        }
    }
    if exact {
        let path = path.to_owned();
        return Some(if is_source(&path) { Resolution::File(path) } else { Resolution::Asset(path) });
    }
    let extensions = if typescript { FROM_TYPESCRIPT } else { FROM_JAVASCRIPT };
    let with_extension = extensions.iter().map(|extension| format!("{path}.{extension}"));
    if let Some(found) = with_extension.into_iter().find(|path| project.exists(path)) {
        return Some(Resolution::File(found));
    }
    let assets = ["json", "node", "d.ts", "d.mts", "d.cts"].into_iter().map(|extension| format!("{path}.{extension}"));
    assets.into_iter().find(|path| project.exists(path)).map(Resolution::Asset).or_else(|| {
        let stem = paths::stem(path);
        let declarations = [format!("{stem}.d.ts"), format!("{stem}.d.mts")];
        declarations.into_iter().find(|path| stem.len() < path.len() && project.exists(path)).map(Resolution::Asset)
    })
}

fn probe_dir(project: &Project, dir: &str, typescript: bool) -> Option<Resolution> {
    if let Some(package) = project.packages.iter().find(|package| package.dir == dir && !dir.is_empty())
        && let Some(found) = package.mains().find_map(|main| probe_file(project, &paths::join(dir, main)?, typescript))
    {
        return Some(found);
    }
    let index = if dir.is_empty() { "index".to_owned() } else { format!("{dir}/index") };
    probe_file(project, &index, typescript)
}

fn probe_or_source(project: &Project, path: &str, typescript: bool) -> Option<Resolution> {
    match probe(project, path, typescript) {
        Some(Resolution::File(file)) => Some(Resolution::File(prefer_source(project, file, ""))),
        Some(other) => Some(other),
        None => source_of(project, path).map(Resolution::File),
    }
}

// ---- from build output back to the source ------------------------------------------------------------------------

/// Build output is replaced by its source when both are there, unless the importer is output itself.
pub(super) fn prefer_source(project: &Project, file: String, from: &str) -> String {
    let output_dir = |path: &str| {
        let dir = project.package_of(path).map_or("", |package| &package.dir);
        let first = paths::below(dir, path).unwrap_or(path).split('/').next().unwrap_or("").to_owned();
        matches!(first.as_str(), "dist" | "build" | "out" | "output" | "compiled" | ".build" | "bundle")
            || project.tsconfig_of(path).is_some_and(|config| {
                config.out_dir.as_deref().is_some_and(|out| out != dir && paths::below(out, path).is_some())
            })
    };
    if !output_dir(&file) || (!from.is_empty() && output_dir(from)) {
        return file;
    }
    source_of(project, &file).unwrap_or(file)
}

/// The source file that is compiled to `output`, by the configuration or by convention.
pub(super) fn source_of(project: &Project, output: &str) -> Option<String> {
    let package = project.package_of(output).map_or("", |package| &package.dir);
    let mut candidates = Vec::new();
    let configs = [project.tsconfigs.get(package), project.tsconfig_of(output)];
    for config in configs.into_iter().flatten() {
        let Some(rest) = config.out_dir.as_deref().and_then(|out| paths::below(out, output)) else { continue };
        candidates.extend(config.root_dir.as_deref().and_then(|root| paths::join(root, rest)));
        candidates.extend(paths::join(package, &format!("src/{rest}")));
        candidates.extend(paths::join(package, rest));
    }
    for rest in inside_output(paths::below(package, output)?) {
        for source in ["src", "source", "", "lib", "app"] {
            candidates.extend(paths::join(package, source).and_then(|dir| paths::join(&dir, rest)));
        }
    }
    // JavaScript next to output that exists may as well be a wrapper around it.
    let may_wrap = |source: &str| project.exists(output) && !paths::is_typescript(source) && !source.contains("src/");
    let sources = candidates.iter().filter(|path| *path != output).filter_map(|path| existing_source(project, path));
    sources.into_iter().find(|source| source != output && !may_wrap(source))
}

/// The path below the output directory, with and without directories that name a format or repeat `src`.
fn inside_output(path: &str) -> Vec<&str> {
    let Some((first, mut rest)) = path.split_once('/') else { return Vec::new() };
    if !OUTPUT_DIRS.contains(&first) && !first.starts_with("dist") {
        return Vec::new();
    }
    let mut found = vec![rest];
    while let Some((next, inner)) = rest.split_once('/') {
        if !FORMAT_DIRS.contains(&next) && !OUTPUT_DIRS.contains(&next) && next != "src" {
            break;
        }
        found.push(inner);
        rest = inner;
    }
    found
}

/// The path without what only tells builds of one file for several module systems apart.
pub(super) fn without_format(path: &str) -> String {
    let kept: Vec<&str> = paths::stem(path).split('/').filter(|part| !FORMAT_DIRS.contains(part)).collect();
    kept.join("/")
}

/// A source file with the same stem.
fn existing_source(project: &Project, path: &str) -> Option<String> {
    let stem = paths::stem(path);
    let named = FROM_TYPESCRIPT.iter().map(|extension| format!("{stem}.{extension}"));
    let index = FROM_TYPESCRIPT.iter().map(|extension| format!("{stem}/index.{extension}"));
    named.chain(index).find(|path| project.exists(path))
}

/// The source directory that is compiled to directory `output`.
pub(super) fn source_dir(project: &Project, output: &str) -> Option<String> {
    let file = format!("{output}/x");
    let package = project.package_of(&file).map_or("", |package| &package.dir);
    let rests = inside_output(paths::below(package, &file)?);
    let candidates = rests.iter().flat_map(|rest| {
        let rest = paths::parent(rest);
        ["src", "source", "", "lib"].into_iter().filter_map(move |source| {
            let dir = paths::join(package, source)?;
            paths::join(&dir, rest)
        })
    });
    candidates.into_iter().find(|dir| dir != output && dir != package && project.below(dir).next().is_some())
}
