//! The decider of a guard without a policy file: every call passes, nothing is recorded. The wire
//! rules, the pins, the schemas and the sandbox still hold.

use crate::decide::{Admission, Call, Decider, Denial, Event, Outcome, Target, Ticket};

/// Admits everything.
#[derive(Debug, Default)]
pub struct Permissive {
    /// Last ticket given.
    pub next: Ticket,
    /// Where events are shown; `None` keeps quiet.
    pub show: Option<fn(&Event)>,
}

impl Decider for Permissive {
    fn check(&mut self, _call: &Call<'_>) -> Result<(), Denial> {
        Ok(())
    }

    fn admit(&mut self, _call: &Call<'_>) -> Result<Admission, Denial> {
        self.next += 1;
        Ok(Admission { ticket: self.next, max_result: None, timeout: None, traceparent: None })
    }

    fn refused(&mut self, _call: &Call<'_>, _denial: &Denial, _enforced: bool) -> Result<(), Denial> {
        Ok(())
    }

    fn finished(&mut self, _: Ticket, _: &Outcome, _bytes: usize, _redactions: usize) -> Result<(), Denial> {
        Ok(())
    }

    fn is_visible(&self, _to: Option<&str>, _target: Target, _name: &str) -> bool {
        true
    }

    fn event(&mut self, event: &Event) {
        if let Some(show) = self.show {
            show(event);
        }
    }
}
