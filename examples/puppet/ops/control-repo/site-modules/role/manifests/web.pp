# A machine that shows the shop.
class role::web {
  include profile::web
}
