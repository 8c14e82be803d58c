//! Columns that line up: as wide as their widest cell, two spaces apart, no lines.

use crate::ui::paint::Paint;

/// A table under construction.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

#[derive(Debug)]
struct Cell {
    text: String,
    painted: String,
}

impl Table {
    /// A table whose first row is a heading.
    pub fn headed(headings: &[&str], paint: Paint) -> Self {
        let mut table = Self::default();
        table.row();
        for heading in headings {
            table.cell(heading, paint.dim(heading));
        }
        table
    }

    /// A table without a heading, so many spaces from the left.
    pub fn indented(indent: usize) -> Self {
        Self { indent, ..Self::default() }
    }

    /// Begins a row.
    pub fn row(&mut self) -> &mut Self {
        self.rows.push(Vec::new());
        self
    }

    /// Adds a cell to the last row.
    pub fn plain(&mut self, text: impl Into<String>) -> &mut Self {
        let text = text.into();
        self.cell(&text.clone(), text)
    }

    /// Adds a cell whose colours take no room.
    pub fn cell(&mut self, text: &str, painted: String) -> &mut Self {
        if let Some(row) = self.rows.last_mut() {
            row.push(Cell { text: text.to_owned(), painted });
        }
        self
    }

    /// The lines, each with its newline.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        let mut lines = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(self.indent);
            let mut gap = 0;
            for (cell, width) in row.iter().zip(&widths) {
                if !cell.text.is_empty() {
                    line.extend(std::iter::repeat_n(' ', gap));
                    line += &cell.painted;
                    gap = 0;
                }
                gap += width - cell.text.chars().count() + 2;
            }
            lines += &line;
            lines.push('\n');
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let mut table = Table::headed(&["name", "state", "ports"], Paint::OFF);
        table.row().plain("db").plain("running").plain("");
        table.row().plain("proxy-1").plain("").plain("8080");
        assert_eq!(table.render(), "name     state    ports\ndb       running\nproxy-1           8080\n");
    }

    #[test]
    fn colours_take_no_room() {
        let mut table = Table::indented(2);
        table.row().cell("a", Paint { on: true }.good("a")).plain("b");
        table.row().plain("long").plain("c");
        assert_eq!(table.render(), "  \u{1b}[32ma\u{1b}[0m     b\n  long  c\n");
    }
}
