//! What is written to the tun device: one super-packet, or one packet as it came.

use std::io::IoSlice;

use super::candidate::PSH;
use super::{Coalescer, Members, State};
use crate::checksum::Sum;
use crate::header::{IPV4_HEADER, IPV6_HEADER, Version};
use crate::virtio::VirtioHeader;
use crate::{protocol, put_u16};

/// One packet to write to the tun device: a header of its own and payload that stays in the batch.
///
/// ```text
/// | virtio header | rewritten IP and TCP/UDP header | payload | payload | …
///  `------------ Group::header() ----------------'  `- Group::payloads() -'
/// ```
/// A packet that was not merged has an all-zero virtio header and is its own only payload.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    header: [u8; LONGEST_HEADER],
    header_length: usize,
    /// Bytes at the start of each packet that [`Group::header`] stands for.
    skip: usize,
    members: Members<'a>,
    batch: &'a [u8],
    total_length: usize,
    count: usize,
}

impl<'a> Group<'a> {
    /// Most slices that [`Group::fill`] needs: the header and each payload.
    pub const MOST_SLICES: usize = 1 + Coalescer::MOST_PACKETS;

    /// The virtio header and, for a super-packet, the IP and transport headers.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header[..self.header_length]
    }

    /// What follows the header, in order, borrowed from the batch.
    pub fn payloads(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (batch, skip) = (self.batch, self.skip);
        self.members.clone().map(move |(_, packet)| {
            batch
                .get(packet)
                .and_then(|it| it.get(skip..))
                .unwrap_or(&[])
        })
    }

    /// Positions in the batch of the packets in this group, counted from the first [`Coalescer::push`].
    pub fn packets(&self) -> impl Iterator<Item = usize> + use<'a> {
        self.members.clone().map(|(index, _)| index)
    }

    /// Number of packets in this group, at least one.
    #[must_use]
    pub fn packet_count(&self) -> usize {
        self.count
    }

    /// Length in bytes of the IP packet, without the virtio header.
    #[must_use]
    pub fn total_length(&self) -> usize {
        self.total_length
    }

    /// Fills `slices` for `writev` and returns how many there are.
    ///
    /// `None` if `slices` is too short; [`Group::MOST_SLICES`] always suffice.
    pub fn fill<'s>(&'s self, slices: &mut [IoSlice<'s>]) -> Option<usize> {
        let needed = 1 + self.count;
        let slices = slices.get_mut(..needed)?;
        let parts = std::iter::once(self.header()).chain(self.payloads());
        for (slice, part) in slices.iter_mut().zip(parts) {
            *slice = IoSlice::new(part);
        }
        Some(needed)
    }

    pub(super) fn new(state: &State, members: Members<'a>, batch: &'a [u8]) -> Self {
        let mut group = Self {
            header: [0; LONGEST_HEADER],
            header_length: VirtioHeader::LENGTH,
            skip: 0,
            members,
            batch,
            total_length: state.total_length as usize,
            count: state.count as usize,
        };
        if state.count > 1 {
            group.write_headers(state);
        }
        group
    }

    /// Leaves the group as it is if `batch` is not what the packets were pushed with.
    fn write_headers(&mut self, state: &State) {
        let candidate = &state.candidate;
        let header_length = usize::from(candidate.header_length);
        let transport_offset = usize::from(candidate.transport_offset);
        let Some((_, first)) = self.members.clone().next() else {
            return;
        };
        let Some(original) = self
            .batch
            .get(first)
            .and_then(|packet| packet.get(..header_length))
        else {
            return;
        };
        let (virtio, rest) = self.header.split_at_mut(VirtioHeader::LENGTH);
        let Some(headers) = rest.get_mut(..header_length) else {
            return;
        };
        headers.copy_from_slice(original);
        let (ip, transport) = headers.split_at_mut(transport_offset);
        let transport_length = self.total_length - transport_offset;
        let addresses = match candidate.version {
            Version::V4 => {
                put_u16(ip, 2, self.total_length as u16);
                put_u16(ip, 10, 0);
                let checksum = Sum::of(ip).checksum();
                put_u16(ip, 10, checksum);
                &ip[12..IPV4_HEADER]
            }
            Version::V6 => {
                put_u16(ip, 4, transport_length as u16);
                &ip[8..IPV6_HEADER]
            }
        };
        let protocol = if candidate.is_udp {
            protocol::UDP
        } else {
            protocol::TCP
        };
        let partial = Sum::of(addresses)
            .word(transport_length as u16)
            .word(protocol.into())
            .folded();
        let (gso_type, csum_offset) = match (candidate.is_udp, candidate.version) {
            (true, _) => (VirtioHeader::GSO_UDP_L4, 6),
            (false, Version::V4) => (VirtioHeader::GSO_TCPV4, 16),
            (false, Version::V6) => (VirtioHeader::GSO_TCPV6, 16),
        };
        if candidate.is_udp {
            put_u16(transport, 4, transport_length as u16);
        } else if state.is_pushed {
            transport[13] |= PSH;
        }
        put_u16(transport, csum_offset.into(), partial);
        let written = VirtioHeader {
            flags: VirtioHeader::NEEDS_CSUM,
            gso_type,
            hdr_len: header_length as u16,
            gso_size: state.payload_size,
            csum_start: transport_offset as u16,
            csum_offset,
        };
        virtio.copy_from_slice(&written.to_bytes());
        self.header_length = VirtioHeader::LENGTH + header_length;
        self.skip = header_length;
    }
}

/// Virtio header, IPv6 header without extension headers, TCP header with all options.
const LONGEST_HEADER: usize = VirtioHeader::LENGTH + IPV6_HEADER + 60;
