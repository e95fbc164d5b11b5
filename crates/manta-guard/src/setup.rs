//! From policy file and command line to a sandbox plan: the same lines that check arguments become
//! what the kernel enforces.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use manta_harden::paths::{DEFAULT_DENIED, DEFAULT_FROZEN, DeniedNames, Reader};
use manta_harden::policy::PolicyFile;
use manta_harden::policy::spec::{CommandSpec, PolicySpec, ProcessLimits, RootMode};
use serde::Serialize;

use crate::config::{GuardSpec, LevelSpec, NetworkSpec};
use crate::preset::{self, Prepared, Surroundings};
use crate::sandbox::{self, Access, Exec, Grant, HostList, Level, Limits, Network, PROXY_PORT, Plan};
use crate::upstream::{self, Target};

/// Entries of a root that are looked at for denied names. Deeper or later ones meet the argument check only.
const MAX_ENTRIES: usize = 20_000;

/// Where the server keeps what it needs for a while: a directory of its own at level A.
const TMP: &str = "/tmp";

/// What the command line and the environment say.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The server's command.
    pub command: Vec<String>,
    /// The guard's working directory.
    pub cwd: PathBuf,
    /// The guard's environment.
    pub environment: BTreeMap<String, OsString>,
    /// Directories to read, from the command line.
    pub read: Vec<PathBuf>,
    /// Directories to change, from the command line.
    pub write: Vec<PathBuf>,
    /// Programs to start, from the command line.
    pub exec: Vec<String>,
    /// Hosts, from the command line.
    pub hosts: Vec<String>,
    /// Variables to pass on, from the command line.
    pub pass_env: Vec<String>,
    /// Where the server's command says that it stands, if not where the guard does.
    pub stands: Option<PathBuf>,
}

impl Request {
    /// Where programs are looked for.
    pub(crate) fn search(&self) -> OsString {
        self.environment.get("PATH").cloned().unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
    }

    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.environment.get("HOME").map(PathBuf::from)
    }

    /// Where the command is given.
    pub(crate) fn surroundings<'a>(&'a self, search: &'a OsString, home: Option<&'a Path>) -> Surroundings<'a> {
        Surroundings { search, cwd: self.stands.as_ref().unwrap_or(&self.cwd), home }
    }
}

/// A host the server may reach through the egress proxy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowedHost {
    /// Exact name, or `*.suffix`.
    pub host: String,
    /// The one port.
    pub port: u16,
    /// Plain HTTP may be spoken to it.
    pub is_plain: bool,
    /// Address ranges that are admitted although they are not public.
    pub private: Vec<String>,
    /// Where this was said, for messages.
    pub source: String,
}

/// Everything needed to start the server.
#[derive(Debug, Clone)]
pub struct Setup {
    /// For the level wanted; [`Setup::at_level`] gives the plan for another.
    pub(crate) plan: Plan,
    /// Lowest accepted level.
    pub require: Level,
    /// Hosts of the egress proxy.
    pub hosts: Vec<AllowedHost>,
    /// The preset that was used.
    pub preset: preset::Preset,
    pub(crate) roots: Vec<(String, Grant)>,
    /// The roots hold more entries than were looked at for denied names.
    pub(crate) truncated: bool,
    /// What lies beside the server's scripts and is not readable.
    pub(crate) left_out: Vec<PathBuf>,
    /// Commands, and the keys of their sections that say how they are started: that is the server's to do.
    pub(crate) not_ours: Vec<(String, Vec<&'static str>)>,
    /// Files of the guard that lie where the server may write: covered at level A, and open below it.
    exposed: Vec<PathBuf>,
    /// What whoever starts the guard lets the server have.
    pub(crate) given: Given,
}

/// What a server has because whoever starts the guard says so, on the command line or in the policy, and not because of
/// what its tools are called with. It stands in the log: what is learnt from there must have it as well.
///
/// Names without values, and no lists: in a list, what stands behind `API_KEY` or `/srv/secrets` is taken for a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Given {
    read: BTreeMap<String, ()>,
    write: BTreeMap<String, ()>,
    exec: BTreeMap<String, ()>,
    hosts: BTreeMap<String, ()>,
    env: BTreeMap<String, ()>,
}

impl Given {
    fn of(extra: &[Grant], roots: &[(String, Grant)], spec: &GuardSpec, request: &Request) -> Self {
        let mut given = Self {
            hosts: spec.hosts.iter().chain(&request.hosts).map(|host| (host.clone(), ())).collect(),
            env: spec.pass_env.iter().chain(&request.pass_env).map(|name| (name.clone(), ())).collect(),
            ..Self::default()
        };
        for grant in extra.iter().chain(roots.iter().map(|(_, grant)| grant)) {
            let places = match (grant.exec, grant.access) {
                (Exec::Run, _) => &mut given.exec,
                (_, Access::Read) => &mut given.read,
                _ => &mut given.write,
            };
            places.insert(grant.path.to_string_lossy().into_owned(), ());
        }
        given
    }
}

/// The paths below a root that a server must not see, or must not change, by the names the policy gives.
#[derive(Default)]
struct Named {
    denied: Vec<PathBuf>,
    frozen: Vec<PathBuf>,
    truncated: bool,
}

/// Makes the plan.
///
/// # Errors
/// A message for the person at the terminal: program not found, a root that doesn't exist, a
/// combination the level can't enforce.
pub fn setup(policy: Option<&PolicyFile>, spec: &GuardSpec, request: &Request) -> Result<Setup, String> {
    let (search, home) = (request.search(), request.home());
    let Prepared { preset, command, mut grants, env: preset_env, tmp_exec } =
        preset::prepare(spec.preset, &request.command, &request.surroundings(&search, home.as_deref()))?;
    let base = policy.map_or_else(|| request.cwd.clone(), |policy| request.cwd.join(policy.directory()));
    let (mut hidden, mut frozen) = (Vec::new(), Vec::new());
    let mut roots = Vec::new();
    let mut truncated = false;
    if let Some(policy) = policy {
        let spec = &policy.spec().roots;
        let places: Vec<PathBuf> = spec
            .iter()
            .map(|(name, root)| {
                existing(&base, Path::new(&root.get_ref().at)).map_err(|error| format!("roots.{name}: {error}"))
            })
            .collect::<Result<_, _>>()?;
        for ((name, root), path) in spec.iter().zip(&places) {
            let (root, path) = (root.get_ref(), path.clone());
            let named = named_in(&path, root.deny.as_deref(), root.frozen.as_deref(), &places);
            truncated |= named.truncated;
            hidden.extend(named.denied);
            let grant = Grant { path, access: access(root.mode), exec: Exec::No };
            if grant.access > Access::Read {
                frozen.extend(named.frozen);
            }
            grants.push(grant.clone());
            roots.push((name.clone(), grant));
        }
        hidden.push(request.cwd.join(policy.path()));
        for command in policy.spec().commands.values() {
            grants.push(Grant::run(&command.get_ref().exe));
        }
    }
    for directory in own_code(&grants) {
        let named = named_in(&directory, None, None, &[]);
        truncated |= named.truncated;
        hidden.extend(named.denied);
    }
    let mut extra = Vec::new();
    extra_grants(spec, request, &base, &mut extra)?;
    let given = Given::of(&extra, &roots, spec, request);
    grants.extend(extra);
    let hosts = hosts(policy.map(PolicyFile::spec), spec, request)?;
    let network = match spec.network {
        Some(NetworkSpec::None) => Network::None,
        Some(NetworkSpec::Any) => Network::Any,
        Some(NetworkSpec::Proxy) => Network::Proxy,
        None if hosts.is_empty() => Network::None,
        None => Network::Proxy,
    };
    let cwd = working_directory(spec, request, &base);
    let env = environment(spec, request, preset_env, &search, network)?;
    let mut plan = Plan {
        level: level(spec.sandbox),
        command,
        env,
        cwd,
        grants: merged(grants),
        hidden,
        frozen,
        network,
        proxy_port: PROXY_PORT,
        unix_sockets: spec.unix_sockets,
        tmp_bytes: spec.tmp.0,
        tmp_exec: tmp_exec || spec.tmp_exec,
        limits: Limits {
            file_bytes: spec.file.map(|size| size.0).or(Limits::default().file_bytes),
            processes: spec.processes,
            data_bytes: spec.memory.map(|size| size.0),
            ..Limits::default()
        },
    };
    if plan.holds_less_below(TMP) {
        let own =
            plan.env.iter_mut().filter(|(name, value)| matches!(name.as_str(), "HOME" | "TMPDIR") && value == TMP);
        own.for_each(|(_, value)| *value = "/dev/shm".to_owned());
    }
    let mut left_out = crate::code::left_out(&plan.grants, home.as_deref());
    // The guard's own files are nothing to grant.
    let own = policy.into_iter().flat_map(|policy| {
        let log = policy.spec().audit.path.as_deref().unwrap_or("manta-audit.jsonl");
        [policy.path().to_owned(), base.join(&spec.lock), base.join(log)]
    });
    let own: Vec<PathBuf> =
        own.filter_map(|path| fs::canonicalize(path).ok()).flat_map(|path| own_files(&path)).collect();
    left_out.retain(|path| !own.contains(path));
    let not_ours = policy.map(PolicyFile::spec).map_or_else(Vec::new, not_ours);
    let (require, exposed) = (level(spec.require), Vec::new());
    Ok(Setup { plan, require, hosts, preset, roots, truncated, left_out, not_ours, exposed, given })
}

/// Which keys of commands say something that holds only where this program starts them.
fn not_ours(policy: &PolicySpec) -> Vec<(String, Vec<&'static str>)> {
    let keys = |command: &CommandSpec| {
        let has_arguments =
            !command.args_before.is_empty() || command.sub.values().any(|sub| !sub.get_ref().args_before.is_empty());
        let keys = [
            ("args_before", has_arguments),
            ("env", !command.env.is_empty()),
            ("limits", command.limits != ProcessLimits::default()),
        ];
        keys.into_iter().filter_map(|(key, is_said)| is_said.then_some(key)).collect::<Vec<_>>()
    };
    let commands = policy.commands.iter().map(|(name, command)| (name.clone(), keys(command.get_ref())));
    commands.filter(|(_, keys)| !keys.is_empty()).collect()
}

/// Makes the plan for the connection to a remote server: the network, and no file but what names are looked up
/// with.
///
/// # Errors
/// A message for the person at the terminal.
pub fn remote(spec: &GuardSpec, request: &Request, target: &Target) -> Result<Setup, String> {
    target.check()?;
    let program = std::env::current_exe().map_err(|error| format!("find this program: {error}"))?;
    let command = vec![program.to_string_lossy().into_owned(), upstream::COMMAND.to_owned()];
    let search = request.search();
    let Prepared { preset, command, mut grants, .. } =
        preset::prepare(preset::Preset::Native, &command, &request.surroundings(&search, None))?;
    grants.extend(NAME_SERVICE.iter().map(Grant::read).filter(|grant| grant.path.exists()));
    let told = serde_json::to_string(target).map_err(|error| error.to_string())?;
    let plan = Plan {
        level: level(spec.sandbox),
        command,
        env: vec![(upstream::VARIABLE.to_owned(), told)],
        cwd: PathBuf::from("/"),
        grants: merged(grants),
        hidden: Vec::new(),
        frozen: Vec::new(),
        network: Network::Any,
        proxy_port: PROXY_PORT,
        unix_sockets: false,
        tmp_bytes: 1 << 20,
        tmp_exec: false,
        limits: Limits { file_bytes: Some(0), ..Limits::default() },
    };
    Ok(Setup {
        plan,
        require: level(spec.require),
        hosts: Vec::new(),
        preset,
        roots: Vec::new(),
        truncated: false,
        left_out: Vec::new(),
        not_ours: Vec::new(),
        exposed: Vec::new(),
        given: Given::default(),
    })
}

/// What is read to look names up.
const NAME_SERVICE: &[&str] = &["/etc/hosts", "/etc/resolv.conf", "/etc/gai.conf"];

impl Setup {
    /// Hides a file of the guard and those beside it that begin with its name: a server that can write
    /// where its own policy lies must not change its rules or its record. Call it when they exist.
    pub fn hide_own(&mut self, path: &Path) {
        self.plan.hidden.extend(own_files(path));
        // A link is where nothing can be put over; what it leads to is the file.
        if let Ok(real) = fs::canonicalize(path)
            && real != path
        {
            self.plan.hidden.extend(own_files(&real));
        }
        if self.may_change(path) {
            self.exposed.push(path.to_owned());
        }
    }

    /// Whether the server, confined as the policy requires, may change files in the directory of this one. What is
    /// covered there comes to light as soon as somebody puts another file in its place.
    #[must_use]
    pub fn may_change(&self, path: &Path) -> bool {
        let Some(directory) = path.parent() else { return false };
        // A directory that is not there yet is made in the nearest one that is.
        let real = directory.ancestors().find_map(|directory| fs::canonicalize(directory).ok());
        let places = [real, fs::canonicalize(path).ok()];
        let changes = |grant: &Grant| {
            grant.access > Access::Read && places.iter().flatten().any(|place| place.starts_with(&grant.path))
        };
        self.wanted() > Level::C && self.plan.grants.iter().any(changes)
    }

    /// How the server will read the paths that a call names.
    #[must_use]
    pub fn reader(&self) -> Reader {
        // The system's own files tell nobody anything. A script's code is not left out: there may be more beside it.
        let grants = self.plan.grants.iter().filter(|grant| !preset::is_system(&grant.path));
        let reachable = grants.map(|grant| (grant.path.clone(), grant.access > Access::Read)).collect();
        Reader {
            cwd: self.plan.cwd.clone(),
            variables: self.plan.env.iter().map(|(name, _)| name.clone()).collect(),
            reachable: (self.require > Level::C).then_some(reachable),
        }
    }

    /// The level to try first.
    #[must_use]
    pub fn wanted(&self) -> Level {
        self.plan.level
    }

    /// The plan for a level.
    ///
    /// # Errors
    /// When that level can't enforce what the policy asks for.
    pub fn at_level(&self, level: Level) -> Result<Plan, String> {
        if let Some(own) = self.exposed.first().filter(|_| level == Level::B) {
            let own = own.display();
            return Err(format!(
                "{own} is the guard's own and lies in a directory that the server may change: keep it elsewhere"
            ));
        }
        if let Some(why) = self.widened(level) {
            return Err(why);
        }
        let mut plan = Plan { level, ..self.plan.clone() };
        let means = sandbox::means(level)?;
        if plan.network == Network::Proxy {
            match means.hosts {
                HostList::Proxy(_) => {}
                HostList::Open => plan.network = Network::Any,
                HostList::Refused(why) => return Err(why.to_owned()),
            }
        }
        if level != Level::A {
            plan.env.retain(|(name, _)| name != "TMPDIR" && name != "HOME");
        }
        Ok(plan)
    }

    /// A root to which the kernel would give what only the directory around it grants. Landlock adds rights up on the
    /// way to a file; a mount of its own takes away all changes together, and is there at level A alone.
    fn widened(&self, level: Level) -> Option<String> {
        let holds = |root: &Grant| level == Level::C || (level == Level::A && root.access == Access::Read);
        let around = |root: &Grant| {
            let is_around = |grant: &&Grant| grant.path != root.path && root.path.starts_with(&grant.path);
            self.plan.grants.iter().filter(is_around).find(|grant| grant.access > root.access).cloned()
        };
        let (name, outer) =
            self.roots.iter().filter(|(_, root)| !holds(root)).find_map(|(name, root)| Some((name, around(root)?)))?;
        let outer = outer.path.display();
        let but = if level == Level::A { "; with mode `r` it can" } else { "; level A can where its mode is `r`" };
        Some(format!("the kernel can't hold roots.{name} to less than {outer}, in which it lies{but}"))
    }

    /// Roots by name, as granted to the kernel.
    #[must_use]
    pub fn roots(&self) -> &[(String, Grant)] {
        &self.roots
    }
}

fn level(spec: LevelSpec) -> Level {
    match spec {
        LevelSpec::A => Level::A,
        LevelSpec::B => Level::B,
        LevelSpec::C => Level::C,
    }
}

fn access(mode: RootMode) -> Access {
    match mode {
        RootMode::Read => Access::Read,
        RootMode::Write => Access::Write,
        RootMode::Create => Access::Create,
        RootMode::Delete => Access::Delete,
    }
}

/// A file of the guard and those beside it that begin with its name: rotated logs, what an editor keeps. A directory is
/// none of them, whatever it is called: `notes.toml` may well speak of `notes`.
fn own_files(path: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let begins = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(|other| other.starts_with(name));
    let ours = entries.filter(|entry| begins(entry) && entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    ours.map(|entry| entry.path()).collect()
}

fn existing(base: &Path, path: &Path) -> Result<PathBuf, String> {
    let path = base.join(path);
    fs::canonicalize(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn extra_grants(spec: &GuardSpec, request: &Request, base: &Path, grants: &mut Vec<Grant>) -> Result<(), String> {
    for path in &spec.read {
        grants.push(Grant::load(existing(base, path)?));
    }
    for path in &spec.write {
        grants.push(Grant::write(existing(base, path)?));
    }
    for path in &spec.exec {
        grants.push(Grant::run(existing(base, path)?));
    }
    for program in &request.exec {
        let search = request.environment.get("PATH").cloned().unwrap_or_default();
        let found = preset::find_program(program, &search, &request.cwd, None);
        grants.push(Grant::run(found.ok_or_else(|| format!("--exec: program not found: {program}"))?));
    }
    for path in &request.read {
        grants.push(Grant::load(existing(&request.cwd, path)?));
    }
    for path in &request.write {
        grants.push(Grant::write(existing(&request.cwd, path)?));
    }
    Ok(())
}

/// Two grants of one path become one with the rights of both.
pub(crate) fn merged(grants: Vec<Grant>) -> Vec<Grant> {
    let mut by_path: BTreeMap<PathBuf, Grant> = BTreeMap::new();
    for grant in grants {
        by_path
            .entry(grant.path.clone())
            .and_modify(|known| {
                known.access = known.access.max(grant.access);
                known.exec = known.exec.max(grant.exec);
            })
            .or_insert(grant);
    }
    by_path.into_values().collect()
}

/// Directories that were granted for the code in them, beside a script.
fn own_code(grants: &[Grant]) -> Vec<PathBuf> {
    let is_listed = |path: &Path| grants.iter().any(|grant| grant.access == Access::List && grant.path == path);
    let own = grants
        .iter()
        .map(|grant| &grant.path)
        .filter(|path| path.parent().is_some_and(is_listed) && !path.ends_with("node_modules") && path.is_dir());
    own.cloned().collect()
}

/// The same names in the same spellings that the argument check refuses. What lies in another root has that one's.
fn named_in(root: &Path, denied: Option<&[String]>, frozen: Option<&[String]>, roots: &[PathBuf]) -> Named {
    let names = |given: Option<&[String]>, usual: &[&str]| match given {
        Some(names) => DeniedNames::new(names.iter().map(String::as_str)),
        None => DeniedNames::new(usual.iter().copied()),
    };
    let (denied, frozen) = (names(denied, DEFAULT_DENIED), names(frozen, DEFAULT_FROZEN));
    let mut found = Named::default();
    let mut queue = vec![root.to_owned()];
    let mut entries = 0;
    while let Some(directory) = queue.pop() {
        let Ok(listing) = fs::read_dir(&directory) else { continue };
        for entry in listing.flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                found.truncated = true;
                return found;
            }
            if roots.contains(&entry.path()) {
                continue;
            }
            let name = entry.file_name();
            if denied.contains(&name.to_string_lossy()) {
                found.denied.extend(led_to(&entry.path(), root, roots));
                found.denied.push(entry.path());
                continue;
            }
            if frozen.contains(&name.to_string_lossy()) {
                found.frozen.extend(led_to(&entry.path(), root, roots));
                found.frozen.push(entry.path());
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                queue.push(entry.path());
            }
        }
    }
    found
}

/// What a link in a root leads to, when that lies in the same root: nothing can be put over a link, and what its name
/// keeps from the server is there. Elsewhere the server has no more than other roots give it.
fn led_to(path: &Path, root: &Path, roots: &[PathBuf]) -> Option<PathBuf> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return None;
    }
    let real = fs::canonicalize(path).ok()?;
    let is_of_another =
        || roots.iter().any(|other| other != root && other.starts_with(root) && real.starts_with(other));
    (real.starts_with(root) && real != root && !is_of_another()).then_some(real)
}

fn hosts(policy: Option<&PolicySpec>, spec: &GuardSpec, request: &Request) -> Result<Vec<AllowedHost>, String> {
    let mut hosts = BTreeSet::new();
    for (name, set) in policy.into_iter().flat_map(|policy| &policy.hosts) {
        let set = set.get_ref();
        let usual = set.schemes.iter().map(|scheme| if scheme == "http" { 80 } else { 443 });
        let ports: BTreeSet<u16> = usual.chain(set.ports.iter().copied()).collect();
        let admits_http = set.schemes.iter().any(|scheme| scheme == "http");
        for host in &set.allow {
            for port in &ports {
                hosts.insert(AllowedHost {
                    host: host.clone(),
                    port: *port,
                    is_plain: admits_http && *port != 443,
                    private: set.private.clone(),
                    source: format!("hosts.{name}"),
                });
            }
        }
    }
    for (text, source) in
        spec.hosts.iter().map(|text| (text, "guard.hosts")).chain(request.hosts.iter().map(|text| (text, "--host")))
    {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| format!("{source}: `{text}` has no valid port"))?),
            None => (text.as_str(), 443),
        };
        hosts.insert(AllowedHost {
            host: host.to_owned(),
            port,
            is_plain: port != 443,
            private: Vec::new(),
            source: source.to_owned(),
        });
    }
    Ok(hosts.into_iter().collect())
}

/// The server starts where the guard does, so that relative arguments mean the same. Of that directory
/// it sees what is granted, and no more.
fn working_directory(spec: &GuardSpec, request: &Request, base: &Path) -> PathBuf {
    match &spec.cwd {
        Some(cwd) => base.join(cwd),
        None => {
            let stands = request.stands.as_ref().unwrap_or(&request.cwd);
            fs::canonicalize(stands).unwrap_or_else(|_| stands.clone())
        }
    }
}

/// The environment from nothing: what the runtime needs, what the policy sets, what it passes on by name.
fn environment(
    spec: &GuardSpec,
    request: &Request,
    preset: BTreeMap<String, String>,
    search: &OsString,
    network: Network,
) -> Result<Vec<(String, String)>, String> {
    let mut env = preset;
    env.insert("PATH".into(), search.to_string_lossy().into_owned());
    env.insert("HOME".into(), TMP.into());
    env.insert("TMPDIR".into(), TMP.into());
    for name in ["LANG", "LC_ALL", "TZ", "TERM"] {
        if let Some(value) = request.environment.get(name).and_then(|value| value.to_str()) {
            env.insert(name.into(), value.to_owned());
        }
    }
    if network == Network::Proxy {
        let proxy = sandbox::proxy_url(PROXY_PORT);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            env.insert(name.into(), proxy.clone());
        }
    }
    for name in spec.pass_env.iter().chain(&request.pass_env) {
        let value = request.environment.get(name).ok_or_else(|| format!("pass_env: `{name}` is not set"))?;
        let value = value.to_str().ok_or_else(|| format!("pass_env: `{name}` is not UTF-8"))?;
        env.insert(name.clone(), value.to_owned());
    }
    env.extend(spec.env.clone());
    Ok(env.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_name_that_is_a_link_is_covered_where_it_leads() {
        let directory = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(directory.path()).unwrap();
        for name in ["root/conf", "root/inner", "other"] {
            fs::create_dir_all(at.join(name)).unwrap();
            fs::write(at.join(name).join("secrets"), "x").unwrap();
        }
        let link = |target: &str, name: &str| std::os::unix::fs::symlink(target, at.join("root").join(name)).unwrap();
        link("conf/secrets", ".env");
        link("../other/secrets", ".netrc");
        link("inner/secrets", ".npmrc");
        link(".", ".git");
        link("nowhere", ".ssh");
        link("conf", ".vscode");
        let roots = ["root", "root/inner", "other"].map(|name| at.join(name));
        let named = named_in(&roots[0], None, None, &roots);
        let mut denied: Vec<PathBuf> = named.denied;
        denied.sort();
        let expected = [".env", ".git", ".netrc", ".npmrc", ".ssh", "conf/secrets"].map(|name| roots[0].join(name));
        assert_eq!(denied, expected);
        assert_eq!(named.frozen, ["conf", ".vscode"].map(|name| roots[0].join(name)));
    }

    #[test]
    fn a_link_in_place_of_the_policy_is_covered_where_it_leads() {
        let directory = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir(at.join("conf")).unwrap();
        fs::write(at.join("conf/real.toml"), "version = 1\n[roots.r]\nat = \"conf\"\nmode = \"rw\"\n").unwrap();
        std::os::unix::fs::symlink("conf/real.toml", at.join("manta.toml")).unwrap();
        let policy = PolicyFile::load(at.join("manta.toml")).unwrap();
        let request = Request { command: vec!["/bin/true".into()], cwd: at.clone(), ..Request::default() };
        let mut setup = setup(Some(&policy), &GuardSpec::default(), &request).unwrap();
        let link = at.join("manta.toml");
        assert!(setup.may_change(&link) && setup.may_change(&at.join("conf/new/log.jsonl")));
        assert!(!setup.may_change(&at.join("log.jsonl")));
        setup.hide_own(&link);
        assert!(setup.plan.hidden.contains(&at.join("conf/real.toml")), "{:?}", setup.plan.hidden);
        assert!(setup.at_level(Level::B).is_err(), "nothing covers it there");
    }

    #[test]
    fn what_a_command_says_that_only_a_server_of_ours_does_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let text = "version = 1\n[commands.plain]\nexe = \"/bin/true\"\n[commands.git]\nexe = \"/bin/true\"\n\
                    env = { A = \"1\" }\n[commands.git.sub.log]\nargs_before = [\"--no-ext-diff\"]\n\
                    [commands.git.limits]\nwall = \"1s\"\n";
        let policy = PolicyFile::parse(directory.path().join("manta.toml"), text).unwrap();
        let request = Request { command: vec!["/bin/true".into()], cwd: directory.path().into(), ..Request::default() };
        let setup = setup(Some(&policy), &GuardSpec::default(), &request).unwrap();
        assert_eq!(setup.not_ours, [("git".to_owned(), vec!["args_before", "env", "limits"])]);
        let lines = setup.controls(Level::B).unwrap();
        let line = lines.iter().find(|line| line.what == "command git").expect("a line of its own");
        assert!(line.by == "-" && line.wanted == "args_before, env, limits" && !line.gap.is_empty(), "{line:?}");
        assert!(!lines.iter().any(|line| line.what == "command plain"));
    }

    #[test]
    fn what_the_policy_is_named_like_is_not_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let at = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir(at.join("notes")).unwrap();
        for file in ["notes-old.txt", "notes.toml~", "notes.toml"] {
            fs::write(at.join(file), "version = 1\n[roots.r]\nat = \"notes\"\n").unwrap();
        }
        let policy = PolicyFile::load(at.join("notes.toml")).unwrap();
        let request = Request { command: vec!["/bin/true".into()], cwd: at.clone(), ..Request::default() };
        let mut setup = setup(Some(&policy), &GuardSpec::default(), &request).unwrap();
        setup.hide_own(&at.join("notes.toml"));
        let hidden = |name: &str| setup.plan.hidden.contains(&at.join(name));
        assert_eq!(["notes", "notes-old.txt", "notes.toml~", "notes.toml"].map(hidden), [false, false, true, true]);
    }
}
