//! What is enforced and by what, line by line: `manta guard --explain`.

use std::fmt;

use crate::sandbox::{self, Access, Exec, HostList, Level, Means, Network};
use crate::setup::Setup;

/// One line of "what is enforced".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// What is controlled.
    pub what: String,
    /// What was asked for.
    pub wanted: String,
    /// What enforces it.
    pub by: String,
    /// What remains open, empty for nothing.
    pub gap: String,
}

impl Setup {
    /// What would be enforced at a level, line by line.
    ///
    /// # Errors
    /// When this system has no such level.
    pub fn controls(&self, level: Level) -> Result<Vec<Control>, String> {
        let means = sandbox::means(level)?;
        let mut lines = Vec::new();
        let mut add = |what: &str, wanted: String, sandbox::By(by, gap): sandbox::By| {
            lines.push(Control { what: what.into(), wanted, by: by.into(), gap: gap.into() });
        };
        for (name, grant) in &self.roots {
            let mode = match grant.access {
                Access::List | Access::Read => "r",
                Access::Write => "rw",
                Access::Create => "rwc",
                Access::Delete => "rwcd",
            };
            add(&format!("root {name}"), format!("{mode} {}", grant.path.display()), means.files);
        }
        add("other files", "code and system libraries only".into(), means.files);
        if !self.left_out.is_empty() {
            let none = sandbox::By(means.files.0, "a server that needs one: `read` under [guard]");
            add("beside the code, not readable", named(self.left_out.iter()).unwrap_or_default(), none);
        }
        if !self.plan.hidden.is_empty() {
            let late = "the roots are large: names found late meet the argument check only";
            let denied = if self.truncated { sandbox::By(means.denied.0, late) } else { means.denied };
            add("denied names", format!("{} hidden", self.plan.hidden.len()), denied);
        }
        if !self.plan.frozen.is_empty() {
            add("frozen names", format!("{} read-only", self.plan.frozen.len()), means.frozen);
        }
        add("metadata outside roots", "no change".into(), means.metadata);
        let (network, by) = self.network(&means);
        add("network", network, by);
        let sockets = if self.plan.unix_sockets { "allowed" } else { "none" };
        add("unix, netlink, packet, vsock", sockets.into(), means.sockets);
        let runs = self.plan.grants.iter().filter(|grant| grant.exec == Exec::Run);
        let runs: Vec<String> = runs.map(|grant| grant.path.display().to_string()).collect();
        add("programs", runs.join(", "), means.programs);
        for (name, keys) in &self.not_ours {
            let by_server =
                sandbox::By("-", "not enforced: the server starts it, with the arguments that were checked");
            add(&format!("command {name}"), keys.join(", "), by_server);
        }
        add("other processes", "no ptrace, no signals".into(), means.processes);
        add("process tree", "ended with the server".into(), means.tree);
        let names: Vec<&str> = self.plan.env.iter().map(|(name, _)| name.as_str()).collect();
        add("environment", names.join(", "), sandbox::By("cleared before start", ""));
        let one_process = sandbox::By("argument check only", "all tools run in one process");
        add("separation of tools", "per tool".into(), one_process);
        Ok(lines)
    }

    /// What may be missing to a server that ends by itself, and what gives it that: one line each.
    pub(crate) fn missed(&self) -> Vec<String> {
        let beside = named(self.left_out.iter());
        let in_roots = |path: &&std::path::PathBuf| self.roots.iter().any(|(_, root)| path.starts_with(&root.path));
        let denied = named(self.plan.hidden.iter().filter(in_roots));
        let lines = [
            beside.map(|names| format!("beside the server's code it can't read {names}; if it needs one of them: --read PATH, or `read` under [guard]")),
            denied.map(|names| format!("in its roots it does not see {names}; if it works on one of them: a list of `deny` without it under [roots]")),
        ];
        lines.into_iter().flatten().collect()
    }

    fn network(&self, means: &Means) -> (String, sandbox::By) {
        let hosts = || {
            let hosts: Vec<String> = self.hosts.iter().map(|host| format!("{}:{}", host.host, host.port)).collect();
            hosts.join(", ")
        };
        match (self.plan.network, means.hosts) {
            (Network::Any, _) => ("any".to_owned(), sandbox::By("-", "unrestricted, as the policy says")),
            (Network::None, _) => ("none".to_owned(), means.no_network),
            (Network::Proxy, HostList::Proxy(by)) => (hosts(), by),
            (Network::Proxy, HostList::Open) => (hosts(), sandbox::By("-", "not enforced")),
            (Network::Proxy, HostList::Refused(why)) => (hosts(), sandbox::By("-", why)),
        }
    }
}

/// Shows the gap only where there is one.
impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<30} {:<44} {:<34} {}",
            self.what,
            self.wanted,
            self.by,
            if self.gap.is_empty() { "-" } else { &self.gap }
        )
    }
}
/// Names of some files and directories, fit for a terminal; `None` where there are none.
fn named<'a>(paths: impl Iterator<Item = &'a std::path::PathBuf>) -> Option<String> {
    const MOST: usize = 12;
    let name = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = manta_core::Untrusted(&name).for_terminal();
        if path.is_dir() { format!("{name}/") } else { name }
    };
    let names: std::collections::BTreeSet<String> = paths.map(name).collect();
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => None,
        count if count > MOST => Some(format!("{shown}, and {} more", count - MOST)),
        _ => Some(shown),
    }
}
