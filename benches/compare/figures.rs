//! The samples, their medians, and the table and the JSON made of them.

use crate::common::median;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What a row measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `no-op up` and the like.
    pub situation: String,
    /// Seconds or megabytes.
    pub unit: &'static str,
}

/// The samples of each peer.
type Samples = Vec<(&'static str, Vec<f64>)>;

/// Samples of every row and peer, rows in the order in which they were first seen.
#[derive(Debug, Default)]
pub struct Figures {
    rows: Vec<(Row, Samples)>,
}

impl Figures {
    /// Adds a sample.
    pub fn add(&mut self, situation: &str, unit: &'static str, peer: &'static str, sample: f64) {
        let row = Row { situation: situation.to_owned(), unit };
        let position = self.rows.iter().position(|(known, _)| *known == row).unwrap_or_else(|| {
            self.rows.push((row, Vec::new()));
            self.rows.len() - 1
        });
        let samples = &mut self.rows[position].1;
        match samples.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, samples)) => samples.push(sample),
            None => samples.push((peer, vec![sample])),
        }
    }

    /// Medians side by side; the last two columns are ours against each of the others.
    pub fn table(&self, peers: &[&str; 3]) -> String {
        let [raw, ours, compose] = peers;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<26}{raw:>10}{ours:>10}{compose:>10}{:>10}{:>12}",
            "median", "÷ raw", "÷ Compose"
        );
        for (row, samples) in &self.rows {
            let of =
                |peer: &str| samples.iter().find(|(known, _)| *known == peer).map(|(_, all)| median(all));
            let figure = |peer| of(peer).map_or("-".to_owned(), |value| show(value, row.unit));
            let ratio = |peer| match (of(ours), of(peer)) {
                (Some(ours), Some(other)) => format!("{:.2}", ours / other),
                _ => "-".to_owned(),
            };
            let _ = writeln!(
                text,
                "{:<26}{:>10}{:>10}{:>10}{:>10}{:>12}",
                row.situation,
                figure(raw),
                figure(ours),
                figure(compose),
                ratio(raw),
                ratio(compose)
            );
        }
        text
    }

    /// All samples and medians.
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|(row, samples)| {
            let peers: serde_json::Map<String, Value> = samples
                .iter()
                .map(|(peer, all)| ((*peer).to_owned(), json!({ "median": median(all), "samples": all })))
                .collect();
            json!({ "situation": row.situation, "unit": row.unit, "peers": peers })
        });
        json!({ "version": 1, "rows": rows.collect::<Vec<_>>() })
    }
}

fn show(value: f64, unit: &str) -> String {
    match unit {
        "s" if value < 0.1 => format!("{:.1} ms", value * 1000.0),
        "s" => format!("{value:.2} s"),
        unit => format!("{value:.1} {unit}"),
    }
}
