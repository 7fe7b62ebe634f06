//! Configuration: environment variables, read once, and every missing one named at once.

use crate::Crash;

/// A variable that the template sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Var {
    /// The table's name.
    TableName,
    /// Where the pages are: `https://…`, without a slash at the end.
    PagesUrl,
    /// What a client opens a WebSocket at: `wss://…`.
    RealtimeUrl,
    /// Where `/@connections/{id}` is: `https://…/stage`.
    ConnectionsUrl,
    /// The sender of mails.
    MailFrom,
    /// The configuration set by which SES tells what became of a mail.
    MailConfigurationSet,
    /// The secret with the signing keys.
    TokenSecretId,
    /// Requests of one account a minute; 0: as many as they like.
    RateLimit,
    /// The secret with what others gave whoever runs this.
    PartnersSecretId,
    /// What Google calls us; empty where nobody signs in with Google.
    GoogleClientId,
    /// Where Google's sign-in is.
    GoogleIssuer,
    /// The verifier of the robot check; empty where there is none.
    RobotVerifyUrl,
    /// The script of its widget.
    RobotScriptUrl,
    /// Which of the verifier's sites this is.
    RobotSiteKey,
    /// Origins that the widget loads from, where they are more than the script's own.
    RobotOrigins,
    /// The secret with Stripe's keys; empty where teams pay by invoice.
    StripeSecretId,
    /// Where the Postman API is, for those who bring their collections from there.
    PostmanApiUrl,
}

impl Var {
    /// All of them.
    pub const ALL: [Var; 17] = [
        Var::TableName,
        Var::PagesUrl,
        Var::RealtimeUrl,
        Var::ConnectionsUrl,
        Var::MailFrom,
        Var::MailConfigurationSet,
        Var::TokenSecretId,
        Var::RateLimit,
        Var::PartnersSecretId,
        Var::GoogleClientId,
        Var::GoogleIssuer,
        Var::StripeSecretId,
        Var::PostmanApiUrl,
        Var::RobotVerifyUrl,
        Var::RobotScriptUrl,
        Var::RobotSiteKey,
        Var::RobotOrigins,
    ];

    /// As the environment spells it.
    pub fn name(self) -> &'static str {
        match self {
            Var::TableName => "TABLE_NAME",
            Var::PagesUrl => "PAGES_URL",
            Var::RealtimeUrl => "REALTIME_URL",
            Var::ConnectionsUrl => "CONNECTIONS_URL",
            Var::MailFrom => "MAIL_FROM",
            Var::MailConfigurationSet => "MAIL_CONFIGURATION_SET",
            Var::TokenSecretId => "TOKEN_SECRET_ID",
            Var::RateLimit => "RATE_LIMIT",
            Var::PartnersSecretId => "PARTNERS_SECRET_ID",
            Var::GoogleClientId => "GOOGLE_CLIENT_ID",
            Var::GoogleIssuer => "GOOGLE_ISSUER",
            Var::RobotVerifyUrl => "ROBOT_VERIFY_URL",
            Var::RobotScriptUrl => "ROBOT_SCRIPT_URL",
            Var::RobotSiteKey => "ROBOT_SITE_KEY",
            Var::RobotOrigins => "ROBOT_ORIGINS",
            Var::StripeSecretId => "STRIPE_SECRET_ID",
            Var::PostmanApiUrl => "POSTMAN_API_URL",
        }
    }

    /// Whether it may be empty: what it is for is off then.
    fn optional(self) -> bool {
        matches!(
            self,
            Var::PartnersSecretId
                | Var::GoogleClientId
                | Var::GoogleIssuer
                | Var::StripeSecretId
                | Var::RobotVerifyUrl
                | Var::RobotScriptUrl
                | Var::RobotSiteKey
                | Var::RobotOrigins
        )
    }
}

/// The configuration of a function. What it does not need is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// [`Var::TableName`]
    pub table: String,
    /// [`Var::PagesUrl`]
    pub pages_url: String,
    /// [`Var::RealtimeUrl`]
    pub realtime_url: String,
    /// [`Var::ConnectionsUrl`]
    pub connections_url: String,
    /// [`Var::MailFrom`]
    pub mail_from: String,
    /// [`Var::MailConfigurationSet`]
    pub mail_configuration_set: String,
    /// [`Var::TokenSecretId`]: its name, not its value.
    pub token_secret_id: String,
    /// [`Var::RateLimit`]
    pub rate_limit: u32,
    /// [`Var::PartnersSecretId`]: its name, not its value.
    pub partners_secret_id: String,
    /// [`Var::GoogleClientId`]
    pub google_client_id: String,
    /// [`Var::GoogleIssuer`]
    pub google_issuer: String,
    /// [`Var::RobotVerifyUrl`]
    pub robot_verify_url: String,
    /// [`Var::RobotScriptUrl`]
    pub robot_script_url: String,
    /// [`Var::RobotSiteKey`]
    pub robot_site_key: String,
    /// [`Var::RobotOrigins`]
    pub robot_origins: String,
    /// [`Var::StripeSecretId`]: its name, not its value.
    pub stripe_secret_id: String,
    /// [`Var::PostmanApiUrl`]
    pub postman_api_url: String,
}

impl Config {
    /// Reads the variables that a function needs. The error names all that are missing.
    pub fn read(needs: &[Var], lookup: impl Fn(&str) -> Option<String>) -> Result<Config, Crash> {
        let found = |var: Var| lookup(var.name()).filter(|value| !value.is_empty());
        let missing: Vec<&str> = needs.iter().filter(|var| !var.optional() && found(**var).is_none()).map(|var| var.name()).collect();
        if !missing.is_empty() {
            return Err(format!("not set: {}", missing.join(", ")).into());
        }
        let value = |var: Var| found(var).filter(|_| needs.contains(&var)).unwrap_or_default();
        let rate_limit = match value(Var::RateLimit).as_str() {
            "" => 0,
            number => number.parse().map_err(|_| format!("{} is a number of requests a minute", Var::RateLimit.name()))?,
        };
        Ok(Config {
            table: value(Var::TableName),
            pages_url: value(Var::PagesUrl).trim_end_matches('/').to_owned(),
            realtime_url: value(Var::RealtimeUrl),
            connections_url: value(Var::ConnectionsUrl),
            mail_from: value(Var::MailFrom),
            mail_configuration_set: value(Var::MailConfigurationSet),
            token_secret_id: value(Var::TokenSecretId),
            rate_limit,
            partners_secret_id: value(Var::PartnersSecretId),
            google_client_id: value(Var::GoogleClientId),
            google_issuer: value(Var::GoogleIssuer),
            robot_verify_url: value(Var::RobotVerifyUrl),
            robot_script_url: value(Var::RobotScriptUrl),
            robot_site_key: value(Var::RobotSiteKey),
            robot_origins: value(Var::RobotOrigins),
            stripe_secret_id: value(Var::StripeSecretId),
            postman_api_url: value(Var::PostmanApiUrl).trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_is_named_at_once() {
        let error =
            Config::read(&[Var::TableName, Var::PagesUrl, Var::MailFrom], |name| (name == "PAGES_URL").then(|| "https://x/".into()));
        assert_eq!(error.unwrap_err().to_string(), "not set: TABLE_NAME, MAIL_FROM");
        assert!(Config::read(&[Var::GoogleClientId], |_| None).is_ok(), "off, not missing");
    }

    #[test]
    fn a_function_sees_only_what_it_needs() {
        let config = Config::read(&[Var::PagesUrl], |_| Some("https://x/".into())).unwrap();
        assert_eq!(config.pages_url, "https://x");
        assert_eq!(config.table, "");
    }
}
