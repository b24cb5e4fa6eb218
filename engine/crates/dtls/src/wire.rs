//! Bytes of the record layer (RFC 6347 §4.1) and a bounded reader.

/// Length of a record header: type, version, epoch, sequence number, length.
pub const HEADER: usize = 13;

/// Length of the explicit part of an AES-GCM nonce, which follows the header (RFC 5288 §3).
pub const EXPLICIT_NONCE: usize = 8;

/// Room that every cipher finds enough in front of the payload.
pub const MAX_HEADER: usize = HEADER + EXPLICIT_NONCE;

/// Length of the authentication tag of all three ciphers, which follows the payload.
pub const TAG: usize = 16;

/// Largest plaintext of a record (RFC 5246 §6.2.1).
pub const MAX_PLAINTEXT: usize = 1 << 14;

pub(crate) const DTLS_1_0: [u8; 2] = [0xfe, 0xff];
pub(crate) const DTLS_1_2: [u8; 2] = [0xfe, 0xfd];

/// Length of a handshake header: type, length, message number, fragment offset, fragment length (RFC 6347 §4.2.2).
pub(crate) const HANDSHAKE_HEADER: usize = 12;

pub(crate) const CLIENT_HELLO: u8 = 1;
pub(crate) const SERVER_HELLO: u8 = 2;
pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
pub(crate) const SERVER_HELLO_DONE: u8 = 14;
pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
pub(crate) const FINISHED: u8 = 20;

/// Sequence numbers have 48 bits (RFC 6347 §4.1).
pub(crate) const MAX_SEQUENCE: u64 = (1 << 48) - 1;

/// What a record carries (RFC 5246 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ContentType {
    /// End of the epoch's keys; a single byte 1.
    ChangeCipherSpec = 20,
    /// Two bytes: level and description.
    Alert = 21,
    /// Handshake messages.
    Handshake = 22,
    /// Tunnel packets: a type byte and its payload.
    ApplicationData = 23,
}

impl ContentType {
    pub(crate) fn from_wire(value: u8) -> Option<Self> {
        match value {
            20 => Some(Self::ChangeCipherSpec),
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::ApplicationData),
            _ => None,
        }
    }
}

/// The header of one record (RFC 6347 §4.1). Nothing in it is authenticated until the record has been opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the record claims to carry.
    pub content_type: ContentType,
    /// Version bytes, `fe fd` or `fe ff`.
    pub version: [u8; 2],
    /// Number of the key generation: 0 is plaintext, 1 the only protected one here.
    pub epoch: u16,
    /// 48-bit number within the epoch.
    pub sequence: u64,
    /// Bytes after the header.
    pub length: usize,
}

impl RecordHeader {
    /// Reads the header at the start of `bytes`; `None` when it is not one of DTLS 1.0 or 1.2.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        let version = [header[1], header[2]];
        if version != DTLS_1_2 && version != DTLS_1_0 {
            return None;
        }
        let numbers = u64::from_be_bytes([
            header[3], header[4], header[5], header[6], header[7], header[8], header[9], header[10],
        ]);
        Some(Self {
            content_type: ContentType::from_wire(header[0])?,
            version,
            epoch: (numbers >> 48) as u16,
            sequence: numbers & MAX_SEQUENCE,
            length: usize::from(u16::from_be_bytes([header[11], header[12]])),
        })
    }

    pub(crate) fn to_wire(self) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[0] = self.content_type as u8;
        header[1..3].copy_from_slice(&self.version);
        header[3..11]
            .copy_from_slice(&((u64::from(self.epoch) << 48) | self.sequence).to_be_bytes());
        header[11..].copy_from_slice(&(self.length as u16).to_be_bytes());
        header
    }
}

fn first_record_len(bytes: &[u8]) -> Option<usize> {
    let header = RecordHeader::parse(bytes)?;
    let total = HEADER + header.length;
    (total <= bytes.len()).then_some(total)
}

/// The records of a datagram, in order. Ends at the first byte that starts no complete record (RFC 6347 §4.1.2.7).
pub fn records(datagram: &[u8]) -> Records<'_> {
    Records { rest: datagram }
}

/// Like [`records`], for opening each record in place.
pub fn records_mut(datagram: &mut [u8]) -> RecordsMut<'_> {
    RecordsMut { rest: datagram }
}

/// Iterator of [`records`].
#[derive(Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (record, rest) = self.rest.split_at_checked(first_record_len(self.rest)?)?;
        self.rest = rest;
        Some(record)
    }
}

/// Iterator of [`records_mut`].
#[derive(Debug)]
pub struct RecordsMut<'a> {
    rest: &'a mut [u8],
}

impl<'a> Iterator for RecordsMut<'a> {
    type Item = &'a mut [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let len = first_record_len(self.rest)?;
        let (record, rest) = std::mem::take(&mut self.rest).split_at_mut_checked(len)?;
        self.rest = rest;
        Some(record)
    }
}

/// One unfragmented handshake message.
pub(crate) struct Message<'a> {
    pub(crate) kind: u8,
    pub(crate) sequence: u16,
    pub(crate) body: &'a [u8],
    /// Header and body, as the transcript hashes them.
    pub(crate) bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes the first message off `payload`. A fragmented message is `None`: no client fragments messages that
    /// are smaller than the smallest path.
    pub(crate) fn take(payload: &mut &'a [u8]) -> Option<Self> {
        let bytes = *payload;
        let mut reader = Reader::new(bytes);
        let kind = reader.u8()?;
        let length = reader.u24()?;
        let sequence = reader.u16()?;
        if reader.u24()? != 0 || reader.u24()? != length {
            return None;
        }
        let body = reader.take(length)?;
        *payload = reader.rest();
        Some(Self {
            kind,
            sequence,
            body,
            bytes: &bytes[..HANDSHAKE_HEADER + length],
        })
    }
}

pub(crate) fn handshake_header(kind: u8, sequence: u16, length: usize) -> [u8; HANDSHAKE_HEADER] {
    let [_, a, b, c] = (length as u32).to_be_bytes();
    let [s, t] = sequence.to_be_bytes();
    [kind, a, b, c, s, t, 0, 0, 0, a, b, c]
}

/// Reads big-endian fields and never past the end.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u24(&mut self) -> Option<usize> {
        self.array()
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]) as usize)
    }

    pub(crate) fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u8()?);
        self.take(len)
    }

    pub(crate) fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.u16()?);
        self.take(len)
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}
