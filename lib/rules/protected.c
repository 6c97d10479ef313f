/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a host that no container gets by accident. */
#include "lib/rules/protected.h"

#include "lib/path.h"

#include <string.h>

#define ROOT "mount.host-root"
#define KERNEL "mount.host-kernel"
#define TREE "mount.host-tree"
#define SYSTEM "mount.host-system"
#define RUN "mount.host-run"
#define ENGINE "mount.engine-socket"
#define STATE "mount.engine-state"
#define OURS "mount.cofferdam"

// clang-format off
const struct cfd_protected cfd_protected[] = {
	{ "/",                   ROOT,   NULL,   "the whole host" },
	{ "/proc",               KERNEL, KERNEL, "the host's /proc" },
	{ "/sys",                KERNEL, KERNEL, "the host's /sys" },
	{ "/dev",                KERNEL, KERNEL, "the host's /dev" },
	{ "/boot",               TREE,   SYSTEM, "kernels and the boot loader" },
	{ "/efi",                TREE,   SYSTEM, "the boot loader" },
	{ "/etc",                TREE,   SYSTEM, "the host's configuration" },
	{ "/usr",                TREE,   SYSTEM, "the host's programs and libraries" },
	{ "/bin",                TREE,   SYSTEM, "the host's programs" },
	{ "/sbin",               TREE,   SYSTEM, "the host's programs" },
	{ "/lib",                TREE,   SYSTEM, "the host's libraries and kernel modules" },
	{ "/lib32",              TREE,   SYSTEM, "the host's libraries" },
	{ "/lib64",              TREE,   SYSTEM, "the host's libraries" },
	{ "/libx32",             TREE,   SYSTEM, "the host's libraries" },
	{ "/root",               TREE,   SYSTEM, "root's home" },
	{ "/home",               TREE,   SYSTEM, "the homes of the host's users" },
	{ "/opt/cni",            TREE,   SYSTEM, "network plugins that the host runs as root" },
	{ "/var/log",            TREE,   SYSTEM, "the host's logs, in which links can be planted for those who read them" },
	{ "/var/spool/cron",     TREE,   SYSTEM, "jobs that the host runs as root" },
	{ "/var/lib/lxcfs",      TREE,   SYSTEM, "a view of the host's cgroups" },
	{ "/var/lib/systemd",    TREE,   SYSTEM, "systemd's state" },
	{ "/var/lib/dpkg",       TREE,   SYSTEM, "scripts of the package manager" },
	{ "/var/lib/rpm",        TREE,   SYSTEM, "the package manager's database" },
	{ "/run",                TREE,   RUN,    "sockets and state of the host's services" },
	{ "/run/docker.sock",    ENGINE, ENGINE, "socket of a container engine" },
	{ "/run/docker",         ENGINE, ENGINE, "sockets and state of Docker" },
	{ "/run/containerd",     ENGINE, ENGINE, "sockets and state of containerd" },
	{ "/run/crio",           ENGINE, ENGINE, "sockets and state of CRI-O" },
	{ "/run/podman",         ENGINE, ENGINE, "sockets and state of podman" },
	{ "/run/libpod",         ENGINE, ENGINE, "state of podman" },
	{ "/run/containers",     ENGINE, ENGINE, "state of podman or CRI-O" },
	{ "/run/crun",           ENGINE, ENGINE, "state of the OCI runtime" },
	{ "/run/runc",           ENGINE, ENGINE, "state of the OCI runtime" },
	{ "/run/buildkit",       ENGINE, ENGINE, "sockets of BuildKit" },
	{ "/run/cri-dockerd.sock", ENGINE, ENGINE, "socket of a container engine" },
	{ "/run/dockershim.sock", ENGINE, ENGINE, "socket of a container engine" },
	{ "/run/k3s",            ENGINE, ENGINE, "sockets and state of containerd" },
	{ "/run/netns",          ENGINE, ENGINE, "network namespaces of other containers" },
	{ "/var/lib/kubelet",    STATE,  STATE,  "the kubelet's pods, secrets and plugin sockets" },
	{ "/var/lib/docker",     STATE,  STATE,  "images and containers of Docker" },
	{ "/var/lib/containerd", STATE,  STATE,  "images and containers of containerd" },
	{ "/var/lib/containers", STATE,  STATE,  "images and containers of podman or CRI-O" },
	{ "/var/lib/crio",       STATE,  STATE,  "state of CRI-O" },
	{ "/var/lib/buildkit",   STATE,  STATE,  "state of BuildKit" },
	{ "/var/lib/cni",        STATE,  STATE,  "state of the network plugins" },
	{ "/var/lib/etcd",       STATE,  STATE,  "every secret of the cluster" },
	{ "/var/lib/rancher",    STATE,  STATE,  "state and credentials of the cluster" },
	{ "/etc/kubernetes",     STATE,  STATE,  "credentials of the cluster" },
	{ "/etc/cni",            TREE,   SYSTEM, "network plugins that the host runs as root" },
	{ "/etc/cofferdam",      OURS,   OURS,   "cofferdam's configuration" },
	{ "/run/cofferdam",      OURS,   OURS,   "cofferdam's state" },
	{ "/var/cache/cofferdam", OURS,  OURS,   "cofferdam's caches" },
	{ "/var/log/cofferdam",  OURS,   OURS,   "cofferdam's audit log" },
	{ CFD_SYSCONFDIR,        OURS,   OURS,   "cofferdam's configuration" },
};

/* Where distributions and people put them: below /run/user, in a mounted volume, anywhere. */
static const char *const socket_names[] = {
	"docker.sock", "podman.sock", "containerd.sock", "containerd.sock.ttrpc", "crio.sock", "buildkitd.sock",
	"cri-dockerd.sock", "dockershim.sock", "frakti.sock", "docker_engine.sock", "libpod.sock", "nerdctl.sock",
};
// clang-format on

const size_t cfd_protected_count = CFD_COUNT(cfd_protected);

const struct cfd_protected *cfd_protected_find(const char *path)
{
	const struct cfd_protected *best = NULL;

	for (size_t i = 0; i < cfd_protected_count; i++) {
		const struct cfd_protected *row = &cfd_protected[i];
		const char *rest = cfd_path_beneath(path, row->path);

		if (rest && (!*rest || row->inside) && (!best || strlen(row->path) > strlen(best->path)))
			best = row;
	}
	return best;
}

const struct cfd_protected *cfd_protected_ancestor(const char *path)
{
	for (size_t i = 0; i < cfd_protected_count; i++) {
		const char *rest = cfd_path_beneath(cfd_protected[i].path, path);

		if (rest && *rest)
			return &cfd_protected[i];
	}
	return NULL;
}

bool cfd_protected_socket_name(const char *name)
{
	for (size_t i = 0; i < CFD_COUNT(socket_names); i++)
		if (cfd_streq(socket_names[i], name))
			return true;
	return false;
}
