# PostgreSQL from Debian, and who may come in from the other machines.
data=/var/lib/postgresql/15/main

# A new machine over an old volume: the package makes its configuration only together with an empty cluster, so the rows
# step aside for as long as that takes.
if [ -d $data ] && [ ! -d $data.kept ] && [ ! -e /etc/postgresql/15/main/postgresql.conf ]; then
  mv $data $data.kept
fi
apt-get -q update
apt-get -q -y install --no-install-recommends postgresql
if [ -d $data.kept ]; then
  systemctl stop postgresql@15-main
  rm -rf $data
  mv $data.kept $data
  chown -R postgres:postgres /var/lib/postgresql # the user may have another number in this machine
  systemctl start postgresql@15-main
fi

grep -q '^host shop shop ' /etc/postgresql/15/main/pg_hba.conf ||
  echo 'host shop shop samenet scram-sha-256' >>/etc/postgresql/15/main/pg_hba.conf
