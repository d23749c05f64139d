//! What else the machine is doing: a figure without it says little.

use std::thread::available_parallelism;

/// Prints how many cores there are, and how many tasks wanted one in the last minute.
pub(crate) fn say() {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown");
    println!("machine: {cores} cores, load average of the last minute {load}");
}
