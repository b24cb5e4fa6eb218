//! Packets out of the stream of plaintexts.

use crate::cstp::{CSTP_HEADER, MAGIC, MAX_PAYLOAD};

/// A packet from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// One IP packet, not looked into.
    Data(&'a [u8]),
    /// To be answered at once, with the same payload.
    DpdRequest(&'a [u8]),
    /// The answer to a request of ours.
    DpdResponse,
    /// The client leaves. The code says whether for good: `b0` does.
    Disconnect {
        /// The first byte of the payload; `None` when it is empty.
        code: Option<u8>,
        /// The rest, meant for a log. Not necessarily UTF-8.
        text: &'a [u8],
    },
    /// Not to be answered.
    KeepAlive,
    /// A type that servers send; from a client it means nothing.
    Terminate,
}

/// Why the stream is not one of packets. Close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CstpError {
    /// It does not begin with `STF`, 1.
    BadMagic,
    /// Byte 7 is not 0.
    BadHeader,
    /// The payload would exceed [`MAX_PAYLOAD`].
    TooLong,
    /// Type 8, though no compression was negotiated.
    Compressed,
    /// No such type.
    UnknownType(u8),
}

/// Remembers the start of a packet whose end has not come. Empty, and without memory, between packets.
#[derive(Debug, Default)]
pub struct CstpParser {
    partial: Vec<u8>,
}

impl CstpParser {
    /// Starts at a packet boundary.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the plaintext of a record. Call [`Packets::next_packet`] until it gives `None`.
    ///
    /// A record that holds whole packets, as the known clients send, is not copied.
    #[inline]
    pub fn push<'a>(&'a mut self, plaintext: &'a [u8]) -> Packets<'a> {
        Packets {
            parser: self,
            input: plaintext,
            release: false,
        }
    }

    /// Bytes of memory held: at most the part of one packet, and none between packets.
    pub fn held(&self) -> usize {
        self.partial.capacity()
    }
}

/// The packets that a plaintext completes. Dropping it before the end loses the rest, as after an error.
#[derive(Debug)]
pub struct Packets<'a> {
    parser: &'a mut CstpParser,
    input: &'a [u8],
    /// The packet given last lies in `partial`.
    release: bool,
}

impl Packets<'_> {
    /// The next packet; `None` when more bytes must come first. After an error the connection is to be closed.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, CstpError> {
        self.release();
        if !self.parser.partial.is_empty() {
            return self.complete_partial();
        }
        let input = self.input;
        let Some(total) = packet_len(input)?.filter(|total| *total <= input.len()) else {
            self.parser.partial.extend_from_slice(input);
            self.input = &[];
            return Ok(None);
        };
        let (packet, rest) = input.split_at(total);
        self.input = rest;
        typed(packet).map(Some)
    }

    fn complete_partial(&mut self) -> Result<Option<Packet<'_>>, CstpError> {
        self.fill(CSTP_HEADER);
        let Some(total) = packet_len(&self.parser.partial)? else {
            return Ok(None);
        };
        self.fill(total);
        if self.parser.partial.len() < total {
            return Ok(None);
        }
        self.release = true;
        typed(&self.parser.partial).map(Some)
    }

    /// Moves input over until `partial` has `len` bytes. Grows with what has come, not with what a header promises.
    fn fill(&mut self, len: usize) {
        let missing = len
            .saturating_sub(self.parser.partial.len())
            .min(self.input.len());
        let (head, rest) = self.input.split_at(missing);
        self.parser.partial.extend_from_slice(head);
        self.input = rest;
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.release) {
            self.parser.partial = Vec::new();
        }
    }
}

impl Drop for Packets<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// The length of the packet that `bytes` begin, or `None` before its header is whole.
#[inline]
fn packet_len(bytes: &[u8]) -> Result<Option<usize>, CstpError> {
    let Some(header) = bytes.first_chunk::<CSTP_HEADER>() else {
        return Ok(None);
    };
    let payload_len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    match header {
        _ if header[..4] != MAGIC => Err(CstpError::BadMagic),
        _ if header[7] != 0 => Err(CstpError::BadHeader),
        _ if payload_len > MAX_PAYLOAD => Err(CstpError::TooLong),
        _ => known_type(header[6]).map(|()| Some(CSTP_HEADER + payload_len)),
    }
}

/// Judged from the header, so that nothing is kept of a packet that will be refused.
#[inline]
fn known_type(packet_type: u8) -> Result<(), CstpError> {
    match packet_type {
        0 | 3 | 4 | 5 | 7 | 9 => Ok(()),
        8 => Err(CstpError::Compressed),
        other => Err(CstpError::UnknownType(other)),
    }
}

#[inline]
fn typed(packet: &[u8]) -> Result<Packet<'_>, CstpError> {
    let (header, payload) = packet.split_at(CSTP_HEADER);
    match header[6] {
        0 => Ok(Packet::Data(payload)),
        3 => Ok(Packet::DpdRequest(payload)),
        4 => Ok(Packet::DpdResponse),
        5 => Ok(Packet::Disconnect {
            code: payload.first().copied(),
            text: payload.get(1..).unwrap_or_default(),
        }),
        7 => Ok(Packet::KeepAlive),
        9 => Ok(Packet::Terminate),
        other => Err(CstpError::UnknownType(other)),
    }
}
