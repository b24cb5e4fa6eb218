//! The loop of the packet path.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use dtls::{CookieSecret, CookieSecrets};
use foldhash::fast::RandomState;
use ring::rand::{SecureRandom, SystemRandom};

use super::counters::EngineCounters;
use super::downlink::{DatagramBatch, RecordBatch};
use super::moderation::{Moderation, PAUSE};
use super::peers::Peers;
use super::sessions::{Key, Sessions};
use super::sockets::{SocketChange, Sockets};
use super::timers::Times;
use super::tun_writer::TunWriter;
use super::{Attachment, Command, Report};
use crate::control::messages::{ChannelChange, EndReason, Event};
use crate::log;
use crate::poll::{Interest, Poll, Waker};
use crate::sys::tun::{Tun, VIRTIO_HEADER};
use crate::sys::udp::{ReceiveBatch, UdpSocket};

const TICK: Duration = Duration::from_millis(100);
/// A session is looked at every half second: its slice of the table comes round each fifth tick.
const SLICES: usize = 5;
/// Cookies live at least this long (RFC 6347 section 4.2.1 asks for a secret that changes).
const COOKIE_PERIOD: Duration = Duration::from_secs(60);
/// Bytes taken from a TCP connection in one round, behind a partial record of at most 16.5 kB.
pub(super) const TCP_ROOM: usize = 256 << 10;
const TIMER_SLACK_NANOSECONDS: u64 = 5_000;
/// The largest packet that a tun device hands out, with its virtio header.
const TUN_ROOM: usize = VIRTIO_HEADER + (64 << 10);

const WAKER: u64 = 1 << 56;
const TUN: u64 = 2 << 56;
const SOCKET: u64 = 3 << 56;
pub(super) const DEVICE: u64 = 4 << 56;
const KIND: u64 = 0xff << 56;

/// What the packet path starts with.
pub(crate) struct DataThread {
    pub(crate) tun: Tun,
    pub(crate) sockets: Vec<Arc<UdpSocket>>,
}

impl DataThread {
    /// Starts the thread. It ends with the process.
    pub(crate) fn start(
        self,
        reports: Sender<Report>,
        report_waker: Arc<Waker>,
    ) -> io::Result<(Sender<Command>, Arc<Waker>)> {
        let (sender, commands) = channel();
        let waker = Arc::new(Waker::new()?);
        let mut path = PacketPath::new(self, commands, Arc::clone(&waker), reports, report_waker)?;
        std::thread::Builder::new()
            .name("packets".into())
            .spawn(move || {
                if let Err(error) = path.run() {
                    log::warning(&format!("the packet path failed: {error}"));
                    // Without it there is no product; the gateway starts a new engine.
                    std::process::exit(1);
                }
            })?;
        Ok((sender, waker))
    }
}

/// Everything the packet path owns.
pub(super) struct PacketPath {
    pub(super) poll: Poll,
    pub(super) tun: Tun,
    pub(super) sockets: Sockets,
    pub(super) sessions: Sessions,
    pub(super) peers: Peers,
    /// Sessions with a handshake under way, by the address it comes from. Nothing here is authenticated, so it is
    /// kept apart from `peers`.
    pub(super) attempts: HashMap<SocketAddr, Key, RandomState>,
    pub(super) cookies: CookieSecrets,
    pub(super) random: SystemRandom,
    pub(super) started: Instant,
    pub(super) counters: EngineCounters,
    pub(super) writer: TunWriter,
    pub(super) datagrams: DatagramBatch,
    pub(super) records: RecordBatch,
    /// Trial decryptions in this tick, by host and in all.
    pub(super) trials: HashMap<IpAddr, u32, RandomState>,
    pub(super) trials_in_all: u32,
    /// Answers to strangers in this tick.
    pub(super) answers_to_strangers: u32,
    /// Answers in this tick that nobody has an address.
    pub(super) answers_unreachable: u32,
    pub(super) tcp_buffer: Vec<u8>,
    pub(super) tun_buffer: Vec<u8>,
    pub(super) scratch: Vec<u8>,
    /// Set by a reader that has stopped at its share although there was more.
    pub(super) more_waits: bool,
    receive: Option<Box<ReceiveBatch>>,
    commands: Receiver<Command>,
    waker: Arc<Waker>,
    reports: Sender<Report>,
    report_waker: Arc<Waker>,
    next_slice: usize,
    next_cookie: Instant,
}

impl PacketPath {
    fn new(
        start: DataThread,
        commands: Receiver<Command>,
        waker: Arc<Waker>,
        reports: Sender<Report>,
        report_waker: Arc<Waker>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        poll.add(&*waker, WAKER, Interest::READ)?;
        poll.add(&start.tun, TUN, Interest::READ)?;
        let random = SystemRandom::new();
        let mut path = Self {
            poll,
            writer: TunWriter::new(&start.tun),
            tun: start.tun,
            sockets: Sockets::default(),
            sessions: Sessions::default(),
            peers: Peers::default(),
            attempts: HashMap::default(),
            cookies: CookieSecrets::new(new_cookie_secret(&random)?),
            random,
            started: Instant::now(),
            counters: EngineCounters::default(),
            datagrams: DatagramBatch::new(),
            records: RecordBatch::new(),
            trials: HashMap::default(),
            trials_in_all: 0,
            answers_to_strangers: 0,
            answers_unreachable: 0,
            tcp_buffer: vec![0; TCP_ROOM],
            tun_buffer: vec![0; TUN_ROOM],
            scratch: vec![0; 64 << 10],
            more_waits: false,
            receive: Some(Box::new(ReceiveBatch::new())),
            commands,
            waker,
            reports,
            report_waker,
            next_slice: 0,
            next_cookie: Instant::now() + COOKIE_PERIOD,
        };
        for socket in start.sockets {
            path.open_socket(socket)?;
        }
        Ok(path)
    }

    fn run(&mut self) -> io::Result<()> {
        let mut next_tick = Instant::now() + TICK;
        let mut events = Vec::with_capacity(256);
        let mut moderation = Moderation::default();
        // The kernel may round a pause up by this much; its usual 50 µs would be half of one.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(TIMER_SLACK_NANOSECONDS));
        loop {
            let timeout = next_tick.saturating_duration_since(Instant::now());
            events.clear();
            events.extend_from_slice(self.poll.wait(timeout)?);
            let now = Instant::now();
            let is_stream = !events.is_empty() && moderation.woke(now);
            self.more_waits = false;
            for event in &events {
                let index = (event.token & !KIND) as usize;
                match event.token & KIND {
                    WAKER => self.carry_out_commands(now),
                    TUN => self.read_tun(now)?,
                    SOCKET => self.read_socket(index, now),
                    _ => {
                        if event.writable {
                            self.device_writable(index);
                        }
                        if event.readable {
                            self.read_device(index, now);
                        }
                    }
                }
            }
            if now >= next_tick {
                next_tick = now + TICK;
                self.tick(now)?;
            }
            if is_stream && !self.more_waits {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Time since the engine started, as the DTLS handshakes count it.
    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Tells the gateway something.
    pub(super) fn report(&self, event: Event) {
        // The front thread lives as long as the process.
        let _ = self.reports.send(Report(event));
        self.report_waker.wake();
    }

    /// Ends a session for good.
    pub(super) fn end(&mut self, key: Key, reason: EndReason, now: Instant) {
        self.forget_dtls(key);
        let Some(mut session) = self.sessions.remove(key) else {
            return;
        };
        if let Some(tls) = session.tls.take() {
            self.poll.remove(&tls.stream);
        }
        let at = super::session::unix_milliseconds(now, now);
        self.report(Event::Ended {
            session: session.id,
            reason,
            at,
            counters: session.counters,
        });
    }

    /// The TLS connection is gone; the session waits for its device.
    pub(super) fn lose(&mut self, key: Key, now: Instant) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let Some(tls) = session.tls.take() else {
            return;
        };
        session.lost_at = now;
        let id = session.id;
        self.poll.remove(&tls.stream);
        self.report(Event::Lost {
            session: id,
            at: super::session::unix_milliseconds(now, now),
        });
    }

    fn read_socket(&mut self, index: usize, now: Instant) {
        let Some(mut batch) = self.receive.take() else {
            return;
        };
        self.receive_datagrams(index, &mut batch, now);
        self.receive = Some(batch);
    }

    fn open_socket(&mut self, socket: Arc<UdpSocket>) -> io::Result<()> {
        let place = self.sockets.add(Arc::clone(&socket));
        self.poll
            .add(&*socket, SOCKET | place as u64, Interest::READ)
    }

    fn change_sockets(&mut self, change: SocketChange, now: Instant) {
        for socket in change.open {
            if let Err(error) = self.open_socket(socket) {
                log::warning(&format!("a new UDP socket cannot be used: {error}"));
            }
        }
        for endpoint in change.close {
            let Some(place) = self.sockets.place_of(endpoint) else {
                continue;
            };
            // What has arrived already is not lost.
            self.read_socket(place, now);
            for key in 0..self.sessions.capacity() {
                self.leave_socket(key, place);
            }
            if let Some(socket) = self.sockets.remove(place) {
                self.poll.remove(&*socket);
            }
        }
    }

    fn carry_out_commands(&mut self, now: Instant) {
        self.waker.reset();
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Attach(attachment) => self.attach(*attachment, now),
                Command::Detach(detach) => {
                    if let Some(key) = self.sessions.find(detach.session) {
                        self.say_goodbye(key, &detach.message);
                        self.end(key, EndReason::Detached, now);
                    }
                    self.report(Event::done(detach.id));
                }
                Command::List { id } => {
                    let sessions = self
                        .sessions
                        .iter()
                        .map(|session| session.describe(now))
                        .collect();
                    self.report(Event::Result {
                        id,
                        ok: true,
                        error: None,
                        sessions: Some(sessions),
                        status: None,
                    });
                }
                Command::Status { id } => {
                    let mut status = serde_json::Map::new();
                    status.insert("sessions".into(), self.sessions.len().into());
                    status.insert("uptimeSeconds".into(), self.elapsed(now).as_secs().into());
                    for (name, value) in self.counters.named() {
                        status.insert(name.into(), value.into());
                    }
                    self.report(Event::Result {
                        id,
                        ok: true,
                        error: None,
                        sessions: None,
                        status: Some(status),
                    });
                }
                Command::Sockets(change) => self.change_sockets(change, now),
            }
        }
    }

    /// Adds a session, or moves a session that is here already to its new connection. The newest connection wins and
    /// the one before is closed without a goodbye, which would end the session on the device.
    fn attach(&mut self, attachment: Attachment, now: Instant) {
        let Attachment {
            id,
            session: newer,
            unsent,
        } = attachment;
        let peer = newer.tls.as_ref().map(|tls| tls.peer.ip());
        let known = self.sessions.find(newer.id);
        // The gateway hands out addresses; one that is taken belongs to a session that it has given up.
        let addresses = [Some(IpAddr::V4(newer.ipv4)), newer.ipv6.map(IpAddr::V6)];
        for address in addresses.into_iter().flatten() {
            if let Some(holder) = self.sessions.find_by_address(address)
                && Some(holder) != known
            {
                self.end(holder, EndReason::Detached, now);
            }
        }
        let key = match known {
            Some(key) => {
                self.move_session(key, newer);
                key
            }
            None => self.sessions.insert(newer),
        };
        self.report(Event::done(id));
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        if let Some(dtls) = &mut session.dtls
            && dtls
                .live()
                .is_some_and(|live| Some(live.path.peer.ip()) != peer)
        {
            // The device has another address now; UDP is believed again once it is heard from there.
            dtls.suspend();
        }
        if let Some(tls) = &session.tls
            && self
                .poll
                .add(&tls.stream, DEVICE | key as u64, Interest::READ)
                .is_ok()
        {
            self.records.bytes.extend_from_slice(&unsent);
            self.flush_records(key);
        } else {
            self.lose(key, now);
        }
    }

    fn move_session(&mut self, key: Key, newer: super::session::Session) {
        // A device whose path became too narrow or wide enough for IPv6 loses or gets its IPv6 address.
        self.sessions.readdress(key, newer.ipv4, newer.ipv6);
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        if let Some(old) = session.tls.take() {
            self.poll.remove(&old.stream);
        }
        session.tls = newer.tls;
        session.mtu = newer.mtu;
        session.limits = newer.limits;
        let old_id = session.dtls.as_ref().map(|dtls| *dtls.id());
        let new_id = newer.dtls.as_ref().map(|dtls| *dtls.id());
        if old_id == new_id {
            if let (Some(dtls), Some(newer)) = (&mut session.dtls, newer.dtls) {
                dtls.reconnect(newer);
            }
            return;
        }
        self.forget_dtls(key);
        if let Some(session) = self.sessions.get_mut(key) {
            session.dtls = newer.dtls;
        }
        self.sessions.reindex_dtls(key, old_id);
    }

    fn tick(&mut self, now: Instant) -> io::Result<()> {
        self.trials.clear();
        self.trials_in_all = 0;
        self.answers_to_strangers = 0;
        self.answers_unreachable = 0;
        if now >= self.next_cookie {
            self.next_cookie = now + COOKIE_PERIOD;
            self.cookies.rotate(new_cookie_secret(&self.random)?);
        }
        let slice = self.sessions.capacity().div_ceil(SLICES);
        let first = self.next_slice * slice;
        for key in first..first + slice {
            self.check_times(key, now);
        }
        self.next_slice = (self.next_slice + 1) % SLICES;
        Ok(())
    }

    fn check_times(&mut self, key: Key, now: Instant) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let due = Times::of(session).due(now);
        if let Some(reason) = due.end {
            match reason {
                EndReason::SessionTimeout => {
                    self.say_goodbye(key, "The session time is over. Please sign in again.")
                }
                EndReason::IdleTimeout => {
                    self.say_goodbye(key, "The connection was idle for too long.")
                }
                _ => {}
            }
            self.end(key, reason, now);
            return;
        }
        self.forget_expired_attempt(key, now);
        self.renew_tls_keys(key, now);
        self.renew_dtls_keys(key);
        if due.drop_tls {
            self.lose(key, now);
        }
        if due.probe_tls {
            self.probe_tls(key, now);
        }
        if due.suspend_dtls {
            self.suspend_dtls(key);
        }
        if due.probe_dtls {
            self.probe_dtls(key, now);
        }
    }

    fn suspend_dtls(&mut self, key: Key) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let id = session.id;
        if session.dtls.as_mut().is_some_and(|dtls| dtls.suspend()) {
            self.report(Event::Channel {
                session: id,
                dtls: ChannelChange::Down,
                peer: None,
            });
        }
    }
}

fn new_cookie_secret(random: &SystemRandom) -> io::Result<CookieSecret> {
    let mut bytes = [0; 32];
    random
        .fill(&mut bytes)
        .map_err(|_| io::Error::other("the kernel gives no random bytes"))?;
    Ok(CookieSecret::new(&bytes))
}
