//! UDP with `recvmmsg`, `UDP_GRO`, `UDP_SEGMENT` and the local address of each datagram.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};

/// Messages of one `recvmmsg`.
pub(crate) const MESSAGES: usize = 64;
/// Room of one message: the largest that `UDP_GRO` delivers.
pub(crate) const MESSAGE_ROOM: usize = 65_536;
/// 10 Gbit/s for 10 ms of absence while the engine does something else: 12.5 MB, rounded up.
const RECEIVE_BUFFER: usize = 16 << 20;
/// 10 Gbit/s for 1 ms: 1.25 MB, rounded up.
const SEND_BUFFER: usize = 2 << 20;

const SOL_UDP: libc::c_int = 17;
const UDP_SEGMENT: libc::c_int = 103;
const UDP_GRO: libc::c_int = 104;
const CONTROL_ROOM: usize = 128;

/// A bound UDP socket of one address family.
pub(crate) struct UdpSocket {
    socket: Socket,
    endpoint: SocketAddr,
}

impl UdpSocket {
    /// Binds `address`. Several processes cannot share it: a second gateway must fail loudly. The sockets `closing` may
    /// cover it still, so that not one datagram meets a closed port in between.
    pub(crate) fn bind(address: SocketAddr, closing: &[Arc<Self>]) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        grow(
            &socket,
            libc::SO_RCVBUFFORCE,
            libc::SO_RCVBUF,
            RECEIVE_BUFFER,
        );
        grow(&socket, libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, SEND_BUFFER);
        let (level, information, discover) = match address {
            SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO, libc::IP_MTU_DISCOVER),
            SocketAddr::V6(_) => (
                libc::IPPROTO_IPV6,
                libc::IPV6_RECVPKTINFO,
                libc::IPV6_MTU_DISCOVER,
            ),
        };
        set_option(&socket, level, information, 1)?;
        // Inner packets fit the agreed MTU; a fragment on the public path would only hide a wrong one.
        set_option(&socket, level, discover, libc::IP_PMTUDISC_PROBE)?;
        // Without GRO each message is one datagram, which the reader also understands.
        let _ = set_option(&socket, SOL_UDP, UDP_GRO, 1);
        let share = |yes| -> io::Result<()> {
            for one in closing {
                one.socket.set_reuse_address(yes)?;
            }
            socket.set_reuse_address(yes && !closing.is_empty())
        };
        share(true)?;
        let bound = socket.bind(&address.into());
        share(false)?;
        bound?;
        let endpoint = socket
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { socket, endpoint })
    }

    /// The address and port that it is bound to.
    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.endpoint
    }

    /// Sends `bytes` to `to`, cut by the kernel into datagrams of `segment` bytes when given. `from` is the local
    /// address that the peer knows.
    pub(crate) fn send(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
        bytes: &[u8],
        segment: Option<u16>,
    ) -> io::Result<()> {
        let destination = socket2::SockAddr::from(to);
        let mut control = ControlBuffer([0; CONTROL_ROOM]);
        // SAFETY: all-zero is a valid `msghdr`.
        let mut message: libc::msghdr = unsafe { zeroed() };
        let mut vector = libc::iovec {
            iov_base: bytes.as_ptr().cast_mut().cast(),
            iov_len: bytes.len(),
        };
        message.msg_name = destination.as_ptr().cast_mut().cast();
        message.msg_namelen = destination.len();
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = CONTROL_ROOM;
        let mut used = 0;
        // SAFETY: `msg_control` points to `CONTROL_ROOM` zeroed bytes, enough for both entries, and
        // `CMSG_FIRSTHDR`/`CMSG_NXTHDR` stay inside it.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(&raw const message);
            if let Some(size) = segment {
                used += put_control(header, SOL_UDP, UDP_SEGMENT, size);
                header = libc::CMSG_NXTHDR(&raw const message, header);
            }
            match from {
                Some(IpAddr::V4(address)) => {
                    let mut information: libc::in_pktinfo = zeroed();
                    information.ipi_spec_dst.s_addr = u32::from_ne_bytes(address.octets());
                    used += put_control(header, libc::IPPROTO_IP, libc::IP_PKTINFO, information);
                }
                Some(IpAddr::V6(address)) => {
                    let mut information: libc::in6_pktinfo = zeroed();
                    information.ipi6_addr.s6_addr = address.octets();
                    used +=
                        put_control(header, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, information);
                }
                None => {}
            }
        }
        message.msg_controllen = used;
        if used == 0 {
            message.msg_control = std::ptr::null_mut();
        }
        // SAFETY: every pointer in `message` refers to a local that outlives the call.
        let sent = unsafe { libc::sendmsg(self.socket.as_raw_fd(), &raw const message, 0) };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Fills `batch` with waiting messages; `WouldBlock` when there is none.
    pub(crate) fn receive(&self, batch: &mut ReceiveBatch) -> io::Result<()> {
        // SAFETY: all-zero is a valid value of these plain C structs.
        let mut headers: [libc::mmsghdr; MESSAGES] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut vectors: [libc::iovec; MESSAGES] = unsafe { zeroed() };
        for (index, header) in headers.iter_mut().enumerate() {
            vectors[index] = libc::iovec {
                iov_base: batch.buffer[index * MESSAGE_ROOM..].as_mut_ptr().cast(),
                iov_len: MESSAGE_ROOM,
            };
            header.msg_hdr.msg_name = (&raw mut batch.names[index]).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_iov = &raw mut vectors[index];
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = batch.controls[index].0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = CONTROL_ROOM;
        }
        // SAFETY: every header points at live buffers of the batch with their true lengths.
        let count = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                MESSAGES as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        batch.messages.clear();
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        for (index, header) in headers.iter().take(count as usize).enumerate() {
            batch
                .messages
                .extend(describe(index, header, &batch.names[index]));
        }
        Ok(())
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What came with one message of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) peer: SocketAddr,
    /// The address of this host that the peer sent to.
    pub(crate) local: Option<IpAddr>,
    /// Start of the message in the buffer of the batch.
    pub(crate) offset: usize,
    pub(crate) length: usize,
    /// Bytes of each datagram in the message but the last, which may be shorter.
    pub(crate) segment: usize,
}

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct ControlBuffer([u8; CONTROL_ROOM]);

/// Buffers for one `recvmmsg`, used again for each.
pub(crate) struct ReceiveBatch {
    buffer: Vec<u8>,
    messages: Vec<Message>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<ControlBuffer>,
}

impl ReceiveBatch {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; MESSAGES * MESSAGE_ROOM],
            messages: Vec::with_capacity(MESSAGES),
            // SAFETY: all-zero is a valid value of this plain C struct.
            names: unsafe { vec![zeroed(); MESSAGES] },
            controls: vec![ControlBuffer([0; CONTROL_ROOM]); MESSAGES],
        }
    }

    /// The messages of the last `receive` and the buffer that holds them.
    pub(crate) fn parts(&mut self) -> (&[Message], &mut [u8]) {
        (&self.messages, &mut self.buffer)
    }
}

/// What the kernel says of one message; `None` for one that did not fit or has no usable address.
fn describe(
    index: usize,
    header: &libc::mmsghdr,
    name: &libc::sockaddr_storage,
) -> Option<Message> {
    if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
        return None;
    }
    let length = header.msg_len as usize;
    let (local, segment) = read_control(&header.msg_hdr);
    Some(Message {
        peer: socket_address(name)?,
        local,
        offset: index * MESSAGE_ROOM,
        length,
        segment: segment.unwrap_or(length).max(1),
    })
}

/// Writes one control message and returns the space it takes.
///
/// # Safety
/// `header` must point into a control buffer with room for `value`.
unsafe fn put_control<T>(
    header: *mut libc::cmsghdr,
    level: libc::c_int,
    kind: libc::c_int,
    value: T,
) -> usize {
    let size = size_of::<T>() as libc::c_uint;
    // SAFETY: the caller promises the room; `CMSG_DATA` is inside it, and the write is unaligned.
    unsafe {
        (*header).cmsg_level = level;
        (*header).cmsg_type = kind;
        (*header).cmsg_len = libc::CMSG_LEN(size) as usize;
        libc::CMSG_DATA(header).cast::<T>().write_unaligned(value);
        libc::CMSG_SPACE(size) as usize
    }
}

fn read_control(message: &libc::msghdr) -> (Option<IpAddr>, Option<usize>) {
    let (mut local, mut segment) = (None, None);
    // SAFETY: the kernel filled `msg_control` and set `msg_controllen`; the macros stay inside it, and each read
    // is of the type that the level and kind name.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let data = libc::CMSG_DATA(header);
            match ((*header).cmsg_level, (*header).cmsg_type) {
                (SOL_UDP, UDP_GRO) => {
                    let size = data.cast::<libc::c_int>().read_unaligned();
                    segment = usize::try_from(size).ok().filter(|size| *size > 0);
                }
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let information = data.cast::<libc::in_pktinfo>().read_unaligned();
                    let address = Ipv4Addr::from(information.ipi_spec_dst.s_addr.to_ne_bytes());
                    local = Some(IpAddr::V4(address));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let information = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    local = Some(IpAddr::V6(Ipv6Addr::from(information.ipi6_addr.s6_addr)));
                }
                _ => {}
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    (local, segment)
}

fn socket_address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage holds a `sockaddr_in`, which is smaller and less aligned.
            let address = unsafe { (&raw const *storage).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::V4(SocketAddrV4::new(
                ip,
                u16::from_be(address.sin_port),
            )))
        }
        libc::AF_INET6 => {
            // SAFETY: as above for `sockaddr_in6`.
            let address = unsafe { (&raw const *storage).cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            let port = u16::from_be(address.sin6_port);
            Some(SocketAddr::V6(SocketAddrV6::new(
                ip,
                port,
                0,
                address.sin6_scope_id,
            )))
        }
        _ => None,
    }
}

fn grow(socket: &Socket, forced: libc::c_int, polite: libc::c_int, bytes: usize) {
    let value = bytes as libc::c_int;
    // Only CAP_NET_ADMIN may pass the limit of the host; without it the polite way takes what is allowed.
    if set_option(socket, libc::SOL_SOCKET, forced, value).is_err() {
        let _ = set_option(socket, libc::SOL_SOCKET, polite, value);
    }
}

fn set_option(
    socket: &Socket,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the descriptor is open and the value is an `int` of the stated size.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
