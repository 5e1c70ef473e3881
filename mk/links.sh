#!/bin/sh
# Puts the role programs that were built side by side into ./libexec, where
# the parents that `make run` and the tests start look for them.
set -eu
cd "$(dirname "$0")/.."
mkdir -p libexec

while read -r path; do
	name=${path##*/}
	[ -f "$path" ] || exit 1
	# A new file under the name, so that a running one is not disturbed.
	if ! cmp -s "$path" "libexec/$name"; then
		ln -f "$path" "libexec/$name" 2>/dev/null || {
			cp "$path" "libexec/$name.new"
			mv -f "libexec/$name.new" "libexec/$name"
		}
	fi
done <<END
usr.sbin/sealimapd/engine/imap-engine
usr.sbin/sealimapd/store/imap-store
usr.sbin/sealimapd/worker/imap-worker
usr.sbin/sealsmtpd/engine/smtp-engine
usr.sbin/sealsmtpd/deliver/smtp-deliver
usr.sbin/sealsmtpd/queue/smtp-queue
usr.sbin/sealrelayd/relay/smtp-relay
usr.sbin/sealrelayd/resolver/smtp-resolver
usr.sbin/sealkeys/sealkeys
END
