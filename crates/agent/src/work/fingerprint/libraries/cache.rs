//! /etc/ld.so.cache of glibc: which file each library's name stands for.

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
/// The head: the magic, two numbers, flags, an offset, three unused numbers.
const HEAD: usize = 48;
/// Flags, name, path, version of the system, processors.
const ENTRY: usize = 24;

/// Names and paths in the order of the loader's preference; empty if this is no such file.
pub fn entries(bytes: &[u8]) -> Vec<(String, String)> {
    // Older versions put the new format behind the old one.
    let Some(begin) = bytes.windows(MAGIC.len()).position(|window| window == MAGIC) else { return vec![] };
    let bytes = &bytes[begin..];
    let number = |place: usize| {
        let bytes = bytes.get(place..place + 4)?;
        usize::try_from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).ok()
    };
    let text = |place: usize| {
        let bytes = bytes.get(place..)?;
        let end = bytes.iter().take(4096).position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    };
    let entry = |count: usize| {
        let place = HEAD + count * ENTRY;
        Some((text(number(place + 4)?)?, text(number(place + 8)?)?))
    };
    let most = bytes.len() / ENTRY;
    let count = number(MAGIC.len()).unwrap_or_default().min(most);
    (0..count).filter_map(entry).filter(|(_, path)| path.starts_with('/')).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::tree::odd;
    use super::*;

    fn cache() -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(1_u32.to_le_bytes());
        bytes.resize(HEAD, 0);
        for number in [0x303_u32, 72, 82, 0, 0, 0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(b"libz.so.1\0/lib/libz.so.1\0");
        bytes
    }

    #[test]
    fn names_and_paths_are_found_behind_the_old_format_too() {
        let told = [("libz.so.1".to_owned(), "/lib/libz.so.1".to_owned())];
        assert_eq!(entries(&cache()), told);
        assert_eq!(entries(&[b"ld.so-1.7.0\0".to_vec(), cache()].concat()), told);
        assert_eq!(entries(b"nothing"), []);
    }

    #[test]
    fn odd_caches_do_no_harm() {
        odd(&cache()).for_each(|bytes| drop(entries(&bytes)));
    }
}
