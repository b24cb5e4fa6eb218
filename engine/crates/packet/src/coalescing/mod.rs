//! From a batch of packets that devices sent to as few super-packets as possible.

mod candidate;
mod flow;
mod group;

use std::ops::Range;

use candidate::{Candidate, Class, PSH, classify};
use flow::{FlowTable, Lookup};

pub use group::Group;

use crate::header::Version;
use crate::{u16_at, u32_at};

/// Joins packets of the same flow across a whole batch.
///
/// For each batch: [`push`](Self::push) every packet in the order of arrival, write out every group of
/// [`groups`](Self::groups), then [`clear`](Self::clear). Packets are named by their place in one buffer, which is
/// passed in both times, so that the coalescer borrows nothing and keeps its memory from batch to batch.
///
/// What is merged: TCP segments with data, consecutive sequence numbers and otherwise equal headers, whose only flags
/// are ACK and PSH; and UDP datagrams of equal length if asked for. Checksums are verified first; a
/// packet with a wrong one is passed on as it is. Cutting a group gives back the same packets (identification aside
/// where DF makes it meaningless, RFC 6864).
///
/// Packets of one flow are never reordered: only the newest group of a flow grows, and groups come out in the order in
/// which they were started. Work per packet is bounded whatever the packets are.
#[derive(Debug)]
pub struct Coalescer {
    options: CoalescerOptions,
    packets: Vec<Packet>,
    groups: Vec<State>,
    table: FlowTable,
    /// For some hash of two addresses, the number of groups before a packet without ports passed between them.
    barriers: [u32; BARRIERS],
}

/// What a [`Coalescer`] may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoalescerOptions {
    /// Join UDP datagrams too. The tun device must accept `GSO_UDP_L4`, which Linux does from 6.2.
    pub enable_udp: bool,
}

/// A packet that does not lie within the given buffer, or a batch beyond 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl Coalescer {
    /// Most packets in a group: the most that Linux cuts a UDP super-packet into before 6.11 (`UDP_MAX_SEGMENTS`).
    pub const MOST_PACKETS: usize = 64;

    /// Creates a coalescer with memory for `packets` packets; a larger batch makes it grow once.
    #[must_use]
    pub fn new(options: CoalescerOptions, packets: usize) -> Self {
        Self {
            options,
            packets: Vec::with_capacity(packets),
            groups: Vec::with_capacity(packets),
            table: FlowTable::new(),
            barriers: [0; BARRIERS],
        }
    }

    /// Changes the options from the next packet on, as when the tun device turns out to refuse UDP super-packets.
    pub fn set_options(&mut self, options: CoalescerOptions) {
        self.options = options;
    }

    /// Adds the packet at `place` of `batch`, without trailing padding.
    pub fn push(&mut self, batch: &[u8], place: Range<usize>) -> Result<(), OutOfRange> {
        let Some(packet) = batch.get(place.clone()) else {
            return Err(OutOfRange);
        };
        let (Ok(start), Ok(end), Ok(index)) = (
            u32::try_from(place.start),
            u32::try_from(place.end),
            u32::try_from(self.packets.len()),
        ) else {
            return Err(OutOfRange);
        };
        if index == NONE {
            return Err(OutOfRange);
        }
        self.packets.push(Packet {
            start,
            end,
            next: NONE,
        });

        match classify(packet, self.options.enable_udp) {
            Class::Mergeable(candidate) => self.push_candidate(batch, packet, index, candidate),
            Class::InFlow(key) => {
                let hash = key.hash(key.address_hash());
                if let Lookup::Found { group, .. } =
                    self.table.find(hash, |group| self.has_key(group, &key))
                {
                    self.groups[group as usize].is_open = false;
                }
                self.groups.push(State::alone(index, packet.len()));
            }
            Class::BetweenAddresses(key) => {
                self.barriers[barrier_of(key.address_hash())] = self.groups.len() as u32;
                self.groups.push(State::alone(index, packet.len()));
            }
            Class::Alone => self.groups.push(State::alone(index, packet.len())),
        }
        Ok(())
    }

    /// The groups of the batch in the order in which they must be written; `batch` is the buffer given to
    /// [`push`](Self::push), unchanged.
    pub fn groups<'a>(&'a self, batch: &'a [u8]) -> impl ExactSizeIterator<Item = Group<'a>> {
        self.groups.iter().map(move |state| {
            let members = Members {
                packets: &self.packets,
                next: state.first,
                left: state.count,
            };
            Group::new(state, members, batch)
        })
    }

    /// Number of packets pushed since the last [`clear`](Self::clear).
    #[must_use]
    pub fn packet_count(&self) -> usize {
        self.packets.len()
    }

    /// Forgets the batch and keeps the memory.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.groups.clear();
        self.table.clear();
        self.barriers.fill(0);
    }

    #[inline]
    fn push_candidate(&mut self, batch: &[u8], packet: &[u8], index: u32, candidate: Candidate) {
        let address_hash = candidate.key.address_hash();
        let hash = candidate.key.hash(address_hash);
        let slot = match self
            .table
            .find(hash, |group| self.has_key(group, &candidate.key))
        {
            Lookup::Found { slot, group } => {
                let is_behind_barrier = group < self.barriers[barrier_of(address_hash)];
                if !is_behind_barrier && self.try_merge(batch, packet, index, group, &candidate) {
                    return;
                }
                self.groups[group as usize].is_open = false;
                Some(slot)
            }
            Lookup::Vacant { slot } => Some(slot),
            Lookup::Full => None,
        };
        if let Some(slot) = slot {
            self.table.set(slot, hash, self.groups.len() as u32);
        }
        self.groups.push(State::candidate(index, packet, candidate));
    }

    #[inline(always)]
    fn has_key(&self, group: u32, key: &flow::FlowKey) -> bool {
        self.groups[group as usize].candidate.key == *key
    }

    #[inline]
    fn try_merge(
        &mut self,
        batch: &[u8],
        packet: &[u8],
        index: u32,
        group: u32,
        candidate: &Candidate,
    ) -> bool {
        let state = &mut self.groups[group as usize];
        let first = &self.packets[state.first as usize];
        let payload = packet.len() - usize::from(candidate.header_length);
        let total_length = state.total_length as usize + payload;
        let fits = state.is_open
            && payload <= usize::from(state.payload_size)
            && total_length <= usize::from(u16::MAX)
            && candidate.header_length == state.candidate.header_length;
        let Some(head) = batch.get(first.start as usize..first.end as usize) else {
            return false;
        };
        if !fits || !continues(head, packet, state, candidate) {
            return false;
        }
        let last = state.last as usize;
        state.last = index;
        state.count += 1;
        state.total_length = total_length as u32;
        state.is_pushed |= candidate.flags & PSH != 0;
        state.is_open = payload == usize::from(state.payload_size)
            && (state.count as usize) < Self::MOST_PACKETS;
        self.packets[last].next = index;
        true
    }
}

/// Whether the headers of `packet` are what cutting the group would put there.
#[inline(always)]
fn continues(head: &[u8], packet: &[u8], state: &State, candidate: &Candidate) -> bool {
    let header_length = usize::from(candidate.header_length);
    let (Some(head), Some(packet)) = (head.get(..header_length), packet.get(..header_length))
    else {
        return false;
    };
    let is_same_ip = match candidate.version {
        Version::V4 => {
            let dont_fragment = head[6] & 0x40 != 0;
            let identification = u16_at(head, 4).wrapping_add(state.count as u16);
            head[1] == packet[1]
                && head[6..9] == packet[6..9]
                && (dont_fragment || identification == u16_at(packet, 4))
        }
        Version::V6 => head[..4] == packet[..4] && head[7] == packet[7],
    };
    if candidate.is_udp {
        return is_same_ip;
    }
    let offset = usize::from(candidate.transport_offset);
    let (head, packet) = (&head[offset..], &packet[offset..]);
    let sequence = u32_at(head, 4).wrapping_add(state.count * u32::from(state.payload_size));
    is_same_ip
        && sequence == u32_at(packet, 4)
        && head[8..13] == packet[8..13]
        && head[14..16] == packet[14..16]
        && head[18..] == packet[18..]
}

/// One pushed packet.
#[derive(Clone, Copy, Debug)]
struct Packet {
    start: u32,
    end: u32,
    /// The next packet of the same group, or [`NONE`].
    next: u32,
}

const NONE: u32 = u32::MAX;

const BARRIERS: usize = 64;

#[inline(always)]
fn barrier_of(address_hash: u64) -> usize {
    address_hash as usize % BARRIERS
}

/// A group while the batch is collected. Its headers are those of its first packet.
#[derive(Clone, Copy, Debug)]
struct State {
    candidate: Candidate,
    first: u32,
    last: u32,
    count: u32,
    /// Length in bytes of the IP packet.
    total_length: u32,
    /// Payload bytes of each packet but the last.
    payload_size: u16,
    /// PSH was set on a packet. It moves to the last one: all of them arrive together, so nothing is pushed later.
    is_pushed: bool,
    is_open: bool,
}

impl State {
    fn candidate(index: u32, packet: &[u8], candidate: Candidate) -> Self {
        let is_pushed = candidate.flags & PSH != 0;
        Self {
            candidate,
            first: index,
            last: index,
            count: 1,
            total_length: packet.len() as u32,
            payload_size: (packet.len() - usize::from(candidate.header_length)) as u16,
            is_pushed,
            is_open: true,
        }
    }

    /// The table never points at such a group, so its key is never looked at.
    fn alone(index: u32, length: usize) -> Self {
        let candidate = Candidate {
            key: flow::FlowKey::new(&[], [0; 4], 0),
            version: Version::V4,
            is_udp: false,
            transport_offset: 0,
            header_length: 0,
            flags: 0,
        };
        Self {
            candidate,
            first: index,
            last: index,
            count: 1,
            total_length: length as u32,
            payload_size: 0,
            is_pushed: false,
            is_open: false,
        }
    }
}

/// Walks the packets of one group: index in the batch and place in the buffer.
#[derive(Clone, Debug)]
struct Members<'a> {
    packets: &'a [Packet],
    next: u32,
    left: u32,
}

impl Iterator for Members<'_> {
    type Item = (usize, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let index = self.next as usize;
        let packet = self.packets.get(index)?;
        self.next = packet.next;
        Some((index, packet.start as usize..packet.end as usize))
    }
}

#[cfg(test)]
mod tests;
