# SPDX-License-Identifier: Apache-2.0
# How each kind of test is built and run. The closing line of every kind is `N passed, N failed`.

# Parts of programs that have unit tests are linked beside the library.
UNIT_OBJ := $(call objects,$(UNIT_SRC) shim/args.c shim/exec_args.c shim/inherit.c shim/launch.c shim/options.c shim/ways.c hook/call.c hook/insist.c)
TEST_LIBS = $(shell $(PKG_CONFIG) --libs criterion 2>/dev/null) $(SHARED_LIBS)

# Binaries of tests are linked dynamically: Criterion has no static archive.
$(BUILD)/test-unit: $(UNIT_OBJ) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $(UNIT_OBJ) $(LIBRARY) $(TEST_LIBS)

check-unit: $(BUILD)/test-unit
	$(Q)tests/criterion unit $(BUILD)/test-unit $(if $(FILTER),--filter '$(FILTER)')

SIM_OBJ := $(call objects,$(SIM_SRC))

$(BUILD)/test-sim: $(SIM_OBJ) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $(SIM_OBJ) $(LIBRARY) $(TEST_LIBS)

check-sim: $(BUILD)/test-sim
	$(Q)tests/criterion sim $(BUILD)/test-sim $(if $(FILTER),--filter '$(FILTER)')

# Each header compiles alone, and a third-party library is known by one .c file.
check-headers:
	$(Q)tests/headers.sh '$(CC) $(CPPFLAGS) -std=gnu17 $(WARN)' $(HEADERS)

# What fails must be seen to fail.
.PHONY: check-harness
check-harness:
	$(Q)tests/harness.sh

# TESTS='10-runtime' selects.
check-live: all vm-bin
	$(Q)BUILD='$(BUILD)' tests/live/run

# Programs for the VM, whose user space is another release: linked like the product.
VM_BIN_SRC := $(wildcard tests/vm/bin/*.c)
VM_BIN     := $(patsubst tests/vm/bin/%.c,$(BUILD)/vm-bin/%,$(VM_BIN_SRC))

$(BUILD)/vm-bin/%: $(BUILD)/obj/tests/vm/bin/%.o $(LIBRARY)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LINK_LIBS)

# Who drives the guard, with the library; and what is called inside, without it.
GUARD_TRY_OBJ := $(call objects,$(wildcard tests/vm/try/*.c))
GUARD_ACT_OBJ := $(call objects,$(wildcard tests/vm/act/*.c))

$(BUILD)/vm-bin/guard-try: $(GUARD_TRY_OBJ) $(LIBRARY)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $(GUARD_TRY_OBJ) $(LIBRARY) $(LINK_LIBS)

$(BUILD)/vm-bin/guard-act: $(GUARD_ACT_OBJ)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $(GUARD_ACT_OBJ)

# What is tried from inside of a container, knowing nothing of cofferdam.
ATTACK_OBJ := $(call objects,$(filter-out %/preload.c,$(wildcard tests/vm/attacks/*.c)))

$(BUILD)/vm-bin/attack: $(ATTACK_OBJ)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $(ATTACK_OBJ)

# What LD_PRELOAD brings in.
$(BUILD)/vm-bin/preload.so: $(BUILD)/obj/tests/vm/attacks/preload.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -shared $(LDFLAGS) -o $@ $<

.PHONY: vm-bin
vm-bin: $(VM_BIN) $(BUILD)/vm-bin/guard-try $(BUILD)/vm-bin/guard-act $(BUILD)/vm-bin/attack $(BUILD)/vm-bin/preload.so

# KERNEL='6.1 6.12' (7.2 too when left out) and TESTS='20-guard' select; tests/vm/run boots a VM for a script of your own.
check-vm: all vm-bin
	$(Q)BUILD='$(BUILD)' tests/vm/check

# What the kinds of tests would build: tests/run runs two of them at a time.
.PHONY: build-tests
build-tests: all vm-bin $(BUILD)/test-unit $(BUILD)/test-sim $(BUILD)/mutants/rules

# Everything, after installing what is missing. KINDS='unit vm' selects.
check: deps
	+$(Q)MAKE='$(MAKE)' BUILD='$(BUILD)' tests/run

# Would a test notice if a row of a rule's table were gone? Only the rules are built again, so that tables lie where they can
# be changed, and with a directory of its own for the configuration, as one row is that; the tests are those of check-unit,
# the corpus first, which kills most.
MUTANT_SRC := tests/unit/rules_corpus.c tests/unit/corpus.c $(filter-out %_corpus.c,$(wildcard tests/unit/rules*.c)) tests/unit/annotations.c \
              tests/mutants/main.c $(wildcard lib/rules/*.c) lib/caps.c lib/spec/annotations.c
MUTANT_OBJ := $(patsubst %.c,$(BUILD)/mutants/obj/%.o,$(MUTANT_SRC))

$(BUILD)/mutants/obj/%.o: %.c | pkgs
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -Itests/mutants $(CPPFLAGS) -UCFD_SYSCONFDIR -DCFD_SYSCONFDIR='"/nowhere/cofferdam"' $(CFLAGS) -U_FORTIFY_SOURCE -O0 -g -MMD -MP -c -o $@ $<

$(BUILD)/mutants/rules: $(MUTANT_OBJ) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -no-pie $(LDFLAGS) -o $@ $(MUTANT_OBJ) $(LIBRARY) $(SHARED_LIBS)

.PHONY: check-mutants
check-mutants: $(BUILD)/mutants/rules
	$(Q)tests/mutants/tables $< > $(BUILD)/mutants/tables
	@echo "$$(cat tests/corpus/rules/*/*.json | grep -c '"patch":') cases in tests/corpus/rules, $$(ls tests/corpus/engines | wc -l) whole configurations"
	$(Q)$< < $(BUILD)/mutants/tables

-include $(MUTANT_OBJ:.o=.d)

# Every reader of what others write, against libFuzzer; parts of programs are linked beside the library.
FUZZ_TARGETS := json spec profile seccomp state policy argv dns text
FUZZ_OBJ     := $(call objects,tests/fuzz/common.c shim/args.c shim/exec_args.c shim/options.c hook/call.c)

$(BUILD)/fuzz-%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_OBJ) $(LIBRARY)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -pie $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJ) $(LIBRARY) $(SHARED_LIBS)

fuzz-coverage: $(patsubst %,$(BUILD)/fuzz-%,$(FUZZ_TARGETS))
	$(Q)tests/fuzz/seeds $(BUILD)/seeds
	$(Q)BUILD='$(BUILD)' tests/fuzz/coverage $(FUZZ_TARGETS)

# TIME=600 for longer; TARGET='json spec' selects.
fuzz: $(patsubst %,$(BUILD)/fuzz-%,$(or $(TARGET),$(FUZZ_TARGETS)))
	$(Q)tests/fuzz/seeds $(BUILD)/seeds
	$(Q)BUILD='$(BUILD)' TIME='$(or $(TIME),60)' SEED='$(SEED)' tests/fuzz/run $(or $(TARGET),$(FUZZ_TARGETS))

# The demonstration runs here if the kernel loads BPF LSM programs, which needs cgroup2 too; else in a VM, which has podman.
DEPS_DEMO := $(if $(filter cgroup2fs,$(shell stat -f -c %T /sys/fs/cgroup 2>/dev/null)),podman netavark aardvark-dns)

$(BUILD)/cofferdam-demo-app: $(BUILD)/obj/tests/demo/app.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $<

.PHONY: demo-run
demo-run: all $(BUILD)/cofferdam-demo-app
	$(Q)BUILD='$(BUILD)' tests/demo/run

demo: deps
	$(call apt_install,$(DEPS_DEMO))
	+$(Q)$(MAKE) -s demo-run

# What it costs. Built as the product is; the VM part needs BPF LSM.
$(BUILD)/bench/bench-pairs: $(BUILD)/obj/tests/bench/pairs.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $<

# The workload and who times it, for the VM: no library.
$(BUILD)/bench/bench-work $(BUILD)/bench/bench-turns: $(BUILD)/bench/bench-%: $(BUILD)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $<

$(BUILD)/bench/bench-seccomp: $(BUILD)/obj/tests/bench/seccomp.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LINK_LIBS)

$(BUILD)/bench/bench-guard: $(BUILD)/obj/tests/bench/guard.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LINK_LIBS)

$(BUILD)/bench/bench-reader: $(BUILD)/obj/tests/bench/reader.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LINK_LIBS)

$(BUILD)/bench/bench-rootfs: $(BUILD)/obj/tests/bench/rootfs.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LINK_MODE) $(LDFLAGS) -o $@ $< $(LIBRARY) $(LINK_LIBS)

# A user namespace's files: prepared, and by chown; fifty creates at once.
.PHONY: bench-rootfs
bench-rootfs: all vm-bin $(BUILD)/bench/bench-rootfs $(BUILD)/bench/bench-seccomp $(BUILD)/cofferdam-demo-app
	$(Q)tests/isolated tests/bench/rootfs.py '$(abspath $(BUILD))' $(or $(ROUNDS),7)

# config.json alone: read, judged, amended, written; and hostile ones.
.PHONY: bench-reader
bench-reader: all vm-bin $(BUILD)/bench/bench-reader $(BUILD)/bench/bench-seccomp $(BUILD)/cofferdam-demo-app
	$(Q)tests/isolated '$(abspath $(BUILD))/bench/bench-reader' tests/corpus/config/podman-4.3.json \
	  /usr/local/share/cofferdam/profiles $(or $(ROUNDS),50)

# What the guard costs those that run, in instructions: KERNEL='6.1 6.12' selects, ROUNDS=100 for steadier figures.
BENCH_VM := $(addprefix $(BUILD)/bench/bench-,guard turns work)

.PHONY: bench-vm
bench-vm: all vm-bin $(BENCH_VM)
	$(Q)BUILD='$(BUILD)' tests/bench/guard $(or $(ROUNDS),40) $(or $(KERNEL),6.1 6.12 7.2)

# ROUNDS=100 for steadier figures.
bench: deps
	+$(Q)$(MAKE) -s bench-run

.PHONY: bench-run
bench-run: all vm-bin $(BUILD)/bench/bench-pairs $(BUILD)/bench/bench-seccomp $(BUILD)/cofferdam-demo-app
	$(Q)tests/isolated tests/bench/start.sh '$(abspath $(BUILD))' $(or $(ROUNDS),50)
	@echo
	+$(Q)$(MAKE) -s bench-rootfs ROUNDS=
	@echo
	+$(Q)$(MAKE) -s bench-reader
	@echo
	$(Q)tests/vm/run 6.12 --bin '$(BUILD)/bench/bench-pairs' --bin '$(BUILD)/bench/bench-seccomp' -- tests/bench/attach.sh
	@echo
	$(Q)tests/vm/run 6.12 --bin '$(BUILD)/bench/bench-pairs' -- tests/bench/engines.sh
