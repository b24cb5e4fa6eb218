//! Telling the versions apart, and what comes out of both.

use std::net::SocketAddr;

use crate::{v1, v2};

/// Longest header that [`parse`] waits for: 16 bytes, the largest addresses (216) and 304 bytes of TLVs.
///
/// 536 is what the specification wants every first segment to hold (its section 2), so a header of a load balancer
/// comes in one piece.
pub const MAX_HEADER: usize = 536;

/// Where a connection came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From this client, who connected to this address.
    Proxied {
        /// The client.
        source: SocketAddr,
        /// What it connected to.
        destination: SocketAddr,
    },
    /// From the sender itself, such as a health check, or over a transport that has no IP addresses: use the
    /// addresses of the connection.
    Local,
}

/// What the bytes received so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A prefix of a header. Read more; [`MAX_HEADER`] bounds how much.
    Incomplete,
    /// A whole header; the connection's own bytes begin after `length`.
    Header {
        /// Where the connection came from.
        origin: Origin,
        /// Bytes that the header takes.
        length: usize,
    },
    /// Close the connection: its sender is not the load balancer that was configured.
    Invalid(Invalid),
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    /// They begin like neither version.
    Signature,
    /// Longer than allowed.
    TooLong,
    /// A version, command, family or protocol that does not exist.
    Unknown,
    /// An address or port that cannot be.
    Address,
}

/// Reads a header of version 1 or 2 at the start of `input`.
pub fn parse(input: &[u8]) -> Parsed {
    parse_up_to(input, MAX_HEADER)
}

/// Like [`parse`] for a sender that is known to add longer TLVs.
pub fn parse_up_to(input: &[u8], max_header: usize) -> Parsed {
    let parsed = match input.first() {
        None => Ok(None),
        Some(b'P') => v1::parse(input),
        Some(_) => v2::parse(input, max_header),
    };
    match parsed {
        Ok(None) => Parsed::Incomplete,
        Ok(Some((origin, length))) => Parsed::Header { origin, length },
        Err(invalid) => Parsed::Invalid(invalid),
    }
}

/// `None` while the header is incomplete.
pub(crate) type Attempt = Result<Option<(Origin, usize)>, Invalid>;
