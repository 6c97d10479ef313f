/* SPDX-License-Identifier: Apache-2.0 */
/* The words for the numbers of the guard's events. */
#include "bpf/guard.h"
#include "lib/guard/guard.h"

static const char *const kinds[CFD_GUARD_KINDS] = {
	[CFD_GUARD_EXEC] = "exec",     [CFD_GUARD_MMAP] = "mmap",       [CFD_GUARD_CONNECT] = "connect",
	[CFD_GUARD_SEND] = "send",     [CFD_GUARD_BIND] = "bind",       [CFD_GUARD_LISTEN] = "listen",
	[CFD_GUARD_CREATE] = "create", [CFD_GUARD_RECEIVE] = "receive", [CFD_GUARD_MPROTECT] = "mprotect",
	[CFD_GUARD_BPF] = "bpf",       [CFD_GUARD_TRACE] = "trace",
};

static const char *const verdicts[] = {
	[CFD_GUARD_ALLOWED_IT] = "allowed",
	[CFD_GUARD_WOULD_DENY] = "would-deny",
	[CFD_GUARD_DENIED] = "denied",
	[CFD_GUARD_EXEMPTED] = "exempted",
};

static const char *const reasons[CFD_GUARD_REASONS] = {
	[CFD_GUARD_NO_REASON] = "none",
	[CFD_GUARD_NO_POLICY] = "no-policy",
	[CFD_GUARD_SHELL] = "shell",
	[CFD_GUARD_SHELL_SEALED] = "shell-sealed",
	[CFD_GUARD_SHELL_FOREIGN] = "shell-foreign",
	[CFD_GUARD_NOT_LISTED] = "not-listed",
	[CFD_GUARD_OTHER_FS] = "other-filesystem",
	[CFD_GUARD_CHANGED] = "changed",
	[CFD_GUARD_UNLINKED] = "unlinked",
	[CFD_GUARD_FAMILY] = "socket-family",
	[CFD_GUARD_SOURCE_ROUTE] = "source-route",
	[CFD_GUARD_ABSTRACT] = "abstract-socket",
	[CFD_GUARD_FOREIGN] = "foreign-socket",
	[CFD_GUARD_FORGED] = "forged-sender",
	[CFD_GUARD_WRITABLE] = "writable-and-executable",
	[CFD_GUARD_ANONYMOUS] = "anonymous-memory",
	[CFD_GUARD_MODIFIED] = "modified-mapping",
	[CFD_GUARD_TAMPER] = "tamper",
	[CFD_GUARD_OUTSIDE] = "outside",
};

static const char *name_of(const char *const *names, size_t count, uint8_t number)
{
	return number < count && names[number] ? names[number] : "unknown";
}

const char *cfd_guard_kind_name(uint8_t kind)
{
	return name_of(kinds, CFD_COUNT(kinds), kind);
}

const char *cfd_guard_verdict_name(uint8_t verdict)
{
	return name_of(verdicts, CFD_COUNT(verdicts), verdict);
}

const char *cfd_guard_reason_name(uint8_t reason)
{
	return name_of(reasons, CFD_COUNT(reasons), reason);
}
