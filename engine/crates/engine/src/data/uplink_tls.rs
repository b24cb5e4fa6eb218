//! From the device over TLS, and what the gateway itself says there.

use std::ops::Range;
use std::time::Instant;

use tls_records::{ContentType, Control, KeyUse, NextRecord, Packet, PacketType, next_record};

use super::session::Session;
use super::sessions::Key;
use super::thread::{DEVICE, PacketPath};
use super::tls_channel::TlsChannel;
use super::tun_writer::write_single;
use crate::control::messages::EndReason;
use crate::poll::Interest;

/// Reads of one connection before the others get their turn.
const READS: usize = 4;

/// First byte of a DISCONNECT by which a device ends its session (`protocol.md` section 1.10, rule 4). Any other code
/// means that it will be back.
const LEAVING: u8 = 0xb0;

/// Why a connection is not read any further.
enum Ending {
    /// The device has ended its session.
    Left,
    /// The connection is over, the session is not.
    Closed,
}

impl PacketPath {
    /// Takes what has arrived on a device's TLS connection.
    pub(super) fn read_device(&mut self, key: Key, now: Instant) {
        let mut buffer = std::mem::take(&mut self.tcp_buffer);
        let ending = self.read_rounds(key, &mut buffer, now);
        self.tcp_buffer = buffer;
        match ending {
            Ok(()) => self.flush_records(key),
            Err(Ending::Left) => {
                self.records.bytes.clear();
                self.end(key, EndReason::ClientDisconnect, now);
            }
            Err(Ending::Closed) => {
                self.records.bytes.clear();
                self.lose(key, now);
            }
        }
    }

    /// The socket takes bytes again.
    pub(super) fn device_writable(&mut self, key: Key) {
        let Some(tls) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.tls.as_mut())
        else {
            return;
        };
        let result = tls.write_queue();
        self.settle_writing(key, result);
    }

    /// Writes the records that were appended for this session.
    pub(super) fn flush_records(&mut self, key: Key) {
        if self.records.bytes.is_empty() {
            return;
        }
        let Some(tls) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.tls.as_mut())
        else {
            self.records.bytes.clear();
            return;
        };
        let was_waiting = tls.is_waiting();
        let result = tls.write(&mut self.records.bytes);
        if result.is_err() || was_waiting != tls.is_waiting() {
            self.settle_writing(key, result);
        }
    }

    /// Asks the device over TLS whether it is there.
    pub(super) fn probe_tls(&mut self, key: Key, now: Instant) {
        if let Some(tls) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.tls.as_mut())
        {
            tls.last_probe = now;
            self.say(key, PacketType::DpdRequest, &[]);
        }
    }

    /// Tells the device that its session is over, with a text for the user.
    pub(super) fn say_goodbye(&mut self, key: Key, message: &str) {
        let payload =
            tls_records::disconnect_payload(tls_records::DISCONNECT_BY_ADMINISTRATOR, message);
        self.say(key, PacketType::Disconnect, &payload);
    }

    /// Changes keys that have sealed enough. TLS 1.2 cannot, so its connection is closed: the device is back at once
    /// with its cookie.
    pub(super) fn renew_tls_keys(&mut self, key: Key, now: Instant) {
        let Some(tls) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.tls.as_mut())
        else {
            return;
        };
        if tls.sealer.key_use() == KeyUse::Fresh && tls.opener.key_use() == KeyUse::Fresh {
            return;
        }
        if tls
            .sealer
            .append_key_update(&mut self.records.bytes, true)
            .is_ok()
        {
            self.flush_records(key);
        } else {
            self.lose(key, now);
        }
    }

    fn say(&mut self, key: Key, packet_type: PacketType, payload: &[u8]) {
        let Some(tls) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.tls.as_mut())
        else {
            return;
        };
        if tls
            .sealer
            .append_packet(&mut self.records.bytes, packet_type, payload)
            .is_ok()
        {
            self.flush_records(key);
        }
    }

    fn settle_writing(&mut self, key: Key, result: std::io::Result<()>) {
        let Some(tls) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.tls.as_mut())
        else {
            return;
        };
        let interest = if tls.is_waiting() {
            Interest::BOTH
        } else {
            Interest::READ
        };
        let changed = self.poll.change(&tls.stream, DEVICE | key as u64, interest);
        if result.is_err() || changed.is_err() {
            self.lose(key, Instant::now());
        }
    }

    fn read_rounds(&mut self, key: Key, buffer: &mut [u8], now: Instant) -> Result<(), Ending> {
        for _ in 0..READS {
            let Some(tls) = self
                .sessions
                .get_mut(key)
                .and_then(|session| session.tls.as_mut())
            else {
                return Ok(());
            };
            let Some(length) = tls.read(buffer).map_err(|_| Ending::Closed)? else {
                return Ok(());
            };
            tls.last_received = now;
            let result = self.handle_bytes(key, &mut buffer[..length], now);
            self.writer.flush(&self.tun, buffer, &mut self.counters);
            result?;
            if length < buffer.len() {
                return Ok(());
            }
        }
        self.more_waits = true;
        Ok(())
    }

    /// Opens the whole records in `buffer` and keeps the rest for the next time.
    fn handle_bytes(&mut self, key: Key, buffer: &mut [u8], now: Instant) -> Result<(), Ending> {
        let mut start = 0;
        loop {
            match next_record(&buffer[start..]) {
                NextRecord::Record(length) => {
                    let record = start..start + length;
                    start = record.end;
                    self.handle_record(key, buffer, record, now)?;
                }
                NextRecord::Incomplete(_) => break,
                NextRecord::TooLong => return Err(self.protocol_error()),
            }
        }
        if let Some(tls) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.tls.as_mut())
        {
            tls.partial.extend_from_slice(&buffer[start..]);
        }
        Ok(())
    }

    fn handle_record(
        &mut self,
        key: Key,
        buffer: &mut [u8],
        record: Range<usize>,
        now: Instant,
    ) -> Result<(), Ending> {
        let Some(session) = self.sessions.get_mut(key) else {
            return Err(Ending::Closed);
        };
        let Session {
            tls: Some(tls),
            counters,
            ipv4,
            ipv6,
            last_activity,
            ..
        } = session
        else {
            return Err(Ending::Closed);
        };
        let may_answer = tls.has_room_for_answer(self.records.bytes.len());
        let TlsChannel {
            opener,
            sealer,
            parser,
            ..
        } = tls;
        let Ok(opened) = opener.open_in_place(&mut buffer[record.clone()]) else {
            return Err(self.protocol_error());
        };
        let plaintext = record.start + opened.payload.start..record.start + opened.payload.end;
        if opened.content_type != ContentType::ApplicationData {
            return match opener.handle_control(opened.content_type, &buffer[plaintext]) {
                Ok(Control::Nothing) => Ok(()),
                Ok(Control::KeyUpdated { answer }) => {
                    if answer
                        && (!may_answer
                            || sealer
                                .append_key_update(&mut self.records.bytes, false)
                                .is_err())
                    {
                        return Err(self.protocol_error());
                    }
                    Ok(())
                }
                Ok(Control::PeerClosed) => Err(Ending::Closed),
                Err(_) => Err(self.protocol_error()),
            };
        }
        let mut packets = parser.push(&buffer[plaintext]);
        loop {
            match packets.next_packet() {
                Ok(Some(Packet::Data(data))) => match packet::admit(data, Some(*ipv4), *ipv6) {
                    Ok(inner) => {
                        counters.packets_in += 1;
                        counters.bytes_in += inner.total_length as u64;
                        *last_activity = now;
                        let data = &data[..inner.total_length];
                        if let Some(place) = place_in(buffer, data) {
                            self.writer.push(buffer, place);
                        } else {
                            // A packet that came in pieces lies elsewhere; what came before it goes first.
                            self.writer.flush(&self.tun, buffer, &mut self.counters);
                            if write_single(&self.tun, data).is_err() {
                                self.counters.packets_dropped_tun += 1;
                            }
                        }
                    }
                    Err(refusal) => self.counters.refuse(refusal),
                },
                Ok(Some(Packet::DpdRequest(payload))) => {
                    if may_answer
                        && sealer
                            .append_packet(
                                &mut self.records.bytes,
                                PacketType::DpdResponse,
                                payload,
                            )
                            .is_err()
                    {
                        return Err(Ending::Closed);
                    }
                }
                Ok(Some(Packet::Disconnect {
                    code: Some(LEAVING),
                    ..
                })) => return Err(Ending::Left),
                Ok(Some(Packet::Disconnect { .. })) => return Err(Ending::Closed),
                Ok(Some(Packet::DpdResponse | Packet::KeepAlive | Packet::Terminate)) => {}
                Ok(None) => return Ok(()),
                Err(_) => {
                    self.counters.tls_protocol_errors += 1;
                    return Err(Ending::Closed);
                }
            }
        }
    }

    fn protocol_error(&mut self) -> Ending {
        self.counters.tls_protocol_errors += 1;
        Ending::Closed
    }
}

/// Where `part` lies in `whole`, when it is a part of it.
fn place_in(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}
