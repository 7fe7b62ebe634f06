//! Dead letters, delivered after all: what stream functions gave up on is handed to them again, here or in the cloud.
//! They stand that a record comes twice, so what is interrupted is simply done again.

use app::Crash;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

/// The template's name for the bucket of dead letters.
const BUCKET: &str = "DeadLetterBucket";

/// What came of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Done {
    /// Letters that were taken, and are gone.
    pub delivered: usize,
    /// Letters of which something still fails: they stay.
    pub left: usize,
}

impl Done {
    /// Counts one letter.
    pub fn count(&mut self, taken: bool) {
        if taken {
            self.delivered += 1;
        } else {
            self.left += 1;
        }
    }
}

/// Hands the records of a letter over: all of them, or, where that fails, each alone, so that one that still fails
/// keeps no other back. Gives how many are left.
pub async fn each<R: Clone, T: Future<Output = Result<bool, Crash>>>(records: Vec<R>, takes: impl Fn(Vec<R>) -> T) -> Result<usize, Crash> {
    if takes(records.clone()).await? {
        return Ok(0);
    }
    if records.len() == 1 {
        return Ok(1);
    }
    let mut left = 0;
    for record in records {
        left += usize::from(!takes(vec![record]).await?);
    }
    Ok(left)
}

/// An account of AWS, by its command line tool: region and credentials are those that it finds.
#[derive(Debug)]
pub struct Cloud {
    /// The tool.
    pub aws: PathBuf,
}

impl Default for Cloud {
    fn default() -> Cloud {
        Cloud { aws: PathBuf::from("aws") }
    }
}

/// What Lambda keeps of a batch that it gave up.
#[derive(Deserialize)]
struct Letter {
    #[serde(rename = "requestContext")]
    context: Context,
    /// The event, as JSON text.
    payload: Value,
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "functionArn")]
    function: String,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Value>,
}

impl Cloud {
    /// Redrives the dead letters of a stack, oldest first.
    pub async fn redrive(&self, stack: &str) -> Result<Done, Crash> {
        let found =
            self.ask(&["cloudformation", "describe-stack-resource", "--stack-name", stack, "--logical-resource-id", BUCKET]).await?;
        let bucket = found["StackResourceDetail"]["PhysicalResourceId"].as_str().ok_or("the stack has no dead-letter bucket")?;
        let listed = self.ask(&["s3api", "list-objects-v2", "--bucket", bucket]).await?;
        let mut letters: Vec<(&str, &str)> = listed["Contents"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|object| Some((object["LastModified"].as_str()?, object["Key"].as_str()?)))
            .collect();
        letters.sort_unstable();
        let folder = tempfile::tempdir()?;
        let mut done = Done::default();
        for (_, key) in letters {
            let file = folder.path().join("letter.json");
            self.ask(&["s3api", "get-object", "--bucket", bucket, "--key", key, text(&file)?]).await?;
            let taken = self.deliver(&tokio::fs::read(&file).await?, folder.path()).await.map_err(|error| format!("{key}: {error}"))?;
            if taken {
                self.ask(&["s3api", "delete-object", "--bucket", bucket, "--key", key]).await?;
            }
            done.count(taken);
        }
        Ok(done)
    }

    /// Whether its function takes all of a letter now.
    async fn deliver(&self, letter: &[u8], folder: &Path) -> Result<bool, Crash> {
        let Letter { context, payload } = serde_json::from_slice(letter)?;
        let Batch { records } = match payload {
            Value::String(text) => serde_json::from_str(&text)?,
            event => serde_json::from_value(event)?,
        };
        let (event, answer) = (folder.join("event.json"), folder.join("answer.json"));
        let payload = format!("fileb://{}", text(&event)?);
        let invoke =
            ["lambda", "invoke", "--function-name", &context.function, "--cli-read-timeout", "90", "--payload", &payload, text(&answer)?];
        let (event, answer, invoke) = (&event, &answer, &invoke);
        let takes = |records: Vec<Value>| async move {
            tokio::fs::write(event, json!({ "Records": records }).to_string()).await?;
            let invoked = self.ask(invoke).await?;
            let answered: Value = serde_json::from_slice(&tokio::fs::read(answer).await?)?;
            Ok(invoked["FunctionError"].is_null() && answered["batchItemFailures"].as_array().is_some_and(Vec::is_empty))
        };
        Ok(each(records, takes).await? == 0)
    }

    /// What the tool answers; nothing is `null`.
    async fn ask(&self, command: &[&str]) -> Result<Value, Crash> {
        let ran = Command::new(&self.aws).args(command).args(["--output", "json"]).stdin(Stdio::null()).output().await;
        let ran = ran.map_err(|error| format!("the AWS CLI ({}) does not run: {error}", self.aws.display()))?;
        if !ran.status.success() {
            return Err(format!("aws {}: {}", command[..2].join(" "), String::from_utf8_lossy(&ran.stderr).trim()).into());
        }
        if ran.stdout.trim_ascii().is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&ran.stdout)?) }
    }
}

fn text(path: &Path) -> Result<&str, Crash> {
    Ok(path.to_str().ok_or("the folder for temporary files has a name that is no text")?)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// As much of the AWS CLI as is asked: a bucket that is a folder, and a function that does not take a record with
    /// `poison` in it while there is a file `broken`.
    const AWS: &str = r#"#!/bin/sh -eu
cd "$(dirname "$0")"
case "$1 $2" in
"cloudformation describe-stack-resource") echo '{"StackResourceDetail": {"PhysicalResourceId": "letters"}}' ;;
"s3api list-objects-v2")
  [ "$(ls letters)" ] || exit 0
  for key in $(ls letters); do echo "{\"Key\": \"$key\", \"LastModified\": \"2026-0$key\"}"; done | paste -sd, | sed 's/.*/{"Contents": [&]}/' ;;
"s3api get-object") cp "letters/$6" "$7"; echo '{}' ;;
"s3api delete-object") rm "letters/$6" ;;
"lambda invoke")
  event=${8#fileb://}
  echo "$4 $(cat "$event")" >>invoked
  echo '{"batchItemFailures": []}' >"$9"
  if [ -e broken ] && grep -q poison "$event"; then echo '{"errorMessage": "poison"}' >"$9"; echo '{"FunctionError": "Unhandled"}'; else echo '{"StatusCode": 200}'; fi ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
"#;

    #[tokio::test]
    async fn what_lambda_gave_up_is_handed_over_again_and_stays_while_it_fails() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("aws"), AWS).unwrap();
        std::fs::set_permissions(at("aws"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::create_dir(at("letters")).unwrap();
        let letter = |names: &[&str]| {
            let event = json!({"Records": names.iter().map(|name| json!({"eventID": name})).collect::<Vec<_>>()});
            json!({"requestContext": {"functionArn": "arn:fanout"}, "version": "1.0", "payload": event.to_string()}).to_string()
        };
        std::fs::write(at("letters/2"), letter(&["a", "poison", "c"])).unwrap();
        std::fs::write(at("letters/1"), letter(&["first"])).unwrap();
        std::fs::write(at("broken"), "").unwrap();
        let cloud = Cloud { aws: at("aws") };
        assert_eq!(cloud.redrive("postroom").await.unwrap(), Done { delivered: 1, left: 1 });
        // The oldest first; what stood with the one that fails is not kept back by it.
        let invoked = std::fs::read_to_string(at("invoked")).unwrap();
        let asked: Vec<usize> = invoked.lines().map(|line| line.matches("eventID").count()).collect();
        assert_eq!(asked, [1, 3, 1, 1, 1], "{invoked}");
        assert!(invoked.starts_with("arn:fanout {\"Records\":[{\"eventID\":\"first\"}]}"), "{invoked}");
        std::fs::remove_file(at("broken")).unwrap();
        assert_eq!(cloud.redrive("postroom").await.unwrap(), Done { delivered: 1, left: 0 });
        assert_eq!(cloud.redrive("postroom").await.unwrap(), Done::default());
        let missing = Cloud { aws: at("nothing") }.redrive("postroom").await.unwrap_err().to_string();
        assert!(missing.contains("the AWS CLI"), "{missing}");
    }
}
