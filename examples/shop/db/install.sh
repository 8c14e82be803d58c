# PostgreSQL from Debian, and who may come in from the other machines.
apt-get -q update
apt-get -q -y install --no-install-recommends postgresql
grep -q '^host shop shop ' /etc/postgresql/15/main/pg_hba.conf ||
  echo 'host shop shop samenet scram-sha-256' >>/etc/postgresql/15/main/pg_hba.conf
