//! When to let packets gather before the next look, as network cards do when they hold interrupts back.
//!
//! Clients send packet by packet. A thread that is woken for each of them pays a wake-up, a read and a write for each; a
//! short pause lets the kernel join what arrives meanwhile, and one read and one write carry it all.

use std::time::{Duration, Instant};

/// How long packets may gather: less than a tenth of the shortest round trip over a mobile network, and at 10 Gbit/s
/// 125 kB, which every socket buffer holds.
pub(super) const PAUSE: Duration = Duration::from_micros(100);
/// Wake-ups are counted over this time. Long enough to tell a stream from a burst of a few packets, short enough that a
/// stream is noticed within a round trip.
const WINDOW: Duration = Duration::from_millis(5);
/// Wake-ups in one window from which on the next one has pauses: 4,000 a second, far beyond what keyboards, calls and
/// name look-ups cause. With pauses a stream still causes more than that, so it stays noticed.
const BUSY: u32 = 20;

/// Counts wake-ups and says when to pause.
#[derive(Default)]
pub(super) struct Moderation {
    window_ends: Option<Instant>,
    wake_ups: u32,
    is_busy: bool,
}

impl Moderation {
    /// Takes note of a wake-up. True when the thread should pause before it looks again.
    pub(super) fn woke(&mut self, now: Instant) -> bool {
        match self.window_ends {
            Some(end) if now < end => self.wake_ups += 1,
            last => {
                // A window that began long ago was quiet after its last wake-up.
                let is_next = last.is_some_and(|end| now < end + WINDOW);
                self.is_busy = is_next && self.wake_ups >= BUSY;
                self.window_ends = Some(now + WINDOW);
                self.wake_ups = 1;
            }
        }
        self.is_busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(gap: Duration, count: u32) -> u32 {
        let start = Instant::now();
        let mut moderation = Moderation::default();
        (0..count)
            .filter(|index| moderation.woke(start + gap * *index))
            .count() as u32
    }

    #[test]
    fn a_stream_is_noticed_after_one_window() {
        let gap = Duration::from_micros(25);
        assert_eq!(pauses(gap, 1200), 1200 - 200);
    }

    #[test]
    fn a_stream_stays_noticed_while_pauses_make_it_slower() {
        let start = Instant::now();
        let mut moderation = Moderation::default();
        let mut now = start;
        let mut last = false;
        for _ in 0..2000 {
            now += Duration::from_micros(40) + if last { PAUSE } else { Duration::ZERO };
            last = moderation.woke(now);
        }
        assert!(last);
    }

    #[test]
    fn a_burst_shorter_than_a_window_is_not_delayed() {
        assert_eq!(pauses(Duration::from_micros(10), 400), 0);
    }

    #[test]
    fn silence_after_a_stream_ends_the_pauses() {
        let start = Instant::now();
        let mut moderation = Moderation::default();
        for index in 0..1000 {
            moderation.woke(start + Duration::from_micros(25) * index);
        }
        assert!(!moderation.woke(start + Duration::from_secs(1)));
    }

    #[test]
    fn packets_of_a_call_or_a_keyboard_are_not_delayed() {
        for microseconds in [264, 500, 1_000, 4_999, 5_000, 20_000] {
            assert_eq!(pauses(Duration::from_micros(microseconds), 500), 0);
        }
    }
}
