//! Which flow a packet belongs to, and the small table that finds the newest group of a flow.

/// Everything that names a TCP connection or a pair of UDP ports, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlowKey {
    /// Source and destination as they lie in the packet; IPv4 uses the first word only.
    addresses: [u64; 4],
    /// Both ports, protocol and IP version.
    rest: u64,
}

impl FlowKey {
    /// `addresses` are 8 bytes (IPv4) or 32 bytes (IPv6); `ports` the first four bytes of the transport header.
    #[inline(always)]
    pub(super) fn new(addresses: &[u8], ports: [u8; 4], protocol: u8) -> Self {
        let mut words = [0; 4];
        let (chunks, _) = addresses.as_chunks::<8>();
        for (word, chunk) in words.iter_mut().zip(chunks) {
            *word = u64::from_ne_bytes(*chunk);
        }
        let is_ipv4 = u64::from(chunks.len() == 1);
        let rest = u64::from(u32::from_ne_bytes(ports)) << 32 | u64::from(protocol) << 8 | is_ipv4;
        Self {
            addresses: words,
            rest,
        }
    }

    /// A hash of the two addresses alone, the same for all flows between them.
    #[inline(always)]
    pub(super) fn address_hash(&self) -> u64 {
        self.addresses.iter().fold(0, |hash, word| mix(hash ^ word))
    }

    #[inline(always)]
    pub(super) fn hash(&self, address_hash: u64) -> u64 {
        mix(address_hash ^ self.rest)
    }
}

/// One multiplication whose two halves are folded, so that every input bit reaches the bits that choose a slot.
/// An attacker can make collisions; [`MOST_PROBES`] bounds what they cost.
#[inline(always)]
fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    product as u64 ^ (product >> 64) as u64
}

/// Maps a hash to the newest group of a flow, by open addressing with a bounded number of probes.
///
/// Slots are tagged with a generation, so that forgetting a batch costs nothing. Slots are never freed within a batch:
/// a flow that once found no room finds none later either, so its packets are never merged and never reordered.
#[derive(Debug)]
pub(super) struct FlowTable {
    slots: Box<[Slot]>,
    generation: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Zero marks a slot that was never used.
    generation: u32,
    /// Upper half of the hash; the lower half chose the slot.
    tag: u32,
    group: u32,
}

/// Outcome of a look-up.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The flow is here, with this group.
    Found { slot: usize, group: u32 },
    /// The flow is not in the table and may take this slot.
    Vacant { slot: usize },
    /// The flow is not in the table and all slots it may use are taken.
    Full,
}

/// More flows than a batch has packets, so that most look-ups end at the first slot.
const SLOTS: usize = 1024;
const MOST_PROBES: usize = 8;

impl FlowTable {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); SLOTS].into_boxed_slice(),
            generation: 1,
        }
    }

    pub(super) fn clear(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 {
            self.slots.fill(Slot::default());
            self.generation = 1;
        }
    }

    /// `is_flow` says whether a group belongs to the flow that is looked for.
    #[inline(always)]
    pub(super) fn find(&self, hash: u64, is_flow: impl Fn(u32) -> bool) -> Lookup {
        let tag = (hash >> 32) as u32;
        for probe in 0..MOST_PROBES {
            let index = (hash as usize).wrapping_add(probe) % SLOTS;
            let slot = self.slots[index];
            if slot.generation != self.generation {
                return Lookup::Vacant { slot: index };
            }
            if slot.tag == tag && is_flow(slot.group) {
                return Lookup::Found {
                    slot: index,
                    group: slot.group,
                };
            }
        }
        Lookup::Full
    }

    /// Stores the newest group of the flow with this hash in a slot that [`FlowTable::find`] returned.
    #[inline(always)]
    pub(super) fn set(&mut self, slot: usize, hash: u64, group: u32) {
        self.slots[slot] = Slot {
            generation: self.generation,
            tag: (hash >> 32) as u32,
            group,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_found_until_the_table_is_cleared() {
        let mut table = FlowTable::new();
        assert_eq!(table.find(5, |_| true), Lookup::Vacant { slot: 5 });
        table.set(5, 5, 77);
        assert_eq!(
            table.find(5, |group| group == 77),
            Lookup::Found { slot: 5, group: 77 }
        );
        table.clear();
        assert_eq!(table.find(5, |_| true), Lookup::Vacant { slot: 5 });
    }

    #[test]
    fn colliding_flows_take_the_next_slots_and_then_none() {
        let mut table = FlowTable::new();
        for flow in 0..MOST_PROBES {
            let hash = (SLOTS - 1) as u64;
            let Lookup::Vacant { slot } = table.find(hash, |group| group == flow as u32) else {
                unreachable!("flow {flow}");
            };
            table.set(slot, hash, flow as u32);
        }
        assert_eq!(table.find((SLOTS - 1) as u64, |_| false), Lookup::Full);
    }

    #[test]
    fn a_generation_that_wraps_forgets_everything() {
        let mut table = FlowTable::new();
        table.set(5, 5, 77);
        table.generation = u32::MAX;
        table.clear();
        assert_eq!(table.generation, 1);
        assert_eq!(table.find(5, |_| true), Lookup::Vacant { slot: 5 });
    }

    #[test]
    fn neighbouring_ports_and_addresses_spread_over_the_table() {
        let mut is_used = vec![false; SLOTS];
        for flow in 0..SLOTS as u16 {
            let [high, low] = flow.to_be_bytes();
            let key = FlowKey::new(&[10, 0, 0, low & 15, 192, 0, 2, 1], [high, low, 1, 187], 6);
            is_used[key.hash(key.address_hash()) as usize % SLOTS] = true;
        }
        let used = is_used.into_iter().filter(|used| *used).count();
        assert!(used > 600, "random choice would use 647 of {SLOTS}: {used}");
    }

    #[test]
    fn flows_differ_in_every_part_of_their_key() {
        let base = FlowKey::new(&[1; 8], [1, 2, 3, 4], 6);
        assert_ne!(base, FlowKey::new(&[2; 8], [1, 2, 3, 4], 6));
        assert_ne!(base, FlowKey::new(&[1; 8], [1, 2, 3, 5], 6));
        assert_ne!(base, FlowKey::new(&[1; 8], [1, 2, 3, 4], 17));
        let mut padded = [0; 32];
        padded[..8].fill(1);
        assert_ne!(base, FlowKey::new(&padded, [1, 2, 3, 4], 6));
    }
}
