/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything that the programs in the kernel and lib/ share: the state of one container, the network rules, the events.
 * Fixed widths, explicit padding, sizes asserted: both sides are compiled by different compilers for different
 * machines.
 *
 * Integers are in the byte order of the host, addresses in that of the network, IPv4 addresses as ::ffff:a.b.c.d.
 */
#ifndef CFD_BPF_GUARD_H
#define CFD_BPF_GUARD_H

#ifdef __bpf__
#include "bpf/kernel.h"
#define CFD_GUARD_LOCK struct bpf_spin_lock /* no typedef: the kernel looks for a member of that very type */
#else
#include <linux/types.h>
#define CFD_GUARD_LOCK __u32 /* the same size; 0 wherever it is read */
#endif

#define CFD_GUARD_MAGIC 0x63666467u /* a state without it denies everything */
#define CFD_GUARD_VERSION 1u

/* Lists of inode numbers: powers of two, searched by halving. */
#define CFD_GUARD_SHELLS 64
#define CFD_GUARD_ALLOWED 64
#define CFD_GUARD_WRAPPERS 32
#define CFD_GUARD_NO_INODE (~0ull) /* what lists are filled up with; no file has it */
#define CFD_GUARD_FILES_MAX 16     /* files of other filesystems */
#define CFD_GUARD_RESOLVERS 8
#define CFD_GUARD_LISTENS 16
#define CFD_GUARD_RANGES 8 /* of ports, for one network */
#define CFD_GUARD_NETWORKS 4
#define CFD_GUARD_ROUTED_BITS 5
#define CFD_GUARD_ROUTED (1 << CFD_GUARD_ROUTED_BITS) /* destinations that are remembered */
#define CFD_GUARD_ANCESTORS 16                        /* how far from init a process is looked for while starting */

#define CFD_GUARD_PATH 256
#define CFD_GUARD_COMM 16 /* the kernel's TASK_COMM_LEN */

#define CFD_GUARD_NAMES 16      /* host names of net.connect */
#define CFD_GUARD_NAME_RANGES 4 /* of ports, for one name */
#define CFD_GUARD_ADDRESSES 32  /* that they had when the container was created, all together */

/*
 * How long an address that was learned stays, seconds. Programs connect some time after they have asked, and try again:
 * Java keeps an answer for 30 s whatever its TTL. A day is what resolvers (unbound, systemd-resolved) keep at most.
 */
#define CFD_GUARD_LEARNED_MIN 60
#define CFD_GUARD_LEARNED_MAX 86400

/*
 * Entries of maps that forget the eldest, for all containers. The kernel hands free ones to processors by 128, so that
 * fewer would be forgotten early on machines with many of them.
 */
#define CFD_GUARD_LEARNED 16384
#define CFD_GUARD_ASKED 8192

#define CFD_GUARD_ROUTES_MAX 16384
#define CFD_GUARD_POLICIES_MAX 4096
#define CFD_GUARD_PEERS_MAX 16384
#define CFD_GUARD_PEER_SECONDS 120 /* as long as Linux's connection tracking remembers a UDP stream */
#define CFD_GUARD_RING_BYTES (256 * 1024)
#define CFD_GUARD_EXEMPTIONS_MAX 1024 /* containers that have one at a time */
#define CFD_GUARD_RECORDS_MAX 8192    /* of all containers that are recorded at one time */

/* What was judged. */
enum cfd_guard_kind {
	CFD_GUARD_EXEC,
	CFD_GUARD_MMAP,
	CFD_GUARD_CONNECT,
	CFD_GUARD_SEND,
	CFD_GUARD_BIND,
	CFD_GUARD_LISTEN,
	CFD_GUARD_CREATE,
	CFD_GUARD_RECEIVE, /* a descriptor from another process */
	CFD_GUARD_MPROTECT,
	CFD_GUARD_BPF,
	CFD_GUARD_TRACE,
	CFD_GUARD_KINDS,
};

/* Which part of the guard judges what, as sets of kinds. What is in neither cannot be exempted. */
enum cfd_guard_part { CFD_GUARD_PART_EXEC, CFD_GUARD_PART_NET, CFD_GUARD_PARTS };

#define CFD_GUARD_EXEC_KINDS (1u << CFD_GUARD_EXEC | 1u << CFD_GUARD_MMAP | 1u << CFD_GUARD_MPROTECT)
#define CFD_GUARD_NET_KINDS                                                                                            \
	(1u << CFD_GUARD_CONNECT | 1u << CFD_GUARD_SEND | 1u << CFD_GUARD_BIND | 1u << CFD_GUARD_LISTEN |              \
	 1u << CFD_GUARD_CREATE | 1u << CFD_GUARD_RECEIVE)

enum cfd_guard_verdict {
	CFD_GUARD_ALLOWED_IT,
	CFD_GUARD_WOULD_DENY, /* the policy warns only */
	CFD_GUARD_DENIED,
	CFD_GUARD_EXEMPTED, /* denied, but for an exemption (cofferdam exempt) */
};

/* Why: the words that people read are cfd_guard_reason_name()'s. */
enum cfd_guard_reason {
	CFD_GUARD_NO_REASON,
	CFD_GUARD_NO_POLICY,     /* the state is zeroed or of another version */
	CFD_GUARD_SHELL,         /* a shell, and shells are denied */
	CFD_GUARD_SHELL_SEALED,  /* a shell, after the container has started */
	CFD_GUARD_SHELL_FOREIGN, /* a shell, while starting, by a process that init did not start */
	CFD_GUARD_NOT_LISTED,    /* exec.allow, net.connect or net.listen does not have it */
	CFD_GUARD_OTHER_FS,      /* not on the root filesystem */
	CFD_GUARD_CHANGED,       /* on the root filesystem, but not as the image brought it */
	CFD_GUARD_UNLINKED,      /* memfd, O_TMPFILE, deleted */
	CFD_GUARD_FAMILY,        /* a kind of socket that is never allowed */
	CFD_GUARD_SOURCE_ROUTE,  /* a packet that names another way than to its destination */
	CFD_GUARD_ABSTRACT,      /* an abstract unix socket of the host's network namespace */
	CFD_GUARD_FOREIGN,       /* a socket that was made outside of the container */
	CFD_GUARD_FORGED,        /* a socket that would send from an address which is not the machine's */
	CFD_GUARD_WRITABLE,      /* exec.wx: memory that is writable and executable at once */
	CFD_GUARD_ANONYMOUS,     /* exec.wx: executable memory that is of no file */
	CFD_GUARD_MODIFIED,      /* exec.wx: a file's mapping that the process has written into */
	CFD_GUARD_TAMPER,        /* bpf(2), by which the guard could be taken away */
	CFD_GUARD_OUTSIDE,       /* a process that is not of this container */
	CFD_GUARD_REASONS,
};

enum cfd_guard_flag {
	CFD_GUARD_ENFORCE = 1u << 0, /* else: warn */
	CFD_GUARD_LOG_ALLOWED = 1u << 1,
	CFD_GUARD_IMAGE_ONLY = 1u << 2,
	CFD_GUARD_ALLOW_LIST = 1u << 3, /* exec.allow was given; `allowed` is complete */
	CFD_GUARD_OVERLAY = 1u << 4,    /* the root filesystem is an overlay */
	CFD_GUARD_LISTEN_ANY = 1u << 5,
	CFD_GUARD_PING = 1u << 6,     /* ICMP echo sockets: they bypass destinations, so only where there are all */
	CFD_GUARD_WX = 1u << 7,       /* exec.wx: deny */
	CFD_GUARD_RECORD = 1u << 16,  /* what is used is kept in `records` */
	CFD_GUARD_PUT_OFF = 1u << 17, /* resolv.conf and hosts are read at start: no resolvers, no names until then */
};

enum cfd_guard_shells {
	CFD_GUARD_SHELLS_DENY, /* 0, so that what was forgotten denies */
	CFD_GUARD_SHELLS_STARTUP,
	CFD_GUARD_SHELLS_ALLOW,
};

/* What a file of another filesystem than the root may do. */
enum cfd_guard_role {
	CFD_GUARD_LISTED = 1u << 0, /* exec.allow names it, on a volume: it may be executed and mapped */
	CFD_GUARD_INIT = 1u << 1,   /* the engine's own init: likewise, and it wraps (see `wraps`) */
};

struct cfd_guard_file {
	__u64 inode;
	__u32 device; /* of the superblock, as root_dev */
	__u32 roles;  /* enum cfd_guard_role */
};

struct cfd_guard_address {
	__u32 words[4]; /* network byte order */
};

struct cfd_guard_range {
	__u16 first, last; /* ports, host byte order, both included */
	__u8 protocol;     /* IPPROTO_TCP, IPPROTO_UDP; 0: any */
	__u8 unused[3];
};

/* All of it may be reached in this range: what `routes` says too, of each address. */
struct cfd_guard_network {
	__be32 address, mask; /* 0: this and those behind it are unused */
	struct cfd_guard_range range;
};

struct cfd_guard_name { /* a host name of net.connect */
	__u64 hash;     /* of the name, bpf/names.h; 0: it is not followed */
	__u32 count;    /* of ranges */
	__u32 unused;
	struct cfd_guard_range ranges[CFD_GUARD_NAME_RANGES];
};

/*
 * All there is about one container. It appears zeroed when the first program is attached to the cgroup, is filled in by
 * cfd_guard_attach, and goes when the cgroup goes.
 */
struct cfd_guard_state {
	__u32 magic, version;
	__u64 policy;          /* the network rules in `routes` */
	__u64 cgroup;          /* id of the cgroup that is governed */
	__u64 digest;          /* of the policy as it was compiled: tells whether the same one is in force */
	__u64 created;         /* CLOCK_REALTIME ns; files changed since then are not the image's (not on overlay) */
	__u64 root_ino;        /* of the root directory */
	__u32 root_dev;        /* of the superblock, as the kernel encodes it: major << 20 | minor */
	__u32 flags;           /* enum cfd_guard_flag */
	__u32 init_pid;        /* in the initial pid namespace */
	__u32 upper_offset;    /* from struct inode to overlay's upper dentry */
	__u32 outer_mnt_ns[2]; /* inode numbers of mount namespaces where only the runtime is; 0: none */
	__u32 outer_net_ns;    /* of the host's network namespace */
	__u8 shells_mode;      /* enum cfd_guard_shells */
	__u8 unused[3];
	__u16 shell_count, allowed_count, listen_count, name_count;
	__u16 wrapper_count, file_count;
	__u32 root_type;                    /* statfs(2)'s f_type */
	__u64 shells[CFD_GUARD_SHELLS];     /* inode numbers on the root filesystem, ascending, CFD_GUARD_NO_INODE */
	__u64 allowed[CFD_GUARD_ALLOWED];   /* likewise */
	__u64 wrappers[CFD_GUARD_WRAPPERS]; /* likewise: programs that are there to start others */
	struct cfd_guard_file files[CFD_GUARD_FILES_MAX];
	struct cfd_guard_range listens[CFD_GUARD_LISTENS];
	struct cfd_guard_network networks[CFD_GUARD_NETWORKS];
	__u64 name_key[2]; /* random, when a name is followed */
	struct cfd_guard_name names[CFD_GUARD_NAMES];

	/* What is known when the container has its network: not compiled, but read at create or at start. */
	__u32 net_ns; /* the container's; answers elsewhere teach nothing */
	__u16 resolver_count, address_count;
	struct cfd_guard_address resolvers[CFD_GUARD_RESOLVERS];
	struct cfd_guard_address addresses[CFD_GUARD_ADDRESSES]; /* of names */
	__u8 address_names[CFD_GUARD_ADDRESSES];                 /* whose: an index into names */

	/*
	 * What the programs write. The starter is init; or, behind a program like tini, which stays and starts another,
	 * the process that it started.
	 */
	__u64 init_started; /* CLOCK_BOOTTIME ns at which the starter was forked; 0 until it first executes something */
	__u32 sealed;       /* 1: the container has started */
	__u32 starter;      /* thread group, in the initial pid namespace; init_pid to begin with */
	__u32 wraps;        /* 1: the starter runs a wrapper; the first that it starts takes its place */
	__u32 unused2;
	__u64 lost; /* events for which the ring had no room */
	/* What `routes` allowed lately, bpf/net.bpf.h: of this policy, so 0 in a new one. */
	__u64 routed[CFD_GUARD_ROUTED];
	__u64 allowed_times[CFD_GUARD_KINDS], denied_times[CFD_GUARD_KINDS], warned_times[CFD_GUARD_KINDS];
	__u64 exempted_times[CFD_GUARD_KINDS];
};

/*
 * The value of cgroup storage. With the lock, which no program takes, the kernel can write a state into its place. It
 * stands outside, as the verifier lets no function have memory with a lock in it.
 */
struct cfd_guard_container {
	struct cfd_guard_state state;
	CFD_GUARD_LOCK lock;
	__u32 unused;
};

/* Key and value of the trie of network rules. `bits` counts the policy's 64 too. */
struct cfd_guard_route_key {
	__u32 bits;
	__u32 policy[2]; /* low word, high word */
	struct cfd_guard_address address;
};

struct cfd_guard_ports {
	__u32 count; /* 0: nothing there may be reached */
	struct cfd_guard_range ranges[CFD_GUARD_RANGES];
};

/* One rule as lib/policy keeps it; the trie has the key and the value apart. */
struct cfd_guard_route {
	struct cfd_guard_route_key key;
	struct cfd_guard_ports ports;
};

/* The value of `policies`, by id: that all rules of that id are in the trie, and which they are. */
struct cfd_guard_policy {
	__u64 digest; /* a second hash of the rules: two policies with one id are noticed */
	__u32 routes;
	__u32 unused;
};

/*
 * The value of `exemptions`, by cgroup id: until when a part of the guard denies nothing there. The programs ask when
 * they are about to deny, so that nobody is needed to end it. `created` and `init_pid` are those of the state for which
 * it was meant: another container's cgroup that gets the same id is not exempt.
 */
struct cfd_guard_exemption {
	__u64 until[CFD_GUARD_PARTS]; /* CLOCK_BOOTTIME ns, which counts while the machine sleeps */
	__u64 created;
	__u32 init_pid;
	__u32 unused;
};

/*
 * Key of `peers`: who has sent a datagram to a port that the container may listen on, and may be answered from there.
 * The value is when that was, CLOCK_BOOTTIME ns.
 */
struct cfd_guard_peer {
	__u64 cgroup;                     /* the container's */
	__u64 netns;                      /* cookie of the socket's network namespace */
	struct cfd_guard_address address; /* not translated, but for IPv4, which is mapped */
	__u16 port, local_port;           /* host byte order */
	__u32 unused;
};

/* Key and value of `learned`: what a name that is followed stands for now. */
struct cfd_guard_learned_key {
	__u64 cgroup;
	struct cfd_guard_address address;
	__u32 name; /* an index into the state's names */
	__u32 unused;
};

struct cfd_guard_learned {
	__u64 until; /* CLOCK_BOOTTIME ns */
};

#define CFD_GUARD_PROGRAMS 22

/* The one value of `loaded`: what user space keeps for the containers to come. */
struct cfd_guard_loaded {
	__u32 upper_offset; /* what the kernel's own description of its types says of overlayfs; 0: not known yet */
	__u32 containers, policies;         /* ids of the maps of these names */
	__u32 programs[CFD_GUARD_PROGRAMS]; /* ids, in the order of lib/guard/guard.c's table; 0: not loaded */
};

struct cfd_guard_event {
	__u64 time;   /* CLOCK_BOOTTIME ns */
	__u64 cgroup; /* 0 when there was no policy */
	__u64 policy;
	__u32 pid; /* thread group, in the initial pid namespace */
	__u32 uid; /* in the initial user namespace */
	__u8 kind; /* enum cfd_guard_kind */
	__u8 verdict;
	__u8 reason;
	__u8 error;        /* errno that the caller got, or would have got; 0 when allowed */
	__u16 family;      /* AF_...; 0 for exec and mmap */
	__u16 socket_type; /* SOCK_... */
	__u16 protocol;    /* IPPROTO_... */
	__u16 port;        /* host byte order */
	__u32 lost;        /* of its container's events, before this one; UINT32_MAX: that many or more */
	struct cfd_guard_address address; /* as it was judged: translated; the first word alone:
						command of bpf(2), pid to be traced */
	char comm[CFD_GUARD_COMM];
	char path[CFD_GUARD_PATH]; /* as the process sees it; empty for network events; the abstract name without its
				      NUL */
};

#define CFD_GUARD_SESSION 0xff /* beside the kinds: one for each container that is recorded */

/* What was used, in `records`. A file has inode and device, a socket the rest; what does not matter is 0. */
struct cfd_guard_record_key {
	__u64 cgroup;
	__u64 inode;
	struct cfd_guard_address address; /* translated */
	__u32 device;
	__u16 family, type; /* where the reason is about them */
	__u16 protocol, port;
	__u8 kind;   /* enum cfd_guard_kind, or CFD_GUARD_SESSION */
	__u8 reason; /* why no profile but perhaps `any` allows it; 0: a profile can */
	__u8 unused[2];
};

enum cfd_guard_fact { /* about a file, one or more times */
		      CFD_GUARD_FACT_SHELL = 1u << 0,
		      CFD_GUARD_FACT_SCRIPT = 1u << 1,
		      CFD_GUARD_FACT_LATE = 1u << 2, /* after the container had started, or not by what init started */
		      CFD_GUARD_FACT_FOREIGN = 1u << 3, /* not as the image brought it */
};

struct cfd_guard_record {
	__u64 count; /* in a session: what there was no room for */
	__u32 facts;
	__u32 unused;
	char path[CFD_GUARD_PATH]; /* as the process saw it; empty when it is longer than that */
};

_Static_assert(sizeof(struct cfd_guard_record_key) == 48, "cfd_guard_record_key: no padding");
_Static_assert(sizeof(struct cfd_guard_record) == 16 + CFD_GUARD_PATH, "cfd_guard_record");
_Static_assert(sizeof(struct cfd_guard_range) == 8, "cfd_guard_range");
_Static_assert(sizeof(struct cfd_guard_route_key) == 28, "cfd_guard_route_key: no padding");
_Static_assert(sizeof(struct cfd_guard_ports) == 68, "cfd_guard_ports");
_Static_assert(sizeof(struct cfd_guard_route) == 96, "cfd_guard_route");
_Static_assert(sizeof(struct cfd_guard_policy) == 16, "cfd_guard_policy");
_Static_assert(sizeof(struct cfd_guard_peer) == 40, "cfd_guard_peer: no padding");
_Static_assert(sizeof(struct cfd_guard_event) == 336, "cfd_guard_event");

_Static_assert(sizeof(struct cfd_guard_exemption) == 32, "cfd_guard_exemption");
_Static_assert(sizeof(struct cfd_guard_file) == 16, "cfd_guard_file");
_Static_assert(sizeof(struct cfd_guard_name) == 48, "cfd_guard_name");
_Static_assert(sizeof(struct cfd_guard_learned_key) == 32, "cfd_guard_learned_key: no padding");
_Static_assert(sizeof(struct cfd_guard_state) == 3928, "cfd_guard_state");
_Static_assert(sizeof(struct cfd_guard_container) == 3936, "cfd_guard_container");

#endif
