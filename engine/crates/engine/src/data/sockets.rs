//! The UDP sockets of the packet path.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::dtls_channel::Path;
use crate::sys::udp::UdpSocket;

/// What becomes different when the addresses to listen on change.
#[derive(Default)]
pub(crate) struct SocketChange {
    pub(crate) open: Vec<Arc<UdpSocket>>,
    pub(crate) close: Vec<SocketAddr>,
}

/// Open sockets by their places. A place is never given out twice, because the paths of associations name it.
#[derive(Default)]
pub(super) struct Sockets(Vec<Option<Arc<UdpSocket>>>);

impl Sockets {
    pub(super) fn get(&self, place: usize) -> Option<&UdpSocket> {
        self.0.get(place)?.as_deref()
    }

    pub(super) fn add(&mut self, socket: Arc<UdpSocket>) -> usize {
        self.0.push(Some(socket));
        self.0.len() - 1
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<Arc<UdpSocket>> {
        self.0.get_mut(place)?.take()
    }

    pub(super) fn place_of(&self, endpoint: SocketAddr) -> Option<usize> {
        self.0.iter().position(|socket| {
            socket
                .as_ref()
                .is_some_and(|socket| socket.endpoint() == endpoint)
        })
    }

    /// Another socket at which the other end of `path` is heard just the same: it sends to an address and a port, and
    /// a socket of every address covers each.
    pub(super) fn instead_of(&self, path: &Path) -> Option<usize> {
        let closing = self.get(path.socket)?.endpoint();
        let local = path.local.unwrap_or(closing.ip());
        self.0.iter().enumerate().find_map(|(place, socket)| {
            let endpoint = socket.as_ref()?.endpoint();
            (place != path.socket && endpoint.port() == closing.port() && covers(endpoint, local))
                .then_some(place)
        })
    }
}

fn covers(endpoint: SocketAddr, local: IpAddr) -> bool {
    endpoint.is_ipv4() == local.is_ipv4()
        && (endpoint.ip().is_unspecified() || endpoint.ip() == local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(address: &str) -> Arc<UdpSocket> {
        let endpoint = address.parse().expect("a literal");
        Arc::new(UdpSocket::bind(endpoint, &[]).expect("a free port"))
    }

    fn path(socket: usize, local: Option<&str>) -> Path {
        Path {
            peer: SocketAddr::from(([192, 0, 2, 1], 40_000)),
            local: local.map(|address| address.parse().expect("a literal")),
            socket,
        }
    }

    #[test]
    fn a_path_moves_to_a_socket_of_its_own_address_and_to_no_other() {
        let first = socket("127.0.0.1:0");
        let port = first.endpoint().port();
        let mut sockets = Sockets::default();
        let place = sockets.add(first);
        assert_eq!(sockets.instead_of(&path(place, Some("127.0.0.1"))), None);
        let other_port = sockets.add(socket("127.0.0.2:0"));
        let other_address = sockets.add(socket(&format!("127.0.0.3:{port}")));
        assert_eq!(sockets.instead_of(&path(place, Some("127.0.0.1"))), None);
        assert_eq!(
            sockets.instead_of(&path(place, Some("127.0.0.3"))),
            Some(other_address)
        );
        assert_eq!(sockets.instead_of(&path(other_port, None)), None);
    }

    #[test]
    fn a_place_is_not_given_out_again() {
        let mut sockets = Sockets::default();
        let first = sockets.add(socket("127.0.0.1:0"));
        sockets.remove(first);
        let second = sockets.add(socket("127.0.0.1:0"));
        assert_ne!(first, second);
        assert!(sockets.get(first).is_none());
    }
}
