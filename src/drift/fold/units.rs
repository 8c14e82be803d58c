//! Files that another section explains, and what belongs to a unit of systemd.

use super::super::difference::{Difference, DifferenceKind};
use super::authorities::is_bundle;
use super::{Scene, Seen};
use envup_agent::Section;

/// A file that came or went whose content another section tells: counted to what that section says of it.
pub fn explained<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let file = seen.difference;
    if file.kind == DifferenceKind::Changed || is_bundle(file) {
        return None;
    }
    let section = Section::named(seen.field("explained")?)?;
    match section {
        Section::Services => unit_names(&file.key).find_map(|unit| scene.find(section, &unit)),
        Section::Schedules => {
            let entry = |path: &str| {
                let of_file = |key: &str| key.strip_prefix(path).is_some_and(|rest| rest.starts_with(": "));
                scene.all(section).find(|one| one.key == path || of_file(&one.key))
            };
            entry(&file.key).or_else(|| unit_names(&file.key).find_map(|unit| scene.find(section, &unit)))
        }
        _ => {
            let same = scene.all(section).find(|one| one.kind == file.kind);
            same.or_else(|| scene.all(section).next())
        }
    }
}

/// The units that a path below systemd's or the runlevels' directories may be about.
fn unit_names(path: &str) -> impl Iterator<Item = String> {
    let mut names = path.rsplit('/');
    let (name, parent) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let script = name.get(3..).unwrap_or_default();
    let drop_in = |name: &str| name.strip_suffix(".d").unwrap_or_default().to_owned();
    let linked = name.strip_suffix(".dsh-also").unwrap_or_default();
    [
        name.to_owned(),
        drop_in(name),
        drop_in(parent),
        script.to_owned(),
        format!("{script}.service"),
        linked.to_owned(),
    ]
    .into_iter()
    .filter(|name| !name.is_empty())
}

/// The service that came or went with its timer.
pub fn service_of_timer<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let service = seen.difference;
    let name = service.key.strip_suffix(".service").filter(|_| service.is_in(Section::Services))?;
    let timer = scene.find(Section::Schedules, &format!("{name}.timer"))?;
    (service.kind != DifferenceKind::Changed && timer.kind == service.kind).then_some(timer)
}

/// The port that is open while its service runs.
pub fn port_of_unit<'a>(scene: &Scene<'a>, seen: Seen<'a>) -> Option<&'a Difference> {
    let port = seen.difference;
    if !port.is_in(Section::Ports) || port.kind == DifferenceKind::Changed {
        return None;
    }
    let unit = scene.find(Section::Services, seen.field("unit")?)?;
    let is_cause = match unit.kind {
        DifferenceKind::Changed => unit.fields().contains(&"active"),
        kind => kind == port.kind,
    };
    is_cause.then_some(unit)
}
