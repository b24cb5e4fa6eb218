//! HAProxy's PROXY protocol (`doc/proxy-protocol.txt`), without I/O.
//!
//! The engine reads a header from a load balancer in front of it ([`parse`]) and writes one towards the gateway
//! ([`Header::write_to`]), which carries what only the end of the TLS connection knows.
#![forbid(unsafe_code)]

#[doc(hidden)]
pub mod fuzz;
mod parse;
mod tlv;
mod v1;
mod v2;
mod write;

pub use parse::{Invalid, MAX_HEADER, Origin, Parsed, parse, parse_up_to};
pub use tlv::{Tlvs, tlvs};
pub use v1::MAX_V1;
pub use write::{ClientTls, Header, TooLong, kind};
