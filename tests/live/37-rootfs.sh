#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Root filesystems in the forced user namespace, through cofferdam-runtime and runc: directories and overlays on what engines
# keep their images on, overlays with every option and name that they may have, and what a container does with its files.
# tests/live/35-userns.sh has the same with both runtimes for the plain cases.
# shellcheck source=tests/live/host.sh
. "$(dirname "$0")/host.sh"

T_LIMIT=120
SHIM=/usr/local/bin/cofferdam-runtime
STORE=/run/store # an engine's directory

setup_file() {
	mkdir -p /etc/cofferdam/profiles.d "$STORE"
	live_configure runc rootfs
	echo '{ "cofferdam": 1, "name": "rootfs", "extends": ["default"], "no_new_privileges": false }' \
		>/etc/cofferdam/profiles.d/rootfs.json
	live_bundle "$STORE/bundle" /bin/true
	live_edit "$STORE/bundle/config.json" "
c['process']['noNewPrivileges'] = False
c['process']['capabilities'] = {name: ['CAP_' + word for word in ('CHOWN DAC_OVERRIDE FOWNER FSETID SETFCAP SETUID SETGID '
	'NET_BIND_SERVICE').split()] for name in ('bounding', 'effective', 'permitted')}
c['root']['readonly'] = False"
	install -m 0755 /usr/local/bin/inside "$LIVE_ROOTFS/bin/inside"
	make_image "$STORE/image"
}

# new_bundle ROOTFS COMMAND...: bundle/config.json.
new_bundle() {
	mkdir -p bundle
	cp "$STORE/bundle/config.json" bundle/
	python3 - bundle/config.json "$@" <<-'PYTHON'
		import json, sys
		path, rootfs, *command = sys.argv[1:]
		config = json.load(open(path))
		config["root"]["path"] = rootfs
		config["process"]["args"] = command
		json.dump(config, open(path, "w"))
	PYTHON
}

# contained: runs bundle/ while nobody else mounts anything, and nothing on the host may be another one afterwards.
contained() {
	local before
	before=$(cat /proc/self/mountinfo)

	expect "$SHIM" run --bundle bundle contained
	expect_equal "$before" "$(cat /proc/self/mountinfo)" 'mounts of the host'
	expect_equal '666 0:0' "$(stat -c '%a %u:%g' /dev/null)" '/dev/null'
	expect_equal '' "$(find /run/cofferdam/containers /run/cofferdam/ranges -mindepth 1)" 'left in /run/cofferdam'
}

# set_attribute FILE NAME HEX
set_attribute() {
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))' "$@"
}

# inodes FILE[:ATTRIBUTE]...: type, owner, mode and the attributes of each, as the host's root sees them, relative to `.`.
inodes() {
	python3 - "$@" <<-'PYTHON'
		import os, stat, sys
		for name in sys.argv[1:]:
		    path, *attributes = name.split(":")
		    st = os.lstat(path)
		    values = [os.getxattr(path, attribute).hex() for attribute in attributes]
		    print(path, stat.filemode(st.st_mode), f"{st.st_uid}:{st.st_gid}", *values)
	PYTHON
}

# overlay OPTIONS TARGET [DIRECTORY]: mount(2) itself, as mount(8) has a language of its own, from inside of DIRECTORY.
overlay() {
	python3 - "$@" <<-'PYTHON'
		import ctypes, os, sys
		options, target, *directory = sys.argv[1:]
		if directory:
		    os.chdir(directory[0])
		libc = ctypes.CDLL(None, use_errno=True)
		if libc.mount(b"overlay", target.encode(), b"overlay", 0, options.encode()):
		    sys.exit(f"{options}: {os.strerror(ctypes.get_errno())}")
	PYTHON
}

V2=0100000200040000000000000000000000000000     # cap_net_bind_service, permitted and effective
V3_ROOT=010000030004000000000000000000000000000000000000 # ... for the namespace whose root is 0
V3_OTHER=01000003000400000000000000000000000000004d000000 # ... whose root is 77
ACL=0200000001000600ffffffff02000400d204000004000400ffffffff10000600ffffffff20000000ffffffff # user 1234 may read

# make_image DIR: a tree with what is kept in inodes beside ids.
make_image() {
	local name

	mkdir -p "$1/image/deep"
	cp -a "$LIVE_ROOTFS/." "$1/"
	touch "$1/image/list"
	echo text >"$1/image/file" && chown 33:34 "$1/image/file"
	echo deep >"$1/image/deep/file"
	ln "$1/image/file" "$1/image/hard"
	for name in setuid setgid v2 v3 other; do
		cp "$LIVE_ROOTFS/bin/inside" "$1/image/$name"
	done
	chown 5:6 "$1/image/setuid" "$1/image/setgid"
	chmod 4755 "$1/image/setuid"
	chmod 2755 "$1/image/setgid"
	set_attribute "$1/image/v2" security.capability "$V2"
	set_attribute "$1/image/v3" security.capability "$V3_ROOT"
	set_attribute "$1/image/other" security.capability "$V3_OTHER"
	set_attribute "$1/image/file" user.mine 0102
	set_attribute "$1/image/file" trusted.mine 0304
	set_attribute "$1/image/list" system.posix_acl_access "$ACL"
}

# What a container does, whatever its root filesystem is.
# shellcheck disable=SC2016 # the container's
PROGRAM='
set -e
cat /proc/self/uid_map
cd /image
stat -c "%u:%g %a %n" / file setuid setgid
for program in setuid setgid v2 v3 other; do
	echo "as another: $program $(su nobody -s /bin/sh -c "/image/$program show /proc/self/status" | grep -e Uid -e Gid -e CapEff | tr -s "\t\n" "  ")"
done
inside attribute file user.mine
inside attribute file trusted.mine || true
inside attribute list system.posix_acl_access
echo more >>list
stat -c "%h links to %n" file
ln deep/file deep/link && echo more >>deep/link && tail -n 1 deep/file
chown 7:8 file && chmod 0600 file && inside attribute file user.yours 0506
cp setgid mine && chmod 4755 mine && inside attribute mine security.capability '$V2'
echo "as another: mine $(su nobody -s /bin/sh -c "/image/mine show /proc/self/status" | grep -e CapEff | tr -s "\t\n" "  ")"
mkdir /made && touch /made/file && chown 1000:1001 /made/file
rm /bin/vi && ! test -e /bin/vi
rm -r /var && mkdir /var && touch /var/new && ls /var
mv deep moved && cat moved/file && mv moved /elsewhere && cat /elsewhere/link
chown 70000 /made 2>&1 || true'

# uses DIR: a container in bundle/ with PROGRAM, whose writable files are in DIR afterwards.
uses() {
	contained
	expect_output "$(printf '%10u %10u %10u' 0 1000000 65536)"
	expect_output '0:0 755 /'
	expect_output '33:34 644 file'
	expect_output '5:6 4755 setuid'
	expect_output '5:6 2755 setgid'
	expect_output 'as another: setuid Uid: 65534 5 5 5 Gid: 65534 65534 65534 65534 CapEff: 0000000000000000'
	expect_output 'as another: setgid Uid: 65534 65534 65534 65534 Gid: 65534 6 6 6 CapEff: 0000000000000000'
	expect_output 'as another: v2 Uid: 65534 65534 65534 65534 Gid: 65534 65534 65534 65534 CapEff: 0000000000000400'
	expect_output 'as another: v3 Uid: 65534 65534 65534 65534 Gid: 65534 65534 65534 65534 CapEff: 0000000000000400'
	expect_output 'as another: other Uid: 65534 65534 65534 65534 Gid: 65534 65534 65534 65534 CapEff: 0000000000000000'
	expect_output 'as another: mine CapEff: 0000000000000400'
	expect_output '0102 user.mine file'
	expect_output 'file: ENODATA' # trusted.* is for the host's root alone
	expect_output "$ACL system.posix_acl_access list"
	expect_output '2 links to file'
	expect_output $'2 links to file\nmore\n'
	expect_output $'\nnew\ndeep\nmore\ndeep\nmore\n'
	expect_output 'Invalid argument' # 70000 is nobody in there
	on_disk "$1"
}

# What is on disk is numbered from 0, so that it is anybody's next time. (A file capability that root in a container has set
# is of version 3, for the namespace whose root is 0, which the host is told as version 2.)
on_disk() {
	expect_equal "image/file -rw------- 7:8 0102 0304 0506
image/mine -rwsr-xr-x 0:0 $V2
image/list -rw-rw---- 0:0 $ACL
made drwxr-xr-x 0:0
made/file -rw-r--r-- 1000:1001" "$(cd "$1" && inodes image/file:user.mine:trusted.mine:user.yours image/mine:security.capability \
		image/list:system.posix_acl_access made made/file)" 'on disk'
	expect_equal "2 $(stat -c %i "$1/elsewhere/link")" "$(stat -c '%h %i' "$1/elsewhere/file")" 'a hard link'
}

# layers DIR: an overlay at DIR/ID/merged over the image and a layer with a whiteout and an opaque directory, as podman mounts it.
layers() {
	local dir=$PWD/$1

	mkdir -p "$dir"/base/diff "$dir"/top/diff/{bin,root/top} "$dir"/l "$dir"/ID/{diff,work,merged}
	cp -a "$STORE/image/." "$dir/base/diff/"
	touch "$dir/base/diff/root/base"
	mknod "$dir/top/diff/bin/ed" c 0 0
	set_attribute "$dir/top/diff/root" trusted.overlay.opaque 79
	ln -s ../base/diff "$dir/l/BASE"
	ln -s ../top/diff "$dir/l/TOP"
	overlay "lowerdir=l/TOP:l/BASE,upperdir=$dir/ID/diff,workdir=$dir/ID/work" "$dir/ID/merged" "$dir"
	new_bundle "$dir/ID/merged" /bin/sh -c "ls /bin/ed /root 2>&1; $PROGRAM"
}

uses_layers() {
	uses "$1/ID/diff"
	expect_output $'ls: /bin/ed: No such file or directory\n/root:\ntop\n'
	expect_equal $'bin/vi c--------- 0:0\nvar drwxr-xr-x 0:0 79' "$(cd "$1/ID/diff" && inodes bin/vi var:trusted.overlay.opaque)" \
		'a whiteout, an opaque directory'
	expect_equal 33:34 "$(stat -c %u:%g "$1/base/diff/image/file")" 'the lower layer'
	expect_equal 7:8 "$(stat -c %u:%g "$1/ID/merged/image/file")" "what the engine's own mount shows"
}

# disk FILESYSTEM: disk/ is one of its own, until the test ends.
disk() {
	local type=$1

	mkdir disk
	trap 'cd / && umount -R "$T_DIR/disk"' EXIT
	if [ "$type" = tmpfs ]; then
		mount -t tmpfs -o mode=755 tmpfs disk
		return
	fi
	truncate -s 400M disk.img
	"mkfs.$type" -q disk.img
	mount -t "$type" -o loop disk.img disk
}

# on FILESYSTEM: both kinds of root filesystem.
on() {
	disk "$1"
	cp -a "$STORE/image" disk/directory
	new_bundle "$PWD/disk/directory" /bin/sh -c "$PROGRAM"
	uses disk/directory
	layers disk
	uses_layers disk
}

test_on_ext4() {
	on ext4
}

test_on_xfs() {
	on xfs
}

test_on_btrfs() {
	on btrfs
}

test_on_tmpfs() {
	on tmpfs
}

# small_layers DIR: DIR/lower, upper, work, merged; a container that reads what the image has, copies a file up, and renames a
# directory of the image.
small_layers() {
	mkdir -p "$1"/lower/{dev,proc,sys,etc,old} "$1"/{upper,work,merged}
	cp -a "$STORE/image/bin" "$1/lower/"
	echo lower >"$1/lower/etc/file" && chown 33:34 "$1/lower/etc/file"
	ln "$1/lower/etc/file" "$1/lower/etc/hard"
	# shellcheck disable=SC2016 # the container's
	new_bundle "$1/merged" /bin/sh -c 'stat -c %u:%g /etc/file; chown 7:8 /etc/file && echo more >>/etc/file; cat /etc/file
		! test -d /old || mv /old /new; ls -d /new; cat /etc/hard; grep -o " / overlay .*" /proc/mounts'
}

uses_small_layers() {
	contained
	expect_output $'33:34\nlower\nmore\n/new\n'
	expect_equal '7:8 more' "$(stat -c %u:%g "$1/upper/etc/file") $(tail -n 1 "$1/upper/etc/file")" 'on disk'
}

# with_options OPTIONS [TOLD [LOWER]]: with these of the engine's mount, and TOLD for what the container's must have. The lower
# layer is in LOWER.
with_options() {
	local option dir=$T_DIR/disk/${1//,/+} lower=${3:-}

	small_layers "$dir"
	[ -z "$lower" ] || { mv "$dir/lower" "$lower" && ln -s "$lower" "$dir/lower"; }
	overlay "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work,$1" "$dir/merged"
	uses_small_layers "$dir"
	for option in ${2:-}; do
		expect_output "$option"
	done
}

# The engine has mounted it again, and what was written is there.
again_with_options() {
	local dir=$T_DIR/disk/${1//,/+}

	umount "$dir/merged"
	overlay "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work,$1" "$dir/merged"
	contained
	expect_output $'7:8\nlower\nmore\nmore\n/new\n'
}

test_options_of_the_engines_mount() {
	disk ext4
	with_options redirect_dir=on redirect_dir=on
	again_with_options redirect_dir=on
	expect_equal "drwxr-xr-x 0:0 $(printf old | od -An -tx1 | tr -d ' \n')" \
		"$(cd disk/redirect_dir=on/upper && inodes new:trusted.overlay.redirect | cut -d' ' -f2-)" 'a directory that was renamed'
	with_options redirect_dir=nofollow redirect_dir=nofollow
	with_options metacopy=on metacopy=on
	with_options xino=on xino=on "$PWD/lower" # matters where layers are on several filesystems, and is told there
	with_options uuid=null uuid=null
	with_options userxattr userxattr
	with_options default_permissions default_permissions
	with_options index=off
}

# The kernel keeps the upper layer for the one mount that has these; the container's is another one.
test_an_index_stays_the_engines() {
	disk ext4
	with_options index=on
	refute_output index=on
	again_with_options index=on
	expect_output $'/new\nlower' # hard links of the image part when one is written to
	with_options index=on,nfs_export=on
	refute_output nfs_export=on
	again_with_options index=on,nfs_export=on
}

test_a_volatile_mount_of_the_engines() {
	local dir=$T_DIR

	trap 'umount "$T_DIR/merged"' EXIT
	small_layers "$dir"
	overlay "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work,volatile" merged
	uses_small_layers .
	expect_output volatile
	contained # again, as after a kill
	expect_output 7:8
}

# The kernel tells of a workdir that it cannot use in its log only, and mounts all the same.
test_an_overlay_that_came_up_read_only_is_refused() {
	trap 'umount "$T_DIR/merged"' EXIT
	small_layers "$T_DIR"
	overlay "lowerdir=$T_DIR/lower,upperdir=$T_DIR/upper,workdir=$T_DIR/work" merged
	mkdir -p cofferdam-work
	(cd cofferdam-work && mkdir -p work/1/2/3/4)
	refute "$SHIM" run --bundle bundle contained
	expect_output 'the overlay over idmapped layers came up read-only; the kernel'
	(cd cofferdam-work && rm -r work/1)
	uses_small_layers .
}

# Whatever an engine's administrator calls his directories, as mount(2) wants it written.
test_names_with_anything_in_them() {
	local name written

	trap 'cd / && umount "$T_DIR"/*/*/merged' EXIT
	while read -r name written; do
		name=$(printf %b "$name") written=$(printf %b "$written")
		small_layers "$T_DIR/$name/$name"
		mv "$T_DIR/$name/$name/upper" "$T_DIR/$name/$name/$name"
		ln -s "$name" "$T_DIR/$name/$name/upper"
		overlay "lowerdir=$T_DIR/$written/$written/lower,upperdir=$T_DIR/$written/$written/$written,workdir=$T_DIR/$written/$written/work" \
			"$T_DIR/$name/$name/merged"
		uses_small_layers "$T_DIR/$name/$name"
	done <<-'NAMES'
		a,b           a\\,b
		a:b           a\\:b
		a\\b          a\\\\b
		a\040b        a\040b
		\011\012"='#  \011\012"='#
		\\054         \\\\054
	NAMES
}

# many NUMBER: a lower layer each with a file of its own, all named from inside of the engine's directory, as podman and
# Docker do it when the options would not fit into a page.
many() {
	local layer list=ID/lower dir=$T_DIR/$1

	small_layers "$dir/ID"
	(cd "$dir" && seq "$1" | xargs mkdir)
	for ((layer = 1; layer < $1; layer++)); do
		echo "$layer" >"$dir/$layer/file$layer"
		list=$layer:$list
	done
	new_bundle "$dir/ID/merged" /bin/sh -c 'ls / | grep -c -e file -e etc; stat -c %u:%g /etc/file; touch /new; rm -f /file1'
	overlay "lowerdir=$list,upperdir=ID/upper,workdir=ID/work" ID/merged "$dir"
	contained
	expect_equal "$1"$'\n33:34' "$T_OUTPUT"
	expect_equal 0:0 "$(stat -c %u:%g "$dir/ID/upper/new")" 'on disk'
}

test_layers_from_one_to_five_hundred() {
	trap 'cd / && umount "$T_DIR"/*/ID/merged' EXIT
	many 1
	many 10
	many 128
	many 500
}

# descriptors DIR: an overlay at DIR/ID/merged whose lower layers DIR/l/... are named by descriptors, as podman does it when even
# short names would not fit.
descriptors() {
	python3 - "$1" <<-'PYTHON'
		import ctypes, os, sys
		home = sys.argv[1]
		with open(f"{home}/ID/lower") as file:
		    names = file.read().split(":")
		lowers = ":".join(str(os.open(f"{home}/{name}", os.O_RDONLY)) for name in names)
		os.chdir("/proc/self/fd")
		options = f"lowerdir={lowers},upperdir={home}/ID/upper,workdir={home}/ID/work"
		libc = ctypes.CDLL(None, use_errno=True)
		if libc.mount(b"overlay", f"{home}/ID/merged".encode(), b"overlay", 0, options.encode()):
		    sys.exit(f"{options}: {os.strerror(ctypes.get_errno())}")
	PYTHON
}

test_layers_that_podman_names_by_descriptors() {
	local dir=$T_DIR

	trap 'cd / && umount "$T_DIR/ID/merged"' EXIT
	small_layers "$dir/ID"
	mkdir -p l top
	echo top >top/file
	ln -s ../ID/lower l/LOWER
	ln -s ../top l/TOP
	printf l/TOP:l/LOWER >ID/lower.list && mv ID/lower lower && mv ID/lower.list ID/lower && ln -sfn ../lower l/LOWER
	descriptors "$dir"
	expect grep -E 'lowerdir=[0-9]+:[0-9]+,' /proc/self/mountinfo
	uses_small_layers ID
	expect test -e ID/merged/file
	printf l/LOWER >ID/lower
	refute "$SHIM" run --bundle bundle contained
	expect_output "$dir/ID/lower does not tell them: it has fewer of them"
	printf l/TOP:../lower >ID/lower
	refute "$SHIM" run --bundle bundle contained
	expect_output "is not one of podman's links"
}

# read_only ROOTFS: config.json says so.
read_only() {
	new_bundle "$1" /bin/sh -c 'stat -c %u:%g /etc/file; echo more >>/etc/file'
	live_edit bundle/config.json 'c["root"]["readonly"] = True'
	refute "$SHIM" run --bundle bundle contained
	expect_output '33:34'
	expect_output 'Read-only file system'
}

test_a_read_only_root_filesystem() {
	trap 'cd / && umount "$T_DIR/merged" "$T_DIR/ID/merged"' EXIT
	small_layers "$T_DIR"
	read_only "$T_DIR/lower"
	overlay "lowerdir=$T_DIR/lower,upperdir=$T_DIR/upper,workdir=$T_DIR/work" merged
	read_only "$T_DIR/merged"
	umount merged
	mount -t overlay -o "ro,lowerdir=$T_DIR/lower,upperdir=$T_DIR/upper,workdir=$T_DIR/work" overlay merged
	read_only "$T_DIR/merged"
	# As Docker mounts a committed layer; no upper one.
	mkdir -p ID/{diff/etc,merged} l
	ln -s ../lower l/LOWER
	overlay "lowerdir=ID/diff:l/LOWER" ID/merged "$T_DIR"
	read_only "$T_DIR/ID/merged"
}

# The same names elsewhere would be other directories.
test_relative_layers_of_an_unknown_place_are_refused() {
	trap 'cd / && umount "$T_DIR/elsewhere"' EXIT
	small_layers "$T_DIR/ID"
	mkdir elsewhere
	overlay lowerdir=ID/lower,upperdir=ID/upper,workdir=ID/work elsewhere "$T_DIR"
	new_bundle "$T_DIR/elsewhere" /bin/true
	refute "$SHIM" run --bundle bundle contained
	expect_output 'its layer ID/upper is relative to a directory that the kernel does not tell'
}

t_main "$@"
