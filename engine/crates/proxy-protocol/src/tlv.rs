//! Type-length-value fields after the addresses of version 2 (section 2.2.7).

use crate::v2::{FIXED, addresses_len};

/// The fields of a whole version 2 header, whose length [`parse`](crate::parse) told. Ends at the first broken one.
pub fn tlvs(header: &[u8]) -> Tlvs<'_> {
    let start = header
        .get(13)
        .and_then(|family| addresses_len(*family))
        .map(|len| FIXED + len);
    Tlvs(
        start
            .and_then(|start| header.get(start..))
            .unwrap_or_default(),
    )
}

/// Iterator of [`tlvs`]; also over the sub-fields of one, whose content it is then made from.
#[derive(Clone, Debug)]
pub struct Tlvs<'a>(pub &'a [u8]);

impl<'a> Iterator for Tlvs<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first_chunk::<3>()?;
        let (value, rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes([head[1], head[2]])))?;
        self.0 = rest;
        Some((head[0], value))
    }
}
