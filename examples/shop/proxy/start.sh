# nginx does not read resolv.conf by itself.
nameserver=$(awk '/^nameserver/ { print $2; exit }' /etc/resolv.conf)
echo "resolver $nameserver valid=2s ipv6=off;" >/etc/nginx/conf.d/resolver.conf
nginx -t -q
systemctl restart nginx
