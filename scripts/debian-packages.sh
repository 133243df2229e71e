#!/bin/bash
# The Debian packages that the whole-gateway tests and the bench use: real filters, a second MTA, C tools.
#
# As root: installs what is missing and nothing else; running it again does nothing. The services that come with the packages
# are not started by the installation (a policy-rc.d guard, set only when there is none and removed at the end).
# Not root (or not Debian): says which tests will be skipped and why, exit code 0.
# CI=true: nothing may be skipped, so whatever cannot be installed is a failure, exit code 1.
set -eu

# package, a file it brings, what does not run without it
list() {
  cat <<'LIST'
postfix          /usr/sbin/postfix                   bench --peer postfix; smtp-sink as the bench's next hop; test/lmtp
rspamd           /usr/bin/rspamd                     test/specification-example, test/interop-rspamd
clamav-daemon    /usr/sbin/clamd                     test/specification-example, test/interop-clamav
clamav-milter    /usr/sbin/clamav-milter             test/specification-example, test/interop-clamav
opendkim         /usr/sbin/opendkim                  test/interop-dkim (OpenDKIM signs and verifies)
opendkim-tools   /usr/sbin/opendkim-genkey           bench with OpenDKIM
opendmarc        /usr/sbin/opendmarc                 test/interop-dkim (OpenDMARC behind OpenDKIM)
spamass-milter   /usr/sbin/spamass-milter            test/interop-spamass (SpamAssassin as a filter)
spamd            /usr/sbin/spamd                     test/interop-spamass (SpamAssassin as a filter)
python3-milter   /usr/lib/python3/dist-packages/Milter/__init__.py  test/interop-python (every edit)
libmilter-dev    /usr/include/libmilter/mfapi.h      test/interop-libmilter, the bench's filter in C (else a slower one in Node)
gcc              /usr/bin/gcc                        test/interop-libmilter, the bench's filter and load generator in C
libc6-dev        /usr/include/stdio.h                test/interop-libmilter, the bench's filter and load generator in C
strace           /usr/bin/strace                     fault injection at system calls; test/sync-order
libfaketime      /usr/share/doc/libfaketime/copyright  test/reliability-d-clock (a clock that jumps)
eatmydata        /usr/bin/eatmydata                  test/control-group (a gateway whose syncs do nothing)
swaks            /usr/bin/swaks                      test/lmtp (an LMTP client); test/interop-swaks (PROXY, XCLIENT, ...); probing by hand
dovecot-lmtpd    /usr/lib/dovecot/lmtp               test/interop-dovecot (Dovecot takes mail by LMTP)
chromium         /usr/bin/chromium                   test/ui (the pages in a browser)
openssl          /usr/bin/openssl                    TLS tests (certificates are made at run time)
m4               /usr/bin/m4                         test/differential-sendmail (makes Sendmail's configuration)
prometheus       /usr/bin/promtool                   test/metrics-scrape (promtool checks a scrape and the alert rules)
libwrap0         /usr/share/doc/libwrap0/copyright   test/differential-sendmail (a library of Sendmail's)
LIST
}

missing=()
reasons=()
while read -r package file reason; do
  [ -e "$file" ] && continue
  missing+=("$package")
  reasons+=("$package: $reason")
done < <(list)

# Unpacked beside the system, not installed: Debian's Sendmail and Postfix exclude each other.
sendmail=/var/lib/millrace-tests/sendmail
sendmail_is_there() {
  [ -e "$sendmail/usr/libexec/sendmail/sendmail" ] && [ -e "$sendmail/usr/share/sendmail/cf/m4/cf.m4" ]
}
if ! sendmail_is_there; then
  reasons+=("sendmail-bin sendmail-cf, unpacked: test/differential-sendmail (Sendmail before the same filter)")
fi
unpack_sendmail() {
  local folder
  sendmail_is_there && return
  echo "debian-packages: unpacking Sendmail into $sendmail"
  folder=$(mktemp -d)
  mkdir -p "$sendmail"
  (
    cd "$folder"
    apt-get download --quiet -o APT::Sandbox::User=root sendmail-bin sendmail-cf
    for package in ./*.deb; do dpkg-deb --extract "$package" "$sendmail"; done
    chmod g-s "$sendmail/usr/libexec/sendmail/sendmail"
  )
  rm -rf "$folder"
  sendmail_is_there
}

if [ "${#missing[@]}" -eq 0 ] && sendmail_is_there; then
  echo "debian-packages: everything is installed"
  exit 0
fi

# $1: why nothing could be installed
give_up() {
  {
    echo "**********************************************************************"
    echo "debian-packages: NOT INSTALLED, $1"
    echo "Without these packages the following is skipped or slower:"
    printf '  %s\n' "${reasons[@]}"
    echo "To have them: sudo apt-get install --no-install-recommends ${missing[*]}"
    echo "**********************************************************************"
  } >&2
  if [ "${CI:-}" = true ]; then
    echo "debian-packages: CI=true, where nothing may be skipped: failing" >&2
    exit 1
  fi
  exit 0
}

command -v apt-get > /dev/null || give_up "there is no apt-get here"
[ "$(id -u)" -eq 0 ] || give_up "not running as root"

guard=/usr/sbin/policy-rc.d
if [ ! -e "$guard" ] && [ ! -L "$guard" ]; then
  printf '#!/bin/sh\n# Set by scripts/debian-packages.sh while it installs: start no service.\nexit 101\n' > "$guard"
  chmod 755 "$guard"
  trap 'rm -f "$guard"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
install() { apt-get install --yes --quiet --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}"; }
if [ "${#missing[@]}" -gt 0 ]; then echo "debian-packages: installing ${missing[*]}"; fi
# The package lists may be absent or stale; fetch them only when the first try shows it.
everything() { { [ "${#missing[@]}" -eq 0 ] || install; } && unpack_sendmail; }
everything || { apt-get update --quiet && everything; } || give_up "apt-get failed"

while read -r package file _; do
  [ -e "$file" ] || give_up "$package was installed but $file is not there"
done < <(list)
echo "debian-packages: done"
