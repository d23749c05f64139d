//! `denrei-checker DIR [--json]`: judges a recording that `denrei replay --record DIR` or `denrei load --record DIR` kept.
//!
//! Exit code 0: every guarantee was kept; 1: one was broken, the first violations are said in words; 2: nothing can be said.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use denrei_client::judge::{Verdict, judge};

/// Judges a recording of what devices sent and received.
#[derive(Parser)]
#[command(name = "denrei-checker", version)]
struct Arguments {
    /// The directory that was given to `--record`.
    recording: PathBuf,
    /// Print the verdict as one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let verdict = match judge(&arguments.recording) {
        Ok(verdict) => verdict,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "denrei-checker: {error}");
            return ExitCode::from(2);
        }
    };
    let text = if arguments.json { json(&verdict) } else { Ok(words(&verdict)) };
    let said = text.and_then(|text| writeln!(std::io::stdout(), "{text}"));
    match said {
        Err(_) => ExitCode::from(2),
        Ok(()) if verdict.is_clean() => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
    }
}

fn json(verdict: &Verdict) -> std::io::Result<String> {
    Ok(serde_json::to_string(verdict)?)
}

fn words(verdict: &Verdict) -> String {
    let seen = &verdict.looked_at;
    let mut lines = vec![format!(
        "{} operations on {} devices, {} FullSyncs, {} acknowledged sends, {} others, {} messages, {} copies",
        seen.operations,
        seen.devices,
        seen.full_syncs,
        seen.acknowledged,
        seen.unanswered,
        seen.messages,
        seen.copies
    )];
    lines.extend(verdict.first.iter().cloned());
    lines.push(if verdict.is_clean() {
        "every guarantee was kept (H1–H8)".to_owned()
    } else {
        format!("BROKEN: {:?}", verdict.counts)
    });
    lines.join("\n")
}
