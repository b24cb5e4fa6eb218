//! Version 2: binary (section 2.2).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::parse::{Attempt, Invalid, Origin};

pub(crate) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Signature, version and command, family and protocol, length.
pub(crate) const FIXED: usize = 16;

pub(crate) const VERSION_PROXY: u8 = 0x21;
const VERSION_LOCAL: u8 = 0x20;

pub(crate) const TCP_IPV4: u8 = 0x11;
pub(crate) const TCP_IPV6: u8 = 0x21;

pub(crate) fn parse(input: &[u8], max_header: usize) -> Attempt {
    let known = input.len().min(SIGNATURE.len());
    if input[..known] != SIGNATURE[..known] {
        return Err(Invalid::Signature);
    }
    let Some(fixed) = input.first_chunk::<FIXED>() else {
        return Ok(None);
    };
    let local = match fixed[12] {
        VERSION_PROXY => false,
        VERSION_LOCAL => true,
        _ => return Err(Invalid::Unknown),
    };
    let length = FIXED + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if length > max_header {
        return Err(Invalid::TooLong);
    }
    let Some(body) = input.get(FIXED..length) else {
        return Ok(None);
    };
    let origin = if local {
        Origin::Local
    } else {
        origin(fixed[13], body)?
    };
    Ok(Some((origin, length)))
}

/// How many bytes the addresses of a family take.
pub(crate) fn addresses_len(family_and_protocol: u8) -> Option<usize> {
    let (family, protocol) = (family_and_protocol >> 4, family_and_protocol & 0xf);
    let len = match family {
        0 => 0,
        1 => 12,
        2 => 36,
        3 => 216,
        _ => return None,
    };
    (protocol <= 2).then_some(len)
}

fn origin(family_and_protocol: u8, body: &[u8]) -> Result<Origin, Invalid> {
    let len = addresses_len(family_and_protocol).ok_or(Invalid::Unknown)?;
    let addresses = body.get(..len).ok_or(Invalid::Address)?;
    let endpoints = match family_and_protocol >> 4 {
        1 => ipv4(addresses),
        2 => ipv6(addresses),
        // Unspecified, or unix sockets, which have no IP address to go by.
        _ => return Ok(Origin::Local),
    };
    let (source, destination) = endpoints.ok_or(Invalid::Address)?;
    Ok(Origin::Proxied {
        source,
        destination,
    })
}

fn ipv4(bytes: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (source, rest) = bytes.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    endpoints(Ipv4Addr::from(*source), Ipv4Addr::from(*destination), rest)
}

fn ipv6(bytes: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (source, rest) = bytes.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    endpoints(Ipv6Addr::from(*source), Ipv6Addr::from(*destination), rest)
}

fn endpoints<A>(source: A, destination: A, ports: &[u8]) -> Option<(SocketAddr, SocketAddr)>
where
    SocketAddr: From<(A, u16)>,
{
    let ports: &[u8; 4] = ports.first_chunk()?;
    let source_port = u16::from_be_bytes([ports[0], ports[1]]);
    let destination_port = u16::from_be_bytes([ports[2], ports[3]]);
    Some((
        (source, source_port).into(),
        (destination, destination_port).into(),
    ))
}
