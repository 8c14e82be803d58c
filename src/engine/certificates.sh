# Trusts certificates that were just put into a machine; the arguments are their names without ending. Does what
# update-ca-certificates would do, without looking at each of all the others again: where a processor is emulated, that takes
# half a minute. Whatever is not as in a new machine is left to it.
own=/usr/local/share/ca-certificates all=ca-certificates.crt hooks=/etc/ca-certificates/update.d
quickly() {
  cd /etc/ssl/certs 2>/dev/null && [ -s $all ] && [ ! -x /sbin/restorecon ] || return 1
  for hook in $hooks/*; do [ ! -e "$hook" ] || return 1; done
  there=0
  for file in $own/*; do there=$((there + 1)); done
  [ $there = $# ] && cp -p $all $all.own || return 1
  for name; do
    [ ! -e "$name.pem" ] && [ "$(grep -c 'BEGIN ' "$own/$name.crt")" = 1 ] || return 1
    # Whoever looks one up goes by the digest of its subject.
    hash=$(openssl x509 -noout -subject_hash -in "$own/$name.crt") && [ ! -e "$hash.0" ] || return 1
    ln -sf "$name.pem" "$hash.0" && ln -s "$own/$name.crt" "$name.pem" || return 1
    sed '$a\' "$own/$name.crt" >>$all.own || return 1
  done
  mv -f $all.own $all
}
quickly "$@" 2>/dev/null || { rm -f /etc/ssl/certs/$all.own; exec update-ca-certificates; }
