//! Waits until all requirements are met, all of them at once, early and often; some may be met in several ways.
//!
//! What a requirement is and how it is found out stands in the files beside this one; none of them waits by itself.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use envup_agent::{ProbeReply, ProbeRequest, Reply, Requirement, Unmet};

use super::answers::Answers;
use super::failure::Failure;
use super::turn::pause;

mod boot;
pub mod command;
mod http;
mod net;

/// The shortest pause between tries.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// A pause is this part of the time that has passed: what takes long is seen only a little later than it came.
const PART: u32 = 20;
/// The longest pause, unless the request says otherwise.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// What a try gets at least, even if time is almost up.
const LEAST_LIMIT: Duration = Duration::from_secs(1);

/// What a try found: nothing is missing, or this is.
type Found = Result<(), String>;

/// Carries the request out.
pub fn probe(request: &ProbeRequest, answers: &mut Answers) -> Result<Reply, Failure> {
    let begin = Instant::now();
    let (sender, receiver) = channel();
    for (number, requirement) in request.requirements.iter().enumerate() {
        let way = |list: &[Requirement], is_told| Way {
            list: list.to_vec(),
            is_told,
            begin,
            timeout: Duration::from_millis(request.timeout_ms),
            longest_pause: request.interval_ms.map_or(LONGEST_PAUSE, Duration::from_millis),
        };
        let ways: Vec<Way> = match requirement {
            Requirement::Any { lists } => {
                lists.iter().enumerate().map(|(place, list)| way(list, place == 0)).collect()
            }
            one => vec![way(std::slice::from_ref(one), true)],
        };
        for way in ways {
            let sender = sender.clone();
            // Not waited for when the caller is gone, or another way led there: then they end with the process.
            std::thread::spawn(move || way.run(number, &sender));
        }
    }
    drop(sender);
    let mut found: Vec<Found> = vec![Err("not tried".to_owned()); request.requirements.len()];
    for (number, news) in receiver {
        if found[number].is_ok() {
            continue;
        }
        if let Err(detail) = &news
            && found[number] != news
        {
            answers.unmet(unmet(&request.requirements[number], detail))?;
        }
        found[number] = news;
        if found.iter().all(Result::is_ok) {
            break;
        }
    }
    let missing = request.requirements.iter().zip(&found);
    let failed: Vec<Unmet> =
        missing.filter_map(|(requirement, found)| Some(unmet(requirement, found.as_ref().err()?))).collect();
    Ok(Reply::Probe(ProbeReply { ready: failed.is_empty(), seconds: begin.elapsed().as_secs_f64(), failed }))
}

fn unmet(requirement: &Requirement, detail: &str) -> Unmet {
    Unmet { requirement: requirement.to_string(), detail: detail.to_owned() }
}

/// Trying one requirement after the other until each was met or time is up.
struct Way {
    list: Vec<Requirement>,
    /// Whether it says what is missing.
    is_told: bool,
    begin: Instant,
    timeout: Duration,
    longest_pause: Duration,
}

impl Way {
    fn run(&self, number: usize, sender: &Sender<(usize, Found)>) {
        for requirement in &self.list {
            while let Err(detail) = self.attempt(requirement) {
                let listened = !self.is_told || sender.send((number, Err(detail))).is_ok();
                let left = self.left();
                if !listened || left.is_zero() {
                    return;
                }
                // One last try when time is up: what became ready in the meantime is ready.
                pause(next_pause(self.begin.elapsed(), self.longest_pause).min(left));
            }
        }
        // Nobody listens any more where another way was shorter.
        let _ = sender.send((number, Ok(())));
    }

    fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.begin.elapsed())
    }

    fn attempt(&self, requirement: &Requirement) -> Found {
        match requirement {
            Requirement::Tcp { port, host } => net::connect(host.as_deref(), *port).map(drop),
            Requirement::Http { url } => http::get(url),
            Requirement::Cmd { argv, user } => {
                command::succeeds(argv, user.as_deref(), self.limit(command::LIMIT))
            }
            Requirement::File { path } => match std::fs::metadata(path) {
                Ok(_) => Ok(()),
                Err(error) => Err(super::failure::plain(&error)),
            },
            Requirement::Boot {} => boot::finished(self.limit(command::LIMIT)),
            Requirement::Any { .. } => Err("lists of requirements hold no lists".to_owned()),
        }
    }

    /// How long a try may take. A single try gets all it can need.
    fn limit(&self, usual: Duration) -> Duration {
        if self.timeout.is_zero() { usual } else { usual.min(self.left().max(LEAST_LIMIT)) }
    }
}

/// Short at first, longer the longer it takes, up to the longest one.
fn next_pause(since: Duration, longest: Duration) -> Duration {
    (since / PART).max(SHORTEST_PAUSE).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_the_time_that_has_passed() {
        let pauses = [0, 500, 1000, 2400, 10_000, 20_000, 60_000]
            .map(|since| next_pause(Duration::from_millis(since), LONGEST_PAUSE).as_millis());
        assert_eq!(pauses, [50, 50, 50, 120, 500, 1000, 1000]);
        assert_eq!(next_pause(LONGEST_PAUSE, Duration::from_millis(20)).as_millis(), 20);
    }
}
