//! What else the machine is doing: a figure without it says little.

/// Prints how many cores are on, and how many tasks wanted one in the last minute.
pub(crate) fn say() {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("unknown");
    let cores = read("/sys/devices/system/cpu/online");
    println!("machine: cores {}, load average of the last minute {load}", cores.trim());
}
