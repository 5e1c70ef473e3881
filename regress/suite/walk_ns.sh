#!/bin/sh
# In namespaces of its own (mounts, network, processes): the first installation
# of sealmail(7), over folders that are gone with the namespaces.
# usage: unshare -m -n -p --fork --mount-proc sh walk_ns.sh TOP DIR
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL
top=$1
dir=$2

mount -t tmpfs tmpfs "$dir"
over() {
	mkdir -p "$1" "$dir/$2.new" "$dir/$2.work"
	mount -t overlay overlay \
	    -o "lowerdir=$1,upperdir=$dir/$2.new,workdir=$dir/$2.work" "$1"
}
over /etc etc
over /usr/local local
mount -t tmpfs tmpfs /run
mkdir -p /var/db
mount -t tmpfs tmpfs /var/db
rm -rf /usr/local/sbin/seal* /usr/local/bin/sealmail \
    /usr/local/libexec/sealmail /etc/systemd/system/seal* /etc/sealmail.conf
cp "$top/regress/suite/systemctl.py" /usr/local/sbin/systemctl
chmod 755 /usr/local/sbin/systemctl
python3 - <<'END'
import fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
IFF_UP, SIOCSIFFLAGS = 1, 0x8914
fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
END
echo 127.0.0.1 mx1.example.org >>/etc/hosts
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
sh "$top/regress/suite/walk_out.sh" "$top" "$dir" prepare
cd "$top"
WALK_PASSWORD=$dir/password
export WALK_PASSWORD
python3 regress/suite/walk.py share/man/man7/sealmail.7 \
    "FIRST INSTALLATION" run 1 end sh "su nobody -s /bin/sh"
cp /etc/sealmail.conf "$dir/conf"
sh regress/suite/walk_out.sh "$top" "$dir" run
cat "$dir/conf" >/etc/sealmail.conf
sh regress/suite/leaves.sh
