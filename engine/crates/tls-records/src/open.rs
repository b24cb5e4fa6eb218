//! Opening half (RFC 8446 §5.2, §5.4, RFC 5246 §6.2.3.3) and what may still come besides data.

use std::ops::Range;

use ring::aead::{Aad, Nonce};

use crate::alert::{Alert, Fatal};
use crate::cipher::{
    Cipher, ContentType, Direction, KeyError, KeyUse, MAX_PLAINTEXT, RECORD_HEADER, TAG, TLS_1_2,
    Version,
};
use crate::key_update::{MAX_KEY_UPDATES_WITHOUT_DATA, TrafficSecret, parse};

/// An authenticated record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it carries. All but application data belongs to [`Opener::handle_control`].
    pub content_type: ContentType,
    /// Where its plaintext lies in the record.
    pub payload: Range<usize>,
}

/// What a record that is not application data asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Nothing.
    Nothing,
    /// The client has closed its direction (`close_notify`): close the connection, and keep the session.
    PeerClosed,
    /// The client goes on under its next key, and so does this opener. With `answer`, send
    /// [`Sealer::append_key_update`](crate::Sealer::append_key_update) before any more data.
    KeyUpdated {
        /// Whether the client asks for an update of our key.
        answer: bool,
    },
}

/// Opens records from the client. Owns the incoming key and sequence number.
pub struct Opener {
    direction: Direction,
    secret: Option<TrafficSecret>,
    updates_without_data: u8,
}

impl Opener {
    /// Takes the incoming keys of a handed-over connection, and the sequence number that comes next.
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
            updates_without_data: 0,
        })
    }

    /// Adds the secret (`CLIENT_TRAFFIC_SECRET_0`) that TLS 1.3 key updates start from.
    pub fn with_traffic_secret(mut self, secret: TrafficSecret) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Opens exactly one record (see [`next_record`](crate::next_record)) in place.
    #[inline]
    pub fn open_in_place(&mut self, record: &mut [u8]) -> Result<Opened, Fatal> {
        let opened = match self.direction.version {
            Version::Tls13 => self.open_13(record)?,
            Version::Tls12 => self.open_12(record)?,
        };
        self.direction.sequence = self
            .direction
            .sequence
            .checked_add(1)
            .ok_or(Fatal::UnexpectedRecord)?;
        if opened.content_type == ContentType::ApplicationData {
            self.updates_without_data = 0;
        }
        Ok(opened)
    }

    /// Handles the plaintext of a record that is not application data.
    pub fn handle_control(
        &mut self,
        content_type: ContentType,
        payload: &[u8],
    ) -> Result<Control, Fatal> {
        match (content_type, self.direction.version) {
            (ContentType::Alert, _) => alert(payload),
            (ContentType::Handshake, Version::Tls13) => self.follow_key_update(payload),
            // A renegotiation, which nothing here could answer.
            (ContentType::Handshake, Version::Tls12) => Err(Fatal::UnexpectedMessage),
            (ContentType::ApplicationData, _) => Ok(Control::Nothing),
        }
    }

    /// How much of the client's key is used up. When due, request an update together with our own.
    pub fn key_use(&self) -> KeyUse {
        self.direction.key_use()
    }

    /// The number of the next record.
    pub fn sequence(&self) -> u64 {
        self.direction.sequence
    }

    fn open_13(&self, record: &mut [u8]) -> Result<Opened, Fatal> {
        let header = header_of(record)?;
        // Everything is disguised as application data (RFC 8446 §5.2); the version bytes are to be ignored.
        if header[0] != ContentType::ApplicationData as u8 {
            return Err(Fatal::UnexpectedRecord);
        }
        let nonce = Nonce::assume_unique_for_key(self.direction.nonce());
        let body = &mut record[RECORD_HEADER..];
        if body.len() > MAX_PLAINTEXT + 256 {
            return Err(Fatal::Overflow);
        }
        let plain = self
            .direction
            .key
            .open_in_place(nonce, Aad::from(header), body)
            .map_err(|_| Fatal::Unauthentic)?;
        // Padding: zeros behind the content type (RFC 8446 §5.4).
        let content_len = plain
            .iter()
            .rposition(|byte| *byte != 0)
            .ok_or(Fatal::UnexpectedMessage)?;
        let content_type =
            ContentType::from_wire(plain[content_len]).ok_or(Fatal::UnexpectedRecord)?;
        finish(content_type, RECORD_HEADER, content_len)
    }

    fn open_12(&self, record: &mut [u8]) -> Result<Opened, Fatal> {
        let header = header_of(record)?;
        let content_type = ContentType::from_wire(header[0]).ok_or(Fatal::UnexpectedRecord)?;
        let explicit_len = self.direction.explicit_nonce_len();
        let start = RECORD_HEADER + explicit_len;
        let content_len = record
            .len()
            .checked_sub(start + TAG)
            .ok_or(Fatal::Malformed)?;
        if header[1..3] != TLS_1_2 {
            return Err(Fatal::Malformed);
        }
        if content_len > MAX_PLAINTEXT {
            return Err(Fatal::Overflow);
        }
        let nonce = match record[RECORD_HEADER..].first_chunk() {
            Some(explicit) if explicit_len > 0 => self.direction.nonce_with(explicit),
            _ => self.direction.nonce(),
        };
        let aad = Aad::from(self.direction.additional_data_12(header[0], content_len));
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.direction
            .key
            .open_in_place(nonce, aad, &mut record[start..])
            .map_err(|_| Fatal::Unauthentic)?;
        finish(content_type, start, content_len)
    }

    fn follow_key_update(&mut self, payload: &[u8]) -> Result<Control, Fatal> {
        let answer = parse(payload)?;
        if self.updates_without_data >= MAX_KEY_UPDATES_WITHOUT_DATA {
            return Err(Fatal::TooManyKeyUpdates);
        }
        self.updates_without_data += 1;
        let next = self.secret.as_ref().ok_or(Fatal::NoTrafficSecret)?.next();
        self.direction = next.direction().map_err(|_| Fatal::NoTrafficSecret)?;
        self.secret = Some(next);
        Ok(Control::KeyUpdated { answer })
    }
}

fn header_of(record: &[u8]) -> Result<[u8; RECORD_HEADER], Fatal> {
    let header: &[u8; RECORD_HEADER] = record.first_chunk().ok_or(Fatal::Malformed)?;
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    if RECORD_HEADER + length == record.len() {
        Ok(*header)
    } else {
        Err(Fatal::Malformed)
    }
}

fn finish(content_type: ContentType, start: usize, content_len: usize) -> Result<Opened, Fatal> {
    if content_len > MAX_PLAINTEXT {
        return Err(Fatal::Overflow);
    }
    // Only application data may be empty (RFC 8446 §5.1).
    if content_len == 0 && content_type != ContentType::ApplicationData {
        return Err(Fatal::UnexpectedMessage);
    }
    Ok(Opened {
        content_type,
        payload: start..start + content_len,
    })
}

fn alert(payload: &[u8]) -> Result<Control, Fatal> {
    let [level, description] = *payload else {
        return Err(Fatal::Malformed);
    };
    match description {
        Alert::CLOSE_NOTIFY => Ok(Control::PeerClosed),
        // A close_notify follows (RFC 8446 §6.1).
        Alert::USER_CANCELED => Ok(Control::Nothing),
        _ => Err(Fatal::Alert(Alert { level, description })),
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Opener({:?}, {:?}, {})",
            self.direction.version, self.direction.cipher, self.direction.sequence
        )
    }
}
