#!/bin/sh
# A server of one page, with what the box has: it says which kernel it runs on.
set -eu
echo vm.swappiness=10 >/etc/sysctl.d/90-page.conf   # for this kernel and the next one
sysctl -qp /etc/sysctl.d/90-page.conf
cat >/etc/systemd/system/page.service <<'END'
[Unit]
Description=The page
[Service]
ExecStartPre=/bin/sh -c 'sed "s/KERNEL/$(uname -r)/" /srv/page/index.html >/run/index.html'
ExecStart=/usr/bin/python3 -m http.server --directory /run 80
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
