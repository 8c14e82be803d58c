//! `chef` steps: a run list converged inside the machine, without a server.

use super::{Named, ToolReader};
use crate::envfile::data;
use crate::envfile::keys::{Keys, key_table};
use crate::envfile::paths::{Want, in_machine, on_host};
use crate::envfile::table::Table;
use crate::model::step::{Chef, Tool};

pub(in crate::envfile) static TOOL: ToolReader = ToolReader { name: "chef", keys: KEYS, read };

static KEYS: Keys = key_table! { "machine.NAME.provision (chef)"
    "chef" "path" r#""ops/chef""# "" "a repository with cookbooks, roles, environments, data_bags; all of it is an input";
    "run_list" "list of strings" r#"["role[web]", "recipe[shop::app]"]"# "" "roles and recipes in order; needed";
    "cookbooks" "list of paths" r#"["ops/cookbooks"]"# "" "directories of cookbooks, after the repository's cookbooks and site-cookbooks";
    "roles" "path" r#""ops/roles""# "the repository's roles" "directory of roles";
    "data_bags" "path" r#""ops/data_bags""# "the repository's data_bags" "directory of data bags";
    "data_bag_secret" "path" r#""/run/secrets/data_bags""# "" "the file in the machine that opens encrypted data bags";
    "environment" "string" r#""production""# "" "Chef's own environment, out of the repository's environments";
    "node" "table" r#"{ shop = { env = "${environment}" } }"# "" "attributes of the node; they travel as a file that only root may read";
    "node_name" "string" r#""web1.example.org""# "the machine's" "the node's name";
    "options" "list of strings" r#"["--chef-license", "accept-silent"]"# "" "further arguments of chef-solo";
    "install" "boolean" "false" "true for a box" "whether Chef is installed where it is missing and the system has a package of it";
};

fn read(table: &Table) -> Option<Named> {
    let directory = |key: &str| table.get(key).and_then(|value| on_host(&value, Want::Directory));
    let source = directory("chef");
    let written = table.string("chef");
    let run_list: Vec<String> = table.strings("run_list");
    match table.get("run_list") {
        None => table.refuse(
            format!("{} needs `run_list`", table.place),
            "what to converge, such as `run_list = [\"role[web]\"]`",
        ),
        Some(value) if run_list.is_empty() && value.is_list() => {
            value.refuse("the run list is empty");
        }
        Some(value) => {
            for (item, text) in
                value.items().iter().zip(&run_list).filter(|(_, text)| !is_run_list_item(text))
            {
                item.refuse(format!("`{text}` is neither a recipe nor a role, such as `recipe[shop::app]`"));
            }
        }
    }
    let cookbooks = table.get("cookbooks").map(|value| value.items()).unwrap_or_default();
    let cookbooks = cookbooks.iter().filter_map(|item| on_host(item, Want::Directory)).collect();
    let (roles, data_bags) = (directory("roles"), directory("data_bags"));
    let data_bag_secret = table.get("data_bag_secret").and_then(|value| value.parse(in_machine));
    let environment = table.string("environment");
    let node = data::of_key(table, "node");
    let node_name = table.string("node_name").filter(|name| !name.is_empty());
    let options = table.strings("options");
    let install = table.get("install").and_then(|value| value.boolean());
    let tool = Chef {
        source: source?,
        run_list,
        cookbooks,
        roles,
        data_bags,
        data_bag_secret,
        environment,
        node,
        node_name,
        options,
        install,
    };
    Some((Tool::Chef(tool), written?))
}

/// `role[NAME]`, `recipe[COOKBOOK]`, `recipe[COOKBOOK::RECIPE@1.0]`, or a recipe without the word.
fn is_run_list_item(text: &str) -> bool {
    let bracketed = |word: &str| text.strip_prefix(word)?.strip_prefix('[')?.strip_suffix(']');
    let name = bracketed("role").or_else(|| bracketed("recipe")).unwrap_or(text);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::is_run_list_item;

    #[test]
    fn run_lists_name_recipes_and_roles() {
        for text in ["role[web]", "recipe[shop]", "recipe[shop::app@1.2.0]", "shop::app", "shop"] {
            assert!(is_run_list_item(text), "{text}");
        }
        for text in ["", "role[]", "roles[web]", "recipe[a b]", "role[web"] {
            assert!(!is_run_list_item(text), "{text}");
        }
    }
}
