//! What a device may send into the tunnel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::header::{Inner, Malformed, inspect};

/// Checks a packet from a device that was given these addresses.
///
/// The source must be exactly the assigned address of its version, so that no device can speak as another. The
/// destination must be one that a router may forward to.
#[inline]
pub fn admit(
    packet: &[u8],
    assigned_ipv4: Option<Ipv4Addr>,
    assigned_ipv6: Option<Ipv6Addr>,
) -> Result<Inner, Refusal> {
    let inner = match inspect(packet) {
        Ok(inner) => inner,
        Err(reason) => return Err(Refusal::Malformed(reason)),
    };
    let is_assigned = match inner.source {
        IpAddr::V4(source) => Some(source) == assigned_ipv4,
        IpAddr::V6(source) => Some(source) == assigned_ipv6,
    };
    if let Some(reason) = unusable_source(inner.source) {
        return Err(reason);
    }
    if !is_assigned {
        return Err(Refusal::SourceNotAssigned);
    }
    match unusable_destination(inner.destination) {
        Some(reason) => Err(reason),
        None => Ok(inner),
    }
}

/// Why a packet from a device is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Not an IP packet.
    Malformed(Malformed),
    /// The source is another address than the session was given.
    SourceNotAssigned,
    /// The source is unspecified, as in a device's own DHCP or duplicate address detection.
    SourceUnspecified,
    /// The source is link-local: noise of the device's own network stack.
    SourceLinkLocal,
    /// The source is an IPv4 address mapped into IPv6 (`::ffff:0:0/96`).
    SourceMapped,
    /// The destination is a multicast group.
    DestinationMulticast,
    /// The destination is the limited broadcast address.
    DestinationBroadcast,
    /// The destination is unspecified, or in `0.0.0.0/8`.
    DestinationUnspecified,
    /// The destination is a loopback address.
    DestinationLoopback,
    /// The destination is link-local, which no router forwards (RFC 3927 section 7, RFC 4291 section 2.5.6) and where
    /// cloud hosts have their metadata service.
    DestinationLinkLocal,
    /// The destination is an IPv4 address mapped into IPv6.
    DestinationMapped,
}

impl Refusal {
    /// Number of distinct values of [`Refusal::index`], the size of an array of counters.
    pub const COUNT: usize = 11;

    /// Position of this reason in an array of counters; all malformed packets share one.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Malformed(_) => 0,
            Self::SourceNotAssigned => 1,
            Self::SourceUnspecified => 2,
            Self::SourceLinkLocal => 3,
            Self::SourceMapped => 4,
            Self::DestinationMulticast => 5,
            Self::DestinationBroadcast => 6,
            Self::DestinationUnspecified => 7,
            Self::DestinationLoopback => 8,
            Self::DestinationLinkLocal => 9,
            Self::DestinationMapped => 10,
        }
    }

    /// Names for counters, by [`Refusal::index`].
    pub const LABELS: [&'static str; Self::COUNT] = [
        "malformed",
        "source_not_assigned",
        "source_unspecified",
        "source_link_local",
        "source_mapped",
        "destination_multicast",
        "destination_broadcast",
        "destination_unspecified",
        "destination_loopback",
        "destination_link_local",
        "destination_mapped",
    ];
}

/// These are refused even if they were assigned by mistake.
#[inline]
fn unusable_source(source: IpAddr) -> Option<Refusal> {
    if source.is_unspecified() {
        return Some(Refusal::SourceUnspecified);
    }
    let IpAddr::V6(source) = source else {
        return None;
    };
    if source.is_unicast_link_local() {
        return Some(Refusal::SourceLinkLocal);
    }
    source.to_ipv4_mapped().map(|_| Refusal::SourceMapped)
}

#[inline]
fn unusable_destination(destination: IpAddr) -> Option<Refusal> {
    match destination {
        IpAddr::V4(address) if address.octets()[0] == 0 => Some(Refusal::DestinationUnspecified),
        IpAddr::V4(address) if address.is_broadcast() => Some(Refusal::DestinationBroadcast),
        IpAddr::V4(address) if address.is_link_local() => Some(Refusal::DestinationLinkLocal),
        IpAddr::V6(address) if address.is_unspecified() => Some(Refusal::DestinationUnspecified),
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            Some(Refusal::DestinationLinkLocal)
        }
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
            Some(Refusal::DestinationMapped)
        }
        address if address.is_multicast() => Some(Refusal::DestinationMulticast),
        address if address.is_loopback() => Some(Refusal::DestinationLoopback),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::support::Tcp;

    const IPV4: Option<Ipv4Addr> = Some(Ipv4Addr::new(10, 0, 0, 2));
    const IPV6: Option<Ipv6Addr> = Some(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2));

    fn between(source: &str, destination: &str) -> Vec<u8> {
        let (source, destination): (IpAddr, IpAddr) =
            (source.parse().unwrap(), destination.parse().unwrap());
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut packet = Tcp::v4().build();
                packet[12..16].copy_from_slice(&source.octets());
                packet[16..20].copy_from_slice(&destination.octets());
                packet
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let mut packet = Tcp::v6().build();
                packet[8..24].copy_from_slice(&source.octets());
                packet[24..40].copy_from_slice(&destination.octets());
                packet
            }
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_packet_from_the_assigned_address_is_admitted() {
        for (source, destination) in [("10.0.0.2", "192.0.2.1"), ("2001:db8::2", "2001:db8:1::1")] {
            let packet = between(source, destination);
            assert_eq!(admit(&packet, IPV4, IPV6), Ok(inspect(&packet).unwrap()));
        }
    }

    #[test]
    fn a_packet_from_another_address_is_refused() {
        for (source, destination) in [("10.0.0.3", "192.0.2.1"), ("2001:db8::3", "2001:db8:1::1")] {
            assert_eq!(
                admit(&between(source, destination), IPV4, IPV6),
                Err(Refusal::SourceNotAssigned)
            );
        }
    }

    #[test]
    fn a_version_without_an_assigned_address_is_refused() {
        assert_eq!(
            admit(&between("10.0.0.2", "192.0.2.1"), None, IPV6),
            Err(Refusal::SourceNotAssigned)
        );
        assert_eq!(
            admit(&between("2001:db8::2", "2001:db8:1::1"), IPV4, None),
            Err(Refusal::SourceNotAssigned)
        );
    }

    #[test]
    fn unusable_sources_are_refused_even_if_assigned() {
        for (source, reason) in [
            ("fe80::1", Refusal::SourceLinkLocal),
            ("febf::1", Refusal::SourceLinkLocal),
            ("::", Refusal::SourceUnspecified),
            ("::ffff:10.0.0.2", Refusal::SourceMapped),
        ] {
            let packet = between(source, "2001:db8:1::1");
            assert_eq!(
                admit(&packet, IPV4, Some(source.parse().unwrap())),
                Err(reason),
                "{source}"
            );
        }
        assert_eq!(
            admit(&between("0.0.0.0", "192.0.2.1"), IPV4, IPV6),
            Err(Refusal::SourceUnspecified)
        );
    }

    #[test]
    fn destinations_that_no_router_forwards_to_are_refused() {
        for (destination, reason) in [
            ("224.0.0.251", Refusal::DestinationMulticast),
            ("239.255.255.250", Refusal::DestinationMulticast),
            ("255.255.255.255", Refusal::DestinationBroadcast),
            ("0.0.0.0", Refusal::DestinationUnspecified),
            ("0.1.2.3", Refusal::DestinationUnspecified),
            ("127.0.0.1", Refusal::DestinationLoopback),
            ("127.255.0.1", Refusal::DestinationLoopback),
            ("169.254.169.254", Refusal::DestinationLinkLocal),
        ] {
            assert_eq!(
                admit(&between("10.0.0.2", destination), IPV4, IPV6),
                Err(reason),
                "{destination}"
            );
        }
        for (destination, reason) in [
            ("ff02::1", Refusal::DestinationMulticast),
            ("::", Refusal::DestinationUnspecified),
            ("::1", Refusal::DestinationLoopback),
            ("fe80::1", Refusal::DestinationLinkLocal),
            ("::ffff:127.0.0.1", Refusal::DestinationMapped),
        ] {
            assert_eq!(
                admit(&between("2001:db8::2", destination), IPV4, IPV6),
                Err(reason),
                "{destination}"
            );
        }
    }

    #[test]
    fn trailing_padding_is_admitted_and_not_counted() {
        let mut packet = between("10.0.0.2", "192.0.2.1");
        packet.extend([0; 6]);
        assert_eq!(
            admit(&packet, IPV4, IPV6).unwrap().total_length,
            packet.len() - 6
        );
    }

    #[test]
    fn a_malformed_packet_says_how() {
        assert_eq!(
            admit(&[0x45; 19], IPV4, IPV6),
            Err(Refusal::Malformed(Malformed::Truncated))
        );
    }

    #[test]
    fn every_reason_has_a_place_among_the_counters() {
        assert_eq!(
            Refusal::LABELS[Refusal::DestinationMapped.index()],
            "destination_mapped"
        );
        assert_eq!(
            Refusal::LABELS[Refusal::SourceNotAssigned.index()],
            "source_not_assigned"
        );
    }
}
