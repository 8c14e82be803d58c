//! What the board shows of a stack on its way up.

use super::*;

fn some(name: &str) -> Option<String> {
    Some(name.to_owned())
}

fn board(columns: usize) -> String {
    let mut board = Board::default();
    let start = Instant::now();
    let names = ["db", "cache", "web", "proxy", "job"].map(str::to_owned).to_vec();
    board.take(&Event::Begin { machines: names }, start);
    let events = [
        Event::End {
            machine: "db".into(),
            outcome: Outcome::Ready,
            detail: "provisioned ops/base.sh, ops/control-repo".into(),
            seconds: 4.1,
        },
        Event::Progress {
            machine: some("cache"),
            what: "pulling redis:7".into(),
            done: 6 << 20,
            total: Some(12 << 20),
        },
        Event::Waiting {
            machine: "web".into(),
            requirement: "http://web/health".into(),
            detail: "503".into(),
        },
        Event::End {
            machine: "job".into(),
            outcome: Outcome::Failed,
            detail: "step ops/migrate.sh exited with 3\nand more".into(),
            seconds: 0.4,
        },
        Event::Doing { machine: None, what: "building box debian/12".into() },
    ];
    for event in &events {
        board.take(event, start);
    }
    let now = start + Duration::from_millis(2300);
    let lines = (0..board.rows()).map(|row| board.line(row, now, start, columns, Paint::OFF));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_machine_has_its_line() {
    insta::assert_snapshot!(board(80), @r"
      ✓ db     ready     4.1s   provisioned ops/base.sh, ops/control-repo
      ⠸ cache  pulling redis:7  ━━━━━━────── 6.0 MiB of 12.0 MiB · 2.3s
      ⠸ web    waiting for http://web/health · 503 · 2.3s
        proxy  
      ✗ job    failed    0.4s   step ops/migrate.sh exited with 3
      ⠸ building box debian/12 · 2.3s
    ");
}

#[test]
fn lines_fit_the_columns() {
    for columns in [40, 60, 79] {
        for line in board(columns).lines() {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn a_machine_that_is_as_declared_is_not_worth_a_line() {
    let mut board = Board::default();
    let now = Instant::now();
    board.take(&Event::Begin { machines: vec!["db".into(), "web".into()] }, now);
    let end = |machine: &str| Event::End {
        machine: machine.into(),
        outcome: Outcome::Ready,
        detail: String::new(),
        seconds: 0.0,
    };
    assert_eq!(board.take(&end("db"), now), Change::Gone(0));
    board.take(&Event::Doing { machine: some("web"), what: "starting".into() }, now);
    assert_eq!(board.take(&end("web"), now), Change::Ended(1));
}

#[test]
fn what_belongs_to_no_machine_is_gone_once_it_is_done() {
    let mut board = Board::default();
    let mut at = |done| {
        let what = "verifying debian/12".to_owned();
        board.take(&Event::Progress { machine: None, what, done, total: Some(12) }, Instant::now())
    };
    assert_eq!([at(6), at(12), at(6)], [Change::Row(0), Change::Gone(0), Change::Row(0)]);
}

#[test]
fn the_slowest_step_is_known() {
    let mut board = Board::default();
    for (step, seconds) in [("base", 0.4), ("puppet", 2.9), ("seed", 1.0)] {
        let (machine, step) = ("db".to_owned(), step.to_owned());
        let event = Event::Step { machine, step, status: StepStatus::Changed, seconds: Some(seconds) };
        board.take(&event, Instant::now());
    }
    assert_eq!(board.slowest().map(|time| time.step.as_str()), Some("puppet"));
}
