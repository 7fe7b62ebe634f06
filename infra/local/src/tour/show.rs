//! What the terminal shows: a numbered line for each step, with what it took and what came out.

use super::Failure;
use app::Crash;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Columns of a step's name.
const NAME: usize = 52;

/// The terminal.
pub struct Show {
    colour: bool,
    steps: usize,
    began: Instant,
    failed: Option<String>,
}

impl Show {
    /// Says what begins. `took`: the stack's start.
    pub fn begin(url: &str, took: Duration) -> Show {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        let show = Show { colour, steps: 0, began: Instant::now(), failed: None };
        println!("{}", show.bold("The story of a team, over HTTP and WebSocket against a fresh stack in memory."));
        println!("{}\n", show.dim(&format!("{url} was ready after {}.", millis(took))));
        show
    }

    /// Plays one step and shows it. `work` gives what it found and a sentence about it.
    pub async fn step<T>(&mut self, name: &str, work: impl Future<Output = Result<(T, String), Failure>>) -> Result<T, Failure> {
        self.steps += 1;
        let began = Instant::now();
        let came = work.await;
        let took = millis(began.elapsed());
        let number = self.dim(&format!("{:>3}", self.steps));
        match came {
            Ok((value, said)) => {
                println!("{number}  {name:NAME$}{}   {}", self.dim(&format!("{took:>9}")), said);
                Ok(value)
            }
            Err(failure) => {
                println!("{number}  {name:NAME$}{}   {}", self.dim(&format!("{took:>9}")), self.red("failed"));
                println!("\n     expected  {}\n     came      {}\n", failure.expected, failure.came);
                self.failed = Some(format!("step {} failed: {name}", self.steps));
                Err(failure)
            }
        }
    }

    /// The end: the summary's lines, or which step failed.
    pub fn end(self, told: Result<Vec<(&'static str, String)>, Failure>) -> Result<(), Crash> {
        match (told, self.failed) {
            (Ok(lines), None) => {
                println!();
                for (about, line) in &lines {
                    println!("     {about:18} {line}");
                }
                let all = format!("All {} steps did what they should, in {:.1} s.", self.steps, self.began.elapsed().as_secs_f64());
                let all = if self.colour { format!("\x1b[32m{all}\x1b[0m") } else { all };
                println!("\n{all}");
                Ok(())
            }
            (Err(failure), None) => Err(format!("the tour failed: expected {}, came {}", failure.expected, failure.came).into()),
            (_, Some(step)) => Err(step.into()),
        }
    }

    fn dim(&self, text: &str) -> String {
        if self.colour { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        if self.colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn red(&self, text: &str) -> String {
        if self.colour { format!("\x1b[31m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A duration for people.
pub fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    if millis < 100.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}
