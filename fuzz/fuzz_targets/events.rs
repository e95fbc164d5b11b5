#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| manta_fuzz::run("events", data));
