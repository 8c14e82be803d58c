# A machine that keeps the shop's data.
class role::db {
  include profile::db
}
