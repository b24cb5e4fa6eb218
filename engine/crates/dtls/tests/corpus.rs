//! Every input of the fuzzing corpus keeps the invariants.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use dtls::fuzz;
use replay::replay;

#[test]
fn every_input_of_client_hello_keeps_the_invariants() {
    replay("dtls_client_hello", fuzz::client_hello);
}

#[test]
fn every_input_of_handshake_keeps_the_invariants() {
    replay("dtls_handshake", fuzz::handshake);
}

#[test]
fn every_input_of_association_keeps_the_invariants() {
    replay("dtls_association", fuzz::association);
}
