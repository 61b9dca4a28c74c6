"""The programs that busybox is, by their names, as far as pods are likely to ask for them."""

from typing import Final

BUSYBOX: Final = "/usr/bin/busybox"
APPLETS: Final = tuple(
    """
    [ [[ arping ash awk base64 basename bc bunzip2 bzcat bzip2 cat chgrp chmod chown chroot cksum
    clear cmp cp cpio cut date dc dd df diff dirname dmesg dos2unix du echo egrep env expand expr
    factor fallocate false fgrep find fold free fuser getopt grep groups gunzip gzip head hexdump
    hostname httpd id ifconfig install ip ipcalc ipcrm ipcs kill killall less link ln logger ls lsof
    lzcat md5sum mkdir mkfifo mknod mktemp more mount mv nc netstat nice nl nohup nproc nslookup od
    paste patch pgrep ping ping6 pkill printenv printf ps pstree pwd readlink realpath renice reset
    rev rm rmdir route sed seq setsid sh sha1sum sha256sum sha512sum shuf sleep sort split stat
    strings stty su sum sync tac tail tar tee telnet telnetd test tftp time timeout top touch tr
    traceroute traceroute6 true truncate tty ttysize udhcpc umount uname uncompress unexpand uniq
    unix2dos unlink unxz unzip uptime usleep uudecode uuencode vi watch wc wget which who whoami
    xargs xxd xz yes zcat
    """.split()  # noqa: SIM905 (a list of words)
)
