//! Acknowledgments that a later one of the same batch makes needless (ACK filtering, RFC 3449 section 5.2.1).

use crate::checksum::Sum;
use crate::header::{IPV4_HEADER, IPV6_HEADER};
use crate::{protocol, u16_at, u32_at};

const TCP_HEADER: usize = 20;
const ACK: u8 = 0x10;
/// The layout that every current system uses for timestamps (RFC 7323 appendix A): NOP, NOP, kind 8, length 10.
const TIMESTAMPS: [u8; 4] = [1, 1, 8, 10];

/// IPv6 header, TCP header, timestamps.
const LONGEST: usize = IPV6_HEADER + TCP_HEADER + 12;

/// A TCP segment that does nothing but acknowledge: no data, no flag but ACK, no option but timestamps. Selective
/// acknowledgments (RFC 2018) are therefore none, and stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct PureAcknowledgment<'a> {
    addresses: &'a [u8],
    tcp: &'a [u8],
}

impl<'a> PureAcknowledgment<'a> {
    /// Recognises one, with intact checksums.
    #[must_use]
    #[inline]
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        const ANYTHING_BUT_DF: u16 = 0xbfff;
        if packet.len() > LONGEST {
            return None;
        }
        let (addresses, tcp) = match packet.first()? {
            0x45 => {
                let (header, tcp) = packet.split_at_checked(IPV4_HEADER)?;
                let is_plain = header[9] == protocol::TCP
                    && u16_at(header, 6) & ANYTHING_BUT_DF == 0
                    && usize::from(u16_at(header, 2)) == packet.len()
                    && Sum::of(header).is_intact();
                is_plain.then_some((&header[12..], tcp))?
            }
            byte if byte >> 4 == 6 => {
                let (header, tcp) = packet.split_at_checked(IPV6_HEADER)?;
                let is_plain =
                    header[6] == protocol::TCP && usize::from(u16_at(header, 4)) == tcp.len();
                is_plain.then_some((&header[8..], tcp))?
            }
            _ => return None,
        };
        let has_known_options = match tcp.len() {
            TCP_HEADER => true,
            32 => tcp[TCP_HEADER..24] == TIMESTAMPS,
            _ => false,
        };
        let is_pure = has_known_options && tcp[12] == (tcp.len() as u8 / 4) << 4 && tcp[13] == ACK;
        let pseudo_header = || {
            Sum::of(addresses)
                .word(tcp.len() as u16)
                .word(protocol::TCP.into())
        };
        (is_pure && (pseudo_header() + Sum::of(tcp)).is_intact()).then_some(Self { addresses, tcp })
    }

    /// Whether this one, sent later, tells everything that `older` tells. One that acknowledges nothing new does not:
    /// duplicates are a signal of their own (RFC 5681 section 3.2), and so are window updates.
    #[must_use]
    #[inline]
    pub fn supersedes(&self, older: &Self) -> bool {
        let acknowledged = u32_at(self.tcp, 8).wrapping_sub(u32_at(older.tcp, 8));
        self.addresses == older.addresses
            && self.tcp[..8] == older.tcp[..8]
            && self.tcp.len() == older.tcp.len()
            && (1..1 << 31).contains(&acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{ACK as ACK_FLAG, Tcp};

    fn acknowledgment(base: Tcp, number: u32) -> Vec<u8> {
        Tcp {
            payload: Vec::new(),
            flags: ACK_FLAG,
            acknowledgment: number,
            ..base
        }
        .build()
    }

    fn supersedes(newer: &[u8], older: &[u8]) -> bool {
        match (
            PureAcknowledgment::parse(newer),
            PureAcknowledgment::parse(older),
        ) {
            (Some(newer), Some(older)) => newer.supersedes(&older),
            _ => false,
        }
    }

    #[test]
    fn a_later_acknowledgment_replaces_an_earlier_one_of_its_flow() {
        for base in [Tcp::v4, Tcp::v6] {
            let older = acknowledgment(base(), 1000);
            assert!(supersedes(&acknowledgment(base(), 2000), &older));
            assert!(
                !supersedes(&acknowledgment(base(), 1000), &older),
                "a duplicate"
            );
            assert!(
                !supersedes(&acknowledgment(base(), 999), &older),
                "an old one"
            );
        }
    }

    #[test]
    fn acknowledgment_numbers_wrap() {
        let older = acknowledgment(Tcp::v4(), u32::MAX - 10);
        assert!(supersedes(&acknowledgment(Tcp::v4(), 10), &older));
    }

    #[test]
    fn data_other_flags_and_other_options_are_kept() {
        let data = Tcp {
            payload: vec![1; 10],
            ..Tcp::v4()
        }
        .build();
        assert!(PureAcknowledgment::parse(&data).is_none());
        let fin = Tcp {
            payload: Vec::new(),
            flags: ACK_FLAG | 1,
            ..Tcp::v4()
        }
        .build();
        assert!(PureAcknowledgment::parse(&fin).is_none());
        let selective = [1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        let sack = Tcp {
            payload: Vec::new(),
            options: selective.to_vec(),
            ..Tcp::v4()
        }
        .build();
        assert!(PureAcknowledgment::parse(&sack).is_none());
    }

    #[test]
    fn flows_are_told_apart() {
        let other = acknowledgment(
            Tcp {
                source_port: 9,
                ..Tcp::v4()
            },
            2000,
        );
        assert!(!supersedes(&other, &acknowledgment(Tcp::v4(), 1000)));
        assert!(!supersedes(
            &acknowledgment(Tcp::v6(), 2000),
            &acknowledgment(Tcp::v4(), 1000)
        ));
    }

    #[test]
    fn a_broken_acknowledgment_replaces_nothing() {
        let mut newer = acknowledgment(Tcp::v4(), 2000);
        newer[30] ^= 1;
        assert!(PureAcknowledgment::parse(&newer).is_none());
    }

    #[test]
    fn packets_cut_anywhere_are_refused() {
        let whole = acknowledgment(Tcp::v6(), 5);
        for length in 0..whole.len() {
            assert!(PureAcknowledgment::parse(&whole[..length]).is_none());
        }
    }
}
