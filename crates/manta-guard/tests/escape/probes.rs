//! The ways out. Each returns `Ok` when it got out and says otherwise what stopped it.

use std::ffi::{CString, c_long};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::SECRET;

/// What there is to attack.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Target {
    pub(crate) outside: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) tcp: u16,
    pub(crate) tcp6: u16,
    pub(crate) udp: u16,
    pub(crate) abstract_name: String,
    pub(crate) victim: i32,
    pub(crate) inherited_fd: i32,
    pub(crate) shm_key: i32,
    pub(crate) program: PathBuf,
}

pub(crate) struct Probe {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Target) -> Attempt,
    pub(crate) open_at_a: bool,
    pub(crate) open_at_b: bool,
}

type Attempt = Result<(), String>;

const fn closed(name: &'static str, run: fn(&Target) -> Attempt) -> Probe {
    Probe { name, run, open_at_a: false, open_at_b: false }
}

/// Level B can't stop it, as the documentation says.
const fn open_at_b(name: &'static str, run: fn(&Target) -> Attempt) -> Probe {
    Probe { name, run, open_at_a: false, open_at_b: true }
}

pub(crate) const PROBES: &[Probe] = &[
    // Files
    closed("read-outside", |t| secret_in(fs::read(t.outside.join("secret.txt")))),
    closed("read-by-dotdot", |t| secret_in(fs::read(t.root.join("../outside/secret.txt")))),
    closed("read-through-symlink", |t| secret_in(fs::read(t.root.join("link")))),
    closed("read-through-new-symlink", |t| {
        text(std::os::unix::fs::symlink(t.outside.join("secret.txt"), t.root.join("fresh")))?;
        secret_in(fs::read(t.root.join("fresh")))
    }),
    closed("read-etc-passwd", |_| text(fs::read("/etc/passwd")).map(drop)),
    closed("read-by-proc-root", |t| {
        secret_in(fs::read(format!("/proc/self/root{}", t.outside.join("secret.txt").display())))
    }),
    closed("read-by-victim-root", |t| {
        secret_in(fs::read(format!("/proc/{}/root{}", t.victim, t.outside.join("secret.txt").display())))
    }),
    closed("read-by-victim-cwd", |t| secret_in(fs::read(format!("/proc/{}/cwd/secret.txt", t.victim)))),
    closed("write-outside", |t| {
        let mut file = text(OpenOptions::new().write(true).open(t.outside.join("secret.txt")))?;
        text(file.write_all(b"changed"))
    }),
    closed("truncate-outside", |t| {
        let path = c_string(&t.outside.join("secret.txt"));
        // SAFETY: the path is NUL-terminated.
        result(unsafe { libc::truncate(path.as_ptr(), 0) }.into())
    }),
    closed("create-outside", |t| text(File::create(t.outside.join("new.txt"))).map(drop)),
    closed("create-through-dirlink", |t| text(File::create(t.root.join("dirlink/new.txt"))).map(drop)),
    closed("mkdir-outside", |t| text(fs::create_dir(t.outside.join("new-dir")))),
    closed("list-outside", |t| text(fs::read_dir(&t.outside)).map(drop)),
    closed("unlink-outside", |t| text(fs::remove_file(t.outside.join("secret.txt")))),
    closed("rename-outside", |t| text(fs::rename(t.outside.join("secret.txt"), t.outside.join("renamed.txt")))),
    closed("rename-out-of-root", |t| text(fs::rename(t.root.join("own.txt"), t.outside.join("moved.txt")))),
    closed("rename-into-root", |t| text(fs::rename(t.outside.join("secret.txt"), t.root.join("stolen.txt")))),
    closed("hard-link-into-root", |t| {
        text(fs::hard_link(t.outside.join("secret.txt"), t.root.join("hard")))?;
        secret_in(fs::read(t.root.join("hard")))
    }),
    closed("fifo-outside", |t| {
        let path = c_string(&t.outside.join("fifo"));
        // SAFETY: the path is NUL-terminated.
        result(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }.into())
    }),
    open_at_b("chmod-outside", |t| {
        text(fs::set_permissions(t.outside.join("secret.txt"), fs::Permissions::from_mode(0o644)))
    }),
    open_at_b("utime-outside", |t| {
        let path = c_string(&t.outside.join("secret.txt"));
        // SAFETY: the path is NUL-terminated; no times means now.
        result(unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), std::ptr::null(), 0) }.into())
    }),
    open_at_b("xattr-outside", |t| {
        let path = c_string(&t.outside.join("secret.txt"));
        // SAFETY: path and name are NUL-terminated; the value is one byte long.
        result(unsafe { libc::setxattr(path.as_ptr(), c"user.manta".as_ptr(), c"x".as_ptr().cast(), 1, 0) }.into())
    }),
    open_at_b("stat-outside", |t| text(fs::metadata(t.outside.join("secret.txt"))).map(drop)),
    open_at_b("chdir-outside", |t| text(std::env::set_current_dir(&t.outside))),
    open_at_b("read-denied-name", |t| secret_in(fs::read(t.root.join(".git/config")))),
    open_at_b("write-frozen-name", |t| text(fs::write(t.root.join(".vscode/tasks.json"), "run me"))),
    open_at_b("create-in-frozen-name", |t| text(fs::write(t.root.join(".vscode/launch.json"), "run me"))),
    open_at_b("rename-frozen-name", |t| text(fs::rename(t.root.join(".vscode"), t.root.join("moved")))),
    open_at_b("readlink-outside", |t| text(fs::read_link(t.outside.join("pointer"))).map(drop)),
    open_at_b("watch-outside", |t| {
        // SAFETY: plain numbers only.
        let watcher = checked(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) }.into())?;
        let path = c_string(&t.outside);
        // SAFETY: the path is NUL-terminated.
        result(unsafe { libc::syscall(libc::SYS_inotify_add_watch, watcher, path.as_ptr(), libc::IN_ALL_EVENTS) })
    }),
    closed("path-descriptor-reopen", |t| {
        let file = OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(t.outside.join("secret.txt"));
        let file = text(file)?;
        secret_in(fs::read(format!("/proc/self/fd/{}", file.as_raw_fd())))
    }),
    closed("name-to-handle", |t| {
        let path = c_string(&t.outside.join("secret.txt"));
        let mut handle = [0_u32; 64];
        handle[0] = 128;
        let mut mount = 0_i32;
        // SAFETY: the handle has room for 128 bytes and says so; path and mount outlive the call.
        result(unsafe {
            libc::syscall(
                libc::SYS_name_to_handle_at,
                libc::AT_FDCWD,
                path.as_ptr(),
                handle.as_mut_ptr(),
                &raw mut mount,
                0,
            )
        })
    }),
    closed("inherited-descriptor", |t| {
        let mut said = String::new();
        let opened = File::open(format!("/proc/self/fd/{}", t.inherited_fd));
        text(text(opened)?.read_to_string(&mut said))?;
        if said.contains(SECRET) { Ok(()) } else { Err("another file".into()) }
    }),
    // Programs
    closed("exec-outside", |t| text(Command::new(t.outside.join("program.sh")).status()).map(drop)),
    closed("exec-shell", |_| text(Command::new("/bin/sh").args(["-c", "exit 0"]).status()).map(drop)),
    closed("exec-own-file", |t| {
        fs::copy(&t.program, t.root.join("copy")).map_err(|error| error.to_string())?;
        text(fs::set_permissions(t.root.join("copy"), fs::Permissions::from_mode(0o755)))?;
        text(Command::new(t.root.join("copy")).arg("--list").stdout(Stdio::null()).status()).map(drop)
    }),
    open_at_b("exec-through-the-loader", |t| {
        // Level B has no mounts of its own, and the loader is a program that everything needs.
        fs::copy("/usr/bin/true", t.root.join("true")).map_err(|error| error.to_string())?;
        let status = text(Command::new("/lib64/ld-linux-x86-64.so.2").arg(t.root.join("true")).status())?;
        if status.success() { Ok(()) } else { Err("the loader refused it".into()) }
    }),
    closed("exec-memory-file", |t| {
        // SAFETY: the name is NUL-terminated.
        let fd = unsafe { libc::memfd_create(c"m".as_ptr(), 0) };
        result(fd.into())?;
        let path = format!("/proc/self/fd/{fd}");
        text(fs::write(&path, text(fs::read(&t.program))?))?;
        text(Command::new(format!("/proc/{}/fd/{fd}", std::process::id())).arg("--list").stdout(Stdio::null()).status())
            .map(drop)
    }),
    // Network
    closed("tcp-to-host", |t| connect(SocketAddr::from((Ipv4Addr::LOCALHOST, t.tcp)))),
    closed("tcp6-to-host", |t| connect(SocketAddr::from((Ipv6Addr::LOCALHOST, t.tcp6)))),
    closed("udp-to-host", |t| {
        let socket = text(UdpSocket::bind("127.0.0.1:0"))?;
        text(socket.connect(("127.0.0.1", t.udp)))?;
        text(socket.send(b"x"))?;
        // Without a listener the first send is answered by an error that the second one reports.
        std::thread::sleep(Duration::from_millis(20));
        text(socket.send(b"x")).map(drop)
    }),
    closed("abstract-socket", |t| {
        let address = text(std::os::unix::net::SocketAddr::from_abstract_name(&t.abstract_name))?;
        text(UnixStream::connect_addr(&address)).map(drop)
    }),
    closed("path-socket", |t| text(UnixStream::connect(t.outside.join("socket"))).map(drop)),
    closed("vsock", |_| socket(libc::AF_VSOCK, libc::SOCK_STREAM)),
    closed("netlink", |_| socket(libc::AF_NETLINK, libc::SOCK_RAW)),
    closed("unix-socket", |_| socket(libc::AF_UNIX, libc::SOCK_STREAM)),
    // Namespaces and kernel interfaces
    closed("unshare-user", |_| call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0])),
    closed("unshare-net", |_| call(libc::SYS_unshare, [(libc::CLONE_NEWUSER | libc::CLONE_NEWNET).into(), 0, 0, 0, 0])),
    closed("clone-user", |_| {
        forked(call_value(libc::SYS_clone, [(libc::CLONE_NEWUSER | libc::SIGCHLD).into(), 0, 0, 0, 0]))
    }),
    closed("clone3-user", |_| {
        let mut arguments = [0_u64; 11];
        arguments[0] = u64::try_from(libc::CLONE_NEWUSER).expect("a positive flag");
        arguments[4] = u64::try_from(libc::SIGCHLD).expect("a positive number");
        // SAFETY: the structure is as long as it says; without CLONE_VM the child has its own memory.
        forked(checked(unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) }))
    }),
    closed("setns", |t| {
        let file = text(File::open("/proc/self/ns/user"))
            .or_else(|_| text(File::open(format!("/proc/{}/ns/user", t.victim))))?;
        // Entering one's own user namespace is refused with EINVAL by the kernel itself: the call exists.
        match call(libc::SYS_setns, [file.as_raw_fd().into(), libc::CLONE_NEWUSER.into(), 0, 0, 0]) {
            Err(why) if why.contains("os error 22") => Ok(()),
            other => other,
        }
    }),
    closed("io-uring", |_| {
        let mut parameters = [0_u8; 120];
        // SAFETY: the structure has the size the kernel expects and outlives the call.
        result(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })
    }),
    closed("userfaultfd", |_| call(libc::SYS_userfaultfd, [1, 0, 0, 0, 0])),
    closed("keyring", |_| {
        // SAFETY: all strings are NUL-terminated; the payload is one byte.
        result(unsafe { libc::syscall(libc::SYS_add_key, c"user".as_ptr(), c"manta".as_ptr(), c"x".as_ptr(), 1, -2) })
    }),
    closed("personality", |_| call(libc::SYS_personality, [0x0004_0000, 0, 0, 0, 0])),
    #[cfg(target_arch = "x86_64")]
    closed("int80", |_| {
        let mut number: i64 = 20; // getpid
        // SAFETY: getpid has no arguments; the registers it may change are declared.
        unsafe {
            std::arch::asm!("int 0x80", inout("rax") number, out("r8") _, out("r9") _, out("r10") _, out("r11") _)
        };
        if number > 0 { Ok(()) } else { Err(format!("answered {number}")) }
    }),
    // Other processes
    closed("signal", |t| call(libc::SYS_kill, [t.victim.into(), 0, 0, 0, 0])),
    closed("ptrace", |t| {
        call(libc::SYS_ptrace, [libc::PTRACE_ATTACH.into(), t.victim.into(), 0, 0, 0])?;
        // SAFETY: plain numbers only.
        unsafe {
            libc::waitpid(t.victim, std::ptr::null_mut(), 0);
            libc::ptrace(libc::PTRACE_DETACH, t.victim, 0, 0);
        }
        Ok(())
    }),
    closed("read-environment", |t| secret_in(fs::read(format!("/proc/{}/environ", t.victim)))),
    closed("open-memory", |t| text(File::open(format!("/proc/{}/mem", t.victim))).map(drop)),
    closed("init-memory", |_| {
        // Inside, the parent is the sandbox's init.
        // SAFETY: no arguments.
        let parent = unsafe { libc::getppid() };
        text(File::open(format!("/proc/{}/mem", parent.max(1)))).map(drop)
    }),
    closed("pidfd-getfd", |t| {
        let fd = call_value(libc::SYS_pidfd_open, [t.victim.into(), 0, 0, 0, 0])?;
        call(libc::SYS_pidfd_getfd, [fd, 1, 0, 0, 0])
    }),
    open_at_b("read-command-line", |t| {
        let said = text(fs::read(format!("/proc/{}/cmdline", t.victim)))?;
        if said.is_empty() { Err("it is empty".into()) } else { Ok(()) }
    }),
    closed("slow-other-process", |t| {
        call(libc::SYS_setpriority, [libc::PRIO_PROCESS.into(), t.victim.into(), 19, 0, 0])
    }),
    closed("idle-other-process", |t| {
        let priority = libc::sched_param { sched_priority: 0 };
        // SAFETY: the pointer is valid.
        result(unsafe { libc::sched_setscheduler(t.victim, libc::SCHED_IDLE, &raw const priority) }.into())
    }),
    closed("pin-other-process", |t| {
        // SAFETY: a set of no processors is all zeroes.
        let mut first: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: every set has a place for the first.
        unsafe { libc::CPU_SET(0, &mut first) };
        // SAFETY: the pointer is valid for the size that is given.
        result(unsafe { libc::sched_setaffinity(t.victim, size_of_val(&first), &raw const first) }.into())
    }),
    closed("limit-other-process", |t| {
        call(libc::SYS_prlimit64, [t.victim.into(), libc::RLIMIT_NOFILE.into(), 0, 0, 0])
    }),
    closed("shared-memory", |t| {
        // SAFETY: plain numbers only.
        result(unsafe { libc::shmget(t.shm_key, 0, 0) }.into())
    }),
    closed("message-queue", |t| {
        // SAFETY: a valid text.
        result(unsafe { libc::mq_open(queue_name(t.shm_key).as_ptr(), libc::O_RDONLY) }.into())
    }),
    closed("guard-environment", |_| std::env::var("MANTA_GUARD_TOKEN").map(drop).map_err(|error| error.to_string())),
];

/// Clears close-on-exec, as a careless program would have.
pub(crate) fn make_inheritable(file: &File) -> i32 {
    // SAFETY: plain numbers only.
    let copy = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 50) };
    assert!(copy >= 0);
    copy
}

/// Shared memory, and a queue of messages beside it.
pub(crate) fn make_shared_memory() -> i32 {
    let key = i32::try_from(std::process::id() & 0x00ff_ffff).unwrap() | 0x4d00_0000;
    // SAFETY: plain numbers only.
    assert!(unsafe { libc::shmget(key, 4096, libc::IPC_CREAT | 0o600) } >= 0);
    let (flags, mode) = (libc::O_CREAT | libc::O_RDWR, 0o600_u32);
    // SAFETY: a valid text, numbers, and no attributes.
    let queue = unsafe { libc::mq_open(queue_name(key).as_ptr(), flags, mode, std::ptr::null_mut::<libc::mq_attr>()) };
    assert!(queue >= 0);
    key
}

pub(crate) fn remove_shared_memory(key: i32) {
    // SAFETY: plain numbers and a null pointer, which removal ignores; a valid text.
    unsafe {
        libc::shmctl(libc::shmget(key, 0, 0), libc::IPC_RMID, std::ptr::null_mut());
        libc::mq_unlink(queue_name(key).as_ptr());
    }
}

fn queue_name(key: i32) -> CString {
    CString::new(format!("/manta-escape-{key}")).unwrap()
}

fn connect(address: SocketAddr) -> Attempt {
    text(TcpStream::connect_timeout(&address, Duration::from_secs(2))).map(drop)
}

fn socket(family: i32, kind: i32) -> Attempt {
    call(libc::SYS_socket, [family.into(), kind.into(), 0, 0, 0])
}

fn secret_in(read: io::Result<Vec<u8>>) -> Attempt {
    let bytes = text(read)?;
    let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    if found { Ok(()) } else { Err("the secret is not in it".into()) }
}

fn text<T>(result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

fn result(value: c_long) -> Attempt {
    checked(value).map(drop)
}

fn checked(value: c_long) -> Result<c_long, String> {
    if value < 0 { Err(io::Error::last_os_error().to_string()) } else { Ok(value) }
}

fn call(number: c_long, arguments: [c_long; 5]) -> Attempt {
    call_value(number, arguments).map(drop)
}

fn call_value(number: c_long, [a, b, c, d, e]: [c_long; 5]) -> Result<c_long, String> {
    // SAFETY: numbers and null pointers only.
    checked(unsafe { libc::syscall(number, a, b, c, d, e) })
}

/// The parent of a successful clone reports it; the child just ends.
fn forked(pid: Result<c_long, String>) -> Attempt {
    match pid? {
        // SAFETY: ends the child without running anything else of it.
        0 => unsafe { libc::_exit(0) },
        _ => Ok(()),
    }
}

fn c_string(path: &std::path::Path) -> CString {
    use std::os::unix::ffi::OsStrExt as _;
    CString::new(path.as_os_str().as_bytes()).unwrap()
}
