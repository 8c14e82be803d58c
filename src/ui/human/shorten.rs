//! Texts made shorter so that they still tell what they are, and from each other.

const ELLIPSIS: char = '…';

/// How much of what texts have in common stays before the place where they part.
const CONTEXT: usize = 8;

/// At most `room` characters, the last one `…` when some had to go.
pub fn truncate(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    match room {
        0 => String::new(),
        _ => text.chars().take(room - 1).chain([ELLIPSIS]).collect(),
    }
}

/// At most `room` characters, with `…` for what had to go in the middle: paths and versions say most at their ends.
pub fn cut_middle(text: &str, room: usize) -> String {
    let length = text.chars().count();
    if length <= room || room == 0 {
        return truncate(text, room);
    }
    let head = (room - 1) / 2;
    let tail = room - 1 - head;
    text.chars().take(head).chain([ELLIPSIS]).chain(text.chars().skip(length - tail)).collect()
}

/// Each of the texts with at most `room` characters; when they would look alike then, from shortly before the place where
/// they part.
pub fn apart(texts: &mut [String], room: usize) {
    let is_long = |text: &&String| text.chars().count() > room;
    let long: Vec<&String> = texts.iter().filter(is_long).collect();
    let start = |text: &str| text.chars().take(room.saturating_sub(1)).collect::<String>();
    let look_alike = long
        .iter()
        .enumerate()
        .any(|(place, text)| long[..place].iter().any(|other| other != text && start(other) == start(text)));
    if look_alike {
        let skipped = common(&long).saturating_sub(CONTEXT);
        for text in texts.iter_mut().filter(|text| is_long(&&**text)) {
            *text = [ELLIPSIS].into_iter().chain(text.chars().skip(skipped)).collect();
        }
    }
    for text in texts {
        *text = truncate(text, room);
    }
}

/// How many characters all texts begin with.
fn common(texts: &[&String]) -> usize {
    let Some((first, others)) = texts.split_first() else { return 0 };
    let same = |other: &&String| first.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    others.iter().map(same).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(truncate("provision", 9), "provision");
        assert_eq!(truncate("provision", 5), "prov…");
        assert_eq!(truncate("provision", 0), "");
    }

    #[test]
    fn a_path_keeps_both_its_ends() {
        assert_eq!(cut_middle("/srv/näher/am/ende.conf", 23), "/srv/näher/am/ende.conf");
        assert_eq!(cut_middle("/srv/näher/am/ende.conf", 13), "/srv/n…e.conf");
        assert_eq!([0, 1, 2].map(|room| cut_middle("path", room)), ["", "…", "…h"]);
    }

    #[test]
    fn long_texts_are_told_from_each_other() {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/bin";
        let shown = |texts: &[&str], room| {
            let mut texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            apart(&mut texts, room);
            texts.join(" | ")
        };
        assert_eq!(shown(&["-", "a:b:c:d"], 5), "- | a:b:…");
        assert_eq!(
            shown(&[path, &format!("{path}:/opt/bin"), "-"], 24),
            "…/usr/bin | …/usr/bin:/opt/bin | -"
        );
        assert_eq!(shown(&["one/way", "another"], 5), "one/… | anot…");
        assert_eq!(shown(&[path, path], 5), "/usr… | /usr…");
    }
}
