# The application: a service that shows what the database knows.
class shop (
  String $database,
  String $banner,
  String $password_file,
  String $listen = '127.0.0.1:8000',
) {
  package { 'python3-psycopg2':
    install_options => ['--no-install-recommends'],
  }
  -> user { 'shop':
    system => true,
    home   => '/opt/shop',
    shell  => '/usr/sbin/nologin',
  }
  -> file {
    '/opt/shop':
      ensure => directory,
      ;
    '/opt/shop/shop.py':
      source => 'puppet:///modules/shop/shop.py',
      ;
    '/etc/systemd/system/shop.service':
      content => epp('shop/shop.service.epp'),
      ;
  }
  ~> service { 'shop':
    ensure => running,
    enable => true,
  }
}
