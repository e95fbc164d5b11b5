//! The terminal the guard was started from.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use super::http::ask;

/// What a person sees while a server writes to its standard error: it is started by `begin`, and ended.
fn seen(command: &mut Command, begin: impl FnOnce(&mut Child)) -> Vec<u8> {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let theirs = ioctl_tiocgptpeer(&terminal, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    let mut guard = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(theirs).spawn().unwrap();
    // The command keeps its copy of the other end, which would keep ours open.
    command.stderr(Stdio::null());
    let all = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&all);
    let watched = std::thread::spawn(move || {
        let mut piece = [0; 4096];
        let mut terminal = File::from(terminal);
        // The last process that closes it ends the reading, with an error.
        while let Ok(count @ 1..) = terminal.read(&mut piece) {
            seen.lock().unwrap().extend_from_slice(&piece[..count]);
        }
    });
    begin(&mut guard);
    // Until the last words of the server are there, however busy the machine is.
    let deadline = Instant::now() + Duration::from_secs(20);
    while !String::from_utf8_lossy(&all.lock().unwrap()).contains("all is well") && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(200));
    drop(guard.stdin.take());
    let pid = rustix::process::Pid::from_child(&guard);
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    guard.wait().unwrap();
    watched.join().unwrap();
    std::mem::take(&mut *all.lock().unwrap())
}

pub(crate) fn a_server_does_not_drive_the_terminal(directory: &Path) {
    fs::create_dir_all(directory.join("root")).unwrap();
    fs::write(directory.join("manta.toml"), super::OPEN).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let guard = |more: &[&str]| {
        let mut command = Command::new(super::GUARD);
        command.args(["--policy", "manta.toml"]).args(more).arg("--").arg(std::env::current_exe().unwrap());
        command.args(["server", "theatrical"]).current_dir(directory);
        command
    };
    let over_pipes = seen(&mut guard(&[]), |_| {});
    let over_http = seen(&mut guard(&["--http", &address.to_string()]), |_| {
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let hello = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
        assert_eq!(ask(address, "POST", &[], hello).status, 200);
    });
    for bytes in [over_pipes, over_http] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(text.contains("all is well"), "{text:?}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
    }
}
