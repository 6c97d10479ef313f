/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules of several groups need; for lib/rules and lib/standards. */
#ifndef CFD_RULES_COMMON_H
#define CFD_RULES_COMMON_H

#include "lib/config.h"
#include "lib/image/image.h"
#include "lib/profile/profile.h"
#include "lib/rules/rules.h"
#include "lib/spec/spec.h"

/* The head of a rule's check. */
#define CFD_RULE_CHECK(name)                                                                                           \
	static int name(const struct cfd_rule *rule, const struct cfd_rules_context *context,                          \
			struct cfd_findings *findings, struct cfd_error *err)

/* Whether cofferdam will put this container into a user namespace of its own. */
bool cfd_rules_userns_forced(const struct cfd_rules_context *context);

/*
 * What is refused because it works in the host's user namespace only, for a message; `what` is such a thing: "the
 * host's pid namespace".
 */
#define CFD_HOST_USERNS_MAX 256
void cfd_rules_say_host_userns(const struct cfd_rules_context *context, const char *what,
			       char ret_message[CFD_HOST_USERNS_MAX]);

/* Whether an exception of the profile that is in force lets this subject of the rule pass. */
bool cfd_rules_excepted(const struct cfd_rules_context *context, const char *rule_id, const char *subject);

/* Whether this host's kernel confines by AppArmor. */
bool cfd_rules_host_has_apparmor(void);

/* Whether the NULL-terminated list (or NULL) has the string. */
bool cfd_rules_listed(char *const *list, const char *string);

/* The spec section and file of each rule's row: */
#define CFD_REF_PSS "Kubernetes Pod Security Standards: "
#define CFD_REF_CIS "CIS Docker Benchmark 1.6: "
#define CFD_REF_SPEC "runtime-spec: "

/* What several rules say to allow what they refuse. */
#define CFD_ALLOW_HOST_USERNS "\"userns\": \"host\", \"userns_reason\": \"OPS-91: manages the network of this node\""

#endif
