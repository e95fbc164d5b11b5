//! What an automaton proves about the subjects it accepts.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::automaton::Dfa;
use crate::domain::charset::CharSet;
use crate::domain::path::DotDot;
use crate::domain::props::{MAX_LITERALS, StrProps};
use crate::domain::url::{Host, Scheme, UrlState};

/// Longest host name that is spelled out.
const MAX_HOST: usize = 253;
/// Longest required suffix that is looked for.
const MAX_SUFFIX: usize = 64;

/// A language: an automaton with the states that lead to acceptance marked.
pub(super) struct Language {
    dfa: Dfa,
    /// Reachable, and acceptance is reachable from here.
    live: Vec<bool>,
    group_sets: Vec<CharSet>,
    /// See [`Self::next_steps`].
    next_steps: OnceCell<Vec<Option<(char, usize)>>>,
}

impl Language {
    pub(super) fn new(dfa: Dfa) -> Self {
        let live = leads_to(&dfa, &dfa.accepts);
        let group_sets = (0..dfa.groups).map(|group| dfa.group_set(group)).collect();
        Self { dfa, live, group_sets, next_steps: OnceCell::new() }
    }

    pub(super) fn accepts(&self, text: &str) -> bool {
        self.dfa.accepts[self.dfa.run(0, text)]
    }

    /// The strings this language does not contain.
    pub(super) fn complement(&self) -> Self {
        Self::new(self.dfa.clone().complement())
    }

    fn is_empty(&self) -> bool {
        !self.live[0]
    }

    /// Every property of the accepted strings. `units`: UTF-16 units per symbol at most.
    pub(super) fn props(&self, units: u32) -> StrProps {
        if self.is_empty() {
            return StrProps::bottom();
        }
        if let Some(words) = self.words() {
            return StrProps::one_of(words);
        }
        let mut charset = CharSet::NONE;
        let mut last = CharSet::NONE;
        for (_, set, to) in self.live_edges() {
            charset = charset.union(set);
            if self.dfa.accepts[to] {
                last = last.union(set);
            }
        }
        let mut props = StrProps::of_charset(charset);
        props.first = self.edges_from(0).fold(CharSet::NONE, |first, (set, _)| first.union(set));
        props.last = last;
        props.min_len = self.shortest();
        props.max_len = self.longest().map(|max| if charset.has_non_ascii() { max * units } else { max });
        props.path.dotdot = self.dotdot();
        props.url = self.url_state();
        props.newline_last = self.newline_only_last();
        props.normalized()
    }

    fn edges_from(&self, state: usize) -> impl Iterator<Item = (CharSet, usize)> {
        let edge = move |group: usize| (self.group_sets[group], self.dfa.step_group(state, group));
        (0..self.dfa.groups).map(edge).filter(|(_, to)| self.live[*to])
    }

    fn live_edges(&self) -> impl Iterator<Item = (usize, CharSet, usize)> {
        let live = (0..self.dfa.states()).filter(|&state| self.live[state]);
        live.flat_map(move |state| self.edges_from(state).map(move |(set, to)| (state, set, to)))
    }

    /// All accepted strings, if there are few.
    fn words(&self) -> Option<Vec<String>> {
        self.longest()?;
        let mut words = Vec::new();
        self.spell(0, String::new(), &|_| false, MAX_LITERALS, &mut words).then_some(words)
    }

    /// Collects the strings from `state` to acceptance, or to a character that `ends` them (not included). False if
    /// there are more than `limit`, if one contains a character outside ASCII, or if one is unreasonably long.
    fn spell(
        &self,
        state: usize,
        so_far: String,
        ends: &dyn Fn(char) -> bool,
        limit: usize,
        words: &mut Vec<String>,
    ) -> bool {
        if so_far.len() > MAX_HOST {
            return false;
        }
        let mut complete = self.dfa.accepts[state];
        for (set, to) in self.edges_from(state) {
            if set.has_non_ascii() || set.ascii_len() > 128 {
                return false;
            }
            for c in set.ascii_chars() {
                if ends(c) {
                    complete = true;
                } else if words.len() > limit || !self.spell(to, format!("{so_far}{c}"), ends, limit, words) {
                    return false;
                }
            }
        }
        if complete && !words.contains(&so_far) {
            words.push(so_far);
        }
        words.len() <= limit
    }

    fn shortest(&self) -> u32 {
        let mut distance = vec![u32::MAX; self.dfa.states()];
        distance[0] = 0;
        let mut queue = VecDeque::from([0]);
        while let Some(state) = queue.pop_front() {
            if self.dfa.accepts[state] {
                return distance[state];
            }
            for (_, to) in self.edges_from(state) {
                if distance[to] == u32::MAX {
                    distance[to] = distance[state] + 1;
                    queue.push_back(to);
                }
            }
        }
        0
    }

    /// Length of the longest accepted string; `None` if there is a loop.
    fn longest(&self) -> Option<u32> {
        let states = self.dfa.states();
        let mut incoming = vec![0usize; states];
        for (_, _, to) in self.live_edges() {
            incoming[to] += 1;
        }
        if incoming[0] > 0 {
            return None;
        }
        let mut depth = vec![0u32; states];
        let mut ready = vec![0];
        let mut visited = 0;
        while let Some(state) = ready.pop() {
            visited += 1;
            for (_, to) in self.edges_from(state) {
                depth[to] = depth[to].max(depth[state] + 1);
                incoming[to] -= 1;
                if incoming[to] == 0 {
                    ready.push(to);
                }
            }
        }
        let live = self.live.iter().filter(|live| **live).count();
        (visited == live).then(|| depth.into_iter().max().unwrap_or(0))
    }

    /// Whether a newline is always the last character (the doing of Python's `$`).
    fn newline_only_last(&self) -> bool {
        let after_newline = self.live_edges().filter(|(_, set, _)| set.contains('\n')).map(|(_, _, to)| to);
        after_newline.into_iter().all(|state| self.edges_from(state).next().is_none())
    }

    /// Where a component `..` may stand.
    fn dotdot(&self) -> DotDot {
        let after_slash = self.live_edges().filter(|(_, set, _)| set.contains('/')).map(|(_, _, to)| to);
        let mut found = DotDot::No;
        for start in after_slash.chain([0]) {
            let after = self.dfa.run(start, "..");
            if self.live[self.dfa.run(after, "/")] {
                return DotDot::May;
            }
            if self.dfa.accepts[after] {
                found = DotDot::LastOnly;
            }
        }
        found
    }

    /// The text every accepted string starts with.
    pub(super) fn required_prefix(&self) -> String {
        let mut prefix = String::new();
        let mut state = 0;
        while !self.is_empty() && !self.dfa.accepts[state] && prefix.len() < 256 {
            let mut edges = self.edges_from(state);
            let (Some((set, to)), None) = (edges.next(), edges.next()) else { break };
            let mut members = set.ascii_chars();
            let (Some(c), None, false) = (members.next(), members.next(), set.has_non_ascii()) else { break };
            prefix.push(c);
            state = to;
        }
        prefix
    }

    /// The text every accepted string ends with.
    pub(super) fn required_suffix(&self) -> String {
        let ends: Vec<bool> = (0..self.dfa.states()).map(|state| self.live[state] && self.dfa.accepts[state]).collect();
        self.suffix_before(&ends, &[0], |_| true).0
    }

    /// Longest text that precedes every arrival in `ends` on paths from `starts` over states that are `inside`, and the
    /// characters that may stand before it.
    fn suffix_before(&self, ends: &[bool], starts: &[usize], inside: impl Fn(usize) -> bool) -> (String, CharSet) {
        let mut suffix = Vec::new();
        let mut current = ends.to_vec();
        let before_suffix = loop {
            let mut arriving = CharSet::NONE;
            let mut before = vec![false; self.dfa.states()];
            for (from, set, to) in self.live_edges() {
                if current[to] && inside(from) {
                    arriving = arriving.union(set);
                    before[from] = true;
                }
            }
            let folded = arriving.to_lower();
            let mut members = folded.ascii_chars();
            let (Some(c), None, false) = (members.next(), members.next(), arriving.has_non_ascii()) else {
                break arriving;
            };
            if suffix.len() >= MAX_SUFFIX || starts.iter().any(|&start| current[start]) {
                break arriving;
            }
            suffix.push(c);
            current = before;
        };
        (suffix.into_iter().rev().collect(), before_suffix)
    }

    /// An accepted string that starts with `prefix`, as short as possible.
    pub(super) fn complete(&self, prefix: &str) -> Option<String> {
        let mut state = self.dfa.run(0, prefix);
        let mut text = prefix.to_owned();
        while !self.dfa.accepts[state] {
            let (c, next) = self.next_steps()[state]?;
            text.push(c);
            state = next;
        }
        Some(text)
    }

    /// The first step of a shortest way from each state to acceptance: the character, and where it leads.
    fn next_steps(&self) -> &[Option<(char, usize)>] {
        self.next_steps.get_or_init(|| {
            let distance = distances_to(&self.dfa, &self.dfa.accepts);
            let examples: Vec<Option<char>> = self.group_sets.iter().map(|set| set.example()).collect();
            let step = |state: usize| {
                let nearer = |group: &usize| {
                    let to = self.dfa.step_group(state, *group);
                    distance[to] != usize::MAX && distance[to] + 1 == distance[state]
                };
                let group = (0..self.dfa.groups).filter(|group| examples[*group].is_some()).find(nearer)?;
                Some((examples[group]?, self.dfa.step_group(state, group)))
            };
            (0..self.dfa.states()).map(step).collect()
        })
    }

    /// Whether every string that starts with `prefix` is accepted.
    pub(super) fn certain_prefix(&self, prefix: &str) -> bool {
        let rejects: Vec<bool> = self.dfa.accepts.iter().map(|accepts| !accepts).collect();
        !leads_to(&self.dfa, &rejects)[self.dfa.run(0, prefix)]
    }

    /// Characters with which every continuation is accepted. The non-ASCII bit stands for all characters outside.
    pub(super) fn certain_starts(&self) -> CharSet {
        let rejects: Vec<bool> = self.dfa.accepts.iter().map(|accepts| !accepts).collect();
        let can_fail = leads_to(&self.dfa, &rejects);
        let certain = |group: &usize| !can_fail[self.dfa.step_group(0, *group)];
        (0..self.dfa.groups).filter(certain).fold(CharSet::NONE, |set, group| set.union(self.group_sets[group]))
    }

    /// Scheme and host that every accepted URL has.
    fn url_state(&self) -> UrlState {
        let Some((authorities, schemes)) = self.after_scheme() else { return UrlState::UNKNOWN };
        let scheme = match schemes.as_slice() {
            [only] if only == "https" => Scheme::Https,
            all if all.iter().all(|name| name == "https" || name == "http") => Scheme::Web,
            [_] => Scheme::Other,
            _ => Scheme::Unknown,
        };
        let host = self.host_from(&authorities, &|c| "/?#\\".contains(c));
        UrlState { scheme, host, ..UrlState::UNKNOWN }
    }

    /// The host of every accepted string, taken as a bare host name.
    pub(super) fn bare_host(&self) -> Host {
        if self.is_empty() { Host::AllowListed } else { self.host_from(&[0], &|_| false) }
    }

    fn host_from(&self, starts: &[usize], ends: &dyn Fn(char) -> bool) -> Host {
        let mut hosts = Vec::new();
        if starts.iter().all(|&start| self.spell(start, String::new(), ends, MAX_LITERALS, &mut hosts)) {
            hosts.iter_mut().for_each(|host| *host = host_name(host));
            hosts.sort_unstable();
            hosts.dedup();
            return match hosts.as_slice() {
                [only] if !only.is_empty() => Host::Fixed(Rc::from(only.as_str())),
                all if all.iter().all(|host| !host.is_empty()) => Host::AllowListed,
                _ => Host::Tainted,
            };
        }
        let (suffix, before) = self.authority_suffix(starts, ends);
        // A label that may be longer than what is known of it does not count.
        let whole_label = before.is_subset(CharSet::of("."));
        let suffix = host_name(&suffix);
        let labels = suffix.split('.').skip(usize::from(!whole_label)).filter(|label| !label.is_empty()).count();
        if labels >= 2 { Host::AllowListed } else { Host::Tainted }
    }

    /// The text every authority that begins in `starts` ends with.
    fn authority_suffix(&self, starts: &[usize], ends: &dyn Fn(char) -> bool) -> (String, CharSet) {
        let mut inside = vec![false; self.dfa.states()];
        let mut last = vec![false; self.dfa.states()];
        let mut work = starts.to_vec();
        while let Some(state) = work.pop() {
            if std::mem::replace(&mut inside[state], true) {
                continue;
            }
            last[state] = self.dfa.accepts[state];
            for (set, to) in self.edges_from(state) {
                let ending = CharSet::of("/?#\\")
                    .ascii_chars()
                    .filter(|c| ends(*c))
                    .fold(CharSet::NONE, |all, c| all.union(CharSet::single(c)));
                last[state] |= set.meets(ending);
                if !set.is_subset(ending) {
                    work.push(to);
                }
            }
        }
        self.suffix_before(&last, starts, |state| inside[state])
    }

    /// The states after `scheme://`, and the schemes, if every accepted string starts so.
    fn after_scheme(&self) -> Option<(Vec<usize>, Vec<String>)> {
        let mut found = Vec::new();
        let mut schemes = Vec::new();
        let mut work = vec![(0, String::new())];
        let mut rounds = 0;
        while let Some((state, name)) = work.pop() {
            rounds += 1;
            if self.dfa.accepts[state] || name.len() > 12 || rounds > 256 {
                return None;
            }
            for (set, to) in self.edges_from(state) {
                if set.contains(':') {
                    let slashes = self.only_step(self.only_step(to, '/')?, '/')?;
                    found.push(slashes);
                    schemes.push(name.clone());
                    if set != CharSet::of(":") {
                        return None;
                    }
                    continue;
                }
                let folded = set.to_lower();
                let mut members = folded.ascii_chars();
                let (Some(c), None, false) = (members.next(), members.next(), set.has_non_ascii()) else { return None };
                if !c.is_ascii_alphanumeric() {
                    return None;
                }
                work.push((to, format!("{name}{c}")));
            }
        }
        schemes.sort_unstable();
        schemes.dedup();
        Some((found, schemes)).filter(|(found, _)| !found.is_empty())
    }

    /// The state after `c` if no other character may follow in `state`.
    fn only_step(&self, state: usize, c: char) -> Option<usize> {
        if self.dfa.accepts[state] {
            return None;
        }
        let mut edges = self.edges_from(state);
        match (edges.next(), edges.next()) {
            (Some((set, to)), None) if set == CharSet::single(c) => Some(to),
            _ => None,
        }
    }
}

/// States from which one in `targets` can be reached.
fn leads_to(dfa: &Dfa, targets: &[bool]) -> Vec<bool> {
    distances_to(dfa, targets).into_iter().map(|distance| distance != usize::MAX).collect()
}

/// How many characters lead from each state to the nearest of `targets`; `usize::MAX` where none does.
fn distances_to(dfa: &Dfa, targets: &[bool]) -> Vec<usize> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); dfa.states()];
    for state in 0..dfa.states() {
        for group in 0..dfa.groups {
            before[dfa.step_group(state, group)].push(state);
        }
    }
    let mut distance: Vec<usize> = targets.iter().map(|target| if *target { 0 } else { usize::MAX }).collect();
    let mut queue: VecDeque<usize> = (0..dfa.states()).filter(|&state| targets[state]).collect();
    while let Some(state) = queue.pop_front() {
        for &from in &before[state] {
            if distance[from] == usize::MAX {
                distance[from] = distance[state] + 1;
                queue.push_back(from);
            }
        }
    }
    distance
}

/// Lower-cased, without user information and port.
fn host_name(authority: &str) -> String {
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    match host.split_once(':') {
        Some((name, port)) if !host.starts_with('[') && port.chars().all(|c| c.is_ascii_digit()) => name.to_owned(),
        _ => host,
    }
}
