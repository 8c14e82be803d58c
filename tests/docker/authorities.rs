//! The certificate authorities that an administrator added to this host, in machines and builds. On a host without any,
//! nothing of it is there.

use super::stack::Stack;
use envup::transport::authorities::AUTHORITIES;

const STACK: &str = r#"
[machine.web]
image = "IMAGE"
env = { GIT_SSL_CAINFO = "/mine" }

[machine.built]
build = "app"
"#;

const DOCKERFILE: &str = r#"FROM IMAGE
ARG ENVUP_CA_CERTIFICATES=none
RUN echo "$ENVUP_CA_CERTIFICATES" > /certificates
ENV CURL_CA_BUNDLE=/of-image
"#;

#[test]
fn what_this_host_trusts_reaches_image_machines_and_builds_that_ask() {
    let stack = Stack::new(STACK);
    stack.project.write("app/Dockerfile", &DOCKERFILE.replace("IMAGE", super::engine::image()));
    stack.up();
    assert_eq!(stack.inside("web", "echo $GIT_SSL_CAINFO"), "/mine", "the Envfile comes first");
    assert_eq!(stack.inside("built", "echo $CURL_CA_BUNDLE"), "/of-image", "and so does the image");
    let set = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
    let Some(authorities) = &*AUTHORITIES else {
        for name in set {
            assert_eq!(stack.inside("web", &format!("echo ${name}")), "", "{name}");
        }
        assert_eq!(stack.inside("built", "cat /certificates"), "none");
        return;
    };
    for (name, text) in set.into_iter().zip([&authorities.all, &authorities.all, &authorities.added]) {
        for machine in ["web", "built"] {
            let shown = stack.inside(machine, &format!("cat ${name}"));
            assert!(shown.trim() == text.trim(), "{name} of {machine} is another file");
        }
    }
    let built = stack.inside("built", "cat /certificates");
    assert!(built.trim() == authorities.added.trim(), "{built}");
}

/// What of a machine's trust can be seen: links with their targets, and the bundle.
const SEEN: &str = "cd /etc/ssl/certs && ls -l --time-style=+ | tail -n +2 && sha256sum ca-certificates.crt";

#[test]
fn a_box_trusts_quickly_what_the_distributions_own_tool_would_make_of_it() {
    let stack = Stack::new("[machine.web]\nbox = \"debian/12\"\n");
    stack.up();
    stack.project.write("trust.sh", include_str!("../../src/engine/certificates.sh"));
    stack.env("copy trust.sh web:/root/trust.sh").succeeds();
    // Whatever this host handed on goes; one of the new ones has no newline at its end.
    stack.inside(
        "web",
        "set -e; cd /usr/local/share/ca-certificates; rm -f *; update-ca-certificates --fresh >/dev/null 2>&1
        for name in one two; do openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null -days 9 \
        -subj /CN=$name -out host-$name.crt 2>/dev/null; done
        printf %s \"$(cat host-one.crt)\" >host-one.crt",
    );
    let before = stack.inside("web", SEEN);
    let trust = "sh /root/trust.sh host-one host-two 2>&1";
    assert_eq!(stack.inside("web", trust), "", "it was left to the slow way");
    let quickly = stack.inside("web", SEEN);
    assert!(quickly.lines().count() == before.lines().count() + 4, "{quickly}");
    let slowly =
        |with: &str| stack.inside("web", &format!("update-ca-certificates {with} >/dev/null 2>&1; {SEEN}"));
    assert_eq!(slowly("--fresh"), quickly);
    // A run that was killed in between, and a certificate beside them, are for that tool.
    stack.inside(
        "web",
        "rm /etc/ssl/certs/ca-certificates.crt; cp /usr/local/share/ca-certificates/host-two.crt /root",
    );
    assert!(stack.inside("web", trust).contains("done."));
    assert_eq!(stack.inside("web", SEEN), quickly);
}
