//! What is due for a session at a moment: plain decisions without a clock or a socket.

use std::time::{Duration, Instant};

use super::session::Session;
use crate::control::messages::EndReason;

/// Silence over UDP, while packets go that way, after which the device is asked whether it hears us.
const PROBE_AFTER: Duration = Duration::from_secs(2);
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Silence over UDP after which packets go over TLS, when questions stayed unanswered. Round-trip times of a bad
/// mobile network stay well below the three seconds that are left for an answer.
const FALL_BACK_AFTER: Duration = Duration::from_secs(5);
const PROBES_BEFORE_FALL_BACK: u8 = 2;

/// What to do about one session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) end: Option<EndReason>,
    pub(crate) probe_tls: bool,
    pub(crate) drop_tls: bool,
    pub(crate) probe_dtls: bool,
    pub(crate) suspend_dtls: bool,
}

/// The times of a session that matter for its timers.
pub(crate) struct Times {
    ends_at: Instant,
    idle: Option<Duration>,
    roaming: Duration,
    dead_peer_detection: Duration,
    last_activity: Instant,
    lost_at: Instant,
    tls: Option<TlsTimes>,
    dtls: Option<DtlsTimes>,
}

struct TlsTimes {
    last_received: Instant,
    last_probe: Instant,
}

struct DtlsTimes {
    last_received: Instant,
    last_sent: Instant,
    last_probe: Instant,
    unanswered_probes: u8,
    usable: bool,
}

impl Times {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            ends_at: session.limits.ends_at,
            idle: session.limits.idle,
            roaming: session.limits.roaming,
            dead_peer_detection: session.limits.dead_peer_detection,
            last_activity: session.last_activity,
            lost_at: session.lost_at,
            tls: session.tls.as_ref().map(|tls| TlsTimes {
                last_received: tls.last_received,
                last_probe: tls.last_probe,
            }),
            dtls: session.dtls.as_ref().and_then(|channel| {
                channel.live().map(|live| DtlsTimes {
                    last_received: live.last_received,
                    last_sent: live.last_sent,
                    last_probe: live.last_probe,
                    unanswered_probes: live.unanswered_probes,
                    usable: channel.is_usable(),
                })
            }),
        }
    }

    /// What is due at `now`.
    pub(crate) fn due(&self, now: Instant) -> Due {
        let mut due = Due {
            end: self.end(now),
            ..Due::default()
        };
        if due.end.is_some() {
            return due;
        }
        if let Some(tls) = &self.tls {
            let silence = now.saturating_duration_since(tls.last_received);
            due.drop_tls = silence >= self.dead_peer_detection * 3;
            due.probe_tls = !due.drop_tls
                && silence >= self.dead_peer_detection
                && now.saturating_duration_since(tls.last_probe) >= self.dead_peer_detection / 2;
        }
        if let Some(dtls) = self.dtls.as_ref().filter(|dtls| dtls.usable) {
            let silence = now.saturating_duration_since(dtls.last_received);
            let deaf =
                silence >= FALL_BACK_AFTER && dtls.unanswered_probes >= PROBES_BEFORE_FALL_BACK;
            due.suspend_dtls = deaf || silence >= self.dead_peer_detection * 2;
            due.probe_dtls = !due.suspend_dtls
                && dtls.last_sent > dtls.last_received
                && silence >= PROBE_AFTER
                && now.saturating_duration_since(dtls.last_probe) >= PROBE_EVERY;
        }
        due
    }

    fn end(&self, now: Instant) -> Option<EndReason> {
        if now >= self.ends_at {
            return Some(EndReason::SessionTimeout);
        }
        if self
            .idle
            .is_some_and(|limit| now.saturating_duration_since(self.last_activity) >= limit)
        {
            return Some(EndReason::IdleTimeout);
        }
        if self.tls.is_none() && now.saturating_duration_since(self.lost_at) >= self.roaming {
            return Some(EndReason::RoamingTimeout);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn times(start: Instant) -> Times {
        Times {
            ends_at: start + 3600 * SECOND,
            idle: Some(600 * SECOND),
            roaming: 300 * SECOND,
            dead_peer_detection: 30 * SECOND,
            last_activity: start,
            lost_at: start,
            tls: Some(TlsTimes {
                last_received: start,
                last_probe: start,
            }),
            dtls: Some(DtlsTimes {
                last_received: start,
                last_sent: start,
                last_probe: start,
                unanswered_probes: 0,
                usable: true,
            }),
        }
    }

    #[test]
    fn nothing_is_due_for_a_session_that_has_just_spoken() {
        let start = Instant::now();
        assert_eq!(times(start).due(start + SECOND), Due::default());
    }

    #[test]
    fn a_session_ends_at_its_time_even_while_it_is_busy() {
        let start = Instant::now();
        let mut times = times(start);
        times.last_activity = start + 3599 * SECOND;
        assert_eq!(
            times.due(start + 3600 * SECOND).end,
            Some(EndReason::SessionTimeout)
        );
    }

    #[test]
    fn an_idle_session_ends_although_its_device_answers() {
        let start = Instant::now();
        let mut times = times(start);
        times.tls = Some(TlsTimes {
            last_received: start + 599 * SECOND,
            last_probe: start,
        });
        assert_eq!(
            times.due(start + 600 * SECOND).end,
            Some(EndReason::IdleTimeout)
        );
    }

    #[test]
    fn a_device_that_is_away_has_the_roaming_time_to_return() {
        let start = Instant::now();
        let times = Times {
            tls: None,
            dtls: None,
            ..times(start)
        };
        assert_eq!(times.due(start + 299 * SECOND).end, None);
        assert_eq!(
            times.due(start + 300 * SECOND).end,
            Some(EndReason::RoamingTimeout)
        );
    }

    #[test]
    fn a_silent_connection_is_asked_and_then_given_up() {
        let start = Instant::now();
        let times = times(start);
        assert!(!times.due(start + 29 * SECOND).probe_tls);
        assert!(times.due(start + 30 * SECOND).probe_tls);
        let late = times.due(start + 90 * SECOND);
        assert!(late.drop_tls && !late.probe_tls);
    }

    #[test]
    fn udp_is_left_five_seconds_after_the_device_stops_answering() {
        let start = Instant::now();
        let mut times = times(start);
        times.dtls = times.dtls.map(|dtls| DtlsTimes {
            last_sent: start + SECOND,
            ..dtls
        });
        assert!(times.due(start + 2 * SECOND).probe_dtls);
        times.dtls = times.dtls.map(|dtls| DtlsTimes {
            unanswered_probes: 2,
            ..dtls
        });
        assert!(!times.due(start + 4 * SECOND).suspend_dtls);
        assert!(times.due(start + 5 * SECOND).suspend_dtls);
    }

    #[test]
    fn an_idle_device_is_not_asked_over_udp() {
        let start = Instant::now();
        assert!(!times(start).due(start + 20 * SECOND).probe_dtls);
    }
}
