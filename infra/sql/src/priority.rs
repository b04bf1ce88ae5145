//! Lower priority for background threads, so that a busy machine answers requests quickly.

/// The `nice` value: an ordinary thread gets ten times the processor time, and preempts this one.
const NICE: i32 = 10;

/// Lowers the priority of the calling thread permanently. Only on Linux, where a thread has a priority of its own.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "Failed to lower the priority of a thread");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = NICE;
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn only_the_calling_thread_has_a_lower_priority() {
        let of_this_thread = || rustix::process::getpriority_process(None).unwrap();
        let before = of_this_thread();
        let there = std::thread::spawn(move || {
            give_way();
            of_this_thread()
        });
        assert_eq!(there.join().unwrap(), NICE.max(before));
        assert_eq!(of_this_thread(), before);
    }
}
