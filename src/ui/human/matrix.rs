//! Environments side by side: a column for each, a row for each thing that is not the same everywhere.

use super::Table;
use super::drift::{principal, shown_key, shown_value, sign_of, value_room, word};
use super::shorten::apart;
use crate::drift::{MachineMatrix, MatrixReport, Row};
use crate::model::drift::Severity;
use crate::ui::paint::Paint;
use envup_agent::Item;

/// What stands behind a version that is newer than in an environment before it.
const NEWER: &str = "↑";

/// A report for people.
///
/// Keys and values are cut where the columns of the terminal are not enough.
pub fn matrix(report: &MatrixReport, columns: usize, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.strong(&report.project));
    for machine in &report.machines {
        text += &one(machine, columns, paint);
    }
    text + &summary(report)
}

fn one(machine: &MachineMatrix, columns: usize, paint: Paint) -> String {
    let mut text = String::new();
    if !machine.matrix.rows.is_empty() {
        let mut table = Table::indented(2);
        table.row().plain("").cell(&machine.machine, paint.strong(&machine.machine)).plain("");
        for environment in &machine.matrix.environments {
            table.cell(environment, paint.dim(environment));
        }
        for row in &machine.matrix.rows {
            add(&mut table, row, value_room(columns), paint);
        }
        text += &table.render_within(columns);
    }
    for unknown in &machine.matrix.unknown {
        text += &format!("  {}  {unknown}\n", paint.notable("?"));
    }
    text
}

fn add(table: &mut Table, row: &Row, room: usize, paint: Paint) {
    let (sign, section) = (sign_of(row.severity), word(&row.section));
    table.row().cell(sign, paint.severity(row.severity, sign)).plain(shown_key(&row.section, &row.key));
    table.cell(section, paint.dim(section));
    let mut present = row.cells.iter().flatten();
    let is_one = present.next().is_none_or(|first| present.all(|other| other == first));
    let named = row.cells.iter().flatten().any(|item| item.len() > 1);
    let value = |cell: &Option<Item>| match cell {
        None => "-".to_owned(),
        Some(item) if is_one => principal(item),
        Some(item) => shown_value(item, named),
    };
    let mut values: Vec<String> = row.cells.iter().map(value).collect();
    apart(&mut values, room);
    for (place, value) in values.into_iter().enumerate() {
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
