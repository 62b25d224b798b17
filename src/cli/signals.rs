//! SIGINT and SIGTERM: the first asks everything to finish in order, the second leaves at once.
//! SIGHUP asks for the configuration to be read again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::base::stop::Stop;

/// What a shell reports for a program that SIGINT ended: 128 + 2.
const EXIT_BY_SIGNAL: i32 = 130;

/// Connects the process's signals with `stop`. Call once.
///
/// # Errors
///
/// The operating system's, when it refuses a handler or a thread.
pub(crate) fn connect(stop: &Stop) -> std::io::Result<()> {
    let asked_before = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Order matters: the shutdown is armed by the flag that the second line sets.
        flag::register_conditional_shutdown(signal, EXIT_BY_SIGNAL, Arc::clone(&asked_before))?;
        flag::register(signal, Arc::clone(&asked_before))?;
    }
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let stop = stop.clone();
    thread::Builder::new().name("signals".into()).spawn(move || {
        if signals.forever().next().is_some() {
            log::info!("asked to stop; finishing (a second signal leaves at once)");
            stop.request();
        }
    })?;
    Ok(())
}

/// Whether the configuration is to be read again.
#[derive(Debug)]
pub(crate) struct Reload(Arc<AtomicBool>);

impl Reload {
    /// From now on SIGHUP no longer ends the process. Call once.
    ///
    /// # Errors
    ///
    /// The operating system's, when it refuses a handler.
    pub(crate) fn connect() -> std::io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        flag::register(SIGHUP, Arc::clone(&asked))?;
        Ok(Self(asked))
    }

    /// Whether SIGHUP came since the last call.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}
