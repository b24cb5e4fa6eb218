//! The loop of the front thread: it owns the control socket and every connection without a tunnel.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use slab::Slab;

use super::admission::Admission;
use super::connection::{Connection, Gone};
use super::listeners::Listeners;
use super::tls::TlsSettings;
use crate::control::messages::{Event, Listen, PROTOCOL, SessionId, Tunnel};
use crate::control::socket::{self, ControlConnection};
use crate::data::{Command, DataThread, Report};
use crate::log;
use crate::poll::{Interest, Poll, Waker};

const TICK: Duration = Duration::from_millis(100);
/// Connections taken from a listener in one round, so that the others get their turn.
const ACCEPTS: usize = 64;
const SCRATCH: usize = 16 << 10;

const CONTROL_LISTENER: u64 = 1 << 56;
const CONTROL: u64 = 2 << 56;
const REPORTS: u64 = 3 << 56;
const LISTENER: u64 = 4 << 56;
const DEVICE: u64 = 5 << 56;
const UPSTREAM: u64 = 6 << 56;
const KIND: u64 = 0xff << 56;

/// What the engine works with after its first `configure`.
pub(super) struct Configured {
    pub(super) settings: TlsSettings,
    pub(super) listen: Listen,
    pub(super) tunnel: Tunnel,
    pub(super) proxy_protocol: bool,
    pub(super) listeners: Listeners,
    pub(super) data: Sender<Command>,
    pub(super) data_waker: Arc<Waker>,
}

/// The front thread.
pub(crate) struct Front {
    pub(super) user: u32,
    pub(super) poll: Poll,
    control_listener: UnixListener,
    control: Option<ControlConnection>,
    pub(super) configured: Option<Configured>,
    connections: Slab<Connection>,
    by_id: HashMap<u64, usize>,
    next_id: u64,
    pub(super) admission: Admission,
    accepting: bool,
    /// Ends of sessions that the gateway has not yet written down.
    pub(super) ended: BTreeMap<SessionId, Event>,
    reports: Receiver<Report>,
    pub(super) report_sender: Sender<Report>,
    pub(super) report_waker: Arc<Waker>,
    pub(super) stopping: bool,
    scratch: Vec<u8>,
}

impl Front {
    /// Opens the control socket in `directory`. Nothing else is open before the gateway has configured us.
    pub(crate) fn new(directory: &Path, user: u32) -> io::Result<Self> {
        // Both sockets are found from here: after root is given up, directories above may be closed to this process.
        std::env::set_current_dir(directory)?;
        let poll = Poll::new()?;
        let control_listener = socket::listen(Path::new("engine.sock"))?;
        poll.add(&control_listener, CONTROL_LISTENER, Interest::READ)?;
        let report_waker = Arc::new(Waker::new()?);
        poll.add(&*report_waker, REPORTS, Interest::READ)?;
        let (report_sender, reports) = std::sync::mpsc::channel();
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile)
            .current
            .unwrap_or(1 << 20);
        Ok(Self {
            user,
            poll,
            control_listener,
            control: None,
            configured: None,
            connections: Slab::new(),
            by_id: HashMap::new(),
            next_id: 1,
            // Each waiting connection may hold two descriptors; three quarters stay for open tunnels.
            admission: Admission::new(
                usize::try_from(files / 8)
                    .unwrap_or(usize::MAX)
                    .clamp(64, 16_384),
            ),
            accepting: true,
            ended: BTreeMap::new(),
            reports,
            report_sender,
            report_waker,
            stopping: false,
            scratch: vec![0; SCRATCH],
        })
    }

    /// Serves until the gateway asks for `shutdown`.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut next_tick = Instant::now() + TICK;
        while !self.stopping {
            let timeout = next_tick.saturating_duration_since(Instant::now());
            let events: Vec<_> = self.poll.wait(timeout)?.to_vec();
            let now = Instant::now();
            for event in events {
                let index = (event.token & !KIND) as usize;
                match event.token & KIND {
                    CONTROL_LISTENER => self.accept_gateway(),
                    CONTROL => self.serve_gateway(event.writable),
                    REPORTS => self.forward_reports(),
                    LISTENER => self.accept_devices(index, now),
                    DEVICE => self.serve_device(index, event.readable, now),
                    _ => self.serve_upstream(index, event.readable, now),
                }
            }
            if now >= next_tick {
                next_tick = now + TICK;
                self.tick(now);
            }
        }
        if let Some(control) = &mut self.control {
            // The gateway waits for the answer to `shutdown`; it fits the socket's buffer.
            let _ = control.flush();
        }
        Ok(())
    }

    /// Sends one event to the gateway, when there is one.
    pub(super) fn tell(&mut self, event: &Event) {
        if let Some(control) = &mut self.control {
            control.queue(event);
            self.flush_control();
        }
    }

    /// Removes a connection from the relay so that the packet path can have it.
    pub(super) fn take_connection(&mut self, id: u64) -> Option<Connection> {
        let key = *self.by_id.get(&id)?;
        let connection = self.forget(key)?;
        Some(connection)
    }

    /// Waits on the listeners that `configure` opened.
    pub(super) fn watch_listeners(&mut self) -> io::Result<()> {
        let Some(configured) = &self.configured else {
            return Ok(());
        };
        for (index, listener) in configured.listeners.tcp.iter().enumerate() {
            self.poll
                .add(&listener.socket, LISTENER | index as u64, Interest::READ)?;
        }
        self.accepting = true;
        Ok(())
    }

    /// Starts the packet path; called once, after privileges are gone.
    pub(super) fn start_data(&self, path: DataThread) -> io::Result<(Sender<Command>, Arc<Waker>)> {
        path.start(self.report_sender.clone(), Arc::clone(&self.report_waker))
    }

    fn accept_gateway(&mut self) {
        let Ok((stream, _)) = self.control_listener.accept() else {
            return;
        };
        let Ok(mut control) = ControlConnection::new(stream) else {
            return;
        };
        if let Some(old) = self.control.take() {
            self.poll.remove(&old);
        }
        control.queue(&Event::Hello {
            protocol: PROTOCOL,
            engine_version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            configured: self.configured.is_some(),
        });
        for event in self.ended.values() {
            control.queue(event);
        }
        if self.poll.add(&control, CONTROL, Interest::READ).is_ok() {
            self.control = Some(control);
            self.flush_control();
        }
    }

    fn serve_gateway(&mut self, writable: bool) {
        let Some(control) = &mut self.control else {
            return;
        };
        match control.receive() {
            Ok(lines) => {
                for line in lines {
                    self.handle_line(&line);
                }
                if writable {
                    self.flush_control();
                }
            }
            Err(_) => self.drop_gateway(),
        }
    }

    fn flush_control(&mut self) {
        let Some(control) = &mut self.control else {
            return;
        };
        match control.flush() {
            Ok(more) => {
                let interest = if more { Interest::BOTH } else { Interest::READ };
                if self.poll.change(&*control, CONTROL, interest).is_err() {
                    self.drop_gateway();
                }
            }
            Err(_) => self.drop_gateway(),
        }
    }

    fn drop_gateway(&mut self) {
        if let Some(control) = self.control.take() {
            self.poll.remove(&control);
            log::info(
                "the gateway has gone; tunnels stay, new connections wait for the next gateway",
            );
        }
    }

    fn forward_reports(&mut self) {
        self.report_waker.reset();
        while let Ok(report) = self.reports.try_recv() {
            let Report(event) = report;
            if let Event::Ended { session, .. } = &event {
                self.ended.insert(*session, event.clone());
            }
            self.tell(&event);
        }
    }

    /// Takes the connections that wait at each listener, as many as one round allows.
    pub(super) fn accept_waiting(&mut self) {
        let count = self
            .configured
            .as_ref()
            .map_or(0, |configured| configured.listeners.tcp.len());
        for index in 0..count {
            self.accept_devices(index, Instant::now());
        }
    }

    fn accept_devices(&mut self, index: usize, now: Instant) {
        for _ in 0..ACCEPTS {
            let Some(configured) = &self.configured else {
                return;
            };
            let Some(listener) = configured.listeners.tcp.get(index) else {
                return;
            };
            let (stream, peer) = match listener.socket.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    // Out of descriptors or memory: look again at the next tick instead of turning in circles.
                    log::warning(&format!("cannot accept connections: {error}"));
                    for listener in &configured.listeners.tcp {
                        self.poll.remove(&listener.socket);
                    }
                    self.accepting = false;
                    return;
                }
            };
            let (Ok(()), Ok(()), Ok(local)) = (
                stream.set_nonblocking(true),
                stream.set_nodelay(true),
                stream.local_addr(),
            ) else {
                continue;
            };
            let id = self.next_id;
            self.next_id += 1;
            let behind_proxy = configured.proxy_protocol;
            let connection = Connection::new(id, stream, peer, local, behind_proxy, now);
            let entry = self.connections.vacant_entry();
            let key = entry.key();
            if self
                .poll
                .add(&connection.stream, DEVICE | key as u64, Interest::READ)
                .is_err()
            {
                continue;
            }
            entry.insert(connection);
            self.by_id.insert(id, key);
            let by_id = &self.by_id;
            if let Some(oldest) = self
                .admission
                .admit(id, peer.ip(), |id| by_id.contains_key(&id))
            {
                let key = self.by_id.get(&oldest).copied();
                drop(key.and_then(|key| self.forget(key)));
            }
        }
    }

    fn serve_device(&mut self, key: usize, readable: bool, now: Instant) {
        let (Some(configured), Some(connection)) =
            (&self.configured, self.connections.get_mut(key))
        else {
            return;
        };
        let result = if readable {
            connection.receive(&configured.settings, &mut self.scratch, now)
        } else {
            connection.send()
        };
        self.settle(key, result);
    }

    fn serve_upstream(&mut self, key: usize, readable: bool, now: Instant) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let result = connection.relay(readable, &mut self.scratch, now);
        self.settle(key, result);
    }

    /// Opens the relay where it is due and waits for what the connection wants next.
    fn settle(&mut self, key: usize, result: Result<(), Gone>) {
        if self.try_settle(key, result).is_err() {
            drop(self.forget(key));
        }
    }

    fn try_settle(&mut self, key: usize, result: Result<(), Gone>) -> Result<(), Gone> {
        result?;
        let Some(connection) = self.connections.get_mut(key) else {
            return Ok(());
        };
        if connection.needs_upstream() && connection.open_upstream(Path::new("gateway.sock"))? {
            if let Some((stream, _)) = connection.upstream() {
                self.poll
                    .add(stream, UPSTREAM | key as u64, Interest::READ)?;
            }
            connection.upstream_interest = Interest::READ;
        }
        let wanted = connection.wanted();
        if wanted != connection.interest {
            self.poll
                .change(&connection.stream, DEVICE | key as u64, wanted)?;
            connection.interest = wanted;
        }
        if let Some((stream, wanted)) = connection.upstream()
            && wanted != connection.upstream_interest
        {
            self.poll.change(stream, UPSTREAM | key as u64, wanted)?;
            connection.upstream_interest = wanted;
        }
        Ok(())
    }

    fn forget(&mut self, key: usize) -> Option<Connection> {
        let connection = self.connections.try_remove(key)?;
        self.by_id.remove(&connection.id);
        self.poll.remove(&connection.stream);
        let by_id = &self.by_id;
        self.admission
            .release(connection.socket_peer.ip(), |id| by_id.contains_key(&id));
        Some(connection)
    }

    fn tick(&mut self, now: Instant) {
        let overdue: Vec<usize> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.is_overdue(now))
            .map(|(key, _)| key)
            .collect();
        for key in overdue {
            drop(self.forget(key));
        }
        let held: Vec<usize> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.needs_upstream())
            .map(|(key, _)| key)
            .collect();
        for key in held {
            self.settle(key, Ok(()));
            // The gateway is still away, or its queue is full: that is the same for the others.
            if self
                .connections
                .get(key)
                .is_some_and(Connection::needs_upstream)
            {
                break;
            }
        }
        if !self.accepting
            && let Err(error) = self.watch_listeners()
        {
            log::warning(&format!("cannot accept connections: {error}"));
        }
    }
}
