//! What the server process puts on itself just before it becomes the server: limits, no
//! capabilities, Landlock, seccomp. None of it can be taken off again.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, Scope,
};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::seccomp::{self, Needs};
use crate::sandbox::{Access, Exec, Grant, Level, Network, Plan, limits, sys};

/// The newest Landlock version whose rights are asked for; the crate leaves out what the kernel lacks.
const NEWEST: ABI = ABI::V9;

/// Processes and threads of a server at level A where the policy does not say.
const MOST_PROCESSES: u64 = 4096;

/// Confines this process for good. Returns the Landlock version in force.
pub(super) fn raise(plan: &Plan) -> io::Result<()> {
    let mut bounds = plan.limits;
    if plan.level == Level::A {
        // In a user namespace of its own the kernel counts what is in it, so a tree that only grows meets an end.
        bounds.processes.get_or_insert(MOST_PROCESSES);
    }
    limits::set(&bounds)?;
    if plan.level == Level::C {
        return Ok(());
    }
    drop_capabilities()?;
    rustix::thread::set_no_new_privs(true)?;
    landlock(plan)?;
    let inet = match plan.network {
        Network::Any => true,
        // Only inside a network namespace of its own do sockets lead nowhere else.
        Network::Proxy | Network::None => plan.level == Level::A,
    };
    let needs = Needs { inet, unix: plan.unix_sockets, apart: plan.level == Level::A };
    sys::install_filter(&seccomp::program(needs))
        .map_err(|error| io::Error::new(error.kind(), format!("seccomp: {error}")))
}

/// Also from the bounding set: a program run by user 0 would get them back otherwise.
fn drop_capabilities() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    for capability in CapabilitySet::all().iter() {
        // Fails without CAP_SETPCAP, and then there is nothing to drop from; unknown ones are no worry.
        let _ = rustix::thread::remove_capability_from_bounding_set(capability);
    }
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

fn landlock(plan: &Plan) -> io::Result<()> {
    if sys::landlock_abi() == 0 {
        return match plan.level {
            Level::A => Ok(()), // The mount namespace confines alone; the gap is reported.
            Level::B | Level::C => Err(io::Error::other("this kernel has no Landlock")),
        };
    }
    restrict(plan).map_err(|error| io::Error::other(format!("Landlock: {error}")))
}

fn restrict(plan: &Plan) -> Result<(), landlock::RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V3))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?;
    if plan.network == Network::None && plan.level == Level::B {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut created = ruleset.create()?;
    let grants = plan.grants.iter().map(|grant| (grant.path.as_path(), rights(grant)));
    for (path, rights) in grants.chain(implicit(plan)) {
        // What does not exist can't be granted, and is not reachable either.
        let Ok(fd) = PathFd::new(path) else { continue };
        let rights = if path.is_dir() { rights } else { rights & AccessFs::from_file(NEWEST) };
        created = created.add_rule(PathBeneath::new(fd, rights))?;
    }
    created.restrict_self()?;
    Ok(())
}

fn rights(grant: &Grant) -> BitFlags<AccessFs> {
    let mut rights = BitFlags::from(AccessFs::ReadDir);
    if grant.access >= Access::Read {
        rights |= AccessFs::ReadFile;
    }
    if grant.exec == Exec::Run {
        rights |= AccessFs::Execute;
    }
    if grant.access >= Access::Write {
        rights |= AccessFs::WriteFile | AccessFs::Truncate;
    }
    if grant.access >= Access::Create {
        rights |= AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::MakeSym | AccessFs::MakeSock | AccessFs::MakeFifo;
    }
    if grant.access >= Access::Delete {
        rights |= AccessFs::RemoveFile | AccessFs::RemoveDir | AccessFs::Refer;
    }
    rights
}

/// Process information, devices that store nothing, private temporary directories.
fn implicit(plan: &Plan) -> Vec<(&'static Path, BitFlags<AccessFs>)> {
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    let mut rules: Vec<(&'static Path, BitFlags<AccessFs>)> =
        ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"]
            .map(|path| (Path::new(path), device))
            .into();
    rules.push((Path::new("/proc"), AccessFs::ReadFile | AccessFs::ReadDir));
    if plan.level == Level::A {
        let exec = if plan.tmp_exec { Exec::Run } else { Exec::No };
        let private = [("/tmp", exec), ("/dev/shm", Exec::No)];
        for (place, exec) in private.into_iter().filter(|(place, _)| !plan.holds_less_below(place)) {
            rules.push((Path::new(place), rights(&Grant { exec, ..Grant::write(place) })));
        }
        rules.push((Path::new("/dev"), AccessFs::ReadDir.into()));
    }
    rules
}
