//! Writes the seeds into `corpus/`: `cargo run --example seeds`. Nothing in them is random, so that a second run
//! changes no file.

#[path = "../../../crates/dtls/tests/common/mod.rs"]
mod common;
mod dtls_seeds;
mod packet_seeds;
mod proxy_seeds;
#[path = "../../../crates/packet/tests/support/mod.rs"]
mod support;
mod tls_seeds;

use std::path::Path;
use std::{fs, io};

/// File name and content.
type Seed = (String, Vec<u8>);

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, seeds) in [
        ("packet_segmentation", packet_seeds::segmentation()),
        ("packet_coalescing", packet_seeds::coalescing()),
        ("packet_admission", packet_seeds::admission()),
        ("packet_icmp", packet_seeds::icmp()),
        ("dtls_client_hello", dtls_seeds::client_hello()),
        ("dtls_handshake", dtls_seeds::handshake()),
        ("dtls_association", dtls_seeds::association()),
        ("tls_cstp_stream", tls_seeds::cstp_stream()),
        ("tls_record_stream", tls_seeds::record_stream()),
        ("tls_control", tls_seeds::control()),
        ("proxy_header", proxy_seeds::header()),
    ] {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in &seeds {
            assert!(
                bytes.len() <= 2048,
                "{target}/{name} is too long for a seed"
            );
            fs::write(folder.join(name), bytes)?;
        }
        println!("{target}: {} seeds", seeds.len());
    }
    Ok(())
}

fn seed(name: &str, bytes: impl Into<Vec<u8>>) -> Seed {
    (name.to_owned(), bytes.into())
}

/// `bytes` with one place overwritten.
fn with(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + new.len()].copy_from_slice(new);
    changed
}

fn behind(selector: u8, bytes: &[u8]) -> Vec<u8> {
    [&[selector], bytes].concat()
}

/// Each part behind its length in two bytes.
fn with_lengths<T: AsRef<[u8]>>(parts: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts.iter().map(AsRef::as_ref) {
        bytes.extend((part.len() as u16).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}
