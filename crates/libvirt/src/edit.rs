//! The document of a VM with other parts, for its next start. Pure; what it was given by libvirt and nobody asked to change stays.

use crate::domain::{FORWARDS, Shape, netdev};
use crate::labels::{Labels, NAMESPACE};
use crate::xml::{child, children, escape, find};
use envup::model::machine::Port;
use roxmltree::{Document, Node};
use std::ops::Range;

/// A place in a document, and what stands there from now on.
type Change = (Range<usize>, String);

/// With other labels and ports; `None` when it has no place for ports.
pub fn with_ports(xml: &str, labels: &Labels, ports: &[Port]) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let beginning = format!("user,id={FORWARDS},");
    let is_netdev =
        |node: &Node<'_, '_>| node.attribute("value").is_some_and(|value| value.starts_with(&beginning));
    let argument = children(child(root, "commandline")?, "arg").find(is_netdev)?;
    let of_ours = |node: &Node<'_, '_>| node.tag_name().namespace() == Some(NAMESPACE);
    let noted = find(root, &["metadata"])?.children().find(of_ours)?;
    let attribute = argument.attributes().find(|attribute| attribute.name() == "value")?;
    let changes = vec![
        (noted.range(), labels.to_xml()),
        (attribute.range(), format!("value='{}'", escape(&netdev(ports)))),
    ];
    Some(made(xml, changes))
}

/// With the memory and the processors of this shape.
pub fn with_size(xml: &str, shape: &Shape) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let mut changes = vec![
        (child(root, "memory")?.range(), format!("<memory unit='b'>{}</memory>", shape.memory)),
        (child(root, "vcpu")?.range(), format!("<vcpu>{}</vcpu>", shape.cpus)),
    ];
    // libvirt notes how much of the memory a machine has at first: all of it, unless it is told otherwise.
    changes.extend(child(root, "currentMemory").map(|node| (node.range(), String::new())));
    Some(made(xml, changes))
}

/// From the end, so that places before a change stay.
fn made(xml: &str, mut changes: Vec<Change>) -> String {
    changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut changed = xml.to_owned();
    for (range, text) in changes {
        changed.replace_range(range, &text);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::example;
    use crate::domain::{read, rule};

    #[test]
    fn only_what_is_to_change_changes() {
        let (mut labels, shape, xml) = example();
        let read = |xml: &str| read(xml, "shop-3f9a1c-web").unwrap().1;
        let mut other = Shape { memory: 1 << 30, cpus: 3, ..shape.clone() };
        let larger =
            with_size(&xml, &other).unwrap().replace("<memory unit='b'>1073741824", "<memory>1048576");
        assert_eq!(read(&larger), other);
        assert!(!larger.contains("currentMemory"), "{larger}");

        other.ports = vec![Port { guest: 22, host: Some(2222), ..shape.ports[0].clone() }];
        let changed = with_ports(&xml, &labels, &other.ports).unwrap();
        assert_eq!(read(&changed), Shape { ports: other.ports.clone(), ..shape.clone() });
        assert_eq!(with_ports(&changed, &labels, &shape.ports).unwrap(), xml);
        labels.machine.published = Some(other.ports.iter().map(rule).collect());
        let noted = with_ports(&xml, &labels, &shape.ports).unwrap();
        assert_eq!(read(&noted).ports, other.ports, "what is noted counts");
    }
}
