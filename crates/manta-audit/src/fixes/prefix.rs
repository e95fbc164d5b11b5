//! `x.startsWith(root)` compared as text lets `/data-evil` pass for `/data`.

use manta_core::{Fix, Safety};
use manta_flow::ir::{ArgKind, Expr};

use super::Code;

/// Compares both with the separator behind them, which also keeps the root itself allowed.
pub(super) fn repair(code: &Code<'_>) -> Option<Fix> {
    let call = code.calls().find(|call| {
        let Expr::Member { name, .. } = code.module.expr(call.callee) else { return false };
        matches!(name.as_str(), "startsWith" | "startswith") && call.args.len() == 1
    })?;
    let Expr::Member { object, .. } = code.module.expr(call.callee) else { return None };
    let [root] = call.args else { return None };
    if root.kind != ArgKind::Positional || matches!(code.module.expr(root.value), Expr::Seq { .. }) {
        return None;
    }
    let root_text = code.text(root.value);
    // A directory in the code has the separator of its system in it; the quote is its last character.
    let quote = root_text.chars().last().filter(|_| matches!(code.module.expr(root.value), Expr::Str(_)));
    let separator = if quote.is_some() { "\"/\"".to_owned() } else { separator(code) };
    let with_separator = match quote {
        Some(quote) if root_text.starts_with(['"', '\'', '`']) && root_text.contains('/') => {
            format!("{}/{quote}", root_text.trim_end_matches(quote))
        }
        Some(_) => return None,
        None => format!("{root_text} + {separator}"),
    };
    let edits = vec![
        code.edit(code.module.span(*object), format!("({} + {separator})", code.text(*object))),
        code.edit(code.module.span(root.value), with_separator),
    ];
    Some(Fix {
        title: format!("compare with {separator} behind the directory"),
        safety: Safety::Safe,
        reason: String::new(),
        edits,
    })
}

/// How this file calls the separator of the system, or the one that POSIX systems and Node on them use.
fn separator(code: &Code<'_>) -> String {
    let text = &*code.file.text;
    if code.is_python() {
        let imports = text.lines().filter_map(|line| line.trim().strip_prefix("import "));
        let has_os = imports.flat_map(|names| names.split(',')).any(|name| name.trim() == "os");
        return if has_os { "os.sep".to_owned() } else { "\"/\"".to_owned() };
    }
    let name = text.lines().find_map(path_module);
    name.map_or_else(|| "\"/\"".to_owned(), |name| format!("{name}.sep"))
}

/// The name a line gives to Node's path module: `import path from "path"`, `import * as p from "node:path"`,
/// `const path = require("path")`.
fn path_module(line: &str) -> Option<&str> {
    let quoted =
        |end: &str| ["\"path\"", "'path'", "\"node:path\"", "'node:path'"].iter().any(|name| end.starts_with(name));
    let line = line.trim();
    let name = if let Some(import) = line.strip_prefix("import ") {
        let (name, source) = import.split_once(" from ")?;
        quoted(source.trim_start()).then(|| name.trim().trim_start_matches("* as ").trim())?
    } else {
        let declared = ["const ", "let ", "var "].iter().find_map(|word| line.strip_prefix(word))?;
        let (name, source) = declared.split_once('=')?;
        quoted(source.trim_start().strip_prefix("require(")?).then(|| name.trim())?
    };
    let is_name = name.chars().all(|character| character.is_ascii_alphanumeric() || "_$".contains(character));
    (is_name && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::path_module;

    #[test]
    fn the_path_module_is_known_by_its_import() {
        assert_eq!(path_module("import path from \"path\";"), Some("path"));
        assert_eq!(path_module("import * as p from 'node:path'"), Some("p"));
        assert_eq!(path_module("  const path_1 = require(\"path\");"), Some("path_1"));
        for other in ["import { sep } from \"path\"", "import path from \"./path\"", "const path = load(\"path\")"] {
            assert_eq!(path_module(other), None, "{other}");
        }
    }
}
