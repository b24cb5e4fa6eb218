//! Recorded datagrams, handshakes that succeed with the keys of the fuzz functions, and variants of both.

use std::time::Duration;

use dtls::testing::{Client, ClientConfig, association_pair};
use dtls::{
    Association, Cipher, ContentType, DEFAULT_PSK_PREFERENCE, Flight, Handshake, MasterSecret,
    Outcome, Psk, ResumptionSuite, TAG, peek_client_hello,
};

use crate::common::recorded;
use crate::{Seed, behind, seed, with, with_lengths};

fn from_client(recording: &str) -> Vec<Vec<u8>> {
    let datagrams = recorded(recording).into_iter();
    datagrams
        .filter(|(direction, _)| *direction == '>')
        .map(|(_, datagram)| datagram)
        .collect()
}

fn old_client_hello() -> Vec<u8> {
    let mut config = ClientConfig::psk(&[], Psk::new([4; 32]));
    config.old_app_id = Some(vec![5; 16]);
    Client::new(config).retransmit().remove(0)
}

/// A recorded hello with other bytes for its extension block, all lengths set right.
fn with_extensions(hello: &[u8], extensions: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 113;
    let mut bytes = hello[..BLOCK].to_vec();
    bytes.extend((extensions.len() as u16).to_be_bytes());
    bytes.extend(extensions);
    let (record, message) = ((bytes.len() - 13) as u16, (bytes.len() - 25) as u16);
    bytes[11..13].copy_from_slice(&record.to_be_bytes());
    bytes[15..17].copy_from_slice(&message.to_be_bytes());
    bytes[23..25].copy_from_slice(&message.to_be_bytes());
    bytes
}

pub fn client_hello() -> Vec<Seed> {
    let hello = from_client("psk-gnutls").remove(0);
    let hvr = recorded("hvr-gnutls");
    let many: Vec<u8> = (0..65).flat_map(|kind| [0x55, kind, 0, 0]).collect();
    vec![
        seed("psk-gnutls", hello.clone()),
        seed("psk-openssl", from_client("psk-openssl").remove(0)),
        seed("psk-with-cookie-gnutls", hvr[2].1.clone()),
        seed("resume-gnutls", from_client("resume-gnutls").remove(0)),
        seed("resume-openssl", from_client("resume-openssl").remove(0)),
        seed("psk-old-app-id", old_client_hello()),
        seed("hello-verify-request", hvr[1].1.clone()),
        seed("server-hello", hvr[3].1.clone()),
        seed("client-hello-all-zero-random", with(&hello, 27, &[0; 32])),
        seed("client-hello-fragment", with(&hello, 24, &[hello[24] - 1])),
        seed("client-hello-epoch-1", with(&hello, 4, &[1])),
        seed(
            "client-hello-sequence-at-its-end",
            with(&hello, 5, &[0xff; 6]),
        ),
        seed("client-hello-dtls-0.9", with(&hello, 1, &[1, 0])),
        seed("client-hello-version-1.0", with(&hello, 26, &[0xff])),
        seed("client-hello-session-id-33", with(&hello, 59, &[33])),
        seed(
            "client-hello-odd-suites",
            with(&hello, 94, &[hello[94] - 1]),
        ),
        seed("client-hello-suites-65535", with(&hello, 93, &[0xff, 0xff])),
        seed("client-hello-length-16777215", with(&hello, 14, &[0xff; 3])),
        seed("client-hello-trailing-byte", behind_it(&hello, &[0])),
        seed("client-hello-cut", &hello[..100]),
        seed("client-hello-no-extensions", with_extensions(&hello, &[])),
        seed(
            "client-hello-repeated-extension",
            with_extensions(&hello, &[0, 23, 0, 0, 0, 23, 0, 0]),
        ),
        seed("client-hello-65-extensions", with_extensions(&hello, &many)),
        seed(
            "client-hello-extension-65535",
            with_extensions(&hello, &[0, 1, 0xff, 0xff, 0]),
        ),
        seed(
            "client-hello-old-app-id-empty",
            with_extensions(&hello, &[0xbb, 0x92, 0, 1, 0]),
        ),
    ]
}

fn behind_it(bytes: &[u8], more: &[u8]) -> Vec<u8> {
    [bytes, more].concat()
}

/// What a client says to a server that has the keys of the fuzz function.
fn conversation(
    config: ClientConfig,
    accept: impl Fn(&[u8]) -> (Handshake, Flight),
) -> Vec<Vec<u8>> {
    let mut client = Client::new(config);
    let mut said = client.retransmit();
    let (mut handshake, first) = accept(&said[0]);
    let mut open = client.handle_datagram(&first);
    while !open.is_empty() {
        let mut answers = Vec::new();
        for datagram in open {
            said.push(datagram.clone());
            let keys = [Psk::new([4; 32])];
            match handshake.handle_datagram(&mut datagram.clone(), &keys, Duration::ZERO) {
                Outcome::Send(flight) => answers.push(flight.to_vec()),
                Outcome::Established(established) => {
                    answers.extend(established.flight.map(|flight| flight.to_vec()));
                }
                Outcome::Ignore => {}
            }
        }
        let answers = answers.iter();
        open = answers
            .flat_map(|answer| client.handle_datagram(answer))
            .collect();
    }
    assert!(client.is_established(), "the handshake succeeds");
    said
}

fn psk_conversation(change: impl Fn(&mut ClientConfig)) -> Vec<Vec<u8>> {
    let mut config = ClientConfig::psk(&[0xa1; 32], Psk::new([4; 32]));
    change(&mut config);
    conversation(config, |hello| {
        let hello = peek_client_hello(hello).expect("a hello");
        Handshake::accept_psk(&hello, &DEFAULT_PSK_PREFERENCE, &[2; 32], Duration::ZERO)
            .expect("it is accepted")
    })
}

fn resumption_conversation(split: bool) -> Vec<Vec<u8>> {
    let suite = ResumptionSuite::from_name("AES128-GCM-SHA256").expect("a known suite");
    let master = MasterSecret::new([3; 48]);
    let mut config =
        ClientConfig::resumption(&[0xa1; 32], master.clone(), suite.cipher(), suite.wire());
    config.split_flights = split;
    conversation(config, |hello| {
        let hello = peek_client_hello(hello).expect("a hello");
        Handshake::accept_resumption(&hello, &master, suite, &[2; 32], Duration::ZERO)
            .expect("it is accepted")
    })
}

pub fn handshake() -> Vec<Seed> {
    let only = |cipher: Cipher| {
        with_lengths(&psk_conversation(|config| {
            config.suites = vec![cipher.psk_suite()]
        }))
    };
    let psk = psk_conversation(|_| {});
    let (hello, flight) = (&psk[0], &psk[1]);
    let split = psk_conversation(|config| config.split_flights = true);
    let reversed: Vec<_> = [&split[0]]
        .into_iter()
        .chain(split[1..].iter().rev())
        .collect();
    let alert = b"\x15\xfe\xfd\0\0\0\0\0\0\0\x09\0\x02\x02\x28";
    let last = flight.len() - 1;
    let after_hello = |datagram: &[u8]| with_lengths(&[&hello[..], datagram]);
    vec![
        seed("psk-aes128", only(Cipher::Aes128Gcm)),
        seed("psk-aes256", only(Cipher::Aes256Gcm)),
        seed("psk-chacha20", only(Cipher::ChaCha20Poly1305)),
        seed(
            "psk-extended-master-secret",
            with_lengths(&psk_conversation(|config| {
                config.extended_master_secret = true
            })),
        ),
        seed("psk-one-record-a-datagram", with_lengths(&split)),
        seed("psk-records-reversed", with_lengths(&reversed)),
        seed("psk-flight-twice", with_lengths(&[hello, flight, flight])),
        seed("psk-hello-twice", with_lengths(&[hello, hello, flight])),
        seed(
            "psk-alert-between",
            with_lengths(&[&hello[..], alert, flight]),
        ),
        seed(
            "psk-finished-tampered",
            after_hello(&with(flight, last, &[flight[last] ^ 1])),
        ),
        seed(
            "psk-identity-length-65535",
            after_hello(&with(flight, 25, &[0xff, 0xff])),
        ),
        seed(
            "psk-key-exchange-fragment",
            after_hello(&with(flight, 24, &[4])),
        ),
        seed(
            "psk-key-exchange-length-16777215",
            after_hello(&with(flight, 14, &[0xff; 3])),
        ),
        seed("psk-change-cipher-spec-first", after_hello(&flight[30..])),
        seed("psk-flight-cut", after_hello(&flight[..last])),
        seed(
            "psk-recorded-gnutls",
            with_lengths(&from_client("psk-gnutls")),
        ),
        seed(
            "psk-recorded-openssl",
            with_lengths(&from_client("psk-openssl")),
        ),
        seed("resumption", with_lengths(&resumption_conversation(false))),
        seed(
            "resumption-one-record-a-datagram",
            with_lengths(&resumption_conversation(true)),
        ),
        seed(
            "resumption-recorded-gnutls",
            with_lengths(&from_client("resume-gnutls")),
        ),
        seed("hello-alone", with_lengths(&[hello])),
        seed(
            "datagram-length-65535",
            behind_it(&with_lengths(&[hello]), &[0xff, 0xff, 0]),
        ),
    ]
}

fn sealed(association: &mut Association, content_type: ContentType, payload: &[u8]) -> Vec<u8> {
    let start = association.sealer.header_len();
    let mut buffer = vec![0; start + payload.len() + TAG];
    buffer[start..start + payload.len()].copy_from_slice(payload);
    let length = association
        .sealer
        .seal_in_place(content_type, &mut buffer, payload.len());
    length.expect("the key is fresh");
    buffer
}

pub fn association() -> Vec<Seed> {
    let client = |cipher| association_pair(cipher).expect("keys").1;
    let mut seeds = Vec::new();
    for (selector, name, cipher) in [
        (0, "aes128", Cipher::Aes128Gcm),
        (1, "aes256", Cipher::Aes256Gcm),
        (2, "chacha20", Cipher::ChaCha20Poly1305),
    ] {
        let mut association = client(cipher);
        let data = sealed(
            &mut association,
            ContentType::ApplicationData,
            b"\0inner packet",
        );
        let alert = sealed(&mut association, ContentType::Alert, &[1, 0]);
        seeds.push(seed(&format!("{name}-data"), behind(selector, &data)));
        let both = [&data[..], &alert].concat();
        seeds.push(seed(
            &format!("{name}-data-and-close-notify"),
            behind(selector, &both),
        ));
    }
    let mut association = client(Cipher::Aes128Gcm);
    let data = sealed(
        &mut association,
        ContentType::ApplicationData,
        b"\0inner packet",
    );
    let empty = sealed(&mut association, ContentType::ApplicationData, b"");
    let finished = sealed(&mut association, ContentType::Handshake, &[20; 24]);
    let change = sealed(&mut association, ContentType::ChangeCipherSpec, &[1]);
    let long = sealed(&mut association, ContentType::ApplicationData, &[0; 1400]);
    let last = data.len() - 1;
    let recording = recorded("psk-gnutls").pop().expect("a recording").1;
    for (name, datagram) in [
        ("empty-payload", empty),
        ("handshake-again", finished),
        ("change-cipher-spec", change),
        ("long-payload", long),
        ("replayed", [&data[..], &data].concat()),
        ("tampered-tag", with(&data, last, &[data[last] ^ 1])),
        ("sequence-at-its-end", with(&data, 5, &[0xff; 6])),
        ("epoch-0", with(&data, 4, &[0])),
        ("epoch-2", with(&data, 4, &[2])),
        ("version-1.0", with(&data, 2, &[0xff])),
        ("type-255", with(&data, 0, &[0xff])),
        ("record-length-0", with(&data, 11, &[0, 0])),
        (
            "record-length-23",
            [&with(&data, 11, &[0, 23])[..36], &data].concat(),
        ),
        ("record-length-65535", with(&data, 11, &[0xff, 0xff])),
        ("other-keys", recording),
        ("empty-datagram", Vec::new()),
    ] {
        seeds.push(seed(name, behind(0, &datagram)));
    }
    seeds
}
