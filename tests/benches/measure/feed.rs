//! What a page of a feed costs with a few, with many and with very many entries behind it. The entries are copies of one,
//! written straight into the table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures::StreamExt;
use serde_json::json;
use tests::faults::{Call, Faults, database};
use tests::{TestApp, samples};

use crate::costs::cell;

/// Writes at the same time, of 25 items each.
const AT_ONCE: usize = 8;

/// Prints the table, with a column for so many entries each.
pub async fn print(columns: &[usize]) {
    let mut sizes = Vec::new();
    for size in columns {
        sizes.push(measure(*size).await);
    }
    let heads: Vec<String> = columns.iter().map(|size| format!("{size} entries behind it")).collect();
    println!("| page of a feed | {} |", heads.join(" | "));
    println!("| --- |{}", " --- |".repeat(columns.len()));
    for (place, (name, _)) in sizes[0].iter().enumerate() {
        let cells: Vec<String> = sizes.iter().map(|rows| cell(&rows[place].1)).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
    println!();
}

type Row = HashMap<String, AttributeValue>;

/// The one row of a partition.
async fn row(client: &aws_sdk_dynamodb::Client, table: &str, partition: &str) -> Row {
    let query = client.query().table_name(table).key_condition_expression("pk = :p").scan_index_forward(false).limit(1);
    let found = query.expression_attribute_values(":p", AttributeValue::S(partition.to_owned())).send().await.expect("a query");
    found.items.and_then(|items| items.into_iter().next()).expect("a row")
}

/// Copies a row into its partition, a second apart each, older than itself.
async fn copy(client: &aws_sdk_dynamodb::Client, table: &str, row: &Row, count: usize) {
    let sort = row["sk"].as_s().expect("a key").clone();
    let (at, rest) = sort.split_once('#').expect("a time");
    let at: usize = at.parse().expect("milliseconds");
    let numbers: Vec<usize> = (1..=count).collect();
    futures::stream::iter(numbers.chunks(25))
        .for_each_concurrent(AT_ONCE, |chunk| async move {
            let write = |number: &usize| {
                let mut item = row.clone();
                item.insert("sk".to_owned(), AttributeValue::S(format!("{:015}#{rest}", at - number * 1_000)));
                let put = PutRequest::builder().set_item(Some(item)).build().expect("an item");
                WriteRequest::builder().put_request(put).build()
            };
            let written = client.batch_write_item().request_items(table, chunk.iter().map(write).collect()).send().await;
            written.expect("the batch is written");
        })
        .await;
}

async fn measure(size: usize) -> Vec<(&'static str, Vec<Call>)> {
    let faults = Faults::new();
    faults.weigh();
    let app = TestApp::with(faults.options()).await;
    let anna = app.user("anna").await;
    let team = app.team(&anna, 2).await;
    let collection = anna.import(&team.workspace, samples::of_requests("Measured", 2)).await;
    let item = anna.item_named(&collection, "request 0").await;
    anna.patch(&format!("/api/collections/{collection}/items/{item}"), json!({"name": "changed"}).to_string()).await.ok();
    app.settle().await;
    let (client, table) = (database(app.stack()), app.stack().table());
    for partition in [format!("FEED#USER#{}", anna.id), format!("FEED#TEAM#{}", team.id)] {
        let newest = row(&client, table, &partition).await;
        copy(&client, table, &newest, size).await;
    }
    // The stream need not be drained: rows of feeds are nothing that a function is told of.
    let mut rows = Vec::new();
    let day = app.stack().clock().now().strftime("%Y-%m-%d");
    for (name, path) in [
        ("one's own, the newest 50", "/api/feed?limit=50".to_owned()),
        ("the team's, the newest 50", format!("/api/teams/{}/feed?limit=50", team.id)),
        ("the team's, since a time", format!("/api/teams/{}/feed?limit=50&since={day}T00:00:00Z", team.id)),
        ("the team's, of one person", format!("/api/teams/{}/feed?limit=50&user={}", team.id, anna.id)),
        ("the team's, of a kind that there is none of", format!("/api/teams/{}/feed?limit=50&kind=delete", team.id)),
        ("one's own as Atom", "/api/feed.atom?limit=50".to_owned()),
        ("the page of it", "/feed".to_owned()),
    ] {
        faults.reset();
        faults.weigh();
        anna.get(&path).await.ok();
        rows.push((name, faults.calls()));
    }
    app.kill();
    rows
}
