//! Holds what was told against what was planted.

use super::case::{Case, Expected};
use serde_json::Value;

/// Everything that is wrong, a line each; nothing when every case was told as expected and nothing else was. `told` are the
/// differences of one machine as `env drift --json` writes them.
pub fn complaints(cases: &[&Case], told: &[Value]) -> Vec<String> {
    let shown: Vec<&Value> = told.iter().filter(|difference| difference["rule"].is_null()).collect();
    let mut complaints = Vec::new();
    for case in cases {
        for expected in case.expect {
            let found: Vec<&&Value> = shown.iter().filter(|one| is_about(one, expected)).collect();
            let complaint = match found.as_slice() {
                [] => format!("not told: {expected:?}"),
                [one] if one["severity"] == expected.severity.as_str() => continue,
                [one] => format!("is {}, not {}: {one}", one["severity"], expected.severity.as_str()),
                several => format!("told {} times: {expected:?}", several.len()),
            };
            complaints.push(format!("{}: {complaint}", case.name));
        }
    }
    let planted: Vec<&Expected> = cases.iter().flat_map(|case| case.expect).collect();
    let foreign = shown.iter().filter(|one| !planted.iter().any(|expected| is_about(one, expected)));
    complaints.extend(foreign.map(|one| format!("nobody planted {one}")));
    complaints
}

fn is_about(told: &Value, expected: &Expected) -> bool {
    told["section"] == expected.section
        && told["key"] == expected.key
        && told["kind"] == expected.kind.as_str()
}

#[test]
fn what_is_not_told_or_told_twice_or_foreign_or_not_as_bad_is_complained_about() {
    use super::case::{extra, missing};
    use envup::model::drift::Severity::{Breaking, Notable};
    const CASE: Case = Case {
        name: "a user goes",
        before: "",
        change: "",
        expect: &[missing("users", "a", Breaking), extra("users", "b", Notable)],
    };
    let one = |key: &str, kind: &str, severity: &str| serde_json::json!({ "section": "users", "key": key, "kind": kind, "severity": severity, "rule": null });
    let (a, b) = (one("a", "missing", "breaking"), one("b", "extra", "notable"));
    let complaints = |told: &[Value]| complaints(&[&CASE], told);
    assert_eq!(complaints(&[a.clone(), b.clone()]), Vec::<String>::new());
    let mut hidden = one("c", "extra", "notable");
    hidden["rule"] = "logs".into();
    assert_eq!(complaints(&[a.clone(), b.clone(), hidden]), Vec::<String>::new());
    for told in [
        vec![a.clone()],
        vec![a.clone(), b.clone(), b.clone()],
        vec![a.clone(), b.clone(), one("c", "extra", "notable")],
        vec![a, one("b", "extra", "cosmetic")],
    ] {
        assert_eq!(complaints(&told).len(), 1, "{told:?}");
    }
}
