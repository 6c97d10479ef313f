# SPDX-License-Identifier: Apache-2.0
# cofferdam: `make help` lists the targets. V=1 shows the commands; WERROR=1 makes warnings errors.

VERSION := 0.1.0

PREFIX      ?= /usr/local
DESTDIR     ?=
BINDIR      ?= $(PREFIX)/bin
LIBEXECDIR  ?= $(PREFIX)/libexec/cofferdam
DATADIR     ?= $(PREFIX)/share/cofferdam
MANDIR      ?= $(PREFIX)/share/man
SYSCONFDIR  ?= /etc
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR     ?= $(PREFIX)/lib/systemd/system

CC         ?= gcc
CLANG      ?= clang
BPFTOOL    ?= bpftool
PKG_CONFIG ?= pkg-config
LOWDOWN    ?= lowdown

# Some goals need everything built otherwise, each in a build directory of its own: `make asan TARGET...` builds TARGET with
# the sanitizers; `make fuzz` needs clang's libFuzzer as well.
ifneq ($(filter asan,$(MAKECMDGOALS)),)
BUILD     ?= build/asan
SANITIZE  := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
HARDEN    :=
LINK_MODE :=
else ifneq ($(filter fuzz,$(MAKECMDGOALS)),)
BUILD     := build/fuzz
CC        := $(CLANG)
WERROR    := # gcc is asked; each clang warns in its own way
SANITIZE  := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -fno-omit-frame-pointer \
             -Wno-format-nonliteral
HARDEN    :=
LINK_MODE :=
else ifneq ($(filter fuzz-coverage,$(MAKECMDGOALS)),)
BUILD     := build/fuzz-coverage
CC        := $(CLANG)
WERROR    :=
SANITIZE  := -fprofile-instr-generate -fcoverage-mapping -Wno-format-nonliteral
HARDEN    :=
LINK_MODE :=
else
BUILD     ?= build
SANITIZE  :=
HARDEN    := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
LINK_MODE := -static-pie
endif

ifneq ($(V),1)
Q   := @
say  = @printf '  %-8s %s\n' '$(1)' '$(2)'
endif

LIBS_USED := yajl libseccomp libcap-ng libbpf

# Debian 12 and 13 name these alike.
DEPS_BUILD := gcc make clang bpftool pkg-config libc6-dev libyajl-dev libseccomp-dev libcap-ng-dev \
              libbpf-dev libelf-dev zlib1g-dev lowdown
DEPS_TEST  := libclang-rt-dev llvm libcriterion-dev busybox-static runc crun mmdebstrap libcap2-bin e2fsprogs xfsprogs btrfs-progs \
              qemu-system-x86 \
              cpio xz-utils zstd kmod python3 python3-jsonschema libxml2-utils iproute2 mount util-linux strace debian-archive-keyring

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla \
        -Wformat=2 -Wundef -Wpointer-arith -Wimplicit-fallthrough $(if $(filter 1,$(WERROR)),-Werror)
CFLAGS ?= -O2 -g
override CPPFLAGS += -D_GNU_SOURCE -DCFD_VERSION='"$(VERSION)"' -DCFD_SYSCONFDIR='"$(SYSCONFDIR)/cofferdam"' \
            -DCFD_DATADIR='"$(DATADIR)"' -DCFD_LIBEXECDIR='"$(LIBEXECDIR)"' -I. -I$(BUILD)/gen
override CFLAGS   += -std=gnu17 -fPIE -fno-strict-aliasing $(WARN) $(HARDEN) $(SANITIZE) \
            $(shell $(PKG_CONFIG) --cflags $(LIBS_USED) 2>/dev/null)
override LDFLAGS  += -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(SANITIZE)

# yajl's static archive has a name of its own, which its .pc file does not tell.
STATIC_LIBS = -lyajl_s $(shell $(PKG_CONFIG) --static --libs libseccomp libcap-ng libbpf 2>/dev/null)
SHARED_LIBS = $(shell $(PKG_CONFIG) --libs $(LIBS_USED) 2>/dev/null)
LINK_LIBS   = $(if $(LINK_MODE),$(STATIC_LIBS),$(SHARED_LIBS))

LIB_SRC   := $(wildcard lib/*.c lib/*/*.c)
BPF_SRC   := $(wildcard bpf/*.bpf.c)
UNIT_SRC  := $(wildcard tests/unit/*.c)
SIM_SRC   := $(wildcard tests/sim/*.c)
HEADERS   := $(wildcard lib/*.h lib/*/*.h hook/*.h shim/*.h cli/*.h bpf/*.h tests/*/*.h tests/vm/*/*.h)
MAN_SRC   := $(wildcard doc/man/*.md)

objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
SKELETONS := $(patsubst bpf/%.bpf.c,$(BUILD)/gen/%.skel.h,$(BPF_SRC))
LIBRARY   := $(BUILD)/libcofferdam.a

cofferdam-runtime_SRC := $(wildcard shim/*.c)
cofferdam-hook_SRC    := $(wildcard hook/*.c)
cofferdam_SRC         := $(wildcard cli/*.c)
PROGRAM_NAMES := $(foreach p,cofferdam-runtime cofferdam-hook cofferdam,$(if $($(p)_SRC),$(p)))
PROGRAMS      := $(addprefix $(BUILD)/,$(PROGRAM_NAMES))

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help all check check-headers check-unit check-sim check-live check-vm asan fuzz fuzz-coverage bench demo deps \
        deps-build pkgs man install uninstall clean

help:
	@echo 'cofferdam $(VERSION)'
	@echo '  make demo           install what is needed, build, and show it on real containers (root)'
	@echo '  make check          install what is needed, build, run every test (root)'
	@echo '  make all            build $(BUILD)/cofferdam-runtime, cofferdam-hook, cofferdam'
	@echo '  make check-headers  each header compiles alone; no vendor type leaves its file'
	@echo '  make check-unit     unit tests (no privilege)'
	@echo '  make check-sim      system calls through compiled seccomp filters (no privilege)'
	@echo '  make check-mutants  is every row of a rule missed by a test when it is gone? (root)'
	@echo '  make check-live     real runtimes on this machine (root)'
	@echo '  make check-vm       Debian kernels under QEMU, where BPF LSM can be loaded'
	@echo '  make asan TARGET    the same with address and undefined-behaviour sanitizers'
	@echo '  make fuzz           every reader against libFuzzer, TIME=60 seconds each; TARGET=json selects'
	@echo '  make fuzz-coverage  what of the readers the corpora of `make fuzz` reach'
	@echo '  make bench          what it costs: interleaved pairs, medians, ratios (root)'
	@echo '  make bench-rootfs   what a user namespace costs an image: prepared, and by chown (root)'
	@echo '  make bench-reader   what reading and judging config.json costs, and hostile ones (root)'
	@echo '  make bench-vm       what the guard costs programs in a container, in instructions (three kernels)'
	@echo '  make deps           install what building and testing need (Debian; root)'
	@echo '  make man            build the man pages'
	@echo '  make install        install under PREFIX=$(PREFIX), DESTDIR=$(DESTDIR)'
	@echo '  make uninstall      remove what install put there'
	@echo '  make clean          remove $(BUILD)'
	@echo 'Variables: PREFIX DESTDIR V=1 WERROR=1 CC CFLAGS BUILD'

all: $(PROGRAMS)

asan: all

# One line for each library that is missing, before the first compile.
pkgs:
	@missing=0; for p in $(LIBS_USED); do $(PKG_CONFIG) --exists $$p 2>/dev/null || \
	  { echo "make: pkg-config does not find $$p: install its development package (Debian: make deps)"; missing=1; }; done; \
	for t in $(CLANG) $(BPFTOOL); do command -v $$t >/dev/null || \
	  { echo "make: $$t is missing: install it (Debian: make deps)"; missing=1; }; done; \
	exit $$missing

# Installs only what is missing, so that a second run needs no network.
define apt_install
	@want=''; for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || want="$$want $$p"; done; \
	if [ -n "$$want" ]; then echo "installing:$$want"; apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $$want >/dev/null; fi
endef

deps-build:
	$(call apt_install,$(DEPS_BUILD))

deps: deps-build
	$(call apt_install,$(DEPS_TEST))

$(BUILD)/obj/%.o: %.c | pkgs
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h) | pkgs
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf -mcpu=v3 -O2 -g -fdebug-compilation-dir=. -Wall -Wextra -Werror -I. -c -o $@.full $<
	$(Q)$(BPFTOOL) gen object $@ $@.full && rm $@.full # leaves the debug information behind

$(BUILD)/gen/%.skel.h: $(BUILD)/gen/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name cfd_$(subst -,_,$*)_bpf > $@
	$(Q)printf '#define CFD_BPF_ID_%s "%.16s"\n' '$(subst -,_,$*)' "$$(sha256sum < $<)" >> $@ # names what is pinned

# Only guard.c knows libbpf, so only it includes the skeleton.
$(BUILD)/obj/lib/guard/guard.o: $(SKELETONS)

$(LIBRARY): $(call objects,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define program_rule
$(BUILD)/$(1): $(call objects,$($(1)_SRC)) $(LIBRARY)
	$$(call say,LINK,$$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $$@ $(call objects,$($(1)_SRC)) $(LIBRARY) $$(LINK_LIBS)
endef
$(foreach p,$(PROGRAM_NAMES),$(eval $(call program_rule,$(p))))

-include tests/tests.mk

man: $(patsubst doc/man/%.md,$(BUILD)/man/%,$(MAN_SRC))

$(BUILD)/man/%: doc/man/%.md
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(LOWDOWN) -s -Tman --out-no-smarty -o $@ $<

-include deploy/install.mk

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
