//! The layers that are kept.

use super::{Table, bytes};
use crate::model::digest::short;
use crate::model::duration::age;
use crate::model::layer::KeptLayer;
use crate::ui::paint::Paint;

/// How much of the names of steps is shown.
const LONGEST: usize = 60;

/// The layers for people.
pub fn layers(layers: &[KeptLayer], now: u64, paint: Paint) -> String {
    if layers.is_empty() {
        return "no layers are kept\n".to_owned();
    }
    let mut table = Table::headed(&["layer", "from", "size", "made", "used", "steps"], paint);
    let ago = |time: u64| format!("{} ago", age(now.saturating_sub(time)));
    for layer in layers {
        table
            .row()
            .plain(short(&layer.key))
            .plain(layer.base.as_deref().unwrap_or("(made elsewhere)"))
            .plain(bytes(layer.size))
            .plain(ago(layer.created))
            .plain(layer.used.map_or_else(String::new, ago))
            .plain(steps(&layer.steps));
    }
    table.render()
}

/// The last steps are what tells layers apart.
fn steps(names: &[String]) -> String {
    let all = names.join(", ");
    let length = all.chars().count();
    if length <= LONGEST {
        return all;
    }
    let rest: String = all.chars().skip(length - LONGEST + 1).collect();
    format!("…{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_a_row() {
        let ours = KeptLayer {
            key: "4be1c0ffee12aaaa".into(),
            provider: "docker",
            created: 1000,
            used: Some(4000),
            size: 230 << 20,
            base: Some("debian/12".into()),
            steps: vec![
                "ops/base.sh".into(),
                "a step with a name that is much longer than anybody would read".into(),
            ],
        };
        let foreign = KeptLayer { used: None, base: None, steps: Vec::new(), ..ours.clone() };
        insta::assert_snapshot!(layers(&[ours, foreign], 4060, Paint::OFF), @r"
        layer         from              size       made            used            steps
        4be1c0ffee12  debian/12         230.0 MiB  51 minutes ago  60 seconds ago  …tep with a name that is much longer than anybody would read
        4be1c0ffee12  (made elsewhere)  230.0 MiB  51 minutes ago
        ");
        assert_eq!(layers(&[], 0, Paint::OFF), "no layers are kept\n");
    }
}
