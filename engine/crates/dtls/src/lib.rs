//! Server side of DTLS 1.2 (RFC 6347) for the tunnel, without sockets, clocks or randomness.
//!
//! Two handshakes exist, both symmetric: a plain pre-shared key (RFC 4279) whose key is exported from the TLS connection
//! of the same session, and a session resumption whose master secret the client sent inside TLS. No certificates.
//!
//! The order of calls for a datagram that belongs to no association:
//!
//! 1. [`peek_client_hello`] reads a ClientHello without making state; [`ClientHelloView::app_id`] names the session.
//! 2. [`CookieSecrets`] answers it with a HelloVerifyRequest when its address must be proven first.
//! 3. [`Handshake::accept_psk`] or [`Handshake::accept_resumption`] gives the first server flight.
//! 4. [`Handshake::handle_datagram`] for what follows from this client, until [`Outcome::Established`].
//! 5. [`Association::split`]: a [`Sealer`] and an [`Opener`] carry the records from then on.
//!
//! Noise from the network is dropped inside. Every way in is total: no input panics, and none makes memory grow.
#![forbid(unsafe_code)]

mod association;
mod client_hello;
mod cookie;
mod flight;
#[doc(hidden)]
pub mod fuzz;
mod handshake;
mod hello;
mod key_schedule;
mod open;
mod psk;
mod replay;
mod resumption;
mod seal;
mod suite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod wire;

pub use association::{
    AES_GCM_RECORD_LIMIT, Association, FORGERY_LIMIT, KeyState, LAST_FLIGHT_LIFETIME,
};
pub use client_hello::{ClientHelloView, MAX_CLIENT_HELLO, peek_client_hello};
pub use cookie::{COOKIE_LEN, CookieSecret, CookieSecrets};
pub use flight::{Flight, MAX_FLIGHT};
pub use handshake::{Established, HANDSHAKE_LIFETIME, Handshake, MAX_RESENDS, Outcome, Refusal};
pub use open::{Alert, Content, Discard, Opened, Opener};
pub use psk::{MAX_FINISHED_ATTEMPTS, MAX_PSK_CANDIDATES, Psk};
pub use replay::REPLAY_WINDOW;
pub use resumption::MasterSecret;
pub use seal::{SealError, Sealer};
pub use suite::{Cipher, DEFAULT_PSK_PREFERENCE, ResumptionSuite};
pub use wire::{
    ContentType, EXPLICIT_NONCE, HEADER, MAX_HEADER, MAX_PLAINTEXT, RecordHeader, Records,
    RecordsMut, TAG, records, records_mut,
};

#[cfg(test)]
mod golden;
