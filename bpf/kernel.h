/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's types, as far as the programs use them, instead of three megabytes of vmlinux.h. Only names and types
 * matter: preserve_access_index makes libbpf look the offsets up in the running kernel, and a member that is not there
 * fails the load. Members that changed their name stand in flavours (`struct inode___old`), tried by
 * bpf_core_field_exists, with the kernel commit that changed them.
 */
#ifndef CFD_BPF_KERNEL_H
#define CFD_BPF_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __le16;
typedef __u16 __be16;
typedef __u32 __le32;
typedef __u32 __be32;
typedef __u64 __le64;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

/* uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_CGROUP_STORAGE = 19,
	BPF_MAP_TYPE_RINGBUF = 27,
};
#define BPF_F_NO_PREALLOC 1u
#define BPF_NOEXIST 1

/* Makes the kernel copy a map's value into its place, with BPF_F_LOCK. The programs do not take it. */
struct bpf_spin_lock {
	__u32 val;
};

/* A socket, as the context of a program has it; as far as it is used. */
struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port; /* host byte order */
};

/* The context of cgroup/bind*, connect*, sendmsg*, recvmsg*: uapi, so its layout is fixed. */
struct bpf_sock_addr {
	__u32 user_family;
	__u32 user_ip4;
	__u32 user_ip6[4];
	__u32 user_port; /* network byte order, in the low 16 bits */
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 msg_src_ip4;
	__u32 msg_src_ip6[4];
	struct bpf_sock *sk __attribute__((aligned(8)));
};

/* The context of cgroup/setsockopt, as far as it is used. */
struct bpf_sockopt {
	struct bpf_sock *sk __attribute__((aligned(8)));
	void *optval __attribute__((aligned(8)));
	void *optval_end __attribute__((aligned(8)));
	__s32 level;
	__s32 optname;
	__s32 optlen;
	__s32 retval;
};

/* The context of cgroup_skb programs, as far as it is used. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol; /* ETH_P_..., network byte order */
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 unused[8];
	__u32 data; /* this and the next become pointers when the program is loaded */
	__u32 data_end;
};

/* uapi numbers of sockets and files */
enum {
	AF_UNSPEC = 0,
	AF_UNIX = 1,
	AF_INET = 2,
	AF_INET6 = 10,
	AF_NETLINK = 16,
	AF_PACKET = 17,
	SOCK_STREAM = 1,
	SOCK_DGRAM = 2,
	SOCK_RAW = 3,
	IPPROTO_IP = 0,
	IPPROTO_ICMP = 1,
	IPPROTO_TCP = 6,
	IPPROTO_UDP = 17,
	IPPROTO_IPV6 = 41,
	IPPROTO_ICMPV6 = 58,
	NETLINK_ROUTE = 0,
	IP_FREEBIND = 15,
	IPV6_FREEBIND = 78,
	EPERM = 1,
	EACCES = 13,
	ENOPROTOOPT = 92,
	EPROTONOSUPPORT = 93,
	EAFNOSUPPORT = 97,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
};

struct sockaddr_in {
	__u16 sin_family;
	__be16 sin_port;
	__be32 sin_addr;
};

struct sockaddr_in6 {
	__u16 sin6_family;
	__be16 sin6_port;
	__be32 sin6_flowinfo;
	__be32 sin6_addr[4];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct net {
	struct ns_common ns;
	__u64 net_cookie;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[]; /* from the root to itself; 7f203bc89eb6, 6.1 */
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct task_struct {
	struct css_set *cgroups;
	struct cred *cred;
	char comm[16];
	int tgid;
	__u64 start_boottime; /* was real_start_time: cf25e24db61c, 5.5 */
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct nsproxy *nsproxy;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	__s64 i_ctime_sec; /* 3aa63a569c64, 6.11 */
	__u32 i_ctime_nsec;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode___6_6 { /* 13bc24457850: until 6.10 */
	struct timespec64 __i_ctime;
};

struct inode___old { /* until 6.5 */
	struct timespec64 i_ctime;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
	unsigned int f_mode;
};

/*
 * A file of a layer that stands behind one of an overlay: 62d53c4a1dfe, 6.5. f_path is the layer's since def3ae83da02,
 * 6.7, which gave user_path to what the user opened; before, f_path is that.
 */
struct backing_file {
	struct path user_path;
};

struct vm_area_struct {
	struct file *vm_file;
	struct anon_vma *anon_vma;
};

struct linux_binprm {
	struct file *file;
	char buf[256]; /* BINPRM_BUF_SIZE; the start of the file, filled before the LSM is asked */
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	unsigned short skc_family;
	__u16 skc_num;    /* local port, host byte order */
	__be16 skc_dport; /* the other side's */
	__be32 skc_daddr;
	struct in6_addr skc_v6_daddr;
	possible_net_t skc_net;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_common __sk_common;
	struct sock_cgroup_data sk_cgrp_data;
	__u16 sk_protocol; /* a whole u16 since bf9765145b85, 5.6 */
	__u16 sk_type;
};

struct sk_buff { /* what a struct __sk_buff is in truth */
	struct sock *sk;
};

struct socket {
	short type;
	struct sock *sk;
};

struct sockaddr {
	unsigned short sa_family;
};

struct sockaddr_un {
	char sun_path[1];
};

struct unix_address {
	int len;
	struct sockaddr_un name[];
};

struct unix_sock {
	struct unix_address *addr;
};

#pragma clang attribute pop

#endif
