//! A server flight: at most three small records, kept in one datagram and off the heap.

use crate::wire::{ContentType, DTLS_1_2, HEADER, RecordHeader, TAG, handshake_header};
use crate::wire::{EXPLICIT_NONCE, HANDSHAKE_HEADER};

/// Room for the largest flight.
///
/// Resumption: ServerHello 13 + 12 + (2 + 32 + 33 + 2 + 1 + 2 + 9) = 106, ChangeCipherSpec 13 + 1,
/// Finished 13 + 8 + 24 + 16 = 61; together 181. The pre-shared key flights and HelloVerifyRequest are smaller.
pub const MAX_FLIGHT: usize = 181;

/// Finished: a handshake header and 12 bytes of verify data (RFC 5246 §7.4.9).
pub(crate) const FINISHED_LEN: usize = HANDSHAKE_HEADER + 12;

/// A protected Finished with the longest explicit nonce.
pub(crate) const MAX_FINISHED_RECORD: usize = HEADER + EXPLICIT_NONCE + FINISHED_LEN + TAG;

/// The bytes of one datagram to send.
#[derive(Clone, Copy)]
pub struct Flight {
    bytes: [u8; MAX_FLIGHT],
    len: usize,
}

impl std::ops::Deref for Flight {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl std::fmt::Debug for Flight {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Flight({} bytes)", self.len)
    }
}

impl Flight {
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; MAX_FLIGHT],
            len: 0,
        }
    }

    /// Every writer's lengths are constants that [`MAX_FLIGHT`] adds up; a mistake there truncates, never panics.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = &mut self.bytes[self.len..];
        let len = bytes.len().min(room.len());
        debug_assert_eq!(len, bytes.len(), "MAX_FLIGHT is too small");
        room[..len].copy_from_slice(&bytes[..len]);
        self.len += len;
    }

    /// A plaintext record of epoch 0.
    pub(crate) fn push_record(
        &mut self,
        content_type: ContentType,
        version: [u8; 2],
        sequence: u64,
        payload: &[u8],
    ) {
        self.push(
            &RecordHeader {
                content_type,
                version,
                epoch: 0,
                sequence,
                length: payload.len(),
            }
            .to_wire(),
        );
        self.push(payload);
    }

    pub(crate) fn push_change_cipher_spec(&mut self, sequence: u64) {
        self.push_record(ContentType::ChangeCipherSpec, DTLS_1_2, sequence, &[1]);
    }
}

/// A handshake message being written: the header first, with the length that the body will have.
pub(crate) struct MessageBuilder {
    bytes: [u8; 128],
    len: usize,
}

impl MessageBuilder {
    pub(crate) fn new(kind: u8, sequence: u16, body_len: usize) -> Self {
        let mut message = Self {
            bytes: [0; 128],
            len: 0,
        };
        message.push(&handshake_header(kind, sequence, body_len));
        message
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = &mut self.bytes[self.len..];
        let len = bytes.len().min(room.len());
        debug_assert_eq!(
            len,
            bytes.len(),
            "a server message is larger than its buffer"
        );
        room[..len].copy_from_slice(&bytes[..len]);
        self.len += len;
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_for_a_flight_follows_from_its_derivation() {
        let server_hello = HEADER + HANDSHAKE_HEADER + (2 + 32 + 33 + 2 + 1 + 2 + 9);
        let change_cipher_spec = HEADER + 1;
        assert_eq!(
            MAX_FLIGHT,
            server_hello + change_cipher_spec + MAX_FINISHED_RECORD
        );
    }
}
