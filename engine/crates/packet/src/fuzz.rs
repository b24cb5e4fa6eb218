//! Entry points for fuzzing: any bytes in, a panic if something that must hold does not.
//!
//! Not part of the API. The property tests use the same checks.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::{
    Coalescer, CoalescerOptions, Fragment, Inner, Segmentation, VirtioHeader, address_unreachable,
    admit, fragmentation_needed, host_unreachable, inspect, packet_too_big, protocol, put_u16,
    transport, u16_at,
};

/// Ten bytes of virtio header, then a packet.
pub fn segmentation(data: &[u8]) {
    let Some((header, packet)) = VirtioHeader::split(data) else {
        return;
    };
    let Ok(plan) = Segmentation::parse(&header, packet) else {
        return;
    };
    let mut out = vec![0; plan.segment_length(0)];
    let mut written = 0;
    for index in 0..plan.count() {
        let length = plan.segment_length(index);
        assert!(length <= out.len(), "no segment is longer than the first");
        assert!(
            length == out.len() || index + 1 == plan.count(),
            "only the last is shorter"
        );
        assert_eq!(
            plan.write(index, &mut out),
            Some(length),
            "the buffer holds the segment"
        );
        let Ok(inner) = inspect(&out[..length]) else {
            unreachable!("a segment is a packet");
        };
        assert_eq!(inner.total_length, length, "the header says the length");
        written += length;
    }
    assert!(written >= packet.len(), "nothing is lost");
    assert_eq!(
        plan.write(plan.count(), &mut out),
        None,
        "there is no further segment"
    );
}

/// One byte of options, then packets, each behind its length in two bytes, big endian.
pub fn coalescing(data: &[u8]) {
    let Some((options, batch)) = data.split_first() else {
        return;
    };
    let mut places = Vec::new();
    let mut at = 0;
    while let Some(length) = batch.get(at..at + 2) {
        let start = at + 2;
        let end =
            (start + usize::from(u16::from_be_bytes([length[0], length[1]]))).min(batch.len());
        places.push(start..end);
        at = end;
    }
    let mut coalescer = Coalescer::new(
        CoalescerOptions {
            enable_udp: options & 1 != 0,
        },
        16,
    );
    assert_batch_survives(&mut coalescer, batch, &places);
}

/// An inner packet from a device.
pub fn admission(data: &[u8]) {
    let (ipv4, ipv6) = (
        Ipv4Addr::new(10, 0, 0, 2),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2),
    );
    if let Ok(inner) = inspect(data) {
        assert!(inner.header_length <= inner.total_length && inner.total_length <= data.len());
        if let Ok(found) = transport(data, &inner) {
            assert!(found.offset >= inner.header_length && found.offset <= inner.total_length);
        }
    }
    if let Ok(inner) = admit(data, Some(ipv4), Some(ipv6)) {
        assert!(inner.source == IpAddr::V4(ipv4) || inner.source == IpAddr::V6(ipv6));
        assert!(!inner.destination.is_multicast() && !inner.destination.is_loopback());
    }
}

/// A packet that is too long for the session, or that nobody can be given.
pub fn icmp(data: &[u8]) {
    let (ipv4, ipv6) = (
        Ipv4Addr::new(10, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
    );
    let mut out = [0; 1280];
    if let Ok(length) = fragmentation_needed(data, ipv4, 1300, &mut out) {
        assert!(length <= 576);
        assert_is_quiet_answer(data, &out[..length]);
    }
    if let Ok(length) = host_unreachable(data, ipv4, &mut out) {
        assert!(length <= 576);
        assert_is_quiet_answer(data, &out[..length]);
    }
    if let Ok(length) = packet_too_big(data, ipv6, 1300, &mut out) {
        assert_is_quiet_answer(data, &out[..length]);
    }
    if let Ok(length) = address_unreachable(data, ipv6, &mut out) {
        assert_is_quiet_answer(data, &out[..length]);
    }
}

fn assert_is_quiet_answer(offending: &[u8], answer: &[u8]) {
    let (Ok(question), Ok(inner)) = (inspect(offending), inspect(answer)) else {
        unreachable!("both are packets");
    };
    assert_eq!(
        inner.total_length,
        answer.len(),
        "the header says the length"
    );
    assert_eq!(
        inner.destination, question.source,
        "the sender gets the answer"
    );
    let mut out = [0; 1280];
    let again = match inner.source {
        IpAddr::V4(source) => fragmentation_needed(answer, source, 1300, &mut out),
        IpAddr::V6(source) => packet_too_big(answer, source, 1300, &mut out),
    };
    assert!(again.is_err(), "an error is not answered with an error");
}

/// Pushes a batch and checks that cutting the groups gives back every packet once and each flow in order.
///
/// Returns the number of groups.
pub fn assert_batch_survives(
    coalescer: &mut Coalescer,
    batch: &[u8],
    places: &[Range<usize>],
) -> usize {
    coalescer.clear();
    for place in places {
        assert!(
            coalescer.push(batch, place.clone()).is_ok(),
            "the place lies in the batch"
        );
    }
    let mut seen = vec![false; places.len()];
    let mut newest: HashMap<(IpAddr, IpAddr, u8, [u8; 4]), usize> = HashMap::new();
    for group in coalescer.groups(batch) {
        let members: Vec<usize> = group.packets().collect();
        assert_eq!(members.len(), group.packet_count());
        assert!(members.len() <= Coalescer::MOST_PACKETS);
        for &index in &members {
            assert!(
                !std::mem::replace(&mut seen[index], true),
                "a packet comes out once"
            );
            if let Some(flow) = flow_of(&batch[places[index].clone()]) {
                assert!(
                    newest
                        .insert(flow, index)
                        .is_none_or(|before| before < index),
                    "a flow keeps its order"
                );
            }
        }
        let mut bytes = group.header().to_vec();
        group.payloads().for_each(|payload| bytes.extend(payload));
        let Some((header, packet)) = VirtioHeader::split(&bytes) else {
            unreachable!("a group starts with a virtio header");
        };
        assert_eq!(packet.len(), group.total_length());
        if let [only] = members[..] {
            assert_eq!(
                header,
                VirtioHeader::default(),
                "a single packet claims nothing"
            );
            assert_eq!(
                packet,
                &batch[places[only].clone()],
                "a single packet is unchanged"
            );
            continue;
        }
        let Ok(plan) = Segmentation::parse(&header, packet) else {
            unreachable!("a group can be cut");
        };
        assert_eq!(
            plan.count(),
            members.len(),
            "a group is cut into its packets"
        );
        let (mut was_pushed, mut is_pushed) = (false, false);
        for (segment, index) in members.into_iter().enumerate() {
            let mut out = vec![0; plan.segment_length(segment)];
            plan.write(segment, &mut out);
            let mut original = batch[places[index].clone()].to_vec();
            was_pushed |= take_push(&mut original);
            is_pushed = take_push(&mut out);
            assert_is_same_packet(out, original);
        }
        assert_eq!(is_pushed, was_pushed, "PSH is kept, on the last packet");
    }
    assert!(seen.into_iter().all(|seen| seen), "no packet is lost");
    coalescer.groups(batch).len()
}

fn flow_of(packet: &[u8]) -> Option<(IpAddr, IpAddr, u8, [u8; 4])> {
    let inner: Inner = inspect(packet).ok()?;
    let found = transport(packet, &inner).ok()?;
    let has_ports = matches!(found.protocol, protocol::TCP | protocol::UDP)
        && found.fragment != Fragment::Later;
    let ports = packet
        .get(found.offset..found.offset + 4)?
        .try_into()
        .ok()?;
    has_ports.then_some((inner.source, inner.destination, found.protocol, ports))
}

/// Clears PSH of a TCP segment, its checksum included (RFC 1624). Says whether it was set.
fn take_push(packet: &mut [u8]) -> bool {
    const PSH: u8 = 0x08;
    let Some(found) = inspect(packet)
        .ok()
        .and_then(|inner| transport(packet, &inner).ok())
    else {
        return false;
    };
    let Some(tcp) = packet.get_mut(found.offset..).filter(|tcp| tcp.len() >= 20) else {
        return false;
    };
    if found.protocol != protocol::TCP {
        return false;
    }
    let is_pushed = tcp[13] & PSH != 0;
    tcp[13] &= !PSH;
    let sum = u32::from(!u16_at(tcp, 16))
        + if is_pushed {
            u32::from(!u16::from(PSH))
        } else {
            0
        };
    let folded = (sum & 0xffff) + (sum >> 16);
    // Both forms of zero become one.
    put_u16(tcp, 16, !(folded as u16) % 0xffff);
    is_pushed
}

/// Equal but for what has no meaning: identification under DF, and the two forms of a zero checksum.
fn assert_is_same_packet(mut cut: Vec<u8>, mut original: Vec<u8>) {
    for packet in [&mut cut, &mut original] {
        let is_ipv4 = packet[0] >> 4 == 4;
        let (start, protocol) = if is_ipv4 {
            (20, packet[9])
        } else {
            (40, packet[6])
        };
        if is_ipv4 {
            if packet[6] & 0x40 != 0 {
                packet[4..6].fill(0);
            }
            packet[10..12].fill(0);
        }
        let field = start + if protocol == protocol::TCP { 16 } else { 6 };
        if packet[field..field + 2] == [0xff; 2] {
            packet[field..field + 2].fill(0);
        }
    }
    assert_eq!(cut, original, "cutting undoes joining");
}
