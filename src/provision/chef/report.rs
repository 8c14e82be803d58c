//! What Chef's output says of a run that failed: the resource or recipe, where it is written, and why.

/// The failure out of all that Chef wrote; nothing when none is found.
pub fn errors(output: &str) -> Option<String> {
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    let is_rule = |line: &str| line.len() > 20 && line.chars().all(|c| c == '=');
    // A headline stands between two rules.
    let headline = lines.windows(3).position(|three| {
        is_rule(three[0]) && is_rule(three[2]) && three[1].to_lowercase().contains("error")
    });
    let Some(headline) = headline else {
        let fatal = lines.iter().filter(|line| line.contains("FATAL:") || line.contains("ERROR:"));
        let told: Vec<&str> = fatal.copied().collect();
        return Some(told.join("\n")).filter(|told| !told.is_empty());
    };
    let (title, below) = (lines[headline + 1], &lines[headline + 3..]);
    let message = below.iter().skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    let message: Vec<&str> = message.copied().filter(|line| !line.chars().all(|c| c == '-')).collect();
    let place = below.iter().find_map(|line| place(line)).map(|place| place + ": ").unwrap_or_default();
    Some(format!("{place}{title}\n{}", message.join("\n")))
}

/// `FILE:LINE` of `# Declared in FILE:LINE:in ...`, or of a line of a trace.
fn place(line: &str) -> Option<String> {
    let text = line.strip_prefix("# Declared in ").unwrap_or(line);
    let (path, rest) = text.split_once(".rb:")?;
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (path.starts_with('/') && !number.is_empty()).then(|| format!("{path}.rb:{number}"))
}

#[cfg(test)]
mod tests {
    use super::errors;

    #[test]
    fn a_resource_that_failed_is_told_with_its_place() {
        let output = "  * apt_package[nosuch] action install

    ================================================================================
    Error executing action `install` on resource 'apt_package[nosuch]'
    ================================================================================

    Chef::Exceptions::Package
    -------------------------
    No candidate version available for nosuch

    Resource Declaration:
    ---------------------
    # In /home/me/ops/chef/cookbooks/shop/recipes/default.rb

      1: package 'nosuch'

    Compiled Resource:
    ------------------
    # Declared in /home/me/ops/chef/cookbooks/shop/recipes/default.rb:1:in `from_file'

Chef Infra Client failed. 0 resources updated in 03 seconds
";
        assert_eq!(
            errors(output).unwrap(),
            "/home/me/ops/chef/cookbooks/shop/recipes/default.rb:1: Error executing action `install` on \
             resource 'apt_package[nosuch]'\nChef::Exceptions::Package\nNo candidate version available for nosuch"
        );
    }

    #[test]
    fn without_a_headline_what_is_fatal_is_told() {
        let output = "[2026-11-29] FATAL: Cannot load configuration\nmore\n";
        assert_eq!(errors(output).unwrap(), "[2026-11-29] FATAL: Cannot load configuration");
        assert_eq!(errors("all well"), None);
    }
}
