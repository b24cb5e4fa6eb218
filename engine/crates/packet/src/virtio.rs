//! The header that a tun device with `IFF_VNET_HDR` puts before each packet.

/// `struct virtio_net_hdr` of `linux/virtio_net.h`: ten bytes, little endian (`TUNSETVNETLE`, or any little-endian host).
///
/// The fields are what the other side says; [`crate::Segmentation`] checks them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VirtioHeader {
    /// [`Self::NEEDS_CSUM`] and [`Self::DATA_VALID`].
    pub flags: u8,
    /// One of the `GSO_` constants, perhaps with [`Self::GSO_ECN`] set.
    pub gso_type: u8,
    /// Length in bytes of all headers, a hint only.
    pub hdr_len: u16,
    /// Payload bytes of each segment but the last.
    pub gso_size: u16,
    /// Offset in bytes from the start of the packet at which the checksum starts.
    pub csum_start: u16,
    /// Offset in bytes from `csum_start` of the checksum field.
    pub csum_offset: u16,
}

impl VirtioHeader {
    /// Length in bytes.
    pub const LENGTH: usize = 10;

    /// `flags`: the checksum field holds the pseudo-header sum, the rest is still to be added.
    pub const NEEDS_CSUM: u8 = 1;
    /// `flags`: the checksum has been verified.
    pub const DATA_VALID: u8 = 2;

    /// `gso_type`: one packet, not a super-packet.
    pub const GSO_NONE: u8 = 0;
    /// `gso_type`: TCP over IPv4.
    pub const GSO_TCPV4: u8 = 1;
    /// `gso_type`: UDP cut into IP fragments, which this crate refuses.
    pub const GSO_UDP: u8 = 3;
    /// `gso_type`: TCP over IPv6.
    pub const GSO_TCPV6: u8 = 4;
    /// `gso_type`: UDP cut into datagrams, Linux 6.2 and later.
    pub const GSO_UDP_L4: u8 = 5;
    /// `gso_type`: bit that says the TCP flag CWR is set and belongs to the first segment only.
    pub const GSO_ECN: u8 = 0x80;

    /// Splits what was read from the tun device into header and packet; `None` if it is shorter than the header.
    #[must_use]
    pub fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (header, packet) = bytes.split_first_chunk::<{ Self::LENGTH }>()?;
        Some((Self::from_bytes(header), packet))
    }

    /// Reads the header.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let [flags, gso_type, h0, h1, g0, g1, s0, s1, o0, o1] = *bytes;
        Self {
            flags,
            gso_type,
            hdr_len: u16::from_le_bytes([h0, h1]),
            gso_size: u16::from_le_bytes([g0, g1]),
            csum_start: u16::from_le_bytes([s0, s1]),
            csum_offset: u16::from_le_bytes([o0, o1]),
        }
    }

    /// Writes the header.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let [h0, h1] = self.hdr_len.to_le_bytes();
        let [g0, g1] = self.gso_size.to_le_bytes();
        let [s0, s1] = self.csum_start.to_le_bytes();
        let [o0, o1] = self.csum_offset.to_le_bytes();
        [self.flags, self.gso_type, h0, h1, g0, g1, s0, s1, o0, o1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_little_endian_in_the_order_of_the_kernel_header() {
        let bytes = [1, 0x81, 0x02, 0x01, 0x04, 0x03, 0x06, 0x05, 0x08, 0x07];
        let header = VirtioHeader {
            flags: VirtioHeader::NEEDS_CSUM,
            gso_type: VirtioHeader::GSO_TCPV4 | VirtioHeader::GSO_ECN,
            hdr_len: 0x0102,
            gso_size: 0x0304,
            csum_start: 0x0506,
            csum_offset: 0x0708,
        };
        assert_eq!(VirtioHeader::from_bytes(&bytes), header);
        assert_eq!(header.to_bytes(), bytes);
    }

    #[test]
    fn a_read_shorter_than_the_header_is_not_split() {
        assert_eq!(VirtioHeader::split(&[0; 9]), None);
        assert_eq!(
            VirtioHeader::split(&[0; 10]),
            Some((VirtioHeader::default(), &[][..]))
        );
    }
}
