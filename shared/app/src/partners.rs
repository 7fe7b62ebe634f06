//! Secrets that others gave to whoever runs this Postroom. They lie in the deployment's secret store and are read at
//! their first use: most functions, and most requests, need none of them.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::Problem;

/// `{"google_client_secret"?, "robot_secret"?}`: what is not there is empty.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct PartnerSecrets {
    /// What we show Google.
    pub google_client_secret: String,
    /// What we show the verifier of the robot check.
    pub robot_secret: String,
}

impl std::fmt::Debug for PartnerSecrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PartnerSecrets(***)")
    }
}

/// The way to them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Partners {
    kept: Option<(aws_types::SdkConfig, String)>,
    read: Arc<OnceCell<PartnerSecrets>>,
}

impl Partners {
    /// As given: on a laptop and in tests.
    pub fn given(secrets: PartnerSecrets) -> Partners {
        Partners { kept: None, read: Arc::new(OnceCell::new_with(Some(secrets))) }
    }

    /// In Secrets Manager, under an id.
    pub(crate) fn kept(aws: &aws_types::SdkConfig, id: &str) -> Partners {
        match id {
            "" => Partners::given(PartnerSecrets::default()),
            id => Partners { kept: Some((aws.clone(), id.to_owned())), read: Arc::default() },
        }
    }

    /// The secrets.
    pub async fn secrets(&self) -> Result<&PartnerSecrets, Problem> {
        let read = || async {
            let Some((aws, id)) = &self.kept else { return Ok(PartnerSecrets::default()) };
            let answer = aws_sdk_secretsmanager::Client::new(aws).get_secret_value().secret_id(id).send().await;
            let answer = answer.map_err(|error| Problem::Internal(format!("the partners' secrets: {}", store::plainly(&error))))?;
            serde_json::from_str(answer.secret_string().unwrap_or("{}"))
                .map_err(|_| Problem::Internal("the partners' secrets are not a JSON object of texts".to_owned()))
        };
        self.read.get_or_try_init(read).await
    }
}
