//! All sessions and the ways to find one: by name, by inner address, by DTLS identifier.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::RandomState;
use slab::Slab;

use super::session::Session;
use crate::control::messages::SessionId;

/// Index of a session, valid until the session is removed.
pub(crate) type Key = usize;

type Index<K> = HashMap<K, Key, RandomState>;

/// The sessions of this engine.
#[derive(Default)]
pub(crate) struct Sessions {
    slab: Slab<Session>,
    by_id: Index<SessionId>,
    by_ipv4: Index<Ipv4Addr>,
    by_ipv6: Index<Ipv6Addr>,
    by_dtls_id: Index<[u8; 32]>,
}

impl Sessions {
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Session> {
        self.slab.get_mut(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.slab.iter().map(|(_, session)| session)
    }

    /// Indexes go up to this one; some may be free.
    pub(crate) fn capacity(&self) -> usize {
        self.slab.capacity()
    }

    pub(crate) fn find(&self, id: SessionId) -> Option<Key> {
        self.by_id.get(&id).copied()
    }

    /// The session that owns an inner address.
    pub(crate) fn find_by_address(&self, address: IpAddr) -> Option<Key> {
        match address {
            IpAddr::V4(address) => self.by_ipv4.get(&address).copied(),
            IpAddr::V6(address) => self.by_ipv6.get(&address).copied(),
        }
    }

    /// The session that a ClientHello names by App-ID or session id.
    pub(crate) fn find_by_dtls_id(&self, id: &[u8]) -> Option<Key> {
        let id: &[u8; 32] = id.try_into().ok()?;
        self.by_dtls_id.get(id).copied()
    }

    /// Adds a session whose name and addresses nobody else has.
    pub(crate) fn insert(&mut self, session: Session) -> Key {
        let entry = self.slab.vacant_entry();
        let key = entry.key();
        self.by_id.insert(session.id, key);
        self.by_ipv4.insert(session.ipv4, key);
        if let Some(address) = session.ipv6 {
            self.by_ipv6.insert(address, key);
        }
        if let Some(dtls) = &session.dtls {
            self.by_dtls_id.insert(*dtls.id(), key);
        }
        entry.insert(session);
        key
    }

    /// Gives a session other addresses, which nobody else has.
    pub(crate) fn readdress(&mut self, key: Key, ipv4: Ipv4Addr, ipv6: Option<Ipv6Addr>) {
        let Some(session) = self.slab.get_mut(key) else {
            return;
        };
        self.by_ipv4.remove(&session.ipv4);
        if let Some(address) = session.ipv6 {
            self.by_ipv6.remove(&address);
        }
        (session.ipv4, session.ipv6) = (ipv4, ipv6);
        self.by_ipv4.insert(ipv4, key);
        if let Some(address) = ipv6 {
            self.by_ipv6.insert(address, key);
        }
    }

    /// Notes that the DTLS identifier of a session has changed from `old` to its present one.
    pub(crate) fn reindex_dtls(&mut self, key: Key, old: Option<[u8; 32]>) {
        if let Some(old) = old {
            self.by_dtls_id.remove(&old);
        }
        if let Some(dtls) = self.slab.get(key).and_then(|session| session.dtls.as_ref()) {
            self.by_dtls_id.insert(*dtls.id(), key);
        }
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<Session> {
        let session = self.slab.try_remove(key)?;
        self.by_id.remove(&session.id);
        self.by_ipv4.remove(&session.ipv4);
        if let Some(address) = session.ipv6 {
            self.by_ipv6.remove(&address);
        }
        if let Some(dtls) = &session.dtls {
            self.by_dtls_id.remove(dtls.id());
        }
        Some(session)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::control::messages::Counters;
    use crate::data::session::Limits;

    fn session(ipv4: Ipv4Addr, ipv6: Option<Ipv6Addr>) -> Session {
        let now = Instant::now();
        Session {
            id: SessionId(1),
            ipv4,
            ipv6,
            mtu: 1400,
            limits: Limits {
                dead_peer_detection: Duration::from_secs(30),
                idle: None,
                roaming: Duration::from_secs(300),
                ends_at: now,
            },
            tls: None,
            dtls: None,
            counters: Counters::default(),
            attached_at: now,
            last_activity: now,
            lost_at: now,
        }
    }

    #[test]
    fn a_session_is_found_by_the_addresses_that_it_has_now() {
        let (first, second) = (Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(10, 0, 0, 3));
        let ipv6 = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
        let mut sessions = Sessions::default();
        let key = sessions.insert(session(first, None));
        sessions.readdress(key, second, Some(ipv6));
        assert_eq!(sessions.find_by_address(first.into()), None);
        assert_eq!(sessions.find_by_address(second.into()), Some(key));
        assert_eq!(sessions.find_by_address(ipv6.into()), Some(key));
        sessions.readdress(key, second, None);
        assert_eq!(sessions.find_by_address(ipv6.into()), None);
        sessions.remove(key);
        assert!(sessions.by_ipv4.is_empty() && sessions.by_ipv6.is_empty());
    }
}
