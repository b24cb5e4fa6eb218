//! How many connections may wait before sign-in, in all and from one network.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};

/// Connections of one network that may wait; enough for an office behind one address whose devices all return
/// at once.
const FROM_ONE_NETWORK: usize = 1024;

/// Counts waiting connections and says which to drop when there are too many: always the oldest, because an honest
/// client speaks at once, and refusing the new ones would let silent connections shut everybody out.
pub(crate) struct Admission {
    limit: usize,
    from_one_network: usize,
    waiting: usize,
    order: VecDeque<(u64, IpAddr)>,
    networks: HashMap<IpAddr, Network>,
}

#[derive(Default)]
struct Network {
    waiting: usize,
    order: VecDeque<u64>,
}

impl Admission {
    /// `limit` is the number of connections that may wait in all.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            from_one_network: FROM_ONE_NETWORK,
            waiting: 0,
            order: VecDeque::new(),
            networks: HashMap::new(),
        }
    }

    /// Behind a load balancer every connection comes from its address, which says nothing about who sends it.
    pub(crate) fn set_behind_proxy(&mut self, behind_proxy: bool) {
        self.from_one_network = if behind_proxy {
            self.limit
        } else {
            FROM_ONE_NETWORK
        };
    }

    /// Counts a new connection. The answer is a connection to drop in its favour; `is_waiting` tells which of the
    /// numbers handed in before are still there.
    pub(crate) fn admit(
        &mut self,
        connection: u64,
        peer: IpAddr,
        is_waiting: impl Fn(u64) -> bool,
    ) -> Option<u64> {
        let key = network_of(peer);
        let network = self.networks.entry(key).or_default();
        network.waiting += 1;
        network.order.push_back(connection);
        self.waiting += 1;
        self.order.push_back((connection, key));
        if network.waiting > self.from_one_network {
            return pop_waiting(&mut network.order, connection, &is_waiting);
        }
        if self.waiting > self.limit {
            while let Some((oldest, _)) = self.order.pop_front() {
                if oldest != connection && is_waiting(oldest) {
                    return Some(oldest);
                }
            }
        }
        None
    }

    /// Forgets a connection that has gone or has opened its tunnel.
    pub(crate) fn release(&mut self, peer: IpAddr, is_waiting: impl Fn(u64) -> bool) {
        let key = network_of(peer);
        self.waiting = self.waiting.saturating_sub(1);
        if let Some(network) = self.networks.get_mut(&key) {
            network.waiting = network.waiting.saturating_sub(1);
            if network.waiting == 0 {
                self.networks.remove(&key);
            } else if network.order.len() > 2 * network.waiting + 64 {
                network.order.retain(|connection| is_waiting(*connection));
            }
        }
        if self.order.len() > 2 * self.waiting + 64 {
            self.order.retain(|(connection, _)| is_waiting(*connection));
        }
    }
}

fn pop_waiting(
    order: &mut VecDeque<u64>,
    new: u64,
    is_waiting: impl Fn(u64) -> bool,
) -> Option<u64> {
    while let Some(oldest) = order.pop_front() {
        if oldest != new && is_waiting(oldest) {
            return Some(oldest);
        }
    }
    None
}

/// An IPv4 address, or the /64 that one IPv6 customer usually owns.
fn network_of(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            let segments = address.segments();
            IpAddr::V6(Ipv6Addr::new(
                segments[0],
                segments[1],
                segments[2],
                segments[3],
                0,
                0,
                0,
                0,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_oldest_waiting_connection_makes_room_when_the_limit_is_reached() {
        let mut admission = Admission::new(2);
        assert_eq!(admission.admit(1, address(1), |_| true), None);
        assert_eq!(admission.admit(2, address(2), |_| true), None);
        assert_eq!(admission.admit(3, address(3), |_| true), Some(1));
    }

    #[test]
    fn a_connection_that_has_gone_is_never_chosen() {
        let mut admission = Admission::new(2);
        admission.admit(1, address(1), |_| true);
        admission.admit(2, address(2), |_| true);
        assert_eq!(
            admission.admit(3, address(3), |connection| connection != 1),
            Some(2)
        );
    }

    #[test]
    fn one_network_cannot_take_more_than_its_share() {
        let mut admission = Admission::new(100_000);
        let within = (0..FROM_ONE_NETWORK as u64)
            .filter_map(|number| admission.admit(number, address(1), |_| true));
        assert_eq!(within.count(), 0);
        assert_eq!(admission.admit(5000, address(1), |_| true), Some(0));
        assert_eq!(admission.admit(5001, address(2), |_| true), None);
    }

    #[test]
    fn a_load_balancer_may_take_every_place() {
        let mut admission = Admission::new(5000);
        admission.set_behind_proxy(true);
        let dropped = (0..5000).filter_map(|number| admission.admit(number, address(1), |_| true));
        assert_eq!(dropped.count(), 0);
        assert_eq!(admission.admit(5000, address(1), |_| true), Some(0));
    }

    #[test]
    fn addresses_of_one_ipv6_customer_share_one_count() {
        let first: IpAddr = "2001:db8::1".parse().expect("a literal");
        let second: IpAddr = "2001:db8::ffff:1".parse().expect("a literal");
        let other: IpAddr = "2001:db8:0:1::1".parse().expect("a literal");
        assert_eq!(network_of(first), network_of(second));
        assert_ne!(network_of(first), network_of(other));
    }

    #[test]
    fn memory_stays_bounded_while_connections_come_and_go() {
        let mut admission = Admission::new(100);
        for number in 0..10_000 {
            admission.admit(number, address(1), |waiting| waiting == number);
            admission.release(address(1), |waiting| waiting == number);
        }
        assert!(admission.order.len() < 200);
        assert!(admission.networks.len() <= 1);
    }
}
