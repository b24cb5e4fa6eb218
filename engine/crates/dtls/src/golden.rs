//! The key schedule and the record layer against a recorded session, from the pre-shared key to a data record.

use std::collections::HashMap;

use ring::aead::{Aad, Nonce};

use crate::association::Association;
use crate::key_schedule::{Keys, Transcript, expand_keys, finished, master_secret};
use crate::open::{Content, Discard};
use crate::seal::{Sealer, additional_data};
use crate::suite::Cipher;
use crate::wire::{ContentType, DTLS_1_2, RecordHeader, TAG};

const CIPHER: Cipher = Cipher::Aes256Gcm;

struct Vector(HashMap<&'static str, Vec<u8>>);

impl Vector {
    fn load() -> Self {
        let lines = include_str!("../tests/vectors/psk.txt")
            .lines()
            .filter(|line| !line.starts_with('#'));
        Self(
            lines
                .filter_map(|line| line.split_once(' '))
                .map(|(name, digits)| (name, from_hex(digits)))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> &[u8] {
        &self.0[name]
    }

    fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.get(name).try_into().expect("length")
    }

    fn master_secret(&self) -> [u8; 48] {
        *master_secret(
            CIPHER,
            &self.array("psk"),
            &self.array("client_random"),
            &self.array("server_random"),
            None,
        )
    }

    fn keys(&self) -> Keys {
        expand_keys(
            CIPHER,
            &self.master_secret(),
            &self.array("client_random"),
            &self.array("server_random"),
        )
        .expect("keys")
    }
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("digit")
        })
        .collect()
}

#[test]
fn the_recorded_master_secret_follows_from_the_recorded_key() {
    let vector = Vector::load();
    assert_eq!(vector.master_secret(), *vector.get("master_secret"));
}

#[test]
fn both_recorded_finished_messages_are_the_ones_that_the_transcript_demands() {
    let vector = Vector::load();
    let master = vector.master_secret();
    let mut transcript = Transcript::new(CIPHER);
    for number in 0..4 {
        transcript.add(vector.get(&format!("handshake_message_{number}")));
    }
    let client = finished(CIPHER, &master, b"client finished", &transcript, 2);
    transcript.add(&client);
    let server = finished(CIPHER, &master, b"server finished", &transcript, 2);

    let mut from_client = Association::new(CIPHER, &vector.keys(), &[0; 32]).opener;
    let mut record = vector.get("client_finished_record").to_vec();
    let plain = from_client.open_plain(&mut record).expect("authentic");
    assert_eq!(record[plain.payload], client);

    let mut sealer = Sealer::new(CIPHER, &vector.keys().server);
    let mut flight = crate::flight::Flight::new();
    sealer.push_finished(&mut flight, &server);
    assert_eq!(&flight[..], vector.get("server_finished_record"));
    let mut from_server = opener_of_server_records(&vector);
    let mut record = vector.get("server_finished_record").to_vec();
    let plain = from_server.open_plain(&mut record).expect("authentic");
    assert_eq!(record[plain.payload], server);
}

#[test]
fn a_recorded_data_record_opens_and_does_not_open_twice() {
    let vector = Vector::load();
    let mut opener = opener_of_server_records(&vector);
    let mut record = vector.get("server_data_record").to_vec();
    let opened = opener.open_in_place(&mut record).expect("authentic");
    assert_eq!(
        (opened.content, opened.sequence, opened.advanced_window),
        (Content::ApplicationData, 2, true)
    );
    assert_eq!(
        record[opened.payload.start], 0,
        "the type byte of a tunnel packet"
    );
    let mut again = vector.get("server_data_record").to_vec();
    assert_eq!(opener.open_in_place(&mut again), Err(Discard::Replayed));
}

#[test]
fn a_client_may_choose_any_explicit_nonce() {
    let keys = Vector::load().keys();
    let explicit = 0xfcf8_d1d0_8834_12c8_u64.to_be_bytes();
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&keys.client.fixed_iv[..4]);
    nonce[4..].copy_from_slice(&explicit);
    let mut body = b"payload".to_vec();
    let aad = Aad::from(additional_data(ContentType::ApplicationData, 7, body.len()));
    keys.client
        .key
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body)
        .expect("sealed");
    let header = RecordHeader {
        content_type: ContentType::ApplicationData,
        version: DTLS_1_2,
        epoch: 1,
        sequence: 7,
        length: 8 + 7 + TAG,
    };
    let mut record = [&header.to_wire()[..], &explicit, &body].concat();
    let opened = Association::new(CIPHER, &keys, &[0; 32])
        .opener
        .open_in_place(&mut record)
        .expect("authentic");
    assert_eq!(&record[opened.payload], b"payload");
}

fn opener_of_server_records(vector: &Vector) -> crate::open::Opener {
    let keys = vector.keys();
    let swapped = Keys {
        client: keys.server,
        server: keys.client,
    };
    Association::new(CIPHER, &swapped, &[0; 32]).opener
}
