//! One letter, once: claim, send, settle.
//!
//! Where a sender dies in the middle, or SES's answer gets lost, nobody knows whether the mail is on its way. SES tells of
//! each mail that it took, with the receipt in its tags: that settles it. If nothing is told while the claim lasts, the
//! mail was not taken, and is sent again.

use app::{App, Crash, Letter, Unsent};
use domain::account::Email;
use futures::future::BoxFuture;
use store::receipts::{Claim, Receipt};

/// Sends a letter, unless its address does not exist or its owner called our mail unwanted.
async fn send(app: &App, letter: &Letter, receipt: &Receipt) -> Result<String, Unsent> {
    let stopped = match Email::parse(&letter.to) {
        Ok(email) => app.store.mail_stopped(&email).await.map_err(|error| Unsent::Surely(error.into()))?,
        Err(_) => None,
    };
    match stopped {
        Some(stopped) => Ok(format!("not sent: {}", stopped.why)),
        None => app.mail.send(letter, receipt.tags()).await,
    }
}

/// Sends the letter that `write` gives, unless its receipt says that it is sent. `None`: there is nothing to say
/// (any more), which is settled as well. On the heap: whoever tells of many kinds of things would otherwise hold the
/// sending of each of them on its stack.
pub(crate) fn once<'a, F>(app: &'a App, receipt: Receipt, write: F) -> BoxFuture<'a, Result<(), Crash>>
where
    F: Future<Output = Result<Option<Letter>, Crash>> + Send + 'a,
{
    Box::pin(async move {
        match app.store.claim(&receipt, app.now()).await? {
            Claim::Settled => return Ok(()),
            Claim::Leased => return Err("another sender is at it".into()),
            Claim::Mine => (),
        }
        let sent = match write.await {
            Ok(Some(letter)) => send(app, &letter, &receipt).await,
            Ok(None) => Ok("not needed".to_owned()),
            Err(error) => Err(Unsent::Surely(error)),
        };
        match sent {
            Ok(message) => {
                app.store.settle(&receipt, &message).await?;
                tracing::info!(kind = %receipt.kind, to = receipt.to, message, "mailed");
                Ok(())
            }
            Err(Unsent::Surely(error)) => {
                // The next try need not wait for the lease.
                app.store.give_back(&receipt).await?;
                Err(error)
            }
            Err(Unsent::Perhaps(error)) => Err(error),
        }
    })
}
