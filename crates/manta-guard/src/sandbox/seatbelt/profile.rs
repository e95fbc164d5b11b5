//! The profile: everything is denied, then what the plan grants is allowed, then what it hides is denied again.
//! Of several rules that fit, the last one holds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::sandbox::{Access, Exec, Grant, Network, Plan};

/// What every program needs to start, and what tells nothing about the user: its own processes, the C library's
/// services, devices that store nothing.
const ALWAYS: &str = r#"(version 1)
(deny default)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo") (global-name "com.apple.system.logger")
  (global-name "com.apple.system.notification_center"))
(allow file-read* (literal "/") (literal "/dev/random") (literal "/dev/urandom") (literal "/dev/zero"))
(allow file-read* file-write-data (literal "/dev/null") (literal "/dev/dtracehelper"))
"#;

/// What a connection needs besides itself: names, certificates, the state of the network.
const NETWORK_SERVICES: &str = r#"(allow mach-lookup (global-name "com.apple.SystemConfiguration.configd")
  (global-name "com.apple.trustd.agent") (global-name "com.apple.networkd"))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
(allow system-socket)
"#;

/// The profile of a plan.
///
/// # Errors
/// When a path can't be written in one.
pub(super) fn text(plan: &Plan) -> io::Result<String> {
    let mut profile = ALWAYS.to_owned();
    let mut above = BTreeSet::new();
    for grant in &plan.grants {
        for path in spellings(&grant.path) {
            above.extend(path.ancestors().skip(1).map(Path::to_owned));
            allow(&mut profile, grant, &path)?;
        }
    }
    // Resolving a path looks at every directory on the way.
    for directory in &above {
        rule(&mut profile, "allow file-read-metadata", "literal", directory)?;
    }
    match plan.network {
        Network::None => {}
        Network::Proxy => {
            // Writing to a String can't fail.
            let _ = writeln!(profile, "(allow network-outbound (remote ip \"localhost:{}\"))", plan.proxy_port);
            profile.push_str("(allow system-socket)\n");
        }
        Network::Any => {
            profile.push_str("(allow network-outbound (remote ip \"*:*\"))\n(allow network-bind network-inbound (local ip \"*:*\"))\n");
            profile.push_str(NETWORK_SERVICES);
        }
    }
    if plan.unix_sockets {
        profile.push_str("(allow network* (local unix-socket) (remote unix-socket))\n");
    }
    for path in plan.frozen.iter().flat_map(|path| spellings(path)) {
        rule(&mut profile, "deny file-write*", "subpath", &path)?;
    }
    for path in plan.hidden.iter().flat_map(|path| spellings(path)) {
        rule(&mut profile, "deny file-read* file-write* process-exec*", "subpath", &path)?;
    }
    Ok(profile)
}

fn allow(profile: &mut String, grant: &Grant, path: &Path) -> io::Result<()> {
    let filter = if grant.access == Access::List { "literal" } else { "subpath" };
    rule(profile, "allow file-read*", filter, path)?;
    match grant.access {
        Access::List | Access::Read => {}
        Access::Write => rule(profile, "allow file-write-data", "subpath", path)?,
        Access::Create => rule(profile, "allow file-write-data file-write-create", "subpath", path)?,
        Access::Delete => rule(profile, "allow file-write*", "subpath", path)?,
    }
    match grant.exec {
        Exec::No => Ok(()),
        Exec::Load => rule(profile, "allow file-map-executable", "subpath", path),
        Exec::Run => rule(profile, "allow file-map-executable process-exec", "subpath", path),
    }
}

/// A path as it was given and as it really is: the kernel compares the latter, and `/tmp` and `/etc` are links.
fn spellings(path: &Path) -> BTreeSet<PathBuf> {
    std::iter::once(path.to_owned()).chain(fs::canonicalize(path)).collect()
}

fn rule(profile: &mut String, what: &str, filter: &str, path: &Path) -> io::Result<()> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    let text = text.ok_or_else(|| io::Error::other(format!("{path:?} can't be named in a sandbox profile")))?;
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    // Writing to a String can't fail.
    let _ = writeln!(profile, "({what} ({filter} \"{quoted}\"))");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Level, Limits};

    fn plan(grants: Vec<Grant>) -> Plan {
        Plan {
            level: Level::B,
            command: vec!["/opt/server".to_owned()],
            env: Vec::new(),
            cwd: "/".into(),
            grants,
            hidden: Vec::new(),
            frozen: Vec::new(),
            network: Network::None,
            proxy_port: 4711,
            unix_sockets: false,
            tmp_bytes: 0,
            tmp_exec: false,
            limits: Limits::default(),
        }
    }

    fn rules(profile: &str, about: &str) -> Vec<String> {
        profile.lines().filter(|line| line.contains(about)).map(str::to_owned).collect()
    }

    #[test]
    fn a_grant_allows_what_it_says_and_no_more() {
        let text = text(&plan(vec![
            Grant::read("/gone/data"),
            Grant { path: "/gone/notes".into(), access: Access::Create, exec: Exec::No },
            Grant::run("/gone/bin/node"),
        ]))
        .unwrap();
        assert_eq!(rules(&text, "/gone/data\""), ["(allow file-read* (subpath \"/gone/data\"))"]);
        assert_eq!(
            rules(&text, "/gone/notes\""),
            [
                "(allow file-read* (subpath \"/gone/notes\"))",
                "(allow file-write-data file-write-create (subpath \"/gone/notes\"))"
            ]
        );
        assert_eq!(
            rules(&text, "process-exec"),
            ["(allow file-map-executable process-exec (subpath \"/gone/bin/node\"))"]
        );
        assert_eq!(rules(&text, "\"/gone\""), ["(allow file-read-metadata (literal \"/gone\"))"]);
        assert_eq!(rules(&text, "network"), Vec::<String>::new());
    }

    #[test]
    fn what_is_hidden_comes_last_because_the_last_rule_holds() {
        let mut plan = plan(vec![Grant::write("/gone/root")]);
        plan.hidden = vec!["/gone/root/.env".into()];
        plan.frozen = vec!["/gone/root/.git".into()];
        let text = text(&plan).unwrap();
        let at = |needle: &str| text.find(needle).unwrap();
        assert!(
            at("(allow file-write* (subpath \"/gone/root\"))") < at("(deny file-write* (subpath \"/gone/root/.git\"))")
        );
        assert!(at("(deny file-write* (subpath \"/gone/root/.git\"))") < at("(deny file-read* file-write*"));
        assert!(text.trim_end().ends_with("(subpath \"/gone/root/.env\"))"));
    }

    #[test]
    fn with_a_list_of_hosts_only_the_proxy_is_reached() {
        let mut plan = plan(Vec::new());
        plan.network = Network::Proxy;
        let text = text(&plan).unwrap();
        assert_eq!(rules(&text, "network"), ["(allow network-outbound (remote ip \"localhost:4711\"))"]);
    }

    #[test]
    fn a_path_can_not_end_its_quotes() {
        let quoted = text(&plan(vec![Grant::read("/gone/a\") (allow default) (\"\\")])).unwrap();
        assert!(quoted.contains(r#"(subpath "/gone/a\") (allow default) (\"\\")"#), "{quoted}");
        assert!(text(&plan(vec![Grant::read("/gone/line\nbreak")])).is_err());
    }
}
