//! Entry points for cargo-fuzz and for replaying its corpus with the stable compiler. Each must return for any input.

use std::time::Duration;

use crate::{
    Association, Cipher, DEFAULT_PSK_PREFERENCE, Handshake, MasterSecret, Psk, ResumptionSuite,
    peek_client_hello, records_mut,
};

/// The ClientHello parser and what looks at its view.
pub fn client_hello(data: &[u8]) {
    if let Some(hello) = peek_client_hello(data) {
        let secrets = crate::CookieSecrets::new(crate::CookieSecret::new(&[1; 32]));
        let answer = secrets.hello_verify_request(&hello, b"address");
        assert!(peek_client_hello(&answer).is_none());
        let _ = (hello.app_id(), secrets.verify_cookie(&hello, b"address"));
    }
}

/// A handshake that is fed datagrams, each with two bytes of length in front. The first must be a ClientHello.
pub fn handshake(data: &[u8]) {
    let Some((first, mut rest)) = split_datagram(data) else {
        return;
    };
    let Some(hello) = peek_client_hello(first) else {
        return;
    };
    let now = Duration::ZERO;
    let mut handshakes = Vec::new();
    handshakes.extend(
        Handshake::accept_psk(&hello, &DEFAULT_PSK_PREFERENCE, &[2; 32], now)
            .map(|(handshake, _)| handshake),
    );
    if let Some(suite) = ResumptionSuite::from_name("AES128-GCM-SHA256") {
        let master = MasterSecret::new([3; 48]);
        handshakes.extend(
            Handshake::accept_resumption(&hello, &master, suite, &[2; 32], now)
                .map(|(handshake, _)| handshake),
        );
    }
    while let Some((datagram, after)) = split_datagram(rest) {
        for handshake in &mut handshakes {
            let _ = handshake.handle_datagram(&mut datagram.to_vec(), &[Psk::new([4; 32])], now);
        }
        rest = after;
    }
}

/// An association that is fed one datagram; the first byte chooses the cipher.
pub fn association(data: &[u8]) {
    let Some((selector, datagram)) = data.split_first() else {
        return;
    };
    let cipher = DEFAULT_PSK_PREFERENCE[usize::from(*selector) % DEFAULT_PSK_PREFERENCE.len()];
    let Some(mut association) = fixed_association(cipher) else {
        return;
    };
    let mut scratch = vec![0; datagram.len()];
    for record in records_mut(&mut datagram.to_vec()) {
        let _ = association
            .opener
            .open_from_new_address(record, &mut scratch);
        let _ = association.opener.open_in_place(record);
    }
    let _ = association.opener.open_in_place(&mut datagram.to_vec());
}

fn fixed_association(cipher: Cipher) -> Option<Association> {
    let keys = crate::key_schedule::expand_keys(cipher, &[5; 48], &[6; 32], &[7; 32])?;
    Some(Association::new(cipher, &keys, &[6; 32]))
}

fn split_datagram(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
