//! The system calls a server never needs, refused for its whole process tree.
//!
//! A deny list, because runtimes use nearly everything else. Three traps that deny lists fall into
//! are closed: `clone3` and `clone` make namespaces too (the flags of the first are behind a pointer,
//! so it does not exist here and the C library falls back to the second, whose flags are looked at);
//! x32 numbers have the x86-64 architecture value but other numbers; 32-bit calls have another
//! architecture value and end the process.

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
    SECCOMP_RET_KILL_PROCESS, c_long, sock_filter,
};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// Offsets in `struct seccomp_data`; arguments are read by their low half.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const X32_BIT: u32 = 0x4000_0000;

const NAMESPACE_FLAGS: u32 = (libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP) as u32
    | 0x80; // CLONE_NEWTIME

/// Newer than the constants of the C library (Linux 6.15): `open_tree` with attributes.
const OPEN_TREE_ATTR: c_long = 467;

/// The newest call that was looked at (`file_setattr`, Linux 6.17). What later kernels add is unknown here, and a
/// list of what is refused can't name it: such calls do not exist in the sandbox, and programs fall back.
const NEWEST: u32 = 469;

/// `memfd_create` flag: the file can never be made executable. Kernel 6.3 and later.
const MFD_NOEXEC_SEAL: u32 = 8;

/// Refused with EPERM, whatever the arguments.
const DENIED: &[c_long] = &[
    // Other processes
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // A second way to do nearly everything, sockets included, without the calls checked here
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Mounts and namespaces
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    OPEN_TREE_ATTR,
    libc::SYS_setns,
    libc::SYS_unshare,
    // Kernel attack surface no server needs
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_fanotify_init,
    libc::SYS_lookup_dcookie,
    libc::SYS_vhangup,
    libc::SYS_quotactl,
    libc::SYS_acct,
    // Files by handle bypass path rules
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // The machine
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_personality,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// Memory and queues that processes find by a key or a name, which an IPC namespace keeps apart. Without one they are every
/// process's of the same user, and no path rule speaks of them. Refused as if they did not exist: what servers use has other
/// ways (files, POSIX shared memory).
const SHARED: &[c_long] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// Calls whose first argument is a process of which they change how it runs; 0 is the caller itself. A PID namespace keeps
/// other processes apart, and there threads may be named as well.
const ABOUT_PROCESSES: &[c_long] = &[
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// What the program depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needs {
    /// IPv4 and IPv6 sockets may be made; where they lead is the network namespace's matter.
    pub(super) inet: bool,
    /// Unix sockets may be made.
    pub(super) unix: bool,
    /// The process has PID and IPC namespaces of its own.
    pub(super) apart: bool,
}

/// The program.
pub(super) fn program(needs: Needs) -> Vec<sock_filter> {
    let mut program =
        vec![load(ARCH), jump(BPF_JEQ, ARCHITECTURE, 1, 0), answer(SECCOMP_RET_KILL_PROCESS), load(NUMBER)];
    if cfg!(target_arch = "x86_64") {
        program.extend([jump(BPF_JGE, X32_BIT, 0, 1), errno(libc::ENOSYS)]);
    }
    program.extend([jump(BPF_JGE, NEWEST + 1, 0, 1), errno(libc::ENOSYS)]);
    program.extend([jump(BPF_JEQ, number(libc::SYS_clone3), 0, 1), errno(libc::ENOSYS)]);
    for call in DENIED {
        program.extend([jump(BPF_JEQ, number(*call), 0, 1), errno(libc::EPERM)]);
    }
    if !needs.apart {
        for call in SHARED {
            program.extend([jump(BPF_JEQ, number(*call), 0, 1), errno(libc::ENOSYS)]);
        }
        for call in ABOUT_PROCESSES {
            program.extend(only_about_itself(*call));
        }
    }
    program.extend([
        jump(BPF_JEQ, number(libc::SYS_clone), 0, 4),
        load(argument(0)),
        jump(BPF_JSET, NAMESPACE_FLAGS, 0, 1),
        errno(libc::EPERM),
        answer(SECCOMP_RET_ALLOW),
    ]);
    // Memory files that could be run would be programs nobody granted; callers fall back to files.
    program.extend([
        jump(BPF_JEQ, number(libc::SYS_memfd_create), 0, 4),
        load(argument(1)),
        jump(BPF_JSET, MFD_NOEXEC_SEAL, 1, 0),
        errno(libc::ENOSYS),
        answer(SECCOMP_RET_ALLOW),
    ]);
    // Limits of other processes.
    program.extend(only_about_itself(libc::SYS_prlimit64));
    // Priorities of other processes, and of all that a user or a group has. `PRIO_PROCESS` is 0, its sibling for
    // input and output 1; process 0 is the caller itself.
    for (call, process) in [(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)] {
        program.extend([
            jump(BPF_JEQ, number(call), 0, 6),
            load(argument(0)),
            jump(BPF_JEQ, process, 0, 2),
            load(argument(1)),
            jump(BPF_JEQ, 0, 1, 0),
            errno(libc::EPERM),
            answer(SECCOMP_RET_ALLOW),
        ]);
    }
    // Typing into the terminal of whoever started the guard.
    program.extend([
        jump(BPF_JEQ, number(libc::SYS_ioctl), 0, 5),
        load(argument(1)),
        jump(BPF_JEQ, libc::TIOCSTI as u32, 1, 0),
        jump(BPF_JEQ, libc::TIOCLINUX as u32, 0, 1),
        errno(libc::EPERM),
        answer(SECCOMP_RET_ALLOW),
    ]);
    program.push(jump(BPF_JEQ, number(libc::SYS_socket), 1, 0));
    program.push(answer(SECCOMP_RET_ALLOW));
    program.push(load(argument(0)));
    let mut families = Vec::new();
    if needs.inet {
        families.extend([libc::AF_INET, libc::AF_INET6]);
    }
    if needs.unix {
        families.push(libc::AF_UNIX);
    }
    for family in families {
        program.extend([jump(BPF_JEQ, family.cast_unsigned(), 0, 1), answer(SECCOMP_RET_ALLOW)]);
    }
    program.push(errno(libc::EPERM));
    program
}

/// Refuses a call whose first argument is another process than 0, the caller itself.
fn only_about_itself(call: c_long) -> [sock_filter; 5] {
    [
        jump(BPF_JEQ, number(call), 0, 4),
        load(argument(0)),
        jump(BPF_JEQ, 0, 1, 0),
        errno(libc::EPERM),
        answer(SECCOMP_RET_ALLOW),
    ]
}

fn number(call: c_long) -> u32 {
    u32::try_from(call).expect("system call numbers are small")
}

fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

fn jump(condition: u32, value: u32, if_true: u8, if_false: u8) -> sock_filter {
    instruction(BPF_JMP | condition | BPF_K, value, if_true, if_false)
}

fn answer(value: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, value, 0, 0)
}

fn errno(error: i32) -> sock_filter {
    answer(SECCOMP_RET_ERRNO | error.cast_unsigned())
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).expect("BPF codes are 16 bits"), jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn run(program: &[sock_filter], arch: u32, number: u32, arguments: [u32; 2]) -> u32 {
        let mut accumulator = 0;
        let mut at = 0;
        loop {
            let step = program[at];
            at += 1;
            let taken = |condition: bool| usize::from(if condition { step.jt } else { step.jf });
            match u32::from(step.code) {
                code if code == BPF_RET | BPF_K => return step.k,
                code if code == BPF_LD | BPF_W | BPF_ABS => {
                    accumulator = match step.k {
                        NUMBER => number,
                        ARCH => arch,
                        offset => arguments[((offset - 16) / 8) as usize],
                    };
                }
                code if code == BPF_JMP | BPF_JEQ | BPF_K => at += taken(accumulator == step.k),
                code if code == BPF_JMP | BPF_JGE | BPF_K => at += taken(accumulator >= step.k),
                code if code == BPF_JMP | BPF_JSET | BPF_K => at += taken(accumulator & step.k != 0),
                code => panic!("unexpected instruction {code}"),
            }
        }
    }

    #[test]
    fn the_program_decides_as_documented() {
        let closed = program(Needs { inet: false, unix: false, apart: false });
        let open = program(Needs { inet: true, unix: true, apart: true });
        let ask =
            |program: &[sock_filter], call: c_long, arguments| run(program, ARCHITECTURE, number(call), arguments);
        let eperm = SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let enosys = SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
        for call in DENIED {
            assert_eq!(ask(&open, *call, [0, 0]), eperm);
        }
        for call in SHARED {
            assert_eq!((ask(&open, *call, [0, 0]), ask(&closed, *call, [0, 0])), (SECCOMP_RET_ALLOW, enosys));
        }
        for call in ABOUT_PROCESSES {
            let of = |program, process| ask(program, *call, [process, 0]);
            assert_eq!([of(&open, 7), of(&closed, 0), of(&closed, 7)], [SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, eperm]);
        }
        assert_eq!(ask(&open, libc::SYS_clone3, [0, 0]), enosys);
        assert_eq!(ask(&open, libc::SYS_clone, [libc::CLONE_VM as u32, 0]), SECCOMP_RET_ALLOW);
        for bit in (0..32).map(|bit| 1_u32 << bit).filter(|bit| bit & NAMESPACE_FLAGS != 0) {
            assert_eq!(ask(&open, libc::SYS_clone, [bit | libc::SIGCHLD as u32, 0]), eperm);
        }
        assert_eq!(ask(&open, libc::SYS_read, [0, 0]), SECCOMP_RET_ALLOW);
        for unknown in [NEWEST + 1, NEWEST + 100, X32_BIT - 1] {
            assert_eq!(run(&open, ARCHITECTURE, unknown, [0, 0]), enosys, "call {unknown} is not known");
        }
        assert_eq!(ask(&open, libc::SYS_ioctl, [0, libc::TIOCSTI as u32]), eperm);
        assert_eq!(ask(&open, libc::SYS_ioctl, [0, libc::TIOCLINUX as u32]), eperm);
        assert_eq!(ask(&open, libc::SYS_ioctl, [0, libc::TCGETS as u32]), SECCOMP_RET_ALLOW);
        for (call, own) in [(libc::SYS_setpriority, 0), (libc::SYS_ioprio_set, 1)] {
            assert_eq!(ask(&open, call, [own, 0]), SECCOMP_RET_ALLOW);
            for other in [[own, 1234], [own + 1, 0], [own + 2, 0]] {
                assert_eq!(ask(&open, call, other), eperm);
            }
        }
        for family in 0..64_u32 {
            let is_known = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX].contains(&family.cast_signed());
            let expected = if is_known { SECCOMP_RET_ALLOW } else { eperm };
            assert_eq!(ask(&open, libc::SYS_socket, [family, 0]), expected, "family {family}");
            assert_eq!(ask(&closed, libc::SYS_socket, [family, 0]), eperm);
        }
        assert_eq!(run(&open, 0x4000_0003, 5, [0, 0]), SECCOMP_RET_KILL_PROCESS, "32-bit calls");
        if cfg!(target_arch = "x86_64") {
            assert_eq!(run(&open, ARCHITECTURE, X32_BIT | 41, [0, 0]), enosys, "x32 calls");
        }
    }
}
