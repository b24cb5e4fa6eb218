//! Tunnel packets in the stream of plaintexts. The recorded ones come from openconnect 9.21 and ocserv 1.5.1.

use proptest::prelude::*;
use tls_records::{
    CSTP_HEADER, CstpError, CstpParser, MAX_PAYLOAD, Packet, PacketType, append_packet,
    disconnect_payload,
};

const RECORDED_DATA: &[u8] = b"STF\x01\0\x30\0\0\x60\0\0\0\0\x08\x3a\xff\xfe\x80\0\0\0\0\0\0\x28\x08\x2b\xb0\x22\xf3\xec\x1f\
    \xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x85\0\x1a\x6c\0\0\0\0";
const RECORDED_GOODBYE: &[u8] = b"STF\x01\0\x0f\x05\0\xb0Server request";

/// Everything that `pieces` give, as text, and the error that ended it.
fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Option<CstpError>) {
    let (mut parser, mut packets) = (CstpParser::new(), Vec::new());
    for piece in pieces {
        let mut found = parser.push(piece);
        loop {
            match found.next_packet() {
                Ok(Some(packet)) => packets.push(format!("{packet:?}")),
                Ok(None) => break,
                Err(error) => return (packets, Some(error)),
            }
        }
    }
    (packets, None)
}

fn only(stream: &[u8]) -> Result<String, CstpError> {
    match parse([stream]) {
        (_, Some(error)) => Err(error),
        (mut packets, None) => Ok(packets.remove(0)),
    }
}

#[test]
fn recorded_packets_are_what_they_were() {
    let mut parser = CstpParser::new();
    let mut packets = parser.push(RECORDED_DATA);
    assert_eq!(
        packets.next_packet(),
        Ok(Some(Packet::Data(&RECORDED_DATA[8..])))
    );
    assert_eq!(packets.next_packet(), Ok(None));
    drop(packets);
    let mut packets = parser.push(RECORDED_GOODBYE);
    assert_eq!(
        packets.next_packet(),
        Ok(Some(Packet::Disconnect {
            code: Some(0xb0),
            text: b"Server request"
        }))
    );
    drop(packets);
    assert_eq!(
        parser.push(b"STF\x01\0\0\x03\0").next_packet(),
        Ok(Some(Packet::DpdRequest(&[])))
    );
    assert_eq!(
        parser.push(b"STF\x01\0\0\x04\0").next_packet(),
        Ok(Some(Packet::DpdResponse))
    );
    assert_eq!(
        parser.push(b"STF\x01\0\0\x05\0").next_packet(),
        Ok(Some(Packet::Disconnect {
            code: None,
            text: &[]
        }))
    );
    assert_eq!(
        parser.push(b"STF\x01\0\0\x07\0").next_packet(),
        Ok(Some(Packet::KeepAlive))
    );
    assert_eq!(
        parser.push(b"STF\x01\0\0\x09\0").next_packet(),
        Ok(Some(Packet::Terminate))
    );
    assert_eq!(parser.held(), 0);
}

#[test]
fn a_whole_packet_is_not_copied() {
    let mut parser = CstpParser::new();
    let mut packets = parser.push(RECORDED_DATA);
    let Ok(Some(Packet::Data(payload))) = packets.next_packet() else {
        panic!("not data")
    };
    assert!(std::ptr::eq(payload, &RECORDED_DATA[CSTP_HEADER..]));
}

#[test]
fn two_packets_in_one_record_and_one_packet_in_two_are_both_understood() {
    let both = [RECORDED_DATA, RECORDED_GOODBYE].concat();
    let expected = parse([RECORDED_DATA, RECORDED_GOODBYE]);
    assert_eq!(expected.0.len(), 2);
    assert_eq!(parse([&both[..]]), expected);
    for cut in 0..both.len() {
        assert_eq!(parse([&both[..cut], &both[cut..]]), expected);
    }
}

#[test]
fn hostile_headers_are_fatal_before_their_payload_is_kept() {
    for (stream, error) in [
        (&b"GET / HTTP/1.1"[..], CstpError::BadMagic),
        (b"STF\x02\0\0\0\0", CstpError::BadMagic),
        (b"STF\x01\0\0\0\x01", CstpError::BadHeader),
        (b"STF\x01\x3f\xf9\0\0", CstpError::TooLong),
        (b"STF\x01\xff\xff\0\0", CstpError::TooLong),
        (b"STF\x01\0\x01\x08\0x", CstpError::Compressed),
        (b"STF\x01\0\0\x06\0", CstpError::UnknownType(6)),
        (b"STF\x01\0\xff\xff\0", CstpError::UnknownType(255)),
    ] {
        assert_eq!(only(stream), Err(error));
        assert_eq!(parse(stream.chunks(1)).1, Some(error), "byte by byte");
    }
}

#[test]
fn the_largest_packet_passes_however_it_is_cut_and_leaves_no_memory_behind() {
    let mut stream = Vec::new();
    append_packet(&mut stream, PacketType::Data, &vec![0x45; MAX_PAYLOAD]);
    assert_eq!(stream.len(), 16384);
    let mut parser = CstpParser::new();
    for piece in stream.chunks(1000) {
        let mut packets = parser.push(piece);
        while let Some(packet) = packets.next_packet().expect("packets") {
            assert_eq!(packet, Packet::Data(&stream[CSTP_HEADER..]));
        }
    }
    assert_eq!(parser.held(), 0);
}

#[test]
fn memory_grows_with_what_came_and_not_with_what_a_header_promises() {
    let mut parser = CstpParser::new();
    let promise = b"STF\x01\x3f\xf8\0\0";
    assert_eq!(parser.push(promise).next_packet(), Ok(None));
    assert!(parser.held() < 64, "{} bytes", parser.held());
}

#[test]
fn a_disconnect_says_why_and_is_cut_at_a_character() {
    assert_eq!(
        disconnect_payload(0xb0, "Server request"),
        RECORDED_GOODBYE[8..]
    );
    let long = disconnect_payload(0xb0, &"é".repeat(400));
    assert_eq!(long.len(), 513);
    assert!(std::str::from_utf8(&long[1..]).is_ok());
}

proptest! {
    #[test]
    fn no_cut_of_a_stream_changes_its_packets(
        packets in prop::collection::vec((0usize..6, prop::collection::vec(any::<u8>(), 0..200)), 0..10),
        cuts in prop::collection::vec(0usize..300, 1..20),
    ) {
        use PacketType::*;
        let mut stream = Vec::new();
        for (choice, payload) in &packets {
            append_packet(&mut stream, [Data, DpdRequest, DpdResponse, Disconnect, KeepAlive, Terminate][*choice], payload);
        }
        let (mut pieces, mut rest) = (Vec::new(), &stream[..]);
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let (found, error) = parse(pieces);
        prop_assert_eq!(error, None);
        prop_assert_eq!(found.len(), packets.len());
        prop_assert_eq!(found, parse([&stream[..]]).0);
    }

    #[test]
    fn no_bytes_make_the_parser_panic_or_depend_on_the_cut(cut: u8, prefix in 0usize..3, data: Vec<u8>) {
        let prefix: &[u8] = [&b""[..], b"STF\x01", b"STF\x01\0\x02\x03\0"][prefix];
        tls_records::fuzz::cstp_stream(&[&[cut], prefix, &data].concat());
    }
}
