//! Handshakes over a network that loses, repeats and reorders each datagram.

mod common;

use common::*;
use dtls::testing::{Client, ClientConfig};
use proptest::prelude::*;

/// What the network does to a datagram.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrive,
    Lose,
    Repeat,
    /// Comes after the next one.
    Delay,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![3 => Just(Fate::Arrive), 2 => Just(Fate::Lose), 2 => Just(Fate::Repeat), 2 => Just(Fate::Delay)];
    prop::collection::vec(fate, 0..24)
}

struct Network {
    fates: std::vec::IntoIter<Fate>,
    delayed: Vec<Vec<u8>>,
}

impl Network {
    fn carry(&mut self, datagrams: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut arrived = Vec::new();
        for datagram in datagrams {
            match self.fates.next().unwrap_or(Fate::Arrive) {
                Fate::Arrive => arrived.push(datagram),
                Fate::Lose => {}
                Fate::Repeat => arrived.extend([datagram.clone(), datagram]),
                Fate::Delay => {
                    self.delayed.push(datagram);
                    continue;
                }
            }
            arrived.append(&mut self.delayed);
        }
        arrived
    }
}

/// The client's timer fires whenever the network has fallen silent. Gives whether both sides ended up with a tunnel.
fn converge(client: &mut Client, server: &mut Server, fates: Vec<Fate>, resumption: bool) -> bool {
    let mut network = Network {
        fates: fates.into_iter(),
        delayed: Vec::new(),
    };
    for _ in 0..30 {
        let timer = if client.is_established() && resumption {
            // In a resumption the client speaks last and has no timer: it sends data, which the server cannot use yet.
            client.seal(b"\0probe").into_iter().collect()
        } else {
            client.retransmit()
        };
        let mut to_server = network.carry(timer);
        while !to_server.is_empty() {
            let answers = to_server
                .iter()
                .filter_map(|datagram| server.handle(datagram).0)
                .collect();
            let to_client = network.carry(answers);
            let answers = to_client
                .iter()
                .flat_map(|datagram| client.handle_datagram(datagram))
                .collect();
            to_server = network.carry(answers);
        }
        if client.is_established() && server.association.is_some() {
            return true;
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn psk_mode_converges_whatever_happens_to_the_datagrams(
        schedule in fates(), cookie: bool, split_flights: bool, extended_master_secret: bool,
    ) {
        let mut config = ClientConfig::psk(&APP_ID, psk(1));
        config.split_flights = split_flights;
        config.extended_master_secret = extended_master_secret;
        let (mut client, mut server) = psk_pair(config, &[psk(2), psk(1)], cookie);
        prop_assert!(converge(&mut client, &mut server, schedule, false));
        prop_assert!(!client.has_failed());
        assert_tunnel(&mut client, &mut server);
    }

    #[test]
    fn resumption_mode_converges_whatever_happens_to_the_datagrams(schedule in fates(), cookie: bool) {
        let (mut client, mut server) = resumption_pair("AES128-GCM-SHA256", cookie);
        prop_assert!(converge(&mut client, &mut server, schedule, true));
        prop_assert!(!client.has_failed());
        assert_tunnel(&mut client, &mut server);
    }
}

#[test]
fn the_last_flight_is_sent_again_after_completion_until_it_is_forgotten() {
    let (mut client, mut server) = psk_pair(ClientConfig::psk(&APP_ID, psk(1)), &[psk(1)], false);
    let hello = client.retransmit().remove(0);
    let flight = server.handle(&hello).0.expect("server flight");
    let key_exchange = client.handle_datagram(&flight).remove(0);
    let lost = server.handle(&key_exchange).0.expect("last flight");
    let again = client.retransmit().remove(0);
    let answer = server.handle(&again).0.expect("last flight again");
    assert_ne!(lost, answer, "fresh record numbers");
    client.handle_datagram(&answer);
    assert_tunnel(&mut client, &mut server);
    let sealer = &mut server.association.as_mut().expect("established").sealer;
    assert!(
        sealer
            .resend_last_flight(NOW + dtls::LAST_FLIGHT_LIFETIME)
            .is_some()
    );
    assert!(
        sealer
            .resend_last_flight(NOW + dtls::LAST_FLIGHT_LIFETIME * 2)
            .is_none()
    );
}

#[test]
fn a_replayed_client_flight_gets_no_answer_after_completion() {
    let (mut client, mut server) = psk_pair(ClientConfig::psk(&APP_ID, psk(1)), &[psk(1)], false);
    let hello = client.retransmit().remove(0);
    let flight = server.handle(&hello).0.expect("server flight");
    let key_exchange = client.handle_datagram(&flight).remove(0);
    server.handle(&key_exchange).0.expect("last flight");
    assert!(server.handle(&key_exchange).0.is_none());
}

#[test]
fn a_flight_is_sent_again_a_bounded_number_of_times() {
    let (mut client, mut server) = psk_pair(ClientConfig::psk(&APP_ID, psk(1)), &[psk(1)], false);
    let hello = client.retransmit().remove(0);
    let answers = (0..1000)
        .filter(|_| server.handle(&hello).0.is_some())
        .count();
    assert_eq!(answers, 1 + usize::from(dtls::MAX_RESENDS));
}
