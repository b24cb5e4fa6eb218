//! The tun device, opened so that one read or write moves up to 64 kB of one flow.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Bytes of the header before every packet (`struct virtio_net_hdr`).
pub(crate) const VIRTIO_HEADER: usize = 10;

const IFF_TUN: libc::c_short = 0x0001;
const IFF_NO_PI: libc::c_short = 0x1000;
const IFF_VNET_HDR: libc::c_short = 0x4000;
const TUNSETOFFLOAD: libc::c_ulong = 0x4004_54d0;
const TUN_F_CSUM: libc::c_uint = 0x01;
const TUN_F_TSO4: libc::c_uint = 0x02;
const TUN_F_TSO6: libc::c_uint = 0x04;
const TUN_F_USO4: libc::c_uint = 0x20;
const TUN_F_USO6: libc::c_uint = 0x40;

/// An open tun device whose packets carry a virtio header.
pub(crate) struct Tun {
    file: File,
    udp_offload: bool,
}

impl Tun {
    /// Creates the device, or takes over one of that name that nobody has open. Needs `CAP_NET_ADMIN`.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .open("/dev/net/tun")
            .map_err(|error| io::Error::new(error.kind(), format!("/dev/net/tun: {error}")))?;
        // SAFETY: an all-zero `ifreq` is a valid value of this plain C struct.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        if name.is_empty() || name.len() >= request.ifr_name.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("interface name \"{name}\" is not 1 to 15 bytes long"),
            ));
        }
        for (slot, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *slot = byte as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
        // SAFETY: the descriptor is open and `request` outlives the call, which reads and writes one `ifreq`.
        if unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &mut request) } < 0 {
            let error = io::Error::last_os_error();
            return Err(io::Error::new(
                error.kind(),
                format!("tun device {name}: {error}"),
            ));
        }
        rustix::io::ioctl_fionbio(&file, true)?;
        let tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
        // UDP segmentation came with Linux 6.2; older kernels refuse the whole mask.
        let udp_offload = set_offload(&file, tcp | TUN_F_USO4 | TUN_F_USO6).is_ok();
        if !udp_offload {
            set_offload(&file, tcp)?;
        }
        Ok(Self { file, udp_offload })
    }

    /// Whether the kernel takes several UDP datagrams of one flow as one packet.
    pub(crate) fn udp_offload(&self) -> bool {
        self.udp_offload
    }

    /// Reads one packet with its virtio header; `WouldBlock` when there is none.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(buffer)
    }

    /// Writes one packet; the slices start with the virtio header.
    pub(crate) fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.file).write_vectored(slices)
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn set_offload(file: &File, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: the descriptor is open; this request takes its argument by value.
    let result =
        unsafe { libc::ioctl(file.as_raw_fd(), TUNSETOFFLOAD, libc::c_ulong::from(flags)) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
