//! The fixed IP header: the cheap check that every other part builds on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::u16_at;

/// Checks the IP header of `packet` and returns what it says.
///
/// The packet may be longer than the total length in its header: trailing padding, which Linux cuts off as well
/// (`ip_rcv_core`, `ip6_rcv_core`). Pass on `&packet[..inner.total_length]` only. The IPv4 header checksum is left to
/// the kernel.
#[inline]
pub fn inspect(packet: &[u8]) -> Result<Inner, Malformed> {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => inspect_ipv4(packet),
        Some(6) => inspect_ipv6(packet),
        Some(_) => Err(Malformed::Version),
        None => Err(Malformed::Truncated),
    }
}

/// What the fixed IP header of an inner packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inner {
    /// IP version.
    pub version: Version,
    /// Source address, of the same version.
    pub source: IpAddr,
    /// Destination address, of the same version.
    pub destination: IpAddr,
    /// Length in bytes of header and payload, at most the length of the inspected slice.
    pub total_length: usize,
    /// Length in bytes of the IPv4 header with options, or of the fixed IPv6 header (40).
    pub header_length: usize,
    /// Protocol (IPv4) or first next header (IPv6); [`crate::transport`] finds what follows IPv6 extension headers.
    pub protocol: u8,
}

/// IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// RFC 791.
    V4,
    /// RFC 8200.
    V6,
}

/// Why bytes are not an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// Shorter than the fixed IP header.
    Truncated,
    /// The version is neither 4 nor 6.
    Version,
    /// An IPv4 header length below 20 bytes or beyond the packet.
    HeaderLength,
    /// A total length shorter than the header or longer than the packet.
    TotalLength,
    /// An IPv6 jumbogram (RFC 2675), which is longer than any tunnel carries.
    Jumbogram,
    /// IPv6 extension headers that leave the packet, or more than [`crate::transport`] follows.
    ExtensionHeaders,
}

pub(crate) const IPV4_HEADER: usize = 20;
pub(crate) const IPV6_HEADER: usize = 40;

fn inspect_ipv4(packet: &[u8]) -> Result<Inner, Malformed> {
    let Some(header) = packet.first_chunk::<IPV4_HEADER>() else {
        return Err(Malformed::Truncated);
    };
    let header_length = usize::from(header[0] & 0x0f) * 4;
    if header_length < IPV4_HEADER || header_length > packet.len() {
        return Err(Malformed::HeaderLength);
    }
    let total_length = usize::from(u16_at(header, 2));
    if total_length < header_length || total_length > packet.len() {
        return Err(Malformed::TotalLength);
    }
    Ok(Inner {
        version: Version::V4,
        source: IpAddr::V4(ipv4_at(header, 12)),
        destination: IpAddr::V4(ipv4_at(header, 16)),
        total_length,
        header_length,
        protocol: header[9],
    })
}

fn inspect_ipv6(packet: &[u8]) -> Result<Inner, Malformed> {
    let Some(header) = packet.first_chunk::<IPV6_HEADER>() else {
        return Err(Malformed::Truncated);
    };
    let payload_length = usize::from(u16_at(header, 4));
    let protocol = header[6];
    if payload_length == 0 && protocol == HOP_BY_HOP {
        return Err(Malformed::Jumbogram);
    }
    let total_length = IPV6_HEADER + payload_length;
    if total_length > packet.len() {
        return Err(Malformed::TotalLength);
    }
    Ok(Inner {
        version: Version::V6,
        source: IpAddr::V6(ipv6_at(header, 8)),
        destination: IpAddr::V6(ipv6_at(header, 24)),
        total_length,
        header_length: IPV6_HEADER,
        protocol,
    })
}

pub(crate) const HOP_BY_HOP: u8 = 0;

fn ipv4_at(header: &[u8; IPV4_HEADER], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3])
}

fn ipv6_at(header: &[u8; IPV6_HEADER], at: usize) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&header[at..at + 16]);
    Ipv6Addr::from(octets)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::support::Tcp;

    #[test]
    fn a_packet_gives_its_addresses_lengths_and_protocol() {
        let packet = Tcp {
            payload: vec![1; 100],
            ..Tcp::v4()
        }
        .build();
        let inner = inspect(&packet).unwrap();
        assert_eq!(inner.version, Version::V4);
        assert_eq!(inner.source, "10.0.0.2".parse::<IpAddr>().unwrap());
        assert_eq!(inner.destination, "192.0.2.10".parse::<IpAddr>().unwrap());
        assert_eq!(
            (inner.total_length, inner.header_length, inner.protocol),
            (140, 20, 6)
        );

        let packet = Tcp {
            payload: vec![1; 100],
            ..Tcp::v6()
        }
        .build();
        let inner = inspect(&packet).unwrap();
        assert_eq!(inner.version, Version::V6);
        assert_eq!(inner.source, "2001:db8::2".parse::<IpAddr>().unwrap());
        assert_eq!(
            (inner.total_length, inner.header_length, inner.protocol),
            (160, 40, 6)
        );
    }

    #[test]
    fn trailing_padding_is_allowed_and_not_counted() {
        for mut packet in [Tcp::v4().build(), Tcp::v6().build()] {
            let length = packet.len();
            packet.extend([0; 6]);
            assert_eq!(inspect(&packet).unwrap().total_length, length);
        }
    }

    #[test]
    fn a_packet_cut_anywhere_is_refused() {
        for packet in [Tcp::v4().build(), Tcp::v6().build()] {
            for length in 0..packet.len() {
                assert!(inspect(&packet[..length]).is_err(), "{length}");
            }
        }
    }

    #[test]
    fn an_ipv4_header_length_below_five_words_or_beyond_the_packet_is_refused() {
        for ihl in (0..5).chain(11..16) {
            let mut packet = Tcp::v4().build();
            packet[0] = 0x40 | ihl;
            assert_eq!(inspect(&packet), Err(Malformed::HeaderLength));
        }
    }

    #[test]
    fn a_total_length_shorter_than_the_header_is_refused() {
        let mut packet = Tcp::v4().build();
        packet[2..4].copy_from_slice(&19u16.to_be_bytes());
        assert_eq!(inspect(&packet), Err(Malformed::TotalLength));
    }

    #[test]
    fn any_other_version_is_refused() {
        for version in (0..16u8).filter(|version| ![4, 6].contains(version)) {
            assert_eq!(inspect(&[version << 4; 60]), Err(Malformed::Version));
        }
        assert_eq!(inspect(&[]), Err(Malformed::Truncated));
    }

    #[test]
    fn a_jumbogram_is_refused() {
        let mut packet = vec![0; 80];
        packet[0] = 0x60;
        assert_eq!(inspect(&packet), Err(Malformed::Jumbogram));
    }
}
