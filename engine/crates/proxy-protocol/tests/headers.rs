//! Headers of load balancers, headers of ours, and hostile ones.

use std::net::SocketAddr;

use proptest::prelude::*;
use proxy_protocol::{
    ClientTls, Header, Invalid, Origin, Parsed, Tlvs, TooLong, kind, parse, parse_up_to, tlvs,
};

fn proxied(source: &str, destination: &str) -> Origin {
    Origin::Proxied {
        source: source.parse().expect("address"),
        destination: destination.parse().expect("address"),
    }
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([command, family]);
    header.extend((body.len() as u16).to_be_bytes());
    header.extend(body);
    header
}

#[test]
fn lines_of_version_1_give_their_addresses() {
    let line = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET";
    assert_eq!(
        parse(line),
        Parsed::Header {
            origin: proxied("192.0.2.1:56324", "198.51.100.2:443"),
            length: 45
        }
    );
    let line = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n";
    assert_eq!(
        parse(line),
        Parsed::Header {
            origin: proxied("[2001:db8::1]:1", "[2001:db8::2]:65535"),
            length: line.len()
        }
    );
    let line = b"PROXY UNKNOWN ffff::1 whatever\r\n";
    assert_eq!(
        parse(line),
        Parsed::Header {
            origin: Origin::Local,
            length: line.len()
        }
    );
    assert_eq!(
        parse(b"PROXY UNKNOWN\r\n"),
        Parsed::Header {
            origin: Origin::Local,
            length: 15
        }
    );
}

#[test]
fn a_line_is_bounded_at_107_bytes() {
    let mut line = b"PROXY UNKNOWN ".to_vec();
    line.resize(105, b'x');
    assert_eq!(parse(&line), Parsed::Incomplete);
    let ended = [&line[..], b"\r\n"].concat();
    assert_eq!(
        parse(&ended),
        Parsed::Header {
            origin: Origin::Local,
            length: 107
        }
    );
    line.extend(b"xx");
    assert_eq!(parse(&line), Parsed::Invalid(Invalid::TooLong));
}

#[test]
fn broken_lines_are_refused() {
    for line in [
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 056324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.2  443\r\n",
        "PROXY TCP4 2001:db8::1 198.51.100.2 1 443\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.2 1 443\r\n",
        "PROXY UDP4 192.0.2.1 198.51.100.2 1 443\r\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.2 1 443\r\n",
        "PROXY \r\n",
        "PRAXY TCP4",
        "GET / HTTP/1.1",
        "\r\n\r\n\0\r\nQUIT\r",
    ] {
        assert!(
            matches!(parse(line.as_bytes()), Parsed::Invalid(_)),
            "{line:?}"
        );
    }
}

#[test]
fn binary_headers_give_their_addresses_whatever_fields_follow() {
    let mut body = vec![192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 4, 1, 0xbb];
    let origin = proxied("192.0.2.1:56324", "198.51.100.2:443");
    for family in [0x11, 0x12] {
        let header = v2(0x21, family, &body);
        assert_eq!(parse(&header), Parsed::Header { origin, length: 28 });
    }
    body.extend([4, 0, 3, 0, 0, 0]);
    let header = v2(0x21, 0x11, &body);
    assert_eq!(parse(&header), Parsed::Header { origin, length: 34 });
    assert_eq!(tlvs(&header).collect::<Vec<_>>(), [(4, &[0, 0, 0][..])]);
}

#[test]
fn local_unspecified_and_unix_origins_fall_back_to_the_connection() {
    for (command, family, len) in [
        (0x20, 0x00, 0),
        (0x20, 0x11, 12),
        (0x20, 0xff, 3),
        (0x21, 0x00, 0),
        (0x21, 0x31, 216),
    ] {
        let header = v2(command, family, &vec![0; len]);
        assert_eq!(
            parse(&header),
            Parsed::Header {
                origin: Origin::Local,
                length: 16 + len
            }
        );
    }
}

#[test]
fn broken_binary_headers_are_refused() {
    for (name, header, reason) in [
        (
            "version 1 in binary",
            v2(0x11, 0x11, &[0; 12]),
            Invalid::Unknown,
        ),
        ("command 2", v2(0x22, 0x11, &[0; 12]), Invalid::Unknown),
        ("family 4", v2(0x21, 0x41, &[0; 12]), Invalid::Unknown),
        ("protocol 3", v2(0x21, 0x13, &[0; 12]), Invalid::Unknown),
        (
            "too short for its family",
            v2(0x21, 0x21, &[0; 35]),
            Invalid::Address,
        ),
        (
            "longer than the bound",
            v2(0x20, 0x00, &[0; 521]),
            Invalid::TooLong,
        ),
    ] {
        assert_eq!(parse(&header), Parsed::Invalid(reason), "{name}");
    }
}

#[test]
fn a_length_beyond_the_bound_is_refused_before_its_bytes_arrive() {
    let header = v2(0x21, 0x11, &[0; 5000]);
    assert_eq!(parse(&header[..16]), Parsed::Invalid(Invalid::TooLong));
}

#[test]
fn what_is_written_for_a_client_with_a_certificate_is_exactly_this() {
    let header = Header {
        source: "192.0.2.1:1".parse().expect("address"),
        destination: "198.51.100.2:443".parse().expect("address"),
        tls: Some(ClientTls {
            version: "TLSv1.3",
            cipher: "X",
            certificates: &[b"leaf", b"ca"],
            verified: true,
        }),
        connection_id: Some(0x0102_0304_0506_0708),
    };
    let mut written = Vec::new();
    header.write_to(&mut written).expect("fits");
    let fields = [
        &[0x20, 0, 19, 7, 0, 0, 0, 0, 0x21, 0, 7][..],
        b"TLSv1.3",
        &[0x23, 0, 1],
        b"X",
        &[0xe1, 0, 12, 0, 0, 4],
        b"leaf",
        &[0, 0, 2],
        b"ca",
        &[0xe0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    ];
    let body = [
        &[192, 0, 2, 1, 198, 51, 100, 2, 0, 1, 1, 0xbb][..],
        &fields.concat(),
    ]
    .concat();
    assert_eq!(written, v2(0x21, 0x11, &body));
}

#[test]
fn a_client_without_a_verified_certificate_is_never_reported_as_verified() {
    let certificate: &[u8] = b"leaf";
    for (certificates, verified, bits) in [
        (&[][..], true, 1),
        (&[][..], false, 1),
        (&[certificate][..], false, 7),
    ] {
        let header = Header {
            source: "192.0.2.1:1".parse().expect("address"),
            destination: "198.51.100.2:443".parse().expect("address"),
            tls: Some(ClientTls {
                version: "TLSv1.2",
                cipher: "X",
                certificates,
                verified,
            }),
            connection_id: None,
        };
        let mut written = Vec::new();
        header.write_to(&mut written).expect("fits");
        let ssl = tlvs(&written)
            .find(|(kind, _)| *kind == kind::SSL)
            .expect("field")
            .1;
        assert_eq!(ssl[..5], [bits, 0, 0, 0, 1]);
        assert_eq!(
            tlvs(&written).any(|(kind, _)| kind == kind::CERTIFICATE_CHAIN),
            !certificates.is_empty()
        );
    }
}

#[test]
fn a_chain_that_does_not_fit_leaves_nothing_behind() {
    let certificate = vec![0; 65_000];
    let header = Header {
        source: "192.0.2.1:1".parse().expect("address"),
        destination: "198.51.100.2:443".parse().expect("address"),
        tls: Some(ClientTls {
            version: "v",
            cipher: "c",
            certificates: &[&certificate, &certificate],
            verified: true,
        }),
        connection_id: None,
    };
    let mut out = b"before".to_vec();
    assert_eq!(header.write_to(&mut out), Err(TooLong));
    assert_eq!(out, b"before");
}

fn address() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from),
        any::<([u8; 16], u16)>().prop_map(SocketAddr::from)
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(source in address(), destination in address(), id: u64, chain: Vec<Vec<u8>>) {
        let certificates: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let tls = Some(ClientTls { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", certificates: &certificates, verified: true });
        let mut written = Vec::new();
        Header { source, destination, tls, connection_id: Some(id) }.write_to(&mut written).expect("fits");
        let Parsed::Header { origin: Origin::Proxied { source: s, destination: d }, length } = parse_up_to(&written, 70_000) else {
            panic!("not read back");
        };
        prop_assert_eq!(length, written.len());
        prop_assert_eq!((s.port(), d.port()), (source.port(), destination.port()));
        prop_assert_eq!((s.ip().to_canonical(), d.ip().to_canonical()), (source.ip().to_canonical(), destination.ip().to_canonical()));
        let ssl = tlvs(&written).next().expect("first field").1;
        prop_assert_eq!(Tlvs(&ssl[5..]).next(), Some((kind::SSL_VERSION, &b"TLSv1.3"[..])));
        prop_assert_eq!(tlvs(&written).last(), Some((kind::CONNECTION_ID, &id.to_be_bytes()[..])));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(prefix in 0usize..4, data: Vec<u8>) {
        let prefix: &[u8] = [&b""[..], b"PROXY ", b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n\x21"][prefix];
        proxy_protocol::fuzz::header(&[prefix, &data].concat());
    }

    #[test]
    fn every_prefix_of_a_header_is_incomplete(source in address(), destination in address()) {
        let mut written = Vec::new();
        Header { source, destination, tls: None, connection_id: None }.write_to(&mut written).expect("fits");
        for len in 0..written.len() {
            prop_assert_eq!(parse(&written[..len]), Parsed::Incomplete);
        }
    }
}
