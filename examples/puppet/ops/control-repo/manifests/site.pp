# Package lists before anything is installed, whatever else a role has.
stage { 'first':
  before => Stage['main'],
}

class { 'profile::apt':
  stage => 'first',
}

node /^db/ {
  include role::db
}

node /^web/ {
  include role::web
}

node default {
  fail("${trusted['certname']} has no role: name it in manifests/site.pp")
}
