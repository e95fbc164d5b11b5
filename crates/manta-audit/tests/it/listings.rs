//! Files below a directory of the caller's: what a program finds there, and what it names itself.

use crate::common;

use manta_core::Persona;

/// `rule:line` of what the regular persona sees in a server of one file.
fn found(path: &str, text: &str) -> Vec<String> {
    let report = common::report_of([
        ("package.json", r#"{"name":"x","version":"1.0.0","type":"module","main":"server.ts"}"#),
        (path, text),
    ]);
    let regular = report.findings.iter().filter(|finding| finding.persona == Persona::Regular);
    let mut found: Vec<String> = regular
        .map(|finding| {
            let file = report.sources.get(finding.location.file).expect("findings are in files of the target");
            format!("{}:{}", finding.rule.id, file.line_column(finding.location.span.start).line)
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Whether the last line of a tool's body is found to use a file of the caller's.
fn python(body: &str) -> bool {
    let head = "import glob, os, tempfile, time, uuid\nfrom pathlib import Path\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP(\"x\")\nROOT = \"/srv/notes\"\n";
    let server = format!("{head}@mcp.tool()\ndef tool(d: str, text: str) -> str:\n{body}");
    let last = server.trim_end().lines().count();
    found("server.py", &server).contains(&format!("path-traversal:{last}"))
}

fn typescript(body: &str) -> bool {
    let head = "import { McpServer } from \"@modelcontextprotocol/sdk/server/mcp.js\";\nimport fs from \"node:fs/promises\";\nimport path from \"node:path\";\nimport { glob } from \"glob\";\nimport fg from \"fast-glob\";\nimport { z } from \"zod\";\nconst ROOT = \"/srv/notes\";\nconst server = new McpServer({ name: \"x\", version: \"1.0.0\" });\n";
    let server = format!(
        "{head}server.tool(\"tool\", {{ d: z.string(), text: z.string() }}, async ({{ d, text }}) => {{\n{body}\n}});\n"
    );
    let line = server.trim_end().lines().count() - 1;
    found("server.ts", &server).contains(&format!("path-traversal:{line}"))
}

#[test]
fn names_that_a_program_makes_up_stand_below_the_directory() {
    for name in [
        "f\"{uuid.uuid4()}.png\"",
        "f\"shot_{int(time.time())}.txt\"",
        "os.environ[\"NAME\"]",
        "os.listdir(\"/tmp\")[0]",
    ] {
        assert!(python(&format!("    open(os.path.join(d, {name}), \"w\").write(text)\n")), "{name}");
        assert!(python(&format!("    (Path(d) / {name}).write_text(text)\n")), "{name}");
        assert!(!python(&format!("    open(os.path.join(ROOT, {name}), \"w\").write(text)\n")), "{name}");
    }
    for name in ["`${Date.now()}.png`", "crypto.randomUUID()", "process.env.NAME"] {
        assert!(typescript(&format!("  await fs.writeFile(path.resolve(d, {name}), text);")), "{name}");
        assert!(!typescript(&format!("  await fs.writeFile(path.resolve(ROOT, {name}), text);")), "{name}");
    }
}

#[test]
fn files_found_below_a_directory_are_below_it() {
    let listings = [
        "    for name in os.listdir(DIR):\n        text += open(os.path.join(DIR, name)).read()\n",
        "    for entry in os.scandir(DIR):\n        text += open(entry.path).read()\n",
        "    for root, dirs, files in os.walk(DIR):\n        for name in files:\n            text += open(os.path.join(root, name)).read()\n",
        "    for path in sorted(Path(DIR).glob(\"*.json\"))[:3]:\n        text += path.read_text()\n",
        "    for path in Path(DIR).iterdir():\n        text += path.read_text()\n",
        "    for path in glob.glob(os.path.join(DIR, \"*.md\")):\n        text += open(path).read()\n",
    ];
    for listing in listings {
        assert!(python(&listing.replace("DIR", "d")), "{listing}");
        assert!(!python(&listing.replace("DIR", "ROOT")), "{listing}");
    }
    let listings = [
        "  for (const file of await glob(\"**/*.xml\", { cwd: DIR, absolute: true }))\n    text += await fs.readFile(file, \"utf8\");",
        "  for (const file of await fg(`${DIR}/**/*.xml`))\n    text += await fs.readFile(file, \"utf8\");",
        "  for (const name of await fs.readdir(DIR))\n    text += await fs.readFile(path.resolve(DIR, name), \"utf8\");",
    ];
    for listing in listings {
        assert!(typescript(&listing.replace("DIR", "d")), "{listing}");
        assert!(!typescript(&listing.replace("DIR", "ROOT")), "{listing}");
    }
}

#[test]
fn the_name_of_a_file_stays_in_its_directory_however_it_is_put_together() {
    for name in [
        "path.parse(d).base",
        "`${path.parse(d).name}-old${path.parse(d).ext}`",
        "`${path.basename(d)}.${Date.now()}${path.extname(d)}`",
        "path.basename(d) + '-' + Date.now() + path.extname(path.basename(d))",
    ] {
        assert!(!typescript(&format!("  await fs.writeFile(path.join(ROOT, {name}), text);")), "{name}");
    }
    for name in ["path.parse(d).dir, path.parse(d).base", "`${d}.${Date.now()}${path.extname(d)}`"] {
        assert!(typescript(&format!("  await fs.writeFile(path.join(ROOT, {name}), text);")), "{name}");
    }
}

#[test]
fn a_file_of_the_program_is_put_where_the_caller_says() {
    for written in [
        "    handle, name = tempfile.mkstemp()\n    Path(name).replace(TARGET)\n",
        "    with tempfile.NamedTemporaryFile(delete=False) as file:\n        file.write(b\"x\")\n    Path(file.name).rename(TARGET)\n",
    ] {
        assert!(python(&written.replace("TARGET", "d")), "{written}");
        assert!(!python(&written.replace("TARGET", "os.path.join(ROOT, os.path.basename(d))")), "{written}");
    }
    let server = "import os\nfrom pathlib import Path\nfrom mcp.server.fastmcp import FastMCP\nmcp = FastMCP(\"x\")\n@mcp.tool()\ndef put(d: str) -> str:\n    Path(\"/tmp/x\").replace(d)\n";
    assert_eq!(common::found([("server.py", server)]), ["path-traversal in put"]);
}
