//! What the guard adds to a call on stdio, beside a bare relay of two pipes and no relay at all.
//!
//! `cargo bench -p manta-guard --bench overhead [-- BYTES CALLS]`. The server is a loop that echoes, so that what is
//! measured is the way there and back. Figures of one run may be compared with each other, not with another run's.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures has nobody to report errors to")]
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[path = "support/mod.rs"]
mod support;

use support::{GUARD, POLICY, cpu, echo, end, open};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["echo"] => echo(),
        ["relay"] => relay(),
        [] => [(100, 4000), (4 << 10, 2000), (100 << 10, 300)].into_iter().for_each(|(bytes, calls)| all(bytes, calls)),
        [bytes, calls] => all(bytes.parse().unwrap(), calls.parse().unwrap()),
        other => panic!("{other:?}"),
    }
}

fn all(bytes: usize, calls: usize) {
    let own = std::env::current_exe().unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("manta.toml"), POLICY).unwrap();
    let command = |start: &[&str]| {
        let mut command = Command::new(start.first().map_or(own.as_os_str(), |program| program.as_ref()));
        command.args(start.iter().skip(1)).current_dir(directory.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        command
    };
    let own_text = own.to_str().unwrap();
    println!(
        "{bytes} B, {calls} calls: p50 and p99 of a round trip, CPU of the process in front per call, calls/s of 64 at once"
    );
    for (name, line) in [
        ("direct", vec![own_text, "echo"]),
        ("bare relay", vec![own_text, "relay"]),
        ("guard, no policy", vec![GUARD, "--", own_text, "echo"]),
        ("guard, policy, limit, record", vec![GUARD, "--policy", "manta.toml", "--", own_text, "echo"]),
    ] {
        measure(name, command(&line), bytes, calls);
    }
}

fn measure(name: &str, mut command: Command, bytes: usize, calls: usize) {
    let mut process = command.spawn().unwrap();
    let (mut input, mut output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
    open(&mut input, &mut output);
    let text = "x".repeat(bytes);
    let frame = |id: usize| {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"echo\",\"arguments\":{{\"text\":\"{text}\"}}}}}}\n"
        )
    };
    let mut line = Vec::new();
    let mut round = |id: usize| {
        let start = Instant::now();
        input.write_all(frame(id).as_bytes()).unwrap();
        line.clear();
        output.read_until(b'\n', &mut line).unwrap();
        assert!(line.len() >= bytes, "{}", String::from_utf8_lossy(&line[..line.len().min(300)]));
        start.elapsed()
    };
    for id in 0..50 {
        let _ = round(id);
    }
    let before = cpu(process.id());
    let mut times: Vec<Duration> = (50..50 + calls).map(&mut round).collect();
    let spent = cpu(process.id()) - before;
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 1000].as_secs_f64() * 1e6;
    let start = Instant::now();
    let batches = (calls / 64).max(1);
    for batch in 0..batches {
        let frames: String = (0..64).map(|id| frame(100_000 + batch * 64 + id)).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| input.write_all(frames.as_bytes()).unwrap());
            for _ in 0..64 {
                line.clear();
                output.read_until(b'\n', &mut line).unwrap();
            }
        });
    }
    let rate = (batches * 64) as f64 / start.elapsed().as_secs_f64();
    println!(
        "  {name:<30} {:>9.1} µs {:>9.1} µs {:>8.1} µs {rate:>9.0}/s",
        at(500),
        at(990),
        spent * 1e6 / calls as f64
    );
    drop(input);
    end(process);
}

/// Two pipes and nothing else.
fn relay() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let mut child = child.arg("echo").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let back = std::thread::spawn(move || {
        let (mut buffer, mut out) = (vec![0; 64 << 10], std::io::stdout().lock());
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            out.write_all(&buffer[..count]).unwrap();
            out.flush().unwrap();
        }
    });
    let (mut buffer, mut input) = (vec![0; 64 << 10], std::io::stdin().lock());
    while let Ok(count @ 1..) = input.read(&mut buffer) {
        to.write_all(&buffer[..count]).unwrap();
    }
    drop(to);
    let _ = back.join();
    let _ = child.wait();
}
