//! Configuration snippets for the programs that start MCP servers.

use serde_json::{Value, json};

/// A program that starts MCP servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Client {
    /// Claude Desktop: `claude_desktop_config.json`.
    ClaudeDesktop,
    /// Cursor: `.cursor/mcp.json`.
    Cursor,
    /// VS Code: `.vscode/mcp.json`.
    VsCode,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ClaudeDesktop, Self::Cursor, Self::VsCode];

    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "claude",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
        }
    }

    /// Where the snippet belongs.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "claude_desktop_config.json",
            Self::Cursor => ".cursor/mcp.json",
            Self::VsCode => ".vscode/mcp.json",
        }
    }

    /// The snippet that starts `program` with `args`. Absolute paths, because clients start servers from
    /// directories of their own.
    #[must_use]
    pub fn config(self, program: &str, args: &[String]) -> Value {
        let entry = json!({ "command": program, "args": args });
        match self {
            Self::ClaudeDesktop | Self::Cursor => json!({ "mcpServers": { "manta": entry } }),
            Self::VsCode => json!({ "servers": { "manta": { "type": "stdio", "command": program, "args": args } } }),
        }
    }

    /// The snippet for a server at `url`; with a bearer token, the client asks for it or takes it from its
    /// environment, because a secret does not belong into a configuration file. `None` for a client whose
    /// configuration file knows no remote servers.
    #[must_use]
    pub fn remote_config(self, url: &str, needs_token: bool) -> Option<Value> {
        let with = |mut entry: Value, token: &str| {
            if needs_token {
                entry["headers"] = json!({ "Authorization": format!("Bearer {token}") });
            }
            entry
        };
        match self {
            Self::ClaudeDesktop => None,
            Self::Cursor => {
                let entry = with(json!({ "url": url }), "${env:MANTA_TOKEN}");
                Some(json!({ "mcpServers": { "manta": entry } }))
            }
            Self::VsCode => {
                let entry = with(json!({ "type": "http", "url": url }), "${input:manta-token}");
                let mut config = json!({ "servers": { "manta": entry } });
                if needs_token {
                    let input = json!({ "type": "promptString", "id": "manta-token", "description": "Token of manta serve", "password": true });
                    config["inputs"] = json!([input]);
                }
                Some(config)
            }
        }
    }
}
