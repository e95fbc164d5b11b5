//! Every target over its seeds and over mutations of them, the same ones in every run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use manta_fuzz::mutate::{Random, variation};
use manta_fuzz::{TARGETS, Target};

/// How many times more than usual; for a longer look without a fuzzer.
fn factor() -> usize {
    std::env::var("MANTA_FUZZ_ROUNDS").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1)
}

fn try_all(name: &str) {
    let target: &Target = TARGETS.iter().find(|target| target.name == name).expect("the target is in the list");
    let seeds = (target.seeds)();
    let mut random = Random::new(1);
    let rounds = target.rounds * factor();
    let variations = (0..rounds).map(|_| variation(&seeds, &mut random));
    for input in seeds.iter().cloned().chain(variations) {
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        assert!(outcome.is_ok(), "{name} breaks on {:?}", String::from_utf8_lossy(&input));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            try_all(stringify!($name));
        })*

        #[test]
        fn every_target_is_tried() {
            let mut tried = vec![$(stringify!($name)),*];
            let mut listed: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            tried.sort_unstable();
            listed.sort_unstable();
            assert_eq!(tried, listed);
        }
    };
}

#[cfg(unix)]
targets! {
    js_front_end py_front_end resolver archive engine strings patterns output policy frame validators json_schema
    values token store redaction audit_log documents detectors
    wire bridge mirror egress events lock_file
}

// The guard's own half exists where the guard does.
#[cfg(not(unix))]
targets! {
    js_front_end py_front_end resolver archive engine strings patterns output policy frame validators json_schema
    values token store redaction audit_log documents detectors
}

#[test]
fn every_target_has_its_binary() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    for target in TARGETS {
        assert!(
            manifest.contains(&format!("\nname = \"{}\"\n", target.name)),
            "{} is not in fuzz/Cargo.toml",
            target.name
        );
    }
}
