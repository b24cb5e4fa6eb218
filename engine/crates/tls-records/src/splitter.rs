//! Finding records in a byte stream.

use crate::cipher::{MAX_PLAINTEXT, RECORD_HEADER};

/// Longest record with its header: 2^14 bytes and 256 of expansion (RFC 8446 §5.2). TLS 1.2 needs less with these
/// ciphers and no compression.
pub const MAX_RECORD: usize = RECORD_HEADER + MAX_PLAINTEXT + 256;

/// What the start of a buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextRecord {
    /// Not a whole record: at least this many more bytes are needed.
    Incomplete(usize),
    /// A whole record of this length.
    Record(usize),
    /// A record longer than [`MAX_RECORD`]: close the connection.
    TooLong,
}

/// Looks for a record at the start of `buffer`. The caller keeps what is left over.
#[inline]
pub fn next_record(buffer: &[u8]) -> NextRecord {
    let Some(header) = buffer.first_chunk::<RECORD_HEADER>() else {
        return NextRecord::Incomplete(RECORD_HEADER - buffer.len());
    };
    let total = RECORD_HEADER + usize::from(u16::from_be_bytes([header[3], header[4]]));
    if total > MAX_RECORD {
        return NextRecord::TooLong;
    }
    match total.checked_sub(buffer.len()) {
        Some(missing @ 1..) => NextRecord::Incomplete(missing),
        _ => NextRecord::Record(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_byte_by_byte_and_never_beyond_its_end() {
        let stream = [23, 3, 3, 0, 2, 0xaa, 0xbb, 23, 3];
        let expected = [5, 4, 3, 2, 1, 2, 1].map(NextRecord::Incomplete);
        (0..7).for_each(|len| assert_eq!(next_record(&stream[..len]), expected[len]));
        assert_eq!(next_record(&stream[..7]), NextRecord::Record(7));
        assert_eq!(next_record(&stream), NextRecord::Record(7));
    }

    #[test]
    fn a_record_over_the_limit_is_refused_from_its_header_alone() {
        assert_eq!(
            next_record(&[23, 3, 3, 0x41, 0x00]),
            NextRecord::Incomplete(16384 + 256)
        );
        assert_eq!(next_record(&[23, 3, 3, 0x41, 0x01]), NextRecord::TooLong);
    }
}
