//! Packets for tests and benchmarks, built the slow and obvious way so that they can serve as a reference.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::net::{Ipv4Addr, Ipv6Addr};

/// RFC 1071 as its text reads.
pub fn naive_checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;
pub const URG: u8 = 0x20;
pub const ECE: u8 = 0x40;
pub const CWR: u8 = 0x80;

/// The IP part of a packet.
#[derive(Clone, Debug)]
pub struct Ip {
    pub v6: bool,
    pub source_host: u8,
    pub traffic_class: u8,
    pub hop_limit: u8,
    pub identification: u16,
    pub dont_fragment: bool,
    pub options: Vec<u8>,
}

impl Ip {
    pub fn build(&self, protocol: u8, transport: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        if self.v6 {
            packet.extend([
                0x60 | self.traffic_class >> 4,
                self.traffic_class << 4,
                0x12,
                0x34,
            ]);
            packet.extend((transport.len() as u16).to_be_bytes());
            packet.extend([protocol, self.hop_limit]);
            packet.extend(self.source());
            packet.extend(self.destination());
        } else {
            let header_length = 20 + self.options.len();
            packet.extend([0x40 | (header_length / 4) as u8, self.traffic_class]);
            packet.extend(((header_length + transport.len()) as u16).to_be_bytes());
            packet.extend(self.identification.to_be_bytes());
            packet.extend([
                u8::from(self.dont_fragment) << 6,
                0,
                self.hop_limit,
                protocol,
                0,
                0,
            ]);
            packet.extend(self.source());
            packet.extend(self.destination());
            packet.extend(&self.options);
            let checksum = naive_checksum(&packet);
            packet[10..12].copy_from_slice(&checksum.to_be_bytes());
        }
        packet.extend(transport);
        packet
    }

    pub fn pseudo_header(&self, protocol: u8, length: usize) -> Vec<u8> {
        let mut bytes = [self.source(), self.destination()].concat();
        bytes.extend((length as u32).to_be_bytes());
        bytes.extend(u32::from(protocol).to_be_bytes());
        bytes
    }

    fn source(&self) -> Vec<u8> {
        if self.v6 {
            return Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, self.source_host.into())
                .octets()
                .to_vec();
        }
        Ipv4Addr::new(10, 0, 0, self.source_host).octets().to_vec()
    }

    fn destination(&self) -> Vec<u8> {
        if self.v6 {
            return Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x10)
                .octets()
                .to_vec();
        }
        Ipv4Addr::new(192, 0, 2, 10).octets().to_vec()
    }
}

/// A TCP packet; every field that merging looks at can be changed.
#[derive(Clone, Debug)]
pub struct Tcp {
    pub v6: bool,
    pub source_host: u8,
    pub source_port: u16,
    pub sequence: u32,
    pub acknowledgment: u32,
    pub flags: u8,
    pub window: u16,
    pub options: Vec<u8>,
    pub traffic_class: u8,
    pub hop_limit: u8,
    pub identification: u16,
    pub dont_fragment: bool,
    pub ip_options: Vec<u8>,
    pub payload: Vec<u8>,
}

impl Tcp {
    pub fn v4() -> Self {
        Self {
            v6: false,
            source_host: 2,
            source_port: 40000,
            sequence: 1000,
            acknowledgment: 5000,
            flags: ACK,
            window: 501,
            options: Vec::new(),
            traffic_class: 0,
            hop_limit: 64,
            identification: 100,
            dont_fragment: true,
            ip_options: Vec::new(),
            payload: Vec::new(),
        }
    }

    pub fn v6() -> Self {
        Self {
            v6: true,
            ..Self::v4()
        }
    }

    /// The same flow `count` segments later, each with this payload length.
    pub fn later(&self, count: u32) -> Self {
        Self {
            sequence: self
                .sequence
                .wrapping_add(count * self.payload.len() as u32),
            identification: self.identification.wrapping_add(count as u16),
            payload: self
                .payload
                .iter()
                .map(|byte| byte.wrapping_add(count as u8))
                .collect(),
            ..self.clone()
        }
    }

    pub fn build(&self) -> Vec<u8> {
        let mut tcp = Vec::new();
        tcp.extend(self.source_port.to_be_bytes());
        tcp.extend(443u16.to_be_bytes());
        tcp.extend(self.sequence.to_be_bytes());
        tcp.extend(self.acknowledgment.to_be_bytes());
        tcp.extend([((20 + self.options.len()) * 4) as u8, self.flags]);
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(&self.options);
        tcp.extend(&self.payload);
        let ip = self.ip();
        let checksum = naive_checksum(&[ip.pseudo_header(6, tcp.len()), tcp.clone()].concat());
        tcp[16..18].copy_from_slice(&checksum.to_be_bytes());
        ip.build(6, &tcp)
    }

    fn ip(&self) -> Ip {
        Ip {
            v6: self.v6,
            source_host: self.source_host,
            traffic_class: self.traffic_class,
            hop_limit: self.hop_limit,
            identification: self.identification,
            dont_fragment: self.dont_fragment,
            options: self.ip_options.clone(),
        }
    }
}

/// A UDP datagram.
pub fn udp(v6: bool, source_port: u16, identification: u16, payload: &[u8]) -> Vec<u8> {
    let ip = Ip {
        identification,
        v6,
        ..Tcp::v4().ip()
    };
    let length = 8 + payload.len();
    let mut udp = Vec::new();
    udp.extend(source_port.to_be_bytes());
    udp.extend(443u16.to_be_bytes());
    udp.extend((length as u16).to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(payload);
    let checksum = match naive_checksum(&[ip.pseudo_header(17, length), udp.clone()].concat()) {
        0 => 0xffff,
        checksum => checksum,
    };
    udp[6..8].copy_from_slice(&checksum.to_be_bytes());
    ip.build(17, &udp)
}

/// Puts extension headers into an IPv6 packet; each is its type and its bytes, whose next header field is filled in
/// and whose length field too if it is zero.
pub fn with_extension_headers(packet: &[u8], headers: &[(u8, &[u8])]) -> Vec<u8> {
    let mut chain = Vec::new();
    let mut next = packet[6];
    for (kind, bytes) in headers.iter().rev() {
        let mut header = bytes.to_vec();
        header[0] = next;
        if *kind != 44 && header[1] == 0 {
            header[1] = (header.len() / 8 - 1) as u8;
        }
        next = *kind;
        chain.splice(0..0, header);
    }
    let mut result = packet[..40].to_vec();
    result[6] = next;
    result[4..6].copy_from_slice(&((packet.len() - 40 + chain.len()) as u16).to_be_bytes());
    result.extend(chain);
    result.extend(&packet[40..]);
    result
}

/// Whether all checksums of a TCP or UDP packet without options or extension headers are right, found naively.
pub fn checksums_are_right(packet: &[u8]) -> bool {
    let v6 = packet[0] >> 4 == 6;
    let header = if v6 {
        40
    } else {
        usize::from(packet[0] & 15) * 4
    };
    let (protocol, addresses) = if v6 {
        (packet[6], &packet[8..40])
    } else {
        (packet[9], &packet[12..20])
    };
    let mut covered = addresses.to_vec();
    covered.extend(((packet.len() - header) as u32).to_be_bytes());
    covered.extend(u32::from(protocol).to_be_bytes());
    covered.extend(&packet[header..]);
    (v6 || naive_checksum(&packet[..header]) == 0) && naive_checksum(&covered) == 0
}
