#!/bin/sh
# Installs the Debian packages that a task needs: as root, or through a sudo
# that asks nothing; otherwise prints the one line to run and fails.  Where
# everything is there already, and on other systems, it does nothing.
# usage: sh mk/packages.sh build|test|interop|lint|fuzz|valgrind|bench ...
set -eu

command -v dpkg-query >/dev/null 2>&1 || exit 0

want=
for task; do
	case $task in
	build)
		want="$want make gcc libc6-dev pkg-config byacc libbsd-dev"
		want="$want libevent-dev libtls-dev libssl-dev libsodium-dev"
		want="$want libzstd-dev zlib1g-dev libutf8proc-dev libunbound-dev openssl curl"
		# Servers that mail goes to prove their names by it.
		want="$want ca-certificates"
		;;
	test)
		want="$want kyua libatf-dev atf-sh binutils procps python3"
		want="$want python3-nacl python3-dkim nsd ldnsutils"
		want="$want isync neomutt fetchmail offlineimap3 swaks"
		want="$want bmake mandoc strace systemd iproute2"
		;;
	interop)
		want="$want aerc alpine getmail6 gsasl msmtp mutt tmux"
		# Another Node.js than Debian's brings its own npm.
		command -v npm >/dev/null 2>&1 || want="$want nodejs npm"
		want="$want libnet-ssleay-perl imapfilter libmail-imapclient-perl"
		want="$want debootstrap systemd-container thunderbird"
		want="$want opendkim-tools git-email libmailtools-perl"
		want="$want libauthen-sasl-perl libio-socket-ssl-perl"
		;;
	lint) want="$want clang-format cppcheck git mandoc shellcheck" ;;
	fuzz) want="$want clang" ;;
	valgrind) want="$want valgrind" ;;
	bench) want="$want python3" ;;
	*)
		echo "usage: packages.sh build|test|interop|lint|fuzz|bench ..." >&2
		exit 1
		;;
	esac
done

missing=
for p in $want; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || :)
	[ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	sudo="sudo -n"
else
	echo "Packages are missing; as root, run this and try again:" >&2
	echo "  $line" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{
	$sudo apt-get -q update
	$sudo env DEBIAN_FRONTEND=noninteractive \
	    apt-get -q install -y --no-install-recommends $missing
} </dev/null
