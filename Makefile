# SPDX-License-Identifier: MIT
# Makefile - builds, tests and installs ctfg.  Everything it makes is under build/.
#
#   make              the server, build/ctfg
#   make help         every target
#   make SAN=address  the same with AddressSanitizer and UBSan, in build/asan
#
# Overridable: CC, CFLAGS, LDFLAGS, WERROR (empty: warnings do not stop the build), PREFIX, DESTDIR.

VERSION ?= 1.0.0
PREFIX ?= /usr/local
DESTDIR ?=
WERROR ?= -Werror
PORT ?= 8080
FUZZ_SECONDS ?= 60
FUZZ_JOBS ?= 2

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- variants: one folder each, so that they never mix ---------------------------------------

SAN ?=
# The code that checks hides from gcc what a value can be: it then warns of what is not there.
SANITIZE := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
QUIET_SANITIZE := -Wno-conversion -Wno-maybe-uninitialized -Wno-format-truncation -Wno-error
ifeq ($(SAN),)
B := build
OPTIMIZE := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong
# Fat objects: the server links with LTO, unit tests link the same objects without (quickly).
ifeq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
LTO := -flto=auto -ffat-lto-objects
NO_LTO := -fno-lto
endif
else ifeq ($(SAN),address)
B := build/asan
OPTIMIZE := $(SANITIZE) -fsanitize=address,undefined
# db leaves by _exit(), where LeakSanitizer does not look of itself.
EXIT_LEAKS_OBJ := $(B)/obj/test/torture/exit_leaks.o
EXIT_LEAKS := -Wl,--wrap=_exit
else ifeq ($(SAN),thread)
B := build/tsan
OPTIMIZE := $(SANITIZE) -fsanitize=thread
else ifeq ($(SAN),fuzzer)
B := build/fuzz
CC := clang
OPTIMIZE := $(SANITIZE) -fsanitize=fuzzer-no-link,address,undefined
# What a db process takes once in its life is taken anew for every input: less of it is twice as fast.
COMPILE_ONLY := -DRECENT_MAX=256 -DLOG_WRITER_BYTES=65536u
else ifeq ($(SAN),coverage)
B := build/coverage
CC := clang
OPTIMIZE := -O0 -g -fprofile-instr-generate -fcoverage-mapping
# Counters live in a shared mapping of a file, so that they outlive kill -9 (%c, see coverage below).
COMPILE_ONLY := -mllvm -runtime-counter-relocation
else
$(error SAN is one of: address, thread, fuzzer, coverage, or empty)
endif

# ---- flags -----------------------------------------------------------------------------------

PKGS := libuv sqlite3 libxxhash libpcre2-8 jansson libcyaml libsodium libsystemd libbrotlienc zlib
ifneq ($(shell pkg-config --exists libllhttp 2>/dev/null && echo yes),)
PKGS += libllhttp
else
# Debian 12 has llhttp only as the C sources inside node-llhttp.
LLHTTP_DIR := /usr/share/llhttp
LLHTTP_CFLAGS := -isystem /usr/share/include/llhttp
LLHTTP_OBJS := $(patsubst $(LLHTTP_DIR)/%.c,$(B)/llhttp/%.o,$(wildcard $(LLHTTP_DIR)/*.c))
endif
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lwslay -lcsv -lm

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wformat=2 -Wundef $(WERROR) $(if $(SAN),$(if $(filter clang,$(CC)),,$(QUIET_SANITIZE)))
CFLAGS ?=
LDFLAGS ?=
BASE_CFLAGS = -std=gnu11 $(OPTIMIZE) $(COMPILE_ONLY) -fPIE -pthread
ALL_CFLAGS = $(BASE_CFLAGS) $(WARNINGS) -D_GNU_SOURCE -DCTFG_VERSION='"$(VERSION)"' \
	-iquote . $(LLHTTP_CFLAGS) $(PKG_CFLAGS)
ALL_LDFLAGS = $(OPTIMIZE) -pthread -pie -Wl,-z,relro,-z,now $(LDFLAGS)

# ---- what is compiled ------------------------------------------------------------------------

ENGINE_DIRS := master worker db conf shm shm/base
ENGINE_SRCS := $(foreach dir,$(ENGINE_DIRS),$(sort $(wildcard $(dir)/*.c)))
ENGINE_OBJS := $(ENGINE_SRCS:%.c=$(B)/%.o)
MAIN_OBJ := $(B)/master/main.o
PAGE_OBJS := $(B)/page_data.o $(B)/page_bytes.o
LIB_OBJS := $(filter-out $(MAIN_OBJ),$(ENGINE_OBJS)) $(PAGE_OBJS) $(LLHTTP_OBJS)

UNIT_SRCS := $(sort $(shell find test/unit test/property -name '*_test.c' 2>/dev/null))
UNIT_BINS := $(UNIT_SRCS:%.c=$(B)/%)
FUZZ_SRCS := $(sort $(wildcard test/fuzz/*.c))
FUZZ_BINS := $(FUZZ_SRCS:test/fuzz/%.c=$(B)/target/%)
BENCH_SRCS := $(sort $(wildcard bench/clients/*.c bench/bare/*.c))
BENCH_BINS := $(BENCH_SRCS:%.c=$(B)/%)
TORTURE_SRCS := $(sort $(wildcard test/torture/*.c))
TORTURE_BINS := $(B)/torture/powercut $(B)/torture/diskfault $(B)/torture/race
TORTURE_OBJS := $(patsubst test/torture/%.c,$(B)/obj/test/torture/%.o,\
	$(filter-out %/powercut.c %/diskfault.c %/race.c %/exit_leaks.c,$(TORTURE_SRCS)))
HOSTILE_SRCS := $(sort $(wildcard test/hostile/*.c))
HOSTILE_BINS := $(HOSTILE_SRCS:test/%.c=$(B)/%)
PLAYERS_SRCS := $(sort $(wildcard bench/players/*.c))
PLAYERS_OBJS := $(PLAYERS_SRCS:%.c=$(B)/obj/%.o)
OWN_HEADERS := $(wildcard $(addsuffix /*.h,$(ENGINE_DIRS) bench bench/*)) \
	$(sort $(shell find test/unit test/property test/fuzz test/torture -name '*.h' 2>/dev/null))
C_SRCS := $(ENGINE_SRCS) $(UNIT_SRCS) $(FUZZ_SRCS) $(BENCH_SRCS) $(PLAYERS_SRCS) $(TORTURE_SRCS) \
	$(HOSTILE_SRCS)
SHELL_SRCS := .ci/run package/deps $(wildcard test/*.sh test/*/*.sh package/*.sh)

SUITES := $(foreach suite,compat promise hostile browser docs package,$(if $(wildcard test/$(suite)/*.test.mjs),$(suite))) \
	$(if $(wildcard test/torture/*.test.mjs),torture-short)

.PHONY: all
all: $(B)/ctfg $(if $(SAN),,compile_commands.json) ## build the server: build/ctfg

$(B)/ctfg: $(MAIN_OBJ) $(LIB_OBJS) $(EXIT_LEAKS_OBJ)
	$(CC) $(ALL_LDFLAGS) $(LTO) $(EXIT_LEAKS) -o $@ $^ $(LIBS)

# The same program by another version, for the test of an upgrade.  CTFG_PREVIOUS_BIN names a real
# earlier release instead.
VERSIONED_OBJS := $(patsubst %.c,$(B)/%.o,$(shell grep -l CTFG_VERSION $(ENGINE_SRCS)))
PREVIOUS_OBJS := $(VERSIONED_OBJS:$(B)/%.o=$(B)/previous/%.o)

$(B)/previous/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) -UCTFG_VERSION -DCTFG_VERSION='"0.9.9"' -MMD -MP -c -o $@ $<

# Its own objects first: clang's counters tell two programs apart by what they begin with.
$(B)/ctfg-previous: $(PREVIOUS_OBJS) $(filter-out $(VERSIONED_OBJS),$(MAIN_OBJ) $(LIB_OBJS))
	$(CC) $(ALL_LDFLAGS) $(NO_LTO) -o $@ $^ $(LIBS)

# An archive, not a list of objects: a test may include the .c file it looks into.
$(B)/engine.a: $(LIB_OBJS)
	@rm -f $@.new
	$(AR) rcs $@.new $^
	@mv $@.new $@

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LTO) -MMD -MP -c -o $@ $<

# Files that are put into the program as they are (.incbin): no compiler tells make about them.
$(B)/db/migrate.o: $(wildcard db/migrations/*.sql)
$(B)/conf/starter.o: $(wildcard conf/starter/*) conf/ctfg.yaml

$(B)/llhttp/%.o: $(LLHTTP_DIR)/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LTO) -w $(LLHTTP_CFLAGS) -c -o $@ $<

# Changed flags build everything anew; a missing library has a name before the compiler fails.
.PHONY: FORCE
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@pkg-config --print-errors --exists $(PKGS) || \
		{ echo 'Libraries are missing: run package/deps' >&2; exit 1; }
	@printf '%s\n' "$(subst ",\",$(CC) $(ALL_CFLAGS) $(CFLAGS) $(LTO) $(ALL_LDFLAGS) $(LIBS))" > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

compile_commands.json: Makefile build/flags $(C_SRCS)
	@for file in $(C_SRCS); do \
		printf '{"directory":"%s","file":"%s","command":"%s -c %s"},\n' "$(CURDIR)" "$$file" \
		"$$(printf '%s' "$(subst ",\",gcc $(ALL_CFLAGS))" | sed 's/["\\]/\\&/g')" "$$file"; \
	done | sed '1s/^/[/; $$s/,$$/]/' > $@

# ---- the page --------------------------------------------------------------------------------

.PHONY: web
web: build/web/.stamp ## build the page into build/web

WEB_SRCS := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)
ifneq ($(wildcard web/build.mjs),)
# npm writes this file last, so it stands for a finished install.
WEB_NODE_MODULES := web/node_modules/.package-lock.json
$(WEB_NODE_MODULES): web/package-lock.json web/package.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

build/web/.stamp: $(WEB_SRCS) $(WEB_NODE_MODULES)
	cd web && node build.mjs
	@touch $@
else
build/web/.stamp:
	@mkdir -p $(@D)
	@echo '<!doctype html><title>ctfg</title><p>This server was built without its page.' > build/web/index.html
	@touch $@
endif

# The table (C) and the bytes (.incbin): nothing large is ever compiled.
build/page_data.c: build/web/.stamp web/embed.mjs
	node web/embed.mjs build/web build/page_data.c build/page_bytes.S

build/page_bytes.S: build/page_data.c ;

$(B)/page_data.o: build/page_data.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/page_bytes.o: build/page_bytes.S build/page_data.c
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

# ---- run -------------------------------------------------------------------------------------

.PHONY: run
run: ## install what is missing, build, start the demo game (PORT=8080)
	@package/deps run
	@$(MAKE) --no-print-directory all
	@mkdir -p build/run
	@printf '\nThe demo game: http://localhost:%s/\nLogins (name, password):\n' '$(PORT)'
	@grep -v '^username' examples/demo/credentials.csv | sed 's/^/    /; s/,/  /'
	@echo
	exec build/ctfg -C examples/demo --dbdir "$(CURDIR)/build/run" --port $(PORT)

# ---- tests -----------------------------------------------------------------------------------

.PHONY: test
test: ## everything: lint, unit tests, every suite that starts real servers, a look at random inputs
	@package/deps test
	@$(MAKE) --no-print-directory all web
	@failed=; \
	for part in lint unit page $(SUITES) fuzz; do \
		echo "== $$part"; \
		$(MAKE) --no-print-directory $$part || failed="$$failed $$part"; \
	done; \
	if [ -n "$$failed" ]; then echo "== failed:$$failed"; exit 1; fi; \
	echo "== all passed: lint unit page $(SUITES) fuzz"

.PHONY: unit
unit: $(UNIT_BINS) ## the C unit tests (cmocka)
	@test/unit/run.sh $(UNIT_BINS)

$(UNIT_BINS): $(B)/%: %.c $(B)/engine.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) $(NO_LTO) -o $@ $< $(B)/engine.a $(LIBS) -lcmocka

ifeq ($(SAN),thread)
# Its coroutines leave functions that ThreadSanitizer's own stack would hold for ever, and overflow.
$(B)/test/unit/shm/interleave_gcra_test: ALL_CFLAGS += --param tsan-instrument-func-entry-exit=0
endif

# The libraries of the process tests (npm, locked), if they have any.
ifneq ($(wildcard test/package-lock.json),)
NODE_TEST_DEPS := test/node_modules/.package-lock.json
test/node_modules/.package-lock.json: test/package-lock.json test/package.json
	cd test && npm ci --no-audit --no-fund
	@touch $@
endif

NODE_TEST := node --test --test-reporter=spec

.PHONY: promise compat hostile browser docs docs-api package screenshots fresh
promise: $(B)/ctfg $(B)/ctfg-previous $(NODE_TEST_DEPS) ## the promises P1 to P6: real processes, really killed
hostile: $(B)/ctfg $(HOSTILE_BINS) $(NODE_TEST_DEPS) ## clients that mean harm: what honest players notice of them
compat: $(B)/ctfg $(NODE_TEST_DEPS) ## the contract with the older engine's page and tools
browser: $(B)/ctfg $(NODE_TEST_DEPS) ## plays the page in Chromium
docs: $(B)/ctfg $(B)/bench/players $(NODE_TEST_DEPS) ## types the commands of README.md and docs/, compares the answers
package: $(B)/ctfg $(NODE_TEST_DEPS) ## the Debian package, the systemd units, the container file
promise compat hostile browser docs package:
	CTFG_BIN="$(CURDIR)/$(B)/ctfg" $(NODE_TEST) $(wildcard test/$@/*.test.mjs)

$(HOSTILE_BINS): $(B)/%: $(B)/obj/test/%.o $(B)/engine.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(NO_LTO) -o $@ $^ $(LIBS)

docs-api: $(NODE_TEST_DEPS) ## make docs/api.md anew, from docs/openapi.yaml
	node test/docs/api_page.mjs

screenshots: $(B)/ctfg $(NODE_TEST_DEPS) ## draw docs/images anew, from the demo game
	CTFG_BIN="$(CURDIR)/$(B)/ctfg" node test/browser/screenshots.mjs

fresh: ## the README's commands on a bare Debian 12 (root, debootstrap; FRESH_TEST=1: make test too)
	test/fresh/run.sh

# ---- torture: crashes, power cuts, failing disks, races; test/torture/README.md ----------------

TORTURE_SECONDS ?= 3600
TORTURE_SEED ?=
SOAK_FLAGS ?=
LEAKS_FLAGS ?=

.PHONY: torture torture-short soak leaks
torture: $(B)/ctfg $(TORTURE_BINS) $(NODE_TEST_DEPS) ## for TORTURE_SECONDS=3600; docs/reliability.md is its table
	CTFG_BIN="$(CURDIR)/$(B)/ctfg" node test/torture/torture.mjs --seconds $(TORTURE_SECONDS) \
		$(if $(TORTURE_SEED),--seed $(TORTURE_SEED))

torture-short: $(B)/ctfg $(TORTURE_BINS) $(NODE_TEST_DEPS) ## the same in three minutes: a part of make test
	CTFG_BIN="$(CURDIR)/$(B)/ctfg" CTFG_TORTURE="$(CURDIR)/$(B)/torture" \
		$(if $(TORTURE_SEED),TORTURE_SEED=$(TORTURE_SEED)) $(NODE_TEST) $(wildcard test/torture/*.test.mjs)

soak: $(B)/ctfg $(B)/bench/players ## a day's events in a row: memory, descriptors, log stay flat (SOAK_FLAGS)
	CTFG_BIN="$(CURDIR)/$(B)/ctfg" node test/torture/soak.mjs $(SOAK_FLAGS)

leaks: $(B)/bench/players ## a minute of events under ASan and LeakSanitizer: no process leaks (LEAKS_FLAGS)
	$(MAKE) SAN=address build/asan/ctfg
	CTFG_BIN="$(CURDIR)/build/asan/ctfg" node test/torture/leaks.mjs $(LEAKS_FLAGS)

$(B)/torture/powercut $(B)/torture/diskfault: $(B)/torture/%: $(B)/obj/test/torture/%.o $(TORTURE_OBJS) $(B)/engine.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(NO_LTO) -o $@ $^ $(LIBS)

# The protocol of shared memory alone, always under ThreadSanitizer.
RACE_SRCS := test/torture/race.c $(wildcard shm/*.c shm/base/*.c)
$(B)/torture/race: $(RACE_SRCS) $(wildcard shm/*.h shm/base/*.h) test/torture/random.h $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(if $(filter clang,$(CC)),,$(QUIET_SANITIZE)) -O1 -fsanitize=thread -pie -o $@ $(RACE_SRCS) $(LIBS)

.PHONY: page
page: $(WEB_NODE_MODULES) ## the page's own pure functions
	$(NODE_TEST) $(wildcard web/test/*.test.mjs)

.PHONY: asan tsan
asan: ## build with ASan and UBSan, run unit and process tests with that
	UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) SAN=address all unit \
		$(filter-out browser docs package torture-short hostile,$(SUITES))
	@# What ASan holds back of freed memory would be taken for what attackers leave behind.
	UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=quarantine_size_mb=1 $(MAKE) SAN=address hostile

# What it notes of memory never goes back: no test of what attackers leave behind.
tsan: ## the same with ThreadSanitizer
	TSAN_OPTIONS=halt_on_error=1 $(MAKE) SAN=thread all unit \
		$(filter-out browser docs package torture-short hostile,$(SUITES))

.PHONY: coverage
COVERAGE_LEAST := 90
COVERAGE_BINS := $(UNIT_SRCS:%.c=%) torture/powercut torture/diskfault
# One file of counters a program (%m), which all its processes map and count in (%c): what was counted
# stays, whatever ends the process.  Without optimisation tests that measure time may fail: they count too.
coverage: ## lines and branches that tests cover, by folder; fails below 90 % of lines (10 minutes)
	@rm -rf build/coverage/raw && mkdir -p build/coverage/raw
	@LLVM_PROFILE_FILE="$(CURDIR)/build/coverage/raw/%m%c.profraw" \
		$(MAKE) -k SAN=coverage all unit $(filter-out browser docs package,$(SUITES)) || \
		echo '== tests failed: what they did not come to is missing below'
	@llvm-profdata merge -sparse -o build/coverage/all.profdata build/coverage/raw/*.profraw
	@llvm-cov export -summary-only -instr-profile=build/coverage/all.profdata build/coverage/ctfg \
		$(COVERAGE_BINS:%=-object build/coverage/%) $(filter-out shm/base,$(ENGINE_DIRS)) | \
		node test/coverage.mjs $(COVERAGE_LEAST) shm,db,conf,worker

.PHONY: fuzz fuzz-run
fuzz: ## run every fuzz target for FUZZ_SECONDS=60, FUZZ_JOBS=2 at a time (clang)
	@$(MAKE) --no-print-directory SAN=fuzzer fuzz-run

fuzz-run: $(FUZZ_BINS)
	@printf '%s\n' $(notdir $(FUZZ_BINS)) | \
		xargs -n 1 -P $(FUZZ_JOBS) test/fuzz/run.sh $(B) $(FUZZ_SECONDS)

$(B)/target/%: test/fuzz/%.c $(B)/engine.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d $(ALL_LDFLAGS) $(NO_LTO) -o $@ $< $(B)/engine.a $(LIBS)

# ---- benchmarks ------------------------------------------------------------------------------

.PHONY: bench bench-quick bench-compare bench-players
bench bench-quick: $(B)/ctfg
	@package/deps bench
	@$(MAKE) --no-print-directory $(BENCH_BINS) $(NODE_BENCH_DEPS)
	node bench/bench.mjs $(if $(filter bench,$@),--write,--quick)

bench: ## measure every figure beside something else (20 minutes), write docs/benchmarks.md
bench-quick: ## the same with few rounds and small sizes, writes nothing (3 minutes)

bench-compare: ## what got slower than the last release, by bench/history.tsv
	@node bench/compare.mjs

bench-players: $(B)/ctfg $(B)/bench/players ## whole games of 10, 70 and 200 emulated players, one table
	node bench/players.mjs

# Rivals in Node (npm, locked).  better-sqlite3 is compiled, with the headers of the node that runs it.
NODE_BENCH_DEPS := bench/node_modules/.package-lock.json
$(NODE_BENCH_DEPS): bench/package-lock.json bench/package.json
	cd bench && npm_config_build_from_source=true \
		npm_config_nodedir="$$(node -p 'path.dirname(path.dirname(process.execPath))')" \
		npm ci --no-audit --no-fund
	@touch $@

$(B)/bench/players: $(PLAYERS_OBJS) $(B)/engine.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(NO_LTO) -o $@ $^ $(LIBS)

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BENCH_BINS): $(B)/%: %.c $(B)/engine.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) $(NO_LTO) -o $@ $< $(B)/engine.a $(LIBS)

# ---- lint ------------------------------------------------------------------------------------

LINTED := $(ENGINE_SRCS) $(BENCH_SRCS) $(PLAYERS_SRCS) $(TORTURE_SRCS) $(HOSTILE_SRCS)

.PHONY: lint
lint: compile_commands.json $(WEB_NODE_MODULES) ## format, include directions, sizes, static analysis
	@test/lint/run.sh -- $(ALL_CFLAGS) -- $(LINTED) -- $(C_SRCS) $(OWN_HEADERS) -- $(SHELL_SRCS)

.PHONY: fmt
fmt: ## format every C file
	clang-format -i $(C_SRCS) $(OWN_HEADERS)

# ---- install, help, clean --------------------------------------------------------------------

# Written by the program itself, from the tables that --help is written from.
PRINTED := $(B)/ctfg.1 $(B)/ctfg.yaml.5 $(B)/ctfg.bash
$(B)/ctfg.1: TEXT := manual
$(B)/ctfg.yaml.5: TEXT := settings-manual
$(B)/ctfg.bash: TEXT := completion
$(PRINTED): $(B)/ctfg
	$(B)/ctfg print $(TEXT) > $@

SHARE = $(DESTDIR)$(PREFIX)/share

.PHONY: install
install: $(B)/ctfg $(PRINTED) ## install under DESTDIR and PREFIX=/usr/local
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/doc/ctfg/docs/decisions
	install -m 755 $(B)/ctfg $(DESTDIR)$(PREFIX)/bin/ctfg
	install -m 644 LICENSE README.md CHANGELOG.md SECURITY.md conf/ctfg.yaml $(SHARE)/doc/ctfg
	install -m 644 $(wildcard docs/*.md) docs/openapi.yaml $(SHARE)/doc/ctfg/docs
	install -m 644 $(wildcard docs/decisions/*.md) $(SHARE)/doc/ctfg/docs/decisions
	for file in $(wildcard conf/proxy/* conf/prometheus/* conf/grafana/*); do \
		install -D -m 644 $$file $(SHARE)/doc/ctfg/$${file#conf/} || exit 1; \
	done
	install -D -m 644 $(B)/ctfg.1 $(SHARE)/man/man1/ctfg.1
	install -D -m 644 $(B)/ctfg.yaml.5 $(SHARE)/man/man5/ctfg.yaml.5
	install -D -m 644 $(B)/ctfg.bash $(SHARE)/bash-completion/completions/ctfg
	for unit in $(wildcard conf/systemd/*.service conf/systemd/*.socket); do \
		install -D -m 644 $$unit $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; \
		sed -i 's,/usr/bin/ctfg,$(PREFIX)/bin/ctfg,' $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; \
	done

.PHONY: deb deb-test systemd-test container-test
deb: ## build/deb/ctfg_*.deb, for the Debian it is built on (DEB_REVISION=1~deb12)
	@package/deps deb
	@$(MAKE) --no-print-directory all web
	package/deb.sh $(VERSION)

deb-test: ## build, install, upgrade, remove, purge it in bare Debians (root, debootstrap; FRESH_SUITE=trixie)
	test/fresh/deb.sh

systemd-test: ## boot a bare Debian with its package, lead the service through its life (root, systemd-nspawn)
	test/fresh/systemd.sh

container-test: ## build package/Containerfile on a bare Debian, play in its image (root, debootstrap, podman)
	test/fresh/container.sh

.PHONY: deps
deps: ## install what building and testing need (asks before it needs root)
	@package/deps test

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | sort | while IFS='	' read -r name what; do \
		printf '  %-15s %s\n' "$$name" "$$what"; \
	done

.PHONY: clean
clean: ## remove everything that was built
	rm -rf build compile_commands.json

-include $(ENGINE_OBJS:.o=.d) $(PREVIOUS_OBJS:.o=.d) $(PAGE_OBJS:.o=.d) $(UNIT_BINS:=.d) $(FUZZ_BINS:=.d) $(BENCH_BINS:=.d) \
	$(PLAYERS_OBJS:.o=.d) $(TORTURE_SRCS:%.c=$(B)/obj/%.d) $(HOSTILE_SRCS:%.c=$(B)/obj/%.d)
