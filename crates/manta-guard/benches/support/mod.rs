//! What the benches share: a server that echoes, and what a process has used.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Child;
use std::time::{Duration, Instant};

pub(crate) const GUARD: &str = env!("CARGO_BIN_EXE_manta-guard");

pub(crate) const POLICY: &str = r#"
version = 1
[limits.default]
calls = 65536
per = "100ms"
[tools.echo.args]
text = { kind = "string", max_len = 1000000 }
"#;

pub(crate) fn end(mut process: Child) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while process.try_wait().unwrap().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _ = process.kill();
}

/// User and system time of a process, in seconds; ticks of 10 ms.
pub(crate) fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after = &stat[stat.rfind(')').unwrap() + 2..];
    let ticks: u64 = after.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    ticks as f64 / 100.0
}

/// How clients begin. A guard that knows what the server speaks has nothing to translate any more.
pub(crate) fn open(input: &mut impl std::io::Write, output: &mut impl std::io::BufRead) {
    let hello = "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}";
    let (mut line, done) = (String::new(), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    writeln!(input, "{{\"jsonrpc\":\"2.0\",\"id\":\"open\",\"method\":\"initialize\",\"params\":{hello}}}").unwrap();
    output.read_line(&mut line).unwrap();
    assert!(line.contains("\"open\""), "{line}");
    writeln!(input, "{done}").unwrap();
}

/// Answers every call with its own text.
pub(crate) fn echo() {
    let mut input = BufReader::with_capacity(1 << 20, std::io::stdin().lock());
    let mut output = std::io::stdout().lock();
    let mut line = String::new();
    while input.read_line(&mut line).unwrap() > 0 {
        let Some(id) = line.split("\"id\":").nth(1).and_then(|rest| rest.split(',').next()) else {
            line.clear();
            continue;
        };
        let text = line.split("\"text\":").nth(1).map_or("\"\"", |rest| rest.trim_end().trim_end_matches('}'));
        let answer = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":{text}}}]}}}}\n"
        );
        output.write_all(answer.as_bytes()).unwrap();
        output.flush().unwrap();
        line.clear();
    }
}
