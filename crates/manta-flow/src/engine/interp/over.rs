//! The state of an interpreter, apart from the program that it is about.

use super::Interp;
use crate::engine::models::Models;
use crate::engine::program::Program;

impl Interp<'_> {
    /// The same state over another program: one whose modules have the same functions, variables and imports.
    pub(crate) fn over<'q>(self, program: &'q Program, models: &'q Models) -> Interp<'q> {
        // The borrow of the program is part of the type, so that the state moves field by field; the compiler asks for all.
        macro_rules! moved {
            ($($field:ident),*) => {{
                let Interp { program: _, models: _, $($field),* } = self;
                Interp { program, models, $($field),* }
            }};
        }
        moved!(
            observer,
            store,
            apis,
            trace,
            frames,
            mods,
            found,
            carried,
            arrivals,
            tries,
            classes,
            entered,
            ran,
            trials,
            limits,
            fuel,
            fuel_used,
            sparing_below,
            dear,
            allowed,
            out_of_fuel,
            is_load_cut,
            is_heavy,
            is_decided,
            last_call_failed,
            is_replaying,
            registration_spans,
            callback_runs,
            memo,
            is_loading,
            lazy_exports,
            nesting,
            load_costs,
            weight_before,
            rounds,
            replay_budget,
            replay_reserve,
            api_cache,
            never,
            known_credentials,
            element_vns,
            universal,
            star_imports,
            set_later,
            regexes,
            runnable,
            field_vns,
            answers,
            derivations,
            relative_paths,
            parents,
            schema_makers,
            typeofs,
            evidence,
            common_paths,
            searches,
            first_pieces,
            extensions,
            encoded,
            parent_lists,
            component_lists,
            operations
        )
    }
}
