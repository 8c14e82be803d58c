# nginx in front of the application.
class profile::web {
  include shop

  package { 'nginx-light':
    install_options => ['--no-install-recommends'],
  }
  -> file { '/etc/nginx/sites-enabled/default':
    ensure => absent,
  }
  -> file { '/etc/nginx/conf.d/shop.conf':
    content => epp('profile/nginx.conf.epp', { 'application' => $shop::listen }),
  }
  ~> service { 'nginx':
    ensure => running,
    enable => true,
  }
}
