//! `unpinned-package`: a server that is whatever its registry serves today.

use std::collections::BTreeMap;

use manta_core::{Edit, Finding, Fix, Location, ProjectInput, Safety, Severity};
use manta_mcp::clients::{Configured, Word};

use super::Config;
use crate::rules;

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Registry {
    /// npm, by `npx` and its relatives.
    Npm,
    /// PyPI, by `uvx` and its relatives.
    PyPi,
    /// A container image.
    Image,
    /// A repository of source code, which has no versions of its own.
    Repository,
}

/// A package that a command line fetches and runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    /// Where from.
    pub(crate) registry: Registry,
    /// Its name, without the version.
    pub(crate) name: String,
    /// The version, tag or digest as written.
    pub(crate) version: Option<String>,
    /// The word that names it.
    pub(crate) word: Word,
}

/// Programs that fetch a package and run it: words the command begins with, registry, options that name the package,
/// options that take a value.
type Runner = (&'static [&'static str], Registry, &'static [&'static str], &'static [&'static str]);
const RUNNERS: &[Runner] = &[
    (&["npx"], Registry::Npm, &["-p", "--package"], &["-c", "--call", "--registry", "--cache", "--userconfig"]),
    (&["npm", "exec"], Registry::Npm, &["-p", "--package"], &["-c", "--call", "--registry", "--cache"]),
    (&["npm", "x"], Registry::Npm, &["-p", "--package"], &["-c", "--call", "--registry", "--cache"]),
    (&["pnpm", "dlx"], Registry::Npm, &["--package"], &["--registry", "--reporter"]),
    (&["pnpx"], Registry::Npm, &["--package"], &["--registry"]),
    (&["yarn", "dlx"], Registry::Npm, &["-p", "--package"], &[]),
    (&["bunx"], Registry::Npm, &["-p", "--package"], &[]),
    (&["bun", "x"], Registry::Npm, &["-p", "--package"], &[]),
    (&["uvx"], Registry::PyPi, &["--from"], UV_OPTIONS),
    (&["uv", "tool", "run"], Registry::PyPi, &["--from"], UV_OPTIONS),
    (&["uv", "run"], Registry::PyPi, &["--with"], UV_RUN_OPTIONS),
    (&["pipx", "run"], Registry::PyPi, &["--spec"], &["--python", "--pip-args", "--index-url"]),
    (&["deno", "run"], Registry::Npm, &[], &["--config", "-c", "--import-map", "--lock", "--env-file", "--cert"]),
    (&["deno", "x"], Registry::Npm, &[], &[]),
    (&["go", "run"], Registry::Repository, &[], &["-C", "-exec", "-ldflags", "-mod", "-tags"]),
    (&["docker", "run"], Registry::Image, &[], IMAGE_OPTIONS),
    (&["podman", "run"], Registry::Image, &[], IMAGE_OPTIONS),
    (&["docker", "container", "run"], Registry::Image, &[], IMAGE_OPTIONS),
];
const UV_OPTIONS: &[&str] = &[
    "-p",
    "--python",
    "--with",
    "-w",
    "--with-editable",
    "--with-requirements",
    "--index-url",
    "-i",
    "--extra-index-url",
    "--index",
    "--default-index",
    "--directory",
    "--project",
    "--refresh-package",
    "--constraints",
    "-c",
    "--cache-dir",
];
const UV_RUN_OPTIONS: &[&str] = &[
    "-p",
    "--python",
    "--directory",
    "--project",
    "--with-editable",
    "--with-requirements",
    "-m",
    "--module",
    "--extra",
    "--group",
    "--index-url",
    "--extra-index-url",
    "--index",
    "--default-index",
    "--env-file",
    "--script",
    "--package",
];
/// Options of `docker run` that take their value as the next word.
const IMAGE_OPTIONS: &[&str] = &[
    "-e",
    "--env",
    "-v",
    "--volume",
    "--mount",
    "-p",
    "--publish",
    "--name",
    "--network",
    "--net",
    "-w",
    "--workdir",
    "-u",
    "--user",
    "--env-file",
    "--entrypoint",
    "--add-host",
    "-l",
    "--label",
    "--platform",
    "-m",
    "--memory",
    "--cpus",
    "-h",
    "--hostname",
    "--cap-add",
    "--cap-drop",
    "--device",
    "--security-opt",
    "--ipc",
    "--pid",
    "--restart",
    "--gpus",
    "--tmpfs",
    "--dns",
    "--ulimit",
    "--runtime",
    "--log-driver",
    "--log-opt",
    "--pull",
    "--shm-size",
    "--uts",
];

/// The program's name without directory and extension, in lower case.
pub(super) fn program(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    [".exe", ".cmd", ".bat", ".ps1"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(&name).to_owned()
}

/// Programs that run what stands behind their `--`, with secrets or a tool chain.
const CARRIERS: &[&str] =
    &["op", "doppler", "dotenvx", "infisical", "mise", "fnm", "direnv", "wsl", "chamber", "teller"];

/// The words that are really run: `cmd /c npx …`, `env A=b npx …`, `sh -c "npx …"` and `op run -- npx …` come down to
/// `npx …`.
pub(super) fn unwrapped(words: &[Word]) -> Vec<Word> {
    let mut words = words.to_vec();
    // Each turn takes a word away or ends.
    loop {
        let rest = match words.as_slice() {
            [first, rest @ ..] => match program(&first.text).as_str() {
                "cmd" => behind(rest, |word| word.eq_ignore_ascii_case("/c")).map(divided),
                "sh" | "bash" | "zsh" | "dash" => behind(rest, |word| matches!(word, "-c" | "-lc")).map(divided),
                "env" | "sudo" | "nohup" | "nice" | "command" | "exec" => {
                    let is_setting = |word: &Word| word.text.starts_with('-') || word.text.contains('=');
                    Some(rest[rest.iter().take_while(|word| is_setting(word)).count()..].to_vec())
                }
                "timeout" | "stdbuf" | "setsid" | "time" | "xvfb-run" | "ionice" | "chrt" => {
                    Some(behind_settings(rest))
                }
                // `wsl npx …` as well as `wsl -d Ubuntu -- npx …`.
                "wsl" if rest.iter().all(|word| word.text != "--") => Some(behind_settings(rest)),
                carrier if CARRIERS.contains(&carrier) => behind(rest, |word| word == "--").map(<[Word]>::to_vec),
                _ => None,
            },
            [] => None,
        };
        match rest {
            Some(rest) if !rest.is_empty() => words = rest,
            _ => return words,
        }
    }
}

/// The words behind a program's own options and times: `timeout 10 uvx …`, `wsl -d Ubuntu uvx …`.
fn behind_settings(words: &[Word]) -> Vec<Word> {
    /// Options of such programs that take the next word.
    const VALUED: &[&str] = &["-k", "-s", "-d", "-u", "-n", "-c", "-o", "-i", "-e", "--cd", "--user", "--distribution"];
    let mut rest = words;
    while let [first, behind @ ..] = rest {
        let is_time = first.text.starts_with(|c: char| c.is_ascii_digit());
        let text = first.text.as_str();
        // `wsl -e npx` names the program, `stdbuf -oL` has its value in it.
        let takes_next = VALUED.contains(&text) && behind.len() > 1 && text != "-e";
        rest = match text {
            _ if takes_next => &behind[1..],
            _ if is_time || text.starts_with('-') => behind,
            _ => break,
        };
    }
    rest.to_vec()
}

/// The words behind the first one like that.
fn behind(words: &[Word], is_it: impl Fn(&str) -> bool) -> Option<&[Word]> {
    words.iter().position(|word| is_it(&word.text)).map(|at| &words[at + 1..])
}

/// A command line in one word, divided as a shell would; one that is more than a command is left whole.
fn divided(words: &[Word]) -> Vec<Word> {
    match words {
        [line, ..] if line.text.contains(' ') && !line.text.contains(|c| "|&;<>`$()\"'\\\n".contains(c)) => {
            line.text.split_whitespace().map(|text| Word { text: text.to_owned(), at: line.at }).collect()
        }
        _ => words.to_vec(),
    }
}

/// The package that a server's command fetches and runs, if it is one that does.
pub(crate) fn package(server: &Configured) -> Option<Package> {
    let words = unwrapped(&server.command);
    let first = program(&words.first()?.text);
    let is_run_by = |(head, ..): &&Runner| {
        head.first() == Some(&first.as_str())
            && head.len() <= words.len()
            && head.iter().zip(&words).skip(1).all(|(wanted, word)| *wanted == word.text)
    };
    let (head, registry, naming, valued) = RUNNERS.iter().find(is_run_by)?;
    let mut rest = words[head.len()..].iter();
    let mut named: Option<&Word> = None;
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        if let Some((option, value)) = text.split_once('=').filter(|(option, _)| option.starts_with('-')) {
            if naming.contains(&option) {
                return parse(*registry, value, word);
            }
        } else if naming.contains(&text) {
            named = named.or(rest.next());
        } else if valued.contains(&text) {
            rest.next();
        } else if text == "--" {
            named = named.or(rest.next());
            break;
        } else if !text.starts_with('-') {
            if *head.first().expect("every runner has a name") == "deno" {
                return parse(*registry, text.strip_prefix("npm:")?, word);
            }
            // `uv run server.py` runs a file; only `--with` names a package there.
            let is_file = *head == ["uv", "run"].as_slice();
            named = named.or((!is_file).then_some(word));
            break;
        }
    }
    let word = named?;
    parse(*registry, &word.text, word)
}

/// A package that is fetched from a repository of source code: `git+https://…@main`, `github:owner/name`, for npm also
/// `owner/name#main`.
fn repository(registry: Registry, text: &str, word: &Word) -> Option<Package> {
    const HOSTS: [&str; 5] = ["git+", "git://", "github:", "gitlab:", "bitbucket:"];
    // `name @ git+https://…`
    let address = text.split_once("git+").map_or(text, |(before, _)| &text[before.len()..]);
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let is_short = |text: &str| {
        let (owner, name) = text.split('#').next()?.split_once('/')?;
        (!owner.starts_with(['.', '~', '@']) && is_name(owner) && is_name(name)).then_some(())
    };
    let is_address = HOSTS.iter().any(|host| address.starts_with(host)) || address.ends_with(".git");
    let is_module =
        registry == Registry::Repository && text.split_once('/').is_some_and(|(host, _)| host.contains('.'));
    if !(is_address || is_module && !text.starts_with('.') || registry == Registry::Npm && is_short(text).is_some()) {
        return None;
    }
    // What is in front of `@` in `git@host` is a user.
    let path = address.split('#').next().and_then(|path| path.rfind([':', '/'])).unwrap_or(0);
    let reference = address[path..].split_once(['#', '@']).map(|(_, reference)| reference);
    let name = reference.map_or(address, |reference| &address[..address.len() - reference.len() - 1]);
    // pip names a part of the repository behind the revision.
    let version =
        reference.and_then(|reference| reference.split(['#', '&']).next()).filter(|version| !version.contains('='));
    Some(Package {
        registry: Registry::Repository,
        name: name.to_owned(),
        version: version.map(str::to_owned),
        word: word.clone(),
    })
}

fn parse(registry: Registry, text: &str, word: &Word) -> Option<Package> {
    if let Some(package) = repository(registry, text, word) {
        return Some(package);
    }
    // A path, an address or a placeholder is no package of a registry.
    let is_local = text.starts_with(['.', '/', '~', '$', '{']) || text.contains("://") || text.contains('\\');
    let is_address = ["git+", "github:", "file:", "http:", "https:"].iter().any(|scheme| text.starts_with(scheme));
    if text.is_empty() || is_local || is_address {
        return None;
    }
    let (name, version) = match registry {
        Registry::Npm => match text.char_indices().skip(1).find(|(_, c)| *c == '@') {
            Some((at, _)) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        },
        Registry::PyPi => {
            let end = text.find(['=', '<', '>', '~', '!', '@', '[', ' ']).unwrap_or(text.len());
            let rest = text[end..].trim_start_matches(|c| c != '=' && c != '@' && c != '<' && c != '>' && c != '~');
            (&text[..end], Some(rest).filter(|rest| !rest.is_empty()))
        }
        // A directory or file of the project.
        Registry::Repository => return None,
        Registry::Image => match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => {
                let last = text.rfind('/').map_or(0, |at| at + 1);
                match text[last..].rsplit_once(':') {
                    Some((name, tag)) => (&text[..last + name.len()], Some(tag)),
                    None => (text, None),
                }
            }
        },
    };
    Some(Package { registry, name: name.to_owned(), version: version.map(str::to_owned), word: word.clone() })
}

impl Package {
    /// How a registry is asked for the newest version, where the text means that; `None` for images.
    fn asked(&self) -> Option<String> {
        if self.version.as_deref().is_some_and(|version| version.trim_start_matches('@') != "latest") {
            return None;
        }
        match self.registry {
            Registry::Npm => Some(format!("npm:{}", self.name)),
            Registry::PyPi => Some(format!("pypi:{}", self.name)),
            Registry::Image | Registry::Repository => None,
        }
    }

    /// The one version that is meant, if the text means only one.
    pub(crate) fn exact(&self) -> Option<&str> {
        let version = self.version.as_deref()?;
        let version = match self.registry {
            Registry::Npm => version.trim_start_matches(['v', '=']),
            Registry::PyPi => version.strip_prefix("==").or_else(|| version.strip_prefix('@'))?,
            Registry::Image => return (version != "latest").then_some(version),
            Registry::Repository => {
                let is_commit = version.len() >= 7 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
                let tag = version.trim_start_matches('v');
                let is_release = tag.starts_with(|c: char| c.is_ascii_digit()) && tag.contains('.');
                return (is_commit || is_release).then_some(version);
            }
        };
        let is_exact = version.starts_with(|c: char| c.is_ascii_digit())
            && version.contains('.')
            && !version.contains(['x', 'X', '*', ' ', '|', '<', '>', '^', '~', ','])
            || version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('-');
        is_exact.then_some(version)
    }
}

/// What the servers of a configuration run in no certain version, as it is asked for.
pub(crate) fn unpinned(config: &Config) -> impl Iterator<Item = String> {
    config.servers.iter().filter_map(floating).filter_map(|package| package.asked())
}

/// The package a server runs in whatever version there is.
fn floating(server: &Configured) -> Option<Package> {
    package(server).filter(|package| package.exact().is_none())
}

/// Names the version that there is now, where the file names the package.
fn repair(config: &Config, input: &ProjectInput, package: &Package, version: &str) -> Option<Fix> {
    let at = package.word.at;
    let written = input.sources.get(config.file)?.slice(at);
    let rest = written.split_once(package.name.as_str())?.1;
    // `name[extra]` keeps its extras; what is between them and the end of the word, its quote left out, is the version.
    let kept = rest.starts_with('[').then(|| rest.find(']')).flatten().map_or(0, |end| end + 1);
    let end = rest.trim_end_matches(['"', '\'']).len();
    let length = |text: &str| u32::try_from(text.len()).ok();
    let tail = &rest[kept.min(end)..];
    let (start, end) = (at.end - length(tail)?, at.end - length(&rest[end..])?);
    let sign = if package.registry == Registry::PyPi { "==" } else { "@" };
    Some(Fix {
        title: format!("pin `{}` to {version}, the version there is now", package.name),
        safety: Safety::Safe,
        reason: String::new(),
        edits: vec![Edit {
            at: Location::new(config.file, manta_core::Span::new(start, end)),
            text: format!("{sign}{version}"),
        }],
    })
}

pub(super) fn findings(
    config: &Config,
    server: &Configured,
    input: &ProjectInput,
    current: &BTreeMap<String, String>,
    findings: &mut Vec<Finding>,
) {
    let Some(package) = floating(server) else { return };
    let name = &package.name;
    let (what, fixed) = match package.registry {
        Registry::Npm => ("the newest version in the registry", format!("\"{name}@1.2.3\"")),
        Registry::PyPi => ("the newest version in the registry", format!("\"{name}==1.2.3\"")),
        Registry::Repository => ("whatever is in the repository today", format!("the commit, as in \"{name}@3f2a…\"")),
        Registry::Image => ("whatever image the tag names today", format!("\"{name}@sha256:…\" or \"{name}:1.2.3\"")),
    };
    let message = format!("server `{}` runs {what} of `{name}`", server.name);
    let mut finding = config.finding(rules::known("unpinned-package"), server, package.word.at, message);
    finding.help = format!("name the version you reviewed: {fixed}");
    if package.version.is_some() && matches!(package.registry, Registry::Npm | Registry::PyPi) {
        // A range is narrower than everything.
        finding.severity = Severity::Low;
    }
    let version = package.asked().and_then(|asked| current.get(&asked));
    finding.fix = version.and_then(|version| repair(config, input, &package, version));
    findings.push(finding);
}

#[cfg(test)]
mod tests {
    use manta_core::Span;

    use super::*;

    fn of(line: &str) -> Option<(String, Option<String>, bool)> {
        let command = line.split(' ').map(|text| Word { text: text.to_owned(), at: Span::default() }).collect();
        let package = package(&Configured { command, ..Configured::default() })?;
        let is_exact = package.exact().is_some();
        Some((package.name, package.version, is_exact))
    }

    #[test]
    fn packages_are_found_behind_every_runner() {
        for (line, name, version, is_exact) in [
            ("npx -y @scope/pkg", "@scope/pkg", None, false),
            ("npx -y @scope/pkg@1.2.3 /data", "@scope/pkg", Some("1.2.3"), true),
            ("npx -y pkg@latest", "pkg", Some("latest"), false),
            ("npx pkg@^1.2.0", "pkg", Some("^1.2.0"), false),
            ("npx --package=pkg@1.0.0 cmd", "pkg", Some("1.0.0"), true),
            ("npx -y -p pkg@1.0.0 cmd", "pkg", Some("1.0.0"), true),
            ("/usr/bin/npx pkg", "pkg", None, false),
            ("cmd /c npx -y pkg", "pkg", None, false),
            ("env A=b npx pkg", "pkg", None, false),
            ("op run --env-file=.env -- npx -y pkg", "pkg", None, false),
            ("bunx pkg", "pkg", None, false),
            ("pnpm dlx pkg@2.0.0", "pkg", Some("2.0.0"), true),
            ("uvx mcp-server-git", "mcp-server-git", None, false),
            ("uvx mcp-server-git==2025.7.1", "mcp-server-git", Some("==2025.7.1"), true),
            ("uvx mcp-server-git@2025.7.1", "mcp-server-git", Some("@2025.7.1"), true),
            ("uvx --from pkg[x]==1.0.0 cmd", "pkg", Some("==1.0.0"), true),
            ("uv tool run pkg", "pkg", None, false),
            ("uv run --with mcp server.py", "mcp", None, false),
            ("pipx run pkg>=1.0", "pkg", Some(">=1.0"), false),
            ("docker run -i --rm -e TOKEN mcp/fetch", "mcp/fetch", None, false),
            ("docker run -i ghcr.io/o/s:1.2 x", "ghcr.io/o/s", Some("1.2"), true),
            ("docker run -i o/s:latest", "o/s", Some("latest"), false),
            ("docker run -i localhost:5000/s", "localhost:5000/s", None, false),
            ("docker run o/s@sha256:00", "o/s", Some("sha256:00"), true),
            ("uvx --from git+https://example.com/x cmd", "git+https://example.com/x", None, false),
            ("uvx --from git+https://example.com/x@main cmd", "git+https://example.com/x", Some("main"), false),
            ("uvx --from git+https://example.com/x@v1.2.0 cmd", "git+https://example.com/x", Some("v1.2.0"), true),
            (
                "uvx --from git+ssh://git@example.com/x@3f2a9bc cmd",
                "git+ssh://git@example.com/x",
                Some("3f2a9bc"),
                true,
            ),
            ("uvx --from git+https://example.com/x#subdirectory=a cmd", "git+https://example.com/x", None, false),
            ("npx -y github:owner/name", "github:owner/name", None, false),
            ("npx -y owner/name#semver:1", "owner/name", Some("semver:1"), false),
            ("npx -y owner/name", "owner/name", None, false),
            ("deno run -A npm:pkg", "pkg", None, false),
            ("deno run -A npm:@scope/pkg@1.2.3", "@scope/pkg", Some("1.2.3"), true),
            ("go run example.com/x/y@latest", "example.com/x/y", Some("latest"), false),
            ("go run example.com/x/y@v1.2.3", "example.com/x/y", Some("v1.2.3"), true),
            ("timeout 10 uvx pkg", "pkg", None, false),
            ("wsl npx -y pkg", "pkg", None, false),
            ("wsl -d Ubuntu npx -y pkg", "pkg", None, false),
            ("stdbuf -oL npx -y pkg", "pkg", None, false),
        ] {
            assert_eq!(of(line), Some((name.to_owned(), version.map(str::to_owned), is_exact)), "{line}");
        }
    }

    #[test]
    fn a_line_for_a_shell_is_divided() {
        let word = |text: &str| Word { text: text.to_owned(), at: Span::default() };
        for (words, expected) in [
            (vec!["cmd.exe", "/C", "npx -y pkg"], Some("pkg")),
            (vec!["bash", "-lc", "exec npx -y pkg"], Some("pkg")),
            (vec!["sh", "-c", "cd /x && npx -y pkg"], None),
        ] {
            let command = words.into_iter().map(word).collect();
            let found = package(&Configured { command, ..Configured::default() }).map(|package| package.name);
            assert_eq!(found.as_deref(), expected);
        }
    }

    #[test]
    fn other_commands_fetch_nothing() {
        for line in [
            "node server.js",
            "python -m server",
            "npx ./local",
            "uv run server.py",
            "deno run -A server.ts",
            "go run ./cmd/server",
            "go run main.go",
            "npx ./owner/name",
            "docker ps",
            "npm start",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
