//! Files that are there to hold credentials: variables (`.env`), logins of tools (`.netrc`, `.npmrc`), private keys.
//!
//! What a value is says its place here and not the code around it, so each format is read as what it is.

use std::ops::Range;

use manta_detect::{Match, secrets};

/// Names of files in which tools keep their logins, and of private keys.
const NAMES: &[&str] = &[
    ".envrc",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
    ".s3cfg",
    ".boto",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
];
/// Parts of the names of files that show which variables there are, or hold those of tests.
const SAMPLES: &[&str] = &[
    "example", "sample", "template", "tpl", "dist", "default", "defaults", "schema", "test", "testing", "tests", "ci",
];

/// Whether a file is there to hold credentials.
pub(crate) fn is_one(path: &str) -> bool {
    let name = name(path);
    if NAMES.contains(&name.as_str()) || is_login(path, &name) {
        return true;
    }
    let mut parts = name.split(['.', '-', '_']);
    let is_key = [".pem", ".key"].iter().any(|end| name.ends_with(end));
    (is_key || is_variables(&name)) && !parts.any(|part| SAMPLES.contains(&part))
}

/// `.env`, `.env.production`, `production.env`.
fn is_variables(name: &str) -> bool {
    name == ".env" || name.starts_with(".env.") || name.ends_with(".env") || name == ".envrc"
}

/// `.aws/credentials`, which only its directory tells.
fn is_login(path: &str, name: &str) -> bool {
    name == "credentials" && path.rsplit('/').nth(1) == Some(".aws")
}

fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase()
}

/// The credentials in such a file, sorted.
pub(super) fn credentials(path: &str, text: &str) -> Vec<Match> {
    match name(path).as_str() {
        ".netrc" | "_netrc" => words_after(text, "password"),
        ".pgpass" => last_fields(text),
        name if is_variables(name) => variables(text),
        _ => secrets::find(text),
    }
}

/// Values of variables whose form or whose name says that they are secret.
fn variables(text: &str) -> Vec<Match> {
    let of_line = |line: &str| {
        let start = place(text, line);
        let (name, value) = line.split_once('=').filter(|_| !line.trim_start().starts_with('#'))?;
        let at = start + name.len() + 1;
        let unquoted = unquoted(value);
        let range = at + unquoted.start..at + unquoted.end;
        let name = name.trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim);
        let found = secrets::of_variable(name, &text[range.clone()])?;
        Some(Match { range: range.start + found.range.start..range.start + found.range.end, rule: found.rule })
    };
    // A key of many lines is none of one line.
    let mut found: Vec<Match> =
        secrets::find_issued(text).into_iter().filter(|found| text[found.range.clone()].contains('\n')).collect();
    let is_inside =
        |range: &Range<usize>| found.iter().any(|block| block.range.start < range.end && range.start < block.range.end);
    let single: Vec<Match> = text.lines().filter_map(of_line).filter(|single| !is_inside(&single.range)).collect();
    found.extend(single);
    found.sort_by_key(|found| found.range.start);
    found
}

/// Where a value stands without its quotation marks, or without the remark behind it.
fn unquoted(value: &str) -> Range<usize> {
    let start = value.len() - value.trim_start().len();
    let body = &value[start..];
    if let Some(quote) = body.chars().next().filter(|first| matches!(first, '"' | '\'' | '`'))
        && let Some(length) = body[1..].find(quote)
    {
        return start + 1..start + 1 + length;
    }
    let body = body.find(" #").map_or(body, |remark| &body[..remark]);
    start..start + body.trim_end().len()
}

/// `machine a.example login ada password …`
fn words_after(text: &str, mark: &str) -> Vec<Match> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| pair[0] == mark);
    pairs.map(|pair| at(text, pair[1])).collect()
}

/// `host:port:database:user:…`
fn last_fields(text: &str) -> Vec<Match> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && line.matches(':').count() >= 4);
    lines
        .filter_map(|line| line.splitn(5, ':').nth(4))
        .filter(|field| !field.is_empty())
        .map(|field| at(text, field))
        .collect()
}

/// Where a part of a text stands in it.
fn place(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

fn at(text: &str, part: &str) -> Match {
    let start = place(text, part);
    Match { range: start..start + part.len(), rule: "login" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(path: &str, text: &'static str) -> Vec<&'static str> {
        credentials(path, text).into_iter().map(|found| &text[found.range]).collect()
    }

    #[test]
    fn names_tell_what_a_file_holds() {
        let ours = [
            ".env",
            "app/.env.production",
            "deploy/prod.env",
            ".netrc",
            "home/.aws/credentials",
            "tls/server.key",
            "ID_RSA",
        ];
        let others = [
            ".env.example",
            "sample.env",
            ".env.test",
            "docs/credentials",
            "example-key.pem",
            "environment.ts",
            "keys.ts",
        ];
        assert_eq!(ours.iter().filter(|path| !is_one(path)).collect::<Vec<_>>(), [&""; 0]);
        assert_eq!(others.iter().filter(|path| is_one(path)).collect::<Vec<_>>(), [&""; 0]);
    }

    #[test]
    fn variables_count_by_form_or_name() {
        let text = "# API_TOKEN=q8Zr71kLmN02xP4v\nPORT=3000\nexport API_TOKEN=q8Zr71kLmN02xP4v # ours\n\
                    DB_PASSWORD='k3#Vq9!zLw'\nURL=postgres://app:h4nter2-x@db.example/app\nOTHER_TOKEN=${API_TOKEN}\n\
                    SECRET=\nAPI_KEY=<your key>\nMODEL=gpt-large-2";
        assert_eq!(values(".env", text), ["q8Zr71kLmN02xP4v", "k3#Vq9!zLw", "h4nter2-x"]);
    }

    #[test]
    fn logins_of_tools_are_read_in_their_form() {
        assert_eq!(values(".netrc", "machine a.example\n  login ada\n  password p9Vx72bQ"), ["p9Vx72bQ"]);
        assert_eq!(values(".pgpass", "db.example:5432:app:ada:p9:Vx72bQ\n# a:b:c:d:e"), ["p9:Vx72bQ"]);
        assert_eq!(values(".npmrc", "//r.example/:_authToken=q8Zr71kLmN02xP4vT6aa"), ["q8Zr71kLmN02xP4vT6aa"]);
    }
}
