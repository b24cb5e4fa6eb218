//! The header in front of every tunnel packet: `STF`, 1, length, type, 0.

/// Length of a packet's header.
pub const CSTP_HEADER: usize = 8;

/// Longest payload: packet and header fill one TLS record, which is also the most that clients take.
pub const MAX_PAYLOAD: usize = 16384 - CSTP_HEADER;

/// First byte of a disconnect payload when the server ends the session: the client shows the text and does not come
/// back.
pub const DISCONNECT_BY_ADMINISTRATOR: u8 = 0xb0;

pub(crate) const MAGIC: [u8; 4] = *b"STF\x01";

/// A packet's type. Type 8, compressed data, is never negotiated and has no name here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PacketType {
    /// One IPv4 or IPv6 packet.
    Data = 0,
    /// Asks whether the other side lives. Answered at once on the same channel.
    DpdRequest = 3,
    /// The answer.
    DpdResponse = 4,
    /// Ends the session. Not for restarts: a client that gets it does not come back.
    Disconnect = 5,
    /// Keeps a middlebox from forgetting the connection. Not answered.
    KeepAlive = 7,
    /// Ends the session from the server's side, without words.
    Terminate = 9,
}

/// The header of a packet; `payload_len` is at most [`MAX_PAYLOAD`].
#[inline]
pub(crate) fn header(packet_type: PacketType, payload_len: usize) -> [u8; CSTP_HEADER] {
    let [high, low] = (payload_len as u16).to_be_bytes();
    [
        MAGIC[0],
        MAGIC[1],
        MAGIC[2],
        MAGIC[3],
        high,
        low,
        packet_type as u8,
        0,
    ]
}

/// Appends a packet without its record, as the client's side of tests and load generators needs it.
/// A payload beyond [`MAX_PAYLOAD`] is cut.
pub fn append_packet(out: &mut Vec<u8>, packet_type: PacketType, payload: &[u8]) {
    let payload = &payload[..payload.len().min(MAX_PAYLOAD)];
    out.extend_from_slice(&header(packet_type, payload.len()));
    out.extend_from_slice(payload);
}

/// The payload of a [`PacketType::Disconnect`]: a reason code and a text for the user, cut at 512 bytes.
pub fn disconnect_payload(code: u8, text: &str) -> Vec<u8> {
    let end = (0..=text.len().min(512))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    let mut payload = vec![code];
    payload.extend_from_slice(&text.as_bytes()[..end]);
    payload
}
