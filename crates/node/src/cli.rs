//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::command::{self, LoadArgs, QueueArgs, RepairArgs, ReplayArgs};
use crate::config::Config;
use crate::serve;

/// A node of the denrei messaging platform. Without a command: `serve`.
#[derive(Parser)]
#[command(name = "denrei", version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Run a node.
    Serve(ServeArgs),
    /// Say everything that is wrong with a configuration file.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// Look at a store that does not open, and say what giving up its loss would mean.
    RepairStore(RepairArgs),
    /// Look after the queues of a running node.
    Queue(QueueArgs),
    /// Send the messages of a file through real devices to a node, and judge what came of it.
    Replay(ReplayArgs),
    /// Put made-up people on a node in a pattern, and judge what came of it.
    Load(LoadArgs),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// What can be said on the command line goes before what the file says.
#[derive(Args, Default)]
pub(crate) struct ServeArgs {
    /// Configuration file; without one, the defaults of config/single-node.toml.
    #[arg(long, env = "DENREI_CONFIG")]
    config: Option<PathBuf>,
    /// Where everything is kept.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Address for devices, cleartext; may be given more than once.
    #[arg(long)]
    listen: Vec<SocketAddr>,
    /// Address for admins.
    #[arg(long)]
    admin_listen: Option<SocketAddr>,
}

impl ServeArgs {
    fn config(self) -> anyhow::Result<Config> {
        match self.config.clone() {
            Some(file) => Ok(Config::load_with(&file, |config| self.change(config))?),
            None => {
                let mut config = Config::default();
                self.change(&mut config);
                Ok(config)
            }
        }
    }

    fn change(self, config: &mut Config) {
        if let Some(data_dir) = self.data_dir {
            config.store.data_dir = data_dir;
        }
        if !self.listen.is_empty() {
            config.http.listen = self.listen;
        }
        if let Some(listen) = self.admin_listen {
            config.admin.listen = listen;
        }
    }
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command.unwrap_or(Command::Serve(self.serve)) {
            Command::Serve(args) => serve::run(args.config()?),
            Command::CheckConfig { file } => Ok(command::check_config(&file)),
            Command::Replay(args) => args.run(),
            Command::Load(args) => args.run(),
            Command::RepairStore(args) => args.run(),
            Command::Queue(args) => args.run(),
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Self::command(), "denrei", &mut std::io::stdout());
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}
