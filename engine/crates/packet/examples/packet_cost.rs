//! What segmentation and coalescing cost for each packet of 1400 payload bytes, on one core.
//!
//! `cargo run --release --example packet_cost -p packet`

use std::hint::black_box;
use std::io::IoSlice;
use std::ops::Range;
use std::time::Instant;

use packet::checksum::Sum;
use packet::{Coalescer, CoalescerOptions, Group, Segmentation, VirtioHeader, admit};

#[path = "../tests/support/mod.rs"]
mod support;
use support::{Tcp, udp};

const PAYLOAD: usize = 1400;
const SEGMENTS: usize = 46;
const BATCH: usize = 256;
/// Room in the outgoing buffer before and after each packet for what encryption adds.
const STRIDE: usize = 1536;

fn main() {
    let packet = vec![7; PAYLOAD];
    let mut copy = vec![0; PAYLOAD];
    report("copy alone", 1, || {
        black_box(&mut copy).copy_from_slice(black_box(&packet))
    });
    report("checksum alone", 1, || {
        black_box(Sum::of(black_box(&packet)));
    });

    for (name, base) in [("v4", Tcp::v4()), ("v6", Tcp::v6())] {
        let base = Tcp {
            options: vec![1; 12],
            ..base
        };
        report_segmentation(name, &base);
    }
    for flows in [1, 16, 256] {
        let base = Tcp {
            options: vec![1; 12],
            payload: vec![7; PAYLOAD],
            ..Tcp::v4()
        };
        let packets = interleaved(&base, flows);
        report_coalescing(&format!("tcp v4, {flows} flows"), &packets);
        let base = Tcp { v6: true, ..base };
        report_coalescing(
            &format!("tcp v6, {flows} flows"),
            &interleaved(&base, flows),
        );
    }
    let datagrams: Vec<_> = (0..BATCH)
        .map(|index| udp(false, 5, index as u16, &[7; PAYLOAD]))
        .collect();
    report_coalescing("udp v4, 1 flow", &datagrams);
    let base = Tcp {
        options: vec![1; 12],
        ..Tcp::v4()
    };
    report_coalescing("tcp v4, pure acknowledgments", &vec![base.build(); BATCH]);

    let inner = Tcp {
        payload: vec![7; PAYLOAD],
        ..Tcp::v4()
    }
    .build();
    let assigned = Some([10, 0, 0, 2].into());
    report("admission", 1, || {
        black_box(admit(black_box(&inner), assigned, None)).ok();
    });
}

fn report_segmentation(name: &str, base: &Tcp) {
    let packet = Tcp {
        payload: vec![7; PAYLOAD * SEGMENTS],
        ..base.clone()
    }
    .build();
    let header = VirtioHeader {
        flags: VirtioHeader::NEEDS_CSUM,
        gso_type: if base.v6 {
            VirtioHeader::GSO_TCPV6
        } else {
            VirtioHeader::GSO_TCPV4
        },
        gso_size: PAYLOAD as u16,
        csum_start: if base.v6 { 40 } else { 20 },
        csum_offset: 16,
        ..VirtioHeader::default()
    };
    let mut out = vec![0; STRIDE * SEGMENTS];
    report(&format!("segmentation, tcp {name}"), SEGMENTS, || {
        if let Ok(plan) = Segmentation::parse(&header, black_box(&packet)) {
            for (index, slot) in out.chunks_mut(STRIDE).enumerate() {
                black_box(plan.write(index, &mut slot[13..]));
            }
        }
        black_box(&mut out);
    });
}

fn interleaved(base: &Tcp, flows: usize) -> Vec<Vec<u8>> {
    let build = |index: usize| {
        let flow = Tcp {
            source_port: (index % flows) as u16,
            ..base.clone()
        };
        flow.later((index / flows) as u32).build()
    };
    (0..BATCH).map(build).collect()
}

fn report_coalescing(name: &str, packets: &[Vec<u8>]) {
    let mut batch = Vec::new();
    let mut places: Vec<Range<usize>> = Vec::new();
    for packet in packets {
        batch.extend([0; 13]);
        places.push(batch.len()..batch.len() + packet.len());
        batch.extend(packet);
    }
    let mut coalescer = Coalescer::new(CoalescerOptions { enable_udp: true }, BATCH);
    report(&format!("coalescing, {name}"), BATCH, || {
        coalescer.clear();
        for place in &places {
            coalescer.push(black_box(&batch), place.clone()).ok();
        }
        for group in coalescer.groups(&batch) {
            if group.packet_count() == 1 {
                black_box(group.fill(black_box(&mut [IoSlice::new(&[]); 2])));
                continue;
            }
            let mut slices = [IoSlice::new(&[]); Group::MOST_SLICES];
            black_box(group.fill(black_box(&mut slices)));
        }
    });
}

/// Prints the best of many rounds: the others were disturbed.
fn report(name: &str, packets: usize, mut work: impl FnMut()) {
    let repeat = 20_000 / packets;
    let mut best = f64::MAX;
    for _ in 0..50 {
        let start = Instant::now();
        (0..repeat).for_each(|_| work());
        best = best.min(start.elapsed().as_nanos() as f64 / (repeat * packets) as f64);
    }
    println!("{best:7.1} ns per packet  {name}");
}
