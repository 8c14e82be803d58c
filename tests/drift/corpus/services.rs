//! Changes of services and of what runs by the clock.

use super::case::{Case, changed, extra, missing};
use envup::model::drift::Severity::{Breaking, Notable};

pub const CASES: &[Case] = &[
    Case {
        name: "a service is disabled",
        before: "service corpus-disabled; systemctl --quiet enable corpus-disabled",
        change: "systemctl --quiet disable corpus-disabled",
        expect: &[changed("services", "corpus-disabled.service", Notable)],
    },
    Case {
        name: "a service is enabled",
        before: "service corpus-enabled",
        change: "systemctl --quiet enable corpus-enabled",
        expect: &[changed("services", "corpus-enabled.service", Notable)],
    },
    Case {
        name: "a service is masked",
        before: "service corpus-masked",
        change: "systemctl --quiet mask corpus-masked",
        expect: &[changed("services", "corpus-masked.service", Breaking)],
    },
    Case {
        name: "a service is stopped",
        before: "service corpus-stopped; systemctl start corpus-stopped",
        change: "systemctl stop corpus-stopped",
        expect: &[changed("services", "corpus-stopped.service", Breaking)],
    },
    Case {
        name: "a service is started",
        before: "service corpus-started",
        change: "systemctl start corpus-started",
        expect: &[changed("services", "corpus-started.service", Breaking)],
    },
    Case {
        name: "a service is started again",
        before: "service corpus-restarted; systemctl start corpus-restarted",
        change: "systemctl restart corpus-restarted",
        expect: &[],
    },
    Case {
        name: "a service gets a drop-in",
        before: "service corpus-dropped",
        change: "file /etc/systemd/system/corpus-dropped.service.d/limits.conf '[Service]\nLimitNOFILE=1024'",
        expect: &[changed("services", "corpus-dropped.service", Notable)],
    },
    Case {
        name: "the unit of a service is edited",
        before: "service corpus-unit /etc/systemd/system",
        change: "echo 'User=games' >>/etc/systemd/system/corpus-unit.service",
        expect: &[changed("services", "corpus-unit.service", Notable)],
    },
    Case {
        name: "a service is removed",
        before: "service corpus-gone /etc/systemd/system; systemctl --quiet enable corpus-gone",
        change: "systemctl --quiet disable corpus-gone; rm -f /etc/systemd/system/corpus-gone.service",
        expect: &[missing("services", "corpus-gone.service", Breaking)],
    },
    Case {
        name: "a timer is added with its service",
        before: "",
        change: "file /etc/systemd/system/corpus-timed.service '[Service]\nType=oneshot\nExecStart=/bin/true'
            file /etc/systemd/system/corpus-timed.timer \
                '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target'
            systemctl --quiet enable corpus-timed.timer",
        expect: &[extra("schedules", "corpus-timed.timer", Notable)],
    },
    Case {
        name: "a timer runs at other times",
        before: "file /etc/systemd/system/corpus-hourly.timer \
                '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target'",
        change: "sed -i s/daily/hourly/ /etc/systemd/system/corpus-hourly.timer",
        expect: &[changed("schedules", "corpus-hourly.timer", Notable)],
    },
    Case {
        name: "a crontab is added",
        before: "mkdir -p /etc/cron.d",
        change: "file /etc/cron.d/corpus '0 3 * * * root /usr/local/bin/backup'",
        expect: &[extra("schedules", "/etc/cron.d/corpus: /usr/local/bin/backup", Notable)],
    },
    Case {
        name: "a line of a crontab runs at other times",
        before: "file /etc/cron.d/corpus-when '0 3 * * * root /usr/local/bin/report'",
        change: "file /etc/cron.d/corpus-when '0 4 * * * root /usr/local/bin/report'",
        expect: &[changed("schedules", "/etc/cron.d/corpus-when: /usr/local/bin/report", Notable)],
    },
    Case {
        name: "a daily script is edited",
        before: "file /etc/cron.daily/corpus '#!/bin/true' 755",
        change: "file /etc/cron.daily/corpus '#!/bin/false' 755",
        expect: &[changed("schedules", "/etc/cron.daily/corpus", Notable)],
    },
];
