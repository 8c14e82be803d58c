//! Signatures of captures, by OpenSSH's own tool: `ssh-keygen -Y` (ssh-keygen(1)), with the keys people have anyway.

use crate::model::error::Attempt;
use crate::model::{Error, Kind, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What signatures are for: one made for something else is refused.
const NAMESPACE: &str = "envup-capture";

/// Who may sign, beside a name that ssh-keygen wants for it.
const ANYBODY: &str = "*";

/// Signs a file; the signature lies beside it. The key may be a private one, or a public one whose private part an agent holds.
pub fn sign(file: &Path, key: &Path) -> Result<PathBuf> {
    let signature = signature_of(file);
    // ssh-keygen asks before it overwrites.
    let _ = fs::remove_file(&signature);
    let mut command = tool();
    command.args(["-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key).arg(file);
    let output = run(command, None)?;
    match output.status.success() {
        true => Ok(signature),
        false => Err(Error::failed(format!("cannot sign {} with {}", file.display(), key.display()))
            .detail(said(&output))
            .hint("the key is one of `ssh-keygen -t ed25519`, or a public key that your agent holds")),
    }
}

/// Checks the signature beside a file: `None` when there is none, else who made it. With `signers`, a file of allowed signers
/// (ssh-keygen(1)), it must be there and be one of theirs.
pub fn verify(file: &Path, signers: Option<&Path>) -> Result<Option<String>> {
    let signature = signature_of(file);
    let refused = |why: &str| {
        Error::new(Kind::Incomplete, format!("the signature of {} {why}", file.display()))
            .hint("do not trust this capture; capture again with `env capture --sign KEY`")
    };
    if !signature.is_file() {
        return match signers {
            Some(_) => Err(refused("is missing")),
            None => Ok(None),
        };
    }
    let mut command = tool();
    match signers {
        Some(signers) => {
            command.args(["-Y", "verify", "-n", NAMESPACE, "-I", ANYBODY, "-f"]).arg(signers);
        }
        None => {
            command.args(["-Y", "check-novalidate", "-n", NAMESPACE]);
        }
    }
    command.arg("-s").arg(&signature);
    let output = run(command, Some(file))?;
    if !output.status.success() {
        return Err(refused("is not good").detail(said(&output)));
    }
    Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

fn signature_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

fn tool() -> Command {
    let mut command = Command::new("ssh-keygen");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(mut command: Command, input: Option<&Path>) -> Result<Output> {
    let stdin = match input {
        Some(path) => fs::File::open(path).attempt(|| format!("cannot read {}", path.display()))?.into(),
        None => Stdio::null(),
    };
    command.stdin(stdin).output().map_err(|error| {
        Error::failed("cannot run ssh-keygen").because(error).hint("install it: `apt install openssh-client`")
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(directory: &Path, name: &str) -> PathBuf {
        let path = directory.join(name);
        let status = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success());
        path
    }

    #[test]
    fn a_signature_is_good_for_what_was_signed_and_by_whom() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("capture.json");
        fs::write(&file, "content").unwrap();
        assert_eq!(verify(&file, None).unwrap(), None);
        let (ours, other) = (key(place.path(), "ours"), key(place.path(), "other"));
        let signers = |name: &str, key: &Path| {
            let path = place.path().join(name);
            let public = fs::read_to_string(key.with_extension("pub")).unwrap();
            fs::write(&path, format!("{ANYBODY} {public}")).unwrap();
            path
        };
        let (our_signers, others) = (signers("a", &ours), signers("b", &other));
        assert!(verify(&file, Some(&our_signers)).unwrap_err().message.ends_with("is missing"));
        sign(&file, &ours).unwrap();
        sign(&file, &ours).unwrap();
        assert!(verify(&file, None).unwrap().unwrap().contains("SHA256:"));
        assert!(verify(&file, Some(&our_signers)).unwrap().is_some());
        assert_eq!(verify(&file, Some(&others)).unwrap_err().kind, Kind::Incomplete);
        fs::write(&file, "other content").unwrap();
        assert_eq!(verify(&file, None).unwrap_err().kind, Kind::Incomplete);
    }
}
