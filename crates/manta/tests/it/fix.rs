//! Repairs, from the command to the changed file.

use std::fs;

use crate::cli::{manta, stdout};

/// A directory with one file, what `manta fix` said about it, its exit code, and what the file holds then.
fn fixed(name: &str, text: &str, args: &[&str]) -> (String, Option<i32>, String) {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(name), text).unwrap();
    let output = manta(directory.path(), &[&["fix"], args].concat());
    (stdout(&output), output.status.code(), fs::read_to_string(directory.path().join(name)).unwrap())
}

/// A server with one tool; `{}` is where its code goes.
fn javascript(imports: &str, code: &str) -> String {
    format!(
        "import {{ McpServer }} from \"@modelcontextprotocol/sdk/server/mcp.js\";\nimport {{ z }} from \"zod\";\n{imports}\n\
         const server = new McpServer({{ name: \"s\", version: \"1\" }});\n\
         server.tool(\"run\", {{ value: z.string() }}, async ({{ value }}) => {{\n{code}\n}});\n"
    )
}

fn python(code: &str) -> String {
    format!(
        "import os\nimport subprocess\nfrom mcp.server.fastmcp import FastMCP\n\nmcp = FastMCP(\"s\")\n\n\
         @mcp.tool()\ndef run(value: str) -> str:\n{code}\n"
    )
}

#[test]
fn a_prefix_check_gets_its_separator_without_asking() {
    let code = "  const full = path.resolve(ROOT, value);\n  if (!full.startsWith(ROOT)) throw new Error(\"no\");\n  \
                return fs.readFileSync(full, \"utf8\");";
    let imports = "import fs from \"node:fs\";\nimport path from \"node:path\";\nconst ROOT = \"/srv/data\";";
    let (said, code, text) = fixed("index.ts", &javascript(imports, code), &[]);
    assert!(text.contains("if (!(full + path.sep).startsWith(ROOT + path.sep))"), "{said}\n{text}");
    assert!(said.contains("+  if (!(full + path.sep).startsWith(ROOT + path.sep))"), "{said}");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_directory_in_the_code_gets_its_separator_in_its_quotes() {
    let imports = "import fs from \"node:fs\";\nimport path from \"node:path\";";
    let code = "  const full = path.resolve(\"/srv/data\", value);\n  if (!full.startsWith('/srv/data')) throw new Error(\"no\");\n  \
                return fs.readFileSync(full, \"utf8\");";
    let (said, code, text) = fixed("index.ts", &javascript(imports, code), &[]);
    assert!(text.contains("if (!(full + \"/\").startsWith('/srv/data/'))"), "{said}\n{text}");
    assert_eq!(code, Some(0), "{said}");

    let server = python(
        "    full = os.path.realpath(os.path.join(\"/srv/data\", value))\n    if not full.startswith(\"/srv/data\"):\n        \
         raise ValueError(\"no\")\n    return open(full).read()",
    );
    let (said, code, text) = fixed("server.py", &server, &[]);
    assert!(text.contains("if not (full + \"/\").startswith(\"/srv/data/\"):"), "{said}\n{text}");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_shell_command_becomes_a_list_only_when_asked() {
    let server = javascript("import { exec } from \"child_process\";", "  exec(`git log --oneline HEAD ${value}`);");
    let (said, code, text) = fixed("index.ts", &server, &[]);
    assert_eq!((text.as_str(), code), (server.as_str(), Some(1)), "{said}");
    assert!(said.contains("with --unsafe: Command injection in run: pass the arguments as a list"), "{said}");

    let (said, code, text) = fixed("index.ts", &server, &["--unsafe"]);
    assert!(text.contains("import { execFile, exec } from \"child_process\";"), "{said}\n{text}");
    assert!(
        text.contains("execFile(\"git\", [\"log\", \"--oneline\", \"HEAD\", \"--end-of-options\", `${value}`]);"),
        "{said}\n{text}"
    );
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn the_same_in_python() {
    let server = python("    return subprocess.run(f\"git log {value}\", shell=True, capture_output=True).stdout");
    let (said, code, text) = fixed("server.py", &server, &["--unsafe"]);
    assert!(
        text.contains("subprocess.run([\"git\", \"log\", \"--end-of-options\", str(value)], capture_output=True)"),
        "{said}\n{text}"
    );
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn operands_get_the_end_of_options_before_them() {
    let server = python("    return subprocess.run([\"git\", \"log\", value], capture_output=True).stdout");
    let (said, code, text) = fixed("server.py", &server, &["--unsafe"]);
    assert!(text.contains("[\"git\", \"log\", \"--end-of-options\", value]"), "{said}\n{text}");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn operands_of_other_programs_get_two_dashes() {
    for (line, repaired) in [
        ("[\"tar\", \"cf\", \"x.tar\", value]", "[\"tar\", \"cf\", \"x.tar\", \"--\", value]"),
        ("[\"git\", \"blame\", value]", "[\"git\", \"blame\", \"--\", value]"),
    ] {
        let server = python(&format!("    return subprocess.run({line}, capture_output=True).stdout"));
        let (said, _, text) = fixed("server.py", &server, &["--unsafe"]);
        assert!(text.contains(repaired), "{said}\n{text}");
    }
}

#[test]
fn schemas_are_narrowed_for_auditors() {
    let server = javascript("import fs from \"fs\";", "  return fs.readFileSync(value, \"utf8\");");
    let (said, _, text) = fixed("index.ts", &server, &["--unsafe"]);
    assert_eq!(text, server, "{said}");
    let (said, _, text) = fixed("index.ts", &server, &["--unsafe", "--persona", "auditor"]);
    assert!(text.contains("{ value: z.string().max(4096) }"), "{said}\n{text}");

    let server = python("    return open(value).read()");
    let (said, _, text) = fixed("server.py", &server, &["--unsafe", "--persona", "auditor"]);
    assert!(text.contains("def run(value: Annotated[str, Field(max_length=4096)]) -> str:"), "{said}\n{text}");
    assert!(
        text.starts_with("from typing import Annotated\nfrom pydantic import Field\nimport os\n"),
        "{said}\n{text}"
    );

    let server = "const tools = [{ name: \"read\", inputSchema: { type: \"object\", properties: { value: { type: \"string\" } } }, \
                  execute: async ({ value }) => require(\"fs\").readFileSync(value) }];\nmodule.exports = { tools };\n";
    let (said, _, text) = fixed("index.js", server, &["--unsafe", "--persona", "auditor"]);
    assert!(text.contains("value: { type: \"string\", maxLength: 4096 }"), "{said}\n{text}");
}

#[test]
fn what_a_shell_does_with_a_pipe_is_left_to_a_person() {
    let server = javascript("import { exec } from \"child_process\";", "  exec(`cat ${value} | wc -l`);");
    let (said, code, text) = fixed("index.ts", &server, &["--unsafe"]);
    assert_eq!((text.as_str(), code), (server.as_str(), Some(0)), "{said}");
    assert!(said.contains("1 finding needs a person"), "{said}");
}

#[test]
fn a_dry_run_changes_nothing() {
    let server = python("    return subprocess.run([\"git\", \"log\", value], capture_output=True).stdout");
    let (said, _, text) = fixed("server.py", &server, &["--unsafe", "--dry-run"]);
    assert_eq!(text, server);
    assert!(said.contains("1 repair would be made in 1 file"), "{said}");
}

#[test]
fn a_configuration_is_a_target_too() {
    let directory = tempfile::tempdir().unwrap();
    let config = r#"{"mcpServers": {"notes": {"command": "npx", "args": ["-y", "notes-server"]}}}"#;
    fs::write(directory.path().join("mcp.json"), config).unwrap();
    let output = manta(directory.path(), &["fix", "mcp.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("1 finding needs a person"), "{}", stdout(&output));
    fs::write(directory.path().join("server.tgz"), "").unwrap();
    assert_eq!(manta(directory.path(), &["fix", "server.tgz"]).status.code(), Some(2));
}
