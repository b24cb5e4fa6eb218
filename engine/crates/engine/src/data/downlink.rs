//! From the corporate network to the devices: super-packets are cut, sealed where they lie, and sent in batches.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use dtls::{ContentType, KeyState};
use packet::{NoReply, Segmentation, VirtioHeader};
use rustix::io::Errno;

use super::dtls_channel::{DtlsChannel, Path};
use super::session::Session;
use super::sessions::Key;
use super::sockets::Sockets;
use super::thread::PacketPath;
use super::tun_writer::write_single;
use crate::sys::udp::UdpSocket;

/// Packets read from tun before the other descriptors get their turn.
const READS: usize = 64;
/// `UDP_MAX_SEGMENTS` of Linux before 6.11.
const MOST_SEGMENTS: usize = 64;
/// The largest UDP payload that fits IPv4 (65,535 - 20 - 8), less room for options.
const MOST_BYTES: usize = 65_000;
/// Records for one TCP connection are written when this much has come together.
const RECORD_BATCH: usize = 256 << 10;

/// Answers in one tick that nobody has an address: a thousand a second, as many as Linux sends (`icmp_msgs_per_sec`).
const MOST_UNREACHABLE: u32 = 100;

/// Packet types inside a record (`protocol.md` section 3.7).
const DATA: u8 = 0;
const DPD_REQUEST: u8 = 3;

/// Records for one device, side by side, that leave with one system call.
pub(super) struct DatagramBatch {
    bytes: Vec<u8>,
    used: usize,
    /// Length of each record but the last, which may be shorter and then closes the batch.
    segment: usize,
    count: usize,
    closed: bool,
    key: Key,
    path: Option<Path>,
}

impl DatagramBatch {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; 64 << 10],
            used: 0,
            segment: 0,
            count: 0,
            closed: false,
            key: 0,
            path: None,
        }
    }

    /// Whether a record of this length may join the batch as it is.
    fn takes(&self, key: Key, path: &Path, length: usize) -> bool {
        self.count == 0
            || (self.key == key
                && self.path.as_ref() == Some(path)
                && !self.closed
                && self.count < MOST_SEGMENTS
                && length <= self.segment
                && self.used + length <= MOST_BYTES)
    }

    fn room(&mut self, length: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(self.used..self.used + length)
    }

    fn commit(&mut self, key: Key, path: &Path, length: usize) {
        if self.count == 0 {
            self.segment = length;
            self.key = key;
            self.path = Some(*path);
        }
        self.closed = length < self.segment;
        self.used += length;
        self.count += 1;
    }

    /// Sends the batch. Returns the number of records that could not leave.
    fn flush(&mut self, sockets: &Sockets) -> u64 {
        let (count, used, segment) = (self.count, self.used, self.segment);
        self.count = 0;
        self.used = 0;
        self.closed = false;
        let Some(path) = self.path.take().filter(|_| count > 0) else {
            return 0;
        };
        let Some(socket) = sockets.get(path.socket) else {
            return count as u64;
        };
        let bytes = &self.bytes[..used];
        if count == 1 {
            return u64::from(send(socket, &path, bytes, None).is_err());
        }
        match send(socket, &path, bytes, u16::try_from(segment).ok()) {
            Ok(()) => 0,
            // EAGAIN and ENOBUFS: the queue is full, and IP drops what does not fit.
            Err(error) if is_full(&error) => count as u64,
            // EINVAL and EIO: this interface cannot cut; EMSGSIZE: the path is narrower. One by one then.
            Err(_) => bytes
                .chunks(segment)
                .filter(|record| send(socket, &path, record, None).is_err())
                .count() as u64,
        }
    }
}

/// Records for one TCP connection, written together.
pub(super) struct RecordBatch {
    pub(super) bytes: Vec<u8>,
    key: Option<Key>,
}

impl RecordBatch {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(RECORD_BATCH + (64 << 10)),
            key: None,
        }
    }
}

/// A packet that is larger than the session's MTU.
struct TooBig;

impl PacketPath {
    /// Takes packets from tun and sends them to their devices.
    /// An error means that the device is gone, as after `ip link del`: nothing will come from it ever again.
    pub(super) fn read_tun(&mut self, now: Instant) -> io::Result<()> {
        let mut failure = None;
        let mut buffer = std::mem::take(&mut self.tun_buffer);
        let mut is_empty = false;
        for _ in 0..READS {
            match self.tun.read(&mut buffer) {
                Ok(length) => self.send_to_device(&buffer[..length], now),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    is_empty = true;
                    break;
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        self.tun_buffer = buffer;
        self.more_waits |= !is_empty;
        self.flush_datagrams();
        self.flush_record_batch();
        failure.map_or(Ok(()), Err)
    }

    fn send_to_device(&mut self, bytes: &[u8], now: Instant) {
        let Some((header, packet)) = VirtioHeader::split(bytes) else {
            return;
        };
        let Some(address) = destination(packet) else {
            self.counters.packets_malformed += 1;
            return;
        };
        let Some(key) = self.sessions.find_by_address(address) else {
            self.counters.packets_without_session += 1;
            self.answer_unreachable(address, &header, packet);
            return;
        };
        let Ok(plan) = Segmentation::parse(&header, packet) else {
            self.counters.packets_malformed += 1;
            return;
        };
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        session.last_activity = now;
        let is_dtls = session.dtls.as_ref().is_some_and(DtlsChannel::is_usable);
        let result = if is_dtls {
            self.send_datagrams(key, &plan, now)
        } else {
            self.send_records(key, &plan)
        };
        if let Err(TooBig) = result {
            self.answer_too_big(key, &plan);
        }
    }

    fn send_datagrams(
        &mut self,
        key: Key,
        plan: &Segmentation<'_>,
        now: Instant,
    ) -> Result<(), TooBig> {
        for index in 0..plan.count() {
            let Some(session) = self.sessions.get_mut(key) else {
                return Ok(());
            };
            let Some(live) = session.dtls.as_mut().and_then(DtlsChannel::usable) else {
                return Ok(());
            };
            let packet_length = plan.segment_length(index);
            if packet_length > usize::from(session.mtu) {
                return Err(TooBig);
            }
            let start = live.sealer.header_len();
            let length = live.sealer.overhead() + 1 + packet_length;
            if !self.datagrams.takes(key, &live.path, length) {
                self.counters.packets_dropped_udp_queue += self.datagrams.flush(&self.sockets);
            }
            let Some(record) = self.datagrams.room(length) else {
                return Ok(());
            };
            record[start] = DATA;
            plan.write(index, &mut record[start + 1..]);
            if live
                .sealer
                .seal_in_place(ContentType::ApplicationData, record, 1 + packet_length)
                .is_err()
            {
                // The key has sealed all that it may: a goodbye makes the device start a new handshake.
                self.say_goodbye_over_dtls(key);
                return Ok(());
            }
            self.datagrams.commit(key, &live.path, length);
            live.last_sent = now;
            count_out(session, packet_length);
        }
        Ok(())
    }

    fn send_records(&mut self, key: Key, plan: &Segmentation<'_>) -> Result<(), TooBig> {
        if self.records.key != Some(key) || self.records.bytes.len() >= RECORD_BATCH {
            self.flush_record_batch();
        }
        let Some(session) = self.sessions.get_mut(key) else {
            return Ok(());
        };
        let Some(tls) = &mut session.tls else {
            return Ok(());
        };
        self.records.key = Some(key);
        for index in 0..plan.count() {
            let packet_length = plan.segment_length(index);
            if packet_length > usize::from(session.mtu) {
                return Err(TooBig);
            }
            // A record that was sealed must be sent, so the room is looked at first.
            if !tls.has_room(self.records.bytes.len()) {
                self.counters.packets_dropped_tls_queue += (plan.count() - index) as u64;
                return Ok(());
            }
            let written = tls.append_packet(&mut self.records.bytes, packet_length, |room| {
                plan.write(index, room);
            });
            if !written {
                return Ok(());
            }
            session.counters.packets_out += 1;
            session.counters.bytes_out += packet_length as u64;
        }
        Ok(())
    }

    fn flush_record_batch(&mut self) {
        if let Some(key) = self.records.key.take() {
            self.flush_records(key);
        }
    }

    fn flush_datagrams(&mut self) {
        self.counters.packets_dropped_udp_queue += self.datagrams.flush(&self.sockets);
    }

    /// Tells the sender the largest size that fits (`protocol.md` section 2.8), in the device's name: Linux drops what
    /// comes in with one of its own addresses as the source.
    fn answer_too_big(&mut self, key: Key, plan: &Segmentation<'_>) {
        self.counters.packets_too_big += 1;
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let (mtu, ipv4, ipv6) = (session.mtu, session.ipv4, session.ipv6);
        self.answer(plan, |offending, answer| match (offending[0] >> 4, ipv6) {
            (4, _) => packet::fragmentation_needed(offending, ipv4, mtu, answer),
            (6, Some(ipv6)) => packet::packet_too_big(offending, ipv6, mtu.into(), answer),
            _ => Err(NoReply::Version),
        });
    }

    /// Tells the sender that no device has the address (RFC 1812 section 5.2.7.1), so that it does not wait in vain. In
    /// the name of that address, for the same reason as above.
    fn answer_unreachable(&mut self, address: IpAddr, header: &VirtioHeader, packet: &[u8]) {
        if self.answers_unreachable >= MOST_UNREACHABLE {
            return;
        }
        let Ok(plan) = Segmentation::parse(header, packet) else {
            return;
        };
        self.answers_unreachable += 1;
        self.answer(&plan, |offending, answer| match address {
            IpAddr::V4(address) => packet::host_unreachable(offending, address, answer),
            IpAddr::V6(address) => packet::address_unreachable(offending, address, answer),
        });
    }

    /// Writes the ICMP error that `write` makes of the first packet of the plan.
    fn answer(
        &mut self,
        plan: &Segmentation<'_>,
        write: impl FnOnce(&[u8], &mut [u8]) -> Result<usize, NoReply>,
    ) {
        let mut offending = [0; 2048];
        let length = plan.segment_length(0);
        let mut long;
        let offending = if length <= offending.len() {
            &mut offending[..length]
        } else {
            long = vec![0; length];
            &mut long[..]
        };
        plan.write(0, offending);
        let mut answer = [0; 1280];
        if let Ok(length) = write(offending, &mut answer)
            && write_single(&self.tun, &answer[..length]).is_err()
        {
            self.counters.packets_dropped_tun += 1;
        }
    }

    /// Seals one packet (type byte and payload) and sends it at once, before everything that waits.
    pub(super) fn send_over_dtls(&mut self, key: Key, packet: &[u8]) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(live) = session.dtls.as_mut().and_then(DtlsChannel::live_mut) else {
            return;
        };
        let (start, length) = (
            live.sealer.header_len(),
            live.sealer.overhead() + packet.len(),
        );
        let path = live.path;
        let Some(record) = self.scratch.get_mut(..length) else {
            return;
        };
        record[start..start + packet.len()].copy_from_slice(packet);
        if live
            .sealer
            .seal_in_place(ContentType::ApplicationData, record, packet.len())
            .is_ok()
        {
            let record = &self.scratch[..length];
            if let Some(socket) = self.sockets.get(path.socket)
                && send(socket, &path, record, None).is_err()
            {
                self.counters.packets_dropped_udp_queue += 1;
            }
        }
    }

    /// Asks the device over UDP whether it hears us.
    pub(super) fn probe_dtls(&mut self, key: Key, now: Instant) {
        if let Some(live) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.dtls.as_mut()?.live_mut())
        {
            live.last_probe = now;
            live.unanswered_probes = live.unanswered_probes.saturating_add(1);
            self.send_over_dtls(key, &[DPD_REQUEST]);
        }
    }

    /// Sends bytes that are a whole datagram already.
    pub(super) fn send_datagram(&mut self, path: &Path, bytes: &[u8]) {
        if let Some(socket) = self.sockets.get(path.socket)
            && send(socket, path, bytes, None).is_err()
        {
            self.counters.packets_dropped_udp_queue += 1;
        }
    }

    /// A goodbye before the keys are used up makes the device start a new handshake, which brings new ones.
    pub(super) fn renew_dtls_keys(&mut self, key: Key) {
        let Some(live) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.dtls.as_ref()?.live())
        else {
            return;
        };
        if live.sealer.key_state() != KeyState::Fresh || live.opener.key_state() != KeyState::Fresh
        {
            self.say_goodbye_over_dtls(key);
        }
    }

    /// Ends the association with an alert `close_notify`, as far as the key still allows.
    pub(super) fn say_goodbye_over_dtls(&mut self, key: Key) {
        const CLOSE_NOTIFY: [u8; 2] = [1, 0];
        if let Some(live) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.dtls.as_mut()?.live_mut())
        {
            let (start, length) = (
                live.sealer.header_len(),
                live.sealer.overhead() + CLOSE_NOTIFY.len(),
            );
            let path = live.path;
            let record = &mut self.scratch[..length];
            record[start..start + CLOSE_NOTIFY.len()].copy_from_slice(&CLOSE_NOTIFY);
            if live
                .sealer
                .seal_in_place(ContentType::Alert, record, CLOSE_NOTIFY.len())
                .is_ok()
            {
                let record = self.scratch[..length].to_vec();
                self.send_datagram(&path, &record);
            }
        }
        self.drop_association(key);
    }
}

fn count_out(session: &mut Session, bytes: usize) {
    session.counters.packets_out += 1;
    session.counters.bytes_out += bytes as u64;
}

/// The destination of a packet that may be cut short; the plan checks the rest.
fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => Some(Ipv4Addr::from(*packet.get(16..20)?.first_chunk::<4>()?).into()),
        6 => Some(Ipv6Addr::from(*packet.get(24..40)?.first_chunk::<16>()?).into()),
        _ => None,
    }
}

fn send(socket: &UdpSocket, path: &Path, bytes: &[u8], segment: Option<u16>) -> io::Result<()> {
    loop {
        match socket.send(path.peer, path.local, bytes, segment) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || Errno::from_io_error(error) == Some(Errno::NOBUFS)
}
