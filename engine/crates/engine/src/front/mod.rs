//! Everything before a tunnel opens: TCP, the TLS handshake and the relay of decrypted bytes to the gateway.
//!
//! This side faces strangers. Each connection has a bounded share of memory and time, and nothing here can hold
//! up the packet path, which runs in a thread of its own.

mod admission;
mod connection;
mod listeners;
mod requests;
mod thread;
mod tls;

pub(crate) use connection::Handover;
pub(crate) use thread::Front;
