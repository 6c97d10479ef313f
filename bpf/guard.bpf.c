/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guard's programs, one object: they share their maps. See doc/guard.md. */
#include "bpf/dns.bpf.h"
#include "bpf/exec.bpf.h"
#include "bpf/memory.bpf.h"
#include "bpf/net.bpf.h"
#include "bpf/answer.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/unix.bpf.h"
#include "bpf/tamper.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
