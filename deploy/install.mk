# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where. PREFIX and DESTDIR as everywhere.

DEPLOY_FILES := $(filter-out deploy/systemd/%,$(wildcard deploy/*/*))
UNITS        := $(wildcard deploy/systemd/*.service)
MAN_PAGES     = $(patsubst doc/man/%.md,%,$(MAN_SRC))

# $(call put,MODE,FILES,FOLDER)
put = $(if $(strip $(2)),install -m $(1) $(2) $(DESTDIR)$(3)/)
built = $(addprefix $(BUILD)/,$(filter $(1),$(PROGRAM_NAMES)))

# Made by the program itself, from the table of its commands.
SHELLS      = bash zsh fish
COMPLETIONS = $(addprefix $(BUILD)/completion/cofferdam.,$(SHELLS))

$(BUILD)/completion/cofferdam.%: $(BUILD)/cofferdam
	@mkdir -p $(@D)
	$(Q)$< completion $* >$@

install: all man $(COMPLETIONS)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(DATADIR)/profiles/seccomp \
	        $(DESTDIR)$(SYSCONFDIR)/cofferdam/profiles.d
	$(call put,755,$(call built,cofferdam-runtime cofferdam),$(BINDIR))
	$(call put,755,$(call built,cofferdam-hook),$(LIBEXECDIR))
	$(call put,644,$(filter-out profiles/schema.json,$(wildcard profiles/*.json)),$(DATADIR)/profiles)
	$(call put,644,$(wildcard profiles/seccomp/*.json),$(DATADIR)/profiles/seccomp)
	$(call put,644,$(wildcard profiles/schema.json),$(DATADIR))
	install -D -m 644 $(BUILD)/completion/cofferdam.bash $(DESTDIR)$(BASHCOMPDIR)/cofferdam
	install -D -m 644 $(BUILD)/completion/cofferdam.zsh $(DESTDIR)$(ZSHCOMPDIR)/_cofferdam
	install -D -m 644 $(BUILD)/completion/cofferdam.fish $(DESTDIR)$(FISHCOMPDIR)/cofferdam.fish
	@for f in $(UNITS); do install -d $(DESTDIR)$(UNITDIR) && \
	  sed -e 's|@BINDIR@|$(BINDIR)|g' $$f >$(DESTDIR)$(UNITDIR)/$${f##*/} && \
	  chmod 644 $(DESTDIR)$(UNITDIR)/$${f##*/} || exit 1; done
	@for f in $(DEPLOY_FILES); do d=$(DESTDIR)$(DATADIR)/$${f%/*}; install -d $$d && \
	  sed -e 's|@BINDIR@|$(BINDIR)|g' -e 's|@LIBEXECDIR@|$(LIBEXECDIR)|g' $$f >$$d/$${f##*/} && \
	  chmod 644 $$d/$${f##*/} || exit 1; done
	@for page in $(MAN_PAGES); do d=$(DESTDIR)$(MANDIR)/man$${page##*.}; install -d $$d && \
	  install -m 644 $(BUILD)/man/$$page $$d/ || exit 1; done
	@echo
	@echo 'Next: give cofferdam a pool of ids, one line in each of two files, for example'
	@echo '  echo cofferdam:1879048192:67108864 >> /etc/subuid'
	@echo '  echo cofferdam:1879048192:67108864 >> /etc/subgid'
	@echo 'then ask `cofferdam doctor` what this host has, and tell your engine: $(DATADIR)/deploy'

# Configuration and profiles of the administrator's stay.
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/cofferdam-runtime $(DESTDIR)$(BINDIR)/cofferdam
	rm -f $(DESTDIR)$(BASHCOMPDIR)/cofferdam $(DESTDIR)$(ZSHCOMPDIR)/_cofferdam $(DESTDIR)$(FISHCOMPDIR)/cofferdam.fish
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS)))
	rm -rf $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(DATADIR)
	@for page in $(MAN_PAGES); do rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
