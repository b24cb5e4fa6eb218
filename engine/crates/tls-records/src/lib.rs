//! The TLS record layer (RFC 8446 §5, RFC 5246 §6) of a connection whose handshake another library has finished, and
//! the framing of tunnel packets (CSTP) inside it. No sockets, clocks or randomness.
//!
//! One rule shapes the API: exactly one packet towards the client is exactly one record. Clients drop a record that
//! holds two packets, and end the tunnel at a packet that spans two records. So [`Sealer::seal_packet`] makes both at
//! once, in place, and nothing else writes application data.
//!
//! Towards us the rule is liberal: [`next_record`] finds a record in what was received, [`Opener::open_in_place`]
//! opens it, [`CstpParser`] takes packets from the stream of plaintexts however they are cut. What is not application
//! data goes to [`Opener::handle_control`].
//!
//! TLS runs over a reliable stream, so every error is fatal: close the connection.
#![forbid(unsafe_code)]

mod alert;
mod cipher;
mod cstp;
mod cstp_parser;
#[doc(hidden)]
pub mod fuzz;
mod key_update;
mod open;
mod seal;
mod splitter;

pub use alert::{Alert, Fatal};
pub use cipher::{
    Cipher, ContentType, KEY_UPDATE_DUE, KEY_USABLE, KeyError, KeyUse, RECORD_HEADER, TAG, Version,
};
pub use cstp::{
    CSTP_HEADER, DISCONNECT_BY_ADMINISTRATOR, MAX_PAYLOAD, PacketType, append_packet,
    disconnect_payload,
};
pub use cstp_parser::{CstpError, CstpParser, Packet, Packets};
pub use key_update::{MAX_KEY_UPDATES_WITHOUT_DATA, TrafficSecret};
pub use open::{Control, Opened, Opener};
pub use seal::{MAX_PACKET_HEADROOM, MAX_PACKET_TAILROOM, SealError, Sealer};
pub use splitter::{MAX_RECORD, NextRecord, next_record};
