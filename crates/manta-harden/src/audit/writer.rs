//! Writes the log: one file, one writer, group commit.
//!
//! A caller adds its line to a shared batch. Whoever finds nobody writing becomes the writer for all that
//! has gathered: one `write(2)`, and in durable mode one `fdatasync`, for the whole batch. The others wait,
//! with a deadline. No thread of its own, no queue that could drop.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::chain::{self, Tip, line_hash};
use super::checkpoint::Checkpointer;
use super::file::{claim, is_at, open_beside, private, read_beside, read_exact_at, reading, write_all_at};
use super::record::{
    Body, CallFields, CallInfo, Ended, ErrorClass, Known, LINE_START, Observer, Outcome, clean_info, clean_outcome,
    write_line,
};
use super::time::digits;
use crate::digest::{Hex, hex};
use crate::redact::Redactor;

/// What a write guarantees when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Safety {
    /// The kernel has the record: it survives the death of this program.
    #[default]
    Flush,
    /// The disk has it: it survives a power failure.
    Durable,
}

/// How a log is written.
#[derive(Debug)]
pub struct Options {
    /// What a write guarantees.
    pub safety: Safety,
    /// Size at which a new file is begun.
    pub rotate: u64,
    /// Longest time a call waits for its record.
    pub timeout: Duration,
    /// Records between two checkpoints.
    pub checkpoint_every: u64,
    /// File that checkpoints go to; next to the log when left out, better on another file system.
    pub checkpoints: Option<PathBuf>,
    /// Signs checkpoints.
    #[cfg(feature = "signing")]
    pub signing_key: Option<super::SigningKey>,
    /// Takes secrets out of everything that is no parameter; parameters arrive redacted.
    pub redactor: Redactor,
    /// Sees what ended, after it is recorded.
    pub observer: Option<Box<dyn Observer>>,
    /// Whether what only the next record needs, the hash of the last one and the note of how far the log has come, waits
    /// for [`AuditLog::note`]. For whoever calls that before it waits for anything: then no call waits for it.
    pub notes_later: bool,
}

impl Options {
    /// Flush mode, 64 MiB per file, 5 s deadline, a checkpoint every 1,000 records.
    #[must_use]
    pub fn new(redactor: Redactor) -> Self {
        Self {
            safety: Safety::Flush,
            rotate: 64 << 20,
            timeout: Duration::from_secs(5),
            checkpoint_every: 1000,
            checkpoints: None,
            #[cfg(feature = "signing")]
            signing_key: None,
            redactor,
            observer: None,
            notes_later: false,
        }
    }
}

/// Why a record could not be written. The call it belongs to must not run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditError {
    /// The file could not be opened, read or written.
    Io {
        /// The log.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
    /// Another process writes this log.
    Locked(PathBuf),
    /// What stands in the file is no log of ours.
    NotALog {
        /// The log.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The record was not written within the deadline.
    Timeout(Duration),
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, message } => write!(f, "audit log {}: {message}", path.display()),
            Self::Locked(path) => write!(f, "audit log {}: another process writes it", path.display()),
            Self::NotALog { path, message } => write!(f, "{} is no audit log: {message}", path.display()),
            Self::Timeout(limit) => write!(f, "audit log: no record within {} ms", limit.as_millis()),
        }
    }
}

impl std::error::Error for AuditError {}

/// An open log.
pub struct AuditLog {
    path: PathBuf,
    options: Options,
    /// Held for as long as the log is open; rotation replaces the log, never the lock.
    _lock: File,
    head: File,
    state: Mutex<State>,
    written: Condvar,
    is_closed: AtomicBool,
    known: Mutex<Known>,
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").field("path", &self.path).finish_non_exhaustive()
    }
}

struct State {
    /// `None` while somebody writes with it.
    disk: Option<Disk>,
    /// Last record that has a place in the chain, written or not.
    tip: Tip,
    /// Its line, where nobody has hashed it yet ([`Options::notes_later`]).
    unhashed: Vec<u8>,
    /// Lines that wait for the next write.
    batch: Vec<u8>,
    /// Callers who wait for somebody else to write. Waking nobody costs a system call all the same.
    waiting: usize,
    /// Every record up to this number is where [`Safety`] wants it.
    done: u64,
    /// Raised by every failure: lines of an older generation will never be written.
    generation: u64,
    failure: Option<AuditError>,
    /// When somebody last looked whether the file is still where it was.
    looked: Instant,
    /// The latest failure, also after recovery: callers of its generation still ask for it.
    last_failure: Option<AuditError>,
}

/// What only the writer of the moment touches.
struct Disk {
    file: File,
    /// Where the last whole record ends. What follows was torn, and stays unnamed until a record names it: on a
    /// full disk that record can be torn as well, several times.
    whole: u64,
    /// Where the next byte goes.
    end: u64,
    /// The last record in the file.
    tip: Tip,
    checkpointer: Checkpointer,
    /// Whether the note beside the log names the last record.
    is_noted: bool,
    /// Memory of the last batch, for the next one.
    spare: Vec<u8>,
}

impl AuditLog {
    /// Opens or creates the log at `path`, takes its lock and goes on where it ended. A line that a crash
    /// tore is left as it is; a `recovered` record names its length and digest.
    ///
    /// # Errors
    /// [`AuditError`]; nothing must run without a log then.
    pub fn open(path: impl Into<PathBuf>, options: Options) -> Result<Self, AuditError> {
        let path = path.into();
        let io = |error: io::Error| io_error(&path, &error);
        let beside = |options: &OpenOptions, suffix: &str| {
            let file = with_suffix(&path, suffix);
            open_beside(options, &file).map_err(|error| io_error(&file, &error))
        };
        let lock = beside(private().create(true).append(true), "lock")?;
        lock.try_lock().map_err(|error| lock_error(&path, error))?;
        let head = beside(private().create(true).write(true).truncate(false), "head")?;
        let checkpointer = Checkpointer::open(&path, &options)?;
        let before = last_rotated(&path)?;
        let file = private().create(true).read(true).append(true).open(&path).map_err(io)?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(AuditError::NotALog { path, message: "it is no regular file".to_owned() });
        }
        claim(&file).map_err(|error| lock_error(&path, error))?;
        let tip = before.unwrap_or_default();
        let mut disk = Disk { file, whole: 0, end: 0, tip, checkpointer, is_noted: true, spare: Vec::new() };
        let mut torn = disk.catch_up(&path)?;
        if disk.whole == 0 && torn.is_none() && before.is_some() {
            // A crash between the two steps of a rotation: the new file goes on from the old one.
            torn = Some(
                json!({ "reason": "rotation was interrupted", "seq": disk.tip.seq, "hash": disk.tip.hash.as_str() }),
            );
        }
        let cut = Head::read(&path).filter(|head| head.seq > disk.tip.seq).map(|head| {
            // Nothing we do makes the log shorter than its head; somebody or the file system took the rest.
            json!({ "reason": "the log was cut off", "head_seq": head.seq, "head_hash": head.hash, "seq_found": disk.tip.seq })
        });
        let state = State {
            tip: disk.tip,
            unhashed: Vec::new(),
            done: disk.tip.seq,
            disk: Some(disk),
            batch: Vec::new(),
            waiting: 0,
            generation: 0,
            failure: None,
            looked: Instant::now(),
            last_failure: None,
        };
        let (state, written, is_closed) = (Mutex::new(state), Condvar::new(), AtomicBool::new(false));
        let log = Self { path, options, _lock: lock, head, state, written, is_closed, known: Mutex::default() };
        if let Some(torn) = torn {
            log.event("recovered", &torn)?;
        }
        if let Some(cut) = cut {
            log.event("recovered", &cut)?;
        }
        log.event("started", &json!({ "program": env!("CARGO_PKG_VERSION"), "pid": std::process::id() }))?;
        Ok(log)
    }

    /// Where the log is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes secrets out of what goes into this log.
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.options.redactor
    }

    /// Writes the intent of a call. When this returns, the call may run.
    ///
    /// # Errors
    /// [`AuditError`]: the call must not run.
    pub fn begin(self: &std::sync::Arc<Self>, info: CallInfo<'_>) -> Result<Call, AuditError> {
        let info = self.clean(info);
        let id = call_id();
        let fields = CallFields::new(id.as_str(), &info);
        self.write(&[("intent", Body::Call { fields: &fields, ended: None })])?;
        let info = self.options.observer.as_ref().map(|_| Box::new(info.into_owned()));
        Ok(Call { log: std::sync::Arc::clone(self), id, fields, info, started: Instant::now(), is_finished: false })
    }

    /// Writes intent and outcome of a call that was refused, in one step.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn refused(&self, info: CallInfo<'_>, outcome: Outcome) -> Result<(), AuditError> {
        let info = self.clean(info);
        let outcome = clean_outcome(outcome, &self.options.redactor);
        let fields = CallFields::new(call_id().as_str(), &info);
        let (intent, ended) = (Body::Call { fields: &fields, ended: None }, Some((&outcome, 0)));
        self.write(&[("intent", intent), ("outcome", Body::Call { fields: &fields, ended })])?;
        self.observe(&info, &outcome, Duration::ZERO);
        Ok(())
    }

    fn clean<'a>(&self, info: CallInfo<'a>) -> CallInfo<'a> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        clean_info(info, &self.options.redactor, &mut known)
    }

    fn observe(&self, info: &CallInfo<'_>, outcome: &Outcome, duration: Duration) {
        if let Some(observer) = &self.options.observer {
            let start = SystemTime::now().checked_sub(duration).unwrap_or(SystemTime::UNIX_EPOCH);
            observer.ended(&Ended { info, outcome, start, duration });
        }
    }

    /// Writes an event that is no call, such as `policy` when a new policy takes effect.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn event(&self, kind: &str, fields: &Value) -> Result<(), AuditError> {
        // What is told of may quote a peer.
        let detail = self.options.redactor.redact(fields).value;
        self.write(&[(kind, Body::Event { detail: &detail })])
    }

    /// Notes how far the log has come, where [`Options::notes_later`] put that off. A note that can't be written fails the
    /// log, and with it the next call.
    pub fn note(&self) {
        let mut state = self.lock();
        state.hash_last();
        let Some(disk) = state.disk.as_mut().filter(|disk| !disk.is_noted) else { return };
        match self.note_tip(disk) {
            Ok(()) => disk.is_noted = true,
            Err(error) => state.fail(io_error(&self.path, &error)),
        }
    }

    fn note_tip(&self, disk: &mut Disk) -> io::Result<()> {
        self.note_head(&disk.tip)?;
        disk.checkpointer.after(&disk.tip)
    }

    /// Writes `stopped` and a last checkpoint. Dropping the log does the same and forgets the error.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn close(&self) -> Result<(), AuditError> {
        if self.is_closed.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.event("stopped", &json!({}))?;
        self.note();
        let mut state = self.lock();
        match &mut state.disk {
            Some(disk) => disk.checkpointer.write(&disk.tip).map_err(|error| io_error(&self.path, &error)),
            None => Ok(()), // somebody still writes and will make a checkpoint of his own
        }
    }

    /// Writes to another file from now on, so that a test can let the disk fail.
    #[cfg(test)]
    pub(super) fn replace_file(&self, file: File) {
        self.lock().disk.as_mut().expect("nobody writes").file = file;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, lines: &[(&str, Body<'_>)]) -> Result<(), AuditError> {
        let mut state = self.lock();
        self.look(&mut state);
        if state.failure.is_some() {
            state = self.recover(state)?;
        }
        // Most calls wait for nobody and need no clock.
        let mut deadline = None;
        for (kind, body) in lines {
            state.append(kind, *body, self.options.notes_later);
        }
        let (mine, generation) = (state.tip.seq, state.generation);
        loop {
            if state.generation != generation {
                return Err(state.last_failure.clone().unwrap_or(AuditError::Timeout(self.options.timeout)));
            }
            if state.done >= mine {
                return Ok(());
            }
            if state.disk.is_some() {
                state = self.commit(state);
                continue;
            }
            state = self.wait(state, &mut deadline)?;
        }
    }

    /// Notices, once a second, that the log was moved, replaced or cut off: records must not go where nobody looks for
    /// them. What was written so far stays where it was taken to; the chain goes on at the old place.
    fn look(&self, state: &mut State) {
        const EVERY: Duration = Duration::from_secs(1);
        let Some(disk) = state.disk.as_ref().filter(|_| state.batch.is_empty() && state.looked.elapsed() >= EVERY)
        else {
            return;
        };
        let is_whole = disk.file.metadata().is_ok_and(|found| found.len() >= disk.end);
        let is_in_place = self.is_in_place(disk);
        state.looked = Instant::now();
        if !(is_whole && is_in_place) && state.failure.is_none() {
            let message = if is_in_place { "it was cut off" } else { "it was moved or replaced" }.to_owned();
            state.fail(AuditError::Io { path: self.path.clone(), message });
        }
    }

    /// Whether the open file is the one that the log's name leads to. What is no regular file has no place.
    fn is_in_place(&self, disk: &Disk) -> bool {
        let is_regular = disk.file.metadata().is_ok_and(|found| found.is_file());
        !is_regular || is_at(&disk.file, &self.path).unwrap_or(false)
    }

    /// Waits until somebody has written, until the deadline that the first wait of a caller sets.
    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        deadline: &mut Option<Instant>,
    ) -> Result<MutexGuard<'a, State>, AuditError> {
        let now = Instant::now();
        let deadline = *deadline.get_or_insert(now + self.options.timeout);
        let Some(left) = deadline.checked_duration_since(now) else {
            return Err(AuditError::Timeout(self.options.timeout));
        };
        state.waiting += 1;
        state = self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        state.waiting -= 1;
        Ok(state)
    }

    /// Writes everything that waits. The lock is free meanwhile, unless what the next record needs is put off: then the last
    /// record must be this one until it is written.
    fn commit<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let Some(mut disk) = state.disk.take() else { return state };
        let spare = std::mem::take(&mut disk.spare);
        let mut batch = std::mem::replace(&mut state.batch, spare);
        let tip = state.tip;
        let held = self.options.notes_later.then_some(state);
        let result = self.write_batch(&mut disk, &batch, &tip);
        batch.clear();
        batch.shrink_to(MOST_SPARE);
        disk.spare = batch;
        let mut state = held.unwrap_or_else(|| self.lock());
        let is_full = disk.whole >= self.options.rotate;
        state.disk = Some(disk);
        match result {
            Ok(()) => state.done = tip.seq,
            Err(error) => state.fail(io_error(&self.path, &error)),
        }
        // Others may have queued lines that name the old tip; they go into the old file first.
        if is_full && state.failure.is_none() && state.batch.is_empty() {
            state.hash_last();
            let disk = state.disk.as_mut().expect("put back just above");
            match self.rotate(disk) {
                Ok(()) => (state.tip, state.done) = (disk.tip, disk.tip.seq),
                Err(error) => state.fail(error),
            }
        }
        if state.waiting > 0 {
            self.written.notify_all();
        }
        state
    }

    fn write_batch(&self, disk: &mut Disk, batch: &[u8], tip: &Tip) -> io::Result<()> {
        disk.file.write_all(batch)?;
        if self.options.safety == Safety::Durable {
            disk.file.sync_data()?;
        }
        disk.end += batch.len() as u64;
        disk.whole = disk.end;
        disk.tip = *tip;
        disk.is_noted = !self.options.notes_later;
        if disk.is_noted { self.note_tip(disk) } else { Ok(()) }
    }

    /// Says how far the log has come, in place: a log that is shorter than this was cut off.
    fn note_head(&self, tip: &Tip) -> io::Result<()> {
        let mut text = [b' '; 86];
        digits(&mut text[..20], tip.seq);
        text[21..85].copy_from_slice(tip.hash.as_str().as_bytes());
        text[85] = b'\n';
        write_all_at(&self.head, &text, 0)
    }

    /// Begins a new file: the old one gets a name that ends in its last number, and the first record of
    /// the new one carries on the chain.
    fn rotate(&self, disk: &mut Disk) -> Result<(), AuditError> {
        let io = |error: io::Error| io_error(&self.path, &error);
        let old = with_suffix(&self.path, &format!("{:020}", disk.tip.seq));
        if self.options.safety == Safety::Durable {
            disk.file.sync_data().map_err(io)?;
        }
        std::fs::rename(&self.path, &old).map_err(io)?;
        let file = private().create_new(true).read(true).append(true).open(&self.path).map_err(io)?;
        claim(&file).map_err(|error| lock_error(&self.path, error))?;
        let full = std::mem::replace(&mut disk.file, file);
        if self.options.safety == Safety::Flush {
            // Nobody was promised that the disk has it; only calls would wait for 64 MiB to be there.
            let write_out = move || full.sync_data();
            drop(std::thread::Builder::new().name("audit-rotate".to_owned()).spawn(write_out));
        }
        (disk.whole, disk.end) = (0, 0);
        let name = old.file_name().map(|name| name.to_string_lossy().into_owned());
        let body = json!({ "previous": name });
        let mut line = Vec::new();
        write_line(&mut line, &disk.tip, "rotate", Body::Event { detail: &body });
        let tip = Tip { seq: disk.tip.seq + 1, hash: line_hash(&line) };
        line.push(b'\n');
        self.write_batch(disk, &line, &tip).map_err(io)
    }

    /// After a failure: finds out what the file really holds and goes on from there. While that fails,
    /// every call does.
    fn recover<'a>(&'a self, mut state: MutexGuard<'a, State>) -> Result<MutexGuard<'a, State>, AuditError> {
        let mut deadline = None;
        while state.disk.is_none() {
            state = self.wait(state, &mut deadline)?;
        }
        let Some(failure) = state.failure.clone() else { return Ok(state) };
        if state.disk.as_ref().is_some_and(|disk| !self.is_in_place(disk)) {
            let disk = state.disk.as_mut().expect("waited for it above");
            // Taken away from outside, or a rotation stopped half-way: another file, the same chain.
            let file = private().create(true).read(true).append(true).open(&self.path);
            let file = file.map_err(|error| io_error(&self.path, &error))?;
            claim(&file).map_err(|error| lock_error(&self.path, error))?;
            disk.file = file;
            (disk.whole, disk.end) = (0, 0);
        }
        let disk = state.disk.as_mut().expect("waited for it above");
        let torn = disk.catch_up(&self.path)?;
        let mut body = torn.unwrap_or_else(|| json!({}));
        body["reason"] = json!(failure.to_string());
        let mut line = recovery_start(&body);
        let start = line.len();
        write_line(&mut line, &disk.tip, "recovered", Body::Event { detail: &body });
        let tip = Tip { seq: disk.tip.seq + 1, hash: line_hash(&line[start..]) };
        line.push(b'\n');
        self.write_batch(disk, &line, &tip).map_err(|error| io_error(&self.path, &error))?;
        (state.tip, state.done, state.failure) = (tip, tip.seq, None);
        Ok(state)
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        // Nobody is left to tell; a missing `stopped` record says it in the log.
        let _ = self.close();
    }
}

impl State {
    fn append(&mut self, kind: &str, body: Body<'_>, hash_later: bool) {
        self.hash_last();
        if let Body::Event { detail: fields } = body
            && kind == "recovered"
        {
            self.batch.extend(recovery_start(fields));
        }
        let start = self.batch.len();
        write_line(&mut self.batch, &self.tip, kind, body);
        self.tip.seq += 1;
        match hash_later {
            true => self.unhashed.extend_from_slice(&self.batch[start..]),
            false => self.tip.hash = line_hash(&self.batch[start..]),
        }
        self.batch.push(b'\n');
    }

    /// Hashes the line of the last record, where that was put off.
    fn hash_last(&mut self) {
        if self.unhashed.is_empty() {
            return;
        }
        self.tip.hash = line_hash(&self.unhashed);
        self.unhashed.clear();
        self.unhashed.shrink_to(MOST_SPARE);
        if let Some(disk) = self.disk.as_mut().filter(|disk| disk.tip.seq == self.tip.seq) {
            disk.tip.hash = self.tip.hash;
        }
    }

    fn fail(&mut self, failure: AuditError) {
        // What is in the file stays the last record, and is named by the next.
        self.hash_last();
        self.last_failure = Some(failure.clone());
        self.failure = Some(failure);
        self.generation += 1;
        self.batch.clear();
    }
}

/// A torn line has no end; the record that names it begins on a line of its own.
fn recovery_start(fields: &Value) -> Vec<u8> {
    if fields.get("torn_bytes").is_some() { vec![b'\n'] } else { Vec::new() }
}

impl Disk {
    /// Finds the last whole record of the file. Gives the fields of a `recovered` record when something
    /// torn follows it.
    fn catch_up(&mut self, path: &Path) -> Result<Option<Value>, AuditError> {
        let io = |error: io::Error| io_error(path, &error);
        let length = self.file.metadata().map_err(io)?.len();
        if length < self.whole {
            self.whole = 0; // cut off from outside: the chain goes on from what is left, and verify sees the gap
        }
        let found = last_record(&self.file, self.whole, length).map_err(io)?;
        if let Some((tip, end)) = found {
            (self.tip, self.whole) = (tip, end);
        }
        self.end = length;
        if self.whole == length {
            return Ok(None);
        }
        let mut torn = vec![0; usize::try_from(length - self.whole).unwrap_or(usize::MAX)];
        read_exact_at(&self.file, &mut torn, self.whole).map_err(io)?;
        if let Some(seq) = seq_of(&torn).filter(|seq| *seq == self.tip.seq + 1) {
            // Whole but for its end, which would make it a record before the one that calls it torn.
            self.file.write_all(b"\n").map_err(io)?;
            (self.tip, self.end) = (Tip { seq, hash: line_hash(&torn) }, length + 1);
            self.whole = self.end;
            return Ok(None);
        }
        let is_ours = torn.starts_with(LINE_START) || LINE_START.starts_with(&torn);
        if self.whole == 0 && !is_ours {
            return Err(AuditError::NotALog { path: path.to_owned(), message: "it holds something else".to_owned() });
        }
        // The fields describe the torn bytes; the new record then begins on a line of its own.
        let fields = json!({ "torn_bytes": torn.len(), "torn_sha256": sha256(&torn) });
        Ok(Some(fields))
    }
}

/// Memory that is kept from one batch to the next.
const MOST_SPARE: usize = 64 << 10;

/// The last line between two offsets that is a record and has its end, and where it ends.
///
/// A torn record never parses: it is a proper prefix of a JSON object, unless its line end alone is missing.
fn last_record(file: &File, from: u64, to: u64) -> io::Result<Option<(Tip, u64)>> {
    const STEP: u64 = 64 << 10;
    let mut start = to;
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let mut end = bytes.len();
        while let Some(newline) = bytes[..end].iter().rposition(|byte| *byte == b'\n') {
            let line_start = bytes[..newline].iter().rposition(|byte| *byte == b'\n');
            if line_start.is_none() && start > from {
                break; // the beginning of this line has not been read yet
            }
            let line = &bytes[line_start.map_or(0, |at| at + 1)..newline];
            if let Some(seq) = seq_of(line) {
                let tip = Tip { seq, hash: line_hash(line) };
                return Ok(Some((tip, start + newline as u64 + 1)));
            }
            end = newline;
        }
        if start == from {
            return Ok(None);
        }
        let step = STEP.max(bytes.len() as u64).min(start - from);
        start -= step;
        let mut more = vec![0; usize::try_from(step).unwrap_or(usize::MAX)];
        read_exact_at(file, &mut more, start)?;
        more.append(&mut bytes);
        bytes = more;
    }
}

fn seq_of(line: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(line).ok()?;
    value.get("prev")?.as_str()?;
    chain::seq_of(&value)
}

/// The end of the newest rotated file, when there is one.
fn last_rotated(path: &Path) -> Result<Option<Tip>, AuditError> {
    let newest = rotated(path).map_err(|error| io_error(path, &error))?.pop();
    let Some(newest) = newest else { return Ok(None) };
    let io = |error: io::Error| io_error(&newest, &error);
    let file = open_beside(&reading(), &newest).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    match last_record(&file, 0, length).map_err(io)? {
        Some((tip, _)) => Ok(Some(tip)),
        None => Err(AuditError::NotALog { path: newest, message: "no record in it".to_owned() }),
    }
}

/// Rotated files of a log, oldest first.
pub(super) fn rotated(path: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name().map(OsStr::as_encoded_bytes) else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(b"."))
            .is_some_and(|number| number.len() == 20 && number.iter().all(u8::is_ascii_digit));
        if is_ours {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// A call whose intent is in the log.
///
/// Dropping it without [`Call::finish`] records a call that was abandoned.
#[derive(Debug)]
#[must_use = "a call must be finished, or it is recorded as abandoned"]
pub struct Call {
    log: std::sync::Arc<AuditLog>,
    id: CallId,
    fields: CallFields,
    /// For the observer, where there is one.
    info: Option<Box<CallInfo<'static>>>,
    started: Instant,
    is_finished: bool,
}

impl Call {
    /// Joins intent and outcome in the log.
    #[must_use]
    pub fn id(&self) -> &str {
        self.id.as_str()
    }

    /// Writes how the call ended.
    ///
    /// # Errors
    /// [`AuditError`]: the answer must not be given away.
    pub fn finish(mut self, outcome: Outcome) -> Result<(), AuditError> {
        self.end(outcome)
    }

    fn end(&mut self, outcome: Outcome) -> Result<(), AuditError> {
        self.is_finished = true;
        let outcome = clean_outcome(outcome, &self.log.options.redactor);
        let duration = self.started.elapsed();
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let ended = Some((&outcome, microseconds));
        self.log.write(&[("outcome", Body::Call { fields: &self.fields, ended })])?;
        if let Some(info) = &self.info {
            self.log.observe(info, &outcome, duration);
        }
        Ok(())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_finished {
            // Without this record the intent stands alone, which says the same less clearly.
            let _ = self.end(Outcome::failure(ErrorClass::Client, "abandoned", "the call was cancelled or lost"));
        }
    }
}

/// What the `.head` file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl Head {
    pub(super) fn read(log: &Path) -> Option<Self> {
        let text = String::from_utf8(read_beside(&with_suffix(log, "head"), 1 << 10).ok()?).ok()?;
        let (seq, hash) = text.trim_end().split_once(' ')?;
        Some(Self { seq: seq.parse().ok()?, hash: hash.to_owned() })
    }
}

/// Sixteen random hexadecimal digits.
type CallId = Hex<16>;

fn call_id() -> CallId {
    use std::hash::BuildHasher as _;
    use std::sync::LazyLock;
    use std::sync::atomic::AtomicU64;
    static KEY: LazyLock<std::hash::RandomState> = LazyLock::new(std::hash::RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Hex::of(&KEY.hash_one(NEXT.fetch_add(1, Ordering::Relaxed)).to_be_bytes())
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn io_error(path: &Path, error: &io::Error) -> AuditError {
    AuditError::Io { path: path.to_owned(), message: error.to_string() }
}

fn lock_error(path: &Path, error: TryLockError) -> AuditError {
    match error {
        TryLockError::WouldBlock => AuditError::Locked(path.to_owned()),
        TryLockError::Error(error) => io_error(path, &error),
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(bytes))
}
