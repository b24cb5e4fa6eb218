//! One session: a signed-in device with its addresses, its two channels and its limits.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::dtls_channel::DtlsChannel;
use super::tls_channel::TlsChannel;
use crate::control::messages::{AttachedSession, Counters, SessionId};

/// Everything the packet path knows about a session.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) ipv4: Ipv4Addr,
    pub(crate) ipv6: Option<Ipv6Addr>,
    /// Largest inner packet in bytes, either way.
    pub(crate) mtu: u16,
    pub(crate) limits: Limits,
    /// Absent while the device is away.
    pub(crate) tls: Option<TlsChannel>,
    /// Absent when the gateway has not offered DTLS.
    pub(crate) dtls: Option<DtlsChannel>,
    pub(crate) counters: Counters,
    pub(crate) attached_at: Instant,
    /// The last inner packet, either way.
    pub(crate) last_activity: Instant,
    /// When the TLS connection went away; meaningless while there is one.
    pub(crate) lost_at: Instant,
}

/// How long a session may last, idle, or be without its device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) dead_peer_detection: Duration,
    pub(crate) idle: Option<Duration>,
    pub(crate) roaming: Duration,
    pub(crate) ends_at: Instant,
}

impl Session {
    /// Where a packet for the device goes at this moment.
    pub(crate) fn channel(&self) -> &'static str {
        if self.dtls.as_ref().is_some_and(DtlsChannel::is_usable) {
            "dtls"
        } else if self.tls.is_some() {
            "tls"
        } else {
            "none"
        }
    }

    /// The session as `list` shows it.
    pub(crate) fn describe(&self, now: Instant) -> AttachedSession {
        let live = self.dtls.as_ref().and_then(DtlsChannel::live);
        AttachedSession {
            session: self.id,
            ipv4: self.ipv4,
            ipv6: self.ipv6,
            channel: self.channel(),
            tcp_peer: self.tls.as_ref().map(|tls| tls.peer.to_string()),
            udp_peer: live.map(|live| live.path.peer.to_string()),
            tls_version: self.tls.as_ref().map(|tls| tls.version_name),
            tls_cipher_suite: self.tls.as_ref().map(|tls| tls.cipher_suite_name),
            dtls_cipher_suite: live.map(|live| live.cipher_name()),
            attached_at: unix_milliseconds(self.attached_at, now),
            last_activity_at: unix_milliseconds(self.last_activity, now),
            counters: self.counters,
        }
    }
}

/// A moment of the monotonic clock as Unix time in milliseconds, by today's wall clock.
pub(crate) fn unix_milliseconds(moment: Instant, now: Instant) -> u64 {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let age = now.saturating_duration_since(moment);
    wall.saturating_sub(age).as_millis() as u64
}
