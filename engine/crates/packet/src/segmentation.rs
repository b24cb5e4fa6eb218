//! From one super-packet of the tun device to the packets that travel.

use std::ops::Range;

use crate::checksum::Sum;
use crate::header::{IPV6_HEADER, Inner, Malformed, Version, inspect};
use crate::transport::{Fragment, transport};
use crate::virtio::VirtioHeader;
use crate::{protocol, put_u16, u16_at, u32_at};

/// A checked plan of how one packet read from the tun device is cut.
///
/// The plan borrows the packet; [`Segmentation::write`] builds one finished IP packet in the caller's buffer, so that
/// it can be encrypted where it lies. All segments have the same length but the last, which may be shorter.
#[derive(Clone, Copy, Debug)]
pub struct Segmentation<'a> {
    packet: &'a [u8],
    kind: Kind,
    count: usize,
    /// Bytes that each segment repeats: IP header, extension headers, transport header.
    header_length: usize,
    /// Payload bytes of each segment but the last.
    payload_size: usize,
}

impl<'a> Segmentation<'a> {
    /// Checks the packet against its virtio header and plans the cut.
    ///
    /// All lengths come from the packet itself; `hdr_len` is not looked at. Segmentation offload covers IPv4 with
    /// options and IPv6 with hop-by-hop, destination options and finished routing headers.
    pub fn parse(header: &VirtioHeader, packet: &'a [u8]) -> Result<Self, SegmentationError> {
        if packet.len() > usize::from(u16::MAX) {
            return Err(SegmentationError::TooLong);
        }
        let inner = match inspect(packet) {
            Ok(inner) => inner,
            Err(reason) => return Err(SegmentationError::Malformed(reason)),
        };
        if inner.total_length != packet.len() {
            return Err(SegmentationError::Length);
        }
        match header.gso_type & !VirtioHeader::GSO_ECN {
            VirtioHeader::GSO_NONE => Self::single(header, packet, &inner),
            VirtioHeader::GSO_TCPV4 if inner.version == Version::V4 => {
                Self::tcp(header, packet, &inner)
            }
            VirtioHeader::GSO_TCPV6 if inner.version == Version::V6 => {
                Self::tcp(header, packet, &inner)
            }
            VirtioHeader::GSO_UDP_L4 => Self::udp(header, packet, &inner),
            VirtioHeader::GSO_TCPV4 | VirtioHeader::GSO_TCPV6 => Err(SegmentationError::Protocol),
            _ => Err(SegmentationError::Offload),
        }
    }

    /// Number of segments, at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Length in bytes of the segment at `index`, or zero if there is none.
    #[must_use]
    #[inline]
    pub fn segment_length(&self, index: usize) -> usize {
        let payload = self.packet.len() - self.header_length;
        match index.saturating_add(1) {
            next if next < self.count => self.header_length + self.payload_size,
            next if next == self.count => self.header_length + payload - self.payload_size * index,
            _ => 0,
        }
    }

    /// Writes the segment at `index` to the start of `out` and returns its length in bytes.
    ///
    /// `None` if there is no such segment or `out` is shorter than [`Segmentation::segment_length`].
    #[inline]
    pub fn write(&self, index: usize, out: &mut [u8]) -> Option<usize> {
        if index >= self.count {
            return None;
        }
        let length = self.segment_length(index);
        let out = out.get_mut(..length)?;
        match self.kind {
            Kind::Plain => out.copy_from_slice(self.packet),
            Kind::Checksum {
                start,
                field,
                is_udp,
            } => self.write_checksummed(start, field, is_udp, out),
            Kind::Offload(offload) => self.write_segment(&offload, index, out),
        }
        Some(length)
    }

    fn single(
        header: &VirtioHeader,
        packet: &'a [u8],
        inner: &Inner,
    ) -> Result<Self, SegmentationError> {
        let whole = Self {
            packet,
            kind: Kind::Plain,
            count: 1,
            header_length: packet.len(),
            payload_size: 0,
        };
        if header.flags & VirtioHeader::NEEDS_CSUM == 0 {
            return Ok(whole);
        }
        let start = usize::from(header.csum_start);
        let field = start + usize::from(header.csum_offset);
        if start < inner.header_length || field + 2 > packet.len() {
            return Err(SegmentationError::ChecksumField);
        }
        let is_udp = usize::from(header.csum_offset) == UDP_CHECKSUM;
        Ok(Self {
            kind: Kind::Checksum {
                start,
                field,
                is_udp,
            },
            ..whole
        })
    }

    fn tcp(
        header: &VirtioHeader,
        packet: &'a [u8],
        inner: &Inner,
    ) -> Result<Self, SegmentationError> {
        let mut offload = Offload::parse(header, packet, inner, protocol::TCP, TCP_CHECKSUM)?;
        let rest = &packet[offload.start..];
        if rest.len() < TCP_HEADER {
            return Err(SegmentationError::TransportHeader);
        }
        let tcp_length = usize::from(rest[12] >> 4) * 4;
        if tcp_length < TCP_HEADER || tcp_length > rest.len() {
            return Err(SegmentationError::TransportHeader);
        }
        let shared = sum_without(&rest[..tcp_length], &[4..8, 12..14, 16..18]);
        offload.transport_sum = offload.transport_sum + shared;
        Ok(Self::cut(header, packet, offload, tcp_length))
    }

    fn udp(
        header: &VirtioHeader,
        packet: &'a [u8],
        inner: &Inner,
    ) -> Result<Self, SegmentationError> {
        let mut offload = Offload::parse(header, packet, inner, protocol::UDP, UDP_CHECKSUM)?;
        let rest = &packet[offload.start..];
        if rest.len() < UDP_HEADER {
            return Err(SegmentationError::TransportHeader);
        }
        if usize::from(u16_at(rest, 4)) != rest.len() {
            return Err(SegmentationError::Length);
        }
        offload.transport_sum = offload.transport_sum + Sum::of(&rest[..4]);
        Ok(Self::cut(header, packet, offload, UDP_HEADER))
    }

    fn cut(
        header: &VirtioHeader,
        packet: &'a [u8],
        offload: Offload,
        transport_length: usize,
    ) -> Self {
        let header_length = offload.start + transport_length;
        let payload_size = usize::from(header.gso_size);
        let count = (packet.len() - header_length).div_ceil(payload_size).max(1);
        Self {
            packet,
            kind: Kind::Offload(offload),
            count,
            header_length,
            payload_size,
        }
    }

    /// The field holds the pseudo-header sum, so it takes part in the sum.
    fn write_checksummed(&self, start: usize, field: usize, is_udp: bool, out: &mut [u8]) {
        out[..start].copy_from_slice(&self.packet[..start]);
        let sum = Sum::copying(&self.packet[start..], &mut out[start..]);
        put_u16(
            out,
            field,
            if is_udp {
                udp_checksum(sum)
            } else {
                sum.checksum()
            },
        );
    }

    /// Checksums come from the sums of what all segments share: reading back fields that were just written costs more
    /// than the arithmetic.
    #[inline]
    fn write_segment(&self, offload: &Offload, index: usize, out: &mut [u8]) {
        let first = self.header_length + index * self.payload_size;
        let payload = &self.packet[first..first + out.len() - self.header_length];
        let original = &self.packet[offload.start..self.header_length];
        let (head, body) = out.split_at_mut(self.header_length);
        head.copy_from_slice(&self.packet[..self.header_length]);
        let payload_sum = Sum::copying(payload, body);

        let total_length = self.header_length + payload.len();
        let transport_length = (total_length - offload.start) as u16;
        let (ip, transport) = head.split_at_mut(offload.start);
        match offload.version {
            Version::V4 => {
                // Segments count up from the identification of the super-packet, as in `inet_gso_segment` of Linux.
                let identification = u16_at(self.packet, 4).wrapping_add(index as u16);
                put_u16(ip, 2, total_length as u16);
                put_u16(ip, 4, identification);
                let sum = offload
                    .ip_sum
                    .word(total_length as u16)
                    .word(identification);
                put_u16(ip, 10, sum.checksum());
            }
            Version::V6 => put_u16(ip, 4, (total_length - IPV6_HEADER) as u16),
        }

        let sum = (payload_sum + offload.transport_sum).word(transport_length);
        if offload.is_udp {
            put_u16(transport, 4, transport_length);
            put_u16(
                transport,
                UDP_CHECKSUM,
                udp_checksum(sum.word(transport_length)),
            );
            return;
        }
        let sequence = u32_at(original, 4).wrapping_add((index * self.payload_size) as u32);
        let mut flags = u16_at(original, TCP_FLAGS);
        if index > 0 {
            flags &= !CWR;
        }
        if index + 1 < self.count {
            flags &= !(FIN | PSH);
        }
        transport[4..8].copy_from_slice(&sequence.to_be_bytes());
        put_u16(transport, TCP_FLAGS, flags);
        let sum = sum
            .word((sequence >> 16) as u16)
            .word(sequence as u16)
            .word(flags);
        put_u16(transport, TCP_CHECKSUM, sum.checksum());
    }
}

/// Why a packet from the tun device cannot be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentationError {
    /// Not an IP packet.
    Malformed(Malformed),
    /// Longer than 65,535 bytes.
    TooLong,
    /// The IP or UDP header says another length than the packet has.
    Length,
    /// A `gso_type` that was not asked for, such as UDP fragmentation.
    Offload,
    /// The packet is not of the version or protocol that `gso_type` says.
    Protocol,
    /// A segment size of zero.
    SegmentSize,
    /// A super-packet that is an IP fragment.
    Fragment,
    /// A super-packet whose routing header has segments left.
    SourceRouted,
    /// A TCP or UDP header that is too short or leaves the packet.
    TransportHeader,
    /// A checksum field outside the packet, inside the IP header, or elsewhere than the protocol has it.
    ChecksumField,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Plain,
    Checksum {
        start: usize,
        field: usize,
        is_udp: bool,
    },
    Offload(Offload),
}

#[derive(Clone, Copy, Debug)]
struct Offload {
    version: Version,
    is_udp: bool,
    /// Offset in bytes of the transport header.
    start: usize,
    /// The IPv4 header without what differs by segment: total length, identification, checksum.
    ip_sum: Sum,
    /// Pseudo-header and transport header without what differs by segment: length, sequence, flags, checksum.
    transport_sum: Sum,
}

impl Offload {
    fn parse(
        header: &VirtioHeader,
        packet: &[u8],
        inner: &Inner,
        protocol: u8,
        checksum_offset: usize,
    ) -> Result<Self, SegmentationError> {
        if header.gso_size == 0 {
            return Err(SegmentationError::SegmentSize);
        }
        let found = match transport(packet, inner) {
            Ok(found) => found,
            Err(reason) => return Err(SegmentationError::Malformed(reason)),
        };
        if found.protocol != protocol {
            return Err(SegmentationError::Protocol);
        }
        if found.fragment != Fragment::Whole {
            return Err(SegmentationError::Fragment);
        }
        if found.source_routed {
            return Err(SegmentationError::SourceRouted);
        }
        let says = (
            usize::from(header.csum_start),
            usize::from(header.csum_offset),
        );
        if header.flags & VirtioHeader::NEEDS_CSUM != 0 && says != (found.offset, checksum_offset) {
            return Err(SegmentationError::ChecksumField);
        }
        let (addresses, ip_sum) = match inner.version {
            Version::V4 => (
                &packet[12..20],
                sum_without(&packet[..inner.header_length], &[2..6, 10..12]),
            ),
            Version::V6 => (&packet[8..40], Sum::default()),
        };
        Ok(Self {
            version: inner.version,
            is_udp: protocol == protocol::UDP,
            start: found.offset,
            ip_sum,
            transport_sum: Sum::of(addresses).word(protocol.into()),
        })
    }
}

/// The sum of `bytes` outside of `left_out`: ranges in order, with even bounds, within `bytes`.
fn sum_without(bytes: &[u8], left_out: &[Range<usize>]) -> Sum {
    let mut sum = Sum::default();
    let mut at = 0;
    for range in left_out {
        sum = sum + Sum::of(&bytes[at..range.start]);
        at = range.end;
    }
    sum + Sum::of(&bytes[at..])
}

const TCP_HEADER: usize = 20;
/// Data offset, reserved bits and flags, as one field.
const TCP_FLAGS: usize = 12;
const TCP_CHECKSUM: usize = 16;
const UDP_HEADER: usize = 8;
const UDP_CHECKSUM: usize = 6;

const FIN: u16 = 0x01;
const PSH: u16 = 0x08;
const CWR: u16 = 0x80;

/// Zero means "no checksum" in UDP, so it is sent as its other representation (RFC 768).
#[inline(always)]
fn udp_checksum(sum: Sum) -> u16 {
    match sum.checksum() {
        0 => u16::MAX,
        checksum => checksum,
    }
}

#[cfg(test)]
mod tests;
