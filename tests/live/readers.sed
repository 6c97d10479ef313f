# What the runtimes do on their own, whatever config.json says, by line of /bin/report. One version of one of them does it,
# another does not; none of it is asked for.
# crun makes nodes that it binds from the host's /dev nosuid and noexec; runc leaves them as they are.
s/^(mount [^ ]* \/dev\/(full|null|random|tty|urandom|zero) rw),nosuid,noexec(,relatime)/\1\3/
# runc makes the filesystem read-only too, crun the mount alone; both are read-only to the container.
s/^(mount [^ ]* [^ ]* ro,[^ ]* - (tmpfs|sysfs|proc|mqueue) [^ ]*) rw/\1 ro/
# A path that is made read-only in a /proc with these flags keeps them with runc; nothing in there can use them.
s/^(mount [^ ]* \/proc\/[^ ]* ro)(,nosuid)?(,nodev)?(,noexec)?,/\1,/
# A masked file: runc leaves the mount of its /dev/null writable, as that node is.
s/^(mount \/null \/(proc|sys)\/[^ ]*) r[ow],/\1 masked,/
# A masked directory is an empty tmpfs: its size is the runtime's choice.
s/^(mount [^ ]* \/[^ ]* ro,relatime - tmpfs tmpfs ro).*(,uid=.*)/\1\2/
# crun 1.28 mounts cgroup2 without following symbolic links; the source is a name without meaning.
s/^(mount [^ ]* \/sys\/fs\/cgroup [^ ]*),nosymfollow/\1/
s/^(mount [^ ]* \/sys\/fs\/cgroup .* cgroup2) cgroup2? /\1 cgroup /
# crun links /dev/core to /proc/kcore, which is masked.
/^\/dev core /d
# The group of /dev/mqueue is that of the process that makes the mount.
s/^(\/dev mqueue [^ ]* 0):65534/\1:0/
# Without HOME in the environment each looks the user up in /etc/passwd, or does not.
/^variable HOME=\/(root)?$/d
# A tmpfs without `mode` is 1777 with crun 1.8, and as the directory below it with all others.
s/^(\/ (run|scratch|t2)) 4(0755|1777)/\1 tmpfs/
s/^(mount \/ \/(run|scratch|t2|var\/tmp) .*),mode=755/\1/
