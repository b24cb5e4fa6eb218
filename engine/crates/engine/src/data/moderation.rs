//! Waiting a moment while packets stream in, so that they come in batches.
//!
//! A client that sends packet by packet wakes us for each one; taken one at a time, every packet costs a wake-up, three
//! system calls and a walk through the kernel's forwarding. Network cards solve the same problem by delaying their
//! interrupt.

use std::time::{Duration, Instant};

/// How long packets may gather. At 1 Gbit/s these are about nine packets of 1400 bytes; a round trip over any real
/// network takes ten times as long and more.
const PAUSE: Duration = Duration::from_micros(100);

/// Rounds closer together than this belong to one stream.
const STREAM_GAP: Duration = Duration::from_micros(400);

/// Rounds of a stream before it is slowed down, so that questions and answers never are.
const STREAM_ROUNDS: u32 = 8;

/// Decides when the loop pauses before it looks for packets again.
pub(super) struct Moderation {
    last_round: Instant,
    rounds: u32,
}

impl Moderation {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last_round: now,
            rounds: 0,
        }
    }

    /// Notes a round that handled packets. The answer is how long to pause before the next.
    pub(super) fn after_round(&mut self, now: Instant) -> Option<Duration> {
        let gap = now.saturating_duration_since(self.last_round);
        self.last_round = now;
        self.rounds = if gap <= STREAM_GAP {
            self.rounds.saturating_add(1)
        } else {
            0
        };
        (self.rounds >= STREAM_ROUNDS).then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_packets_are_never_delayed() {
        let start = Instant::now();
        let mut moderation = Moderation::new(start);
        for round in 1..100 {
            assert_eq!(
                moderation.after_round(start + Duration::from_millis(round)),
                None
            );
        }
    }

    #[test]
    fn a_stream_gathers_in_batches_until_it_ends() {
        let start = Instant::now();
        let mut moderation = Moderation::new(start);
        let mut now = start;
        for _ in 0..STREAM_ROUNDS {
            now += Duration::from_micros(30);
            moderation.after_round(now);
        }
        assert_eq!(moderation.after_round(now), Some(PAUSE));
        assert_eq!(moderation.after_round(now + Duration::from_millis(1)), None);
    }
}
