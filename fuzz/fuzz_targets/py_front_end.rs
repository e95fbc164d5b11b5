#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| manta_fuzz::run("py_front_end", data));
