//! The packet path: everything that happens to packets of open tunnels, in one thread.
//!
//! Each round of the loop works on batches: all datagrams of one `recvmmsg`, all records of one read, many packets of
//! one tun read. Nothing here waits, and nothing that is not data happens per packet.

mod attachment;
mod counters;
mod downlink;
mod dtls_channel;
mod moderation;
mod peers;
mod session;
mod sessions;
mod sockets;
mod thread;
mod timers;
mod tls_channel;
mod tun_writer;
mod uplink_tls;
mod uplink_udp;

pub(crate) use attachment::Attachment;
pub(crate) use sockets::SocketChange;
pub(crate) use thread::DataThread;

use crate::control::messages::{Detach, Event};

/// What the front thread asks of the packet path.
pub(crate) enum Command {
    Attach(Box<Attachment>),
    Detach(Detach),
    List {
        id: u64,
    },
    Status {
        id: u64,
    },
    /// Opens and closes UDP sockets after the listen addresses have changed.
    Sockets(SocketChange),
}

/// What the packet path tells the gateway, through the front thread.
pub(crate) struct Report(pub(crate) Event);
