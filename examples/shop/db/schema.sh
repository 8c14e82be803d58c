# Brings the database to what schema.sql says. Runs again in each new machine, over data that may be there already.
systemctl start postgresql@15-main # returns when it answers

as_postgres() { runuser -u postgres -- "$@"; }
[ -n "$(as_postgres psql -tAc "select 1 from pg_roles where rolname = 'shop'")" ] || as_postgres createuser shop
[ -n "$(as_postgres psql -tAc "select 1 from pg_database where datname = 'shop'")" ] || as_postgres createdb -O shop shop

# By the environment and psql's own quoting: arguments are seen by everybody.
export DB_PASSWORD
DB_PASSWORD=$(cat /run/secrets/db_password)
as_postgres psql -q -v ON_ERROR_STOP=1 shop <<'END'
\getenv password DB_PASSWORD
alter role shop password :'password';
END
as_postgres psql -q -v ON_ERROR_STOP=1 shop </srv/shop/schema.sql
