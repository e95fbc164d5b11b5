//! Bounds that the kernel puts on each process of the server.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Limits;

/// Lowers this process's limits for good, also for what it starts; never above what the host allows.
pub(super) fn set(limits: &Limits) -> io::Result<()> {
    let set = |resource, value: Option<u64>| match value {
        Some(value) => {
            let hard = getrlimit(resource).maximum;
            let value = hard.map_or(value, |hard| hard.min(value));
            setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
        }
        None => Ok(()),
    };
    set(Resource::Core, Some(0))?;
    set(Resource::Fsize, limits.file_bytes)?;
    set(Resource::Nofile, limits.files)?;
    set(Resource::Data, limits.data_bytes)?;
    set(Resource::Nproc, limits.processes)?;
    Ok(())
}
