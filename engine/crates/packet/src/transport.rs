//! Where the transport header of an inner packet starts.

use crate::header::{HOP_BY_HOP, Inner, Malformed, Version};
use crate::u16_at;

/// Finds the transport header of an inspected packet, past IPv4 options or IPv6 extension headers.
///
/// Follows at most eight extension headers; a longer chain is refused, so that the work per packet is bounded.
#[inline]
pub fn transport(packet: &[u8], inner: &Inner) -> Result<Transport, Malformed> {
    let Some(packet) = packet.get(..inner.total_length) else {
        return Err(Malformed::TotalLength);
    };
    if packet.len() < inner.header_length {
        return Err(Malformed::TotalLength);
    }
    match inner.version {
        Version::V4 => transport_ipv4(packet, inner),
        Version::V6 => transport_ipv6(packet, inner),
    }
}

/// The transport header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Protocol number, see [`crate::protocol`].
    pub protocol: u8,
    /// Offset in bytes from the start of the packet; it may lie at the very end.
    pub offset: usize,
    /// Whether the packet is a fragment; for [`Fragment::Later`] there is payload at `offset`, not a header.
    pub fragment: Fragment,
    /// An IPv6 routing header has segments left: the checksum covers another destination (RFC 8200 section 8.1).
    pub source_routed: bool,
}

/// Whether a packet is an IP fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    /// Not a fragment.
    Whole,
    /// The fragment with the transport header.
    First,
    /// A fragment with a non-zero offset.
    Later,
}

const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
const MOST_EXTENSION_HEADERS: usize = 8;

fn transport_ipv4(packet: &[u8], inner: &Inner) -> Result<Transport, Malformed> {
    let Some(header) = packet.first_chunk::<20>() else {
        return Err(Malformed::Truncated);
    };
    let fragment = match u16_at(header, 6) {
        field if field & 0x1fff != 0 => Fragment::Later,
        field if field & 0x2000 != 0 => Fragment::First,
        _ => Fragment::Whole,
    };
    Ok(Transport {
        protocol: inner.protocol,
        offset: inner.header_length,
        fragment,
        source_routed: false,
    })
}

fn transport_ipv6(packet: &[u8], inner: &Inner) -> Result<Transport, Malformed> {
    let mut found = Transport {
        protocol: inner.protocol,
        offset: inner.header_length,
        fragment: Fragment::Whole,
        source_routed: false,
    };
    for _ in 0..=MOST_EXTENSION_HEADERS {
        if !matches!(
            found.protocol,
            HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS
        ) {
            return Ok(found);
        }
        let Some(header) = packet
            .get(found.offset..)
            .and_then(|rest| rest.first_chunk::<8>())
        else {
            return Err(Malformed::ExtensionHeaders);
        };
        let length = match found.protocol {
            FRAGMENT => 8,
            _ => (usize::from(header[1]) + 1) * 8,
        };
        if found.offset + length > packet.len() {
            return Err(Malformed::ExtensionHeaders);
        }
        found.offset += length;
        if found.protocol == ROUTING && header[3] != 0 {
            found.source_routed = true;
        }
        let is_later = found.protocol == FRAGMENT && u16_at(header, 2) & 0xfff8 != 0;
        if found.protocol == FRAGMENT {
            found.fragment = if is_later {
                Fragment::Later
            } else {
                Fragment::First
            };
        }
        found.protocol = header[0];
        if is_later {
            return Ok(found);
        }
    }
    Err(Malformed::ExtensionHeaders)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::inspect;
    use crate::support::{Tcp, with_extension_headers};

    fn find(packet: &[u8]) -> Result<Transport, Malformed> {
        transport(packet, &inspect(packet).unwrap())
    }

    #[test]
    fn ipv4_options_are_skipped() {
        let packet = Tcp {
            ip_options: vec![1; 8],
            ..Tcp::v4()
        }
        .build();
        assert_eq!(find(&packet).unwrap().offset, 28);
    }

    #[test]
    fn extension_headers_are_skipped() {
        let packet = with_extension_headers(&Tcp::v6().build(), &[(0, &[0; 8]), (60, &[0; 16])]);
        let found = find(&packet).unwrap();
        assert_eq!(
            (found.protocol, found.offset, found.fragment),
            (6, 64, Fragment::Whole)
        );
    }

    #[test]
    fn eight_extension_headers_are_followed_and_nine_refused() {
        let chain = [(60, &[0; 8][..]); 9];
        let packet = Tcp::v6().build();
        assert_eq!(
            find(&with_extension_headers(&packet, &chain[..8]))
                .unwrap()
                .protocol,
            6
        );
        assert_eq!(
            find(&with_extension_headers(&packet, &chain)),
            Err(Malformed::ExtensionHeaders)
        );
    }

    #[test]
    fn an_extension_header_that_leaves_the_packet_is_refused() {
        let packet =
            with_extension_headers(&Tcp::v6().build(), &[(60, &[0, 200, 0, 0, 0, 0, 0, 0])]);
        assert_eq!(find(&packet), Err(Malformed::ExtensionHeaders));
    }

    #[test]
    fn fragments_are_told_apart() {
        let mut packet = Tcp::v4().build();
        packet[6..8].copy_from_slice(&0x2000u16.to_be_bytes());
        assert_eq!(find(&packet).unwrap().fragment, Fragment::First);
        packet[6..8].copy_from_slice(&0x2001u16.to_be_bytes());
        assert_eq!(find(&packet).unwrap().fragment, Fragment::Later);

        let packet = Tcp::v6().build();
        let first = with_extension_headers(&packet, &[(44, &[0, 0, 0, 1, 0, 0, 0, 9])]);
        assert_eq!(find(&first).unwrap().fragment, Fragment::First);
        let later = with_extension_headers(&packet, &[(44, &[0, 0, 0, 8, 0, 0, 0, 9])]);
        assert_eq!(find(&later).unwrap().fragment, Fragment::Later);
    }

    #[test]
    fn a_routing_header_with_segments_left_is_reported() {
        let packet = Tcp::v6().build();
        let routed = with_extension_headers(&packet, &[(43, &[0, 0, 2, 1, 0, 0, 0, 0])]);
        assert!(find(&routed).unwrap().source_routed);
        let arrived = with_extension_headers(&packet, &[(43, &[0, 0, 2, 0, 0, 0, 0, 0])]);
        assert!(!find(&arrived).unwrap().source_routed);
    }
}
