//! Changes that cannot stand beside others: each says much about the whole machine.

use super::case::{Case, extra};
use envup::model::drift::Severity::Breaking;

pub const CASES: &[Case] = &[Case {
    name: "the time zone is only named, not linked",
    before: "",
    change: "echo Asia/Tokyo >/etc/timezone",
    expect: &[extra("locale", "timezone of /etc/timezone", Breaking)],
}];
