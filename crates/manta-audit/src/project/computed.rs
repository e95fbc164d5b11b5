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

/// The files that `module` may load by computed names, sorted. Of more than [`MAX_FILES`] the first are to be read, and the
/// report is to say so.
pub(super) fn files(module: &Module, resolver: &dyn Resolver) -> Vec<String> {
    let requests: Vec<ExprId> = module.exprs.iter().filter_map(|expr| computed_request(module, expr)).collect();
    let path = &*module.path;
    let imports = module.imports.iter().filter(|import| module.lang == Lang::JavaScript && !import.type_only);
    let listed: BTreeSet<String> = imports.flat_map(|import| around_missing(resolver, path, &import.request)).collect();
    if requests.is_empty() {
        return listed.into_iter().collect();
    }
    let mut found: BTreeSet<String> = BTreeSet::new();
    for request in requests {
        if let Some(prefix) = prefix(module, request, 8) {
            found.extend(resolver.folder(path, &prefix));
        }
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
            _ if is_searched => found.extend(named_folder(module, resolver, text)),
            _ => {}
        }
    }
    // A loader that is told which package to look through stands, as a rule, in that package.
    if found.is_empty() && module.lang == Lang::Python {
        found.extend(resolver.folder(path, "."));
    }
    found.extend(listed);
    found.into_iter().collect()
}

/// The specifier of an import that is no literal.
fn computed_request(module: &Module, expr: &Expr) -> Option<ExprId> {
    match expr {
        Expr::DynamicImport(request) => Some(*request),
        Expr::Call { callee, args, .. } if module.lang == Lang::Python => {
            let is_importlib =
                |import: &manta_flow::ir::ImportId| &*module.imports[import.0 as usize].request == "importlib";
            let is_import = match module.expr(*callee) {
                Expr::Import(import, ImportName::Named(name)) => {
                    is_importlib(import) && name.as_str() == "import_module"
                }
                Expr::Member { object, name, .. } => {
                    matches!(module.expr(*object), Expr::Import(import, ImportName::Namespace) if is_importlib(import))
                        && name.as_str() == "import_module"
                }
                Expr::Var(Var::Global(name)) => name.as_str() == "__import__",
                _ => false,
            };
            let first = args.first().filter(|arg| arg.kind == ArgKind::Positional)?;
            is_import.then_some(first.value)
        }
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
        Expr::Member { object, name, .. } if name.as_str() == "__name__" => match module.expr(*object) {
            Expr::Import(import, ImportName::Namespace) => Some(module.imports[import.0 as usize].request.to_string()),
            Expr::Import(import, ImportName::Named(name)) => {
                let package = &module.imports[import.0 as usize].request;
                let dot = if package.ends_with('.') { "" } else { "." };
                Some(format!("{package}{dot}{name}"))
            }
            _ => None,
        },
        // `new URL(`./tools/${name}.js`, import.meta.url)`
        Expr::Call { args, .. } => prefix(module, args.first()?.value, depth - 1),
        _ => None,
    }
}

/// The files of a directory that `text` names, seen from the module.
fn named_folder(module: &Module, resolver: &dyn Resolver, text: &str) -> Vec<String> {
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
