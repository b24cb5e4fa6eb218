//! The ICMP errors that a tunnel owes a sender: its packet does not fit (path MTU discovery), or nobody has the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::checksum::Sum;
use crate::header::{IPV4_HEADER, IPV6_HEADER, Inner, inspect};
use crate::transport::{Fragment, transport};
use crate::{protocol, put_u16, u16_at};

/// Writes an ICMPv4 "fragmentation needed" error (RFC 792 type 3 code 4, RFC 1191 section 4) to the start of `out`.
///
/// `offending` is one finished packet, not a super-packet; `gateway` becomes the source; `next_hop_mtu` is in bytes.
/// Returns the length of the answer, at most 576 bytes (RFC 1812 section 4.3.2.3).
pub fn fragmentation_needed(
    offending: &[u8],
    gateway: Ipv4Addr,
    next_hop_mtu: u16,
    out: &mut [u8],
) -> Result<usize, NoReply> {
    let (inner, offending) = deserves_reply(offending)?;
    if inner.source.is_ipv4() && u16_at(offending, 6) & DONT_FRAGMENT == 0 {
        return Err(NoReply::MayFragment);
    }
    let [high, low] = next_hop_mtu.to_be_bytes();
    write_icmpv4(
        &inner,
        offending,
        gateway,
        [3, 4, 0, 0, 0, 0, high, low],
        out,
    )
}

/// Writes an ICMPv4 "host unreachable" error (RFC 792 type 3 code 1, RFC 1812 section 5.2.7.1) to the start of `out`.
///
/// `offending` is one finished packet, not a super-packet; `gateway` becomes the source.
/// Returns the length of the answer, at most 576 bytes (RFC 1812 section 4.3.2.3).
pub fn host_unreachable(
    offending: &[u8],
    gateway: Ipv4Addr,
    out: &mut [u8],
) -> Result<usize, NoReply> {
    let (inner, offending) = deserves_reply(offending)?;
    write_icmpv4(&inner, offending, gateway, [3, 1, 0, 0, 0, 0, 0, 0], out)
}

/// Writes an ICMPv6 Packet Too Big error (RFC 4443 section 3.2) to the start of `out`.
///
/// `offending` is one finished packet, not a super-packet; `gateway` becomes the source; `mtu` is in bytes.
/// Returns the length of the answer, at most 1280 bytes, the smallest MTU of IPv6.
pub fn packet_too_big(
    offending: &[u8],
    gateway: Ipv6Addr,
    mtu: u32,
    out: &mut [u8],
) -> Result<usize, NoReply> {
    let (inner, offending) = deserves_reply(offending)?;
    let [first, second, third, fourth] = mtu.to_be_bytes();
    let header = [2, 0, 0, 0, first, second, third, fourth];
    write_icmpv6(&inner, offending, gateway, header, out)
}

/// Writes an ICMPv6 "address unreachable" error (RFC 4443 section 3.1, code 3) to the start of `out`.
///
/// `offending` is one finished packet, not a super-packet; `gateway` becomes the source.
/// Returns the length of the answer, at most 1280 bytes, the smallest MTU of IPv6.
pub fn address_unreachable(
    offending: &[u8],
    gateway: Ipv6Addr,
    out: &mut [u8],
) -> Result<usize, NoReply> {
    let (inner, offending) = deserves_reply(offending)?;
    write_icmpv6(&inner, offending, gateway, [1, 3, 0, 0, 0, 0, 0, 0], out)
}

fn write_icmpv4(
    inner: &Inner,
    offending: &[u8],
    gateway: Ipv4Addr,
    header: [u8; ICMP_HEADER],
    out: &mut [u8],
) -> Result<usize, NoReply> {
    let IpAddr::V4(sender) = inner.source else {
        return Err(NoReply::Version);
    };
    let quote = &offending[..offending
        .len()
        .min(LONGEST_ICMPV4 - IPV4_HEADER - ICMP_HEADER)];
    let length = IPV4_HEADER + ICMP_HEADER + quote.len();
    let Some(out) = out.get_mut(..length) else {
        return Err(NoReply::NoRoom);
    };
    let (ip, icmp) = out.split_at_mut(IPV4_HEADER);

    ip.fill(0);
    ip[0] = 0x45;
    ip[1] = INTERNETWORK_CONTROL;
    put_u16(ip, 2, length as u16);
    ip[8] = HOP_LIMIT;
    ip[9] = protocol::ICMP;
    ip[12..16].copy_from_slice(&gateway.octets());
    ip[16..20].copy_from_slice(&sender.octets());
    let checksum = Sum::of(ip).checksum();
    put_u16(ip, 10, checksum);

    icmp[..ICMP_HEADER].copy_from_slice(&header);
    icmp[ICMP_HEADER..].copy_from_slice(quote);
    let checksum = Sum::of(icmp).checksum();
    put_u16(icmp, 2, checksum);
    Ok(length)
}

fn write_icmpv6(
    inner: &Inner,
    offending: &[u8],
    gateway: Ipv6Addr,
    header: [u8; ICMP_HEADER],
    out: &mut [u8],
) -> Result<usize, NoReply> {
    let IpAddr::V6(sender) = inner.source else {
        return Err(NoReply::Version);
    };
    let quote = &offending[..offending
        .len()
        .min(LONGEST_ICMPV6 - IPV6_HEADER - ICMP_HEADER)];
    let payload_length = ICMP_HEADER + quote.len();
    let Some(out) = out.get_mut(..IPV6_HEADER + payload_length) else {
        return Err(NoReply::NoRoom);
    };
    let (ip, icmp) = out.split_at_mut(IPV6_HEADER);

    ip.fill(0);
    ip[0] = 0x60;
    put_u16(ip, 4, payload_length as u16);
    ip[6] = protocol::ICMPV6;
    ip[7] = HOP_LIMIT;
    ip[8..24].copy_from_slice(&gateway.octets());
    ip[24..40].copy_from_slice(&sender.octets());

    icmp[..ICMP_HEADER].copy_from_slice(&header);
    icmp[ICMP_HEADER..].copy_from_slice(quote);
    let pseudo_header = Sum::of(&ip[8..40])
        .word(payload_length as u16)
        .word(protocol::ICMPV6.into());
    let checksum = (pseudo_header + Sum::of(icmp)).checksum();
    put_u16(icmp, 2, checksum);
    Ok(IPV6_HEADER + payload_length)
}

/// Why a packet gets no ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoReply {
    /// Not a packet that can be quoted.
    Malformed,
    /// The packet is of the other IP version.
    Version,
    /// The packet may be fragmented on the way (IPv4 without the DF flag).
    MayFragment,
    /// A fragment other than the first (RFC 1122 section 3.2.2).
    LaterFragment,
    /// The packet is an ICMP error itself (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e.1)).
    IcmpError,
    /// The packet went to more than one host.
    Multicast,
    /// The source does not name one host that could be answered.
    Source,
    /// The buffer is too short for the answer.
    NoRoom,
}

const ICMP_HEADER: usize = 8;
const LONGEST_ICMPV4: usize = 576;
const LONGEST_ICMPV6: usize = 1280;
const DONT_FRAGMENT: u16 = 0x4000;
const HOP_LIMIT: u8 = 64;
/// Precedence of ICMP errors, RFC 1812 section 4.3.2.5.
const INTERNETWORK_CONTROL: u8 = 0xc0;

/// Packet Too Big would be allowed for multicast (RFC 4443 section 2.4 (e.3)); no multicast passes this tunnel.
fn deserves_reply(packet: &[u8]) -> Result<(Inner, &[u8]), NoReply> {
    let Ok(inner) = inspect(packet) else {
        return Err(NoReply::Malformed);
    };
    let packet = &packet[..inner.total_length];
    let Ok(found) = transport(packet, &inner) else {
        return Err(NoReply::Malformed);
    };
    if found.fragment == Fragment::Later {
        return Err(NoReply::LaterFragment);
    }
    if inner.destination.is_multicast() || inner.destination == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(NoReply::Multicast);
    }
    let source = inner.source;
    let is_broadcast = source == IpAddr::V4(Ipv4Addr::BROADCAST);
    if source.is_unspecified() || source.is_multicast() || source.is_loopback() || is_broadcast {
        return Err(NoReply::Source);
    }
    if is_icmp_error(found.protocol, packet.get(found.offset).copied()) {
        return Err(NoReply::IcmpError);
    }
    Ok((inner, packet))
}

/// An ICMP packet without even a type is treated as an error, to be on the quiet side.
fn is_icmp_error(protocol: u8, kind: Option<u8>) -> bool {
    match protocol {
        protocol::ICMP => matches!(kind, None | Some(3 | 4 | 5 | 11 | 12)),
        protocol::ICMPV6 => kind.is_none_or(|kind| kind < 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::support::{Tcp, checksums_are_right, naive_checksum, with_extension_headers};

    const GATEWAY_4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const GATEWAY_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    fn reply_4(packet: &[u8]) -> Result<Vec<u8>, NoReply> {
        let mut out = [0; 600];
        fragmentation_needed(packet, GATEWAY_4, 1300, &mut out).map(|length| out[..length].to_vec())
    }

    fn reply_6(packet: &[u8]) -> Result<Vec<u8>, NoReply> {
        let mut out = [0; 1300];
        packet_too_big(packet, GATEWAY_6, 1300, &mut out).map(|length| out[..length].to_vec())
    }

    #[test]
    fn fragmentation_needed_quotes_up_to_576_bytes_and_names_the_mtu() {
        let offending = Tcp {
            payload: vec![9; 1460],
            ..Tcp::v4()
        }
        .build();
        let reply = reply_4(&offending).unwrap();
        assert_eq!(reply.len(), 576);
        assert_eq!(naive_checksum(&reply[..20]), 0);
        assert_eq!(naive_checksum(&reply[20..]), 0);
        assert_eq!(reply[12..20], [10, 0, 0, 1, 10, 0, 0, 2]);
        assert_eq!(reply[20..22], [3, 4]);
        assert_eq!(u16_at(&reply, 26), 1300);
        assert_eq!(reply[28..], offending[..548]);
        assert_eq!(inspect(&reply).unwrap().total_length, 576);
    }

    #[test]
    fn packet_too_big_quotes_up_to_1280_bytes_and_names_the_mtu() {
        let offending = Tcp {
            payload: vec![9; 1440],
            ..Tcp::v6()
        }
        .build();
        let reply = reply_6(&offending).unwrap();
        assert_eq!(reply.len(), 1280);
        assert!(checksums_are_right(&reply));
        assert_eq!(reply[40..42], [2, 0]);
        assert_eq!(reply[44..48], 1300u32.to_be_bytes());
        assert_eq!(reply[48..], offending[..1232]);
        assert_eq!(inspect(&reply).unwrap().total_length, 1280);
    }

    #[test]
    fn unreachable_says_so_for_either_version_and_whether_or_not_the_packet_may_be_fragmented() {
        let mut out = [0; 1280];
        for dont_fragment in [true, false] {
            let offending = Tcp {
                dont_fragment,
                ..Tcp::v4()
            }
            .build();
            let length = host_unreachable(&offending, GATEWAY_4, &mut out).unwrap();
            let reply = &out[..length];
            assert_eq!(naive_checksum(&reply[..20]), 0);
            assert_eq!(naive_checksum(&reply[20..]), 0);
            assert_eq!(reply[20..22], [3, 1]);
            assert_eq!(reply[24..28], [0; 4]);
            assert_eq!(reply[28..], offending);
        }
        let offending = Tcp::v6().build();
        let length = address_unreachable(&offending, GATEWAY_6, &mut out).unwrap();
        let reply = &out[..length];
        assert!(checksums_are_right(reply));
        assert_eq!(reply[40..42], [1, 3]);
        assert_eq!(reply[44..48], [0; 4]);
        assert_eq!(reply[48..], offending);
    }

    #[test]
    fn unreachable_never_answers_an_error_or_the_other_version() {
        let mut out = [0; 1280];
        let length = host_unreachable(&Tcp::v4().build(), GATEWAY_4, &mut out).unwrap();
        let error = out[..length].to_vec();
        assert_eq!(
            host_unreachable(&error, GATEWAY_4, &mut out),
            Err(NoReply::IcmpError)
        );
        let length = address_unreachable(&Tcp::v6().build(), GATEWAY_6, &mut out).unwrap();
        let error = out[..length].to_vec();
        assert_eq!(
            address_unreachable(&error, GATEWAY_6, &mut out),
            Err(NoReply::IcmpError)
        );
        assert_eq!(
            host_unreachable(&Tcp::v6().build(), GATEWAY_4, &mut out),
            Err(NoReply::Version)
        );
        assert_eq!(
            address_unreachable(&Tcp::v4().build(), GATEWAY_6, &mut out),
            Err(NoReply::Version)
        );
    }

    #[test]
    fn a_short_packet_is_quoted_whole() {
        assert_eq!(reply_4(&Tcp::v4().build()).unwrap().len(), 28 + 40);
        assert_eq!(reply_6(&Tcp::v6().build()).unwrap().len(), 48 + 60);
    }

    #[test]
    fn icmp_errors_are_never_answered_but_echo_is() {
        let mut packet = Tcp::v4().build();
        packet[9] = protocol::ICMP;
        for (kind, answered) in [
            (0, true),
            (3, false),
            (4, false),
            (5, false),
            (8, true),
            (11, false),
            (12, false),
        ] {
            packet[20] = kind;
            assert_eq!(reply_4(&packet).is_ok(), answered, "{kind}");
        }
        let mut packet = Tcp::v6().build();
        packet[6] = protocol::ICMPV6;
        for (kind, answered) in [
            (1, false),
            (2, false),
            (127, false),
            (128, true),
            (129, true),
        ] {
            packet[40] = kind;
            assert_eq!(reply_6(&packet).is_ok(), answered, "{kind}");
            let packet = with_extension_headers(&packet, &[(60, &[0; 8])]);
            assert_eq!(
                reply_6(&packet).is_ok(),
                answered,
                "{kind} behind an extension header"
            );
        }
    }

    #[test]
    fn later_fragments_are_not_answered() {
        let mut packet = Tcp::v4().build();
        packet[6..8].copy_from_slice(&0x4001u16.to_be_bytes());
        assert_eq!(reply_4(&packet), Err(NoReply::LaterFragment));
        let packet = with_extension_headers(&Tcp::v6().build(), &[(44, &[0, 0, 0, 8, 0, 0, 0, 9])]);
        assert_eq!(reply_6(&packet), Err(NoReply::LaterFragment));
    }

    #[test]
    fn an_ipv4_packet_without_df_is_not_answered() {
        assert_eq!(
            reply_4(
                &Tcp {
                    dont_fragment: false,
                    ..Tcp::v4()
                }
                .build()
            ),
            Err(NoReply::MayFragment)
        );
    }

    #[test]
    fn multicast_and_nameless_sources_are_not_answered() {
        let mut packet = Tcp::v4().build();
        packet[16] = 224;
        assert_eq!(reply_4(&packet), Err(NoReply::Multicast));
        packet[16..20].fill(255);
        assert_eq!(reply_4(&packet), Err(NoReply::Multicast));
        let mut packet = Tcp::v4().build();
        packet[12..16].fill(0);
        assert_eq!(reply_4(&packet), Err(NoReply::Source));
        let mut packet = Tcp::v6().build();
        packet[24] = 0xff;
        assert_eq!(reply_6(&packet), Err(NoReply::Multicast));
    }

    #[test]
    fn the_other_version_a_short_buffer_and_garbage_are_refused() {
        assert_eq!(reply_4(&Tcp::v6().build()), Err(NoReply::Version));
        assert_eq!(reply_6(&Tcp::v4().build()), Err(NoReply::Version));
        assert_eq!(reply_4(&[0x45; 10]), Err(NoReply::Malformed));
        let packet = Tcp::v4().build();
        assert_eq!(
            fragmentation_needed(&packet, GATEWAY_4, 1300, &mut [0; 67]),
            Err(NoReply::NoRoom)
        );
    }
}
