//! `cargo xtask bench-editor`: how long after a keystroke `manta lsp` shows diagnostics.
//!
//! A client over standard input and output, as editors are: it opens a folder and one file of it, types, and waits for the
//! diagnostics of that version of the file. Time is counted from the last byte of the change to the answer; where the first
//! answer was a preliminary one, the last is measured as well. Where the system tells it, processor time is counted, which
//! says more on a busy machine, and else time on the clock.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scan::{manta_binary, scratch};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct EditorArgs {
    /// Servers to type in, each with the file, and the text behind which to type: `DIR:FILE:TEXT` (repeatable) [default: one
    /// that is generated, inside a handler and outside].
    #[arg(long, value_name = "DIR:FILE:TEXT")]
    server: Vec<String>,
    /// Files of the generated server.
    #[arg(long, default_value_t = 500)]
    files: usize,
    /// Those among them that register a tool.
    #[arg(long, default_value_t = 200)]
    tools: usize,
    /// Where the generated server is put, to look at it afterwards.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Keystrokes.
    #[arg(long, default_value_t = 20)]
    keys: usize,
    /// The scanner [default: the `manta` built beside this program].
    #[arg(long)]
    manta: Option<PathBuf>,
}

/// How long an editor waits for an answer at all.
const PATIENCE: Duration = Duration::from_secs(60);
/// After such a silence the answer is taken for the last one.
const SILENCE: Duration = Duration::from_millis(1_500);

/// Where to type in the generated server: inside a handler, and in what modules run when they load.
const PLACES: [&str; 2] = ["const known = cache.get(file);", "export function register(server: McpServer) {"];

/// Measures every server.
///
/// # Errors
/// When the scanner is missing, or gives no answer.
pub(crate) fn run(args: &EditorArgs) -> Result<String, String> {
    let manta = manta_binary(args.manta.as_deref())?;
    let mut text =
        format!("{:40} {:>9} {:>22} {:>22}\n", "server", "opened", "first answer: mid, max", "last answer: mid, max");
    let generated = scratch()?;
    let mut servers: Vec<(PathBuf, String, String)> = Vec::new();
    for server in &args.server {
        let mut parts = server.splitn(3, ':').map(str::to_owned);
        let (Some(dir), Some(file), Some(behind)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("{server} is not DIR:FILE:TEXT"));
        };
        servers.push((PathBuf::from(dir), file, behind));
    }
    if servers.is_empty() {
        let dir = args.into.as_deref().unwrap_or(generated.path());
        let file = generate(dir, args.files, args.tools).map_err(|error| format!("cannot write a server: {error}"))?;
        servers.extend(PLACES.map(|behind| (dir.to_owned(), file.clone(), behind.to_owned())));
    }
    for (dir, file, behind) in &servers {
        let times = Times::of(&manta, dir, file, behind, args.keys)?;
        let name = match PLACES.iter().position(|place| place == behind).filter(|_| args.server.is_empty()) {
            Some(0) => format!("{} files, {} tools, in a handler", args.files, args.tools),
            Some(_) => format!("{} files, {} tools, around it", args.files, args.tools),
            None => dir.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let shown = |times: &[Duration]| {
            let mut sorted: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
            sorted.sort_by(f64::total_cmp);
            let mid = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
            format!("{mid:.1}, {:.1} ms", sorted.last().copied().unwrap_or_default())
        };
        let opened = times.opened.as_secs_f64() * 1e3;
        let (first, last) = (shown(&times.first), shown(&times.last));
        let _ = writeln!(text, "{name:40} {opened:6.0} ms {first:>22} {last:>22}");
    }
    Ok(text)
}

/// What an editor saw.
#[derive(Debug, Default)]
struct Times {
    opened: Duration,
    first: Vec<Duration>,
    last: Vec<Duration>,
}

impl Times {
    fn of(manta: &Path, dir: &Path, file: &str, behind: &str, keys: usize) -> Result<Self, String> {
        let dir = dir.canonicalize().map_err(|error| format!("no server at {}: {error}", dir.display()))?;
        let text = fs::read_to_string(dir.join(file)).map_err(|error| format!("cannot read {file}: {error}"))?;
        let uri = format!("file://{}/{file}", dir.display());
        let mut times = Self::default();
        let mut editor = Editor::open(manta, &dir)?;
        let document = json!({ "uri": uri, "languageId": "", "version": 1, "text": text });
        editor.tell("textDocument/didOpen", &json!({ "textDocument": document }))?;
        editor.answers(&uri, 1)?;
        times.opened = editor.clock.now();
        // What stands behind it moves.
        let at = text.find(behind).ok_or_else(|| format!("there is no {behind:?} in {file}"))? + behind.len();
        let typed = format!("{} {}", &text[..at], &text[at..]);
        for key in 0..keys {
            let version = key + 2;
            let text = if key % 2 == 0 { &typed } else { &text };
            let document = json!({ "uri": uri, "version": version });
            let started = editor.clock.now();
            editor.tell(
                "textDocument/didChange",
                &json!({ "textDocument": document, "contentChanges": [{ "text": text }] }),
            )?;
            let (first, last) = editor.answers(&uri, version)?;
            times.first.push(first.saturating_sub(started));
            times.last.push(last.saturating_sub(started));
        }
        Ok(times)
    }
}

/// The editor's side of a session.
struct Editor {
    server: Child,
    to: ChildStdin,
    from: Receiver<(Duration, Value)>,
    clock: Clock,
}

/// Processor time of a process, where the system tells it, and else the time.
#[derive(Clone, Copy)]
struct Clock {
    process: u32,
    started: Instant,
}

impl Clock {
    fn now(self) -> Duration {
        self.spent().unwrap_or_else(|| self.started.elapsed())
    }

    fn spent(self) -> Option<Duration> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process)).ok()?;
        let spent = threads.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Some(Duration::from_nanos(spent.sum()))
    }
}

impl Editor {
    fn open(manta: &Path, dir: &Path) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot start {}: {error}", manta.display());
        let mut server =
            Command::new(manta).arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let (Some(to), Some(from)) = (server.stdin.take(), server.stdout.take()) else {
            return Err("the server has no standard input or output".to_owned());
        };
        let (sender, receiver) = channel();
        let clock = Clock { process: server.id(), started: Instant::now() };
        thread::spawn(move || {
            let mut from = BufReader::new(from);
            while let Some(message) = read(&mut from, clock) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut editor = Self { server, to, from: receiver, clock };
        let folder = json!({ "uri": format!("file://{}", dir.display()), "name": "server" });
        editor.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize",
                             "params": { "capabilities": {}, "workspaceFolders": [folder] } }))?;
        while editor.next(PATIENCE)?.1["id"] != 1 {}
        editor.tell("initialized", &json!({}))?;
        Ok(editor)
    }

    fn tell(&mut self, method: &str, params: &Value) -> Result<(), String> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len())
            .and_then(|()| self.to.flush())
            .map_err(|error| format!("the server is gone: {error}"))
    }

    fn next(&mut self, patience: Duration) -> Result<(Duration, Value), String> {
        self.from.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("no answer within {} s", patience.as_secs()),
            RecvTimeoutError::Disconnected => "the server is gone".to_owned(),
        })
    }

    /// When the first and the last diagnostics of this version of a file came.
    fn answers(&mut self, uri: &str, version: usize) -> Result<(Duration, Duration), String> {
        let is_one = |message: &Value| {
            message["method"] == "textDocument/publishDiagnostics"
                && message["params"]["uri"] == uri
                && message["params"]["version"] == version
        };
        let first = loop {
            let (at, message) = self.next(PATIENCE)?;
            if is_one(&message) {
                break at;
            }
        };
        let mut last = first;
        while let Ok((at, message)) = self.from.recv_timeout(SILENCE) {
            if is_one(&message) {
                last = at;
            }
        }
        Ok((first, last))
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The next message, with the time at which its first byte was there.
fn read(from: &mut BufReader<std::process::ChildStdout>, clock: Clock) -> Option<(Duration, Value)> {
    let mut length = None;
    from.fill_buf().ok()?;
    let at = clock.now();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse::<usize>().ok(),
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length?];
    from.read_exact(&mut body).ok()?;
    Some((at, serde_json::from_slice(&body).ok()?))
}

/// Writes a TypeScript server: tools in files of their own, the rest modules that they share, each of which uses others.
/// Gives the file to type in.
fn generate(root: &Path, files: usize, tools: usize) -> std::io::Result<String> {
    let tools = tools.min(files.saturating_sub(2)).max(1);
    let helpers = files.saturating_sub(tools + 1).max(1);
    let write = |name: String, text: String| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(path, text)
    };
    let mut index = String::from(
        "import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';\n\
         const server = new McpServer({ name: 'bench', version: '1.0.0' });\n",
    );
    for number in 0..tools {
        let _ = writeln!(index, "import {{ register as r{number} }} from './tools/t{number}.js'; r{number}(server);");
        let (one, other) = (number % helpers, (number * 7 + 3) % helpers);
        write(format!("src/tools/t{number}.ts"), tool(number, one, other))?;
    }
    for number in 0..helpers {
        write(format!("src/lib/h{number}.ts"), helper(number))?;
    }
    write("src/index.ts".to_owned(), index)?;
    write("package.json".to_owned(), "{\"name\":\"bench\",\"bin\":\"src/index.ts\"}\n".to_owned())?;
    Ok(format!("src/tools/t{}.ts", tools / 2))
}

fn tool(number: usize, one: usize, other: usize) -> String {
    format!(
        r#"import {{ z }} from "zod";
import fs from "node:fs/promises";
import path from "node:path";
import type {{ McpServer }} from "@modelcontextprotocol/sdk/server/mcp.js";
import {{ shortened{one}, Cache{one} }} from "../lib/h{one}.js";
import {{ shortened{other} as other }} from "../lib/h{other}.js";

const ROOT = path.resolve(process.env.ROOT ?? "/srv/data");
const cache = new Cache{one}(64);

/** Where a note is. */
function locate(name: string): string {{
  const file = path.resolve(ROOT, name);
  if (!file.startsWith(ROOT)) {{
    throw new Error(`outside of the root: ${{name}}`);
  }}
  return file;
}}

export function register(server: McpServer) {{
  server.tool(
    "read_{number}",
    "Reads a note and shortens it.",
    {{ name: z.string().min(1), limit: z.number().int().max(65536).optional(), mode: z.enum(["head", "all"]) }},
    async ({{ name, limit = 4096, mode }}) => {{
      try {{
        const file = locate(name);
        const known = cache.get(file);
        const text = known ?? (await fs.readFile(file, "utf8"));
        cache.put(file, text);
        return {{ content: [{{ type: "text", text: mode === "all" ? other(text, limit * 2) : shortened{one}(text, limit) }}] }};
      }} catch (error) {{
        return {{ isError: true, content: [{{ type: "text", text: error instanceof Error ? error.message : String(error) }}] }};
      }}
    }},
  );
}}
"#
    )
}

fn helper(number: usize) -> String {
    let below = (number > 0).then(|| number - 1 - number / 2);
    let import = below.map_or(String::new(), |below| format!("import {{ trimmed{below} }} from \"./h{below}.js\";\n"));
    let trim = below.map_or("line.trimEnd()".to_owned(), |below| format!("trimmed{below}(line)"));
    format!(
        r#"{import}
export interface Entry {{ text: string; used: number }}

/** Keeps what was read last. */
export class Cache{number} {{
  private readonly entries = new Map<string, Entry>();
  constructor(private readonly size: number) {{}}
  get(name: string): string | undefined {{
    const entry = this.entries.get(name);
    if (entry) entry.used += 1;
    return entry?.text;
  }}
  put(name: string, text: string): void {{
    if (this.entries.size >= this.size) {{
      const [oldest] = [...this.entries].sort(([, a], [, b]) => a.used - b.used);
      this.entries.delete(oldest[0]);
    }}
    this.entries.set(name, {{ text, used: 0 }});
  }}
}}

export function trimmed{number}(line: string): string {{
  return line.replace(/\s+$/, "");
}}

export function shortened{number}(text: string, limit: number): string {{
  const kept: string[] = [];
  let length = 0;
  for (const line of text.split("\n")) {{
    length += line.length;
    if (length > limit) break;
    kept.push({trim});
  }}
  return kept.join("\n");
}}
"#
    )
}
