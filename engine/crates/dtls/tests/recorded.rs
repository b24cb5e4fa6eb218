//! Datagrams recorded between stock clients and other servers.

mod common;

use common::*;
use dtls::{
    Cipher, DEFAULT_PSK_PREFERENCE, Handshake, MasterSecret, Outcome, ResumptionSuite,
    peek_client_hello,
};

#[test]
fn the_recorded_client_hellos_are_read_as_they_were_meant() {
    for name in ["psk-gnutls", "psk-openssl", "hvr-gnutls", "hvr-openssl"] {
        let datagrams = recorded(name);
        let hello = peek_client_hello(&datagrams[0].1).expect("hello");
        assert_eq!(hello.app_id().map(<[u8]>::len), Some(32));
        assert!(hello.cookie().is_empty());
        assert!(
            DEFAULT_PSK_PREFERENCE
                .iter()
                .all(|cipher| hello.offers(cipher.psk_suite()))
        );
    }
}

#[test]
fn resuming_clients_offer_the_suite_that_the_name_stands_for() {
    for name in ["resume-gnutls", "resume-openssl"] {
        let datagrams = recorded(name);
        let hello = peek_client_hello(&datagrams[0].1).expect("hello");
        let suite = ResumptionSuite::from_name("AES256-GCM-SHA384").expect("known");
        assert!(hello.offers(suite.wire()));
        let accepted =
            Handshake::accept_resumption(&hello, &MasterSecret::new([0; 48]), suite, &[1; 32], NOW);
        let (mut handshake, flight) = accepted.expect("accepted");
        assert_eq!(
            flight[13 + 12 + 2 + 32..][..33],
            [&[32], hello.session_id()].concat()
        );
        // The recording leaves out the master secret, so its Finished cannot be right here.
        let finished = datagrams
            .iter()
            .filter(|(direction, _)| *direction == '>')
            .nth(1)
            .expect("client flight");
        assert!(matches!(
            handshake.handle_datagram(&mut finished.1.clone(), &[], NOW),
            Outcome::Ignore
        ));
    }
}

#[test]
fn after_a_cookie_our_flight_equals_the_recorded_one_byte_by_byte() {
    let datagrams = recorded("hvr-gnutls");
    let second = peek_client_hello(&datagrams[2].1).expect("hello");
    assert_eq!(second.cookie().len(), 16);
    let (_, theirs) = &datagrams[3];
    let server_random = theirs[13 + 12 + 2..][..32].try_into().expect("length");
    let (_, ours) =
        Handshake::accept_psk(&second, &[Cipher::Aes256Gcm], server_random, NOW).expect("accepted");
    assert_eq!(&ours[..], &theirs[..]);
}

#[test]
fn our_hello_verify_request_differs_from_the_recorded_one_in_the_cookie_alone() {
    for name in ["hvr-gnutls", "hvr-openssl"] {
        let datagrams = recorded(name);
        let hello = peek_client_hello(&datagrams[0].1).expect("hello");
        let ours = dtls::CookieSecrets::new(dtls::CookieSecret::new(&[1; 32]))
            .hello_verify_request(&hello, ADDRESS);
        let cookie_at = ours.len() - dtls::COOKIE_LEN;
        assert_eq!(ours[..cookie_at], datagrams[1].1[..cookie_at]);
        assert_eq!(ours.len(), datagrams[1].1.len());
    }
}

#[test]
fn recorded_client_flights_are_understood_but_do_not_pass_without_their_key() {
    for name in ["psk-gnutls", "psk-openssl", "hvr-gnutls", "hvr-openssl"] {
        let client: Vec<_> = recorded(name)
            .into_iter()
            .filter(|(direction, _)| *direction == '>')
            .collect();
        let (hellos, rest): (Vec<_>, Vec<_>) = client
            .iter()
            .partition(|(_, datagram)| peek_client_hello(datagram).is_some());
        let hello = peek_client_hello(&hellos.last().expect("hello").1).expect("hello");
        let (mut handshake, _) =
            Handshake::accept_psk(&hello, &[Cipher::Aes256Gcm], &[1; 32], NOW).expect("accepted");
        for (_, datagram) in rest {
            assert!(matches!(
                handshake.handle_datagram(&mut datagram.clone(), &[psk(1)], NOW),
                Outcome::Ignore
            ));
        }
    }
}

#[test]
fn an_old_client_names_its_session_in_extension_48018() {
    let mut config = dtls::testing::ClientConfig::psk(&[], psk(1));
    config.old_app_id = Some(vec![5; 16]);
    let datagram = dtls::testing::Client::new(config).retransmit().remove(0);
    assert_eq!(
        peek_client_hello(&datagram).expect("hello").app_id(),
        Some(&[5; 16][..])
    );
}

#[test]
fn hostile_variants_of_a_recorded_hello_are_refused() {
    let genuine = recorded("psk-gnutls").remove(0).1;
    let refused = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut datagram = genuine.clone();
        change(&mut datagram);
        assert!(peek_client_hello(&datagram).is_none(), "{name}");
    };
    refused("all-zero random", &|bytes| bytes[27..59].fill(0));
    refused("fragment of a hello", &|bytes| bytes[24] -= 1);
    refused("epoch one", &|bytes| bytes[4] = 1);
    refused("dtls 0.9", &|bytes| bytes[1..3].copy_from_slice(&[1, 0]));
    refused("client version 1.0", &|bytes| bytes[26] = 0xff);
    refused("session id of 33 bytes", &|bytes| bytes[59] = 33);
    refused("odd length of suites", &|bytes| bytes[94] -= 1);
    refused("trailing byte", &|bytes| bytes.push(0));
    refused("no null compression", &|bytes| bytes[112] = 1);
    refused("renegotiation_info with content", &|bytes| bytes[161] = 1);
}
