//! Pre-shared key mode (RFC 4279 §2): collecting the client's flight and finding the key that made it.

use crate::association::Association;
use crate::flight::{FINISHED_LEN, MAX_FINISHED_RECORD};
use crate::hello::Hello;
use crate::key_schedule::{
    PSK_LEN, Transcript, equal_in_constant_time, expand_keys, finished, master_secret,
};
use crate::wire::{CLIENT_KEY_EXCHANGE, ContentType, HEADER, Message, RecordHeader, TAG};

/// Pre-shared keys that are tried against one Finished: those of the first, the previous and the current TLS connection
/// of a session, and one to spare.
pub const MAX_PSK_CANDIDATES: usize = 4;

/// Finished records that one handshake tries. Each costs a key derivation for every candidate: 4 µs measured, 10 µs with
/// SHA-384. So a handshake costs about 32 · 4 · 10 µs = 1.3 ms at most, whatever is thrown at it.
pub const MAX_FINISHED_ATTEMPTS: u8 = 32;

/// A pre-shared key identity may have 128 bytes (RFC 4279 §5.3); with its length and the header that is the message.
const MAX_KEY_EXCHANGE: usize = 12 + 2 + 128;

/// A pre-shared key: 32 bytes exported from the session's TLS connection. Wiped when dropped.
#[derive(Clone)]
pub struct Psk(zeroize::Zeroizing<[u8; PSK_LEN]>);

impl Psk {
    /// Takes the exported bytes.
    pub fn new(bytes: [u8; PSK_LEN]) -> Self {
        Self(zeroize::Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; PSK_LEN] {
        &self.0
    }
}

impl std::fmt::Debug for Psk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Psk(..)")
    }
}

pub(crate) struct PskMode {
    /// Up to and including ServerHelloDone.
    transcript: Transcript,
    /// The newest ClientKeyExchange and Finished; they may come in any order. A forged one is replaced when the client
    /// repeats its flight.
    key_exchange: Kept<MAX_KEY_EXCHANGE>,
    finished: Kept<MAX_FINISHED_RECORD>,
    attempts_left: u8,
}

impl PskMode {
    /// Starts with the transcript of the client's hello and the server's flight.
    pub(crate) fn new(transcript: Transcript) -> Self {
        Self {
            transcript,
            key_exchange: Kept::empty(),
            finished: Kept::empty(),
            attempts_left: MAX_FINISHED_ATTEMPTS,
        }
    }

    /// Tries the client's Finished with each candidate, once both of its messages are there.
    pub(crate) fn try_finish(&mut self, hello: &Hello, candidates: &[Psk]) -> Option<Match> {
        if self.key_exchange.is_empty() || self.finished.is_empty() || self.attempts_left == 0 {
            return None;
        }
        self.attempts_left -= 1;
        let mut transcript = self.transcript.clone();
        transcript.add(self.key_exchange.as_slice());
        let record = std::mem::replace(&mut self.finished, Kept::empty());
        let mut tried = candidates.iter().take(MAX_PSK_CANDIDATES).enumerate();
        tried.find_map(|(candidate, psk)| {
            let (association, server_finished) = verify_finished(hello, psk, &transcript, &record)?;
            Some(Match {
                candidate,
                association,
                server_finished,
            })
        })
    }

    /// Keeps what is still needed of a record. ChangeCipherSpec and alerts of epoch 0 say nothing that can be believed.
    pub(crate) fn keep(&mut self, record: &[u8], hello: &Hello) {
        let Some(header) = RecordHeader::parse(record)
            .filter(|header| header.content_type == ContentType::Handshake)
        else {
            return;
        };
        if header.epoch == 1
            && header.length == hello.cipher.explicit_nonce_len() + FINISHED_LEN + TAG
        {
            self.finished = Kept::new(record);
        }
        let mut payload = &record[HEADER..];
        while header.epoch == 0 && !payload.is_empty() {
            let Some(message) = Message::take(&mut payload) else {
                return;
            };
            // The identity is of no use: the session is known from the App-ID.
            let length = message
                .body
                .first_chunk()
                .map(|prefix| usize::from(u16::from_be_bytes(*prefix)));
            let well_formed = length.is_some_and(|length| 2 + length == message.body.len());
            if message.kind == CLIENT_KEY_EXCHANGE
                && message.sequence == hello.message_sequence + 1
                && well_formed
            {
                self.key_exchange = Kept::new(message.bytes);
            }
        }
    }
}

/// The key that the client used, and what follows from it.
pub(crate) struct Match {
    pub(crate) candidate: usize,
    pub(crate) association: Box<Association>,
    pub(crate) server_finished: [u8; FINISHED_LEN],
}

/// Whether the client's Finished was made with `psk`; the record's tag tells. Gives the server's Finished too.
fn verify_finished(
    hello: &Hello,
    psk: &Psk,
    transcript: &Transcript,
    record: &Kept<MAX_FINISHED_RECORD>,
) -> Option<(Box<Association>, [u8; FINISHED_LEN])> {
    let (cipher, randoms) = (hello.cipher, (&hello.client_random, &hello.server_random));
    let session_hash = hello.extended_master_secret.then(|| transcript.hash());
    let session_hash = session_hash.as_ref().map(AsRef::as_ref);
    let master = master_secret(cipher, psk.bytes(), randoms.0, randoms.1, session_hash);
    let keys = expand_keys(cipher, &master, randoms.0, randoms.1)?;
    let mut association = Box::new(Association::new(cipher, &keys, randoms.0));
    let mut record = *record;
    let plain = association.opener.open_plain(record.as_mut_slice()).ok()?;
    let sequence = hello.message_sequence + 2;
    let expected = finished(cipher, &master, b"client finished", transcript, sequence);
    if !equal_in_constant_time(&record.as_slice()[plain.payload], &expected) {
        return None;
    }
    let mut transcript = transcript.clone();
    transcript.add(&expected);
    let server_finished = finished(cipher, &master, b"server finished", &transcript, sequence);
    Some((association, server_finished))
}

/// A few bytes kept in place; more than fit are not kept.
#[derive(Clone, Copy)]
struct Kept<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Kept<N> {
    fn empty() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    fn new(bytes: &[u8]) -> Self {
        let mut kept = Self::empty();
        if let Some(room) = kept.bytes.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            kept.len = bytes.len();
        }
        kept
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}
