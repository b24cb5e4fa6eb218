//! Whole handshakes on a perfect network, and those that must not succeed.

mod common;

use common::*;
use dtls::testing::ClientConfig;
use dtls::{
    Cipher, DEFAULT_PSK_PREFERENCE, Handshake, Outcome, ResumptionSuite, peek_client_hello,
};

#[test]
fn every_cipher_completes_in_psk_mode_with_and_without_cookie_and_extended_master_secret() {
    for cipher in DEFAULT_PSK_PREFERENCE {
        for (with_cookie, extended_master_secret, split_flights) in [
            (false, false, false),
            (true, false, true),
            (false, true, true),
            (true, true, false),
        ] {
            let mut config = ClientConfig::psk(&APP_ID, psk(1));
            config.suites = vec![cipher.psk_suite()];
            config.extended_master_secret = extended_master_secret;
            config.split_flights = split_flights;
            let (mut client, mut server) = psk_pair(config, &[psk(1)], with_cookie);
            run(&mut client, &mut server);
            assert!(client.is_established() && !client.has_failed());
            assert_eq!(
                server.association.as_ref().map(dtls::Association::cipher),
                Some(cipher)
            );
            assert_tunnel(&mut client, &mut server);
        }
    }
}

#[test]
fn every_agreed_name_completes_in_resumption_mode() {
    let names = [
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "OC-DTLS1_2-AES128-GCM",
        "OC-DTLS1_2-AES256-GCM",
        "OC2-DTLS1_2-CHACHA20-POLY1305",
    ];
    for (name, with_cookie) in names
        .into_iter()
        .flat_map(|name| [(name, false), (name, true)])
    {
        let (mut client, mut server) = resumption_pair(name, with_cookie);
        run(&mut client, &mut server);
        assert!(client.is_established() && !client.has_failed(), "{name}");
        assert_tunnel(&mut client, &mut server);
    }
}

#[test]
fn the_servers_preference_decides() {
    let config = ClientConfig::psk(&APP_ID, psk(1));
    let mode = Mode::Psk(
        vec![psk(1)],
        vec![Cipher::ChaCha20Poly1305, Cipher::Aes128Gcm],
    );
    let (mut client, mut server) = (dtls::testing::Client::new(config), Server::new(mode, false));
    run(&mut client, &mut server);
    assert_eq!(
        server.association.map(|association| association.cipher()),
        Some(Cipher::ChaCha20Poly1305)
    );
}

#[test]
fn a_client_that_still_uses_an_older_psk_is_recognised_by_its_finished() {
    for (position, stale) in [psk(3), psk(2), psk(1)].into_iter().enumerate() {
        let config = ClientConfig::psk(&APP_ID, stale);
        let (mut client, mut server) = psk_pair(config, &[psk(3), psk(2), psk(1)], false);
        run(&mut client, &mut server);
        assert_eq!(server.candidate, Some(position));
        assert_tunnel(&mut client, &mut server);
    }
}

#[test]
fn a_wrong_psk_gets_neither_an_association_nor_an_answer() {
    let (mut client, mut server) =
        psk_pair(ClientConfig::psk(&APP_ID, psk(8)), &[psk(1), psk(2)], false);
    let hello = client.retransmit().remove(0);
    let flight = server.handle(&hello).0.expect("server flight");
    for datagram in client.handle_datagram(&flight) {
        assert_eq!(server.handle(&datagram), (None, Vec::new()));
    }
    assert!(server.association.is_none());
}

#[test]
fn a_forged_finished_does_not_stop_the_true_client() {
    let (mut client, mut server) = psk_pair(ClientConfig::psk(&APP_ID, psk(1)), &[psk(1)], false);
    let hello = client.retransmit().remove(0);
    let flight = server.handle(&hello).0.expect("server flight");
    let genuine = client.handle_datagram(&flight).remove(0);
    // A byte of the identity, then bytes all over the Finished record, which is the last 61.
    let in_finished = (genuine.len() - 61..genuine.len()).step_by(6);
    for at in std::iter::once(28).chain(in_finished) {
        let mut forged = genuine.clone();
        forged[at] ^= 1;
        assert!(server.handle(&forged).0.is_none(), "byte {at}");
    }
    let again = client.retransmit().remove(0);
    let finished = server.handle(&again).0.expect("last flight");
    client.handle_datagram(&finished);
    assert_tunnel(&mut client, &mut server);
}

#[test]
fn forged_finished_records_are_tried_a_bounded_number_of_times() {
    let (mut client, mut server) = psk_pair(ClientConfig::psk(&APP_ID, psk(1)), &[psk(1)], false);
    let hello = client.retransmit().remove(0);
    let flight = server.handle(&hello).0.expect("server flight");
    let genuine = client.handle_datagram(&flight).remove(0);
    let mut forged = genuine.clone();
    *forged.last_mut().expect("not empty") ^= 1;
    for _ in 0..dtls::MAX_FINISHED_ATTEMPTS {
        assert!(server.handle(&forged).0.is_none());
    }
    assert!(
        server.handle(&genuine).0.is_none(),
        "this attempt is used up; the client's next one is not"
    );
}

#[test]
fn every_truncation_of_every_datagram_is_survived_and_never_establishes() {
    let (mut client, mut server) = psk_pair(ClientConfig::psk(&APP_ID, psk(1)), &[psk(1)], true);
    let mut to_server = client.retransmit();
    for _ in 0..3 {
        let datagram = to_server.remove(0);
        for len in 0..datagram.len() {
            assert!(
                server.handle(&datagram[..len]).0.is_none(),
                "{len} of {}",
                datagram.len()
            );
            assert!(server.association.is_none());
        }
        let answer = server.handle(&datagram).0.expect("answer");
        (0..answer.len()).for_each(|len| assert!(peek_client_hello(&answer[..len]).is_none()));
        to_server = client.handle_datagram(&answer);
    }
    assert!(client.is_established());
}

#[test]
fn a_cookie_is_good_for_one_address_one_hello_and_two_periods() {
    let mut client = dtls::testing::Client::new(ClientConfig::psk(&APP_ID, psk(1)));
    let mut cookies = dtls::CookieSecrets::new(dtls::CookieSecret::new(&[1; 32]));
    let first = client.retransmit().remove(0);
    let hello = peek_client_hello(&first).expect("hello");
    assert!(!cookies.verify_cookie(&hello, ADDRESS));
    let request = cookies.hello_verify_request(&hello, ADDRESS);
    assert!(request.len() < first.len());
    let second = client.handle_datagram(&request).remove(0);
    let hello = peek_client_hello(&second).expect("hello");
    assert!(cookies.verify_cookie(&hello, ADDRESS));
    assert!(!cookies.verify_cookie(&hello, b"192.0.2.2:40000"));
    let mut other = second.clone();
    other[13 + 12 + 2] ^= 1;
    assert!(!cookies.verify_cookie(&peek_client_hello(&other).expect("hello"), ADDRESS));
    cookies.rotate(dtls::CookieSecret::new(&[2; 32]));
    assert!(cookies.verify_cookie(&hello, ADDRESS));
    cookies.rotate(dtls::CookieSecret::new(&[3; 32]));
    assert!(!cookies.verify_cookie(&hello, ADDRESS));
}

#[test]
fn a_hello_without_a_common_suite_or_session_id_is_refused() {
    let mut config = ClientConfig::psk(&APP_ID, psk(1));
    config.suites = vec![0x008d];
    let hello = dtls::testing::Client::new(config).retransmit().remove(0);
    let view = peek_client_hello(&hello).expect("hello");
    let refused = Handshake::accept_psk(&view, &DEFAULT_PSK_PREFERENCE, &[2; 32], NOW);
    assert!(matches!(refused, Err(dtls::Refusal::NoCommonSuite)));

    let suite = ResumptionSuite::from_name("AES128-GCM-SHA256").expect("known");
    let master = dtls::MasterSecret::new([1; 48]);
    let config = ClientConfig::resumption(&[], master.clone(), suite.cipher(), suite.wire());
    let hello = dtls::testing::Client::new(config).retransmit().remove(0);
    let view = peek_client_hello(&hello).expect("hello");
    let refused = Handshake::accept_resumption(&view, &master, suite, &[2; 32], NOW);
    assert!(matches!(refused, Err(dtls::Refusal::NoSessionId)));
}

#[test]
fn another_clients_hello_leaves_the_handshake_alone() {
    let hello = dtls::testing::Client::new(ClientConfig::psk(&APP_ID, psk(1)))
        .retransmit()
        .remove(0);
    let view = peek_client_hello(&hello).expect("hello");
    let (mut handshake, _) =
        Handshake::accept_psk(&view, &DEFAULT_PSK_PREFERENCE, &[2; 32], NOW).expect("accepted");
    let mut other = ClientConfig::psk(&APP_ID, psk(1));
    other.random = [0x33; 32];
    let mut other = dtls::testing::Client::new(other).retransmit().remove(0);
    assert!(matches!(
        handshake.handle_datagram(&mut other, &[psk(1)], NOW),
        Outcome::Ignore
    ));
}

#[test]
fn a_handshake_fits_in_two_kilobytes_and_expires() {
    assert!(
        size_of::<Handshake>() <= 2048,
        "{} bytes",
        size_of::<Handshake>()
    );
    let hello = dtls::testing::Client::new(ClientConfig::psk(&APP_ID, psk(1)))
        .retransmit()
        .remove(0);
    let view = peek_client_hello(&hello).expect("hello");
    let (handshake, _) =
        Handshake::accept_psk(&view, &DEFAULT_PSK_PREFERENCE, &[2; 32], NOW).expect("accepted");
    assert!(!handshake.is_expired(NOW + dtls::HANDSHAKE_LIFETIME));
    assert!(handshake.is_expired(NOW + dtls::HANDSHAKE_LIFETIME * 2));
}
