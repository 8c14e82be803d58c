//! What Puppet's JSON log says of a run that failed: each error once, with the resource and where it is declared.

use serde::Deserialize;

/// A line of the log, as far as it matters.
#[derive(Deserialize)]
struct Entry {
    message: String,
    /// The resource, as `/Stage[main]/Profile::Web/File[/etc/x]/ensure`; `Puppet` for errors of its own.
    #[serde(default)]
    source: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<u32>,
}

/// The errors of some lines of a JSON log, for people. Empty when there is none that can be read.
pub fn errors(log: &str) -> String {
    let parsed = log.lines().map(|line| line.trim_end_matches(','));
    let entries: Vec<Entry> = parsed.filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_resource = |entry: &&Entry| entry.source.starts_with('/');
    let told_by_resource = |entry: &Entry| {
        let first = entry.message.lines().next().unwrap_or_default();
        entries.iter().filter(of_resource).any(|other| other.message.contains(first))
    };
    let mut texts: Vec<String> = Vec::new();
    for entry in &entries {
        // Puppet says most errors twice: once by itself, and once as the resource's.
        if entry.source.starts_with('/') || !told_by_resource(entry) {
            let text = text(entry);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    texts.join("\n")
}

/// `FILE:LINE: Resource: message`.
fn text(entry: &Entry) -> String {
    let message = entry.message.trim_end();
    let place = place(entry).unwrap_or_default();
    let resource = Some(resource(&entry.source)).filter(|_| entry.source.starts_with('/'));
    let begin: String = [Some(place), resource].into_iter().flatten().map(|part| part + ": ").collect();
    begin.trim_start_matches(": ").to_owned() + message
}

/// Where the error is, as editors open it: beside the message, or the first place in it.
fn place(entry: &Entry) -> Option<String> {
    if let Some(file) = &entry.file {
        return Some(format!("{file}{}", entry.line.map(|line| format!(":{line}")).unwrap_or_default()));
    }
    let (_, place) = entry.message.split_once("(file: ")?;
    let (file, rest) = place.split_once(", line: ")?;
    let line: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("{file}:{line}"))
}

/// `Class[Profile::Web] File[/etc/x]` of the path of a resource: without the stage and what of the resource was looked at.
fn resource(source: &str) -> String {
    // A title may have slashes itself, so the parts end where a bracket does.
    let end = source.rfind(']').map_or(source.len(), |end| end + 1);
    let source = source[..end].trim_start_matches('/');
    source.strip_prefix("Stage[main]/").unwrap_or(source).to_owned()
}

#[cfg(test)]
mod tests {
    use super::errors;

    #[test]
    fn an_error_is_told_once_with_its_place() {
        let log = r#"{"level":"err","message":"Could not set 'file' on ensure: No such file (file: /r/init.pp, line: 3)","source":"Puppet","tags":["err"]}
,
{"level":"err","message":"Could not set 'file' on ensure: No such file (file: /r/init.pp, line: 3)\nWrapped exception:\nNo such file","source":"Puppet","tags":["err"]}
,
{"level":"err","message":"change from 'absent' to 'file' failed: Could not set 'file' on ensure: No such file (file: /r/init.pp, line: 3)","source":"/Stage[main]/A/File[/root/y]/ensure","file":"/r/init.pp","line":3}
"#;
        assert_eq!(
            errors(log),
            "/r/init.pp:3: A/File[/root/y]: change from 'absent' to 'file' failed: Could not set 'file' on \
             ensure: No such file (file: /r/init.pp, line: 3)"
        );
    }

    #[test]
    fn what_does_not_compile_has_its_place_in_the_message_or_beside_it() {
        let log = r#"{"level":"err","message":"no parameter named 'x' (file: /r/init.pp, line: 1) on node a","source":"Puppet"}"#;
        assert_eq!(errors(log), "/r/init.pp:1: no parameter named 'x' (file: /r/init.pp, line: 1) on node a");
        let log = r#"{"level":"err","message":"Syntax error at end of input","source":"Puppet","file":"/r/init.pp"}"#;
        assert_eq!(errors(log), "/r/init.pp: Syntax error at end of input");
        assert_eq!(errors("not json"), "");
    }
}
