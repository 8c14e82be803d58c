//! The text of a systemd unit: settings below sections, lists that an empty assignment clears.

/// The settings of a unit and its drop-ins, in the order in which they were read.
#[derive(Default)]
pub struct UnitFile {
    settings: Vec<Setting>,
    sections: Vec<String>,
}

struct Setting {
    section: String,
    name: String,
    value: String,
}

impl UnitFile {
    /// Adds what a file says.
    pub fn read(&mut self, text: &str) {
        let mut section = String::new();
        let mut begun = String::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with(['#', ';']) {
                continue;
            }
            begun.push_str(line);
            if let Some(rest) = begun.strip_suffix('\\') {
                begun = rest.to_owned() + " ";
                continue;
            }
            let whole = std::mem::take(&mut begun);
            if let Some(name) = whole.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.to_owned();
                self.sections.push(section.clone());
            } else if let Some((name, value)) = whole.split_once('=') {
                let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
                self.settings.push(Setting { section: section.clone(), name, value });
            }
        }
    }

    /// Whether there is such a section.
    pub fn has(&self, section: &str) -> bool {
        self.sections.iter().any(|other| other == section)
    }

    /// All values of a setting that count.
    pub fn all(&self, section: &str, name: &str) -> Vec<&str> {
        let mine = |setting: &&Setting| setting.section == section && setting.name == name;
        let mut values = Vec::new();
        for setting in self.settings.iter().filter(mine) {
            match setting.value.as_str() {
                "" => values.clear(),
                value => values.push(value),
            }
        }
        values
    }

    /// The last value of a setting.
    pub fn last(&self, section: &str, name: &str) -> Option<&str> {
        self.all(section, name).pop()
    }

    /// The names of all settings of a section, sorted.
    pub fn names(&self, section: &str) -> Vec<&str> {
        let mine = self.settings.iter().filter(|setting| setting.section == section);
        let mut names: Vec<&str> = mine.map(|setting| setting.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The words of a setting of systemd: quoted ones may hold spaces, `%%` is one `%`.
pub fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('n') => word.push('\n'),
                Some('t') => word.push('\t'),
                Some(c) => word.push(c),
                None => {}
            },
            '%' if rest.as_str().starts_with('%') => {}
            c if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(c),
            c if c.is_whitespace() && quote.is_none() => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words
}

#[cfg(test)]
mod tests {
    use super::super::tree::odd;
    use super::*;

    const TEXT: &str =
        "[Timer]\n# no\nOnCalendar=daily\nOnCalendar = \\\n; no\n  Mon *-*-* 0:00\n[Install]\nAlias=x\n";

    #[test]
    fn lists_grow_and_are_cleared() {
        let mut unit = UnitFile::default();
        unit.read(TEXT);
        assert_eq!(unit.all("Timer", "OnCalendar"), ["daily", "Mon *-*-* 0:00"]);
        assert!(unit.has("Install") && !unit.has("Service"));
        unit.read("[Timer]\nOnCalendar=\nOnCalendar=hourly\nPersistent=true\n");
        assert_eq!(unit.all("Timer", "OnCalendar"), ["hourly"]);
        assert_eq!(unit.last("Install", "Alias"), Some("x"));
        assert_eq!(unit.names("Timer"), ["OnCalendar", "Persistent"]);
    }

    #[test]
    fn odd_texts_do_no_harm() {
        for bytes in odd(TEXT.as_bytes()) {
            UnitFile::default().read(&String::from_utf8_lossy(&bytes));
            words(&String::from_utf8_lossy(&bytes));
        }
    }
}
