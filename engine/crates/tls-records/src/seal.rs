//! Sealing half (RFC 8446 §5.2, RFC 5246 §6.2.3.3).

use ring::aead::{Aad, Nonce};

use crate::cipher::{
    Cipher, ContentType, Direction, KeyError, KeyUse, MAX_PLAINTEXT, RECORD_HEADER, TAG, TLS_1_2,
    Version,
};
use crate::cstp::{CSTP_HEADER, MAX_PAYLOAD, PacketType, header};
use crate::key_update::{TrafficSecret, message};

/// Room that every version and cipher finds enough in front of a packet: record header, explicit nonce, packet header.
pub const MAX_PACKET_HEADROOM: usize = RECORD_HEADER + 8 + CSTP_HEADER;

/// Room that every version finds enough behind a packet: the content type of TLS 1.3 and the tag.
pub const MAX_PACKET_TAILROOM: usize = 1 + TAG;

/// Why nothing was sealed. The buffer is as it was, but for its free room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The buffer has no room for what belongs around the payload, or the payload is too long.
    BadLayout,
    /// The key has sealed all that it may.
    KeyExhausted,
    /// A TLS 1.2 connection, or one whose traffic secret was not given, cannot update its key.
    NoTrafficSecret,
}

/// Seals records for the client. Owns the outgoing key and sequence number.
pub struct Sealer {
    direction: Direction,
    secret: Option<TrafficSecret>,
}

impl Sealer {
    /// Takes the outgoing keys of a handed-over connection, and the sequence number that comes next.
    ///
    /// `iv` has 12 bytes in every version: rustls puts fixed and explicit part of a TLS 1.2 nonce together.
    pub fn new(
        version: Version,
        cipher: Cipher,
        key: &[u8],
        iv: &[u8],
        sequence: u64,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            direction: Direction::new(version, cipher, key, iv, sequence)?,
            secret: None,
        })
    }

    /// Adds the secret (`SERVER_TRAFFIC_SECRET_0`) that TLS 1.3 key updates start from.
    pub fn with_traffic_secret(mut self, secret: TrafficSecret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Bytes to leave free in front of a packet: 13, or 21 in TLS 1.2 with AES-GCM.
    #[inline]
    pub fn packet_headroom(&self) -> usize {
        self.record_headroom() + CSTP_HEADER
    }

    /// Bytes to leave free behind a packet: 17, or 16 in TLS 1.2.
    #[inline]
    pub fn packet_tailroom(&self) -> usize {
        TAG + self.inner_type_len()
    }

    /// Turns `[packet_headroom() free][payload][packet_tailroom() free]` into one record with one packet, in place.
    /// Returns the record's length.
    #[inline]
    pub fn seal_packet(
        &mut self,
        buffer: &mut [u8],
        packet_type: PacketType,
        payload_len: usize,
    ) -> Result<usize, SealError> {
        if payload_len > MAX_PAYLOAD {
            return Err(SealError::BadLayout);
        }
        let start = self.record_headroom();
        let room = buffer
            .get_mut(start..start + CSTP_HEADER)
            .ok_or(SealError::BadLayout)?;
        room.copy_from_slice(&header(packet_type, payload_len));
        self.seal_record(
            buffer,
            ContentType::ApplicationData,
            CSTP_HEADER + payload_len,
        )
    }

    /// Appends one record with one packet. Copies the payload; for packets that do not lie in a prepared buffer.
    pub fn append_packet(
        &mut self,
        out: &mut Vec<u8>,
        packet_type: PacketType,
        payload: &[u8],
    ) -> Result<(), SealError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(SealError::BadLayout);
        }
        self.append(
            out,
            ContentType::ApplicationData,
            &header(packet_type, payload.len()),
            payload,
        )
    }

    /// Appends an alert: `close_notify` (0) as a warning, any other as fatal (RFC 8446 §6).
    pub fn append_alert(&mut self, out: &mut Vec<u8>, description: u8) -> Result<(), SealError> {
        let level = if description == crate::Alert::CLOSE_NOTIFY {
            1
        } else {
            2
        };
        self.append(out, ContentType::Alert, &[level, description], &[])
    }

    /// Appends a KeyUpdate under the current key and goes on with the next (RFC 8446 §4.6.3).
    ///
    /// `request` asks the client to update its key too: `false` in answer to a request of its own.
    pub fn append_key_update(&mut self, out: &mut Vec<u8>, request: bool) -> Result<(), SealError> {
        let next = self
            .secret
            .as_ref()
            .ok_or(SealError::NoTrafficSecret)?
            .next();
        let direction = next.direction().map_err(|_| SealError::NoTrafficSecret)?;
        if self.direction.version != Version::Tls13 || self.direction.cipher != direction.cipher {
            return Err(SealError::NoTrafficSecret);
        }
        self.append(out, ContentType::Handshake, &message(request), &[])?;
        self.direction = direction;
        self.secret = Some(next);
        Ok(())
    }

    /// How much of the current key is used up.
    pub fn key_use(&self) -> KeyUse {
        self.direction.key_use()
    }

    /// The number of the next record, which is how many this key has sealed.
    pub fn sequence(&self) -> u64 {
        self.direction.sequence
    }

    fn record_headroom(&self) -> usize {
        RECORD_HEADER + self.direction.explicit_nonce_len()
    }

    fn inner_type_len(&self) -> usize {
        usize::from(self.direction.version == Version::Tls13)
    }

    fn append(
        &mut self,
        out: &mut Vec<u8>,
        content_type: ContentType,
        head: &[u8],
        tail: &[u8],
    ) -> Result<(), SealError> {
        let at = out.len();
        out.resize(at + self.record_headroom(), 0);
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
        out.resize(out.len() + self.packet_tailroom(), 0);
        let sealed = self.seal_record(&mut out[at..], content_type, head.len() + tail.len());
        if sealed.is_err() {
            out.truncate(at);
        }
        sealed.map(|_| ())
    }

    #[inline]
    fn seal_record(
        &mut self,
        buffer: &mut [u8],
        content_type: ContentType,
        content_len: usize,
    ) -> Result<usize, SealError> {
        let start = self.record_headroom();
        let end = start + content_len + self.inner_type_len();
        let total = end + TAG;
        if content_len > MAX_PLAINTEXT || buffer.len() < total {
            return Err(SealError::BadLayout);
        }
        if self.direction.key_use() == KeyUse::Exhausted {
            return Err(SealError::KeyExhausted);
        }
        let nonce = self.direction.nonce();
        let outer_type = match self.direction.version {
            Version::Tls12 => content_type,
            Version::Tls13 => {
                buffer[end - 1] = content_type as u8;
                ContentType::ApplicationData
            }
        };
        let [high, low] = ((total - RECORD_HEADER) as u16).to_be_bytes();
        let record_header = [outer_type as u8, TLS_1_2[0], TLS_1_2[1], high, low];
        let key = &self.direction.key;
        let once = Nonce::assume_unique_for_key(nonce);
        let sealed = match self.direction.version {
            Version::Tls13 => key.seal_in_place_separate_tag(
                once,
                Aad::from(record_header),
                &mut buffer[start..end],
            ),
            Version::Tls12 => {
                let data = self
                    .direction
                    .additional_data_12(outer_type as u8, content_len);
                key.seal_in_place_separate_tag(once, Aad::from(data), &mut buffer[start..end])
            }
        };
        let Ok(tag) = sealed else {
            return Err(SealError::BadLayout);
        };
        buffer[end..total].copy_from_slice(tag.as_ref());
        buffer[..RECORD_HEADER].copy_from_slice(&record_header);
        if start > RECORD_HEADER {
            buffer[RECORD_HEADER..start].copy_from_slice(&nonce[4..]);
        }
        self.direction.sequence += 1;
        Ok(total)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Sealer({:?}, {:?}, {})",
            self.direction.version, self.direction.cipher, self.direction.sequence
        )
    }
}
