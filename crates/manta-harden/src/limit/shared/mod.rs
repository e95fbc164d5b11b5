//! Limits that several replicas share, kept in Redis or Valkey.
//!
//! Counters in each replica's memory admit k times the limit with k replicas. Here one Lua script decides
//! and counts in one step, with the server's clock, so that neither a race between replicas nor a replica
//! with a wrong clock can admit too much.
//!
//! An empty database is not an unused limit. The script keeps an *epoch*: a key that says when this
//! history began. A process that has seen one epoch and then meets another (the server lost its data, or
//! a replica without them took over) gets no answer until the longest window has passed since the new
//! epoch, and [`OnError`] decides. A process that meets its first epoch trusts it, as a limiter in memory
//! trusts its own empty start.
//!
//! Where a failover may lose the last writes, the store must run with `appendfsync always` and replicas
//! that acknowledge, or the limit can be exceeded by what was lost. Concurrency is counted per process.

mod resp;

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use resp::StoreAddress;
use resp::{Connection, Reply};

use super::{Decision, Key, Limit, Limiter, Part, Reason, Refusal};
use crate::paths::fold_spelling;

/// What happens while the store cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// Refuse.
    #[default]
    Deny,
    /// Count in this process: with k processes up to k times the limit. What this process admitted
    /// through the store counts too.
    Local,
}

/// What the store could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// No connection, a timeout, or an answer that is none.
    Unreachable(String),
    /// The store answered with an error.
    Refused(String),
    /// The store lost its history; it is reliable again after that time.
    HistoryLost(Duration),
    /// The address cannot be understood.
    Address(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(message) => write!(f, "store unreachable: {message}"),
            Self::Refused(message) => write!(f, "store refused: {message}"),
            Self::HistoryLost(wait) => write!(f, "store lost its history; reliable in {} s", wait.as_secs() + 1),
            Self::Address(message) => write!(f, "store address: {message}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Counts admissions in a store that other processes use too.
///
/// Calls block for at most twice the timeout of the address; run them where that is allowed.
#[derive(Debug)]
pub struct SharedLimiter {
    address: StoreAddress,
    on_error: OnError,
    local: Limiter,
    link: Mutex<Link>,
}

#[derive(Debug, Default)]
struct Link {
    connection: Option<Connection>,
    /// Digest by which the server knows the script; it changes with nothing but the script.
    script: Option<String>,
    epoch: String,
    /// After a failure nobody waits for the store again before this moment.
    not_before: Option<Instant>,
}

/// Decides and counts in one step.
///
/// KEYS: the epoch, then one list of times per limit, newest first. ARGV: the epoch that the caller knows
/// (may be empty), then calls and window in microseconds per limit.
/// Answers {1, epoch}, {0, epoch, index of the limit, microseconds to wait} or {2, epoch, microseconds}.
/// Times are written with %.0f: Lua would round sixteen digits to fourteen.
const SCRIPT: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local n = #KEYS - 1
local longest = 0
for i = 1, n do
  local newest = tonumber(redis.call('LINDEX', KEYS[i + 1], 0) or '0')
  if newest > now then now = newest end
  longest = math.max(longest, tonumber(ARGV[2 * i + 1]))
end
local stamp = string.format('%.0f', now)
local epoch = redis.call('GET', KEYS[1])
if not epoch then
  epoch = stamp
  redis.call('SET', KEYS[1], epoch)
end
if ARGV[1] ~= '' and ARGV[1] ~= epoch and now - tonumber(epoch) < longest then
  return {2, epoch, string.format('%.0f', tonumber(epoch) + longest - now)}
end
for i = 1, n do
  local calls, window = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  if calls == 0 then return {0, epoch, i, ARGV[2 * i + 1]} end
  local oldest = redis.call('LINDEX', KEYS[i + 1], calls - 1)
  if oldest and tonumber(oldest) + window > now then
    return {0, epoch, i, string.format('%.0f', tonumber(oldest) + window - now)}
  end
end
for i = 1, n do
  redis.call('LPUSH', KEYS[i + 1], stamp)
  redis.call('LTRIM', KEYS[i + 1], 0, tonumber(ARGV[2 * i]) - 1)
  redis.call('PEXPIRE', KEYS[i + 1], math.ceil(tonumber(ARGV[2 * i + 1]) / 1000) + 1000)
end
return {1, epoch}
";

/// What the store decided.
enum Verdict {
    Admit,
    Deny { index: usize, wait: Duration },
}

impl SharedLimiter {
    /// A limiter on the store at `address`; `local` counts concurrency, and calls when the store is away.
    ///
    /// Nothing is connected yet: a store that is down at start is handled like one that goes down later.
    #[must_use]
    pub fn new(address: StoreAddress, on_error: OnError, local: Limiter) -> Self {
        Self { address, on_error, local, link: Mutex::default() }
    }

    /// Decides about one call under several limits: all must admit it, and only then all count it.
    #[must_use]
    pub fn check(&self, limits: &[&Limit], key: Key<'_>) -> Decision {
        self.check_saying(limits, key).0
    }

    /// As [`SharedLimiter::check`], with the store's error when it had no part in the decision, for the
    /// audit record.
    #[must_use]
    pub fn check_saying(&self, limits: &[&Limit], key: Key<'_>) -> (Decision, Option<StoreError>) {
        match self.ask(limits, key) {
            Ok(Verdict::Deny { index, wait }) => (Decision::Deny(Box::new(refusal(limits, index, wait, key))), None),
            // Counted here too, so that a fallback knows what this process was already given. The local
            // ring can only refuse what the store admits when clocks disagree; then both must agree.
            Ok(Verdict::Admit) => (self.local.check(limits, key), None),
            Err(error) if self.on_error == OnError::Local => (self.local.check(limits, key), Some(error)),
            Err(error) => {
                let retry_after = match &error {
                    StoreError::HistoryLost(wait) => Some(*wait),
                    _ => None,
                };
                let reason = Reason::Store { message: error.to_string() };
                let (limit, tool) = (names(limits), key.tool.to_owned());
                (Decision::Deny(Box::new(Refusal { limit, tool, reason, retry_after })), Some(error))
            }
        }
    }

    fn ask(&self, limits: &[&Limit], key: Key<'_>) -> Result<Verdict, StoreError> {
        let mut link = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(moment) = link.not_before
            && Instant::now() < moment
        {
            return Err(StoreError::Unreachable("no answer to the last call".to_owned()));
        }
        // One new connection: a server that was restarted has closed the old one. An answer that was lost
        // after the script ran counts a call twice, which can refuse too much, never too little.
        let answer = self.run(&mut link, limits, key).or_else(|error| match error {
            StoreError::Unreachable(_) => {
                link.connection = None;
                self.run(&mut link, limits, key)
            }
            other => Err(other),
        });
        if matches!(answer, Err(StoreError::Unreachable(_))) {
            link.connection = None;
            link.not_before = Some(Instant::now() + self.address.timeout);
        } else {
            link.not_before = None;
        }
        answer
    }

    fn run(&self, link: &mut Link, limits: &[&Limit], key: Key<'_>) -> Result<Verdict, StoreError> {
        if link.connection.is_none() {
            link.connection = Some(Connection::open(&self.address)?);
        }
        let connection = link.connection.as_mut().expect("opened above");
        let script = match &link.script {
            Some(script) => script.clone(),
            None => connection.load(SCRIPT)?,
        };
        let mut command = vec!["EVALSHA".to_owned(), script.clone(), (limits.len() + 1).to_string()];
        command.push(format!("{{{}}}:epoch", self.address.prefix));
        command.extend(limits.iter().map(|limit| list_name(&self.address.prefix, limit, key)));
        command.push(link.epoch.clone());
        for limit in limits {
            command.push(limit.calls.to_string());
            command.push(limit.per.as_micros().to_string());
        }
        let reply = match connection.call(&command) {
            Err(StoreError::Refused(message)) if message.starts_with("NOSCRIPT") => {
                command[1] = connection.load(SCRIPT)?;
                connection.call(&command)
            }
            other => other,
        }?;
        link.script = Some(command.swap_remove(1));
        read(reply, &mut link.epoch)
    }
}

fn read(reply: Reply, known_epoch: &mut String) -> Result<Verdict, StoreError> {
    let nonsense = || StoreError::Unreachable("the script's answer cannot be understood".to_owned());
    let Reply::Array(parts) = reply else { return Err(nonsense()) };
    let number = |index: usize| parts.get(index).and_then(Reply::number).ok_or_else(nonsense);
    let epoch = parts.get(1).and_then(Reply::text).ok_or_else(nonsense)?;
    let wait = |index| number(index).map(Duration::from_micros);
    let verdict = match number(0)? {
        1 => Verdict::Admit,
        0 => {
            let index = usize::try_from(number(2)?).ok().and_then(|index| index.checked_sub(1)).ok_or_else(nonsense)?;
            Verdict::Deny { index, wait: wait(3)? }
        }
        2 => return Err(StoreError::HistoryLost(wait(2)?)),
        _ => return Err(nonsense()),
    };
    epoch.clone_into(known_epoch);
    Ok(verdict)
}

fn refusal(limits: &[&Limit], index: usize, wait: Duration, key: Key<'_>) -> Refusal {
    let (limit, reason) = match limits.get(index) {
        Some(limit) => (limit.name.clone(), Reason::Rate { calls: limit.calls, per: limit.per }),
        None => (names(limits), Reason::Store { message: "an unknown limit refused".to_owned() }),
    };
    Refusal { limit, tool: key.tool.to_owned(), reason, retry_after: Some(wait) }
}

fn names(limits: &[&Limit]) -> String {
    limits.iter().map(|limit| limit.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The braces put all keys of one store into one slot of a cluster, as one script needs. Parts are hashed:
/// names come from outside, and a digest has one length and no separators to forge.
fn list_name(prefix: &str, limit: &Limit, key: Key<'_>) -> String {
    use sha2::Digest as _;
    let mut hasher = sha2::Sha256::new();
    let tool = fold_spelling(key.tool);
    for (part, text) in [(Part::Server, key.server), (Part::Tool, &*tool), (Part::Principal, key.principal)] {
        if limit.key.contains(&part) {
            hasher.update([1]);
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        } else {
            hasher.update([0]);
        }
    }
    format!("{{{prefix}}}:{}:{}", limit.name, &crate::digest::hex(&hasher.finalize())[..32])
}

/// Whether bytes are one answer of a store.
#[cfg(feature = "fuzzing")]
pub(super) fn is_reply(mut bytes: &[u8]) -> bool {
    resp::reply(&mut bytes, 0).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_keys_cannot_be_confused() {
        let limit = Limit::new("l", 1, Duration::from_secs(1), &[Part::Tool, Part::Principal]);
        let name = |tool, principal| list_name("m", &limit, Key { server: "s", tool, principal });
        assert_ne!(name("ab", "c"), name("a", "bc"));
        assert_ne!(name("a}", "b"), name("a", "}b"));
        assert!(name("a", "b").starts_with("{m}:l:"));
    }

    #[test]
    fn a_store_that_is_away_denies_or_counts_here() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = StoreAddress::parse(&format!("redis://{closed}")).unwrap();
        let limit = Limit::per_tool();
        let key = Key { server: "", tool: "t", principal: "p" };

        let denying = SharedLimiter::new(address.clone(), OnError::Deny, Limiter::default());
        let Decision::Deny(refusal) = denying.check(&[&limit], key) else { panic!("admitted") };
        assert!(refusal.to_string().contains("shared counter cannot be asked"), "{refusal}");

        let counting = SharedLimiter::new(address, OnError::Local, Limiter::default());
        let admitted = (0..20).filter(|_| matches!(counting.check(&[&limit], key), Decision::Admit(_))).count();
        assert_eq!(admitted, 10);
    }

    #[test]
    fn answers_are_read_and_nonsense_is_not_an_admission() {
        let text = |text: &str| Reply::Text(text.to_owned());
        let mut epoch = String::new();
        let array = |parts: Vec<Reply>| Reply::Array(parts);
        assert!(matches!(read(array(vec![Reply::Int(1), text("7")]), &mut epoch), Ok(Verdict::Admit)));
        assert_eq!(epoch, "7");
        let deny = array(vec![Reply::Int(0), text("7"), Reply::Int(1), text("2500")]);
        assert!(matches!(read(deny, &mut epoch), Ok(Verdict::Deny { index: 0, wait }) if wait.as_micros() == 2500));
        let lost = read(array(vec![Reply::Int(2), text("9"), text("10")]), &mut epoch);
        assert!(matches!(lost, Err(StoreError::HistoryLost(_))));
        assert_eq!(epoch, "7", "an unreliable epoch is not learnt");
        for nonsense in
            [Reply::Int(1), array(vec![]), array(vec![Reply::Int(3), text("7")]), array(vec![Reply::Int(1)])]
        {
            assert!(read(nonsense, &mut epoch).is_err());
        }
    }
}
