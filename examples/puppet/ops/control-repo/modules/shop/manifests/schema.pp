# The application's database, its user, and what shall be in it.
class shop::schema (
  String $password_file,
) {
  file {
    '/srv/shop':
      ensure => directory,
      ;
    '/srv/shop/schema.sql':
      source => 'puppet:///modules/shop/schema.sql',
      ;
    '/usr/local/sbin/shop-schema':
      source => 'puppet:///modules/shop/shop-schema',
      mode   => '0755',
      ;
    '/usr/local/sbin/shop-password':
      source => 'puppet:///modules/shop/shop-password',
      mode   => '0755',
      ;
  }
  -> exec { '/usr/local/sbin/shop-schema':
    unless => '/usr/local/sbin/shop-schema --check',
  }
  -> exec { "/usr/local/sbin/shop-password ${password_file}":
    onlyif => "/usr/bin/test -e ${password_file}",
    unless => "/usr/local/sbin/shop-password ${password_file} --check",
  }
}
