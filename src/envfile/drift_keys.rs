//! The keys of `[drift]`. Data only, like `keys`.

use super::keys::{Keys, key_table};

pub(super) static DRIFT: Keys = key_table! { "drift"
    "fail_on" "string" r#""breaking""# "notable" "the mildest difference that makes `env drift` exit with 2: cosmetic, notable, breaking";
    "level" "string" r#""full""# "fast" "how much is compared: facts, fast, full";
    "environment" "list of strings" r#"["APP_*"]"# "" "environment variables whose values may be told; of others only that they differ";
    "ignore" "list of tables" "[[drift.ignore]]" "" "differences that are none, each with a reason";
};

pub(super) static IGNORE: Keys = key_table! { "drift.ignore"
    "path" "string" r#""/var/lib/shop/**""# "" "pattern of paths; short for section `files` and this key";
    "section" "string" r#""packages""# "any" "a section of the fingerprint";
    "key" "string" r#""dpkg:linux-image-*""# "any" "pattern of keys in it";
    "field" "string" r#""mode""# "any" "one field of the item";
    "reason" "string" r#""user data""# "" "why it is no drift; always needed";
    "until" "date" r#""2027-01-31""# "for good" "the last day on which the rule holds";
};
