//! The sockets of the public side.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

use crate::control::messages::Listen;
use crate::data::SocketChange;
use crate::log;
use crate::sys::udp::UdpSocket;

/// Connections that the kernel keeps for us while we are busy; the kernel cuts this to its own limit.
const BACKLOG: i32 = 16_384;

/// TCP and UDP sockets of the same addresses and port. The packet path reads the UDP ones.
#[derive(Default)]
pub(crate) struct Listeners {
    pub(crate) tcp: Vec<Listener>,
    pub(crate) udp: Vec<Arc<UdpSocket>>,
}

/// A TCP socket that takes connections.
pub(crate) struct Listener {
    endpoint: SocketAddr,
    pub(crate) socket: TcpListener,
}

impl Listeners {
    /// Opens every socket.
    pub(crate) fn open(listen: &Listen) -> Result<Self, String> {
        let mut listeners = Self::default();
        listeners.change(listen)?;
        Ok(listeners)
    }

    /// Opens what is missing and closes what is not wanted any more; a socket whose address and port stay is not
    /// touched. A failure changes nothing. UDP opens first: a client whose first datagram meets a closed port never
    /// tries UDP again (`protocol.md` section 3.4).
    pub(crate) fn change(&mut self, listen: &Listen) -> Result<SocketChange, String> {
        let wanted = endpoints(listen);
        if wanted.is_empty() {
            return Err("no address to listen on".into());
        }
        let wanted_udp = if listen.udp { wanted.as_slice() } else { &[] };
        let opened = self.open_udp(wanted_udp)?;
        self.change_tcp(&wanted)?;
        let leaves = |socket: &Arc<UdpSocket>| !wanted_udp.contains(&socket.endpoint());
        let closing = self.udp.extract_if(.., |socket| leaves(socket));
        let close = closing.map(|socket| socket.endpoint()).collect();
        self.udp.extend(opened.iter().cloned());
        Ok(SocketChange {
            open: opened,
            close,
        })
    }

    fn open_udp(&self, wanted: &[SocketAddr]) -> Result<Vec<Arc<UdpSocket>>, String> {
        let has = |endpoint| self.udp.iter().any(|socket| socket.endpoint() == endpoint);
        let missing = wanted.iter().copied().filter(|endpoint| !has(*endpoint));
        missing
            .map(|endpoint| {
                let closing: Vec<_> = self
                    .udp
                    .iter()
                    .filter(|socket| {
                        !wanted.contains(&socket.endpoint()) && overlap(socket.endpoint(), endpoint)
                    })
                    .cloned()
                    .collect();
                UdpSocket::bind(endpoint, &closing)
                    .map(Arc::new)
                    .map_err(|error| format!("UDP {endpoint}: {error}"))
            })
            .collect()
    }

    fn change_tcp(&mut self, wanted: &[SocketAddr]) -> Result<(), String> {
        let has = |endpoint| self.tcp.iter().any(|one| one.endpoint == endpoint);
        let missing: Vec<SocketAddr> = wanted
            .iter()
            .copied()
            .filter(|endpoint| !has(*endpoint))
            .collect();
        let leaves = |one: &Listener| !wanted.contains(&one.endpoint);
        let stands_in_the_way = |one: &Listener| {
            leaves(one) && missing.iter().any(|other| overlap(one.endpoint, *other))
        };
        // Two listeners whose addresses overlap cannot be open at once (unlike UDP, sharing would need one user, and
        // the first ones were opened as root): those go first, and come back when the new ones cannot be had.
        let gone: Vec<SocketAddr> = self
            .tcp
            .extract_if(.., |one| stands_in_the_way(one))
            .map(|one| one.endpoint)
            .collect();
        match missing.iter().copied().map(Listener::bind).collect() {
            Ok::<Vec<_>, _>(opened) => {
                self.tcp.retain(|one| !leaves(one));
                self.tcp.extend(opened);
                Ok(())
            }
            Err(error) => {
                for endpoint in gone {
                    match Listener::bind(endpoint) {
                        Ok(again) => self.tcp.push(again),
                        Err(error) => log::warning(&format!("cannot listen again: {error}")),
                    }
                }
                Err(error)
            }
        }
    }
}

impl Listener {
    fn bind(endpoint: SocketAddr) -> Result<Self, String> {
        let socket = bind_tcp(endpoint).map_err(|error| format!("TCP {endpoint}: {error}"))?;
        Ok(Self { endpoint, socket })
    }
}

fn endpoints(listen: &Listen) -> Vec<SocketAddr> {
    let mut endpoints = Vec::new();
    for address in &listen.addresses {
        let endpoint = SocketAddr::new(*address, listen.port);
        let is_usable = *address != IpAddr::from([0_u16; 8]) || ipv6_available();
        if is_usable && !endpoints.contains(&endpoint) {
            endpoints.push(endpoint);
        }
    }
    endpoints
}

/// True when one of them is every address of the family of the other.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    one.port() == other.port()
        && one.is_ipv4() == other.is_ipv4()
        && (one.ip().is_unspecified() || other.ip().is_unspecified())
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

#[cfg(test)]
mod tests {
    use std::net::{TcpStream, UdpSocket as PlainUdpSocket};

    use super::*;

    /// A port that is free for TCP and UDP at this moment.
    fn free_port() -> u16 {
        let socket = PlainUdpSocket::bind("0.0.0.0:0").expect("a free port");
        socket.local_addr().expect("it is bound").port()
    }

    fn listen(addresses: &[&str], port: u16, udp: bool) -> Listen {
        Listen {
            addresses: addresses
                .iter()
                .map(|address| address.parse().expect("a literal"))
                .collect(),
            port,
            udp,
        }
    }

    fn udp(listeners: &Listeners) -> Vec<IpAddr> {
        listeners
            .udp
            .iter()
            .map(|socket| socket.endpoint().ip())
            .collect()
    }

    #[test]
    fn udp_comes_and_goes_while_tcp_stays() {
        let port = free_port();
        let mut listeners = Listeners::open(&listen(&["127.0.0.1"], port, true)).expect("opened");
        // It waits in the queue of the listener, and would be reset if that were closed.
        let waiting = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        let off = listeners.change(&listen(&["127.0.0.1"], port, false));
        let off = off.expect("changed");
        assert!(off.open.is_empty());
        assert_eq!(off.close.len(), 1);
        assert!(udp(&listeners).is_empty());
        let on = listeners.change(&listen(&["127.0.0.1"], port, true));
        assert_eq!(on.expect("changed").open.len(), 1);
        let (accepted, _) = listeners.tcp[0].socket.accept().expect("it still waits");
        assert_eq!(
            accepted.peer_addr().expect("connected"),
            waiting.local_addr().expect("connected")
        );
    }

    #[test]
    fn every_address_gives_way_to_one_of_them_and_comes_back() {
        let port = free_port();
        let mut listeners = Listeners::open(&listen(&["0.0.0.0"], port, true)).expect("opened");
        for addresses in [
            &["127.0.0.1"][..],
            &["127.0.0.1", "127.0.0.2"],
            &["0.0.0.0"],
        ] {
            listeners
                .change(&listen(addresses, port, true))
                .expect("changed");
            assert_eq!(listeners.tcp.len(), addresses.len());
            assert_eq!(listeners.udp.len(), addresses.len());
            let last = addresses.last().expect("not empty");
            TcpStream::connect((*last, port)).expect("connected");
        }
    }

    #[test]
    fn a_port_that_is_taken_changes_nothing() {
        let port = free_port();
        let mut listeners = Listeners::open(&listen(&["0.0.0.0"], port, true)).expect("opened");
        // Not an address of this host, found out after the listener of every address had to go.
        let error = listeners.change(&listen(&["127.0.0.1", "192.0.2.1"], port, false));
        assert!(error.is_err_and(|error| error.contains("192.0.2.1")));
        assert_eq!(udp(&listeners), [IpAddr::from([0, 0, 0, 0])]);
        assert_eq!(listeners.tcp.len(), 1);
        TcpStream::connect(("127.0.0.2", port)).expect("every address is still served");
    }

    #[test]
    fn a_socket_that_made_room_shares_its_port_with_nobody_afterwards() {
        let port = free_port();
        let mut listeners = Listeners::open(&listen(&["0.0.0.0"], port, true)).expect("opened");
        listeners
            .change(&listen(&["127.0.0.1"], port, true))
            .expect("changed");
        assert!(UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], port)), &[]).is_err());
    }
}
