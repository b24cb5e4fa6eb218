//! IP packets inside the tunnel, as pure functions: no sockets, no clock, no randomness, no allocation per packet.
//!
//! Two directions, named after who receives:
//!
//! * **To the device.** The kernel hands the engine super-packets of up to 64 kB ([`VirtioHeader`]); [`Segmentation`]
//!   writes the packets that travel, each straight into the buffer in which it is encrypted. A packet that does not
//!   fit the session is answered with [`fragmentation_needed`] or [`packet_too_big`].
//! * **From the device.** [`admit`] lets through what the device may send; the [`Coalescer`] joins a batch of packets
//!   into as few super-packets as possible before they are written to the tun device.
//!
//! Every function takes any bytes without a panic. What a peer did wrong comes back as a small copyable enum that
//! suits a counter.

#![forbid(unsafe_code)]

pub mod checksum;

mod acknowledgment;
mod admission;
mod coalescing;
mod header;
mod icmp;
mod segmentation;
mod transport;
mod virtio;

pub use acknowledgment::PureAcknowledgment;
pub use admission::{Refusal, admit};
pub use coalescing::{Coalescer, CoalescerOptions, Group, OutOfRange};
pub use header::{Inner, Malformed, Version, inspect};
pub use icmp::{
    NoReply, address_unreachable, fragmentation_needed, host_unreachable, packet_too_big,
};
pub use segmentation::{Segmentation, SegmentationError};
pub use transport::{Fragment, Transport, transport};
pub use virtio::VirtioHeader;

#[doc(hidden)]
pub mod fuzz;

#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

/// Protocol numbers (IANA "Assigned Internet Protocol Numbers") that the engine tells apart.
pub mod protocol {
    /// ICMP for IPv4, RFC 792.
    pub const ICMP: u8 = 1;
    /// TCP, RFC 9293.
    pub const TCP: u8 = 6;
    /// UDP, RFC 768.
    pub const UDP: u8 = 17;
    /// ICMP for IPv6, RFC 4443.
    pub const ICMPV6: u8 = 58;
}

/// Reads a 16 bit field in network byte order; the caller has checked the length.
#[inline(always)]
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// Reads a 32 bit field in network byte order; the caller has checked the length.
#[inline(always)]
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Writes a 16 bit field in network byte order; the caller has checked the length.
#[inline(always)]
fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
