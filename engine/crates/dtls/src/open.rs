//! Opening half of the record layer (RFC 6347 §4.1.2).

use std::ops::Range;

use ring::aead::{Aad, LessSafeKey, Nonce};

use crate::association::{FORGERY_LIMIT, KeyState};
use crate::client_hello::ClientHelloView;
use crate::flight::FINISHED_LEN;
use crate::key_schedule::DirectionKeys;
use crate::replay::ReplayWindow;
use crate::seal::{additional_data, nonce};
use crate::suite::Cipher;
use crate::wire::{ContentType, DTLS_1_2, FINISHED, HEADER, MAX_PLAINTEXT, RecordHeader, TAG};

/// An authenticated record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it carries.
    pub content: Content,
    /// Where the plaintext lies in the buffer that was opened.
    pub payload: Range<usize>,
    /// Its sequence number.
    pub sequence: u64,
    /// Whether it is newer than all before it. Only such a record may move a client's address.
    pub advanced_window: bool,
}

/// What an authenticated record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A tunnel packet: a type byte and its payload.
    ApplicationData,
    /// An alert. Anything but a warning, and `close_notify`, ends the association.
    Alert(Alert),
    /// The client did not see the server's Finished: answer with [`Sealer::resend_last_flight`](crate::Sealer::resend_last_flight).
    FinishedAgain,
}

/// An alert (RFC 5246 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Level 2. Other levels count as warnings.
    pub fatal: bool,
    /// The description, such as 0 for `close_notify`.
    pub description: u8,
}

impl Alert {
    /// Whether the association is over.
    pub fn ends_association(self) -> bool {
        self.fatal || self.description == 0
    }
}

/// Why a record was dropped. Nothing was changed unless the variant says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// Not one whole DTLS 1.2 record of a possible length.
    Malformed,
    /// A record of epoch 0, or of an epoch that does not exist here.
    WrongEpoch,
    /// Seen before, or older than the window.
    Replayed,
    /// Not newer than all before it, as a record from a new address must be.
    NotNewest,
    /// Authentication failed. [`Opener::open_in_place`] has overwritten the record and counted it.
    Forged,
    /// Authentic, but nothing that a client sends here, such as a renegotiation. Its number is used up.
    Unexpected,
    /// The scratch buffer is shorter than the record.
    ScratchTooSmall,
    /// Too many forgeries; only a new handshake helps.
    KeyExhausted,
}

/// Opens records from the client. Owns the replay window.
pub struct Opener {
    key: LessSafeKey,
    fixed_iv: [u8; 12],
    cipher: Cipher,
    window: ReplayWindow,
    opened: u64,
    forged: u64,
    client_random: [u8; 32],
}

/// An authenticated record before its content is judged.
pub(crate) struct Plain {
    pub(crate) content_type: ContentType,
    pub(crate) payload: Range<usize>,
    sequence: u64,
    advanced_window: bool,
}

impl Opener {
    /// Opens exactly one record (see [`records_mut`](crate::records_mut)) in place.
    #[inline]
    pub fn open_in_place(&mut self, record: &mut [u8]) -> Result<Opened, Discard> {
        let plain = self.open_plain(record)?;
        classify(plain, record)
    }

    /// Opens a record that came from an address which is not this association's, as after a NAT rebinding.
    ///
    /// Works on a copy in `scratch`, so that the caller can try `record` with another association next; the payload
    /// range refers to `scratch`. Succeeds only with a record newer than all before it, so that a recorded one cannot
    /// move the address. A failure changes nothing, not even the forgery counter: the caller budgets its trials.
    pub fn open_from_new_address(
        &mut self,
        record: &[u8],
        scratch: &mut [u8],
    ) -> Result<Opened, Discard> {
        let header = self.check(record)?;
        if !self.window.is_above(header.sequence) {
            return Err(Discard::NotNewest);
        }
        let copy = scratch
            .get_mut(..record.len())
            .ok_or(Discard::ScratchTooSmall)?;
        copy.copy_from_slice(record);
        let payload = self.decrypt(header, copy)?;
        let plain = self.commit(header, payload);
        classify(plain, copy)
    }

    /// Whether `hello` is the ClientHello, late or repeated, that this association began with.
    pub fn began_with(&self, hello: &ClientHelloView<'_>) -> bool {
        *hello.random() == self.client_random
    }

    /// Records opened so far.
    pub fn opened_records(&self) -> u64 {
        self.opened
    }

    /// Records that failed authentication.
    pub fn forged_records(&self) -> u64 {
        self.forged
    }

    /// Whether this direction's key is near its limit, by the number of records that the client has sealed.
    pub fn key_state(&self) -> KeyState {
        if self.forged >= FORGERY_LIMIT {
            return KeyState::Exhausted;
        }
        KeyState::after(self.window.count(), KeyState::record_limit(self.cipher))
    }

    pub(crate) fn new(cipher: Cipher, keys: &DirectionKeys, client_random: &[u8; 32]) -> Self {
        Self {
            key: keys.key.clone(),
            fixed_iv: keys.fixed_iv,
            cipher,
            window: ReplayWindow::new(),
            opened: 0,
            forged: 0,
            client_random: *client_random,
        }
    }

    pub(crate) fn open_plain(&mut self, record: &mut [u8]) -> Result<Plain, Discard> {
        let header = self.check(record)?;
        if self.forged >= FORGERY_LIMIT {
            return Err(Discard::KeyExhausted);
        }
        match self.decrypt(header, record) {
            Ok(payload) => Ok(self.commit(header, payload)),
            Err(discard) => {
                self.forged += 1;
                Err(discard)
            }
        }
    }

    /// Everything that can be said without the key.
    #[inline]
    fn check(&self, record: &[u8]) -> Result<RecordHeader, Discard> {
        let header = RecordHeader::parse(record).ok_or(Discard::Malformed)?;
        if header.epoch != 1 {
            return Err(Discard::WrongEpoch);
        }
        let overhead = self.cipher.explicit_nonce_len() + TAG;
        let possible = (overhead..=overhead + MAX_PLAINTEXT).contains(&header.length);
        if header.version != DTLS_1_2 || HEADER + header.length != record.len() || !possible {
            return Err(Discard::Malformed);
        }
        if !self.window.is_fresh(header.sequence) {
            return Err(Discard::Replayed);
        }
        Ok(header)
    }

    #[inline]
    fn decrypt(&self, header: RecordHeader, record: &mut [u8]) -> Result<Range<usize>, Discard> {
        let explicit_len = self.cipher.explicit_nonce_len();
        let start = HEADER + explicit_len;
        let plaintext_len = header.length - explicit_len - TAG;
        let explicit = match record[HEADER..].first_chunk() {
            Some(bytes) if explicit_len > 0 => u64::from_be_bytes(*bytes),
            _ => (1 << 48) | header.sequence,
        };
        let nonce = Nonce::assume_unique_for_key(nonce(self.cipher, &self.fixed_iv, explicit));
        let aad = Aad::from(additional_data(
            header.content_type,
            header.sequence,
            plaintext_len,
        ));
        match self.key.open_in_place(nonce, aad, &mut record[start..]) {
            Ok(_) => Ok(start..start + plaintext_len),
            Err(_) => Err(Discard::Forged),
        }
    }

    #[inline]
    fn commit(&mut self, header: RecordHeader, payload: Range<usize>) -> Plain {
        self.opened += 1;
        let advanced_window = self.window.commit(header.sequence);
        Plain {
            content_type: header.content_type,
            payload,
            sequence: header.sequence,
            advanced_window,
        }
    }
}

#[inline]
fn classify(plain: Plain, record: &[u8]) -> Result<Opened, Discard> {
    let payload = &record[plain.payload.clone()];
    let content = match (plain.content_type, payload) {
        (ContentType::ApplicationData, _) => Content::ApplicationData,
        (ContentType::Alert, [level, description]) => Content::Alert(Alert {
            fatal: *level == 2,
            description: *description,
        }),
        (ContentType::Handshake, [FINISHED, ..]) if payload.len() == FINISHED_LEN => {
            Content::FinishedAgain
        }
        (ContentType::Alert | ContentType::Handshake | ContentType::ChangeCipherSpec, _) => {
            return Err(Discard::Unexpected);
        }
    };
    Ok(Opened {
        content,
        payload: plain.payload,
        sequence: plain.sequence,
        advanced_window: plain.advanced_window,
    })
}

impl Drop for Opener {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.fixed_iv);
    }
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Opener({:?}, {} records, {} forged)",
            self.cipher, self.opened, self.forged
        )
    }
}
