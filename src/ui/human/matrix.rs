//! Environments side by side: a column for each, a row for each thing that is not the same everywhere.

use super::Table;
use super::drift::{shown_key, shown_value, sign_of, word};
use crate::drift::{MachineMatrix, MatrixReport, Row};
use crate::model::drift::Severity;
use crate::ui::paint::Paint;

/// What stands behind a version that is newer than in an environment before it.
const NEWER: &str = "↑";

/// A report for people.
pub fn matrix(report: &MatrixReport, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.strong(&report.project));
    for machine in &report.machines {
        text += &one(machine, paint);
    }
    text + &summary(report)
}

fn one(machine: &MachineMatrix, paint: Paint) -> String {
    let mut text = String::new();
    if !machine.matrix.rows.is_empty() {
        let mut table = Table::indented(2);
        table.row().plain("").plain(machine.machine.as_str()).plain("");
        for environment in &machine.matrix.environments {
            table.cell(environment, paint.dim(environment));
        }
        for row in &machine.matrix.rows {
            add(&mut table, row, paint);
        }
        text += &table.render();
    }
    for unknown in &machine.matrix.unknown {
        text += &format!("  {} {unknown}\n", paint.notable("?"));
    }
    text
}

fn add(table: &mut Table, row: &Row, paint: Paint) {
    let (sign, section) = (sign_of(row.severity), word(&row.section));
    table.row().cell(sign, paint.severity(row.severity, sign)).plain(shown_key(&row.section, &row.key));
    table.cell(section, paint.dim(section));
    for (place, cell) in row.cells.iter().enumerate() {
        let value = cell.as_ref().map_or_else(|| "-".to_owned(), shown_value);
        if row.inversions.contains(&place) {
            let value = format!("{value} {NEWER}");
            table.cell(&value, paint.notable(&value));
        } else {
            table.plain(value);
        }
    }
}

fn summary(report: &MatrixReport) -> String {
    let rows = || report.machines.iter().flat_map(|machine| &machine.matrix.rows);
    let mut parts = Vec::new();
    for severity in Severity::ALL.into_iter().rev() {
        let number = rows().filter(|row| row.severity == severity).count();
        if number > 0 {
            parts.push(format!("{number} {}", severity.as_str()));
        }
    }
    let inverted = rows().filter(|row| !row.inversions.is_empty()).count();
    if inverted > 0 {
        parts.push(format!("{inverted} newer than in an environment before ({NEWER})"));
    }
    match (parts.is_empty(), report.is_complete()) {
        (true, true) => "the same everywhere.\n".to_owned(),
        (true, false) => "nothing differs in what could be read.\n".to_owned(),
        _ => format!("{}.\n", parts.join(", ")),
    }
}
