//! Changes of files that no package owns, and of what decides about installations and logins.

use super::case::Case;

pub const CASES: &[Case] = &[
    Case {
        name: "a file is touched",
        before: "file /opt/corpus/touched text",
        change: "touch /opt/corpus/touched",
        expect: &[],
    },
    Case {
        name: "a file is written again as it was",
        before: "file /opt/corpus/again text",
        change: "rm /opt/corpus/again; file /opt/corpus/again text",
        expect: &[],
    },
];
