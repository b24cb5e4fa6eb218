#![allow(clippy::unwrap_used)]
use std::io::IoSlice;

use super::*;
use crate::VirtioHeader;
use crate::fuzz::assert_batch_survives;
use crate::support::{self, ACK, Tcp, with_extension_headers};

/// Pushes the packets, checks that they survive, and returns which packets were grouped.
fn grouped_with(options: CoalescerOptions, packets: &[Vec<u8>]) -> Vec<Vec<usize>> {
    let (batch, places) = batch_of(packets);
    let mut coalescer = Coalescer::new(options, packets.len());
    assert_batch_survives(&mut coalescer, &batch, &places);
    coalescer
        .groups(&batch)
        .map(|group| group.packets().collect())
        .collect()
}

fn grouped(packets: &[Vec<u8>]) -> Vec<Vec<usize>> {
    grouped_with(CoalescerOptions { enable_udp: true }, packets)
}

/// Packets in one buffer with gaps between, as decryption leaves them.
fn batch_of(packets: &[Vec<u8>]) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut batch = Vec::new();
    let mut places = Vec::new();
    for packet in packets {
        batch.extend([0xee; 13]);
        places.push(batch.len()..batch.len() + packet.len());
        batch.extend(packet);
    }
    (batch, places)
}

fn data(base: Tcp) -> Tcp {
    Tcp {
        payload: vec![7; 100],
        ..base
    }
}

fn run(base: &Tcp, count: u32) -> Vec<Vec<u8>> {
    (0..count).map(|index| base.later(index).build()).collect()
}

#[test]
fn consecutive_segments_become_one_super_packet() {
    for base in [Tcp::v4(), Tcp::v6()] {
        assert_eq!(grouped(&run(&data(base), 5)), [[0, 1, 2, 3, 4]]);
    }
}

#[test]
fn the_super_packet_asks_the_kernel_for_what_it_needs() {
    let base = Tcp {
        options: vec![1; 12],
        ..data(Tcp::v4())
    };
    let (batch, places) = batch_of(&run(&base, 3));
    let mut coalescer = Coalescer::new(CoalescerOptions::default(), 3);
    assert_batch_survives(&mut coalescer, &batch, &places);
    let group = coalescer.groups(&batch).next().unwrap();
    let expected = VirtioHeader {
        flags: VirtioHeader::NEEDS_CSUM,
        gso_type: VirtioHeader::GSO_TCPV4,
        hdr_len: 52,
        gso_size: 100,
        csum_start: 20,
        csum_offset: 16,
    };
    assert_eq!(VirtioHeader::split(group.header()).unwrap().0, expected);
    assert_eq!(group.total_length(), 352);

    let mut slices = [IoSlice::new(&[]); Group::MOST_SLICES];
    assert_eq!(group.fill(&mut slices), Some(4));
    assert_eq!(
        slices[..4]
            .iter()
            .map(|slice| slice.len())
            .collect::<Vec<_>>(),
        [62, 100, 100, 100]
    );
    assert_eq!(group.fill(&mut [IoSlice::new(&[]); 3]), None);
}

#[test]
fn interleaved_flows_are_joined_across_the_batch() {
    let flows = [
        data(Tcp::v4()),
        data(Tcp {
            source_port: 40001,
            ..Tcp::v4()
        }),
        data(Tcp {
            source_host: 3,
            ..Tcp::v4()
        }),
        data(Tcp::v6()),
    ];
    let packets: Vec<_> = (0..12)
        .map(|index| flows[index % 4].later(index as u32 / 4).build())
        .collect();
    assert_eq!(
        grouped(&packets),
        [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]
    );
}

#[test]
fn a_shorter_segment_ends_a_group_and_a_longer_one_starts_another() {
    let base = data(Tcp::v4());
    let mut packets = run(&base, 2);
    packets.push(
        Tcp {
            payload: vec![1; 40],
            ..base.later(2)
        }
        .build(),
    );
    packets.push(
        Tcp {
            sequence: base.sequence + 240,
            payload: vec![1; 40],
            ..base.later(3)
        }
        .build(),
    );
    packets.push(
        Tcp {
            sequence: base.sequence + 280,
            payload: vec![1; 41],
            ..base.later(4)
        }
        .build(),
    );
    assert_eq!(grouped(&packets), [vec![0, 1, 2], vec![3], vec![4]]);
}

#[test]
fn psh_moves_to_the_end_of_the_group() {
    let base = data(Tcp::v4());
    let mut packets = run(&base, 5);
    packets[2] = Tcp {
        flags: ACK | support::PSH,
        ..base.later(2)
    }
    .build();
    assert_eq!(grouped(&packets), [[0, 1, 2, 3, 4]]);
}

#[test]
fn other_flags_are_never_merged_and_end_the_group() {
    for flag in [
        support::FIN,
        support::SYN,
        support::RST,
        support::URG,
        support::ECE,
        support::CWR,
    ] {
        let base = data(Tcp::v4());
        let mut packets = run(&base, 5);
        packets[2] = Tcp {
            flags: ACK | flag,
            ..base.later(2)
        }
        .build();
        assert_eq!(
            grouped(&packets),
            [vec![0, 1], vec![2], vec![3, 4]],
            "{flag:#x}"
        );
    }
}

#[test]
fn a_pure_acknowledgment_stays_behind_earlier_data_of_its_flow() {
    let base = data(Tcp::v4());
    let mut packets = run(&base, 4);
    packets.insert(
        2,
        Tcp {
            payload: vec![],
            ..base.later(2)
        }
        .build(),
    );
    assert_eq!(grouped(&packets), [vec![0, 1], vec![2], vec![3, 4]]);
}

#[test]
fn a_header_that_differs_starts_a_new_group() {
    let base = Tcp {
        options: vec![1, 1, 1, 1],
        ..data(Tcp::v4())
    };
    let next = base.later(1);
    for other in [
        Tcp {
            sequence: next.sequence + 1,
            ..next.clone()
        },
        Tcp {
            acknowledgment: 1,
            ..next.clone()
        },
        Tcp {
            window: 1,
            ..next.clone()
        },
        Tcp {
            options: vec![1, 1, 1, 0],
            ..next.clone()
        },
        Tcp {
            options: vec![1; 8],
            ..next.clone()
        },
        Tcp {
            traffic_class: 3,
            ..next.clone()
        },
        Tcp {
            hop_limit: 63,
            ..next.clone()
        },
        Tcp {
            dont_fragment: false,
            ..next.clone()
        },
        Tcp {
            source_port: 1,
            ..next.clone()
        },
        Tcp {
            ip_options: vec![1; 4],
            ..next.clone()
        },
    ] {
        assert_eq!(
            grouped(&[base.build(), other.build()]),
            [[0], [1]],
            "{other:?}"
        );
        let other = Tcp {
            v6: true,
            ip_options: vec![],
            ..other
        };
        let differs_in_ipv6 = other.build()
            != Tcp {
                v6: true,
                ..next.clone()
            }
            .build();
        if differs_in_ipv6 {
            let first = Tcp {
                v6: true,
                ..base.clone()
            };
            assert_eq!(
                grouped(&[first.build(), other.build()]),
                [[0], [1]],
                "{other:?}"
            );
        }
    }
}

#[test]
fn identification_counts_only_without_df() {
    let base = data(Tcp::v4());
    let odd = |dont_fragment| {
        let base = Tcp {
            dont_fragment,
            ..base.clone()
        };
        [
            base.build(),
            Tcp {
                identification: 7,
                ..base.later(1)
            }
            .build(),
        ]
    };
    assert_eq!(grouped(&odd(true)), [[0, 1]]);
    assert_eq!(grouped(&odd(false)), [[0], [1]]);
    assert_eq!(
        grouped(&run(
            &Tcp {
                dont_fragment: false,
                ..base.clone()
            },
            3
        )),
        [[0, 1, 2]]
    );
}

#[test]
fn a_wrong_checksum_is_passed_on_as_it_is() {
    let base = data(Tcp::v4());
    for at in [11, 36, 139] {
        let mut packets = run(&base, 5);
        packets[2][at] ^= 0x01;
        assert_eq!(
            grouped(&packets),
            [vec![0, 1], vec![2], vec![3, 4]],
            "byte {at}"
        );
    }
}

#[test]
fn a_group_has_at_most_64_packets_and_65535_bytes() {
    let counts = |payload: usize, count| -> Vec<usize> {
        let base = Tcp {
            payload: vec![7; payload],
            ..Tcp::v4()
        };
        grouped(&run(&base, count)).iter().map(Vec::len).collect()
    };
    assert_eq!(counts(100, 130), [64, 64, 2]);
    assert_eq!(counts(1460, 50), [44, 6]);
    assert_eq!(counts(32747, 2), [2], "32747 * 2 + 40 = 65534");
    assert_eq!(counts(32748, 2), [1, 1], "32748 * 2 + 40 = 65536");
}

#[test]
fn sequence_numbers_wrap() {
    assert_eq!(
        grouped(&run(
            &data(Tcp {
                sequence: u32::MAX - 149,
                ..Tcp::v4()
            }),
            4
        )),
        [[0, 1, 2, 3]]
    );
}

#[test]
fn unusual_headers_stay_in_the_order_of_their_flow() {
    let base = data(Tcp::v6());
    let mut packets = run(&base, 5);
    packets[2] = with_extension_headers(&packets[2], &[(60, &[0; 8])]);
    assert_eq!(grouped(&packets), [vec![0, 1], vec![2], vec![3, 4]]);
}

#[test]
fn a_later_fragment_stays_in_the_order_between_its_addresses() {
    let base = data(Tcp::v4());
    let other = data(Tcp {
        source_host: 9,
        ..Tcp::v4()
    });
    let mut fragment = base.later(1).build();
    fragment[7] = 9;
    let packets = [
        base.build(),
        other.build(),
        fragment,
        base.later(1).build(),
        other.later(1).build(),
        base.later(2).build(),
    ];
    assert_eq!(
        grouped(&packets),
        [vec![0], vec![1, 4], vec![2], vec![3, 5]]
    );
}

#[test]
fn datagrams_of_equal_length_are_joined_if_asked_for() {
    for v6 in [false, true] {
        let packets: Vec<_> = [50, 50, 20, 50, 60]
            .iter()
            .enumerate()
            .map(|(index, length)| {
                support::udp(v6, 5000, index as u16, &vec![index as u8; *length])
            })
            .collect();
        assert_eq!(grouped(&packets), [vec![0, 1, 2], vec![3], vec![4]]);
        assert_eq!(grouped_with(CoalescerOptions::default(), &packets).len(), 5);
    }
}

#[test]
fn a_datagram_without_checksum_is_not_joined() {
    let mut packets: Vec<_> = (0..3)
        .map(|index| support::udp(false, 5000, index, &[1; 50]))
        .collect();
    packets[1][26..28].fill(0);
    assert_eq!(grouped(&packets), [[0], [1], [2]]);
}

#[test]
fn more_flows_than_the_table_holds_still_come_out_whole() {
    let packets: Vec<_> = (0..3000u16)
        .map(|index| {
            data(Tcp {
                source_port: index % 1500,
                ..Tcp::v4()
            })
            .later(u32::from(index) / 1500)
            .build()
        })
        .collect();
    let groups = grouped(&packets);
    assert!((1500..2400).contains(&groups.len()), "{}", groups.len());
}

#[test]
fn a_cleared_coalescer_knows_nothing_of_the_batch_before() {
    let packets = run(&data(Tcp::v4()), 4);
    let (batch, places) = batch_of(&packets);
    let mut coalescer = Coalescer::new(CoalescerOptions::default(), 4);
    assert_eq!(
        assert_batch_survives(&mut coalescer, &batch, &places[..2]),
        1
    );
    assert_eq!(
        assert_batch_survives(&mut coalescer, &batch, &places[2..]),
        1
    );
    assert_eq!(coalescer.packet_count(), 2);
}

#[test]
fn a_place_outside_the_batch_is_refused_and_another_batch_does_no_harm() {
    let packets = run(&data(Tcp::v4()), 2);
    let (batch, places) = batch_of(&packets);
    let mut coalescer = Coalescer::new(CoalescerOptions::default(), 4);
    assert_eq!(coalescer.push(&batch, 0..batch.len() + 1), Err(OutOfRange));
    for place in places {
        coalescer.push(&batch, place).unwrap();
    }
    assert!(
        coalescer
            .groups(&[])
            .all(|group| group.payloads().all(<[u8]>::is_empty))
    );
}
