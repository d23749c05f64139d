//! Figures of the process, and of the server that devices connect to.

use super::exposition::{Figure, info, table};
use crate::debug::Debug;
use crate::server::ServerStats;

const BUILD: (&str, &str) = ("denrei_build_info", "Always 1; the label names the version that runs.");

const NODE: &[Figure<Debug>] = &[
    Figure::gauge("denrei_uptime_seconds", "Seconds since the node was put together.", |debug| {
        debug.uptime().as_secs_f64()
    }),
    Figure::gauge("denrei_ready", "1 while the node takes requests, 0 while it starts or goes.", |debug| {
        f64::from(u8::from(debug.is_ready()))
    }),
];

const RESIDENT: &[Figure<u64>] = &[Figure::gauge(
    "process_resident_memory_bytes",
    "Memory of the process that is in RAM. On Linux only.",
    |bytes| *bytes as f64,
)];

const SERVER: &[Figure<ServerStats>] = &[
    Figure::gauge(
        "denrei_http_open_connections",
        "Connections that are open, those still in their handshake included.",
        |stats| stats.connections_open as f64,
    ),
    Figure::counter("denrei_http_connections_total", "Connections that were accepted and served.", |stats| {
        stats.connections_accepted as f64
    }),
    Figure::counter(
        "denrei_http_refused_connections_total",
        "Connections closed at once because as many were open as may be.",
        |stats| stats.connections_refused as f64,
    ),
    Figure::counter(
        "denrei_http_accept_failures_total",
        "Failures of the listener itself, such as too many open files.",
        |stats| stats.accept_failures as f64,
    ),
    Figure::counter(
        "denrei_http_handshake_failures_total",
        "Connections that were not HTTP: an error, a broken TLS handshake, or a request that cannot be parsed.",
        |stats| stats.handshake_failures as f64,
    ),
    Figure::counter(
        "denrei_http_handshake_timeouts_total",
        "Connections that took too long to become HTTP.",
        |stats| stats.handshake_timeouts as f64,
    ),
    Figure::gauge(
        "denrei_http_open_exchanges",
        "HTTP/2 requests whose response is not complete; a device's stream is one of them.",
        |stats| stats.streams_open as f64,
    ),
    Figure::counter(
        "denrei_http_abandoned_exchanges_total",
        "HTTP/2 requests whose client went away before the response was complete, as every device does in the end.",
        |stats| stats.streams_abandoned as f64,
    ),
    Figure::counter(
        "denrei_http_ping_timeouts_total",
        "HTTP/2 connections closed because their client did not answer a PING.",
        |stats| stats.ping_timeouts as f64,
    ),
];

/// Writes them.
pub(super) fn write(out: &mut String, debug: &Debug) {
    let (name, help) = BUILD;
    info(out, name, help, ("version", debug.version));
    table(out, NODE, debug);
    if let Some(bytes) = resident_bytes() {
        table(out, RESIDENT, &bytes);
    }
    table(out, SERVER, &debug.http.stats());
}

/// Memory of the process that is in RAM. Nothing where the system has no `/proc`.
pub(in crate::debug) fn resident_bytes() -> Option<u64> {
    // Made by the kernel when it is read: no disk is waited for.
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kilobytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_found_among_what_the_kernel_says() {
        let status = "Name:\tdenrei\nVmHWM:\t    9000 kB\nVmRSS:\t    8120 kB\nThreads:\t4\n";
        assert_eq!(resident(status), Some(8_120 * 1_024));
        for wrong in ["", "VmRSS:\n", "VmRSS: many kB\n", "VmRSS: 12\n"] {
            assert_eq!(resident(wrong), None, "{wrong:?}");
        }
    }
}
