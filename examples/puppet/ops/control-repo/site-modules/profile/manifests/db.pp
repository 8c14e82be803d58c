# PostgreSQL with the shop's database, over whatever data is there already.
class profile::db (
  String $version,
  Integer $max_connections,
  String $clients,
  String $password_file,
) {
  $config = "/etc/postgresql/${version}/main"

  Package {
    install_options => ['--no-install-recommends'],
  }

  # The cluster is made by us: over a volume that has data, the package would make none.
  package { 'postgresql-common': }
  -> file { '/etc/postgresql-common/createcluster.conf':
    content => "create_main_cluster = false\nadd_include_dir = 'conf.d'\n",
  }
  -> package { "postgresql-${version}": }
  -> exec { 'data belong to the user of this machine':
    command => '/usr/bin/chown -R postgres:postgres /var/lib/postgresql',
    unless  => "/usr/bin/test \"$(stat -c %U /var/lib/postgresql)\" = postgres",
    path    => ['/usr/bin', '/bin'],
    provider => shell,
  }
  -> exec { "/usr/bin/pg_createcluster ${version} main":
    creates => "${config}/postgresql.conf",
  }
  -> file {
    default:
      owner  => 'postgres',
      group  => 'postgres',
      mode   => '0640',
      notify => Service["postgresql@${version}-main"],
      ;
    "${config}/conf.d/shop.conf":
      content => epp('profile/postgresql.conf.epp', { 'max_connections' => $max_connections }),
      ;
    "${config}/pg_hba.conf":
      content => epp('profile/pg_hba.conf.epp', { 'clients' => $clients }),
      ;
  }
  -> service { "postgresql@${version}-main":
    ensure => running,
  }
  -> class { 'shop::schema':
    password_file => $password_file,
  }
}
