//! Giving up root once the sockets and the tun device are open.

use std::io;

use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetStatus};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// Switches to `user` (and the group of the same number), keeps only the right to bind low ports (for a later
/// change of the port), and closes the file system to this process. Must run before other threads start, because
/// capabilities and file system rules belong to a thread.
///
/// A user namespace that does not know `user`, as in a rootless container, keeps its user; the capabilities go all
/// the same. The returned sentences say what could not be done.
pub(crate) fn drop_privileges(user: u32) -> io::Result<Vec<String>> {
    let mut remarks = Vec::new();
    if rustix::process::geteuid().is_root() {
        // SAFETY: plain calls without pointers, but for `setgroups`, whose empty list may be null.
        unsafe {
            check(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0))?;
            if libc::setgroups(0, std::ptr::null()) < 0
                || libc::setresgid(user, user, user) < 0
                || libc::setresuid(user, user, user) < 0
            {
                remarks.push(format!(
                    "stays user 0: cannot become user {user}: {}",
                    io::Error::last_os_error()
                ));
            }
        }
    }
    // Also without root: a service manager may have given us the right to configure the network.
    let kept = rustix::thread::capabilities(None)?.permitted & CapabilitySet::NET_BIND_SERVICE;
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: kept,
            permitted: kept,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    rustix::thread::set_no_new_privs(true)?;
    // SAFETY: a plain call without pointers. Core dumps and debuggers must not see the keys.
    unsafe { check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))? };
    match close_file_system() {
        Ok(RulesetStatus::NotEnforced) => {
            remarks.push("the file system stays visible: this kernel has no Landlock".into());
        }
        Ok(_) => {}
        Err(error) => remarks.push(format!("the file system stays visible (Landlock): {error}")),
    }
    Ok(remarks)
}

fn close_file_system() -> Result<RulesetStatus, landlock::RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
