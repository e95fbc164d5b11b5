//! What the standard library spells differently on each system: private files, and reading and writing at an offset.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

pub(super) use system::{claim, is_at, read_exact_at, write_all_at};

/// For a file of the log: readable by its owner only (mode 0600); a symbolic link in its place is refused
/// (CWE-59), and a pipe keeps nobody waiting for its other end. On Windows the rights are those of the directory, and a
/// link is opened as itself, which no record can be appended to.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    system::make_private(&mut options);
    options
}

/// Opens what lies beside the log under a name that follows from the log's: whoever can write there can put a pipe or a
/// device in its place, which would never end.
pub(super) fn open_beside(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file; remove it")),
    }
}

/// For reading with [`open_beside`]. A link is followed: logs are archived and linked back.
pub(super) fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    system::never_wait(&mut options);
    options.read(true);
    options
}

/// All of what lies beside the log, as far as `most` bytes.
pub(crate) fn read_beside(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_beside(&reading(), path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
mod system {
    use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};

    use rustix::fs::OFlags;

    use super::{File, OpenOptions, io};

    pub(super) fn make_private(options: &mut OpenOptions) {
        options.mode(0o600).custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    }

    /// Regular files know no waiting.
    pub(super) fn never_wait(options: &mut OpenOptions) {
        options.custom_flags(flags(OFlags::NONBLOCK));
    }

    fn flags(flags: OFlags) -> i32 {
        flags.bits().cast_signed()
    }

    pub(in super::super) fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        file.read_exact_at(bytes, offset)
    }

    /// Makes the open file this writer's own, for as long as it is open. The lock beside the log can be removed while
    /// somebody holds it, and made anew by the next (CWE-667): two writers would tear the chain.
    pub(in super::super) fn claim(file: &File) -> Result<(), std::fs::TryLockError> {
        file.try_lock()
    }

    pub(in super::super) fn is_at(file: &File, path: &std::path::Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        let (open, named) = (file.metadata()?, std::fs::symlink_metadata(path)?);
        Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
    }

    pub(in super::super) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }
}

#[cfg(windows)]
mod system {
    use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};

    use super::{File, OpenOptions, io};

    /// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened as itself.
    const OPEN_LINK_ITSELF: u32 = 0x0020_0000;

    pub(super) fn make_private(options: &mut OpenOptions) {
        options.custom_flags(OPEN_LINK_ITSELF);
    }

    pub(super) fn never_wait(_: &mut OpenOptions) {}

    /// What is open can't be deleted here, the lock beside the log neither; and nobody could read what is locked.
    #[expect(clippy::unnecessary_wraps, reason = "as on other systems")]
    pub(in super::super) fn claim(_: &File) -> Result<(), std::fs::TryLockError> {
        Ok(())
    }

    /// What is open can't be renamed or deleted here.
    pub(in super::super) fn is_at(_: &File, path: &std::path::Path) -> io::Result<bool> {
        path.try_exists()
    }

    pub(in super::super) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match file.seek_read(bytes, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    bytes = &mut bytes[read..];
                    offset += read as u64;
                }
            }
        }
        Ok(())
    }

    pub(in super::super) fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match file.seek_write(bytes, offset)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
            }
        }
        Ok(())
    }
}
