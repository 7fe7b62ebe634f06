//! The table: an embedded DynamoDB in a file or in memory, served on a loopback port of its own, or the endpoint that
//! the operator names.

use crate::data::{self, Folder};
use crate::template;
use app::Clock;
use dynoxide::storage_backend::Clock as TableClock;
use rusqlite::Connection;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::sync::{mpsc, oneshot, watch};

/// How often expired items are looked for. It reads the whole table, and nothing waits for it: whoever reads an item
/// looks at its time himself, as with DynamoDB, which may take days.
const SWEEP: Duration = Duration::from_secs(600);

/// Each write asks for the highest sequence number of the table's stream, and no record is ever removed. The index
/// answers the question at once; the trigger removes what is older than a day, as DynamoDB does, looking at a
/// thousand old records after every five hundred new ones.
const STREAM_UPKEEP: &str = "
    CREATE INDEX IF NOT EXISTS postroom_stream
        ON _stream_records(table_name, CAST(sequence_number AS INTEGER));
    CREATE TRIGGER IF NOT EXISTS postroom_trim AFTER INSERT ON _stream_records WHEN NEW.id % 500 = 0 BEGIN
        DELETE FROM _stream_records
            WHERE id < (SELECT MIN(id) FROM _stream_records) + 1000
            AND created_at < CAST(strftime('%s', 'now') AS INTEGER) - 86400;
    END;";

/// The embedded engine at work. Dropping it stops it.
#[derive(Debug)]
pub struct Embedded {
    /// Where it answers.
    pub endpoint: String,
    sweep: mpsc::Sender<oneshot::Sender<()>>,
    stop: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
}

impl Embedded {
    /// Opens the table's file in `folder`, or a database in memory whose TTL follows `clock`. `wrote` is told when
    /// the engine removes items by itself.
    pub async fn start(folder: Option<&Folder>, clock: Clock, wrote: Arc<watch::Sender<u64>>) -> Result<Embedded, String> {
        let file = folder.map(|folder| folder.file("table.db"));
        let lock = folder.map(Folder::lock).transpose().map_err(|error| error.to_string())?;
        let (ready, started) = oneshot::channel();
        let (stop, stopping) = watch::channel(false);
        let (done, stopped) = watch::channel(false);
        let (sweep, sweeps) = mpsc::channel(4);
        // A thread of its own: the engine works synchronously behind one mutex.
        thread::Builder::new()
            .name("dynamodb".to_owned())
            .spawn(move || {
                let served = serve(file.as_deref(), clock, ready, stopping, sweeps, wrote);
                if let Err(error) = served {
                    tracing::error!(error, "the embedded database stopped");
                }
                // The file is closed: the folder may be used by the next one.
                drop(lock);
                done.send_replace(true);
            })
            .map_err(|error| error.to_string())?;
        let address: Result<SocketAddr, String> = started.await.map_err(|_| "the embedded database did not start".to_owned())?;
        Ok(Embedded { endpoint: format!("http://{}", address?), sweep, stop, stopped })
    }

    /// Removes what has expired, now.
    pub async fn sweep(&self) {
        let (done, swept) = oneshot::channel();
        if self.sweep.send(done).await.is_ok() {
            // An error means that the engine has stopped: then there is nothing to sweep.
            swept.await.unwrap_or_default();
        }
    }

    /// Tells the engine to stop.
    pub fn begin_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Stops the engine and returns when its file is closed.
    pub async fn stop(&self) {
        self.begin_stop();
        // An error means that its thread is gone, and the file with it.
        drop(self.stopped.clone().wait_for(|stopped| *stopped).await);
    }
}

fn serve(
    file: Option<&Path>,
    clock: Clock,
    ready: oneshot::Sender<Result<SocketAddr, String>>,
    mut stop: watch::Receiver<bool>,
    mut sweeps: mpsc::Receiver<oneshot::Sender<()>>,
    wrote: Arc<watch::Sender<u64>>,
) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let opened = match file {
            Some(file) => open_file(file),
            None => open_memory(clock),
        };
        let opened = opened.and_then(|database| Ok((database, listen()?)));
        let (database, listener) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                // Whoever waits for it says it; if nobody does, nobody cares.
                drop(ready.send(Err(error)));
                return Ok(());
            }
        };
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let swept = database.clone();
        let sweeper = tokio::spawn(async move {
            loop {
                let asked = tokio::time::timeout(SWEEP, sweeps.recv()).await;
                let database = swept.clone();
                match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
                    Ok(Ok(0)) => {}
                    Ok(Ok(_)) => wrote.send_modify(|count| *count += 1),
                    Ok(Err(error)) => tracing::warn!(%error, "expired items were not removed"),
                    Err(error) => tracing::warn!(%error, "expired items were not removed"),
                }
                match asked {
                    Ok(Some(done)) => drop(done),
                    Ok(None) => return,
                    Err(_) => {}
                }
            }
        });
        let stopping = async move {
            // Told to stop, or whoever would tell is gone.
            drop(stop.wait_for(|stop| *stop).await);
        };
        if ready.send(Ok(address)).is_ok() {
            dynoxide::server::serve_with_shutdown(listener, database, stopping).await?;
        }
        sweeper.abort();
        Ok(())
    })
}

/// Accepted connections inherit the listener's TCP_NODELAY: an answer never waits for an acknowledgement.
fn listen() -> Result<tokio::net::TcpListener, String> {
    let listen = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        socket.listen(1024)
    };
    listen().map_err(|error: std::io::Error| format!("no loopback port for the database: {error}"))
}

fn open_file(file: &Path) -> Result<dynoxide::Database, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{} cannot be used: {error}", file.display());
    let path = file.to_str().ok_or_else(|| failed(&"its name is not UTF-8"))?;
    // Made before the engine does: its owner only may read it, and SQLite's other files take after it.
    data::private().write(true).create(true).truncate(false).open(file).map_err(|error| failed(&error))?;
    let database = dynoxide::Database::new(path).map_err(|error| failed(&error))?;
    let upkeep = Connection::open(file).and_then(|connection| connection.execute_batch(STREAM_UPKEEP));
    upkeep.map_err(|error| failed(&error))?;
    Ok(database)
}

/// A database in memory can only be reached through its engine, so its schema comes from a file.
fn open_memory(clock: Clock) -> Result<dynoxide::Database, String> {
    let failed = |error: &dyn std::fmt::Display| format!("no database in memory: {error}");
    let database = dynoxide::Database::memory_with_clock(Arc::new(Time(clock))).map_err(|error| failed(&error))?;
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let file = folder.path().join("empty.db");
    let path = file.to_str().ok_or_else(|| failed(&"the folder for temporary files is not UTF-8"))?;
    database.vacuum_into(path).map_err(|error| failed(&error))?;
    let upkeep = Connection::open(&file).and_then(|connection| connection.execute_batch(STREAM_UPKEEP));
    upkeep.map_err(|error| failed(&error))?;
    database.restore_from(path).map_err(|error| failed(&error))?;
    Ok(database)
}

/// The stack's clock for the engine: when a test moves it, what has expired expires.
struct Time(Clock);

impl TableClock for Time {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_second().try_into().unwrap_or_default()
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_duration().as_secs_f64()
    }
}

/// The template's table under a name, for `store::table::create`.
///
/// That makes tables whose keys are a pair of texts, and indexes that hold keys only; another template is refused
/// rather than half obeyed.
pub fn spec(table: &template::Table, name: &str) -> Result<store::table::TableSpec, String> {
    let pair = |keys: &[String]| match keys {
        [partition, sort] => Ok((partition.clone(), sort.clone())),
        _ => Err(format!("a key is a pair, the template has {keys:?}")),
    };
    if let Some((name, kind)) = table.attributes.iter().find(|(_, kind)| kind != "S") {
        return Err(format!("keys are texts, the template makes {name} {kind}"));
    }
    let indexes = table.indexes.iter().map(|index| {
        let (partition, sort) = pair(&index.keys)?;
        if index.projection != "KEYS_ONLY" {
            return Err(format!("indexes hold keys only, the template gives {} {}", index.name, index.projection));
        }
        Ok((index.name.clone(), partition, sort))
    });
    Ok(store::table::TableSpec {
        name: name.to_owned(),
        key: pair(&table.keys)?,
        indexes: indexes.collect::<Result<_, _>>()?,
        ttl: table.ttl.clone(),
        stream: table.stream.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_database_gets_the_index_and_the_trigger() {
        let database = open_memory(Clock::system()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy.db");
        database.vacuum_into(path.to_str().unwrap()).unwrap();
        let copy = Connection::open(path).unwrap();
        let count: u32 = copy.query_row("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'postroom_%'", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 2);
    }

    #[test]
    fn a_file_opens_again_and_old_stream_records_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.db");
        drop(open_file(&path).unwrap());
        let database = open_file(&path).unwrap();
        let connection = Connection::open(&path).unwrap();
        let insert = "INSERT INTO _stream_records (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
             SELECT 't', 'INSERT', '{}', value, 's', CASE WHEN value < 400 THEN 0 ELSE strftime('%s', 'now') END
             FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 600)
                   SELECT value FROM n)";
        connection.execute_batch(insert).unwrap();
        let left: u32 = connection.query_row("SELECT COUNT(*) FROM _stream_records", [], |row| row.get(0)).unwrap();
        assert_eq!(left, 201);
        drop(database);
    }

    #[test]
    fn the_template_of_this_project_can_be_made() {
        let template = template::Template::parse(template::SOURCE).unwrap();
        let spec = spec(&template.table, "t").unwrap();
        assert_eq!(spec.key, ("pk".to_owned(), "sk".to_owned()));
        assert_eq!(spec.stream.as_deref(), Some("NEW_IMAGE"));
    }
}
