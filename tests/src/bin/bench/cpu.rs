//! The processor time that a process has used.

use anyhow::{Context as _, anyhow};
use rustix::param::clock_ticks_per_second;

/// User and system time of a process and all its threads, in seconds.
pub(crate) fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).context(path)?;
    // The name before the last parenthesis may hold anything; user and system time are fields 14 and 15 of the line.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(|| anyhow!("a line of /proc is malformed"))?;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = ticks.next().zip(ticks.next()).ok_or_else(|| anyhow!("a line of /proc is short"))?;
    Ok((user? + system?) as f64 / clock_ticks_per_second() as f64)
}
