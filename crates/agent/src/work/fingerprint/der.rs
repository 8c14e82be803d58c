//! As much of DER as it takes to read who a certificate is for (RFC 5280). Nothing is verified.

/// One value: its tag, its content, and what follows it.
struct Value<'b> {
    tag: u8,
    content: &'b [u8],
    rest: &'b [u8],
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const BMP_STRING: u8 = 0x1e;

/// The parts of a name that people know it by, with their object identifiers below 2.5.4.
const PARTS: &[(u8, &str)] = &[(3, "CN"), (10, "O"), (11, "OU")];

/// The subject of a certificate: `CN=…, O=…`. `None` if this is no certificate.
pub fn subject(der: &[u8]) -> Option<String> {
    let certificate = value(der).filter(|value| value.tag == SEQUENCE)?;
    let mut fields = value(certificate.content).filter(|value| value.tag == SEQUENCE)?.content;
    if value(fields)?.tag == VERSION {
        fields = value(fields)?.rest;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        fields = value(fields)?.rest;
    }
    let mut names = value(fields).filter(|value| value.tag == SEQUENCE)?.content;
    let mut told: Vec<(&str, String)> = Vec::new();
    while let Some(set) = value(names) {
        let mut pairs = set.content;
        while let Some(pair) = value(pairs) {
            told.extend(part(pair.content));
            pairs = pair.rest;
        }
        names = set.rest;
    }
    let order = |name: &str| PARTS.iter().position(|(_, other)| *other == name);
    told.sort_by_key(|(name, _)| order(name));
    Some(told.iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(", "))
}

/// One attribute of a name, if it is one that is told.
fn part(pair: &[u8]) -> Option<(&'static str, String)> {
    let identifier = value(pair)?;
    let [0x55, 0x04, number] = identifier.content else { return None };
    let (_, name) = PARTS.iter().find(|(other, _)| other == number)?;
    let text = value(identifier.rest)?;
    let text = match text.tag {
        BMP_STRING => {
            let units: Vec<u16> =
                text.content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(text.content).into_owned(),
    };
    Some((name, text))
}

/// The value that begins here.
fn value(bytes: &[u8]) -> Option<Value<'_>> {
    let [tag, length, rest @ ..] = bytes else { return None };
    let (length, rest) = match *length {
        short if short < 0x80 => (usize::from(short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            let digits = rest.get(..count).filter(|_| (1..=4).contains(&count))?;
            let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest.get(count..)?)
        }
    };
    Some(Value { tag: *tag, content: rest.get(..length)?, rest: rest.get(length..)? })
}

#[cfg(test)]
pub mod tests {
    use super::super::tree::odd;
    use super::*;

    fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u8::try_from(content.len()).unwrap();
        let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
        [head, content].concat()
    }

    /// As much of a certificate as it takes.
    pub fn certificate(common_name: &str, organization: &str) -> Vec<u8> {
        let pair = |number, text: &str| {
            let oid = wrap(6, &[&[0x55, 4, number]]);
            wrap(0x31, &[&wrap(SEQUENCE, &[&oid, &wrap(0x0c, &[text.as_bytes()])])])
        };
        let subject = wrap(SEQUENCE, &[&pair(6, "DE"), &pair(10, organization), &pair(3, common_name)]);
        let empty = wrap(SEQUENCE, &[]);
        let fields: [&[u8]; 6] = [&[VERSION, 3, 2, 1, 2], &[2, 1, 7], &empty, &empty, &empty, &subject];
        wrap(SEQUENCE, &[&wrap(SEQUENCE, &fields), &empty])
    }

    #[test]
    fn the_subject_is_told_by_name_and_organization() {
        assert_eq!(subject(&certificate("Root", "Example")).as_deref(), Some("CN=Root, O=Example"));
        assert_eq!(subject(b"no certificate"), None);
    }

    #[test]
    fn odd_bytes_do_no_harm() {
        odd(&certificate("Root", "Example")).for_each(|bytes| drop(subject(&bytes)));
    }
}
