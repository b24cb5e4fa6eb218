//! From the device over UDP: handshakes, records, and devices whose address has changed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use dtls::{
    Content, DEFAULT_PSK_PREFERENCE, Discard, Handshake, Opened, Opener, Outcome, RecordHeader,
    peek_client_hello,
};
use foldhash::fast::RandomState;
use ring::rand::SecureRandom;

use super::dtls_channel::{Attempt, DtlsChannel, Live, Parameters, Path};
use super::sessions::{Key, Sessions};
use super::thread::PacketPath;
use crate::control::messages::{ChannelChange, Event};
use crate::sys::udp::{Message, ReceiveBatch};

/// Batches taken from a socket before the others get their turn.
const BATCHES: usize = 8;
/// HelloVerifyRequests in one tick of 100 ms; the answer is smaller than the question, so this only bounds our work.
const ANSWERS_TO_STRANGERS: u32 = 2_000;
/// Trial decryptions in one tick, for one host and in all: about 1 % of a core.
const TRIALS_FOR_HOST: u32 = 256;
const TRIALS_IN_ALL: u32 = 4_000;
/// Forged records in a row after which the other sessions of the host are tried, too: behind a NAT the port may have
/// gone to another device. The address stays the session's until a record proves otherwise, because anybody can send
/// forgeries with a foreign source address.
const FORGERIES_IN_A_ROW: u8 = 8;

/// Content types of DTLS records (RFC 6347 section 4.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

/// Packet types inside a record (`protocol.md` section 3.7).
const DATA: u8 = 0;
const DPD_REQUEST: u8 = 3;
const DPD_RESPONSE: u8 = 4;

impl PacketPath {
    /// Takes what waits at one socket.
    pub(super) fn receive_datagrams(
        &mut self,
        socket: usize,
        batch: &mut ReceiveBatch,
        now: Instant,
    ) {
        for _ in 0..BATCHES {
            let Some(source) = self.sockets.get(socket) else {
                return;
            };
            if source.receive(batch).is_err() {
                return;
            }
            let (messages, buffer) = batch.parts();
            for message in messages {
                self.handle_message(socket, message, buffer, now);
            }
            self.writer.flush(&self.tun, buffer, &mut self.counters);
            if messages.len() < crate::sys::udp::MESSAGES {
                return;
            }
        }
        self.more_waits = true;
    }

    fn handle_message(
        &mut self,
        socket: usize,
        message: &Message,
        buffer: &mut [u8],
        now: Instant,
    ) {
        let path = Path {
            peer: message.peer,
            local: message.local,
            socket,
        };
        let mut key = self.peers.find(path.peer);
        let end = message.offset + message.length;
        let mut start = message.offset;
        while start < end {
            let datagram = start..end.min(start + message.segment);
            start = datagram.end;
            // Data before the handshake is over means that the client's Finished was lost, which only the handshake
            // can mend: in resumption mode the client speaks last.
            let is_handshake =
                key.is_none() || matches!(buffer[datagram.start], HANDSHAKE | CHANGE_CIPHER_SPEC);
            if is_handshake && self.handle_handshake(&path, &mut buffer[datagram.clone()], now) {
                key = self.peers.find(path.peer);
            } else {
                key = self.handle_records(key, &path, buffer, datagram, now);
            }
        }
    }

    /// Opens the records of one datagram. Returns the session that `path` belongs to afterwards.
    fn handle_records(
        &mut self,
        key: Option<Key>,
        path: &Path,
        buffer: &mut [u8],
        datagram: Range<usize>,
        now: Instant,
    ) -> Option<Key> {
        let Some(key) = key else {
            return self.try_other_sessions(path, buffer, datagram, now);
        };
        let mut start = datagram.start;
        while let Some(header) = RecordHeader::parse(&buffer[start..datagram.end]) {
            let end = start + dtls::HEADER + header.length;
            if end > datagram.end {
                break;
            }
            let live = live_of(&mut self.sessions, key)?;
            let is_doubtful = live.forged_in_a_row >= FORGERIES_IN_A_ROW;
            let result = if is_doubtful {
                // In a copy, so that the other sessions can try the record next.
                open_copy(&mut live.opener, &mut buffer[start..end], &mut self.scratch)
            } else {
                live.opener.open_in_place(&mut buffer[start..end])
            };
            match result {
                Ok(opened) => {
                    live.forged_in_a_row = 0;
                    let payload = start + opened.payload.start..start + opened.payload.end;
                    self.handle_opened(key, opened.content, buffer, payload, now);
                }
                Err(Discard::Forged) => {
                    live.forged_in_a_row = live.forged_in_a_row.saturating_add(1);
                    self.counters.records_forged += 1;
                    if is_doubtful {
                        let rest = start..datagram.end;
                        return self
                            .try_other_sessions(path, buffer, rest, now)
                            .or(Some(key));
                    }
                }
                Err(Discard::Replayed | Discard::NotNewest) => self.counters.records_replayed += 1,
                Err(_) => self.counters.records_malformed += 1,
            }
            start = end;
        }
        Some(key)
    }

    fn handle_opened(
        &mut self,
        key: Key,
        content: Content,
        buffer: &mut [u8],
        payload: Range<usize>,
        now: Instant,
    ) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(dtls) = &mut session.dtls else {
            return;
        };
        if dtls.heard(now) {
            let peer = dtls.live().map(|live| live.path.peer.to_string());
            let id = session.id;
            self.report(Event::Channel {
                session: id,
                dtls: ChannelChange::Up,
                peer,
            });
        }
        match content {
            Content::ApplicationData => self.handle_payload(key, buffer, payload, now),
            Content::Alert(alert) if alert.ends_association() => self.drop_association(key),
            Content::Alert(_) => {}
            Content::FinishedAgain => {
                let elapsed = self.elapsed(now);
                if let Some(live) = self.live(key) {
                    let (path, flight) = (live.path, live.sealer.resend_last_flight(elapsed));
                    if let Some(flight) = flight {
                        self.send_datagram(&path, &flight);
                    }
                }
            }
        }
    }

    fn handle_payload(&mut self, key: Key, buffer: &mut [u8], payload: Range<usize>, now: Instant) {
        match buffer.get(payload.start) {
            Some(&DATA) if !payload.is_empty() => {
                let place = payload.start + 1..payload.end;
                self.admit(key, buffer, place, now);
            }
            // The answer repeats the whole question: clients measure the path with it (`protocol.md` section 3.7).
            Some(&DPD_REQUEST) if !payload.is_empty() => {
                buffer[payload.start] = DPD_RESPONSE;
                self.send_over_dtls(key, &buffer[payload]);
            }
            _ => {}
        }
    }

    /// Passes an inner packet on to the tun device if the device may send it.
    fn admit(&mut self, key: Key, buffer: &[u8], place: Range<usize>, now: Instant) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        match packet::admit(&buffer[place.clone()], Some(session.ipv4), session.ipv6) {
            Ok(inner) => {
                session.counters.packets_in += 1;
                session.counters.bytes_in += inner.total_length as u64;
                session.last_activity = now;
                self.writer
                    .push(buffer, place.start..place.start + inner.total_length);
            }
            Err(refusal) => self.counters.refuse(refusal),
        }
    }

    /// A record from an address that no session owns: after a NAT rebinding it opens with the keys of a session that
    /// was heard from another port of the same host.
    fn try_other_sessions(
        &mut self,
        path: &Path,
        buffer: &mut [u8],
        datagram: Range<usize>,
        now: Instant,
    ) -> Option<Key> {
        self.counters.datagrams_from_strangers += 1;
        let header =
            RecordHeader::parse(&buffer[datagram.clone()]).filter(|header| header.epoch == 1)?;
        let record = datagram.start..datagram.start + dtls::HEADER + header.length;
        if record.end > datagram.end {
            return None;
        }
        let host = path.peer.ip();
        // Before the list is made: behind a large NAT that alone is work.
        let spent = self.trials.get(&host).copied().unwrap_or_default();
        if spent >= TRIALS_FOR_HOST || self.trials_in_all >= TRIALS_IN_ALL {
            return None;
        }
        for key in self.peers.candidates(host) {
            let trials = self.trials.entry(host).or_default();
            if *trials >= TRIALS_FOR_HOST || self.trials_in_all >= TRIALS_IN_ALL {
                return None;
            }
            *trials += 1;
            self.trials_in_all += 1;
            let Some(session) = self.sessions.get_mut(key) else {
                continue;
            };
            let Some(live) = session.dtls.as_mut().and_then(DtlsChannel::live_mut) else {
                continue;
            };
            let opened = open_copy(
                &mut live.opener,
                &mut buffer[record.clone()],
                &mut self.scratch,
            );
            let Ok(opened) = opened else {
                continue;
            };
            live.forged_in_a_row = 0;
            let old = live.path.peer;
            live.path = *path;
            let id = session.id;
            self.peers.remove(old, key);
            self.peers.insert(path.peer, key);
            self.counters.dtls_address_moves += 1;
            let peer = Some(path.peer.to_string());
            self.report(Event::Channel {
                session: id,
                dtls: ChannelChange::Moved,
                peer,
            });
            let payload = record.start + opened.payload.start..record.start + opened.payload.end;
            self.handle_opened(key, opened.content, buffer, payload, now);
            return Some(key);
        }
        None
    }

    /// True when the datagram belonged to a handshake.
    fn handle_handshake(&mut self, path: &Path, datagram: &mut [u8], now: Instant) -> bool {
        if peek_client_hello(datagram).is_some() {
            self.handle_client_hello(path, datagram, now);
            return true;
        }
        let Some(key) = self.attempts.get(&path.peer).copied() else {
            return false;
        };
        self.continue_attempt(key, path, datagram, now);
        true
    }

    fn handle_client_hello(&mut self, path: &Path, datagram: &mut [u8], now: Instant) {
        let elapsed = self.elapsed(now);
        let Some(hello) = peek_client_hello(datagram) else {
            return;
        };
        let Some(key) = hello
            .app_id()
            .and_then(|id| self.sessions.find_by_dtls_id(id))
        else {
            self.counters.datagrams_from_strangers += 1;
            return;
        };
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let connection_host = session.tls.as_ref().map(|tls| tls.peer.ip());
        let Some(channel) = &mut session.dtls else {
            return;
        };
        if let Some(attempt) = &channel.attempt {
            if attempt.path.peer == path.peer && attempt.handshake.began_with(&hello) {
                self.continue_attempt(key, path, datagram, now);
                return;
            }
            let is_likelier = |peer: SocketAddr| connection_host == Some(peer.ip());
            if attempt.is_fresh(now) && is_likelier(attempt.path.peer) && !is_likelier(path.peer) {
                return;
            }
        }
        if channel
            .live()
            .is_some_and(|live| live.opener.began_with(&hello))
        {
            return;
        }
        // The identifier is visible on the wire, so only a device that is expected gets an answer at once. An attempt
        // under way gives way only to an address that is proved.
        let is_expected = channel.live().is_none()
            && channel.attempt.is_none()
            && connection_host == Some(path.peer.ip());
        let address = address_bytes(path.peer);
        if !is_expected && !self.cookies.verify_cookie(&hello, &address) {
            if self.answers_to_strangers < ANSWERS_TO_STRANGERS {
                self.answers_to_strangers += 1;
                self.counters.hello_verify_requests += 1;
                let answer = self.cookies.hello_verify_request(&hello, &address);
                self.send_datagram(path, &answer);
            }
            return;
        }
        let mut server_random = [0; 32];
        if self.random.fill(&mut server_random).is_err() {
            return;
        }
        let accepted = match &channel.parameters {
            Parameters::Psk { .. } => {
                Handshake::accept_psk(&hello, &DEFAULT_PSK_PREFERENCE, &server_random, elapsed)
            }
            Parameters::Resume {
                master_secret,
                suite,
                ..
            } => {
                Handshake::accept_resumption(&hello, master_secret, *suite, &server_random, elapsed)
            }
        };
        let Ok((handshake, flight)) = accepted else {
            return;
        };
        let attempt = Attempt {
            handshake,
            path: *path,
            started: now,
        };
        if let Some(old) = channel.attempt.replace(Box::new(attempt)) {
            forget(&mut self.attempts, old.path.peer, key);
        }
        self.attempts.insert(path.peer, key);
        self.send_datagram(path, &flight);
    }

    fn continue_attempt(&mut self, key: Key, path: &Path, datagram: &mut [u8], now: Instant) {
        let elapsed = self.elapsed(now);
        let Some(channel) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.dtls.as_mut())
        else {
            return;
        };
        let candidates = match &channel.parameters {
            Parameters::Psk { keys, .. } => keys.candidates(),
            Parameters::Resume { .. } => Vec::new(),
        };
        let Some(attempt) = channel
            .attempt
            .as_mut()
            .filter(|attempt| attempt.path.peer == path.peer)
        else {
            return;
        };
        match attempt
            .handshake
            .handle_datagram(datagram, &candidates, elapsed)
        {
            Outcome::Ignore => {}
            Outcome::Send(flight) => self.send_datagram(path, &flight),
            Outcome::Established(established) => {
                channel.attempt = None;
                forget(&mut self.attempts, path.peer, key);
                if let Some(flight) = &established.flight {
                    self.send_datagram(path, flight);
                }
                self.use_association(key, Live::new(*established.association, *path, now));
            }
        }
    }

    /// Switches a session to a new association. Records that are still under way under the old keys are lost, as they
    /// would be to a client that has closed its old socket.
    fn use_association(&mut self, key: Key, live: Live) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let (id, peer) = (session.id, live.path.peer);
        let Some(channel) = &mut session.dtls else {
            return;
        };
        if let Some(old) = channel.replace(live) {
            self.peers.remove(old.path.peer, key);
        }
        self.peers.insert(peer, key);
        self.counters.dtls_handshakes += 1;
        self.report(Event::Channel {
            session: id,
            dtls: ChannelChange::Up,
            peer: Some(peer.to_string()),
        });
    }

    /// Forgets the association after a goodbye; packets go over TLS until the next handshake.
    pub(super) fn drop_association(&mut self, key: Key) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let id = session.id;
        if let Some(live) = session.dtls.as_mut().and_then(DtlsChannel::take_live) {
            self.peers.remove(live.path.peer, key);
            self.report(Event::Channel {
                session: id,
                dtls: ChannelChange::Down,
                peer: None,
            });
        }
    }

    /// Takes a session away from a socket that is about to close: to one that hears the device just the same, or to
    /// TLS, with a goodbye, so that the device changes over at once and not after its dead-peer detection.
    pub(super) fn leave_socket(&mut self, key: Key, place: usize) {
        let Some(channel) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.dtls.as_mut())
        else {
            return;
        };
        if let Some(attempt) = channel
            .attempt
            .take_if(|attempt| attempt.path.socket == place)
        {
            forget(&mut self.attempts, attempt.path.peer, key);
        }
        let Some(live) = channel.live_mut().filter(|live| live.path.socket == place) else {
            return;
        };
        match self.sockets.instead_of(&live.path) {
            Some(other) => live.path.socket = other,
            None => self.say_goodbye_over_dtls(key),
        }
    }

    /// Forgets everything that UDP knows of a session.
    pub(super) fn forget_dtls(&mut self, key: Key) {
        let Some(channel) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.dtls.as_mut())
        else {
            return;
        };
        let (live, attempt) = (channel.take_live(), channel.attempt.take());
        if let Some(live) = live {
            self.peers.remove(live.path.peer, key);
        }
        if let Some(attempt) = attempt {
            forget(&mut self.attempts, attempt.path.peer, key);
        }
    }

    pub(super) fn forget_expired_attempt(&mut self, key: Key, now: Instant) {
        let elapsed = self.elapsed(now);
        let Some(channel) = self
            .sessions
            .get_mut(key)
            .and_then(|session| session.dtls.as_mut())
        else {
            return;
        };
        if channel
            .attempt
            .as_ref()
            .is_some_and(|attempt| attempt.handshake.is_expired(elapsed))
            && let Some(attempt) = channel.attempt.take()
        {
            forget(&mut self.attempts, attempt.path.peer, key);
        }
    }

    fn live(&mut self, key: Key) -> Option<&mut Live> {
        live_of(&mut self.sessions, key)
    }
}

/// Forgets an attempt, unless another session's has begun at the address since.
fn forget(attempts: &mut HashMap<SocketAddr, Key, RandomState>, peer: SocketAddr, key: Key) {
    if attempts.get(&peer) == Some(&key) {
        attempts.remove(&peer);
    }
}

fn live_of(sessions: &mut Sessions, key: Key) -> Option<&mut Live> {
    sessions.get_mut(key)?.dtls.as_mut()?.live_mut()
}

/// Opens a record that may be another session's. It must be newer than all before it, and stays as it is if it cannot be
/// opened.
fn open_copy(
    opener: &mut Opener,
    record: &mut [u8],
    scratch: &mut [u8],
) -> Result<Opened, Discard> {
    let opened = opener.open_from_new_address(record, scratch)?;
    record[opened.payload.clone()].copy_from_slice(&scratch[opened.payload.clone()]);
    Ok(opened)
}

/// What a cookie vouches for.
fn address_bytes(peer: SocketAddr) -> Vec<u8> {
    let mut bytes = match peer {
        SocketAddr::V4(peer) => peer.ip().octets().to_vec(),
        SocketAddr::V6(peer) => peer.ip().octets().to_vec(),
    };
    bytes.extend_from_slice(&peer.port().to_be_bytes());
    bytes
}
