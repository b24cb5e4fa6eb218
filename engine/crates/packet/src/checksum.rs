//! The Internet checksum (RFC 1071), alone or joined with a copy.

use std::ops::Add;

/// A ones' complement sum that is still being collected.
///
/// The sum is kept in the byte order of the machine and swapped once at the end (RFC 1071 section 2 (B)), so that the
/// inner loop adds eight bytes at a time. Pieces may be added in any order as long as each starts at an even offset of
/// the covered data; only the last piece may have an odd length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// The sum of `bytes`; an odd last byte counts as if a zero byte followed it.
    #[must_use]
    #[inline]
    pub fn of(bytes: &[u8]) -> Self {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let mut lanes = [0u64; LANES];
        for block in blocks {
            add_block(&mut lanes, block);
        }
        Self(reduce(lanes) + tail(rest))
    }

    /// Copies `from` to the start of `to` and returns the sum of what was copied.
    ///
    /// Copies as much as both slices hold. The copy runs before the sum: one loop that does both was measured and is
    /// no faster, because the first pass leaves the bytes in the nearest cache.
    #[inline]
    pub fn copying(from: &[u8], to: &mut [u8]) -> Self {
        let length = from.len().min(to.len());
        let from = &from[..length];
        to[..length].copy_from_slice(from);
        Self::of(from)
    }

    /// Adds one 16 bit field, given as a number.
    #[must_use]
    #[inline]
    pub fn word(self, word: u16) -> Self {
        Self(self.0 + u64::from(word.to_be()))
    }

    /// The 16 bit sum, not complemented: what a sender leaves in the checksum field for the network device to finish.
    #[must_use]
    #[inline]
    pub fn folded(self) -> u16 {
        u16::from_be(fold(self.0))
    }

    /// The checksum: the complement of the folded sum.
    #[must_use]
    #[inline]
    pub fn checksum(self) -> u16 {
        !self.folded()
    }

    /// Whether data summed together with its checksum field is intact.
    #[must_use]
    #[inline]
    pub fn is_intact(self) -> bool {
        fold(self.0) == u16::MAX
    }
}

impl Add for Sum {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self(halve(self.0) + halve(other.0))
    }
}

const LANES: usize = 8;
const BLOCK: usize = 64;

/// 32 bit words into 64 bit lanes: no carry to handle, and the compiler turns it into vector instructions.
/// A lane has room for 2³² words, far more than a packet has.
#[inline(always)]
fn add_block(lanes: &mut [u64; LANES], block: &[u8; BLOCK]) {
    let (words, _) = block.as_chunks::<4>();
    for (index, word) in words.iter().enumerate() {
        lanes[index % LANES] += u64::from(u32::from_ne_bytes(*word));
    }
}

#[inline(always)]
fn tail(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut sum: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)))
        .sum();
    let (pairs, odd) = rest.as_chunks::<2>();
    for pair in pairs {
        sum += u64::from(u16::from_ne_bytes(*pair));
    }
    if let [last] = odd {
        sum += u64::from(u16::from_ne_bytes([*last, 0]));
    }
    sum
}

/// Folds each lane to 33 bits, so that many sums can be added without overflow.
#[inline(always)]
fn reduce(lanes: [u64; LANES]) -> u64 {
    lanes.into_iter().map(halve).sum()
}

/// The same sum in at most 33 bits.
#[inline(always)]
fn halve(sum: u64) -> u64 {
    (sum >> 32) + (sum & 0xffff_ffff)
}

#[inline(always)]
fn fold(sum: u64) -> u16 {
    let sum = halve(sum);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    let sum = (sum >> 16) + (sum & 0xffff);
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::naive_checksum;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_1071_gives_its_sum() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::of(&bytes).folded(), 0xddf2);
    }

    #[test]
    fn the_longest_packet_of_ones_does_not_overflow() {
        let bytes = vec![0xff; 65535];
        assert_eq!(Sum::of(&bytes).checksum(), naive_checksum(&bytes));
    }

    proptest! {
        #[test]
        fn a_sum_equals_the_naive_reference(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            prop_assert_eq!(Sum::of(&bytes).checksum(), naive_checksum(&bytes));
        }

        #[test]
        fn a_sum_does_not_depend_on_how_the_data_is_cut(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            cut in 0usize..300,
        ) {
            let cut = (cut * 2).min(bytes.len() & !1);
            let sum = Sum::of(&bytes[..cut]) + Sum::of(&bytes[cut..]);
            prop_assert_eq!(sum.checksum(), naive_checksum(&bytes));
        }

        #[test]
        fn copying_copies_and_sums(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut copy = vec![0; bytes.len()];
            let sum = Sum::copying(&bytes, &mut copy);
            prop_assert_eq!(sum.checksum(), naive_checksum(&bytes));
            prop_assert_eq!(copy, bytes);
        }

        #[test]
        fn words_add_like_their_bytes(words in prop::collection::vec(any::<u16>(), 0..40)) {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            let sum = words.iter().fold(Sum::default(), |sum, word| sum.word(*word));
            prop_assert_eq!(sum.checksum(), naive_checksum(&bytes));
        }
    }
}
