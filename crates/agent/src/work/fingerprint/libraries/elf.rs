//! As much of ELF as the loader needs to find a program's libraries: what it needs, in which versions, and what it defines.
//!
//! Little-endian files of 32 and 64 bits. Reads a few pages of a file, however large that is.

use std::collections::BTreeMap;

use super::super::read_at::ReadAt;

/// No file has more entries of one kind.
const MOST: u64 = 1024;

/// What a program or library says about its libraries.
#[derive(Debug, Default, PartialEq)]
pub struct Elf {
    /// 64 rather than 32 bits, and the number of the processor.
    pub machine: (bool, u16),
    /// The libraries that it needs.
    pub needed: Vec<String>,
    /// Directories where those are looked for first, with colons; may hold `$ORIGIN`.
    pub search: String,
    /// The versions that it needs, by library.
    pub wants: BTreeMap<String, Vec<String>>,
    /// The versions that it defines.
    pub defines: Vec<String>,
}

/// A file and how its numbers are laid out.
struct Reader<'f> {
    file: &'f dyn ReadAt,
    wide: bool,
    /// Where addresses of the program lie in the file: address, length, place.
    loads: Vec<(u64, u64, u64)>,
}

/// Reads it; `None` if this is no such file, or one that is linked statically.
pub fn read(file: &dyn ReadAt) -> Option<Elf> {
    let mut head = [0; 20];
    if !file.read_at(&mut head, 0) || head[..4] != *b"\x7fELF" || head[5] != 1 {
        return None;
    }
    let mut reader = Reader { file, wide: head[4] == 2, loads: Vec::new() };
    let mut elf = Elf { machine: (reader.wide, u16::from_le_bytes([head[18], head[19]])), ..Elf::default() };
    let dynamic = reader.segments()?;
    let mut entries = Vec::new();
    let size = reader.word();
    for count in 0..MOST {
        let place = dynamic.checked_add(count * 2 * size)?;
        match (reader.number(place, size)?, reader.number(place.checked_add(size)?, size)?) {
            (0, _) => break,
            entry => entries.push(entry),
        }
    }
    let value = |tag: u64| entries.iter().find(|(other, _)| *other == tag).map(|(_, value)| *value);
    let texts = reader.place(value(5)?)?;
    let text = |offset: u64| texts.checked_add(offset).map(|place| file.text_at(place)).unwrap_or_default();
    elf.needed = entries.iter().filter(|(tag, _)| *tag == 1).map(|(_, offset)| text(*offset)).collect();
    // RUNPATH takes precedence over RPATH.
    elf.search = value(29).or_else(|| value(15)).map(text).unwrap_or_default();
    if let Some(place) = value(0x6fff_fffe).and_then(|address| reader.place(address)) {
        reader.wants(place, &text, &mut elf.wants);
    }
    if let Some(place) = value(0x6fff_fffc).and_then(|address| reader.place(address)) {
        reader.defines(place, &text, &mut elf.defines);
    }
    Some(elf)
}

impl Reader<'_> {
    fn word(&self) -> u64 {
        if self.wide { 8 } else { 4 }
    }

    fn number(&self, place: u64, size: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        let bytes_of_size = bytes.get_mut(..usize::try_from(size).ok()?)?;
        self.file.read_at(bytes_of_size, place).then(|| u64::from_le_bytes(bytes))
    }

    /// Notes the loaded segments and gives the place of the dynamic one.
    fn segments(&mut self) -> Option<u64> {
        let (table, size, count) = if self.wide { (32, 54, 56) } else { (28, 42, 44) };
        let (table, size, count) =
            (self.number(table, self.word())?, self.number(size, 2)?, self.number(count, 2)?);
        let mut dynamic = None;
        for entry in 0..count {
            let at = |place: u64| table.checked_add(entry * size)?.checked_add(place);
            let (place, address, length) = if self.wide { (8, 16, 32) } else { (4, 8, 16) };
            let field = |place: u64| self.number(at(place)?, self.word());
            let (place, address, length) = (field(place)?, field(address)?, field(length)?);
            match self.number(at(0)?, 4)? {
                1 => self.loads.push((address, length, place)),
                2 => dynamic = Some(place),
                _ => {}
            }
        }
        dynamic
    }

    /// Where in the file an address of the program lies.
    fn place(&self, address: u64) -> Option<u64> {
        let load =
            self.loads.iter().find(|(begin, length, _)| address >= *begin && address - begin < *length)?;
        load.2.checked_add(address - load.0)
    }

    /// The versions that are needed; those that are needed weakly may be absent.
    fn wants(&self, begin: u64, text: &dyn Fn(u64) -> String, wants: &mut BTreeMap<String, Vec<String>>) {
        self.chain(begin, 12, |entry| {
            let versions = wants.entry(text(self.number(entry + 4, 4)?)).or_default();
            let first = entry.checked_add(self.number(entry + 8, 4)?)?;
            self.chain(first, 12, |version| {
                if self.number(version + 4, 2)? & 2 == 0 {
                    versions.push(text(self.number(version + 8, 4)?));
                }
                Some(())
            });
            Some(())
        });
    }

    /// The versions that are defined.
    fn defines(&self, begin: u64, text: &dyn Fn(u64) -> String, defines: &mut Vec<String>) {
        self.chain(begin, 16, |entry| {
            let name = entry.checked_add(self.number(entry + 12, 4)?)?;
            defines.push(text(self.number(name, 4)?));
            Some(())
        });
    }

    /// Visits entries of which each says, at `next`, how far away the following one is.
    fn chain(&self, begin: u64, next: u64, mut visit: impl FnMut(u64) -> Option<()>) {
        let mut place = begin;
        for _ in 0..MOST {
            // Far from the largest number, so that small offsets can be added.
            if place > u64::MAX / 2 || visit(place).is_none() {
                return;
            }
            match self.number(place + next, 4) {
                Some(distance) if distance > 0 => place += distance,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::super::super::tree::odd;
    use super::*;

    #[test]
    fn this_very_program_is_read() {
        let program = File::open("/proc/self/exe").unwrap();
        let elf = read(&program).unwrap();
        assert!(elf.needed.contains(&"libc.so.6".to_owned()), "{elf:?}");
        assert!(elf.wants["libc.so.6"].iter().any(|version| version.starts_with("GLIBC_2.")), "{elf:?}");
    }

    #[test]
    fn odd_files_do_no_harm() {
        let program = File::open("/proc/self/exe").unwrap();
        let mut bytes = vec![0; 4096];
        assert!(program.read_at(&mut bytes, 0));
        assert!(read(&b"\x7fELF".to_vec()).is_none() && read(&b"#!/bin/sh".to_vec()).is_none());
        for odd in odd(&bytes) {
            read(&odd);
            // The same with what follows in the file, so that more than the head is looked at.
            read(&Behind { head: &odd, file: &program });
        }
    }

    /// A file whose beginning is another one.
    struct Behind<'f> {
        head: &'f Vec<u8>,
        file: &'f File,
    }

    impl ReadAt for Behind<'_> {
        fn read_at(&self, bytes: &mut [u8], place: u64) -> bool {
            self.head.read_at(bytes, place) || self.file.read_at(bytes, place)
        }
    }
}
