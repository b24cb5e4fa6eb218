//! Entry points for cargo-fuzz and for replaying its corpus with the stable compiler. Each must return for any input.

use crate::{
    CSTP_HEADER, Cipher, ContentType, CstpParser, MAX_PAYLOAD, NextRecord, Opener, TrafficSecret,
    Version, next_record,
};

/// The packet parser: the first byte says how the rest is cut, and the cut must not matter.
pub fn cstp_stream(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let whole = parse_in_pieces(stream, stream.len().max(1));
    assert_eq!(parse_in_pieces(stream, usize::from(*cut).max(1)), whole);
}

fn parse_in_pieces(stream: &[u8], piece_len: usize) -> (Vec<String>, bool) {
    let (mut parser, mut packets) = (CstpParser::new(), Vec::new());
    for piece in stream.chunks(piece_len) {
        let mut found = parser.push(piece);
        loop {
            match found.next_packet() {
                Ok(Some(packet)) => packets.push(format!("{packet:?}")),
                Ok(None) => break,
                Err(_) => return (packets, true),
            }
        }
        drop(found);
        assert!(parser.held() <= 2 * (CSTP_HEADER + MAX_PAYLOAD));
    }
    (packets, false)
}

/// The record splitter, and an opener that is given every record that it finds.
pub fn record_stream(data: &[u8]) {
    for (version, cipher) in [
        (Version::Tls12, Cipher::Aes128Gcm),
        (Version::Tls12, Cipher::ChaCha20Poly1305),
        (Version::Tls13, Cipher::Aes128Gcm),
    ] {
        let key = [0; 32];
        let key_len = if cipher == Cipher::Aes128Gcm { 16 } else { 32 };
        let Ok(mut opener) = Opener::new(version, cipher, &key[..key_len], &[0; 12], 0) else {
            return;
        };
        let mut rest = data;
        while let NextRecord::Record(len) = next_record(rest) {
            let (record, after) = rest.split_at(len);
            let _ = opener.open_in_place(&mut record.to_vec());
            rest = after;
        }
    }
}

/// What comes instead of application data: the first byte chooses version and content type.
pub fn control(data: &[u8]) {
    let Some((selector, payload)) = data.split_first() else {
        return;
    };
    let version = if selector & 1 == 0 {
        Version::Tls12
    } else {
        Version::Tls13
    };
    let content_type = if selector & 2 == 0 {
        ContentType::Alert
    } else {
        ContentType::Handshake
    };
    let secret = TrafficSecret::new(Cipher::Aes128Gcm, &[1; 32]);
    let opener = Opener::new(version, Cipher::Aes128Gcm, &[0; 16], &[0; 12], 0);
    if let (Ok(opener), Ok(secret)) = (opener, secret) {
        let _ = opener
            .with_traffic_secret(secret)
            .handle_control(content_type, payload);
    }
}
