//! Programs that template tags start, and what programs do with their operands.

use crate::common::found;

const HEAD: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { execFile, execSync, spawn } from "node:child_process";
import { $ } from "execa";
import { simpleGit } from "simple-git";
import Docker from "dockerode";
const server = new McpServer({ name: "x", version: "1" });
const git = simpleGit("/srv/repo");
const container = new Docker().getContainer("db");
"#;

/// What is found in a tool `run` with this body.
fn run(body: &str) -> Vec<String> {
    let tool = format!(
        "server.tool(\"run\", {{ text: z.string() }}, async ({{ text }}) => {{\n{body}\nreturn {{ content: [] }};\n}});\n"
    );
    found([("server.ts", format!("{HEAD}{tool}").as_str())])
}

fn is_found(rule: &str, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(run(body), [format!("{rule} in run")], "{body}");
    }
}

fn is_quiet(bodies: &[&str]) {
    for body in bodies {
        assert!(run(body).is_empty(), "{body}: {:?}", run(body));
    }
}

#[test]
fn a_value_in_a_template_tag_is_one_word() {
    is_found("command-execution", &["await $`bash -c ${text}`;"]);
    is_found("argument-injection", &["await $`git log ${text}`;", "await $`git log ${[\"HEAD\", text]}`;"]);
    is_found("command-injection", &["await $({ shell: true })`ls ${text}`;"]);
    is_quiet(&[
        "await $`echo ${text}`;",
        "await $({ cwd: \"/srv\" })`git log -- ${text}`;",
        "await $`git log -n${text}`;",
    ]);
}

#[test]
fn an_option_may_stand_in_quotes() {
    let escaped = r#"text.replace(/'/g, "'\\''")"#;
    is_found(
        "argument-injection",
        &[
            &format!("execSync(`git clone '${{{escaped}}}'`);"),
            &format!("execSync(`git clone -q '${{{escaped}}}' x`);"),
            &format!("execSync(`systemctl status '${{{escaped}}}' 2>&1`);"),
            "execSync(`ssh \"${text.replace(/[^a-zA-Z=-]/g, \"\")}\"`);",
        ],
    );
    is_quiet(&[
        &format!("execSync(`git clone -- '${{{escaped}}}'`);"),
        &format!("execSync(`git clone 'x-${{{escaped}}}' y`);"),
        &format!("if (text.startsWith('-')) throw new Error('no'); execSync(`git clone '${{{escaped}}}'`);"),
        &format!("execSync(`git log --author='${{{escaped}}}'`);"),
    ]);
}

#[test]
fn git_runs_filters_and_commands() {
    let filter = "await git.raw([\"filter-branch\", \"--msg-filter\", `echo '${text}'; cat`, \"--\", \"HEAD\"]);";
    is_found("command-injection", &[filter, "await git.raw([\"submodule\", \"foreach\", `ls ${text}`]);"]);
    is_found("command-execution", &["await git.raw([\"bisect\", \"run\", text]);"]);
    is_quiet(&[
        &filter.replace("${text}", "${text.length}"),
        "await git.raw([\"bisect\", \"run\", \"make\", \"--\", text]);",
        "await git.raw([\"bisect\", \"good\", `v${text}`]);",
    ]);
}

#[test]
fn methods_of_git_are_its_subcommands() {
    is_found("argument-injection", &["await git.log([text]);", "await git.diff([text, \"HEAD\"]);"]);
    is_quiet(&["await git.log([\"--\", text]);", "await git.log({ maxCount: text.length });"]);
}

#[test]
fn commands_in_a_container_are_commands() {
    is_found("command-injection", &["await container.exec({ Cmd: [\"sh\", \"-c\", `cat ${text}`] });"]);
    is_quiet(&[
        "await container.exec({ Cmd: [\"cat\", text] });",
        "await container.exec({ Cmd: [\"sh\", \"-c\", \"date\"] });",
    ]);
}

#[test]
fn programs_fetch_addresses_and_open_files() {
    is_found("ssrf", &["execFile(\"curl\", [\"-s\", text]);", "execFile(\"wget\", [\"-q\", \"--\", text]);"]);
    is_found(
        "path-traversal",
        &["execFile(\"cat\", [\"--\", text]);", "execFile(\"grep\", [\"-r\", \"x\", \"--\", `/srv/${text}`]);"],
    );
    is_quiet(&[
        "execFile(\"curl\", [\"-s\", `https://api.example.com/items/${encodeURIComponent(text)}`]);",
        "execFile(\"grep\", [\"-r\", \"-e\", text, \"/srv\"]);",
        "execFile(\"cat\", [`/srv/${text.replace(/[^a-z]/g, \"\")}`]);",
    ]);
}

#[test]
fn the_constructor_of_a_function_compiles_code() {
    is_found(
        "code-injection",
        &[
            "const F = Object.getPrototypeOf(async function () {}).constructor; await new F(text)();",
            "await (async () => {}).constructor(text)();",
        ],
    );
    is_quiet(&["const F = Object.getPrototypeOf(async function () {}).constructor; await new F(\"return 1\")();"]);
}

/// A server that puts a command together word by word; `clean` is done to each word.
fn words(clean: &str) -> String {
    r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { execSync } from "node:child_process";
import { z } from "zod";
const server = new McpServer({ name: "x", version: "1.0.0" });
function clean(word) {
  if (!word) return "";
  return CLEAN;
}
server.registerTool("find_notes", { inputSchema: { words: z.string() } }, async ({ words }) => {
  const folder = process.env.NOTES ?? "/var/notes";
  const [first, ...others] = clean(words).split(/\s+/).filter((word) => word.length > 0);
  let command = `grep -r -e "${clean(first)}" "${folder}"`;
  for (const word of others.map((word) => clean(word))) command += ` | grep -e "${word}"`;
  return { content: [{ type: "text", text: execSync(command).toString() }] };
});
"#
    .replace("CLEAN", clean)
}

#[test]
fn a_command_that_grows_word_by_word_keeps_its_quotes() {
    let everything = words(r#"word.replace(/[^\w ]/g, "")"#);
    assert_eq!(found([("server.js", everything.as_str())]), Vec::<String>::new());
    let but_the_dollar = words(r#"word.replace(/[\\"`|;&<>]/g, "")"#);
    assert_eq!(found([("server.js", but_the_dollar.as_str())]), ["command-injection in find_notes"]);
}

#[test]
fn one_of_several_lists_of_words_has_no_options() {
    let install = |shell: bool| {
        format!(
            "if (text.startsWith(\"-\")) throw new Error(\"no\");\n\
             const words = process.env.NEW ? [\"install\", text] : process.env.OLD ? [\"add\", text] : [];\n\
             spawn(\"npm\", words, {{ shell: {shell} }});"
        )
    };
    is_found("command-injection", &[&install(true)]);
    is_quiet(&[&install(false)]);
}

/// A tool whose argument is an object with a name, checked by its schema.
fn with_entry(body: &str) -> Vec<String> {
    let server = format!(
        r#"import {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ z }} from "zod";
import {{ execFile, exec }} from "node:child_process";
const server = new McpServer({{ name: "x", version: "1" }});
const entry = z.object({{ name: z.string(), toText: z.string() }});
server.registerTool("copy", {{ inputSchema: {{ entry, entries: z.array(entry) }} }}, async ({{ entry, entries }}) => {{
  {body}
  return {{ content: [] }};
}});
"#
    );
    found([("server.mjs", server.as_str())])
}

#[test]
fn an_object_in_a_text_says_nothing_of_its_fields() {
    for quiet in [
        "exec(`ls ${entry}`);",
        "exec('ls ' + entry);",
        "for (const one of entries) execFile('cp', ['-R', `${one}/.`, '/tmp/x']);",
        "exec(`ls ${entries.join(' ')}`);",
    ] {
        assert_eq!(with_entry(quiet), Vec::<String>::new(), "{quiet}");
    }
    for found in [
        "exec(`ls ${entry.name}`);",
        "exec('ls ' + JSON.stringify(entry));",
        "exec(`ls ${Object.values(entry)}`);",
        "exec(`ls ${{ toString: () => entry.name }}`);",
        "exec(`ls ${entries.map((one) => one.name).join(' ')}`);",
    ] {
        assert_eq!(with_entry(found), ["command-injection in copy"], "{found}");
    }
}

/// What is missing says no more of itself than that.
#[test]
fn words_that_are_added_where_they_are_given_stay_words() {
    let command = |size: &str| {
        let tool = format!(
            "server.tool(\"run\", {{ text: z.string(), size: z.string().optional() }}, async ({{ text, size }}) => {{\n\
             if (size && !{size}.test(size)) throw new Error('no');\n\
             const words = [\"--\", `'${{text.replace(/'/g, \"'\\\\''\")}}'`];\n\
             if (size) words.push(\"-size\", size);\n\
             execSync(`find ${{words.join(\" \")}}`);\n}});\n"
        );
        found([("server.ts", format!("{HEAD}{tool}").as_str())])
    };
    assert_eq!(command("/^[0-9]+[kM]?$/"), Vec::<String>::new());
    assert_eq!(command("/^[0-9]+/"), ["command-injection in run"]);
}
