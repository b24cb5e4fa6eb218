//! Writing version 2 towards the gateway.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::v2::{FIXED, SIGNATURE, TCP_IPV4, TCP_IPV6, VERSION_PROXY};

/// Types of the fields that [`Header::write_to`] adds.
pub mod kind {
    /// `PP2_TYPE_SSL`: a bit field, the result of verification, then sub-fields.
    pub const SSL: u8 = 0x20;
    /// `PP2_SUBTYPE_SSL_VERSION`: text such as `TLSv1.3`.
    pub const SSL_VERSION: u8 = 0x21;
    /// `PP2_SUBTYPE_SSL_CIPHER`: text such as `TLS_AES_128_GCM_SHA256`.
    pub const SSL_CIPHER: u8 = 0x23;
    /// Ours (in the range for applications): the engine's number of the connection, 8 bytes, big endian.
    pub const CONNECTION_ID: u8 = 0xe0;
    /// Ours: the client's certificate chain, leaf first, each a 24-bit length and DER.
    pub const CERTIFICATE_CHAIN: u8 = 0xe1;
}

/// `PP2_CLIENT_SSL`: the client connected over TLS.
const CLIENT_SSL: u8 = 0x01;
/// `PP2_CLIENT_CERT_CONN`: it presented a certificate over this connection.
const CLIENT_CERT_CONN: u8 = 0x02;
/// `PP2_CLIENT_CERT_SESS`: it presented one at least once in this TLS session.
const CLIENT_CERT_SESS: u8 = 0x04;

/// What the gateway should know of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The client.
    pub source: SocketAddr,
    /// What it connected to.
    pub destination: SocketAddr,
    /// How the client speaks TLS; `None` for a connection without.
    pub tls: Option<ClientTls<'a>>,
    /// The engine's number of the connection, to name it in later commands.
    pub connection_id: Option<u64>,
}

/// The client's end of the TLS connection.
#[derive(Clone, Copy, Debug)]
pub struct ClientTls<'a> {
    /// Such as `TLSv1.3`.
    pub version: &'a str,
    /// The suite's name.
    pub cipher: &'a str,
    /// The certificates that the client presented, leaf first; empty when it presented none.
    pub certificates: &'a [&'a [u8]],
    /// Whether that chain was verified against the configured authorities.
    pub verified: bool,
}

/// The fields exceed what a 16-bit length can say; in practice the certificates do. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl Header<'_> {
    /// Appends the header to `out`.
    ///
    /// With one IPv4 and one IPv6 address, the former is written in mapped form.
    pub fn write_to(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let start = out.len();
        let written = self.try_write(out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn try_write(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        out.extend(SIGNATURE);
        out.push(VERSION_PROXY);
        let both_v4 = self.source.is_ipv4() && self.destination.is_ipv4();
        out.push(if both_v4 { TCP_IPV4 } else { TCP_IPV6 });
        with_length(out, |out| {
            debug_assert_eq!(FIXED, SIGNATURE.len() + 4);
            for address in [self.source.ip(), self.destination.ip()] {
                match address {
                    IpAddr::V4(v4) if both_v4 => out.extend(v4.octets()),
                    other => out.extend(to_ipv6(other).octets()),
                }
            }
            for port in [self.source.port(), self.destination.port()] {
                out.extend(port.to_be_bytes());
            }
            if let Some(tls) = &self.tls {
                tls.write_to(out)?;
            }
            if let Some(id) = self.connection_id {
                field(out, kind::CONNECTION_ID, &id.to_be_bytes())?;
            }
            Ok(())
        })
    }
}

impl ClientTls<'_> {
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        let presented = !self.certificates.is_empty();
        let certificate_bits = if presented {
            CLIENT_CERT_CONN | CLIENT_CERT_SESS
        } else {
            0
        };
        // 0 says "presented and verified"; any other value says that it was not.
        let verify = u32::from(!(presented && self.verified));
        out.push(kind::SSL);
        with_length(out, |out| {
            out.push(CLIENT_SSL | certificate_bits);
            out.extend(verify.to_be_bytes());
            field(out, kind::SSL_VERSION, self.version.as_bytes())?;
            field(out, kind::SSL_CIPHER, self.cipher.as_bytes())
        })?;
        if !presented {
            return Ok(());
        }
        out.push(kind::CERTIFICATE_CHAIN);
        with_length(out, |out| {
            for certificate in self.certificates {
                let length = u32::try_from(certificate.len()).map_err(|_| TooLong)?;
                let [0, length @ ..] = length.to_be_bytes() else {
                    return Err(TooLong);
                };
                out.extend(length);
                out.extend(*certificate);
            }
            Ok(())
        })
    }
}

fn field(out: &mut Vec<u8>, kind: u8, value: &[u8]) -> Result<(), TooLong> {
    out.push(kind);
    with_length(out, |out| {
        out.extend(value);
        Ok(())
    })
}

/// Writes a 16-bit length and then what `content` appends.
fn with_length(
    out: &mut Vec<u8>,
    content: impl FnOnce(&mut Vec<u8>) -> Result<(), TooLong>,
) -> Result<(), TooLong> {
    let at = out.len();
    out.extend([0, 0]);
    content(out)?;
    let length = u16::try_from(out.len() - at - 2).map_err(|_| TooLong)?;
    out[at..at + 2].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn to_ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}
