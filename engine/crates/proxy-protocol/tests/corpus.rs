//! Every input of the fuzzing corpus keeps the invariants.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use proxy_protocol::fuzz;
use replay::replay;

#[test]
fn every_input_of_header_keeps_the_invariants() {
    replay("proxy_header", fuzz::header);
}
