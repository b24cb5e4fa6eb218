//! PROXY headers, right and wrong.

use proxy_protocol::{ClientTls, Header};

use crate::{Seed, seed, with};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn v2(version_and_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let [high, low] = (body.len() as u16).to_be_bytes();
    [SIGNATURE, &[version_and_command, family, high, low], body].concat()
}

fn written(source: &str, tls: Option<ClientTls<'_>>) -> Vec<u8> {
    let mut out = Vec::new();
    let header = Header {
        source: source.parse().expect("an address"),
        destination: "192.0.2.1:443".parse().expect("an address"),
        tls,
        connection_id: Some(7),
    };
    header.write_to(&mut out).expect("it is short");
    out
}

pub fn header() -> Vec<Seed> {
    let tls = ClientTls {
        version: "TLSv1.3",
        cipher: "TLS_AES_128_GCM_SHA256",
        certificates: &[b"leaf", b"authority"],
        verified: true,
    };
    let ipv4 = v2(
        0x21,
        0x11,
        &[10, 0, 0, 2, 192, 0, 2, 1, 0x9c, 0x40, 1, 0xbb],
    );
    let ipv6 = v2(0x21, 0x21, &[0x20; 36]);
    let line = |text: &str| text.as_bytes().to_vec();
    vec![
        seed(
            "v1-tcp4",
            line("PROXY TCP4 10.0.0.2 192.0.2.1 40000 443\r\nGET /"),
        ),
        seed(
            "v1-tcp6",
            line("PROXY TCP6 2001:db8::2 2001:db8::1 40000 443\r\n"),
        ),
        seed(
            "v1-unknown",
            line("PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n"),
        ),
        seed(
            "v1-no-end",
            line("PROXY TCP4 10.0.0.2 192.0.2.1 40000 443\r"),
        ),
        seed("v1-no-fields", line("PROXY \r\n")),
        seed("v1-end-inside-the-prefix", line("PRO\r\n")),
        seed(
            "v1-port-65536",
            line("PROXY TCP4 10.0.0.2 192.0.2.1 65536 443\r\n"),
        ),
        seed(
            "v1-port-plus",
            line("PROXY TCP4 10.0.0.2 192.0.2.1 +1 443\r\n"),
        ),
        seed(
            "v1-seventh-field",
            line("PROXY TCP4 10.0.0.2 192.0.2.1 1 443 x\r\n"),
        ),
        seed("v1-no-utf-8", b"PROXY TCP4 \xff\xfe 192.0.2.1 1 443\r\n"),
        seed(
            "v1-line-of-108",
            line(&format!("PROXY UNKNOWN {}\r\n", "x".repeat(92))),
        ),
        seed("v2-ipv4", [&ipv4[..], b"\x16\x03\x01"].concat()),
        seed("v2-ipv6", ipv6),
        seed("v2-local", v2(0x20, 0, &[])),
        seed("v2-unix", v2(0x21, 0x31, &[0; 216])),
        seed("v2-tls-fields", written("10.0.0.2:40000", Some(tls))),
        seed("v2-mapped", written("[2001:db8::2]:40000", None)),
        seed("v2-length-11", with(&ipv4, 15, &[11])),
        seed("v2-length-65535", with(&ipv4, 14, &[0xff, 0xff])),
        seed("v2-version-3", with(&ipv4, 12, &[0x31])),
        seed("v2-family-15", with(&ipv4, 13, &[0xff])),
        seed(
            "v2-field-beyond-header",
            v2(0x21, 0x11, &[&[1; 12][..], &[4, 0xff, 0xff, 0]].concat()),
        ),
        seed("v2-empty-fields", v2(0x21, 0, &[4, 0, 0, 4, 0, 0, 4, 0])),
        seed("v2-521-bytes-of-body", v2(0x21, 0, &[0; 521])),
    ]
}
