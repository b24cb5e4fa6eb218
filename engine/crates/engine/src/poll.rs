//! A thin cover over `epoll`, level-triggered, with our own tokens.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;
use rustix::event::{EventfdFlags, Timespec, eventfd};

/// Events taken in one go.
const EVENTS: usize = 256;

/// What a thread wants to hear about a descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Interest {
    pub(crate) const NONE: Self = Self {
        read: false,
        write: false,
    };
    pub(crate) const READ: Self = Self {
        read: true,
        write: false,
    };
    pub(crate) const BOTH: Self = Self {
        read: true,
        write: true,
    };

    fn flags(self) -> epoll::EventFlags {
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN | epoll::EventFlags::RDHUP, self.read);
        flags.set(epoll::EventFlags::OUT, self.write);
        flags
    }
}

/// One thing that happened.
#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) token: u64,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// The set of descriptors that one thread waits for.
pub(crate) struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(EVENTS),
        })
    }

    pub(crate) fn add(
        &self,
        descriptor: impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            descriptor,
            epoll::EventData::new_u64(token),
            interest.flags(),
        )?)
    }

    pub(crate) fn change(
        &self,
        descriptor: impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::modify(
            &self.epoll,
            descriptor,
            epoll::EventData::new_u64(token),
            interest.flags(),
        )?)
    }

    pub(crate) fn remove(&self, descriptor: impl AsFd) {
        // Fails only when the descriptor is not in the set, which is what the caller wants.
        let _ = epoll::delete(&self.epoll, descriptor);
    }

    /// Waits at most `timeout`; the events stay readable until the next call.
    pub(crate) fn wait(&mut self, timeout: Duration) -> io::Result<&[Event]> {
        let limit = Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        self.events.clear();
        let mut room = [const { MaybeUninit::uninit() }; EVENTS];
        let happened = match epoll::wait(&self.epoll, &mut room[..], Some(&limit)) {
            Ok((happened, _)) => happened,
            Err(rustix::io::Errno::INTR) => return Ok(&self.events),
            Err(error) => return Err(error.into()),
        };
        let closed = epoll::EventFlags::HUP | epoll::EventFlags::ERR | epoll::EventFlags::RDHUP;
        self.events.extend(happened.iter().map(|event| {
            let flags = event.flags;
            Event {
                token: event.data.u64(),
                // A closed peer shows as readable, so that the next read finds out.
                readable: flags.intersects(epoll::EventFlags::IN | closed),
                writable: flags.intersects(epoll::EventFlags::OUT | epoll::EventFlags::ERR),
            }
        }));
        Ok(&self.events)
    }
}

/// Wakes a thread that waits in `Poll::wait`.
pub(crate) struct Waker(OwnedFd);

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?))
    }

    pub(crate) fn wake(&self) {
        // A full counter means that a wake-up is already waiting.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(crate) fn reset(&self) {
        let _ = rustix::io::read(&self.0, &mut [0_u8; 8][..]);
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}
