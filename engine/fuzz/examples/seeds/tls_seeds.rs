//! Records as the handed-over keys of the fuzz functions open them, and the packets inside.

use tls_records::{Cipher, PacketType, Sealer, TrafficSecret, Version, append_packet};

use crate::{Seed, behind, seed, with};

fn packet(packet_type: PacketType, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append_packet(&mut out, packet_type, payload);
    out
}

pub fn cstp_stream() -> Vec<Seed> {
    let data = packet(PacketType::Data, &crate::support::Tcp::v4().build());
    let all = [
        data.clone(),
        packet(PacketType::DpdRequest, b"ping"),
        packet(PacketType::DpdResponse, b""),
        packet(PacketType::KeepAlive, b""),
        packet(PacketType::Terminate, b""),
        packet(PacketType::Disconnect, b"\xb0bye"),
    ]
    .concat();
    let whole = |name: &str, stream: Vec<u8>| seed(name, behind(0xff, &stream));
    vec![
        whole("data", data.clone()),
        whole("data-empty", packet(PacketType::Data, b"")),
        whole("dpd-request", packet(PacketType::DpdRequest, b"ping")),
        whole("dpd-response", packet(PacketType::DpdResponse, b"ping")),
        whole("disconnect", packet(PacketType::Disconnect, b"\xb0Goodbye")),
        whole("disconnect-empty", packet(PacketType::Disconnect, b"")),
        whole(
            "disconnect-no-utf-8",
            packet(PacketType::Disconnect, b"\xb0\xff\xfe"),
        ),
        whole("keep-alive", packet(PacketType::KeepAlive, b"")),
        whole("terminate", packet(PacketType::Terminate, b"")),
        whole("every-type", all.clone()),
        seed("every-type-byte-by-byte", behind(1, &all)),
        seed("every-type-in-sevens", behind(7, &all)),
        whole("type-8-compressed", with(&data, 6, &[8])),
        whole("type-6", with(&data, 6, &[6])),
        whole("type-255", with(&data, 6, &[0xff])),
        whole("wrong-magic", with(&data, 3, &[2])),
        whole("byte-7-not-zero", with(&data, 7, &[1])),
        whole("cstp-length-65535", with(&data, 4, &[0xff, 0xff])),
        whole("cstp-length-16376", with(&data, 4, &[0x3f, 0xf8])),
        whole("cstp-length-16377", with(&data, 4, &[0x3f, 0xf9])),
        whole("length-one-too-long", with(&data, 4, &[0, 41])),
        seed(
            "wrong-second-packet-byte-by-byte",
            behind(1, &[&data[..], b"HTTP/1.1 400"].concat()),
        ),
        whole("half-a-header", data[..5].to_vec()),
    ]
}

/// Sealed with the keys that the fuzz function opens with.
fn sealer(version: Version, cipher: Cipher) -> Sealer {
    let key_len = if cipher == Cipher::Aes128Gcm { 16 } else { 32 };
    let sealer = Sealer::new(version, cipher, &[0; 32][..key_len], &[0; 12], 0);
    sealer.expect("the lengths fit")
}

fn sealed(version: Version, cipher: Cipher, payloads: &[&[u8]]) -> Vec<u8> {
    let (mut sealer, mut out) = (sealer(version, cipher), Vec::new());
    for payload in payloads {
        let appended = sealer.append_packet(&mut out, PacketType::Data, payload);
        appended.expect("it is short");
    }
    out
}

fn alert(version: Version, description: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let appended = sealer(version, Cipher::Aes128Gcm).append_alert(&mut out, description);
    appended.expect("the key is fresh");
    out
}

fn key_update() -> Vec<u8> {
    let secret = TrafficSecret::new(Cipher::Aes128Gcm, &[1; 32]).expect("the length fits");
    let mut sealer = sealer(Version::Tls13, Cipher::Aes128Gcm).with_traffic_secret(secret);
    let mut out = Vec::new();
    sealer
        .append_key_update(&mut out, true)
        .expect("the key is fresh");
    sealer
        .append_packet(&mut out, PacketType::Data, b"after")
        .expect("it is short");
    out
}

pub fn record_stream() -> Vec<Seed> {
    use Cipher::{Aes128Gcm, ChaCha20Poly1305};
    use Version::{Tls12, Tls13};
    let tls13 = sealed(Tls13, Aes128Gcm, &[b"one", b"two", b""]);
    let tls12 = sealed(Tls12, Aes128Gcm, &[b"one", b"two", b""]);
    let last = tls13.len() - 1;
    vec![
        seed("tls13-aes128", tls13.clone()),
        seed("tls12-aes128", tls12.clone()),
        seed(
            "tls12-chacha20",
            sealed(Tls12, ChaCha20Poly1305, &[b"one", b"two", b""]),
        ),
        seed("tls13-long", sealed(Tls13, Aes128Gcm, &[&[0x45; 1400]])),
        seed("tls13-close-notify", alert(Tls13, 0)),
        seed("tls12-close-notify", alert(Tls12, 0)),
        seed("tls12-fatal-alert", alert(Tls12, 80)),
        seed("tls13-key-update", key_update()),
        seed("tls13-replayed", [&tls13[..], &tls13].concat()),
        seed("tls13-tampered", with(&tls13, last, &[tls13[last] ^ 1])),
        seed("tls13-cut", &tls13[..last]),
        seed("tls12-cut-nonce", with(&tls12, 3, &[0, 7])),
        seed("record-length-0", b"\x17\x03\x03\0\0"),
        seed("record-length-1", b"\x17\x03\x03\0\x01\0"),
        seed(
            "record-length-16",
            [&b"\x17\x03\x03\0\x10"[..], &[0; 16]].concat(),
        ),
        seed("record-length-16641", b"\x17\x03\x03\x41\x01"),
        seed("record-length-65535", b"\x17\x03\x03\xff\xff"),
        seed("type-20-change-cipher-spec", b"\x14\x03\x03\0\x01\x01"),
        seed("type-0", with(&tls13, 0, &[0])),
        seed("version-1.0", with(&tls12, 1, &[3, 1])),
        seed("plain-http", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]
}

/// Bit 0 of the first byte is TLS 1.3, bit 1 a handshake message.
pub fn control() -> Vec<Seed> {
    vec![
        seed("tls12-close-notify", [0, 1, 0]),
        seed("tls13-close-notify", [1, 1, 0]),
        seed("tls13-user-canceled", [1, 1, 90]),
        seed("tls12-warning", [0, 1, 100]),
        seed("tls12-fatal", [0, 2, 40]),
        seed("alert-empty", [0]),
        seed("alert-one-byte", [1, 2]),
        seed("alert-three-bytes", [1, 1, 0, 0]),
        seed("alert-level-255", [0, 255, 255]),
        seed("tls12-hello-request", [2, 0, 0, 0, 0]),
        seed("tls12-client-hello", [2, 1, 0, 0, 2, 3, 3]),
        seed("tls13-key-update", [3, 24, 0, 0, 1, 0]),
        seed("tls13-key-update-requested", [3, 24, 0, 0, 1, 1]),
        seed("tls13-key-update-2", [3, 24, 0, 0, 1, 2]),
        seed("tls13-key-update-half", [3, 24, 0, 0]),
        seed(
            "tls13-key-update-twice",
            [3, 24, 0, 0, 1, 0, 24, 0, 0, 1, 0],
        ),
        seed(
            "tls13-key-update-length-16777215",
            [3, 24, 255, 255, 255, 0],
        ),
        seed("tls13-new-session-ticket", [3, 4, 0, 0, 1, 0]),
        seed("tls12-key-update", [2, 24, 0, 0, 1, 0]),
        seed("tls13-handshake-empty", [3]),
    ]
}
