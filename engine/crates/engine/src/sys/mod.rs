//! System calls that no safe library offers: the tun device, UDP with segmentation offload, and giving up root.
//!
//! This is the only module with `unsafe`; each block says why it is sound.
#![allow(unsafe_code)]

pub(crate) mod privileges;
pub(crate) mod tun;
pub(crate) mod udp;
