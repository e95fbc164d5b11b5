//! What `manta serve` costs before it does anything: time to the first answer, and memory while it waits.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Highest that may be; time is processor time, because machines are busy with other things.
const START_UP: Duration = Duration::from_millis(10);
const MEMORY_KIB: u64 = 15 * 1024;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;

pub(super) fn run(manta: &Path, place: &Path) -> Result<String, String> {
    let root = place.join("cost");
    fs::create_dir_all(&root).map_err(|error| error.to_string())?;
    let mut samples = Vec::new();
    for _ in 0..10 {
        samples.push(sample(manta, &root)?);
    }
    let least = |part: fn(&Sample) -> Duration| samples.iter().map(part).min().unwrap_or_default();
    let (clock, processor) = (least(|sample| sample.clock), least(|sample| sample.processor));
    let memory = samples.iter().map(|sample| sample.memory_kib).max().unwrap_or_default();
    let said = format!(
        "manta serve: first answer after {:.1} ms ({:.1} ms of processor time), {:.1} MiB resident while idle\n",
        clock.as_secs_f64() * 1e3,
        processor.as_secs_f64() * 1e3,
        memory as f64 / 1024.0
    );
    match processor <= START_UP && memory <= MEMORY_KIB {
        true => Ok(said),
        false => Err(format!("{said}at most {} ms and {} MiB are allowed", START_UP.as_millis(), MEMORY_KIB / 1024)),
    }
}

struct Sample {
    clock: Duration,
    processor: Duration,
    memory_kib: u64,
}

fn sample(manta: &Path, root: &Path) -> Result<Sample, String> {
    let fail = |error: std::io::Error| error.to_string();
    let started = Instant::now();
    let mut child = Command::new(manta)
        .args(["serve", "--root"])
        .arg(root)
        .arg("--audit")
        .arg(root.join("audit.jsonl"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fail)?;
    let (mut stdin, stdout) = (child.stdin.take().ok_or("no standard input")?, child.stdout.take().ok_or("no output")?);
    writeln!(stdin, "{INITIALIZE}").map_err(fail)?;
    let mut answer = String::new();
    BufReader::new(stdout).read_line(&mut answer).map_err(fail)?;
    let clock = started.elapsed();
    if !answer.contains("\"serverInfo\"") {
        return Err(format!("the server answered {answer:?}"));
    }
    let processor = processor_time(child.id())?;
    let memory_kib = resident(child.id())?;
    drop(stdin);
    child.wait().map_err(fail)?;
    Ok(Sample { clock, processor, memory_kib })
}

/// Time on the processor so far, of all threads.
fn processor_time(pid: u32) -> Result<Duration, String> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).map_err(|error| error.to_string())?.flatten() {
        let text = fs::read_to_string(task.path().join("schedstat")).map_err(|error| error.to_string())?;
        nanoseconds += text.split(' ').next().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn resident(pid: u32) -> Result<u64, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no resident size")?;
    line.trim().trim_end_matches(" kB").parse().map_err(|_| format!("{line:?} is no size"))
}
