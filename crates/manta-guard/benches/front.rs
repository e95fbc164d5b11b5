//! What the guard costs besides the time of a call: the HTTP front beside a bare one, ten thousand clients at once,
//! start-up, memory at rest and after a million calls.
//!
//! `cargo bench -p manta-guard --bench front [-- http [CALLS] | many [CLIENTS] | start | long [CALLS]]`. Figures of
//! one run may be compared with each other, not with another run's.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures has nobody to report errors to")]
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "support/mod.rs"]
mod support;

use support::{GUARD, POLICY, cpu, echo, end, open};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |text: &str| text.parse().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["echo"] => echo(),
        [] => {
            start();
            http(4000);
            many(10_000);
            long(1_000_000);
        }
        ["start"] => start(),
        ["http"] => http(4000),
        ["http", calls] => http(number(calls)),
        ["many"] => many(10_000),
        ["many", clients] => many(number(clients)),
        ["long"] => long(1_000_000),
        ["long", calls] => long(number(calls)),
        other => panic!("{other:?}"),
    }
}

fn frame(id: usize, meta: &str) -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"echo\",{meta}\"arguments\":{{\"text\":\"hello, who is there?\"}}}}}}"
    )
}

const STATELESS: &str = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"},";

/// A directory with a policy, and the guard in it in front of the echo.
struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("manta.toml"), POLICY).unwrap();
        Self(directory)
    }

    fn guard(&self, options: &[&str]) -> Command {
        let mut command = Command::new(GUARD);
        command
            .args(["--policy", "manta.toml"])
            .args(options)
            .arg("--")
            .arg(std::env::current_exe().unwrap())
            .arg("echo");
        command.current_dir(self.0.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    fn listening(&self) -> (Child, SocketAddr) {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = self.guard(&["--http", &address.to_string()]).spawn().unwrap();
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        (process, address)
    }
}

fn bare() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("echo").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Time from the start of a process to its first answer, and what it holds in memory then.
fn start() {
    println!("first answer after the start, of 30 starts: least, p50; resident");
    let stage = Stage::new();
    for (name, is_guarded) in [("server alone", false), ("guard, policy, record", true)] {
        let mut times = Vec::new();
        let mut memory = 0;
        for _ in 0..30 {
            let mut command = if is_guarded { stage.guard(&[]) } else { bare() };
            let begun = Instant::now();
            let mut process = command.spawn().unwrap();
            let mut input = process.stdin.take().unwrap();
            writeln!(input, "{}", frame(1, "")).unwrap();
            let mut line = String::new();
            BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
            times.push(begun.elapsed());
            assert!(line.contains("hello"), "{line}");
            memory = memory.max(resident(process.id()));
            drop(input);
            end(process);
        }
        times.sort_unstable();
        let at = |time: Duration| time.as_secs_f64() * 1e3;
        let (least, middle) = (at(times[0]), at(times[15]));
        println!("  {name:<30} {least:>7.1} ms {middle:>7.1} ms {:>7.1} MiB", memory as f64 / 1024.0);
    }
}

/// A round trip over HTTP on one connection, with nothing but HTTP between client and answer, and through the guard.
fn http(calls: usize) {
    println!("HTTP on loopback, {calls} calls on one connection: p50, p99, CPU of the front per call");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let direct = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer_directly));
    measure("bare HTTP echo", direct, None, calls);
    let stage = Stage::new();
    let (process, address) = stage.listening();
    measure("guard, policy, limit, record", address, Some(process.id()), calls);
    let mut process = process;
    let _ = process.kill();
    let _ = process.wait();
}

fn measure(name: &str, address: SocketAddr, front: Option<u32>, calls: usize) {
    let mut client = Client::new(address);
    for id in 0..200 {
        client.call(id);
    }
    let before = front.map(cpu);
    let mut times: Vec<Duration> = (0..calls)
        .map(|id| {
            let begun = Instant::now();
            client.call(id);
            begun.elapsed()
        })
        .collect();
    let spent = front.map(cpu).zip(before).map(|(after, before)| (after - before) * 1e6 / calls as f64);
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 1000].as_secs_f64() * 1e6;
    let spent = spent.map_or_else(|| "-".to_owned(), |spent| format!("{spent:.1} µs"));
    println!("  {name:<30} {:>9.1} µs {:>9.1} µs {spent:>10}", at(500), at(990));
}

/// A client on one connection that stays open.
struct Client {
    stream: BufReader<TcpStream>,
}

fn request(id: usize) -> String {
    let body = frame(id, STATELESS);
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Client {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    fn call(&mut self, id: usize) {
        self.stream.get_mut().write_all(request(id).as_bytes()).unwrap();
        let body = read_message(&mut self.stream).unwrap();
        assert!(body.contains("hello, who is there?"), "{body}");
    }
}

/// Head and body of one message; `None` at the end of the stream.
fn read_message(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        match lower.trim_end() {
            "" => break,
            header => {
                if let Some(value) = header.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

fn answer_directly(stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    std::thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        while let Some(body) = read_message(&mut stream) {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            if stream.get_mut().write_all((head + &body).as_bytes()).is_err() {
                return;
            }
        }
    });
}

/// Clients that are all connected, then all call, three times over.
fn many(clients: usize) {
    const CALLS: usize = 3;
    let stage = Stage::new();
    let (mut process, address) = stage.listening();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = Instant::now();
    let (ok, failed, reasons) = runtime.block_on(tokio::task::LocalSet::new().run_until(async {
        let together = std::rc::Rc::new(tokio::sync::Barrier::new(clients));
        let tasks: Vec<_> = (0..clients)
            .map(|client| {
                let together = std::rc::Rc::clone(&together);
                tokio::task::spawn_local(async move {
                    let stream = connect(address).await;
                    together.wait().await;
                    let Some(mut stream) = stream else { return (0, Some("no connection".to_owned())) };
                    for call in 0..CALLS {
                        if let Err(why) = exchange(&mut stream, client * CALLS + call).await {
                            return (call, Some(why));
                        }
                    }
                    (CALLS, None)
                })
            })
            .collect();
        let mut sum = (0, 0, BTreeMap::<String, usize>::new());
        for task in tasks {
            let (ok, why) = task.await.unwrap();
            sum.0 += ok;
            sum.1 += CALLS - ok;
            if let Some(why) = why {
                *sum.2.entry(why).or_default() += 1;
            }
        }
        sum
    }));
    let took = begun.elapsed().as_secs_f64();
    println!(
        "{clients} HTTP clients at once, {CALLS} calls each: {ok} answered, {failed} not, {:.0}/s, guard resident {:.1} MiB",
        ok as f64 / took,
        resident(process.id()) as f64 / 1024.0
    );
    for (why, clients) in reasons {
        println!("  {clients} clients: {why}");
    }
    let _ = process.kill();
    let _ = process.wait();
}

/// The kernel's queue of new connections is shorter than the crowd.
async fn connect(address: SocketAddr) -> Option<tokio::net::TcpStream> {
    for _ in 0..200 {
        if let Ok(stream) = tokio::net::TcpStream::connect(address).await {
            return Some(stream);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}

/// One call, or in what words it failed.
async fn exchange(stream: &mut tokio::net::TcpStream, id: usize) -> Result<(), String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    stream.write_all(request(id).as_bytes()).await.map_err(|error| format!("sending: {error}"))?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk).await {
            Ok(count @ 1..) => answer.extend_from_slice(&chunk[..count]),
            Ok(_) => return Err("the connection was closed".to_owned()),
            Err(error) => return Err(format!("receiving: {error}")),
        }
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if length.is_some_and(|length: usize| body.len() >= length) {
            let is_right = head.starts_with("HTTP/1.1 200") && body.contains("hello, who is there?");
            let words =
                || format!("{}: {}", head.lines().next().unwrap_or_default(), body.replace(&id.to_string(), "N"));
            return if is_right { Ok(()) } else { Err(words()) };
        }
    }
}

/// Many calls through one guard, and its memory on the way.
fn long(calls: usize) {
    const TOGETHER: usize = 256;
    println!("{calls} calls through one guard, {TOGETHER} at once: resident after each tenth");
    let stage = Stage::new();
    let mut process = stage.guard(&[]).spawn().unwrap();
    let (mut input, mut output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
    open(&mut input, &mut output);
    let mut line = String::new();
    let begun = Instant::now();
    let batches = calls / TOGETHER;
    for batch in 0..batches {
        let frames: String = (0..TOGETHER).map(|at| frame(batch * TOGETHER + at, "") + "\n").collect();
        std::thread::scope(|scope| {
            scope.spawn(|| input.write_all(frames.as_bytes()).unwrap());
            for _ in 0..TOGETHER {
                line.clear();
                output.read_line(&mut line).unwrap();
                assert!(line.contains("hello"), "{line}");
            }
        });
        if (batch + 1) % (batches / 10).max(1) == 0 {
            print!(" {:.1}", resident(process.id()) as f64 / 1024.0);
            std::io::stdout().flush().unwrap();
            // Ten million calls are 14 GB of records; the disk of whoever measures is not for them.
            for entry in std::fs::read_dir(stage.0.path()).unwrap().flatten() {
                if entry.file_name().to_string_lossy().starts_with("manta-audit.jsonl.0") {
                    std::fs::remove_file(entry.path()).unwrap();
                }
            }
        }
    }
    println!(" MiB; {:.0} calls/s", (batches * TOGETHER) as f64 / begun.elapsed().as_secs_f64());
    drop(input);
    end(process);
}

/// Kibibytes that a process holds in memory.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
