//! `tsconfig.json`: path aliases and where output is written.

use serde_json::Value;

use manta_flow::frontend::ProjectFiles;

use super::{jsonc, manifest::match_star, paths};

/// How many `extends` are followed.
const MAX_EXTENDS: usize = 8;

/// The options of one directory's configuration, `extends` applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct TsConfig {
    /// `paths`: pattern and targets, relative to the target root (after `baseUrl`).
    pub(crate) aliases: Vec<(String, Vec<String>)>,
    /// `baseUrl`, relative to the target root.
    pub(crate) base_url: Option<String>,
    /// `outDir`, relative to the target root.
    pub(crate) out_dir: Option<String>,
    /// `rootDir`, relative to the target root.
    pub(crate) root_dir: Option<String>,
}

impl TsConfig {
    /// Reads the configuration at `path`.
    pub(crate) fn read(files: &dyn ProjectFiles, path: &str) -> Option<Self> {
        let mut config = Self::default();
        read_into(files, path, &mut config, 0)?;
        Some(config)
    }

    /// Paths that `request` may mean by alias or base directory, best first.
    pub(crate) fn candidates(&self, request: &str) -> Vec<String> {
        let mut best: Option<(&str, &str, &[String])> = None;
        for (pattern, targets) in &self.aliases {
            let star = if pattern == request { Some("") } else { match_star(pattern, request) };
            if let Some(star) = star
                && best.is_none_or(|(known, _, _)| pattern.len() > known.len())
            {
                best = Some((pattern, star, targets));
            }
        }
        let mut candidates: Vec<String> = match best {
            Some((_, star, targets)) => targets.iter().map(|target| target.replace('*', star)).collect(),
            None => Vec::new(),
        };
        candidates.extend(self.base_url.as_deref().and_then(|base| paths::join(base, request)));
        candidates
    }
}

fn read_into(files: &dyn ProjectFiles, path: &str, config: &mut TsConfig, depth: usize) -> Option<()> {
    let json = jsonc::parse(files.text(path)?)?;
    let dir = paths::parent(path);
    if depth < MAX_EXTENDS {
        for base in strings(&json["extends"]) {
            if let Some(base) = paths::join(dir, base).filter(|_| base.starts_with('.')) {
                let with_extension = if base.ends_with(".json") { base } else { format!("{base}.json") };
                read_into(files, &with_extension, config, depth + 1);
            }
        }
    }
    let options = &json["compilerOptions"];
    let local = |name: &str| options[name].as_str().and_then(|value| paths::join(dir, value));
    config.base_url = local("baseUrl").or(config.base_url.take());
    config.out_dir = local("outDir").or(config.out_dir.take());
    config.root_dir = local("rootDir").or(config.root_dir.take());
    if let Some(aliases) = options["paths"].as_object() {
        let base = local("baseUrl").or_else(|| config.base_url.clone()).unwrap_or_else(|| dir.to_owned());
        config.aliases = aliases
            .iter()
            .map(|(pattern, targets)| {
                (pattern.clone(), strings(targets).filter_map(|target| paths::join(&base, target)).collect())
            })
            .collect();
    }
    // A solution file has its options in the projects it refers to.
    if config.aliases.is_empty() && depth < MAX_EXTENDS {
        for reference in json["references"].as_array().into_iter().flatten() {
            let Some(path) = reference["path"].as_str().and_then(|path| paths::join(dir, path)) else { continue };
            let path = if path.ends_with(".json") { path } else { format!("{path}/tsconfig.json") };
            if paths::parent(&path) == dir {
                read_into(files, &path, config, depth + 1);
            }
        }
    }
    Some(())
}

/// A string or a list of strings.
fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let single = value.as_str();
    let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    single.into_iter().chain(many)
}
