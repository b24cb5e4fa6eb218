#![allow(clippy::unwrap_used)]
use super::*;
use crate::support::{self, Tcp, checksums_are_right, with_extension_headers};

fn tcp_header(packet: &[u8], gso_size: u16) -> VirtioHeader {
    let v6 = packet[0] >> 4 == 6;
    VirtioHeader {
        flags: VirtioHeader::NEEDS_CSUM,
        gso_type: if v6 {
            VirtioHeader::GSO_TCPV6
        } else {
            VirtioHeader::GSO_TCPV4
        },
        hdr_len: 0xffff,
        gso_size,
        csum_start: if v6 {
            40
        } else {
            u16::from(packet[0] & 15) * 4
        },
        csum_offset: 16,
    }
}

fn segments(header: &VirtioHeader, packet: &[u8]) -> Vec<Vec<u8>> {
    let plan = Segmentation::parse(header, packet).unwrap();
    let write = |index| {
        let mut out = vec![0xaa; plan.segment_length(index)];
        assert_eq!(plan.write(index, &mut out), Some(out.len()));
        out
    };
    (0..plan.count()).map(write).collect()
}

#[test]
fn a_tcp_super_packet_becomes_the_packets_a_sender_would_have_sent() {
    for base in [Tcp::v4(), Tcp::v6()] {
        let base = Tcp {
            options: vec![1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
            sequence: u32::MAX - 700,
            ..base
        };
        let payload: Vec<u8> = (0..3500u32).map(|index| index as u8).collect();
        let packet = Tcp {
            payload: payload.clone(),
            ..base.clone()
        }
        .build();
        let sent: Vec<Vec<u8>> = (0..3u32)
            .map(|index| {
                let at = index as usize * 1400;
                Tcp {
                    sequence: base.sequence.wrapping_add(at as u32),
                    identification: base.identification + index as u16,
                    payload: payload[at..payload.len().min(at + 1400)].to_vec(),
                    ..base.clone()
                }
                .build()
            })
            .collect();
        assert_eq!(segments(&tcp_header(&packet, 1400), &packet), sent);
    }
}

#[test]
fn fin_and_psh_stay_on_the_last_segment_and_cwr_on_the_first() {
    let flags = support::ACK | support::FIN | support::PSH | support::CWR;
    let packet = Tcp {
        payload: vec![7; 250],
        flags,
        ..Tcp::v4()
    }
    .build();
    let header = tcp_header(&packet, 100);
    let header = VirtioHeader {
        gso_type: header.gso_type | VirtioHeader::GSO_ECN,
        ..header
    };
    let found: Vec<u8> = segments(&header, &packet)
        .iter()
        .map(|segment| segment[33])
        .collect();
    let last = support::ACK | support::FIN | support::PSH;
    assert_eq!(found, [support::ACK | support::CWR, support::ACK, last]);
}

#[test]
fn ipv4_options_are_repeated_and_identification_wraps() {
    let packet = Tcp {
        payload: vec![7; 250],
        ip_options: vec![1; 8],
        identification: u16::MAX,
        ..Tcp::v4()
    }
    .build();
    let found = segments(&tcp_header(&packet, 100), &packet);
    assert!(
        found
            .iter()
            .all(|segment| checksums_are_right(segment) && segment[20..28] == [1; 8])
    );
    assert_eq!(
        found
            .iter()
            .map(|segment| u16_at(segment, 4))
            .collect::<Vec<_>>(),
        [65535, 0, 1]
    );
}

#[test]
fn ipv6_extension_headers_are_repeated() {
    let plain = Tcp {
        payload: vec![7; 250],
        ..Tcp::v6()
    }
    .build();
    let packet = with_extension_headers(&plain, &[(0, &[0; 8]), (60, &[0; 8])]);
    let header = VirtioHeader {
        csum_start: 56,
        ..tcp_header(&packet, 100)
    };
    for (segment, plain) in segments(&header, &packet)
        .iter()
        .zip(segments(&tcp_header(&plain, 100), &plain))
    {
        assert_eq!(segment[40..56], packet[40..56]);
        assert_eq!(segment[56..], plain[40..]);
        assert_eq!(usize::from(u16_at(segment, 4)), segment.len() - 40);
    }
}

#[test]
fn a_udp_super_packet_becomes_datagrams() {
    for v6 in [false, true] {
        let payload: Vec<u8> = (0..2600u32).map(|index| index as u8).collect();
        let packet = support::udp(v6, 5000, 9, &payload);
        let header = VirtioHeader {
            gso_type: VirtioHeader::GSO_UDP_L4,
            csum_offset: 6,
            ..tcp_header(&packet, 1200)
        };
        let sent: Vec<Vec<u8>> = payload
            .chunks(1200)
            .enumerate()
            .map(|(index, part)| support::udp(v6, 5000, 9 + index as u16, part))
            .collect();
        assert_eq!(segments(&header, &packet), sent);
    }
}

#[test]
fn a_single_packet_passes_unchanged() {
    let mut packet = Tcp {
        payload: vec![7; 99],
        ..Tcp::v4()
    }
    .build();
    packet[36] ^= 1;
    assert_eq!(segments(&VirtioHeader::default(), &packet), [packet]);
}

#[test]
fn a_partial_checksum_is_completed() {
    for base in [Tcp::v4(), Tcp::v6()] {
        let right = Tcp {
            payload: vec![7; 99],
            ..base
        }
        .build();
        let start = if right[0] >> 4 == 6 { 40 } else { 20 };
        let addresses = if start == 40 {
            &right[8..40]
        } else {
            &right[12..20]
        };
        let partial = Sum::of(addresses)
            .word(6)
            .word((right.len() - start) as u16)
            .folded();
        let mut packet = right.clone();
        put_u16(&mut packet, start + 16, partial);
        let header = VirtioHeader {
            gso_type: 0,
            gso_size: 0,
            ..tcp_header(&packet, 1)
        };
        assert_eq!(segments(&header, &packet), [right]);
    }
}

#[test]
fn a_udp_checksum_is_never_zero() {
    for v6 in [false, true] {
        let find = |value: u16| support::udp(v6, 5000, 9, &value.to_be_bytes());
        let at = if v6 { 46 } else { 26 };
        let right = (0..=u16::MAX)
            .map(find)
            .find(|packet| packet[at..at + 2] == [0xff; 2])
            .unwrap();
        let header = VirtioHeader {
            gso_type: VirtioHeader::GSO_UDP_L4,
            csum_offset: 6,
            ..tcp_header(&right, 1200)
        };
        assert_eq!(segments(&header, &right), [right]);
    }
}

#[test]
fn lies_about_the_checksum_field_are_refused() {
    let packet = Tcp {
        payload: vec![7; 250],
        ..Tcp::v4()
    }
    .build();
    let right = tcp_header(&packet, 100);
    for gso_type in [VirtioHeader::GSO_NONE, VirtioHeader::GSO_TCPV4] {
        for (csum_start, csum_offset) in
            [(0, 16), (19, 16), (290, 0), (20, 269), (u16::MAX, u16::MAX)]
        {
            let header = VirtioHeader {
                gso_type,
                csum_start,
                csum_offset,
                ..right
            };
            assert_eq!(
                Segmentation::parse(&header, &packet).unwrap_err(),
                SegmentationError::ChecksumField
            );
        }
    }
}

#[test]
fn lies_about_the_offload_are_refused() {
    let packet = Tcp {
        payload: vec![7; 250],
        ..Tcp::v4()
    }
    .build();
    let right = tcp_header(&packet, 100);
    let error = |header| Segmentation::parse(&header, &packet).unwrap_err();
    assert_eq!(
        error(VirtioHeader {
            gso_size: 0,
            ..right
        }),
        SegmentationError::SegmentSize
    );
    assert_eq!(
        error(VirtioHeader {
            gso_type: VirtioHeader::GSO_TCPV6,
            ..right
        }),
        SegmentationError::Protocol
    );
    assert_eq!(
        error(VirtioHeader {
            gso_type: VirtioHeader::GSO_UDP_L4,
            ..right
        }),
        SegmentationError::Protocol
    );
    assert_eq!(
        error(VirtioHeader {
            gso_type: VirtioHeader::GSO_UDP,
            ..right
        }),
        SegmentationError::Offload
    );
    assert_eq!(
        error(VirtioHeader {
            gso_type: 0x7f,
            ..right
        }),
        SegmentationError::Offload
    );
}

#[test]
fn lies_in_the_packet_are_refused() {
    let packet = Tcp {
        payload: vec![7; 250],
        ..Tcp::v4()
    }
    .build();
    let header = tcp_header(&packet, 100);
    let error = |at: usize, value: u8| {
        let mut packet = packet.clone();
        packet[at] = value;
        Segmentation::parse(&header, &packet).unwrap_err()
    };
    assert_eq!(
        error(0, 0x44),
        SegmentationError::Malformed(Malformed::HeaderLength)
    );
    assert_eq!(error(2, 0), SegmentationError::Length);
    assert_eq!(error(6, 0x20), SegmentationError::Fragment);
    assert_eq!(error(32, 0x40), SegmentationError::TransportHeader);
    let short = Tcp::v4().build();
    let mut long_header = short.clone();
    long_header[32] = 0xf0;
    assert_eq!(
        Segmentation::parse(&header, &long_header).unwrap_err(),
        SegmentationError::TransportHeader
    );
    assert_eq!(
        Segmentation::parse(&header, &short[..39]).unwrap_err(),
        SegmentationError::Malformed(Malformed::TotalLength)
    );
    assert_eq!(
        Segmentation::parse(&header, &[0x45; 65536]).unwrap_err(),
        SegmentationError::TooLong
    );
}

#[test]
fn writing_refuses_a_short_buffer_and_a_segment_that_is_not_there() {
    let packet = Tcp {
        payload: vec![7; 250],
        ..Tcp::v4()
    }
    .build();
    let plan = Segmentation::parse(&tcp_header(&packet, 100), &packet).unwrap();
    assert_eq!(plan.count(), 3);
    assert_eq!(plan.segment_length(3), 0);
    assert_eq!(plan.segment_length(usize::MAX - 1), 0);
    assert_eq!(plan.write(0, &mut [0; 139]), None);
    assert_eq!(plan.write(3, &mut [0; 2000]), None);
}

#[test]
fn one_byte_segments_are_cut_like_any_other() {
    let packet = Tcp {
        payload: vec![7; 68],
        ..Tcp::v4()
    }
    .build();
    let found = segments(&tcp_header(&packet, 1), &packet);
    assert_eq!(found.len(), 68);
    assert!(
        found
            .iter()
            .all(|segment| segment.len() == 41 && checksums_are_right(segment))
    );
}
