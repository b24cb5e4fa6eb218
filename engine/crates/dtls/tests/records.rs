//! The record layer after the handshake.

mod common;

use common::seal;
use dtls::testing::association_pair;
use dtls::{Alert, Cipher, Content, ContentType, DEFAULT_PSK_PREFERENCE, Discard, SealError};
use proptest::prelude::*;

#[test]
fn a_record_is_longer_than_its_packet_by_the_constants_of_the_mtu_arithmetic() {
    for (cipher, overhead) in [
        (Cipher::Aes128Gcm, 37),
        (Cipher::Aes256Gcm, 37),
        (Cipher::ChaCha20Poly1305, 29),
    ] {
        let (mut server, _) = association_pair(cipher).expect("pair");
        assert_eq!(server.sealer.overhead(), overhead);
        assert_eq!(seal(&mut server, &[0; 100]).len(), 100 + overhead);
        assert_eq!(server.sealer.sealed_records(), 1);
    }
}

#[test]
fn a_layout_without_room_is_refused_and_uses_no_number() {
    let (mut server, _) = association_pair(Cipher::Aes128Gcm).expect("pair");
    let mut buffer = vec![0; 37 + 9];
    assert_eq!(
        server
            .sealer
            .seal_in_place(ContentType::ApplicationData, &mut buffer, 10),
        Err(SealError::BadLayout)
    );
    let mut large = vec![0; 20000];
    assert_eq!(
        server
            .sealer
            .seal_in_place(ContentType::ApplicationData, &mut large, 16385),
        Err(SealError::BadLayout)
    );
    assert_eq!(server.sealer.sealed_records(), 0);
}

#[test]
fn a_replayed_record_and_a_record_below_the_window_are_dropped() {
    let (mut server, mut client) = association_pair(Cipher::Aes128Gcm).expect("pair");
    let mut old = seal(&mut client, b"old");
    let mut first = seal(&mut client, b"first");
    assert!(
        server
            .opener
            .open_in_place(&mut first.clone())
            .expect("fresh")
            .advanced_window
    );
    assert_eq!(
        server.opener.open_in_place(&mut first),
        Err(Discard::Replayed)
    );
    for _ in 0..dtls::REPLAY_WINDOW {
        let mut record = seal(&mut client, b"more");
        server.opener.open_in_place(&mut record).expect("fresh");
    }
    assert_eq!(
        server.opener.open_in_place(&mut old),
        Err(Discard::Replayed)
    );
}

#[test]
fn a_forged_record_does_not_move_the_window() {
    let (mut server, mut client) = association_pair(Cipher::Aes256Gcm).expect("pair");
    let genuine = seal(&mut client, b"packet");
    let mut forged = genuine.clone();
    // A far number would push everything else below the window.
    forged[7] = 0xff;
    assert_eq!(
        server.opener.open_in_place(&mut forged),
        Err(Discard::Forged)
    );
    assert_eq!(server.opener.forged_records(), 1);
    assert!(server.opener.open_in_place(&mut genuine.clone()).is_ok());
}

#[test]
fn records_of_other_epochs_are_dropped_before_any_decryption() {
    let (mut server, mut client) = association_pair(Cipher::Aes128Gcm).expect("pair");
    let genuine = seal(&mut client, b"packet");
    for epoch in [0, 2, 255] {
        let mut record = genuine.clone();
        record[4] = epoch;
        assert_eq!(
            server.opener.open_in_place(&mut record),
            Err(Discard::WrongEpoch)
        );
    }
    assert_eq!(server.opener.forged_records(), 0);
}

#[test]
fn close_notify_is_surfaced_and_ends_the_association() {
    let (mut server, mut client) = association_pair(Cipher::ChaCha20Poly1305).expect("pair");
    let mut buffer = [0; 64];
    let start = client.sealer.header_len();
    buffer[start..start + 2].copy_from_slice(&[1, 0]);
    let len = client
        .sealer
        .seal_in_place(ContentType::Alert, &mut buffer, 2)
        .expect("sealed");
    let opened = server
        .opener
        .open_in_place(&mut buffer[..len])
        .expect("authentic");
    let Content::Alert(alert) = opened.content else {
        panic!("not an alert")
    };
    assert_eq!(
        alert,
        Alert {
            fatal: false,
            description: 0
        }
    );
    assert!(alert.ends_association());
}

#[test]
fn a_renegotiation_inside_the_association_is_dropped() {
    let (mut server, mut client) = association_pair(Cipher::Aes128Gcm).expect("pair");
    let mut buffer = [1; 200];
    let len = client
        .sealer
        .seal_in_place(ContentType::Handshake, &mut buffer, 100)
        .expect("sealed");
    assert_eq!(
        server.opener.open_in_place(&mut buffer[..len]),
        Err(Discard::Unexpected)
    );
}

#[test]
fn a_record_from_a_new_address_must_be_the_newest_and_failure_changes_nothing() {
    let (mut server, mut client) = association_pair(Cipher::Aes128Gcm).expect("pair");
    let (mut stranger, _) = association_pair(Cipher::Aes256Gcm).expect("pair");
    let mut scratch = [0; 256];
    let delayed = seal(&mut client, b"delayed");
    let mut newest = seal(&mut client, b"newest");
    server.opener.open_in_place(&mut newest).expect("fresh");
    assert_eq!(
        server.opener.open_from_new_address(&delayed, &mut scratch),
        Err(Discard::NotNewest)
    );
    let moved = seal(&mut client, b"moved");
    assert_eq!(
        stranger.opener.open_from_new_address(&moved, &mut scratch),
        Err(Discard::Forged)
    );
    assert_eq!(stranger.opener.forged_records(), 0);
    assert_eq!(
        server
            .opener
            .open_from_new_address(&moved, &mut scratch[..20]),
        Err(Discard::ScratchTooSmall)
    );
    let opened = server
        .opener
        .open_from_new_address(&moved, &mut scratch)
        .expect("authentic and newest");
    assert_eq!(&scratch[opened.payload], b"moved");
    assert_eq!(
        server.opener.open_from_new_address(&moved, &mut scratch),
        Err(Discard::Replayed)
    );
    assert!(
        server.opener.open_in_place(&mut delayed.clone()).is_ok(),
        "late, but from the known address"
    );
}

#[test]
fn a_datagram_gives_its_whole_records_and_nothing_of_a_broken_rest() {
    let (mut server, mut client) = association_pair(Cipher::Aes128Gcm).expect("pair");
    let mut datagram = [seal(&mut client, b"one"), seal(&mut client, b"two")].concat();
    let third = seal(&mut client, b"three");
    datagram.extend(&third[..third.len() - 1]);
    assert_eq!(dtls::records(&datagram).count(), 2);
    let opened = dtls::records_mut(&mut datagram)
        .filter_map(|record| server.opener.open_in_place(record).ok())
        .count();
    assert_eq!(opened, 2);
}

proptest! {
    #[test]
    fn any_packet_survives_the_round_trip(payload in prop::collection::vec(any::<u8>(), 0..2000), choice in 0usize..3) {
        let (mut server, mut client) = association_pair(DEFAULT_PSK_PREFERENCE[choice]).expect("pair");
        let mut record = seal(&mut server, &payload);
        let opened = client.opener.open_in_place(&mut record).expect("authentic");
        prop_assert_eq!(&record[opened.payload], &payload[..]);
    }

    #[test]
    fn any_changed_byte_is_noticed(at in 0usize..57, change in 1u8.., choice in 0usize..3) {
        let (mut server, mut client) = association_pair(DEFAULT_PSK_PREFERENCE[choice]).expect("pair");
        let mut record = seal(&mut client, &[7; 20]);
        let at = at % record.len();
        record[at] ^= change;
        prop_assert!(server.opener.open_in_place(&mut record).is_err());
    }

    #[test]
    fn no_bytes_make_a_parser_panic(data in prop::collection::vec(any::<u8>(), 0..400)) {
        dtls::fuzz::client_hello(&data);
        dtls::fuzz::handshake(&data);
        dtls::fuzz::association(&data);
    }

    #[test]
    fn no_change_of_a_recorded_datagram_makes_a_parser_panic(
        line in 0usize..8, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let exchange = common::recorded("hvr-openssl");
        let mut hello = exchange[2].1.clone();
        let mut later = exchange[line % exchange.len()].1.clone();
        for (index, value) in changes {
            let at = index.index(later.len());
            later[at] = value;
            let at = index.index(hello.len());
            dtls::fuzz::client_hello(&[&hello[..at], &[value], &hello[at + 1..]].concat());
        }
        let framed = |datagram: &[u8]| [&(datagram.len() as u16).to_be_bytes()[..], datagram].concat();
        dtls::fuzz::handshake(&[framed(&hello), framed(&later), framed(&later)].concat());
        dtls::fuzz::association(&[&[1], &later[..]].concat());
        hello.truncate(later.len());
        dtls::fuzz::client_hello(&hello);
    }
}
