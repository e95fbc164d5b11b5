//! Classes that answer HTTP requests: a method for each verb, and the request is what the instance has.

use crate::engine::interp::{Args, Interp};
use crate::engine::models::{HandlerArgs, RegisterRow};
use crate::engine::report::Registration;
use crate::engine::store::ClassVal;
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::Symbol;

impl Interp<'_> {
    /// Registers what is derived from a class of the models whose instances are requests.
    pub(crate) fn register_responders(&mut self) {
        let models = self.models;
        let mut found = Vec::new();
        for (id, class) in self.known_classes() {
            let Some(index) = self.external_base(id).and_then(|base| self.model_index(base)) else { continue };
            let rows = models.get(index).registers.iter().filter(|row| row.args == HandlerArgs::HttpReceiver);
            found.extend(rows.map(|row| (row, id, class.clone())));
        }
        for (row, id, class) in found {
            self.register_responder(row, id, &class);
        }
    }

    fn register_responder(&mut self, row: &RegisterRow, id: ObjId, class: &ClassVal) {
        let span = self.program.module(class.module).class(class.class).span;
        self.in_module(class.module, |interp| {
            let unknown = Args { rest: Some(Val::unknown()), named_rest: Some(Val::unknown()), ..Args::default() };
            let instance = interp.construct(&Val::of(Kind::Obj(id)), unknown, span);
            for name in row.handler.split('|') {
                let handler = interp.get_member(&instance, Symbol::new(name), span);
                if !matches!(handler.kind, Kind::Bound(_)) {
                    continue;
                }
                let registration = Registration {
                    exposes: row.exposes,
                    args: row.args,
                    ..Registration::tool(&row.sdk, name, class.module, interp.here(span), handler)
                };
                interp.push_registration(registration);
            }
        });
    }
}
