//! Configurations of clients: which servers they start, how, and where such files lie.
//!
//! Every client has its own file and its own spelling (`mcpServers`, `servers`, `context_servers`, a list with names,
//! a command in one array). The reader goes by the content, so a file in an unexpected place is understood as well;
//! the table of places (`clients.toml`) is only for finding files.

mod read;

use std::sync::LazyLock;

use manta_core::FileKind;
use serde::Deserialize;

use crate::document::Notation;
pub use read::{Configured, Word, not_understood, read};

/// A client and where it keeps its servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What people call it.
    pub name: String,
    /// Where that is documented.
    pub docs: String,
    /// Files on Linux.
    #[serde(default)]
    pub linux: Vec<String>,
    /// Files on macOS.
    #[serde(default)]
    pub macos: Vec<String>,
    /// Files on Windows.
    #[serde(default)]
    pub windows: Vec<String>,
    /// Files in a project.
    #[serde(default)]
    pub project: Vec<String>,
    /// Files of the whole machine, which administrators write, on all three systems.
    #[serde(default)]
    pub system: Vec<String>,
    /// Files that every editor made from VS Code may hold; they are among those of the systems, too.
    #[serde(default)]
    editor: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    editors: Vec<String>,
    servers: Vec<String>,
    client: Vec<Client>,
}

impl Table {
    /// The clients, with the files of extensions in each editor they may run in.
    fn spelt_out(self) -> Vec<Client> {
        let Self { editors, servers, mut client } = self;
        for client in &mut client {
            for file in &client.editor {
                let below = |base: &str| editors.iter().map(|name| format!("{base}/{name}/User/{file}")).collect();
                let mut linux: Vec<String> = below("~/.config");
                linux.extend(servers.iter().map(|server| format!("{server}/User/{file}")));
                client.linux.append(&mut linux);
                client.macos.append(&mut below("~/Library/Application Support"));
                client.windows.append(&mut below("%APPDATA%"));
            }
            // The standard for desktops lets a user move all of `~/.config`.
            let moved = client.linux.iter().filter_map(|place| place.strip_prefix("~/.config/"));
            let moved: Vec<String> = moved.map(|rest| format!("$XDG_CONFIG_HOME/{rest}")).collect();
            client.linux.extend(moved);
        }
        client
    }
}

static ALL: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let table: Table = ::toml::from_str(include_str!("../../clients.toml")).expect("the table is read by a test");
    table.spelt_out()
});

/// Every client that is known.
#[must_use]
pub fn all() -> &'static [Client] {
    &ALL
}

impl Client {
    /// Paths below a home directory, `/` between their parts, on all three systems: a directory may be a copy from
    /// another machine, and what isn't there is not found.
    pub fn below_home(&self) -> impl Iterator<Item = String> {
        self.of_systems().filter(|place| !place.starts_with('$')).map(|place| {
            let place = place.strip_prefix("~/").unwrap_or(place);
            place.replace("%APPDATA%", "AppData/Roaming")
        })
    }

    /// Paths below directories that variables of the environment name: the variable, and the path below it.
    pub fn moved(&self) -> impl Iterator<Item = (&str, &str)> {
        self.of_systems().filter_map(|place| place.strip_prefix('$')?.split_once('/'))
    }

    fn of_systems(&self) -> impl Iterator<Item = &str> {
        self.linux.iter().chain(&self.macos).chain(&self.windows).map(String::as_str)
    }

    /// Every place: in projects, below home directories, below what variables name, as reports write it, and of the machine.
    fn places(&self) -> impl Iterator<Item = String> {
        let moved = self.moved().map(|(variable, rest)| format!("${variable}/{rest}"));
        self.project.iter().chain(&self.system).cloned().chain(self.below_home()).chain(moved)
    }
}

/// Every place with the client it belongs to: each path of a target is compared with all of them.
static PLACES: LazyLock<Vec<(String, &Client)>> = LazyLock::new(|| {
    let mut places: Vec<(String, &Client)> =
        all().iter().flat_map(|client| client.places().map(move |place| (place, client))).collect();
    // The longest place says most: `.warp/.mcp.json` is not just any `.mcp.json`.
    places.sort_by_key(|(place, _)| std::cmp::Reverse(place.split('/').count()));
    places
});

/// The client whose configuration a file of this path is; the last parts of the path decide.
///
/// ```
/// use manta_mcp::clients;
/// assert_eq!(clients::of("work/app/.vscode/mcp.json").unwrap().name, "VS Code");
/// assert_eq!(clients::of("package.json").map(|client| &client.name), None);
/// ```
#[must_use]
pub fn of(path: &str) -> Option<&'static Client> {
    // Most files of a target are sources and manifests: the table is not even read for those. An extension of Claude
    // Desktop is described by a manifest.
    let is_extension = || path.ends_with("/manifest.json");
    Notation::of(path).filter(|_| FileKind::of(path) == FileKind::Other || is_extension())?;
    PLACES.iter().find(|(place, _)| is_at(path, place)).map(|(_, client)| *client)
}

/// Whether `path` ends in `place`, in which `*` stands for a part of one name.
#[must_use]
pub fn is_at(path: &str, place: &str) -> bool {
    let mut parts = path.rsplit('/');
    place.rsplit('/').all(|wanted| {
        parts.next().is_some_and(|part| match wanted.split_once('*') {
            Some((before, after)) => part.len() > wanted.len() - 1 && part.starts_with(before) && part.ends_with(after),
            None => part == wanted,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_every_client_has_a_place() {
        for client in all() {
            assert!(client.below_home().count() + client.project.len() > 0, "{}", client.name);
            assert!(client.docs.starts_with("https://"), "{}", client.name);
            for place in client.places() {
                assert!(of(&place.replace('*', "a1")).is_some(), "{place}");
            }
        }
    }

    #[test]
    fn places_on_all_three_systems_are_recognised() {
        for (path, name) in [
            (".config/Claude/claude_desktop_config.json", "Claude Desktop"),
            ("Library/Application Support/Claude/claude_desktop_config.json", "Claude Desktop"),
            ("AppData/Roaming/Claude/claude_desktop_config.json", "Claude Desktop"),
            ("project/.mcp.json", "Claude Code"),
            (".codex/config.toml", "Codex"),
            ("x/.continue/mcpServers/git.yaml", "Continue"),
            ("AppData/Roaming/Block/goose/config/config.yaml", "Goose"),
            ("/etc/claude-code/managed-mcp.json", "Claude Code"),
            (".claude/plugins/cache/market/notes/1.0.0/.mcp.json", "Claude Code"),
            (".config/Claude/Claude Extensions/notes/manifest.json", "Claude Desktop"),
        ] {
            assert_eq!(of(path).map(|client| client.name.as_str()), Some(name), "{path}");
        }
        for path in ["settings.json", "config.yaml", "mcp.json", "src/mcp.json.ts", ".continue/mcpServers/.yaml"] {
            assert!(of(path).is_none(), "{path}");
        }
    }
}
