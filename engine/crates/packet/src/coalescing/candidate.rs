//! What a single packet of a batch is to the coalescer, before any other packet is looked at.

use super::flow::FlowKey;
use crate::checksum::Sum;
use crate::header::{IPV4_HEADER, IPV6_HEADER, Version, inspect};
use crate::transport::{Fragment, transport};
use crate::{protocol, u16_at};

/// What may be done with a packet.
#[derive(Debug)]
pub(super) enum Class {
    /// It can be joined with others of its flow.
    Mergeable(Candidate),
    /// It must stay behind earlier packets of its flow.
    InFlow(FlowKey),
    /// It must stay behind earlier packets between the same two addresses, because it has no ports.
    BetweenAddresses(FlowKey),
    /// Nothing is ever merged past it or with it.
    Alone,
}

/// An intact packet with payload that may start or continue a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) key: FlowKey,
    pub(super) version: Version,
    pub(super) is_udp: bool,
    /// Offset in bytes of the TCP or UDP header.
    pub(super) transport_offset: u8,
    /// Length in bytes of the IP and transport headers.
    pub(super) header_length: u8,
    /// TCP flags, or zero.
    pub(super) flags: u8,
}

pub(super) const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;

/// Only plain headers are merged: no IPv4 options, no IPv6 extension headers, no fragments.
#[inline]
pub(super) fn classify(packet: &[u8], with_udp: bool) -> Class {
    let plain = match packet.first() {
        Some(0x45) => plain_ipv4(packet),
        Some(byte) if byte >> 4 == 6 => plain_ipv6(packet),
        _ => None,
    };
    let Some((version, protocol)) = plain else {
        return classify_unusual(packet, with_udp);
    };
    match protocol {
        protocol::TCP => classify_tcp(packet, version),
        protocol::UDP if with_udp => classify_udp(packet, version),
        _ => Class::Alone,
    }
}

#[inline(always)]
fn plain_ipv4(packet: &[u8]) -> Option<(Version, u8)> {
    const ANYTHING_BUT_DF: u16 = 0xbfff;
    let header = packet.first_chunk::<IPV4_HEADER>()?;
    let is_plain =
        usize::from(u16_at(header, 2)) == packet.len() && u16_at(header, 6) & ANYTHING_BUT_DF == 0;
    is_plain.then_some((Version::V4, header[9]))
}

#[inline(always)]
fn plain_ipv6(packet: &[u8]) -> Option<(Version, u8)> {
    let header = packet.first_chunk::<IPV6_HEADER>()?;
    let is_plain = usize::from(u16_at(header, 4)) + IPV6_HEADER == packet.len();
    let is_transport = matches!(header[6], protocol::TCP | protocol::UDP);
    (is_plain && is_transport).then_some((Version::V6, header[6]))
}

#[inline(always)]
fn classify_tcp(packet: &[u8], version: Version) -> Class {
    let (addresses, offset) = plain_layout(packet, version);
    let tcp = &packet[offset..];
    let Some(ports) = tcp.first_chunk::<4>() else {
        return Class::Alone;
    };
    let key = FlowKey::new(addresses, *ports, protocol::TCP);
    if tcp.len() < TCP_HEADER {
        return Class::InFlow(key);
    }
    let [data_offset, flags] = [tcp[12], tcp[13]];
    let tcp_length = usize::from(data_offset >> 4) * 4;
    let has_payload = tcp_length >= TCP_HEADER && tcp_length < tcp.len();
    let is_data = data_offset & 0x0f == 0 && flags & !PSH == ACK;
    if !has_payload || !is_data || !is_intact(packet, version, addresses, tcp, protocol::TCP) {
        return Class::InFlow(key);
    }
    Class::Mergeable(Candidate {
        key,
        version,
        is_udp: false,
        transport_offset: offset as u8,
        header_length: (offset + tcp_length) as u8,
        flags,
    })
}

#[inline(always)]
fn classify_udp(packet: &[u8], version: Version) -> Class {
    let (addresses, offset) = plain_layout(packet, version);
    let udp = &packet[offset..];
    let Some(header) = udp.first_chunk::<UDP_HEADER>() else {
        return Class::Alone;
    };
    let [p0, p1, p2, p3, ..] = *header;
    let key = FlowKey::new(addresses, [p0, p1, p2, p3], protocol::UDP);
    let is_whole = usize::from(u16_at(header, 4)) == udp.len() && udp.len() > UDP_HEADER;
    let has_checksum = u16_at(header, 6) != 0;
    if !is_whole || !has_checksum || !is_intact(packet, version, addresses, udp, protocol::UDP) {
        return Class::InFlow(key);
    }
    Class::Mergeable(Candidate {
        key,
        version,
        is_udp: true,
        transport_offset: offset as u8,
        header_length: (offset + UDP_HEADER) as u8,
        flags: 0,
    })
}

#[inline(always)]
fn plain_layout(packet: &[u8], version: Version) -> (&[u8], usize) {
    match version {
        Version::V4 => (&packet[12..20], IPV4_HEADER),
        Version::V6 => (&packet[8..40], IPV6_HEADER),
    }
}

/// A merged packet gets new checksums, so a wrong one must never be merged: it would arrive as a right one.
#[inline(always)]
fn is_intact(
    packet: &[u8],
    version: Version,
    addresses: &[u8],
    transport: &[u8],
    protocol: u8,
) -> bool {
    if version == Version::V4 && !Sum::of(&packet[..IPV4_HEADER]).is_intact() {
        return false;
    }
    let pseudo_header = Sum::of(addresses)
        .word(transport.len() as u16)
        .word(protocol.into());
    (pseudo_header + Sum::of(transport)).is_intact()
}

#[cold]
fn classify_unusual(packet: &[u8], with_udp: bool) -> Class {
    let Ok(inner) = inspect(packet) else {
        return Class::Alone;
    };
    let addresses = match inner.version {
        Version::V4 => &packet[12..20],
        Version::V6 => &packet[8..40],
    };
    let Ok(found) = transport(packet, &inner) else {
        return Class::BetweenAddresses(FlowKey::new(addresses, [0; 4], 0));
    };
    if found.protocol != protocol::TCP && !(with_udp && found.protocol == protocol::UDP) {
        return Class::Alone;
    }
    let ports = packet
        .get(found.offset..)
        .and_then(|rest| rest.first_chunk::<4>());
    match ports {
        Some(ports) if found.fragment != Fragment::Later => {
            Class::InFlow(FlowKey::new(addresses, *ports, found.protocol))
        }
        _ => Class::BetweenAddresses(FlowKey::new(addresses, [0; 4], 0)),
    }
}
