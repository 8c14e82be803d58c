# Package lists of today.
class profile::apt {
  exec { 'package lists':
    command => '/usr/bin/apt-get -q update',
    unless  => '/usr/bin/find /var/lib/apt/lists -maxdepth 1 -name "*Packages*" -mmin -1440 | grep -q .',
    path    => ['/usr/bin', '/bin'],
    provider => shell,
  }
}
