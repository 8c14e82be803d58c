//! The users of the machine, read from /etc/passwd and /etc/group.
//!
//! The C library's own functions load modules at run time, which a static program must not do.

use std::fs;

use rustix::process::{getegid, geteuid};

use super::failure::Failure;

/// Who a program runs as.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub uid: u32,
    pub gid: u32,
    /// All groups, for setgroups; `None` if the agent's own identity is kept as it is.
    pub groups: Option<Vec<u32>>,
    pub name: String,
    pub home: String,
}

impl Account {
    /// Finds `user`, `user:group`, `uid` or `uid:gid`; without a name the agent's own user.
    pub fn find(user: Option<&str>) -> Result<Account, Failure> {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let group = fs::read_to_string("/etc/group").unwrap_or_default();
        let (own_uid, own_gid) = (geteuid().as_raw(), getegid().as_raw());
        let Some(user) = user else {
            let account = resolve(&own_uid.to_string(), &passwd, &group)?;
            return Ok(Account { gid: own_gid, groups: None, ..account });
        };
        let account = resolve(user, &passwd, &group)?;
        if own_uid == 0 {
            Ok(account)
        } else if account.uid == own_uid {
            Ok(Account { groups: None, ..account })
        } else {
            Err(Failure::new(format!("cannot run as {user}: the agent is not root but uid {own_uid}"))
                .hint("connect to the machine as root or as that user"))
        }
    }
}

fn resolve(user: &str, passwd: &str, group: &str) -> Result<Account, Failure> {
    let (user, wanted_group) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (user, None),
    };
    let entry = lines(passwd).find(|fields| fields.len() >= 6 && (fields[0] == user || fields[2] == user));
    let mut account = match (entry, user.parse()) {
        (Some(fields), _) => {
            let number = |text: &str| {
                text.parse().map_err(|_| Failure::new(format!("/etc/passwd has no valid numbers for {user}")))
            };
            Account {
                uid: number(fields[2])?,
                gid: number(fields[3])?,
                groups: None,
                name: fields[0].to_owned(),
                home: fields[5].to_owned(),
            }
        }
        // A number needs no entry; container engines give such a user group 0, too.
        (None, Ok(uid)) => Account { uid, gid: 0, groups: None, name: user.to_owned(), home: "/".to_owned() },
        (None, Err(_)) => {
            return Err(Failure::new(format!("there is no user {user} in this machine"))
                .hint("create the user in an earlier step"));
        }
    };
    let mut groups = Vec::new();
    match wanted_group {
        Some(wanted) => account.gid = group_id(wanted, group)?,
        None => groups.extend(lines(group).filter_map(|fields| {
            let member = fields.get(3)?.split(',').any(|member| member == account.name);
            member.then(|| fields[2].parse::<u32>().ok()).flatten()
        })),
    }
    if !groups.contains(&account.gid) {
        groups.insert(0, account.gid);
    }
    account.groups = Some(groups);
    Ok(account)
}

fn group_id(wanted: &str, group: &str) -> Result<u32, Failure> {
    lines(group)
        .find(|fields| fields.len() >= 3 && fields[0] == wanted)
        .and_then(|fields| fields[2].parse().ok())
        .or_else(|| wanted.parse().ok())
        .ok_or_else(|| Failure::new(format!("there is no group {wanted} in this machine")))
}

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split(':').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:100:App:/srv/app:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:\nadm:x:4:syslog,app\nwww:x:33:www\n";

    #[test]
    fn a_name_brings_home_and_all_groups() {
        let account = resolve("app", PASSWD, GROUP).unwrap();
        assert_eq!((account.uid, account.gid, account.groups), (1000, 100, Some(vec![100, 4])));
        assert_eq!(account.home, "/srv/app");
    }

    #[test]
    fn a_group_of_ones_own_choice_stands_alone() {
        let account = resolve("app:www", PASSWD, GROUP).unwrap();
        assert_eq!((account.gid, account.groups), (33, Some(vec![33])));
        assert_eq!(resolve("1000:77", PASSWD, GROUP).unwrap().gid, 77);
    }

    #[test]
    fn a_number_needs_no_entry_but_a_name_does() {
        assert_eq!(resolve("4711", "", "").unwrap().home, "/");
        assert!(resolve("nobody", PASSWD, GROUP).is_err());
        assert!(resolve("app:nogroup", PASSWD, GROUP).is_err());
    }
}
