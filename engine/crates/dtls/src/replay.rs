//! Replay protection (RFC 6347 §4.1.2.6).

use crate::wire::MAX_SEQUENCE;

/// Width of the window in records.
///
/// 1 Gbit/s in records of 1400 bytes is 89,286 records a second; paths and receive queues that differ by 20 ms put
/// 1,786 records out of order. The next power of two costs 256 bytes an association.
pub const REPLAY_WINDOW: u64 = 2048;

const WORDS: usize = (REPLAY_WINDOW / 64) as usize;

/// A bitmap of the last [`REPLAY_WINDOW`] sequence numbers, indexed by the number itself so that it never shifts.
#[derive(Clone)]
pub(crate) struct ReplayWindow {
    /// One more than the highest number seen; 0 when none was.
    next: u64,
    bits: [u64; WORDS],
}

impl ReplayWindow {
    pub(crate) fn new() -> Self {
        Self {
            next: 0,
            bits: [0; WORDS],
        }
    }

    /// Whether `sequence` is inside or above the window and has not been seen. Changes nothing: the record is not
    /// authenticated when this is asked.
    #[inline]
    pub(crate) fn is_fresh(&self, sequence: u64) -> bool {
        if sequence >= self.next {
            return sequence <= MAX_SEQUENCE;
        }
        self.next - sequence <= REPLAY_WINDOW && self.bits[word(sequence)] & bit(sequence) == 0
    }

    /// Whether `sequence` is higher than all seen.
    #[inline]
    pub(crate) fn is_above(&self, sequence: u64) -> bool {
        sequence >= self.next
    }

    /// How many numbers the sender has used, as far as seen.
    pub(crate) fn count(&self) -> u64 {
        self.next
    }

    /// Notes an authenticated, fresh number. Returns whether the window moved.
    #[inline]
    pub(crate) fn commit(&mut self, sequence: u64) -> bool {
        let moved = sequence >= self.next;
        if moved {
            self.forget_up_to(sequence);
            self.next = sequence + 1;
        }
        self.bits[word(sequence)] |= bit(sequence);
        moved
    }

    /// Clears the bits that the numbers from `next` to `sequence` take over.
    #[inline]
    fn forget_up_to(&mut self, sequence: u64) {
        if sequence == self.next {
            self.bits[word(sequence)] &= !bit(sequence);
        } else if sequence - self.next >= REPLAY_WINDOW {
            self.bits = [0; WORDS];
        } else {
            for number in self.next..=sequence {
                self.bits[word(number)] &= !bit(number);
            }
        }
    }
}

#[inline]
fn word(sequence: u64) -> usize {
    (sequence / 64) as usize % WORDS
}

#[inline]
fn bit(sequence: u64) -> u64 {
    1 << (sequence % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_width_follows_from_its_derivation() {
        let records_per_second = 1_000_000_000 / 8 / 1400;
        let out_of_order = records_per_second * 20 / 1000;
        assert_eq!(REPLAY_WINDOW, u64::next_power_of_two(out_of_order));
        assert_eq!(size_of::<ReplayWindow>(), 8 + 256);
    }

    #[test]
    fn a_number_below_the_window_is_stale_and_the_lowest_inside_is_not() {
        let mut window = ReplayWindow::new();
        window.commit(REPLAY_WINDOW + 9);
        assert!(!window.is_fresh(9));
        assert!(window.is_fresh(10));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_all_numbers_seen(steps in prop::collection::vec((0u64..5000, any::<bool>()), 1..300)) {
            let mut window = ReplayWindow::new();
            let (mut seen, mut next, mut base) = (BTreeSet::new(), 0u64, 0u64);
            for (offset, jump) in steps {
                if jump { base += offset }
                let sequence = base.saturating_sub(2500) + offset;
                let fresh = sequence + REPLAY_WINDOW >= next && !seen.contains(&sequence);
                prop_assert_eq!(window.is_fresh(sequence), fresh);
                prop_assert_eq!(window.is_above(sequence), sequence >= next);
                if fresh {
                    prop_assert_eq!(window.commit(sequence), sequence >= next);
                    seen.insert(sequence);
                    next = next.max(sequence + 1);
                }
            }
        }
    }
}
