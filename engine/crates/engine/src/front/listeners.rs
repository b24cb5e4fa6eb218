//! The sockets of the public side.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::control::messages::Listen;
use crate::sys::udp::UdpSocket;

/// Connections that the kernel keeps for us while we are busy; the kernel cuts this to its own limit.
const BACKLOG: i32 = 16_384;

/// TCP and UDP sockets of the same addresses and port.
pub(crate) struct Listeners {
    pub(crate) tcp: Vec<TcpListener>,
    pub(crate) udp: Vec<UdpSocket>,
}

/// Opens every socket, UDP first: a client whose first datagram meets a closed port never tries UDP again
/// (`protocol.md` section 3.4).
pub(crate) fn open(listen: &Listen) -> Result<Listeners, String> {
    let mut listeners = Listeners {
        tcp: Vec::new(),
        udp: Vec::new(),
    };
    for address in &listen.addresses {
        let endpoint = SocketAddr::new(*address, listen.port);
        if *address == IpAddr::from([0_u16; 8]) && !ipv6_available() {
            continue;
        }
        if listen.udp {
            let socket =
                UdpSocket::bind(endpoint).map_err(|error| format!("UDP {endpoint}: {error}"))?;
            listeners.udp.push(socket);
        }
        listeners
            .tcp
            .push(bind_tcp(endpoint).map_err(|error| format!("TCP {endpoint}: {error}"))?);
    }
    if listeners.tcp.is_empty() {
        return Err("no address to listen on".into());
    }
    Ok(listeners)
}

fn bind_tcp(endpoint: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(endpoint),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if endpoint.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of a run before this one may still be in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&endpoint.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The default is to listen on every address of both families; a host without IPv6 has only one.
fn ipv6_available() -> bool {
    Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP)).is_ok()
}
