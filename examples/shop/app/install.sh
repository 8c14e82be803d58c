# What the application needs from Debian, and the user it runs as.
apt-get -q update
apt-get -q -y install --no-install-recommends python3-psycopg2
id shop >/dev/null 2>&1 || useradd --system --home-dir /opt/shop --shell /usr/sbin/nologin shop
