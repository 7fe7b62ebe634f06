//! `postroom`: the whole product on a laptop.

mod tour;

use app::Crash;
use clap::{Args, Parser, Subcommand};
use local::redrive::Cloud;
use local::{Google, Options, Robot, Stack};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Postroom on this machine: pages, API, WebSocket, database and mails in one process.
#[derive(Parser)]
#[command(name = "postroom", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Play the story of a team against a fresh stack in memory, and say what each step took.
    Tour(tour::Tour),
    /// Deliver the records that `fanout` and `mailer` gave up on, once what kept them from it is mended.
    Redrive(Redrive),
}

#[derive(Args)]
struct Redrive {
    /// The CloudFormation stack that they are of; the AWS CLI says in which account and region. Without it: the
    /// Postroom that runs on this machine.
    #[arg(long, value_name = "NAME", conflicts_with = "port")]
    stack: Option<String>,
    /// The port that this machine's Postroom answers on.
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

#[derive(Args)]
struct Run {
    /// The port to answer on; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The folder that keeps the data.
    #[arg(long, value_name = "DIR", default_value = ".postroom", conflicts_with = "memory")]
    data: PathBuf,
    /// Keep everything in memory, and forget it at the end.
    #[arg(long)]
    memory: bool,
    /// A DynamoDB to use instead of the embedded one; without it, `POSTROOM_DYNAMODB_ENDPOINT` is asked. The stack
    /// makes a table of its own there.
    #[arg(long, value_name = "URL")]
    dynamodb: Option<String>,
}

fn main() -> ExitCode {
    log();
    let cli = Cli::parse();
    // Two workers are as much as the one database behind them can feed.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(8).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(async {
            match cli.command {
                None => run(cli.run).await,
                Some(Command::Tour(asked)) => tour::run(asked).await,
                Some(Command::Redrive(asked)) => redrive(asked).await,
            }
        }),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("postroom: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(run: Run) -> Result<(), Crash> {
    let data = (!run.memory).then_some(run.data);
    let kept = data.as_ref().map_or_else(|| "memory, until it ends".to_owned(), |data| data.display().to_string());
    let dynamodb = run.dynamodb.or_else(|| variable("POSTROOM_DYNAMODB_ENDPOINT"));
    let rate_limit = std::env::var("RATE_LIMIT").ok().map(|limit| limit.parse()).transpose()?.unwrap_or(0);
    let stack = Stack::start(Options {
        port: run.port,
        data,
        dynamodb,
        rate_limit,
        google: google()?,
        robot: robot()?,
        postman: variable("POSTROOM_POSTMAN_API_URL"),
        ..Options::default()
    })
    .await?;
    let url = stack.url();
    println!("Postroom is ready.\n");
    println!("  Console   {url}/");
    println!("  API       {url}/api");
    println!("  Realtime  {}/realtime", url.replacen("http", "ws", 1));
    println!("  Outbox    {url}/_local/outbox   (mails stay here)");
    println!("  Data      {kept}");
    println!("\nCtrl-C ends it.");
    interrupted().await?;
    stack.stop().await;
    Ok(())
}

async fn redrive(asked: Redrive) -> Result<(), Crash> {
    let done = match asked.stack {
        Some(stack) => Cloud::default().redrive(&stack).await?,
        None => {
            let answer = reqwest::Client::new().post(format!("http://localhost:{}/_local/redrive", asked.port)).send().await;
            let answer = answer.map_err(|error| format!("no Postroom answers on port {}: {error}", asked.port))?;
            answer.error_for_status()?.json().await?
        }
    };
    println!("{} dead letters delivered, {} left", done.delivered, done.left);
    if done.left == 0 { Ok(()) } else { Err("what is left fails still: the logs of fanout and mailer say why".into()) }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Google's sign-in, where `POSTROOM_GOOGLE_CLIENT_ID` and `POSTROOM_GOOGLE_CLIENT_SECRET` are set. Another issuer in
/// `POSTROOM_GOOGLE_ISSUER` stands in for Google.
fn google() -> Result<Option<Google>, Crash> {
    let Some(client_id) = variable("POSTROOM_GOOGLE_CLIENT_ID") else { return Ok(None) };
    let client_secret = variable("POSTROOM_GOOGLE_CLIENT_SECRET").ok_or("POSTROOM_GOOGLE_CLIENT_SECRET is not set")?;
    let issuer = variable("POSTROOM_GOOGLE_ISSUER").unwrap_or_else(|| "https://accounts.google.com".to_owned());
    Ok(Some(Google { issuer, client_id, client_secret }))
}

/// The robot check, where `POSTROOM_ROBOT_VERIFY_URL` and the other three are set.
fn robot() -> Result<Option<Robot>, Crash> {
    let Some(verify_url) = variable("POSTROOM_ROBOT_VERIFY_URL") else { return Ok(None) };
    let needed = |name: &str| variable(name).ok_or_else(|| format!("{name} is not set"));
    let (script_url, site_key) = (needed("POSTROOM_ROBOT_SCRIPT_URL")?, needed("POSTROOM_ROBOT_SITE_KEY")?);
    Ok(Some(Robot { verify_url, script_url, site_key, secret: needed("POSTROOM_ROBOT_SECRET")? }))
}

#[cfg(unix)]
async fn interrupted() -> Result<(), Crash> {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn interrupted() -> Result<(), Crash> {
    Ok(tokio::signal::ctrl_c().await?)
}

/// JSON lines on standard error: warnings and errors, and what `POSTROOM_LOG` or `RUST_LOG` asks for.
fn log() {
    let asked = ["POSTROOM_LOG", "RUST_LOG"].into_iter().find_map(|name| std::env::var(name).ok());
    // The embedded database warns of every condition that does not hold, which is how the product works.
    let filter = EnvFilter::new(asked.as_deref().unwrap_or("warn,dynoxide=error"));
    tracing_subscriber::fmt().json().flatten_event(true).with_writer(std::io::stderr).with_env_filter(filter).init();
}
