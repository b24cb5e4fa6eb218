//! Which session speaks from which UDP address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use foldhash::fast::RandomState;

use super::sessions::Key;

/// Sessions of one host that are tried when a record comes from an unknown port of it.
const TRIALS: usize = 64;

/// Addresses of live associations.
#[derive(Default)]
pub(crate) struct Peers {
    by_address: HashMap<SocketAddr, Key, RandomState>,
    /// Every session with a live association, under the host that it was last heard from, also when another session
    /// has taken its port since.
    by_host: HashMap<IpAddr, Vec<Key>, RandomState>,
    turn: usize,
}

impl Peers {
    pub(crate) fn find(&self, peer: SocketAddr) -> Option<Key> {
        self.by_address.get(&peer).copied()
    }

    /// Datagrams from `peer` belong to this session from now on, whoever had the address before. The session's own
    /// address of before must have been removed.
    pub(crate) fn insert(&mut self, peer: SocketAddr, key: Key) {
        self.by_address.insert(peer, key);
        self.by_host.entry(peer.ip()).or_default().push(key);
    }

    /// Forgets the address that was inserted for this session; if another session has taken it over, it keeps it.
    pub(crate) fn remove(&mut self, peer: SocketAddr, key: Key) {
        if self.by_address.get(&peer) == Some(&key) {
            self.by_address.remove(&peer);
        }
        self.remove_from_host(peer.ip(), key);
    }

    /// Sessions that may own a record from an unknown port of `host`: a bounded number, other ones each time when
    /// there are more.
    pub(crate) fn candidates(&mut self, host: IpAddr) -> Vec<Key> {
        let Some(all) = self.by_host.get(&host) else {
            return Vec::new();
        };
        if all.len() <= TRIALS {
            return all.clone();
        }
        self.turn = (self.turn + TRIALS) % all.len();
        all.iter()
            .cycle()
            .skip(self.turn)
            .take(TRIALS)
            .copied()
            .collect()
    }

    fn remove_from_host(&mut self, host: IpAddr, key: Key) {
        let Some(keys) = self.by_host.get_mut(&host) else {
            return;
        };
        if let Some(position) = keys.iter().position(|candidate| *candidate == key) {
            keys.swap_remove(position);
        }
        if keys.is_empty() {
            self.by_host.remove(&host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn an_address_belongs_to_the_session_that_came_last() {
        let mut peers = Peers::default();
        peers.insert(peer(1), 10);
        peers.insert(peer(1), 11);
        assert_eq!(peers.find(peer(1)), Some(11));
        peers.remove(peer(1), 10);
        assert_eq!(peers.find(peer(1)), Some(11));
        assert_eq!(peers.candidates(peer(1).ip()), [11]);
    }

    #[test]
    fn a_session_whose_port_was_taken_over_is_still_tried() {
        let mut peers = Peers::default();
        peers.insert(peer(1), 10);
        peers.insert(peer(1), 11);
        assert_eq!(peers.candidates(peer(1).ip()), [10, 11]);
        peers.remove(peer(1), 10);
        peers.insert(peer(2), 10);
        assert_eq!(peers.find(peer(2)), Some(10));
        assert_eq!(peers.candidates(peer(1).ip()), [11, 10]);
    }

    #[test]
    fn nothing_is_left_when_every_session_has_gone() {
        let mut peers = Peers::default();
        for port in 1..100 {
            peers.insert(peer(port), usize::from(port));
        }
        for port in 1..100 {
            peers.remove(peer(port), usize::from(port));
        }
        assert!(peers.by_address.is_empty());
        assert!(peers.by_host.is_empty());
    }

    #[test]
    fn behind_one_address_every_session_gets_its_turn_in_bounded_portions() {
        let mut peers = Peers::default();
        for port in 1..=200 {
            peers.insert(peer(port), usize::from(port));
        }
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10 {
            let portion = peers.candidates(peer(1).ip());
            assert_eq!(portion.len(), TRIALS);
            seen.extend(portion);
        }
        assert_eq!(seen.len(), 200);
    }
}
