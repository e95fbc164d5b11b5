//! Methods whose receiver is named in the call: `super(Class, self).m`, `Base.m(self)`, `m.call(object)`.

use manta_core::Span;

use super::{Args, Interp};
use crate::engine::api::{ApiId, ApiStep};
use crate::engine::store::ObjKind;
use crate::engine::value::{Kind, ObjId, Val};
use crate::ir::{Expr, ExprId, Lang, Symbol};

impl Interp<'_> {
    /// The class that `super` leaves behind, and the receiver; nothing for any other expression.
    pub(super) fn super_of(&mut self, expr: ExprId) -> Option<(Option<ObjId>, Val)> {
        match *self.code().expr(expr) {
            Expr::Super => {
                let this = self.python_self().or_else(|| self.frame().this.clone()).unwrap_or_else(Val::unknown);
                Some((self.frame().home, this))
            }
            Expr::SuperOf { class, object } => {
                let home = match self.eval(class).kind {
                    Kind::Obj(id) => Some(id),
                    _ => None,
                };
                Some((home, self.eval(object)))
            }
            _ => None,
        }
    }

    /// A method that an instance has from a class outside the target.
    pub(super) fn inherited_method(&mut self, base: ApiId, this: &Val, name: Symbol) -> Val {
        if let Some(method) = self.collection_method(this, name) {
            return method;
        }
        let data = match this.kind {
            Kind::Obj(id) => Some(id),
            _ => None,
        };
        let made = self.apis.step(base, ApiStep::Call);
        Val::of(Kind::Api(self.apis.step(made, ApiStep::Field(name)), data))
    }

    /// `Base.method(self, …)`: a method of a class outside the target, called on an instance of a class that inherits
    /// from it. The method, the instance, and the arguments behind it.
    pub(super) fn method_of_base(&mut self, receiver: &Val, name: Symbol, args: &Args) -> Option<(Val, Val, Args)> {
        let (Kind::Api(base, None), Lang::Python) = (&receiver.kind, self.lang()) else { return None };
        let this = args.pos.first()?.clone();
        let Kind::Obj(id) = this.kind else { return None };
        let ObjKind::Instance(class) = self.store.obj(id).kind else { return None };
        let inherits = |class: &Val| matches!(class.kind, Kind::Api(api, _) if api == *base);
        if !self.class_val(class)?.order.iter().any(inherits) {
            return None;
        }
        let mut args = args.clone();
        args.pos.remove(0);
        Some((self.inherited_method(*base, &this, name), this, args))
    }

    /// `server.tool.bind(server)`, `server.tool.call(server, …)`, `execSync.apply(null, […])`: a method from outside the
    /// target on the object that it was read from, or a function of which something is known.
    pub(super) fn on_its_own_object(&mut self, method: &Val, name: Symbol, args: &Args, span: Span) -> Option<Val> {
        let (Kind::Api(api, data), Lang::JavaScript) = (&method.kind, self.lang()) else { return None };
        let this = args.pos.first()?;
        let is_own = match this.kind {
            Kind::Api(object, of) => self.apis.parent(*api) == Some(object) || of.is_some() && of == *data,
            Kind::Obj(id) => *data == Some(id) || self.model_index(*api).is_some(),
            _ => self.model_index(*api).is_some(),
        };
        if !is_own {
            return None;
        }
        let this = Some(this.clone());
        match name.as_str() {
            "bind" if args.pos.len() == 1 => Some(method.clone()),
            "call" => {
                let args = Args { pos: args.pos[1..].to_vec(), ..args.clone() };
                Some(self.call_value(method, this, args, span))
            }
            "apply" => {
                let list = args.get(1).cloned().unwrap_or_else(Val::undefined);
                let (pos, rest) = self.elements_of(&list, span);
                Some(self.call_value(method, this, Args { pos, rest, ..Args::default() }, span))
            }
            _ => None,
        }
    }
}
