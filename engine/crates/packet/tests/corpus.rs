//! Every input of the fuzzing corpus keeps the invariants.

#[path = "../../../fuzz/replay.rs"]
mod replay;

use packet::fuzz;
use replay::replay;

#[test]
fn every_input_of_segmentation_keeps_the_invariants() {
    replay("packet_segmentation", fuzz::segmentation);
}

#[test]
fn every_input_of_coalescing_keeps_the_invariants() {
    replay("packet_coalescing", fuzz::coalescing);
}

#[test]
fn every_input_of_admission_keeps_the_invariants() {
    replay("packet_admission", fuzz::admission);
}

#[test]
fn every_input_of_icmp_keeps_the_invariants() {
    replay("packet_icmp", fuzz::icmp);
}
