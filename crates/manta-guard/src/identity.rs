//! Which server this is: what is run, not what it says about itself.
//!
//! The identity joins pins, records and limits across runs. It is the command with the program's
//! own name and the digest of the code that a fixed command line points to; a changed environment
//! or working directory leaves it alone.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Largest script that is digested.
const MAX_SCRIPT: u64 = 8 << 20;

/// A readable name and 16 hexadecimal digits, such as `server-filesystem-3f…`.
#[must_use]
pub fn of(command: &[String], cwd: &Path) -> String {
    let mut hash = Sha256::new();
    for argument in command.iter().filter(|argument| !is_data(argument)) {
        hash.update((argument.len() as u64).to_le_bytes());
        hash.update(argument);
    }
    let mut hex = String::new();
    for byte in &hash.finalize()[..8] {
        write!(hex, "{byte:02x}").expect("writing to a string can't fail");
    }
    format!("{}-{hex}", name(command, cwd))
}

/// Digest of the script a command line names, for the record of what ran.
#[must_use]
pub fn code_digest(command: &[String], cwd: &Path) -> Option<String> {
    let script = command.iter().skip(1).map(|argument| cwd.join(argument)).find(|path| path.is_file());
    let program = script.or_else(|| command.first().map(|program| cwd.join(program)).filter(|path| path.is_file()))?;
    if std::fs::metadata(&program).ok()?.len() > MAX_SCRIPT {
        return None;
    }
    let bytes = std::fs::read(program).ok()?;
    let digest = Sha256::digest(bytes);
    Some(digest.iter().fold("sha256:".to_owned(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string can't fail");
        hex
    }))
}

/// Directories and numbers are what a server works on: the same server with another root is the same server.
fn is_data(argument: &str) -> bool {
    argument.parse::<u64>().is_ok() || Path::new(argument).is_dir()
}

/// The package, module or script in a command line.
fn name(command: &[String], cwd: &Path) -> String {
    let runners = ["node", "npx", "npm", "exec", "python", "python3", "uvx", "uv", "run", "bun", "deno", "tool"];
    let word = command.iter().find(|word| {
        let file = Path::new(word).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        !word.starts_with('-') && !runners.contains(&file.as_str())
    });
    let word = word.or(command.first()).map_or("server", String::as_str);
    let path = cwd.join(word);
    let word = if path.is_file() { path.file_stem().and_then(|stem| stem.to_str()).unwrap_or(word) } else { word };
    let plain: String =
        word.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    plain.trim_matches('-').chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(command: &[&str]) -> String {
        of(&command.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), Path::new("/"))
    }

    #[test]
    fn the_directory_served_is_not_part_of_the_identity_but_the_version_is() {
        let served = |directory| id(&["npx", "-y", "@scope/server@1.2.3", directory]);
        assert_eq!(served("/tmp"), served("/usr"));
        assert_ne!(served("/tmp"), id(&["npx", "-y", "@scope/server@1.2.4", "/tmp"]));
        assert!(served("/tmp").starts_with("scope-server-1.2.3-"), "{}", served("/tmp"));
    }
}
