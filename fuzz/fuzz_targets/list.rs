#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| genesys_cloud_core::fuzzing::list(data));
