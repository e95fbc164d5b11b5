//! Tries to get out of the sandbox, by every way we know.
//!
//! Each probe runs three times as an ordinary user: without a sandbox, where it must succeed (or it
//! would prove nothing), at level A and at level B. What a level is documented to leave open must
//! really be open, so that the documentation can't go stale.
//!
//! The files and processes that are attacked belong to the same user as the probe: whatever is
//! stopped is stopped by the sandbox and not by ordinary permissions.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test program reports on standard output and panics when it can not go on"
)]
#![cfg(target_os = "linux")]
#![expect(unsafe_code, reason = "attacks are system calls that no library offers")]

mod probes;

use std::fs;
use std::io::Read as _;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use manta_guard::sandbox::{Access, Exec, Grant, Launcher, Level, Limits, Network, PROXY_PORT, Plan, init, launch};
use probes::{PROBES, Probe, Target};

const NOBODY: u32 = 65534;
const SECRET: &str = "manta-outside-secret";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = init::run_if_asked(&arguments) {
        return code;
    }
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["probe", name, target] => probe(name, target),
        ["victim"] => loop {
            std::thread::sleep(Duration::from_secs(60));
        },
        ["suite", directory] => suite(Path::new(directory)),
        // What `cargo test -- --list` and filters of other tests say.
        ["--list", ..] => {
            println!("escape: test");
            ExitCode::SUCCESS
        }
        _ => as_ordinary_user(),
    }
}

/// Copies the program where any user can run it, and becomes one.
fn as_ordinary_user() -> ExitCode {
    let directory = tempfile::Builder::new().prefix("manta-escape").tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("escape");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let work = directory.path().join("work");
    fs::create_dir(&work).unwrap();
    let mut command = Command::new(&program);
    command.args(["suite", work.to_str().unwrap()]).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        std::os::unix::fs::chown(&work, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let status = command.status().unwrap();
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one probe and says with the exit code whether it got out.
fn probe(name: &str, target: &str) -> ExitCode {
    let target: Target = serde_json::from_str(target).unwrap();
    let probe = PROBES.iter().find(|probe| probe.name == name).unwrap();
    match (probe.run)(&target) {
        Ok(()) => {
            print!("OUT");
            ExitCode::SUCCESS
        }
        Err(why) => {
            print!("stopped: {why}");
            ExitCode::from(10)
        }
    }
}

fn suite(directory: &Path) -> ExitCode {
    let stage = Stage::new(directory);
    let launcher = Launcher { program: std::env::current_exe().unwrap() };
    let mut failures = Vec::new();
    println!("{:<28} {:<10} {:<40} level B", "probe", "bare", "level A");
    for probe in PROBES {
        let mut said = Vec::new();
        let bare = stage.reset().bare(&launcher, probe);
        if bare != "OUT" {
            failures.push(format!("{}: must succeed without a sandbox, but {bare}", probe.name));
        }
        said.push(bare);
        for (level, is_open) in [(Level::A, probe.open_at_a), (Level::B, probe.open_at_b)] {
            let result = stage.reset().confined(&launcher, probe, level);
            if (result == "OUT") != is_open {
                let expected = if is_open { "documented as open" } else { "must be stopped" };
                failures.push(format!("{}: {expected} at level {level:?}, but {result}", probe.name));
            }
            said.push(result);
        }
        println!("{:<28} {:<10} {:<40.40} {:.40}", probe.name, said[0], said[1], said[2]);
    }
    println!("{} probes, {} failures", PROBES.len(), failures.len());
    for failure in &failures {
        println!("FAILED {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Everything that is attacked, kept alive while the suite runs.
struct Stage {
    directory: PathBuf,
    target: Target,
    victim: std::process::Child,
    _tcp: TcpListener,
    _tcp6: Option<TcpListener>,
    _udp: UdpSocket,
    _abstract: UnixListener,
    _path: UnixListener,
    _inherited: fs::File,
}

impl Stage {
    fn new(directory: &Path) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp6 = TcpListener::bind("[::1]:0").ok();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let name = format!("manta-escape-{}", std::process::id());
        let abstract_socket = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        fs::create_dir(directory.join("outside")).unwrap();
        fs::create_dir(directory.join("root")).unwrap();
        let path_socket = UnixListener::bind(directory.join("outside/socket")).unwrap();
        let victim = Command::new(std::env::current_exe().unwrap())
            .arg("victim")
            .env("MANTA_SECRET", SECRET)
            .current_dir(directory.join("outside"))
            .spawn()
            .unwrap();
        // A descriptor that somebody forgot to close: inherited by everything this process starts.
        fs::write(directory.join("outside/inherited.txt"), SECRET).unwrap();
        let inherited = fs::File::open(directory.join("outside/inherited.txt")).unwrap();
        let inherited_fd = probes::make_inheritable(&inherited);
        let target = Target {
            outside: directory.join("outside"),
            root: directory.join("root"),
            tcp: tcp.local_addr().unwrap().port(),
            tcp6: tcp6.as_ref().map_or(0, |tcp6| tcp6.local_addr().unwrap().port()),
            udp: udp.local_addr().unwrap().port(),
            abstract_name: name,
            victim: i32::try_from(victim.id()).unwrap(),
            inherited_fd,
            shm_key: probes::make_shared_memory(),
            program: std::env::current_exe().unwrap(),
        };
        Self {
            directory: directory.to_owned(),
            target,
            victim,
            _tcp: tcp,
            _tcp6: tcp6,
            _udp: udp,
            _abstract: abstract_socket,
            _path: path_socket,
            _inherited: inherited,
        }
    }

    /// Puts the files back as they were.
    fn reset(&self) -> &Self {
        let outside = self.directory.join("outside");
        let root = self.directory.join("root");
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("inner")).unwrap();
        fs::create_dir_all(outside.join("dir")).unwrap();
        for leftover in ["new.txt", "renamed.txt", "new-dir", "fifo", "moved.txt"] {
            let _ = fs::remove_file(outside.join(leftover)).or_else(|_| fs::remove_dir(outside.join(leftover)));
        }
        let _ = fs::remove_file(outside.join("secret.txt"));
        fs::write(outside.join("secret.txt"), SECRET).unwrap();
        fs::set_permissions(outside.join("secret.txt"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(outside.join("program.sh"), "#!/bin/sh\nexit 0\n").unwrap();
        fs::set_permissions(outside.join("program.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let _ = std::os::unix::fs::symlink(outside.join("secret.txt"), outside.join("pointer"));
        fs::write(root.join("own.txt"), "own").unwrap();
        fs::create_dir_all(root.join(".git")).unwrap();
        fs::write(root.join(".git/config"), SECRET).unwrap();
        fs::create_dir_all(root.join(".vscode")).unwrap();
        fs::write(root.join(".vscode/tasks.json"), "{}").unwrap();
        std::os::unix::fs::symlink(outside.join("secret.txt"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("dirlink")).unwrap();
        self
    }

    fn bare(&self, launcher: &Launcher, probe: &Probe) -> String {
        let mut command = Command::new(&launcher.program);
        command.args(["probe", probe.name, &self.target_json()]).env("MANTA_GUARD_TOKEN", SECRET);
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn confined(&self, launcher: &Launcher, probe: &Probe, level: Level) -> String {
        let program = launcher.program.to_string_lossy().into_owned();
        let mut grants: Vec<Grant> = ["/usr", "/lib", "/lib64", "/bin"].iter().map(Grant::load).collect();
        grants.push(Grant::run("/usr/lib64/ld-linux-x86-64.so.2"));
        grants.extend(fs::canonicalize("/lib64/ld-linux-x86-64.so.2").ok().map(Grant::run));
        grants.push(Grant::run(&program));
        grants.push(Grant { path: self.target.root.clone(), access: Access::Delete, exec: Exec::No });
        let plan = Plan {
            level,
            command: vec![program, "probe".into(), probe.name.into(), self.target_json()],
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            cwd: self.target.root.clone(),
            grants,
            hidden: vec![self.target.root.join(".git")],
            frozen: vec![self.target.root.join(".vscode")],
            network: Network::None,
            proxy_port: PROXY_PORT,
            unix_sockets: false,
            tmp_bytes: 1 << 20,
            tmp_exec: false,
            limits: Limits::default(),
        };
        match launch(launcher, &plan) {
            Ok(mut launched) => {
                assert_eq!(launched.reached.level, level);
                let mut said = String::new();
                fs::File::from(launched.pipes.stdout).read_to_string(&mut said).unwrap();
                let code = launched.process.wait();
                if said.is_empty() { format!("stopped: ended with code {code}") } else { said }
            }
            Err(error) => format!("not started: {error}"),
        }
    }

    fn target_json(&self) -> String {
        serde_json::to_string(&self.target).unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        probes::remove_shared_memory(self.target.shm_key);
    }
}
