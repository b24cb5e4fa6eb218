//! Version 1: a line of text (section 2.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::{FromStr, SplitN};

use crate::parse::{Attempt, Invalid, Origin};

/// Longest line with its end, as the specification computes it.
pub const MAX_V1: usize = 107;

const PREFIX: &[u8] = b"PROXY ";

pub(crate) fn parse(input: &[u8]) -> Attempt {
    let known = input.len().min(PREFIX.len());
    if input[..known] != PREFIX[..known] {
        return Err(Invalid::Signature);
    }
    let window = &input[..input.len().min(MAX_V1)];
    let Some(end) = window.windows(2).position(|pair| pair == b"\r\n") else {
        return if input.len() >= MAX_V1 {
            Err(Invalid::TooLong)
        } else {
            Ok(None)
        };
    };
    let line =
        std::str::from_utf8(&input[PREFIX.len().min(end)..end]).map_err(|_| Invalid::Address)?;
    Ok(Some((parse_line(line)?, end + 2)))
}

fn parse_line(line: &str) -> Result<Origin, Invalid> {
    // Six, so that a superfluous field is seen.
    let mut fields = line.splitn(6, ' ');
    match fields.next() {
        Some("TCP4") => endpoints::<Ipv4Addr>(fields),
        Some("TCP6") => endpoints::<Ipv6Addr>(fields),
        // Whatever follows UNKNOWN is to be ignored.
        Some("UNKNOWN") => Ok(Origin::Local),
        _ => Err(Invalid::Unknown),
    }
}

fn endpoints<A: FromStr + Into<IpAddr>>(mut fields: SplitN<'_, char>) -> Result<Origin, Invalid> {
    let mut next = || fields.next().ok_or(Invalid::Address);
    let (source, destination) = (address::<A>(next()?)?, address::<A>(next()?)?);
    let (source_port, destination_port) = (port(next()?)?, port(next()?)?);
    if fields.next().is_some() {
        return Err(Invalid::Address);
    }
    Ok(Origin::Proxied {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

fn address<A: FromStr + Into<IpAddr>>(field: &str) -> Result<IpAddr, Invalid> {
    field
        .parse::<A>()
        .map(Into::into)
        .map_err(|_| Invalid::Address)
}

/// Decimal without sign or leading zeros.
fn port(field: &str) -> Result<u16, Invalid> {
    let digits = field.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = field.len() > 1 && field.starts_with('0');
    if !digits || leading_zero {
        return Err(Invalid::Address);
    }
    field.parse().map_err(|_| Invalid::Address)
}
