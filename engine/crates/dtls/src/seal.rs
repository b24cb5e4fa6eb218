//! Sealing half of the record layer (RFC 6347 §4.1.2, RFC 5288 §3, RFC 7905 §2).

use std::time::Duration;

use ring::aead::{Aad, LessSafeKey, Nonce};

use crate::association::KeyState;
use crate::flight::{FINISHED_LEN, Flight, MAX_FINISHED_RECORD};
use crate::key_schedule::DirectionKeys;
use crate::suite::Cipher;
use crate::wire::{ContentType, DTLS_1_2, HEADER, MAX_PLAINTEXT, RecordHeader, TAG};

/// Why nothing was sealed. The buffer is untouched then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The buffer has no room for header, payload and tag, or the payload exceeds [`MAX_PLAINTEXT`].
    BadLayout,
    /// The key has sealed as many records as it may; only a new handshake helps.
    KeyExhausted,
}

/// Seals records for the client. Owns the outgoing sequence number.
pub struct Sealer {
    key: LessSafeKey,
    fixed_iv: [u8; 12],
    cipher: Cipher,
    next_sequence: u64,
    record_limit: u64,
    last_flight: Option<LastFlight>,
}

/// What it takes to send ChangeCipherSpec and Finished again under fresh record numbers.
struct LastFlight {
    finished: [u8; FINISHED_LEN],
    epoch0_sequence: u64,
    until: Duration,
}

impl Sealer {
    /// Bytes to leave free in front of the payload: 21 with AES-GCM, 13 with ChaCha20.
    #[inline]
    pub fn header_len(&self) -> usize {
        HEADER + self.cipher.explicit_nonce_len()
    }

    /// Bytes that a record is longer than its payload: 37 with AES-GCM, 29 with ChaCha20.
    #[inline]
    pub fn overhead(&self) -> usize {
        self.header_len() + TAG
    }

    /// Turns `[header_len() free][payload][TAG free]` into one record, in place. Returns the record's length.
    #[inline]
    pub fn seal_in_place(
        &mut self,
        content_type: ContentType,
        buffer: &mut [u8],
        payload_len: usize,
    ) -> Result<usize, SealError> {
        let start = self.header_len();
        if payload_len > MAX_PLAINTEXT || buffer.len() < start + payload_len + TAG {
            return Err(SealError::BadLayout);
        }
        if self.next_sequence >= self.record_limit {
            return Err(SealError::KeyExhausted);
        }
        let sequence = self.next_sequence;
        let numbers = epoch_and_sequence(sequence);
        let nonce = nonce(self.cipher, &self.fixed_iv, numbers);
        let aad = additional_data(content_type, sequence, payload_len);
        let sealed = self.key.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut buffer[start..start + payload_len],
        );
        let Ok(tag) = sealed else {
            return Err(SealError::BadLayout);
        };
        buffer[start + payload_len..start + payload_len + TAG].copy_from_slice(tag.as_ref());
        let total = start + payload_len + TAG;
        let header = RecordHeader {
            content_type,
            version: DTLS_1_2,
            epoch: 1,
            sequence,
            length: total - HEADER,
        };
        buffer[..HEADER].copy_from_slice(&header.to_wire());
        if start > HEADER {
            buffer[HEADER..start].copy_from_slice(&numbers.to_be_bytes());
        }
        self.next_sequence += 1;
        Ok(total)
    }

    /// ChangeCipherSpec and Finished once more, for a client that repeats its own Finished
    /// ([`Content::FinishedAgain`](crate::Content::FinishedAgain)); `None` when they are forgotten or were never last.
    pub fn resend_last_flight(&mut self, now: Duration) -> Option<Flight> {
        let mut last = self.last_flight.take().filter(|last| now <= last.until)?;
        let mut flight = Flight::new();
        flight.push_change_cipher_spec(last.epoch0_sequence);
        self.push_finished(&mut flight, &last.finished);
        last.epoch0_sequence += 1;
        self.last_flight = Some(last);
        Some(flight)
    }

    /// Records sealed under this key so far.
    pub fn sealed_records(&self) -> u64 {
        self.next_sequence
    }

    /// Whether this direction's key is near its limit.
    pub fn key_state(&self) -> KeyState {
        KeyState::after(self.next_sequence, self.record_limit)
    }

    pub(crate) fn new(cipher: Cipher, keys: &DirectionKeys) -> Self {
        Self {
            key: keys.key.clone(),
            fixed_iv: keys.fixed_iv,
            cipher,
            next_sequence: 0,
            record_limit: KeyState::record_limit(cipher),
            last_flight: None,
        }
    }

    pub(crate) fn cipher(&self) -> Cipher {
        self.cipher
    }

    pub(crate) fn remember_last_flight(
        &mut self,
        finished: [u8; FINISHED_LEN],
        epoch0_sequence: u64,
        until: Duration,
    ) {
        self.last_flight = Some(LastFlight {
            finished,
            epoch0_sequence,
            until,
        });
    }

    pub(crate) fn push_finished(&mut self, flight: &mut Flight, finished: &[u8; FINISHED_LEN]) {
        let mut record = [0; MAX_FINISHED_RECORD];
        let start = self.header_len();
        record[start..start + FINISHED_LEN].copy_from_slice(finished);
        if let Ok(len) = self.seal_in_place(ContentType::Handshake, &mut record, FINISHED_LEN) {
            flight.push(&record[..len]);
        }
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.fixed_iv);
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Sealer({:?}, {} records)",
            self.cipher, self.next_sequence
        )
    }
}

#[inline]
fn epoch_and_sequence(sequence: u64) -> u64 {
    (1 << 48) | sequence
}

/// `explicit` is epoch and sequence number when sealing; with AES-GCM a receiver takes it from the record instead,
/// because OpenSSL counts from a random start.
#[inline]
pub(crate) fn nonce(cipher: Cipher, fixed_iv: &[u8; 12], explicit: u64) -> [u8; 12] {
    let mut nonce = *fixed_iv;
    let explicit = explicit.to_be_bytes();
    match cipher {
        Cipher::Aes128Gcm | Cipher::Aes256Gcm => nonce[4..].copy_from_slice(&explicit),
        Cipher::ChaCha20Poly1305 => nonce[4..]
            .iter_mut()
            .zip(explicit)
            .for_each(|(byte, number)| *byte ^= number),
    }
    nonce
}

/// RFC 5246 §6.2.3.3 with the sequence number of RFC 6347 §4.1.2.1. The length is that of the plaintext.
#[inline]
pub(crate) fn additional_data(
    content_type: ContentType,
    sequence: u64,
    plaintext_len: usize,
) -> [u8; HEADER] {
    let mut data = [0; HEADER];
    data[..8].copy_from_slice(&epoch_and_sequence(sequence).to_be_bytes());
    data[8] = content_type as u8;
    data[9..11].copy_from_slice(&DTLS_1_2);
    data[11..].copy_from_slice(&(plaintext_len as u16).to_be_bytes());
    data
}
