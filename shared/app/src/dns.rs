//! What the DNS says: asked in the cloud, given on a laptop and in tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;
use tokio::sync::OnceCell;

/// The DNS. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Dns {
    /// As the system is told to ask; the resolver is made at the first question.
    System(Arc<OnceCell<TokioResolver>>),
    /// As somebody says.
    Given(Given),
}

/// Records that somebody gave: names in lower case, and the texts under each.
#[derive(Clone, Debug, Default)]
pub struct Given(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl Given {
    /// Says which texts stand under a name from now on.
    pub fn set(&self, name: &str, texts: Vec<String>) {
        // Nobody panics while holding it.
        let mut records = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        records.insert(name.trim_end_matches('.').to_lowercase(), texts);
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let records = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        records.get(&name.to_lowercase()).cloned().unwrap_or_default()
    }
}

impl Dns {
    /// As the system is told to ask.
    pub fn system() -> Dns {
        Dns::System(Arc::default())
    }

    /// The texts under a name; none where there is no such name. An error says in a line why nobody answered.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        let resolver = match self {
            Dns::Given(given) => return Ok(given.texts(name)),
            Dns::System(resolver) => resolver,
        };
        let made = || async { TokioResolver::builder_tokio().and_then(|builder| builder.build()).map_err(|error| error.to_string()) };
        let resolver = resolver.get_or_try_init(made).await?;
        // With the dot at its end no search domain is tried.
        let answer = match resolver.txt_lookup(format!("{name}.")).await {
            Ok(answer) => answer,
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        let texts = answer.answers().iter().filter_map(|record| match &record.data {
            // A long text comes in parts of 255 bytes.
            RData::TXT(text) => Some(text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>()),
            _ => None,
        });
        Ok(texts.collect())
    }
}
