//! The control socket: the gateway's requests in, answers and events out.

pub(crate) mod messages;
pub(crate) mod socket;
