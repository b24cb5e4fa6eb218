//! Records of both versions and all ciphers, and key updates.

use proptest::prelude::*;
use tls_records::{
    Alert, CSTP_HEADER, Cipher, ContentType, Control, Fatal, KEY_UPDATE_DUE, KEY_USABLE, KeyUse,
    MAX_KEY_UPDATES_WITHOUT_DATA, NextRecord, Opener, PacketType, SealError, Sealer, TrafficSecret,
    Version, next_record,
};

const ALL: [(Version, Cipher); 6] = [
    (Version::Tls12, Cipher::Aes128Gcm),
    (Version::Tls12, Cipher::Aes256Gcm),
    (Version::Tls12, Cipher::ChaCha20Poly1305),
    (Version::Tls13, Cipher::Aes128Gcm),
    (Version::Tls13, Cipher::Aes256Gcm),
    (Version::Tls13, Cipher::ChaCha20Poly1305),
];

fn key_of(cipher: Cipher) -> Vec<u8> {
    vec![7; if cipher == Cipher::Aes128Gcm { 16 } else { 32 }]
}

fn pair_at(version: Version, cipher: Cipher, sequence: u64) -> (Sealer, Opener) {
    let (key, iv) = (key_of(cipher), [9; 12]);
    let sealer = Sealer::new(version, cipher, &key, &iv, sequence).expect("lengths");
    (
        sealer,
        Opener::new(version, cipher, &key, &iv, sequence).expect("lengths"),
    )
}

/// Both start from the same secret, which fits their keys only after an update.
fn updatable_pair(cipher: Cipher, sequence: u64) -> (Sealer, Opener) {
    let secret = TrafficSecret::new(
        cipher,
        &vec![3; if cipher == Cipher::Aes256Gcm { 48 } else { 32 }],
    )
    .expect("length");
    let (sealer, opener) = pair_at(Version::Tls13, cipher, sequence);
    (
        sealer.with_traffic_secret(secret.clone()),
        opener.with_traffic_secret(secret),
    )
}

fn from_hex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).expect("digit"))
        .collect()
}

#[test]
fn the_application_record_of_rfc_8448_opens() {
    let (key, iv) = (
        from_hex("17422dda596ed5d9acd890e3c63f5051"),
        from_hex("5b78923dee08579033e523d9"),
    );
    let mut opener = Opener::new(Version::Tls13, Cipher::Aes128Gcm, &key, &iv, 0).expect("lengths");
    let mut record = from_hex(concat!(
        "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a",
        "2977014bd1e3deae63aeebb21694915e4",
    ));
    let opened = opener.open_in_place(&mut record).expect("authentic");
    assert_eq!(opened.content_type, ContentType::ApplicationData);
    assert_eq!(record[opened.payload], (0..50).collect::<Vec<u8>>());
}

#[test]
fn a_packet_becomes_one_record_in_place_with_nothing_copied() {
    for (version, cipher) in ALL {
        let (mut sealer, mut opener) = pair_at(version, cipher, 11);
        let payload = [0x45; 100];
        let (head, tail) = (sealer.packet_headroom(), sealer.packet_tailroom());
        let mut buffer = vec![0xff; head + payload.len() + tail];
        buffer[head..head + payload.len()].copy_from_slice(&payload);
        let len = sealer
            .seal_packet(&mut buffer, PacketType::Data, payload.len())
            .expect("sealed");
        assert_eq!(len, buffer.len());
        assert_eq!(next_record(&buffer), NextRecord::Record(len));
        let mut appended = Vec::new();
        let (mut other, _) = pair_at(version, cipher, 11);
        other
            .append_packet(&mut appended, PacketType::Data, &payload)
            .expect("sealed");
        assert_eq!(buffer, appended, "both ways make the same record");
        let opened = opener.open_in_place(&mut buffer).expect("authentic");
        assert_eq!(
            buffer[opened.payload.clone()][..CSTP_HEADER],
            *b"STF\x01\0\x64\0\0"
        );
        assert_eq!(buffer[opened.payload][CSTP_HEADER..], payload);
    }
}

#[test]
fn the_room_around_a_packet_is_what_version_and_cipher_need() {
    let rooms = ALL.map(|(version, cipher)| {
        let (sealer, _) = pair_at(version, cipher, 0);
        (sealer.packet_headroom(), sealer.packet_tailroom())
    });
    assert_eq!(
        rooms,
        [(21, 16), (21, 16), (13, 16), (13, 17), (13, 17), (13, 17)]
    );
}

#[test]
fn a_layout_without_room_is_refused_and_uses_no_number() {
    for (version, cipher) in ALL {
        let (mut sealer, _) = pair_at(version, cipher, 0);
        let room = sealer.packet_headroom() + sealer.packet_tailroom();
        for len in [0, 3, room, room + 9] {
            assert_eq!(
                sealer.seal_packet(&mut vec![0; len], PacketType::Data, 10),
                Err(SealError::BadLayout)
            );
        }
        assert_eq!(
            sealer.append_packet(&mut Vec::new(), PacketType::Data, &[0; 16377]),
            Err(SealError::BadLayout)
        );
        assert!(
            sealer
                .append_packet(&mut Vec::new(), PacketType::Data, &[0; 16376])
                .is_ok()
        );
        assert_eq!(sealer.sequence(), 1);
    }
}

#[test]
fn keys_of_the_wrong_length_are_refused() {
    assert!(Sealer::new(Version::Tls13, Cipher::Aes128Gcm, &[0; 32], &[0; 12], 0).is_err());
    assert!(Opener::new(Version::Tls13, Cipher::Aes256Gcm, &[0; 32], &[0; 8], 0).is_err());
}

#[test]
fn a_changed_repeated_or_skipped_record_is_fatal() {
    for (version, cipher) in ALL {
        let (mut sealer, mut opener) = pair_at(version, cipher, 0);
        let mut records = [Vec::new(), Vec::new(), Vec::new()];
        records.iter_mut().for_each(|out| {
            sealer
                .append_packet(out, PacketType::KeepAlive, &[])
                .expect("sealed")
        });
        for at in 5..records[0].len() {
            let mut changed = records[0].clone();
            changed[at] ^= 1;
            assert_eq!(opener.open_in_place(&mut changed), Err(Fatal::Unauthentic));
        }
        opener
            .open_in_place(&mut records[0].clone())
            .expect("authentic");
        assert_eq!(
            opener.open_in_place(&mut records[0].clone()),
            Err(Fatal::Unauthentic),
            "repeated"
        );
        assert_eq!(
            opener.open_in_place(&mut records[2].clone()),
            Err(Fatal::Unauthentic),
            "one skipped"
        );
    }
}

#[test]
fn records_that_cannot_come_after_the_handshake_are_fatal() {
    let (_, mut opener) = pair_at(Version::Tls13, Cipher::Aes128Gcm, 0);
    assert_eq!(
        opener.open_in_place(&mut [20, 3, 3, 0, 1, 1]),
        Err(Fatal::UnexpectedRecord),
        "ChangeCipherSpec"
    );
    assert_eq!(
        opener.open_in_place(&mut [21, 3, 3, 0, 2, 1, 0]),
        Err(Fatal::UnexpectedRecord),
        "plaintext alert"
    );
    assert_eq!(
        opener.open_in_place(&mut [23, 3, 3, 0, 9, 1, 1]),
        Err(Fatal::Malformed),
        "cut"
    );
    assert_eq!(opener.open_in_place(&mut []), Err(Fatal::Malformed));
    let (_, mut opener) = pair_at(Version::Tls12, Cipher::Aes128Gcm, 0);
    assert_eq!(
        opener.open_in_place(&mut [23, 3, 3, 0, 3, 1, 1, 1]),
        Err(Fatal::Malformed),
        "shorter than a tag"
    );
    assert_eq!(
        opener.open_in_place(&mut [20, 3, 3, 0, 1, 1]),
        Err(Fatal::UnexpectedRecord)
    );
}

#[test]
fn alerts_are_told_apart() {
    let (mut sealer, mut opener) = pair_at(Version::Tls13, Cipher::Aes128Gcm, 0);
    let mut record = Vec::new();
    sealer.append_alert(&mut record, 0).expect("sealed");
    let opened = opener.open_in_place(&mut record).expect("authentic");
    assert_eq!(record[opened.payload.clone()], [1, 0]);
    assert_eq!(
        opener.handle_control(opened.content_type, &record[opened.payload]),
        Ok(Control::PeerClosed)
    );
    let internal = Alert {
        level: 2,
        description: 80,
    };
    assert_eq!(
        opener.handle_control(ContentType::Alert, &[2, 80]),
        Err(Fatal::Alert(internal))
    );
    assert_eq!(
        opener.handle_control(ContentType::Alert, &[1, 90]),
        Ok(Control::Nothing)
    );
    assert_eq!(
        opener.handle_control(ContentType::Alert, &[2]),
        Err(Fatal::Malformed)
    );
}

#[test]
fn a_renegotiation_in_tls_1_2_and_any_other_message_in_tls_1_3_is_fatal() {
    let (_, mut old) = pair_at(Version::Tls12, Cipher::Aes128Gcm, 0);
    for message in [&[1, 0, 0, 0][..], &[24, 0, 0, 1, 0], &[0, 0, 0, 0]] {
        assert_eq!(
            old.handle_control(ContentType::Handshake, message),
            Err(Fatal::UnexpectedMessage)
        );
    }
    let (_, mut new) = updatable_pair(Cipher::Aes128Gcm, 0);
    for (message, reason) in [
        (&[1, 0, 0, 0][..], Fatal::UnexpectedMessage),
        (&[4, 0, 0, 0], Fatal::UnexpectedMessage),
        (&[24, 0, 0, 1, 2], Fatal::Malformed),
        (&[24, 0, 0], Fatal::Malformed),
        (&[24, 0, 0, 1, 0, 24, 0, 0, 1, 0], Fatal::Malformed),
        (&[], Fatal::UnexpectedMessage),
    ] {
        assert_eq!(
            new.handle_control(ContentType::Handshake, message),
            Err(reason),
            "{message:?}"
        );
    }
}

#[test]
fn a_key_update_is_sent_under_the_old_key_and_followed_under_the_new() {
    for cipher in [
        Cipher::Aes128Gcm,
        Cipher::Aes256Gcm,
        Cipher::ChaCha20Poly1305,
    ] {
        let (mut sealer, mut opener) = updatable_pair(cipher, 5);
        for request in [true, false, true] {
            let (mut update, mut packet) = (Vec::new(), Vec::new());
            sealer
                .append_key_update(&mut update, request)
                .expect("sealed");
            assert_eq!(sealer.sequence(), 0);
            sealer
                .append_packet(&mut packet, PacketType::Data, b"after")
                .expect("sealed");
            let opened = opener.open_in_place(&mut update).expect("old key");
            assert_eq!(opened.content_type, ContentType::Handshake);
            let control = opener.handle_control(opened.content_type, &update[opened.payload]);
            assert_eq!(control, Ok(Control::KeyUpdated { answer: request }));
            let opened = opener.open_in_place(&mut packet).expect("new key");
            assert!(packet[opened.payload].ends_with(b"after"));
        }
    }
}

#[test]
fn key_updates_without_data_in_between_are_bounded() {
    let (mut sealer, mut opener) = updatable_pair(Cipher::Aes128Gcm, 0);
    let update = [24, 0, 0, 1, 0];
    for _ in 0..MAX_KEY_UPDATES_WITHOUT_DATA {
        assert!(
            opener
                .handle_control(ContentType::Handshake, &update)
                .is_ok()
        );
        sealer
            .append_key_update(&mut Vec::new(), false)
            .expect("sealed");
    }
    assert_eq!(
        opener.handle_control(ContentType::Handshake, &update),
        Err(Fatal::TooManyKeyUpdates)
    );
    let mut packet = Vec::new();
    sealer
        .append_packet(&mut packet, PacketType::KeepAlive, &[])
        .expect("sealed");
    opener.open_in_place(&mut packet).expect("same key");
    assert!(
        opener
            .handle_control(ContentType::Handshake, &update)
            .is_ok()
    );
}

#[test]
fn without_a_traffic_secret_no_key_update_is_possible() {
    let (mut sealer, mut opener) = pair_at(Version::Tls13, Cipher::Aes128Gcm, 0);
    assert_eq!(
        sealer.append_key_update(&mut Vec::new(), true),
        Err(SealError::NoTrafficSecret)
    );
    assert_eq!(
        opener.handle_control(ContentType::Handshake, &[24, 0, 0, 1, 0]),
        Err(Fatal::NoTrafficSecret)
    );
}

#[test]
fn a_key_tells_when_an_update_is_due_and_seals_nothing_beyond_its_limit() {
    let (mut sealer, mut opener) = updatable_pair(Cipher::Aes256Gcm, KEY_UPDATE_DUE - 1);
    assert_eq!(sealer.key_use(), KeyUse::Fresh);
    sealer
        .append_packet(&mut Vec::new(), PacketType::KeepAlive, &[])
        .expect("sealed");
    assert_eq!(sealer.key_use(), KeyUse::Due);
    sealer
        .append_key_update(&mut Vec::new(), true)
        .expect("sealed");
    assert_eq!(sealer.key_use(), KeyUse::Fresh);
    assert_eq!(opener.key_use(), KeyUse::Fresh);
    opener
        .handle_control(ContentType::Handshake, &[24, 0, 0, 1, 0])
        .expect("followed");

    let (mut exhausted, _) = pair_at(Version::Tls12, Cipher::Aes128Gcm, KEY_USABLE);
    assert_eq!(exhausted.key_use(), KeyUse::Exhausted);
    let mut out = b"before".to_vec();
    assert_eq!(
        exhausted.append_packet(&mut out, PacketType::Data, b"x"),
        Err(SealError::KeyExhausted)
    );
    assert_eq!(out, b"before");
    let (chacha, _) = pair_at(Version::Tls13, Cipher::ChaCha20Poly1305, KEY_USABLE);
    assert_eq!(chacha.key_use(), KeyUse::Fresh);
}

proptest! {
    #[test]
    fn any_batch_of_packets_comes_out_record_by_record(
        choice in 0usize..6, payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8), start: u32,
    ) {
        let (version, cipher) = ALL[choice];
        let (mut sealer, mut opener) = pair_at(version, cipher, u64::from(start) % KEY_UPDATE_DUE);
        let mut stream = Vec::new();
        for payload in &payloads {
            sealer.append_packet(&mut stream, PacketType::Data, payload).expect("sealed");
        }
        let mut rest = &mut stream[..];
        for payload in &payloads {
            let NextRecord::Record(len) = next_record(rest) else { panic!("no record") };
            let (record, after) = rest.split_at_mut(len);
            let opened = opener.open_in_place(record).expect("authentic");
            prop_assert_eq!(&record[opened.payload][CSTP_HEADER..], &payload[..]);
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn no_bytes_make_splitter_opener_or_control_panic(data: Vec<u8>) {
        tls_records::fuzz::record_stream(&data);
        tls_records::fuzz::record_stream(&[&[23, 3, 3, 0, data.len().min(255) as u8], &data[..]].concat());
        tls_records::fuzz::control(&data);
    }
}
