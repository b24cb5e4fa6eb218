//! What the packet path counts for the whole engine; plain numbers, added to by one thread.

use packet::Refusal;

/// Counters since the engine started.
#[derive(Default, Clone, Copy)]
pub(crate) struct EngineCounters {
    pub(crate) datagrams_from_strangers: u64,
    pub(crate) records_forged: u64,
    pub(crate) records_replayed: u64,
    pub(crate) records_malformed: u64,
    pub(crate) hello_verify_requests: u64,
    pub(crate) dtls_handshakes: u64,
    pub(crate) dtls_address_moves: u64,
    pub(crate) packets_malformed: u64,
    pub(crate) packets_spoofed: u64,
    pub(crate) packets_not_routable: u64,
    pub(crate) packets_without_session: u64,
    pub(crate) packets_too_big: u64,
    pub(crate) packets_dropped_tls_queue: u64,
    pub(crate) packets_dropped_udp_queue: u64,
    pub(crate) packets_dropped_tun: u64,
    pub(crate) tls_protocol_errors: u64,
}

impl EngineCounters {
    /// Counts a packet that a device may not send.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Malformed(_) => self.packets_malformed += 1,
            Refusal::SourceNotAssigned | Refusal::SourceMapped => self.packets_spoofed += 1,
            _ => self.packets_not_routable += 1,
        }
    }

    /// Names and values for `status`.
    pub(crate) fn named(&self) -> [(&'static str, u64); 16] {
        [
            ("datagramsFromStrangers", self.datagrams_from_strangers),
            ("recordsForged", self.records_forged),
            ("recordsReplayed", self.records_replayed),
            ("recordsMalformed", self.records_malformed),
            ("helloVerifyRequests", self.hello_verify_requests),
            ("dtlsHandshakes", self.dtls_handshakes),
            ("dtlsAddressMoves", self.dtls_address_moves),
            ("packetsMalformed", self.packets_malformed),
            ("packetsSpoofed", self.packets_spoofed),
            ("packetsNotRoutable", self.packets_not_routable),
            ("packetsWithoutSession", self.packets_without_session),
            ("packetsTooBig", self.packets_too_big),
            ("packetsDroppedTlsQueue", self.packets_dropped_tls_queue),
            ("packetsDroppedUdpQueue", self.packets_dropped_udp_queue),
            ("packetsDroppedTun", self.packets_dropped_tun),
            ("tlsProtocolErrors", self.tls_protocol_errors),
        ]
    }
}
