//! A small HTTP service that uses what an image made from scratch tends to
//! lack: time zones, CA certificates, /tmp and a user.

mod checks;
mod probe;
mod server;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Set at build time by the environment variable `VERSION`.
const VERSION: &str = match option_env!("VERSION") {
    Some(version) => version,
    None => "dev",
};

/// A small service to run in an image made from scratch.
#[derive(Parser)]
#[command(name = "rust-service")]
struct Cli {
    /// Address to listen on, or to ask for its health.
    #[arg(long, env = "ADDR", default_value = ":8080", global = true)]
    addr: String,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP (the default).
    Serve,
    /// Exit 0 if the server answers, for a HEALTHCHECK without a shell or curl.
    Health,
    /// Check what the image provides, without a server.
    Check {
        /// Also check TLS with a request to this URL.
        #[arg(long, env = "CHECK_URL", value_name = "https://...")]
        url: Option<String>,
    },
    /// Print the version.
    Version,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => server::run(&cli.addr),
        Command::Health => checks::health(&cli.addr),
        Command::Check { url } => checks::run(url.as_deref().filter(|url| !url.is_empty())),
        Command::Version => {
            println!("{VERSION}");
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("rust-service: error: {err:#}");
            ExitCode::FAILURE
        }
    }
}
