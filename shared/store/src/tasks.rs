//! Work behind an answer: what a request brought is written first, then the task. Whoever works at it holds it for a while; if
//! that one dies, the next takes it up. A task and what belongs to it stay for a day.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::access::Caller;
use domain::ids::TaskId;
use domain::limit;
use domain::task::{Status, Task};
use jiff::{SignedDuration, Timestamp};

use crate::keys::{self, Key};
use crate::{Error, Item, Range, Store, codec, n, read, row, s, values, with_ttl};

/// How long a task is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

fn due(mut item: Item, task: &Task) -> Item {
    if task.status == Status::InProgress {
        item.insert("gsi1pk".to_owned(), s(keys::TASKS));
        item.insert("gsi1sk".to_owned(), s(keys::task_due(task.until, &task.id)));
    }
    item
}

impl Store {
    /// Writes down what is to be done, with the body that it is to be done with.
    pub async fn put_task(&self, task: &Task, body: Option<Vec<u8>>, now: Timestamp) -> Result<(), Error> {
        let key = keys::task(&task.id);
        let mut item = due(row(&key, "task", task)?, task);
        if let Some(body) = body {
            let packed =
                tokio::task::spawn_blocking(move || codec::pack_bytes(&body)).await.map_err(|error| Error::Failed(error.to_string()))?;
            let pieces: Vec<Item> = packed
                .chunks(limit::PART_BYTES)
                .enumerate()
                .map(|(piece, bytes)| {
                    let mut item = crate::transact::key_item(&keys::task_piece(&task.id, piece));
                    item.insert("kind".to_owned(), s("piece"));
                    item.insert("body".to_owned(), AttributeValue::B(Blob::new(bytes)));
                    with_ttl(item, now + KEPT)
                })
                .collect();
            item.insert("pieces".to_owned(), n(pieces.len()));
            self.write_all(pieces).await?;
        }
        self.put_when(with_ttl(item, now + KEPT), Some("attribute_not_exists(pk)"), Item::new()).await.map(drop)
    }

    /// A task of the caller's.
    pub async fn task(&self, caller: &Caller, id: &TaskId) -> Result<Option<Task>, Error> {
        let task: Option<Task> = self.get(&keys::task(id)).await?.map(read).transpose()?;
        Ok(task.filter(|task| task.user == caller.user))
    }

    /// Takes a task up for a while, with the body that it is to be done with. `None`: somebody is at it, or it is done.
    pub async fn take_task(&self, id: &TaskId, until: Timestamp, now: Timestamp) -> Result<Option<(Task, Option<Vec<u8>>)>, Error> {
        let key = keys::task(id);
        let Some(item) = self.get(&key).await? else { return Ok(None) };
        let pieces = item.get("pieces").and_then(|pieces| pieces.as_n().ok()).and_then(|pieces| pieces.parse::<usize>().ok());
        let task: Task = read(item)?;
        if task.status != Status::InProgress || now < task.until {
            return Ok(None);
        }
        let held = values([
            (":until", s(until)),
            (":seen", s(task.until)),
            (":due", s(keys::task_due(until, id))),
            (":one", n(1)),
            (":zero", n(0)),
            (":open", s("in_progress")),
        ]);
        let set = "SET #until = :until, #gsi1sk = :due, #tries = if_not_exists(#tries, :zero) + :one";
        if !self.update_when(&key, set, "#until = :seen AND #status = :open", held).await? {
            return Ok(None);
        }
        let task = Task { until, tries: task.tries + 1, ..task };
        let Some(pieces) = pieces else { return Ok(Some((task, None))) };
        let wanted: Vec<Key> = (0..pieces).map(|piece| keys::task_piece(id, piece)).collect();
        let found = self.get_many(&wanted).await?;
        let mut packed = Vec::new();
        for key in &wanted {
            let body = found.get(key).and_then(codec::body).ok_or_else(|| Error::torn(key, "a piece of a task's body is missing"))?;
            packed.extend_from_slice(body);
        }
        let body = codec::unpack_bytes(&packed, limit::UNPACKED_BODY_BYTES).map_err(Error::Failed)?;
        Ok(Some((task, Some(body))))
    }

    /// Writes down how a task ended, where it is still this one's.
    pub async fn end_task(&self, task: &Task, now: Timestamp) -> Result<(), Error> {
        let key = keys::task(&task.id);
        let item = with_ttl(row(&key, "task", task)?, now + KEPT);
        let open = values([(":until", s(task.until)), (":open", s("in_progress"))]);
        self.put_when(item, Some("#until = :until AND #status = :open"), open).await?;
        let pieces = self.all(&Range::prefix(keys::task(&task.id).pk, keys::TASK_PIECES)).await?;
        self.delete_all(&pieces.iter().filter_map(crate::key_of).collect::<Vec<_>>()).await
    }

    /// Tasks that nobody is at.
    pub async fn tasks_due(&self, now: Timestamp) -> Result<Vec<TaskId>, Error> {
        let items = self.all(&Range::below(keys::TASKS.to_owned(), keys::due(now + SignedDuration::from_millis(1))).in_index()).await?;
        Ok(items.iter().filter_map(crate::key_of).filter_map(|key| keys::task_of(&key)).collect())
    }
}
