//! Entry point for cargo-fuzz and for replaying its corpus with the stable compiler. Must return for any input.

use crate::{MAX_HEADER, Parsed, parse, tlvs};

/// The parser, and its promise that more bytes never change an answer once given.
pub fn header(data: &[u8]) {
    let whole = parse(data);
    if let Parsed::Header { length, .. } = whole {
        assert!(length <= data.len() && length <= MAX_HEADER);
        assert_eq!(parse(&data[..length]), whole);
        assert_eq!(parse(&data[..length - 1]), Parsed::Incomplete);
        tlvs(&data[..length]).for_each(drop);
    }
    if whole == Parsed::Incomplete {
        assert!(data.len() < MAX_HEADER);
    }
    tlvs(data).for_each(drop);
}
