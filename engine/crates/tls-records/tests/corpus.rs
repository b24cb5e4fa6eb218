//! Every input of the fuzzing corpus keeps the invariants.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use replay::replay;
use tls_records::fuzz;

#[test]
fn every_input_of_cstp_stream_keeps_the_invariants() {
    replay("tls_cstp_stream", fuzz::cstp_stream);
}

#[test]
fn every_input_of_record_stream_keeps_the_invariants() {
    replay("tls_record_stream", fuzz::record_stream);
}

#[test]
fn every_input_of_control_keeps_the_invariants() {
    replay("tls_control", fuzz::control);
}
