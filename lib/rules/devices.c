/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes (linux.devices) and the cgroup's device rules (linux.resources.devices).
 *
 * (That types are known and numbers present and within the kernel's range, lib/spec has made sure of.)
 * Path, type and numbers are judged together: in a user namespace runtimes do not make the node, they bind the host's
 * node of that path, so {"path": "/dev/vda", c 1:3} hands out the disk. Numbers as in the kernel's
 * Documentation/admin-guide/devices.txt.
 */
#include "lib/path.h"
#include "lib/rules/common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define ANY (-1)

// clang-format off
static const struct node {
	const char *path;
	int64_t major, minor;
	bool in_every_container; /* runtimes make it anyway; runtime-spec config-linux.md, "Default Devices" */
} nodes[] = {
	{ "/dev/null",    1, 3,   true },  { "/dev/zero",    1, 5,   true },
	{ "/dev/full",    1, 7,   true },  { "/dev/random",  1, 8,   true },
	{ "/dev/urandom", 1, 9,   true },  { "/dev/tty",     5, 0,   true },
	{ "/dev/console", 5, 1,   true },  { "/dev/ptmx",    5, 2,   true },
	{ "/dev/fuse",    10, 229, false }, { "/dev/net/tun", 10, 200, false },
	{ "/dev/kvm",     10, 232, false }, { "/dev/vhost-net", 10, 238, false },
};

/* Never: whoever has one of these has the host. All are character devices; block devices are never allowed at all. */
static const struct {
	int64_t major, minor;
	const char *what;
} forbidden[] = {
	{ 1, 1,     "the machine's memory" },
	{ 1, 2,     "the kernel's memory" },
	{ 1, 4,     "the machine's I/O ports" },
	{ 1, 11,    "the kernel's log" },
	{ 1, 6,     "core dumps of the host" },
	{ 10, 144,  "the firmware's settings" },
	{ 10, 203,  "devices that a user-space driver makes" },
	{ 10, 223,  "key presses on the host" },
	{ 10, 234,  "btrfs control of the host" },
	{ 10, 235,  "the host's automounts" },
	{ 10, 236,  "device mapper: every disk of the host" },
	{ 10, 237,  "loop devices: any file as a disk" },
	{ 10, 196,  "vfio: devices that write to any memory" },
	{ 10, 239,  "device control of the host" },
	{ 13, ANY,  "keyboards and mice of the host" },
	{ 21, ANY,  "raw SCSI commands to the host's disks" },
	{ 29, ANY,  "the host's screen" },
	{ 4, ANY,   "consoles of the host" },
	{ 7, ANY,   "the memory of the host's consoles" },
	{ 202, ANY, "model-specific registers of the processor" },
	{ 162, ANY, "raw access to block devices" },
	{ 90, ANY,  "flash memory of the host" },
};
// clang-format on

static bool is_character(const char *type)
{
	return cfd_streq(type, "c") || cfd_streq(type, "u");
}

static const char *why_forbidden(int64_t major, int64_t minor)
{
	for (size_t i = 0; i < CFD_COUNT(forbidden); i++)
		if (forbidden[i].major == major && (forbidden[i].minor == ANY || forbidden[i].minor == minor))
			return forbidden[i].what;
	return NULL;
}

static bool in_every_container(int64_t major, int64_t minor)
{
	for (size_t i = 0; i < CFD_COUNT(nodes); i++)
		if (nodes[i].in_every_container && nodes[i].major == major && nodes[i].minor == minor)
			return true;
	return false;
}

/*
 * An allowed path is allowed with the numbers of that device. By the text alone nobody knows them; where this host has
 * the node, device.mismatch compares; where it has none, only the well-known ones are known.
 */
static bool is_what_it_says(const struct cfd_rules_context *context, const char *path, int64_t major, int64_t minor)
{
	struct stat st;

	if (!context->host_facts || lstat(path, &st) == 0)
		return true;
	for (size_t i = 0; i < CFD_COUNT(nodes); i++)
		if (cfd_streq(nodes[i].path, path))
			return nodes[i].major == major && nodes[i].minor == minor;
	return false;
}

/* Whether devices.allow of the profile means this node: by path, or by what the allowed path is on this host. */
static bool allowed_by_profile(const struct cfd_rules_context *context, const char *path, int64_t major, int64_t minor)
{
	struct stat st;

	for (char *const *allow = context->profile->devices; allow && *allow; allow++) {
		if (cfd_streq(*allow, path) && is_what_it_says(context, path, major, minor))
			return true;
		if (context->host_facts && lstat(*allow, &st) == 0 && S_ISCHR(st.st_mode) &&
		    (int64_t)major(st.st_rdev) == major && (int64_t)minor(st.st_rdev) == minor)
			return true;
	}
	return false;
}

static int report(const struct cfd_rule *rule, struct cfd_findings *findings, struct cfd_error *err, size_t index,
		  const struct cfd_spec_device *device, const char *message)
{
	if (!message)
		return 0;
	return cfd_findings_add(findings, rule, device->path, err, message, "linux.devices[%zu]", index);
}

CFD_RULE_CHECK(check_block)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_count; i++)
		if (cfd_streq(context->spec->devices[i].type, "b"))
			r = report(rule, findings, err, i, &context->spec->devices[i],
				   "a block device: a disk of the host with all that is on it");
	return r;
}

CFD_RULE_CHECK(check_forbidden)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_count; i++) {
		const struct cfd_spec_device *device = &context->spec->devices[i];

		if (is_character(device->type))
			r = report(rule, findings, err, i, device, why_forbidden(device->major, device->minor));
	}
	return r;
}

CFD_RULE_CHECK(check_path)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_count; i++) {
		const struct cfd_spec_device *device = &context->spec->devices[i];

		if (!device->path || !cfd_path_is_clean(device->path) || !cfd_path_beneath(device->path, "/dev") ||
		    cfd_streq(device->path, "/dev") || cfd_ends_with(device->path, "/"))
			r = report(rule, findings, err, i, device, "not a clean path beneath /dev");
	}
	return r;
}

/* By this host's node of that path, or by what everybody's node of that path is. */
static const char *mismatch(const struct cfd_rules_context *context, const struct cfd_spec_device *device)
{
	bool made_by_runtime = false;
	struct stat st;

	for (size_t i = 0; i < CFD_COUNT(nodes); i++) {
		if (!cfd_streq(nodes[i].path, device->path))
			continue;
		if (!is_character(device->type) || nodes[i].major != device->major || nodes[i].minor != device->minor)
			return "its numbers are not those of the device of that name";
		/* The console and ptmx of a container are the runtime's, not the host's nodes. */
		made_by_runtime = nodes[i].in_every_container;
	}
	if (!context->host_facts || made_by_runtime || !device->path)
		return NULL;
	if (lstat(device->path, &st))
		return errno == ENOENT || errno == ENOTDIR ? NULL : "on this host that path cannot be looked at";
	if (cfd_streq(device->type, "p"))
		return S_ISFIFO(st.st_mode) ? NULL : "on this host that path is no FIFO";
	if (!S_ISCHR(st.st_mode) || !is_character(device->type))
		return S_ISBLK(st.st_mode) && cfd_streq(device->type, "b") ? NULL
									   : "on this host that path is something else";
	if ((int64_t)major(st.st_rdev) != device->major || (int64_t)minor(st.st_rdev) != device->minor)
		return "on this host that path is another device";
	return NULL;
}

CFD_RULE_CHECK(check_mismatch)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_count; i++)
		r = report(rule, findings, err, i, &context->spec->devices[i],
			   mismatch(context, &context->spec->devices[i]));
	return r;
}

CFD_RULE_CHECK(check_not_allowed)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_count; i++) {
		const struct cfd_spec_device *device = &context->spec->devices[i];

		if (is_character(device->type) && !in_every_container(device->major, device->minor) &&
		    !why_forbidden(device->major, device->minor) &&
		    !allowed_by_profile(context, device->path, device->major, device->minor))
			r = report(rule, findings, err, i, device, "a device that the profile does not list");
	}
	return r;
}

/* "c 10:* rwm", for people and for exceptions. */
static void describe(const struct cfd_spec_device_rule *row, char *text, size_t size)
{
	char major[24] = "*", minor[24] = "*";

	if (row->major >= 0)
		snprintf(major, sizeof(major), "%lld", (long long)row->major);
	if (row->minor >= 0)
		snprintf(minor, sizeof(minor), "%lld", (long long)row->minor);
	snprintf(text, size, "%.8s %s:%s %.8s", row->type ? row->type : "a", major, minor,
		 row->access ? row->access : "rwm");
}

static int report_rule(const struct cfd_rule *rule, struct cfd_findings *findings, struct cfd_error *err, size_t index,
		       const struct cfd_spec_device_rule *row, const char *message)
{
	char text[96];

	describe(row, text, sizeof(text));
	return cfd_findings_add(findings, rule, text, err, message, "linux.resources.devices[%zu]", index);
}

/* Making nodes is no access to them: containerd and CRI-O allow "c *:* m" and "b *:* m". */
static bool only_mknod(const struct cfd_spec_device_rule *row)
{
	return cfd_streq(row->access, "m");
}

/* Pseudoterminals: the container's own devpts decides which exist. */
static bool is_pty(const struct cfd_spec_device_rule *row)
{
	return is_character(row->type) && row->major == 136;
}

static bool is_wildcard(const struct cfd_spec_device_rule *row)
{
	return !row->type || cfd_streq(row->type, "a") || row->major < 0 || row->minor < 0;
}

CFD_RULE_CHECK(check_cgroup_wildcard)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_rule_count; i++) {
		const struct cfd_spec_device_rule *row = &context->spec->device_rules[i];

		if (row->allow && is_wildcard(row) && !is_pty(row) && !only_mknod(row))
			r = report_rule(rule, findings, err, i, row, "allows devices that it does not name");
	}
	return r;
}

CFD_RULE_CHECK(check_cgroup_block)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_rule_count; i++) {
		const struct cfd_spec_device_rule *row = &context->spec->device_rules[i];

		if (row->allow && cfd_streq(row->type, "b") && !is_wildcard(row) && !only_mknod(row))
			r = report_rule(rule, findings, err, i, row, "allows a disk of the host");
	}
	return r;
}

/* The node that the rule is for is in linux.devices, where its own rules judge it. */
static bool has_node(const struct cfd_spec *spec, const struct cfd_spec_device_rule *row)
{
	for (size_t i = 0; i < spec->device_count; i++)
		if (is_character(spec->devices[i].type) && spec->devices[i].major == row->major &&
		    spec->devices[i].minor == row->minor)
			return true;
	return false;
}

CFD_RULE_CHECK(check_cgroup_device)
{
	int r = 0;

	for (size_t i = 0; !r && i < context->spec->device_rule_count; i++) {
		const struct cfd_spec_device_rule *row = &context->spec->device_rules[i];

		if (row->allow && !is_wildcard(row) && is_character(row->type) && !only_mknod(row) && !is_pty(row) &&
		    !in_every_container(row->major, row->minor) && !has_node(context->spec, row) &&
		    !allowed_by_profile(context, NULL, row->major, row->minor))
			r = report_rule(rule, findings, err, i, row, "allows a device that the profile does not list");
	}
	return r;
}

#define ALLOW_DEVICE "\"devices\": {\"allow\": [\"/dev/fuse\"]}"

// clang-format off
static const struct cfd_rule rules[] = {
	{ "device.block", CFD_RULE_NEVER, "a block device",
	  "the disk below every file permission: the host's root filesystem can be read and written with debugfs(8)",
	  CFD_REF_CIS "5.18", NULL, check_block },
	{ "device.forbidden", CFD_RULE_NEVER, "a character device that controls the host",
	  "memory, disks, input or kernel facilities of the host",
	  CFD_REF_CIS "5.18; Linux admin-guide/devices.txt", NULL, check_forbidden },
	{ "device.path", CFD_RULE_NEVER, "a device node outside of /dev",
	  "the node replaces a file of the image, or is made through a link of the image",
	  CFD_REF_SPEC "config-linux.md, Devices", NULL, check_path },
	{ "device.mismatch", CFD_RULE_NEVER, "a device whose path and numbers are two different devices",
	  "in a user namespace the runtime binds the host's node of that path, whatever the numbers say",
	  "runc libcontainer/rootfs_linux.go, bindMountDeviceNode", NULL, check_mismatch },
	{ "device.not-allowed", CFD_RULE_ALLOWED, "a device that the profile does not list",
	  "drivers of the host parse what the container sends them",
	  CFD_REF_CIS "5.18", ALLOW_DEVICE, check_not_allowed },
	{ "device.cgroup-wildcard", CFD_RULE_NEVER, "a cgroup rule that allows devices without naming them",
	  "with CAP_MKNOD, or with a node that the image brings, every device of the host",
	  CFD_REF_PSS "Privileged Containers", NULL, check_cgroup_wildcard },
	{ "device.cgroup-block", CFD_RULE_NEVER, "a cgroup rule that allows a block device",
	  "with CAP_MKNOD, or with a node that the image brings, a disk of the host",
	  CFD_REF_CIS "5.18", NULL, check_cgroup_block },
	{ "device.cgroup-device", CFD_RULE_ALLOWED, "a cgroup rule for a device that the profile does not list",
	  "with CAP_MKNOD, or with a node that the image brings, that device of the host",
	  CFD_REF_CIS "5.18", ALLOW_DEVICE, check_cgroup_device },
};
// clang-format on

const struct cfd_rule_group cfd_rules_devices = {"devices", rules, CFD_COUNT(rules)};

const struct cfd_rule *cfd_rules_never_device(const char *path, const char **ret_message)
{
	struct stat st;

	if (lstat(path, &st))
		return NULL;
	*ret_message = S_ISBLK(st.st_mode)   ? "a block device of the host"
		       : S_ISCHR(st.st_mode) ? why_forbidden((int64_t)major(st.st_rdev), (int64_t)minor(st.st_rdev))
					     : NULL;
	return *ret_message ? cfd_rule_find(S_ISBLK(st.st_mode) ? "device.block" : "device.forbidden") : NULL;
}
