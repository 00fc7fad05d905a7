//! The libFuzzer binary of this target.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| conformance_fuzz::rules_part(data));
