//! Properties: joining and cutting undo each other, and no bytes make anything panic.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use packet::{Coalescer, CoalescerOptions, Segmentation, VirtioHeader, fuzz};
use proptest::prelude::*;
use support::{ACK, PSH, Tcp, checksums_are_right, udp};

/// A flow of TCP data: `payload` is cut every `size` bytes.
#[derive(Clone, Debug)]
struct Flow {
    base: Tcp,
    payload: Vec<u8>,
    size: usize,
}

impl Flow {
    fn packets(&self) -> Vec<Vec<u8>> {
        let last = self.payload.len().div_ceil(self.size) - 1;
        let build = |(index, part): (usize, &[u8])| {
            Tcp {
                sequence: self.base.sequence.wrapping_add((index * self.size) as u32),
                identification: self.base.identification.wrapping_add(index as u16),
                flags: if index == last { self.base.flags } else { ACK },
                payload: part.to_vec(),
                ..self.base.clone()
            }
            .build()
        };
        self.payload
            .chunks(self.size)
            .enumerate()
            .map(build)
            .collect()
    }

    fn super_packet(&self) -> (VirtioHeader, Vec<u8>) {
        let packet = Tcp {
            payload: self.payload.clone(),
            ..self.base.clone()
        }
        .build();
        let header = VirtioHeader {
            flags: VirtioHeader::NEEDS_CSUM,
            gso_type: if self.base.v6 {
                VirtioHeader::GSO_TCPV6
            } else {
                VirtioHeader::GSO_TCPV4
            },
            hdr_len: 0,
            gso_size: self.size as u16,
            csum_start: if self.base.v6 {
                40
            } else {
                20 + self.base.ip_options.len() as u16
            },
            csum_offset: 16,
        };
        (header, packet)
    }
}

prop_compose! {
    fn flow(port: u16)(
        v6 in any::<bool>(),
        sequence in any::<u32>(),
        acknowledgment in any::<u32>(),
        window in any::<u16>(),
        identification in any::<u16>(),
        dont_fragment in any::<bool>(),
        traffic_class in any::<u8>(),
        is_pushed in any::<bool>(),
        options in prop::collection::vec(any::<[u8; 4]>(), 0..=10),
        payload in prop::collection::vec(any::<u8>(), 1..9000),
        size in 300usize..1500,
    ) -> Flow {
        let base = Tcp {
            v6, sequence, acknowledgment, window, identification, dont_fragment, traffic_class,
            source_port: port,
            flags: if is_pushed { ACK | PSH } else { ACK },
            options: options.concat(),
            ..Tcp::v4()
        };
        Flow { base, payload, size }
    }
}

fn cut(header: &VirtioHeader, packet: &[u8]) -> Vec<Vec<u8>> {
    let plan = Segmentation::parse(header, packet).unwrap();
    let write = |index| {
        let mut out = vec![0; plan.segment_length(index)];
        assert_eq!(plan.write(index, &mut out), Some(out.len()));
        out
    };
    (0..plan.count()).map(write).collect()
}

fn batch_of(packets: &[Vec<u8>]) -> (Vec<u8>, Vec<std::ops::Range<usize>>) {
    let mut batch = Vec::new();
    let mut places = Vec::new();
    for packet in packets {
        places.push(batch.len()..batch.len() + packet.len());
        batch.extend(packet);
    }
    (batch, places)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn cutting_gives_the_packets_a_sender_would_have_sent(
        flow in flow(1),
        ip_options in prop::collection::vec(any::<[u8; 4]>(), 0..=10),
    ) {
        let mut flow = flow;
        if !flow.base.v6 {
            flow.base.ip_options = ip_options.concat();
        }
        let (header, packet) = flow.super_packet();
        prop_assert_eq!(cut(&header, &packet), flow.packets());
    }

    #[test]
    fn joining_what_was_cut_gives_back_the_super_packet(flow in flow(1)) {
        let (header, packet) = flow.super_packet();
        let (batch, places) = batch_of(&cut(&header, &packet));
        let mut coalescer = Coalescer::new(CoalescerOptions::default(), 8);
        prop_assert_eq!(fuzz::assert_batch_survives(&mut coalescer, &batch, &places), 1);
        let group = coalescer.groups(&batch).next().unwrap();
        let mut joined = group.header().to_vec();
        group.payloads().for_each(|payload| joined.extend(payload));
        let (written, joined) = VirtioHeader::split(&joined).unwrap();
        let checksum = usize::from(header.csum_start) + 16;
        prop_assert_eq!(&joined[..checksum], &packet[..checksum]);
        prop_assert_eq!(&joined[checksum + 2..], &packet[checksum + 2..]);
        if places.len() > 1 {
            prop_assert_eq!(VirtioHeader { hdr_len: 0, ..written }, header);
        }
        let finished = cut(&VirtioHeader { gso_type: 0, gso_size: 0, ..written }, joined);
        prop_assert!(checksums_are_right(&finished[0]));
        prop_assert_eq!(&finished[0], &packet);
    }

    #[test]
    fn interleaved_flows_survive_in_order(
        flows in (flow(1), flow(2), flow(3)),
        turns in prop::collection::vec(0usize..3, 0..80),
        noise in prop::collection::vec((0usize..60, 0usize..6), 0..6),
    ) {
        let mut queues = [flows.0.packets(), flows.1.packets(), flows.2.packets()].map(Vec::into_iter);
        let mut packets: Vec<Vec<u8>> = turns.iter().filter_map(|turn| queues[*turn].next()).collect();
        queues.into_iter().for_each(|queue| packets.extend(queue));
        for (at, kind) in noise {
            let at = at.min(packets.len() - 1);
            let mut packet = packets[at].clone();
            match kind {
                0 => packet.truncate(packet.len() / 2),
                1 => packet = udp(false, 1, 1, &[1; 30]),
                2 => packet[6] ^= 0x20,
                3 => *packet.last_mut().unwrap() ^= 1,
                4 => packet = Tcp { payload: vec![], ..flows.0.base.clone() }.build(),
                _ => packet[0] ^= 1,
            }
            packets.insert(at, packet);
        }
        let (batch, places) = batch_of(&packets);
        let mut coalescer = Coalescer::new(CoalescerOptions { enable_udp: true }, 8);
        fuzz::assert_batch_survives(&mut coalescer, &batch, &places);
        fuzz::assert_batch_survives(&mut coalescer, &batch, &places);
    }

    #[test]
    fn datagrams_survive(
        v6 in any::<bool>(),
        size in 1usize..1400,
        payload in prop::collection::vec(any::<u8>(), 1..8000),
    ) {
        let size = size.max(payload.len() / 60 + 1);
        let packets: Vec<_> =
            payload.chunks(size).enumerate().map(|(index, part)| udp(v6, 7, index as u16, part)).collect();
        let (batch, places) = batch_of(&packets);
        let mut coalescer = Coalescer::new(CoalescerOptions { enable_udp: true }, 8);
        prop_assert_eq!(fuzz::assert_batch_survives(&mut coalescer, &batch, &places), 1);
    }
}

/// Bytes that look enough like a packet to reach deep into the parsers.
fn almost_packet() -> impl Strategy<Value = Vec<u8>> {
    let real = prop_oneof![
        Just(
            Tcp {
                payload: vec![5; 200],
                ..Tcp::v4()
            }
            .build()
        ),
        Just(
            Tcp {
                payload: vec![5; 200],
                ..Tcp::v6()
            }
            .build()
        ),
        Just(udp(false, 5, 5, &[5; 100])),
        Just(udp(true, 5, 5, &[5; 100])),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    let damage = prop::collection::vec((0usize..70, any::<u8>()), 0..5);
    (real, damage, 0usize..300).prop_map(|(mut packet, damage, length)| {
        for (at, value) in damage {
            if let Some(byte) = packet.get_mut(at) {
                *byte = value;
            }
        }
        if length < 50 {
            packet.truncate(length);
        }
        packet
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_a_parser_panic(
        flags in 0u8..4,
        gso_type in prop_oneof![0u8..7, any::<u8>()],
        sizes in prop_oneof![
            (Just(0u16), 0u16..300, Just(20u16), Just(16u16)),
            (Just(0u16), 0u16..300, Just(40u16), Just(16u16)),
            (any::<u16>(), any::<u16>(), 0u16..300, 0u16..300),
        ],
        packet in almost_packet(),
    ) {
        let (hdr_len, gso_size, csum_start, csum_offset) = sizes;
        let header = VirtioHeader { flags, gso_type, hdr_len, gso_size, csum_start, csum_offset };
        fuzz::segmentation(&[&header.to_bytes()[..], &packet].concat());
        fuzz::admission(&packet);
        fuzz::icmp(&packet);
    }

    #[test]
    fn no_bytes_make_the_coalescer_panic(packets in prop::collection::vec(almost_packet(), 0..12), options in 0u8..2) {
        let mut data = vec![options];
        for packet in packets {
            data.extend((packet.len() as u16).to_be_bytes());
            data.extend(packet);
        }
        fuzz::coalescing(&data);
    }
}
