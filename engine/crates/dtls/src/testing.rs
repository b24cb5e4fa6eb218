//! A client, just able enough to drive the server through both handshakes in tests and load generators.
//!
//! It behaves like the recorded ones where that matters: it keeps the session id after a HelloVerifyRequest, numbers
//! repeated flights afresh, refuses an echoed session id in pre-shared key mode, and repeats its Finished when it sees
//! the server's again.

use crate::association::Association;
use crate::flight::FINISHED_LEN;
use crate::key_schedule::{self, Keys, Secret48, Transcript, expand_keys, finished};
use crate::wire::{
    CLIENT_HELLO, CLIENT_KEY_EXCHANGE, ContentType, DTLS_1_0, DTLS_1_2, FINISHED, HEADER,
    HELLO_VERIFY_REQUEST, Message, Reader, RecordHeader, SERVER_HELLO, SERVER_HELLO_DONE, TAG,
    handshake_header, records_mut,
};
use crate::{Cipher, Content, DEFAULT_PSK_PREFERENCE, MasterSecret, Psk};

/// What the client believes to share with the server.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Pre-shared key mode.
    Psk(Psk),
    /// Resumption mode.
    Resumption(MasterSecret, Cipher),
}

/// How the client behaves.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Its random.
    pub random: [u8; 32],
    /// The App-ID, or the session to resume.
    pub session_id: Vec<u8>,
    /// The App-ID as clients before 9 sent it.
    pub old_app_id: Option<Vec<u8>>,
    /// Suites in the ClientHello.
    pub suites: Vec<u16>,
    /// Whether to offer RFC 7627.
    pub extended_master_secret: bool,
    /// One datagram for each record instead of one for each flight.
    pub split_flights: bool,
    /// The key.
    pub credentials: Credentials,
}

impl ClientConfig {
    /// A client in pre-shared key mode with all three suites.
    pub fn psk(app_id: &[u8], psk: Psk) -> Self {
        let suites = DEFAULT_PSK_PREFERENCE.map(Cipher::psk_suite).to_vec();
        Self::new(app_id, suites, Credentials::Psk(psk))
    }

    /// A client that resumes a session with one suite.
    pub fn resumption(session_id: &[u8], master: MasterSecret, cipher: Cipher, suite: u16) -> Self {
        Self::new(
            session_id,
            vec![suite, 0x00ff],
            Credentials::Resumption(master, cipher),
        )
    }

    fn new(session_id: &[u8], suites: Vec<u16>, credentials: Credentials) -> Self {
        Self {
            random: [0x11; 32],
            session_id: session_id.to_vec(),
            old_app_id: None,
            suites,
            extended_master_secret: false,
            split_flights: false,
            credentials,
        }
    }
}

/// A DTLS client. Datagrams go in and out; there is no timer but [`Client::retransmit`].
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    cookie: Vec<u8>,
    message_sequence: u16,
    epoch0_sequence: u64,
    /// Messages from the server that count towards the transcript, by type.
    server_hello: Option<Vec<u8>>,
    server_hello_done: Option<Vec<u8>>,
    last_flight: Flight,
    keys: Option<(Association, [u8; FINISHED_LEN], [u8; FINISHED_LEN])>,
    established: bool,
    failed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Flight {
    Hello,
    KeyExchange,
    Finished,
}

/// A pair of associations with the same keys, server first, without a handshake.
pub fn association_pair(cipher: Cipher) -> Option<(Association, Association)> {
    let keys = expand_keys(cipher, &[5; 48], &[6; 32], &[7; 32])?;
    Some((
        Association::new(cipher, &keys, &[6; 32]),
        Association::new(cipher, &swap(keys), &[6; 32]),
    ))
}

fn swap(keys: Keys) -> Keys {
    Keys {
        client: keys.server,
        server: keys.client,
    }
}

impl Client {
    /// Starts silent.
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            cookie: Vec::new(),
            message_sequence: 0,
            epoch0_sequence: 0,
            server_hello: None,
            server_hello_done: None,
            last_flight: Flight::Hello,
            keys: None,
            established: false,
            failed: false,
        }
    }

    /// The last flight, new or again: what its timer would send.
    pub fn retransmit(&mut self) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        match self.last_flight {
            Flight::Hello => {
                let hello = self.hello_message();
                records.push(self.plain_record(ContentType::Handshake, DTLS_1_0, &hello));
            }
            Flight::KeyExchange => {
                let key_exchange = self.key_exchange_message();
                records.push(self.plain_record(ContentType::Handshake, DTLS_1_2, &key_exchange));
                records.push(self.plain_record(ContentType::ChangeCipherSpec, DTLS_1_2, &[1]));
                records.extend(self.finished_record());
            }
            Flight::Finished => {
                records.push(self.plain_record(ContentType::ChangeCipherSpec, DTLS_1_2, &[1]));
                records.extend(self.finished_record());
            }
        }
        if self.config.split_flights {
            records
        } else {
            vec![records.concat()]
        }
    }

    /// Takes a datagram; gives the datagrams to answer with.
    pub fn handle_datagram(&mut self, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for record in records_mut(&mut datagram.to_vec()) {
            let Some(header) = RecordHeader::parse(record) else {
                continue;
            };
            if header.content_type != ContentType::Handshake {
                continue;
            }
            let mut payload = &record[HEADER..];
            if header.epoch == 1 {
                answers.extend(self.handle_finished(record));
            } else {
                while let Some(message) = Message::take(&mut payload) {
                    answers.extend(self.handle_message(&message));
                }
            }
        }
        answers
    }

    /// Whether the server's Finished was right.
    pub fn is_established(&self) -> bool {
        self.established
    }

    /// Whether the server did something that real clients give up at.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// The record layer, once the server's Finished was right.
    pub fn association(&mut self) -> Option<&mut Association> {
        let established = self.established;
        self.keys
            .as_mut()
            .filter(|_| established)
            .map(|(association, ..)| association)
    }

    /// One application data record.
    pub fn seal(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        let (association, ..) = self.keys.as_mut()?;
        seal(association, ContentType::ApplicationData, payload)
    }

    fn handle_message(&mut self, message: &Message<'_>) -> Vec<Vec<u8>> {
        match message.kind {
            HELLO_VERIFY_REQUEST if self.server_hello.is_none() && self.cookie.is_empty() => {
                let mut body = Reader::new(message.body);
                let _version = body.u16();
                self.cookie = body.vector8().unwrap_or_default().to_vec();
                self.message_sequence += 1;
                self.retransmit()
            }
            SERVER_HELLO if self.server_hello.is_none() => {
                self.server_hello = Some(message.bytes.to_vec());
                self.maybe_derive_keys()
            }
            SERVER_HELLO_DONE if self.server_hello_done.is_none() => {
                self.server_hello_done = Some(message.bytes.to_vec());
                self.maybe_derive_keys()
            }
            _ => Vec::new(),
        }
    }

    fn maybe_derive_keys(&mut self) -> Vec<Vec<u8>> {
        let Some(server_hello) = self.server_hello.clone() else {
            return Vec::new();
        };
        let Some((server_random, session_id, suite, extended)) = parse_server_hello(&server_hello)
        else {
            self.failed = true;
            return Vec::new();
        };
        let mut first = self.message_sequence + 1;
        let hello = self.hello_message();
        let (cipher, master, transcript) = match self.config.credentials.clone() {
            Credentials::Psk(psk) => {
                let Some(done) = &self.server_hello_done else {
                    return Vec::new();
                };
                // OpenSSL takes an echo for a resumption and gives up.
                self.failed |= !session_id.is_empty() && session_id == self.config.session_id;
                let Some(cipher) = DEFAULT_PSK_PREFERENCE
                    .into_iter()
                    .find(|cipher| cipher.psk_suite() == suite)
                else {
                    self.failed = true;
                    return Vec::new();
                };
                let mut transcript = Transcript::new(cipher);
                for message in [&hello, &server_hello, done, &self.key_exchange_message()] {
                    transcript.add(message);
                }
                first += 1;
                let hash = extended.then(|| transcript.hash());
                let hash = hash.as_ref().map(AsRef::as_ref);
                let master = key_schedule::master_secret(
                    cipher,
                    psk.bytes(),
                    &self.config.random,
                    &server_random,
                    hash,
                );
                (cipher, master, transcript)
            }
            Credentials::Resumption(master, cipher) => {
                self.failed |= session_id != self.config.session_id || extended;
                let mut transcript = Transcript::new(cipher);
                transcript.add(&hello);
                transcript.add(&server_hello);
                (cipher, Secret48::new(master.bytes()), transcript)
            }
        };
        self.keys = finished_pair(
            &self.config,
            cipher,
            &master,
            transcript,
            first,
            &server_random,
        );
        if matches!(self.config.credentials, Credentials::Psk(_)) && !self.failed {
            self.last_flight = Flight::KeyExchange;
            return self.retransmit();
        }
        Vec::new()
    }

    fn handle_finished(&mut self, record: &mut [u8]) -> Vec<Vec<u8>> {
        let Some((association, _, expected)) = &mut self.keys else {
            return Vec::new();
        };
        let Ok(opened) = association.opener.open_in_place(record) else {
            return Vec::new();
        };
        if opened.content != Content::FinishedAgain
            || record[opened.payload] != expected[..]
            || self.failed
        {
            return Vec::new();
        }
        self.established = true;
        if matches!(self.config.credentials, Credentials::Resumption(..)) {
            self.last_flight = Flight::Finished;
            return self.retransmit();
        }
        Vec::new()
    }

    fn finished_record(&mut self) -> Option<Vec<u8>> {
        let (association, finished, _) = self.keys.as_mut()?;
        seal(association, ContentType::Handshake, finished)
    }

    fn plain_record(
        &mut self,
        content_type: ContentType,
        version: [u8; 2],
        payload: &[u8],
    ) -> Vec<u8> {
        let header = RecordHeader {
            content_type,
            version,
            epoch: 0,
            sequence: self.epoch0_sequence,
            length: payload.len(),
        };
        self.epoch0_sequence += 1;
        [&header.to_wire(), payload].concat()
    }

    fn key_exchange_message(&self) -> Vec<u8> {
        let header = handshake_header(CLIENT_KEY_EXCHANGE, self.message_sequence + 1, 5);
        [&header[..], b"\0\x03psk"].concat()
    }

    fn hello_message(&self) -> Vec<u8> {
        let config = &self.config;
        let mut body = [&DTLS_1_2[..], &config.random].concat();
        for field in [&config.session_id, &self.cookie] {
            body.push(field.len() as u8);
            body.extend(field);
        }
        body.extend((2 * config.suites.len() as u16).to_be_bytes());
        body.extend(config.suites.iter().flat_map(|suite| suite.to_be_bytes()));
        body.extend([1, 0]);
        let mut extensions = vec![0xff, 0x01, 0, 1, 0];
        if config.extended_master_secret {
            extensions.extend([0, 0x17, 0, 0]);
        }
        if let Some(id) = &config.old_app_id {
            extensions.extend(48018u16.to_be_bytes());
            extensions.extend((id.len() as u16 + 1).to_be_bytes());
            extensions.push(id.len() as u8);
            extensions.extend(id);
        }
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        [
            &handshake_header(CLIENT_HELLO, self.message_sequence, body.len())[..],
            &body,
        ]
        .concat()
    }
}

fn parse_server_hello(message: &[u8]) -> Option<([u8; 32], Vec<u8>, u16, bool)> {
    let mut body = Reader::new(message.get(12..)?);
    let _version = body.u16()?;
    let random = body.array()?;
    let session_id = body.vector8()?.to_vec();
    let suite = body.u16()?;
    let _compression = body.u8()?;
    let mut extensions = Reader::new(if body.is_empty() {
        &[]
    } else {
        body.vector16()?
    });
    let mut extended = false;
    while let (Some(kind), Some(_)) = (extensions.u16(), extensions.vector16()) {
        extended |= kind == 0x17;
    }
    Some((random, session_id, suite, extended))
}

/// The client's association, its own Finished and the one it expects. In a resumption the server's comes first.
fn finished_pair(
    config: &ClientConfig,
    cipher: Cipher,
    master: &[u8; 48],
    mut transcript: Transcript,
    sequence: u16,
    server_random: &[u8; 32],
) -> Option<(Association, [u8; FINISHED_LEN], [u8; FINISHED_LEN])> {
    let keys = swap(expand_keys(cipher, master, &config.random, server_random)?);
    let association = Association::new(cipher, &keys, &config.random);
    let (own, other): (&[u8], &[u8]) = (b"client finished", b"server finished");
    let own_first = matches!(config.credentials, Credentials::Psk(_));
    let labels = if own_first {
        [own, other]
    } else {
        [other, own]
    };
    let first = finished(cipher, master, labels[0], &transcript, sequence);
    debug_assert_eq!(first[0], FINISHED);
    transcript.add(&first);
    let second = finished(cipher, master, labels[1], &transcript, sequence);
    Some(if own_first {
        (association, first, second)
    } else {
        (association, second, first)
    })
}

fn seal(
    association: &mut Association,
    content_type: ContentType,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let start = association.sealer.header_len();
    let mut buffer = vec![0; start + payload.len() + TAG];
    buffer[start..start + payload.len()].copy_from_slice(payload);
    association
        .sealer
        .seal_in_place(content_type, &mut buffer, payload.len())
        .ok()?;
    Some(buffer)
}
