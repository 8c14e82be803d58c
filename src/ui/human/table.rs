//! Columns that line up: as wide as their widest cell, two spaces apart, no lines.

use super::shorten::cut_middle;
use crate::ui::paint::Paint;

/// No column is made narrower than this.
const NARROWEST: usize = 12;

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

    /// The lines, each with its newline, of at most `room` characters: for that the widest columns are made narrower, and what
    /// does not fit them loses its middle.
    pub fn render_within(mut self, room: usize) -> String {
        let mut widths = self.widths();
        let taken = |widths: &[usize]| self.indent + widths.iter().map(|width| width + 2).sum::<usize>();
        while taken(&widths) > room.saturating_add(2) {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        for row in &mut self.rows {
            for (cell, width) in row.iter_mut().zip(&widths) {
                let cut = cut_middle(&cell.text, *width);
                cell.painted = cell.painted.replacen(&cell.text, &cut, 1);
                cell.text = cut;
            }
        }
        self.render()
    }

    /// How wide each column has to be for its widest cell.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
        };
        (0..columns).map(widest).collect()
    }

    /// The lines, each with its newline.
    pub fn render(&self) -> String {
        let widths = self.widths();
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
    fn the_widest_columns_give_way_where_room_is_short() {
        let table = || {
            let mut table = Table::indented(2);
            table
                .row()
                .plain("~")
                .plain("/srv/data/one/two/three")
                .cell("0644", Paint { on: true }.good("0644"));
            table.row().plain("!").plain("short").plain("a value that is long, too");
            table
        };
        assert_eq!(table().render_within(usize::MAX), table().render());
        assert_eq!(table().render_within(57), table().render());
        assert_eq!(
            table().render_within(40),
            concat!(
                "  ~  /srv/dat…wo/three  \u{1b}[32m0644\u{1b}[0m\n",
                "  !  short              a value…ong, too\n",
            )
        );
        let narrowest = table().render_within(1).lines().last().map(|line| line.chars().count());
        assert_eq!(narrowest, Some("  !  ".len() + NARROWEST + 2 + NARROWEST), "it still tells something");
    }

    #[test]
    fn colours_take_no_room() {
        let mut table = Table::indented(2);
        table.row().cell("a", Paint { on: true }.good("a")).plain("b");
        table.row().plain("long").plain("c");
        assert_eq!(table.render(), "  \u{1b}[32ma\u{1b}[0m     b\n  long  c\n");
    }
}
