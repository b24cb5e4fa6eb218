//! The engine's own log: one JSON object a line on standard error. Never called for a packet.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// How much a line matters.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    Info,
    Warning,
}

/// Writes one line. Nothing secret and no address of a device may stand in `message`.
pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Info => "info",
        Level::Warning => "warning",
    };
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as u64);
    let line =
        serde_json::json!({ "time": time, "level": level, "name": "engine", "message": message });
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Something an administrator may want to know.
pub(crate) fn info(message: &str) {
    log(Level::Info, message);
}

/// Something an administrator should look at.
pub(crate) fn warning(message: &str) {
    log(Level::Warning, message);
}
