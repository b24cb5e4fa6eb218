//! IP packets, alone, behind a virtio header and in batches.

use packet::VirtioHeader;

use crate::support::{ACK, CWR, FIN, PSH, Tcp, udp, with_extension_headers};
use crate::{Seed, behind, seed, with, with_lengths};

fn tcp(v6: bool, payload: usize) -> Tcp {
    Tcp {
        payload: (0..payload).map(|at| at as u8).collect(),
        ..if v6 { Tcp::v6() } else { Tcp::v4() }
    }
}

fn with_options() -> Vec<u8> {
    let options = vec![1; 8];
    Tcp {
        ip_options: options,
        ..tcp(false, 300)
    }
    .build()
}

/// What admission and the ICMP errors both have to understand.
fn packets() -> Vec<Seed> {
    let (v4, v6) = (tcp(false, 20).build(), tcp(true, 20).build());
    let chain = [(60, &[0; 8][..]); 9];
    let extended = |kind, bytes: &[u8]| with_extension_headers(&v6, &[(kind, bytes)]);
    let jumbogram = [0, 0, 0xc2, 4, 0, 1, 0, 0];
    vec![
        seed("ipv4-tcp", v4.clone()),
        seed("ipv4-udp", udp(false, 5353, 1, b"question")),
        seed("ipv4-options", with_options()),
        seed("ipv4-trailing-padding", [&v4[..], &[0; 6]].concat()),
        seed("ipv4-first-fragment", with(&v4, 6, &[0x60, 0])),
        seed("ipv4-later-fragment", with(&v4, 6, &[0x40, 1])),
        seed("ipv4-ihl-4", with(&v4, 0, &[0x44])),
        seed("ipv4-ihl-15", with(&v4[..40], 0, &[0x4f])),
        seed("ipv4-total-length-19", with(&v4, 2, &[0, 19])),
        seed("ipv4-total-length-65535", with(&v4, 2, &[0xff, 0xff])),
        seed("ipv6-tcp", v6.clone()),
        seed("ipv6-udp", udp(true, 5353, 1, b"question")),
        seed("ipv6-payload-length-65535", with(&v6, 4, &[0xff, 0xff])),
        seed("ipv6-jumbogram", with(&extended(0, &jumbogram), 4, &[0, 0])),
        seed(
            "ipv6-eight-extension-headers",
            with_extension_headers(&v6, &chain[..8]),
        ),
        seed(
            "ipv6-nine-extension-headers",
            with_extension_headers(&v6, &chain),
        ),
        seed(
            "ipv6-extension-header-leaves-packet",
            extended(60, &[0, 200, 0, 0, 0, 0, 0, 0]),
        ),
        seed(
            "ipv6-first-fragment",
            extended(44, &[0, 0, 0, 1, 0, 0, 0, 9]),
        ),
        seed(
            "ipv6-later-fragment",
            extended(44, &[0, 0, 0, 8, 0, 0, 0, 9]),
        ),
    ]
}

pub fn admission() -> Vec<Seed> {
    let (v4, v6) = (tcp(false, 20).build(), tcp(true, 20).build());
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2];
    let mut seeds = packets();
    seeds.extend([
        seed("version-5", with(&v4, 0, &[0x55])),
        seed("ipv4-destination-broadcast", with(&v4, 16, &[0xff; 4])),
        seed(
            "ipv4-destination-link-local",
            with(&v4, 16, &[169, 254, 169, 254]),
        ),
        seed("ipv6-destination-multicast", with(&v6, 24, &[0xff, 2])),
        seed("ipv6-source-mapped", with(&v6, 8, &mapped)),
    ]);
    seeds
}

pub fn icmp() -> Vec<Seed> {
    let icmp = |v6: bool, protocol: u8, kind: u8| {
        let (packet, at) = (tcp(v6, 20).build(), if v6 { (6, 40) } else { (9, 20) });
        with(&with(&packet, at.0, &[protocol]), at.1, &[kind, 0])
    };
    let mut seeds = packets();
    seeds.extend([
        seed("ipv4-too-long", tcp(false, 1400).build()),
        seed("ipv6-too-long", tcp(true, 1400).build()),
        seed(
            "ipv4-may-fragment",
            with(&tcp(false, 1400).build(), 6, &[0, 0]),
        ),
        seed("ipv4-echo-request", icmp(false, 1, 8)),
        seed("ipv4-icmp-error", icmp(false, 1, 3)),
        seed("ipv6-icmp-error", icmp(true, 58, 2)),
    ]);
    seeds
}

fn offload(gso_type: u8, gso_size: u16, csum_start: u16) -> VirtioHeader {
    let is_udp = gso_type == VirtioHeader::GSO_UDP_L4;
    VirtioHeader {
        flags: VirtioHeader::NEEDS_CSUM,
        gso_type,
        hdr_len: csum_start,
        gso_size,
        csum_start,
        csum_offset: if is_udp { 6 } else { 16 },
    }
}

pub fn segmentation() -> Vec<Seed> {
    use VirtioHeader as V;
    let (v4, v6) = (tcp(false, 450).build(), tcp(true, 450).build());
    let (udp4, udp6) = (
        udp(false, 5353, 1, &[7; 450]),
        udp(true, 5353, 1, &[7; 450]),
    );
    let congested = Tcp {
        flags: ACK | CWR,
        ..tcp(false, 450)
    }
    .build();
    let chained = with_extension_headers(&v6, &[(0, &[0; 8]), (60, &[0; 16])]);
    let routed = with_extension_headers(&v6, &[(43, &[0, 0, 2, 1, 0, 0, 0, 0])]);
    let join = |name: &str, header: V, packet: &[u8]| {
        seed(name, [&header.to_bytes()[..], packet].concat())
    };
    let plain = offload(V::GSO_NONE, 0, 20);
    let tcp4 = offload(V::GSO_TCPV4, 100, 20);
    vec![
        join("header-alone", V::default(), &[]),
        join("plain", V::default(), &v4),
        join("plain-needs-checksum", plain, &v4),
        join(
            "plain-needs-checksum-udp",
            V {
                csum_offset: 6,
                ..plain
            },
            &udp4,
        ),
        join(
            "checksum-in-ip-header",
            V {
                csum_start: 0,
                ..plain
            },
            &v4,
        ),
        join(
            "checksum-beyond-packet",
            V {
                csum_start: 489,
                csum_offset: 0,
                ..plain
            },
            &v4,
        ),
        join(
            "checksum-65535",
            V {
                csum_start: 0xffff,
                csum_offset: 0xffff,
                ..plain
            },
            &v4,
        ),
        join("tcp4", tcp4, &v4),
        join(
            "tcp4-ecn",
            V {
                gso_type: V::GSO_TCPV4 | V::GSO_ECN,
                ..tcp4
            },
            &congested,
        ),
        join(
            "tcp4-options",
            V {
                csum_start: 28,
                ..tcp4
            },
            &with_options(),
        ),
        join("tcp6", offload(V::GSO_TCPV6, 100, 40), &v6),
        join(
            "tcp6-extension-headers",
            offload(V::GSO_TCPV6, 100, 64),
            &chained,
        ),
        join(
            "tcp6-segments-left",
            offload(V::GSO_TCPV6, 100, 48),
            &routed,
        ),
        join("udp4", offload(V::GSO_UDP_L4, 100, 20), &udp4),
        join("udp6", offload(V::GSO_UDP_L4, 100, 40), &udp6),
        join(
            "udp4-length-8",
            offload(V::GSO_UDP_L4, 100, 20),
            &with(&udp4, 24, &[0, 8]),
        ),
        join(
            "gso-size-0",
            V {
                gso_size: 0,
                ..tcp4
            },
            &v4,
        ),
        join(
            "gso-size-1",
            V {
                gso_size: 1,
                ..tcp4
            },
            &v4,
        ),
        join(
            "gso-size-65535",
            V {
                gso_size: 0xffff,
                ..tcp4
            },
            &v4,
        ),
        join("gso-udp-fragments", offload(V::GSO_UDP, 100, 20), &udp4),
        join(
            "gso-type-127",
            V {
                gso_type: 127,
                ..tcp4
            },
            &v4,
        ),
        join("gso-of-the-other-version", tcp4, &v6),
        join("gso-of-a-fragment", tcp4, &with(&v4, 6, &[0x20, 0])),
        join("tcp4-data-offset-4", tcp4, &with(&v4, 32, &[0x40])),
        join(
            "tcp4-data-offset-15",
            V {
                gso_size: 9,
                ..tcp4
            },
            &with(&v4, 32, &[0xf0]),
        ),
    ]
}

pub fn coalescing() -> Vec<Seed> {
    let flow = |v6: bool| {
        let base = tcp(v6, 50);
        [base.build(), base.later(1).build(), base.later(2).build()]
    };
    let [a, b, c] = flow(false);
    let base = tcp(false, 50);
    let other = Tcp {
        source_port: 40001,
        ..base.clone()
    }
    .build();
    let datagram = |v6, number: u16, length| udp(v6, 5353, number, &vec![number as u8; length]);
    let datagrams = |v6| {
        [
            datagram(v6, 1, 50),
            datagram(v6, 2, 50),
            datagram(v6, 3, 30),
        ]
    };
    let tiny: Vec<_> = (0..65).map(|number| datagram(false, number, 1)).collect();
    let last = a.len() - 1;
    let join = |name: &str, packets: &[&[u8]]| seed(name, behind(1, &with_lengths(packets)));
    let joined = |name: &str, packets: &[Vec<u8>]| seed(name, behind(1, &with_lengths(packets)));
    let wrapping = Tcp {
        sequence: u32::MAX - 49,
        ..base.clone()
    };
    let numbered = Tcp {
        dont_fragment: false,
        identification: 0xffff,
        ..base.clone()
    };
    vec![
        joined("tcp4-in-order", &flow(false)),
        joined("tcp6-in-order", &flow(true)),
        joined("udp4", &datagrams(false)),
        joined("udp6", &datagrams(true)),
        seed(
            "udp4-not-enabled",
            behind(0, &with_lengths(&datagrams(false))),
        ),
        joined("udp4-sixty-five", &tiny),
        join(
            "udp4-no-checksum",
            &[
                &with(&datagram(false, 1, 50), 26, &[0, 0]),
                &datagram(false, 2, 50),
            ],
        ),
        join("tcp4-out-of-order", &[&a, &c, &b]),
        join("tcp4-repeated", &[&a, &a, &b]),
        join("tcp4-two-flows", &[&a, &other, &b, &c]),
        join(
            "tcp4-pushed",
            &[
                &Tcp {
                    flags: ACK | PSH,
                    ..base.clone()
                }
                .build(),
                &b,
                &c,
            ],
        ),
        join(
            "tcp4-fin-between",
            &[
                &a,
                &Tcp {
                    flags: ACK | FIN,
                    ..base.clone()
                }
                .build(),
                &b,
            ],
        ),
        join(
            "tcp4-wrong-checksum",
            &[&a, &with(&b, last, &[b[last] ^ 1]), &c],
        ),
        join(
            "tcp4-sequence-wraps",
            &[&wrapping.build(), &wrapping.later(1).build()],
        ),
        join(
            "tcp4-identification-wraps",
            &[&numbered.build(), &numbered.later(1).build()],
        ),
        join(
            "tcp4-last-is-shorter",
            &[
                &a,
                &Tcp {
                    payload: vec![1; 9],
                    ..base.later(1)
                }
                .build(),
                &c,
            ],
        ),
        join(
            "tcp4-trailing-padding",
            &[&a, &[&b[..], &[0; 6]].concat(), &c],
        ),
        join(
            "later-fragment-between",
            &[&a, &with(&b, 6, &[0, 9]), &b, &c],
        ),
        join("options-between", &[&a, &with_options(), &b]),
        join("empty-packet-between", &[&a, &[], &b]),
        seed(
            "length-65535",
            behind(1, &[&with_lengths(&[&a])[..], &[0xff, 0xff], &b].concat()),
        ),
    ]
}
