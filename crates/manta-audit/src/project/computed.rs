//! What a module may load by names that it computes: plugin folders, tools in a package of their own.
//!
//! A specifier is rarely computed altogether: `` `./tools/${name}.js` `` and `f"app.tools.{name}"` say where to look, and
//! a program that lists a directory names it somewhere in the same file. What they say is read off the text of the module,
//! because which files are worth reading has to be known before anything runs. An index that a build writes is not there
//! and means the modules around it.

use std::collections::BTreeSet;

use manta_flow::frontend::{Resolution, Resolver, around_missing};
use manta_flow::ir::{ArgKind, BinaryOp, Expr, ExprId, ImportName, Lang, Module, Var};

/// Most files that the computed imports of one module may mean.
pub(super) const MAX_FILES: usize = 64;

/// The files that `module` may load by computed names, sorted, private ones last. Of more than [`MAX_FILES`] the first are
/// to be read, and the report is to say so.
pub(super) fn files(module: &Module, resolver: &dyn Resolver) -> Vec<String> {
    let requests: Vec<ExprId> = module.exprs.iter().filter_map(|expr| computed_request(module, expr)).collect();
    let path = &*module.path;
    let imports = module.imports.iter().filter(|import| module.lang == Lang::JavaScript && !import.type_only);
    let listed: BTreeSet<String> = imports.flat_map(|import| around_missing(resolver, path, &import.request)).collect();
    if requests.is_empty() {
        return listed.into_iter().collect();
    }
    let mut found: BTreeSet<String> = BTreeSet::new();
    let looked_through = module.exprs.iter().filter_map(|expr| package_looked_through(module, expr));
    for prefix in requests.into_iter().filter_map(|request| prefix(module, request, 8)).chain(looked_through) {
        found.extend(resolver.folder(path, &prefix));
    }
    // Names that are kept in a list, and directories that are looked through.
    let is_searched = found.is_empty();
    for expr in &module.exprs {
        let Expr::Str(text) = expr else { continue };
        if !text.contains(char::is_alphanumeric) {
            continue;
        }
        match resolver.resolve(path, text) {
            Resolution::File(target) if text.contains(['.', '/']) && target != path => {
                found.insert(target);
            }
            _ if is_searched => {
                found.extend(named_folder(module, resolver, text));
                // `name = f"app.tools.{stem}"`, imported later.
                if module.lang == Lang::Python && text.ends_with('.') {
                    found.extend(resolver.folder(path, text));
                }
            }
            _ => {}
        }
    }
    // A loader that is told which package to look through stands, as a rule, in that package.
    if found.is_empty() && module.lang == Lang::Python {
        found.extend(resolver.folder(path, "."));
    }
    found.extend(listed);
    let mut found: Vec<String> = found.into_iter().collect();
    // What is private to the others is read with them, if it is needed.
    found.sort_by_key(|file| is_private(file));
    found
}

/// Whether a module or its package is named like one that is nobody else's: `_client.py`, `_client/__init__.py`.
fn is_private(file: &str) -> bool {
    let path = file.strip_suffix("/__init__.py").unwrap_or(file);
    path.rsplit('/').next().is_some_and(|name| name.starts_with('_'))
}

/// The specifier of an import that is no literal.
fn computed_request(module: &Module, expr: &Expr) -> Option<ExprId> {
    match expr {
        Expr::DynamicImport(request) => Some(*request),
        Expr::Call { callee, args, .. } if module.lang == Lang::Python => {
            let at = match module.expr(*callee) {
                Expr::Import(import, ImportName::Named(name)) => {
                    let request = &*module.imports[import.0 as usize].request;
                    (request == "importlib" || request.starts_with("importlib.")).then_some(name.as_str())
                }
                // `importlib.util` is the package again for whoever reads `importlib.util.spec_from_file_location`.
                Expr::Member { object, name, .. } => is_importlib(module, *object).then_some(name.as_str()),
                Expr::Var(Var::Global(name)) => (name.as_str() == "__import__").then_some("__import__"),
                _ => None,
            };
            let at = match at? {
                "import_module" | "__import__" => 0,
                // A name that is made up, and the file.
                "spec_from_file_location" | "SourceFileLoader" => 1,
                _ => return None,
            };
            args.get(at).filter(|arg| arg.kind == ArgKind::Positional).map(|arg| arg.value)
        }
        _ => None,
    }
}

/// Whether an expression is `importlib`, `importlib.util` or another module of it.
fn is_importlib(module: &Module, expr: ExprId) -> bool {
    match module.expr(expr) {
        Expr::Import(import, ImportName::Namespace) => {
            let request = &*module.imports[import.0 as usize].request;
            request == "importlib" || request.starts_with("importlib.")
        }
        Expr::Import(import, ImportName::Named(_)) => &*module.imports[import.0 as usize].request == "importlib",
        Expr::Member { object, .. } => is_importlib(module, *object),
        _ => false,
    }
}

/// The modules of a package whose directory is asked for, as a rule to be looked through: `pkgutil.iter_modules(tools.__path__)`.
fn package_looked_through(module: &Module, expr: &Expr) -> Option<String> {
    let Expr::Member { object, name, .. } = expr else { return None };
    if name.as_str() != "__path__" {
        return None;
    }
    package_named(module, *object).map(|package| format!("{package}."))
}

/// The dotted name of a package or module that is imported.
fn package_named(module: &Module, expr: ExprId) -> Option<String> {
    match module.expr(expr) {
        Expr::Import(import, ImportName::Namespace) => Some(module.imports[import.0 as usize].request.to_string()),
        Expr::Import(import, ImportName::Named(name)) => {
            let package = &module.imports[import.0 as usize].request;
            let dot = if package.ends_with('.') { "" } else { "." };
            Some(format!("{package}{dot}{name}"))
        }
        // `import app.tools`, read as `app` and what is in it.
        Expr::Member { object, name, .. } => Some(format!("{}.{name}", package_named(module, *object)?)),
        _ => None,
    }
}

/// How a text begins, as far as it is written down.
fn prefix(module: &Module, text: ExprId, depth: usize) -> Option<String> {
    if depth == 0 {
        return None;
    }
    match module.expr(text) {
        Expr::Str(text) => Some(text.to_string()),
        Expr::Template(parts) => {
            let mut whole = prefix(module, *parts.first()?, depth - 1)?;
            // `f"{__package__}.tools.{name}"`: the name of a package goes on with what is written after it.
            if let (Expr::Var(_) | Expr::Member { .. }, Some(next)) = (module.expr(parts[0]), parts.get(1)) {
                whole.push_str(&prefix(module, *next, depth - 1)?);
                if whole.starts_with("..") {
                    whole.remove(0);
                }
            }
            Some(whole)
        }
        Expr::Binary(BinaryOp::Add, left, _) => prefix(module, *left, depth - 1),
        // The package of the file itself.
        Expr::Var(Var::Global(name)) if matches!(name.as_str(), "__package__" | "__name__") => Some(".".to_owned()),
        // `tools.__name__`
        Expr::Member { object, name, .. } if name.as_str() == "__name__" => package_named(module, *object),
        // `new URL(`./tools/${name}.js`, import.meta.url)`
        Expr::Call { args, .. } => prefix(module, args.first()?.value, depth - 1),
        _ => None,
    }
}

/// The files of a directory that `text` names, seen from the module.
fn named_folder(module: &Module, resolver: &dyn Resolver, text: &str) -> Vec<String> {
    // `/tools/*.js`: the directory before the pattern.
    let text = text.split(['*', '{']).next().unwrap_or_default();
    let text = if module.lang == Lang::JavaScript { text.trim_start_matches('/') } else { text };
    let is_name = !text.is_empty()
        && text.len() < 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    if !is_name {
        return Vec::new();
    }
    let prefix = match module.lang {
        Lang::JavaScript => format!("./{}/", text.trim_start_matches("./").trim_end_matches('/')),
        Lang::Python => format!(".{}.", text.trim_matches(['.', '/']).replace('/', ".")),
    };
    resolver.folder(&module.path, &prefix)
}
