//! From inner packets of many devices to as few writes to the tun device as possible.

use std::io::{self, IoSlice};
use std::ops::Range;

use packet::{Coalescer, CoalescerOptions, Group, PureAcknowledgment, VirtioHeader};

use super::counters::EngineCounters;
use crate::sys::tun::Tun;

/// Packets of one batch: 64 messages hold 64 packets, or many more where the network card joins them.
const PACKETS: usize = 1024;

/// Collects the packets of one receive buffer and writes them.
pub(crate) struct TunWriter {
    coalescer: Coalescer,
    /// The last packet, when it only acknowledges: the next one may make it needless. A download brings one for every
    /// second packet, and each would walk through the whole network stack of this host.
    acknowledgment: Option<Range<usize>>,
}

impl TunWriter {
    pub(crate) fn new(tun: &Tun) -> Self {
        let options = CoalescerOptions {
            enable_udp: tun.udp_offload(),
        };
        Self {
            coalescer: Coalescer::new(options, PACKETS),
            acknowledgment: None,
        }
    }

    /// Adds a packet of `buffer`, which must stay as it is until `flush`.
    pub(crate) fn push(&mut self, buffer: &[u8], place: Range<usize>) {
        let newer = PureAcknowledgment::parse(&buffer[place.clone()]);
        if let Some(held) = self.acknowledgment.take() {
            let older = PureAcknowledgment::parse(&buffer[held.clone()]);
            let is_needless =
                matches!((&newer, &older), (Some(newer), Some(older)) if newer.supersedes(older));
            if !is_needless {
                self.push_now(buffer, held);
            }
        }
        if newer.is_some() {
            self.acknowledgment = Some(place);
        } else {
            self.push_now(buffer, place);
        }
    }

    fn push_now(&mut self, buffer: &[u8], place: Range<usize>) {
        // Every caller cuts `place` out of `buffer`.
        let _ = self.coalescer.push(buffer, place);
    }

    /// Writes everything that was pushed.
    pub(crate) fn flush(&mut self, tun: &Tun, buffer: &[u8], counters: &mut EngineCounters) {
        if let Some(held) = self.acknowledgment.take() {
            self.push_now(buffer, held);
        }
        if self.coalescer.packet_count() == 0 {
            return;
        }
        for group in self.coalescer.groups(buffer) {
            let mut slices = [IoSlice::new(&[]); Group::MOST_SLICES];
            let Some(count) = group.fill(&mut slices) else {
                continue;
            };
            if write(tun, &slices[..count]).is_err() {
                counters.packets_dropped_tun += group.packet_count() as u64;
            }
        }
        self.coalescer.clear();
    }
}

/// Writes one packet that is not part of a batch.
pub(crate) fn write_single(tun: &Tun, packet: &[u8]) -> io::Result<()> {
    write(
        tun,
        &[
            IoSlice::new(&[0; VirtioHeader::LENGTH]),
            IoSlice::new(packet),
        ],
    )
}

fn write(tun: &Tun, slices: &[IoSlice<'_>]) -> io::Result<()> {
    loop {
        match tun.write(slices) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(drop),
        }
    }
}
