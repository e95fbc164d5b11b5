//! What a module may load by names that it computes: plugin folders, tools in a package of their own.
//!
//! A specifier is rarely computed altogether: `` `./tools/${name}.js` `` and `f"app.tools.{name}"` say where to look, and
//! a program that lists a directory names it somewhere in the same file. What they say is read off the text of the module,
//! because which files are worth reading has to be known before anything runs. An index that a build writes is not there
//! and means the modules around it.

use std::collections::BTreeSet;
use std::sync::Arc;

use manta_flow::frontend::{Resolution, Resolver, around_missing};
use manta_flow::ir::{
    ArgKind, BinaryOp, Expr, ExprId, Func, ImportName, Key, Lang, Module, Pat, Stmt, StmtKind, Symbol, Var,
};

/// Most files that the computed imports of one module may mean.
pub(super) const MAX_FILES: usize = 256;

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
    // A directory that is put together of pieces, and looked through at any depth.
    if found.is_empty() {
        found.extend(trees_spelled(module, resolver));
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

/// The files that have what `module` asks of the modules that it loads by computed names (`mod.schema`, `mod.handler`), sorted:
/// where nothing in the program tells the names, which a manifest may hold. Only the text of the files is looked at.
pub(super) fn files_alike(
    module: &Module,
    resolver: &dyn Resolver,
    text: impl Fn(&str) -> Option<Arc<str>>,
) -> Vec<String> {
    let asked = exports_asked_for(module);
    // One common name is no likeness.
    if asked.len() < 2 {
        return Vec::new();
    }
    let has_all = |file: &String| {
        *file != *module.path
            && text(file).is_some_and(|text| asked.iter().all(|name| declares(module.lang, &text, name.as_str())))
    };
    let (package, _) = resolver.package(&module.path);
    let mut found = resolver.tree(&package);
    found.retain(has_all);
    found
}

/// Whether a text has a name that others may import, as far as a text tells.
fn declares(lang: Lang, text: &str, name: &str) -> bool {
    let is_export = lang == Lang::Python || text.contains("export") || text.contains("exports");
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    is_export
        && text.match_indices(name).any(|(at, _)| {
            let (before, behind) = (&text[..at], &text[at + name.len()..]);
            !before.ends_with(|c| is_name(c) || c == '.') && !behind.starts_with(is_name)
        })
}

/// What is read of the modules that are loaded by computed names.
fn exports_asked_for(module: &Module) -> BTreeSet<Symbol> {
    let mut asked = BTreeSet::new();
    let all = module.exprs.iter().zip(&module.spans);
    let loads: Vec<_> =
        all.filter(|(expr, _)| computed_request(module, expr).is_some()).map(|(_, span)| *span).collect();
    let is_loader = |func: &&Func| loads.iter().any(|at| func.span.start <= at.start && at.end <= func.span.end);
    for func in module.funcs.iter().filter(is_loader) {
        let mut bound = Vec::new();
        bindings(&func.body, &mut bound);
        let is_inside = |expr: usize| {
            module.spans.get(expr).is_some_and(|span| func.span.start <= span.start && span.end <= func.span.end)
        };
        let assigned = module.exprs.iter().enumerate().filter(|(at, _)| is_inside(*at));
        bound.extend(assigned.filter_map(|(_, expr)| match expr {
            Expr::Assign { target, value } => Some((&**target, *value)),
            _ => None,
        }));
        bound.retain(|(_, value)| is_loaded(module, *value));
        for (pat, _) in bound {
            match pat {
                Pat::Object { fields, .. } => asked.extend(fields.iter().filter_map(|(key, ..)| match key {
                    Key::Static(name) => Some(*name),
                    Key::Computed(_) => None,
                })),
                Pat::Var(var @ Var::Local(_)) => {
                    asked.extend(module.exprs.iter().enumerate().filter(|(at, _)| is_inside(*at)).filter_map(
                        |(_, expr)| {
                            let Expr::Member { object, name, .. } = expr else { return None };
                            matches!(module.expr(*object), Expr::Var(of) if of == var).then_some(*name)
                        },
                    ));
                }
                _ => {}
            }
        }
    }
    asked.retain(|name| name.as_str() != "default" && !name.as_str().starts_with("__"));
    asked
}

/// Whether an expression waits for a module that is loaded by a computed name.
fn is_loaded(module: &Module, expr: ExprId) -> bool {
    match module.expr(expr) {
        Expr::Await(inner) => is_loaded(module, *inner),
        other => computed_request(module, other).is_some(),
    }
}

/// What is bound to what, anywhere in a block.
fn bindings<'m>(block: &'m [Stmt], all: &mut Vec<(&'m Pat, ExprId)>) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Let { pat, value: Some(value) } => all.push((pat, *value)),
            StmtKind::If { then, otherwise, .. } => {
                [then, otherwise].into_iter().for_each(|block| bindings(block, all))
            }
            StmtKind::While { body, otherwise, .. } | StmtKind::ForEach { body, otherwise, .. } => {
                [body, otherwise].into_iter().for_each(|block| bindings(block, all));
            }
            StmtKind::Switch { cases, .. } => cases.iter().for_each(|(_, block)| bindings(block, all)),
            StmtKind::Block(block) | StmtKind::Labeled(_, block) => bindings(block, all),
            StmtKind::Try { body, handlers, otherwise, finally } => {
                [body, otherwise, finally].into_iter().for_each(|block| bindings(block, all));
                handlers.iter().for_each(|handler| bindings(&handler.body, all));
            }
            _ => {}
        }
    }
}

/// Whether `module` loads others by names that it computes.
pub(super) fn is_asked_for(module: &Module) -> bool {
    module.exprs.iter().any(|expr| computed_request(module, expr).is_some())
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

/// The files below the directories that the module puts together of pieces (`resolve(process.cwd(), "src", "tools")`,
/// `Path(__file__).parent / "app" / "tools"`), seen from the module and from where a server is started.
fn trees_spelled(module: &Module, resolver: &dyn Resolver) -> Vec<String> {
    let folder = module.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (package, _) = resolver.package(&module.path);
    let mut found = Vec::new();
    for pieces in module.exprs.iter().map(|expr| pieces(module, expr)).filter(|pieces| !pieces.is_empty()) {
        for base in [folder, &package] {
            let tree = joined(base, &pieces).map(|tree| resolver.tree(&tree)).unwrap_or_default();
            // Where the program itself stands is no place that it looks through for parts of it.
            if !tree.iter().any(|file| *file == *module.path) {
                found.extend(tree);
            }
        }
    }
    found
}

/// The names that an expression joins to a path, one behind the other.
fn pieces<'m>(module: &'m Module, expr: &'m Expr) -> Vec<&'m str> {
    let text = |expr: ExprId| match module.expr(expr) {
        Expr::Str(text) => Some(&**text),
        _ => None,
    };
    match expr {
        Expr::Call { args, .. } => {
            let begun = args.iter().skip_while(|arg| text(arg.value).is_none());
            let all: Vec<&str> = begun.map_while(|arg| text(arg.value)).collect();
            let is_path = all.len() > 1 || all.iter().any(|piece| piece.contains('/'));
            // What begins at the root of the file system is not of the program.
            if is_path && !all[0].starts_with('/') { all } else { Vec::new() }
        }
        Expr::Binary(BinaryOp::Div, left, right) => {
            let mut all = pieces(module, module.expr(*left));
            all.extend(text(*right));
            all
        }
        _ => Vec::new(),
    }
}

/// The directory that pieces lead to from another; none outside of the target, and none for what is no name of a file.
fn joined(base: &str, pieces: &[&str]) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in pieces.iter().flat_map(|piece| piece.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ if part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@')) => {
                parts.push(part);
            }
            _ => return None,
        }
    }
    Some(parts.join("/"))
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
