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
