//! ClientHello (RFC 6347 §4.2.1, RFC 5246 §7.4.1.2), parsed without making state.

use crate::wire::{
    CLIENT_HELLO, ContentType, DTLS_1_2, HEADER, MAX_SEQUENCE, Message, Reader, RecordHeader,
};

/// Largest ClientHello datagram that is looked at. The recorded ones have at most 291 bytes.
pub const MAX_CLIENT_HELLO: usize = 2048;

const EXTENDED_MASTER_SECRET: u16 = 0x0017;
const RENEGOTIATION_INFO: u16 = 0xff01;
/// "Secure renegotiation", as a suite (RFC 5746 §3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// Where openconnect 7.08 to 8.x put the App-ID.
const OLD_APP_ID: u16 = 48018;
/// More extensions than any client sends; keeps the search for repetitions cheap.
const MAX_EXTENSIONS: usize = 64;
/// A session id, and an App-ID with it, has at most 32 bytes (RFC 5246 §7.4.1.2).
const MAX_SESSION_ID: usize = 32;

/// A well-formed ClientHello, borrowed from its datagram. Nothing in it is authenticated.
#[derive(Clone, Copy, Debug)]
pub struct ClientHelloView<'a> {
    pub(crate) record_sequence: u64,
    pub(crate) message_sequence: u16,
    /// Handshake header and body, as the transcript wants them.
    pub(crate) message: &'a [u8],
    pub(crate) random: &'a [u8; 32],
    pub(crate) extended_master_secret: bool,
    pub(crate) secure_renegotiation: bool,
    session_id: &'a [u8],
    cookie: &'a [u8],
    /// What follows the cookie; with version, random and session id it is all that a cookie must vouch for.
    parameters: &'a [u8],
    suites: &'a [u8],
    old_app_id: Option<&'a [u8]>,
}

/// Reads a datagram that is exactly one record with exactly one unfragmented DTLS 1.2 ClientHello.
///
/// Everything else is `None`, to be dropped silently: other messages, fragments (no known client makes any),
/// contradictory lengths, DTLS 0.9, a random of zeros (GnuTLS's CVE-2020-11501), repeated extensions.
pub fn peek_client_hello(datagram: &[u8]) -> Option<ClientHelloView<'_>> {
    let header = RecordHeader::parse(datagram)?;
    let whole = HEADER + header.length == datagram.len() && datagram.len() <= MAX_CLIENT_HELLO;
    // The upper half of the numbers stays free, so that the answers, which count on from here, cannot run out.
    let plain = header.epoch == 0 && header.sequence <= MAX_SEQUENCE / 2;
    if header.content_type != ContentType::Handshake || !whole || !plain {
        return None;
    }
    let mut payload = &datagram[HEADER..];
    let message = Message::take(&mut payload)?;
    if message.kind != CLIENT_HELLO || !payload.is_empty() || message.sequence > u16::MAX / 2 {
        return None;
    }
    parse_body(header.sequence, &message)
}

fn parse_body<'a>(record_sequence: u64, message: &Message<'a>) -> Option<ClientHelloView<'a>> {
    let mut body = Reader::new(message.body);
    if body.array()? != DTLS_1_2 {
        return None;
    }
    let random: &[u8; 32] = body.take(32)?.try_into().ok()?;
    let session_id = body.vector8()?;
    let cookie = body.vector8()?;
    let parameters = body.rest();
    let suites = body.vector16()?;
    let compressions = body.vector8()?;
    let wrong = random == &[0; 32]
        || session_id.len() > MAX_SESSION_ID
        || suites.is_empty()
        || suites.len() % 2 != 0
        || !compressions.contains(&0);
    if wrong {
        return None;
    }
    let mut view = ClientHelloView {
        record_sequence,
        message_sequence: message.sequence,
        message: message.bytes,
        random,
        extended_master_secret: false,
        secure_renegotiation: false,
        session_id,
        cookie,
        parameters,
        suites,
        old_app_id: None,
    };
    view.secure_renegotiation = view.offers(RENEGOTIATION_SCSV);
    // No extension block at all is allowed (RFC 5246 §7.4.1.2).
    if !body.is_empty() {
        let extensions = body.vector16()?;
        if !body.is_empty() {
            return None;
        }
        view.read_extensions(extensions)?;
    }
    Some(view)
}

impl<'a> ClientHelloView<'a> {
    /// The identifier that `CONNECT` gave to the client: the session id or, from old clients, extension 48018.
    /// In resumption mode it is `X-DTLS-Session-ID`. Visible to anyone on the path, so it only finds a session.
    pub fn app_id(&self) -> Option<&'a [u8]> {
        if self.session_id.is_empty() {
            self.old_app_id
        } else {
            Some(self.session_id)
        }
    }

    /// The client's random, which tells a new attempt from a repeated one.
    pub fn random(&self) -> &'a [u8; 32] {
        self.random
    }

    /// The session id field as it is, up to 32 bytes.
    pub fn session_id(&self) -> &'a [u8] {
        self.session_id
    }

    /// The cookie of an earlier HelloVerifyRequest; empty in a first ClientHello.
    pub fn cookie(&self) -> &'a [u8] {
        self.cookie
    }

    /// Whether the client offers this cipher suite.
    pub fn offers(&self, suite: u16) -> bool {
        self.suites
            .chunks_exact(2)
            .any(|pair| pair == suite.to_be_bytes())
    }

    pub(crate) fn parameters(&self) -> &'a [u8] {
        self.parameters
    }

    fn read_extensions(&mut self, extensions: &'a [u8]) -> Option<()> {
        let mut reader = Reader::new(extensions);
        for _ in 0..MAX_EXTENSIONS {
            if reader.is_empty() {
                return Some(());
            }
            let start = reader;
            let kind = reader.u16()?;
            let data = reader.vector16()?;
            if contains_extension(start_of(extensions, start), kind) {
                return None;
            }
            match kind {
                EXTENDED_MASTER_SECRET if data.is_empty() => self.extended_master_secret = true,
                // On an initial handshake its content is empty (RFC 5746 §3.6).
                RENEGOTIATION_INFO if data == [0] => self.secure_renegotiation = true,
                EXTENDED_MASTER_SECRET | RENEGOTIATION_INFO => return None,
                OLD_APP_ID => self.old_app_id = Some(old_app_id(data)?),
                _ => {}
            }
        }
        None
    }
}

fn old_app_id(data: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(data);
    let id = reader.vector8()?;
    (reader.is_empty() && !id.is_empty() && id.len() <= MAX_SESSION_ID).then_some(id)
}

fn start_of<'a>(extensions: &'a [u8], rest: Reader<'_>) -> &'a [u8] {
    &extensions[..extensions.len() - rest.rest().len()]
}

/// Looks back over the extensions already read, so that a repetition is found without a table of those seen.
fn contains_extension(read: &[u8], kind: u16) -> bool {
    let mut reader = Reader::new(read);
    while let (Some(seen), Some(_)) = (reader.u16(), reader.vector16()) {
        if seen == kind {
            return true;
        }
    }
    false
}
