# allocaudit: all targets. `make help` lists them; CONTRIBUTING.md says how they are used.
#
# Variables (on the command line):
#   MODE=release|debug|coverage     SAN=address,undefined | thread     BUILD=DIR     CC=clang
#   CFLAGS=... LDFLAGS=...          PREFIX=/usr/local  DESTDIR=        V=1 shows whole commands

VERSION := 0.1.0
MODE    ?= release
SAN     ?=
empty   :=
comma   := ,
space   := $(empty) $(empty)
VARIANT := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),$(MODE))
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib/allocaudit
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
PYTHON  ?= /usr/bin/python3

# Where builds made on behalf of a target (sanitizers, coverage, debug) go: beside the default build
# folder, or inside the folder that was asked for.
BUILD_ROOT := $(if $(filter command environment,$(firstword $(origin BUILD))),$(BUILD),build)
BUILD      ?= build/$(VARIANT)

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
ifeq ($(V),1)
Q   :=
say  = @:
else
Q   := @
say  = @printf '  %-5s %s\n'
endif

# ---- flags ---------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
            -Wwrite-strings -Wundef -Wformat=2 -fno-common -Werror=implicit-function-declaration
# Draining an event passes through a dozen small functions: optimising across files saves a tenth.
LTO := $(if $(findstring gcc,$(notdir $(firstword $(CC)))),-flto=auto -ffat-lto-objects)
OPTIMIZE_release  := -O2 -g -D_FORTIFY_SOURCE=2 $(LTO)
OPTIMIZE_debug    := -O0 -g3 -Werror
OPTIMIZE_coverage := -O0 -g --coverage
OPTIMIZE := $(if $(SAN),-O1 -g -fno-omit-frame-pointer -Werror,$(OPTIMIZE_$(MODE)))
ifeq ($(strip $(OPTIMIZE)),)
$(error MODE=$(MODE) is none of release, debug, coverage)
endif
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)

PACKAGES   := sqlite3 libdw libelf yaml-0.1 zlib
pkg         = $(shell pkg-config $(1) $(2) 2>/dev/null)
STANDARD   := -std=c11 -D_GNU_SOURCE
CORE_FLAGS := $(STANDARD) $(WARNINGS) $(OPTIMIZE) $(SANITIZE) -pthread $(call pkg,--cflags,$(PACKAGES)) \
              -DALLOCAUDIT_VERSION='"$(VERSION)"'
CORE_LIBS  := $(or $(call pkg,--libs,$(PACKAGES)),-lsqlite3 -ldw -lelf -lyaml -lz) -liberty -ldl -lm
CORE_LINK  := $(SANITIZE) $(if $(filter coverage,$(VARIANT)),--coverage) -pthread -Wl,-z,now -Wl,-z,relro

# The preloaded library lives in a stranger's process: never sanitized, never instrumented, nothing
# exported but its list, no lazy binding (which takes the loader's lock), thread locals without malloc.
NO_BUILTIN := $(addprefix -fno-builtin-,malloc calloc realloc free memalign aligned_alloc \
              posix_memalign valloc pvalloc reallocarray)
PIC_FLAGS  := $(STANDARD) $(WARNINGS) $(if $(filter debug,$(MODE)),-O1 -g3 -Werror,-O2 -g) -fPIC \
              -fvisibility=hidden -ftls-model=initial-exec -fno-omit-frame-pointer \
              -foptimize-sibling-calls -fexceptions $(NO_BUILTIN) \
              -DALLOCAUDIT_VERSION='"$(VERSION)"'
PIC_LINK   := -shared -Wl,-soname,liballocaudit.so -Wl,-z,defs -Wl,-z,now -Wl,-z,relro \
              -Wl,-z,noexecstack -Wl,-z,nodelete
PIC_LIBS   := -lpthread -ldl
# allocaudit-replay calls whatever malloc is preloaded: nothing of ours may stand before it, and the
# compiler must not know what malloc does.
REPLAY_FLAGS := $(STANDARD) $(WARNINGS) $(if $(filter debug,$(MODE)),-O1 -g3 -Werror,-O2 -g) -fPIE \
              -pthread $(NO_BUILTIN)
REPLAY_LINK := -pie -pthread -Wl,-z,now -Wl,-z,relro -Wl,--export-dynamic-symbol=clock_gettime
APP_FLAGS  := -O2 -g -Wall -Wextra -pthread
TEST_LIBS  := $(or $(call pkg,--libs,cmocka),-lcmocka)

# ---- sources -------------------------------------------------------------------------------------

CORE_SOURCES := $(sort $(wildcard analyzer/*/*.c analyzer/collect/*/*.c)) \
                $(sort $(wildcard interposer/policy/*.c schema/*.c))
LIB_SOURCES  := $(sort $(wildcard interposer/*.c interposer/*/*.c)) schema/event.c
REPLAY_SOURCES := $(sort $(wildcard analyzer/replay/runner/*.c interposer/policy/*.c)) \
                analyzer/base/histogram.c
UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
UNIT_SUPPORT := $(filter-out $(UNIT_SOURCES),$(sort $(wildcard tests/unit/*.c)))
APP_NAMES    := $(notdir $(patsubst %/,%,$(dir $(wildcard sample_apps/*/README.md))))

CORE_ARCHIVE := $(BUILD)/liballocaudit_core.a
PROGRAM      := $(BUILD)/allocaudit
LIBRARY      := $(BUILD)/liballocaudit.so
REPLAYER     := $(BUILD)/allocaudit-replay
EXPORTS      := $(BUILD)/generated/exports.map
CORE_OBJECTS := $(CORE_SOURCES:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/schema_text.o \
                $(BUILD)/obj/html_bundle.o
LIB_OBJECTS  := $(LIB_SOURCES:%.c=$(BUILD)/pic/%.o)
REPLAY_OBJECTS := $(REPLAY_SOURCES:%.c=$(BUILD)/plain/%.o)
UNIT_TESTS   := $(UNIT_SOURCES:%.c=$(BUILD)/%)
APPS          = $(addprefix $(BUILD)/sample_apps/,$(if $(GO),$(APP_NAMES),$(filter-out $(GO_NAMES),$(APP_NAMES))))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

.PHONY: all
all: $(PROGRAM) $(LIBRARY) $(REPLAYER) ## build the programs and the library in build/release (MODE=, SAN=, CC=, V=1)

.PHONY: debug
debug: ## the same without optimisation, in build/debug
	$(Q)$(MAKE) MODE=debug BUILD=$(BUILD_ROOT)/debug all

# ---- rules ---------------------------------------------------------------------------------------

# A file per set of flags, rewritten only when they change: objects that depend on it are then rebuilt.
define flags_file
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$(2))' | cmp -s - $$@ || printf '%s\n' '$$(subst ','\'',$(2))' > $$@
endef
.PHONY: FORCE
FORCE:
$(eval $(call flags_file,$(BUILD)/flags/core,$$(CC) $$(CORE_FLAGS) $$(CFLAGS)))
$(eval $(call flags_file,$(BUILD)/flags/core_link,$$(CC) $$(CORE_LINK) $$(LDFLAGS) $$(CORE_LIBS)))
$(eval $(call flags_file,$(BUILD)/flags/pic,$$(CC) $$(PIC_FLAGS) $$(PIC_LINK) $$(CFLAGS) $$(LDFLAGS)))
$(eval $(call flags_file,$(BUILD)/flags/replay,$$(CC) $$(REPLAY_FLAGS) $$(REPLAY_LINK) $$(CFLAGS) $$(LDFLAGS)))
$(eval $(call flags_file,$(BUILD)/flags/apps,$$(CC) $$(CXX) $$(APP_FLAGS)))
$(eval $(call flags_file,$(BUILD)/flags/libdir,$$(LIBDIR)))
# Removed or added sources must relink, too.
$(eval $(call flags_file,$(BUILD)/flags/core_sources,$$(CORE_SOURCES)))
$(eval $(call flags_file,$(BUILD)/flags/lib_sources,$$(LIB_SOURCES)))

$(BUILD)/flags/tools: .ci/setup
	@mkdir -p $(@D)
	@sh .ci/setup --check build
	@touch $@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags/core | $(BUILD)/flags/tools
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CORE_FLAGS) $(EXTRA_FLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/pic/%.o: %.c $(BUILD)/flags/pic | $(BUILD)/flags/tools
	@mkdir -p $(@D)
	$(say) CC "$< (library)"
	$(Q)$(CC) $(PIC_FLAGS) $(EXTRA_FLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/interposer/policy/%.o $(BUILD)/pic/interposer/policy/%.o: EXTRA_FLAGS := -Wconversion

# Only the files that speak of the installed place depend on it.
USES_LIBDIR := $(patsubst %.c,$(BUILD)/obj/%.o,\
                 $(if $(wildcard analyzer/*/*.c),\
                   $(shell grep -ls ALLOCAUDIT_LIBDIR $(wildcard analyzer/*/*.c))))
ifneq ($(strip $(USES_LIBDIR)),)
$(USES_LIBDIR): EXTRA_FLAGS := -DALLOCAUDIT_LIBDIR='"$(LIBDIR)"'
$(USES_LIBDIR): $(BUILD)/flags/libdir
endif

# What files of text become in the program: an array of bytes (a string literal would be longer than C
# allows).
bytes_of = od -An -v -tu1 $(1) | sed 's/  */,/g; s/^,//; s/$$/,/'

$(BUILD)/generated/schema_text.c: schema/schema.sql schema/views.sql Makefile
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q){ echo '#include "$(CURDIR)/schema/database.h"'; \
	  for part in schema views; do \
	    echo "const char database_$${part}_sql[] = {"; \
	    $(call bytes_of,schema/$$part.sql); \
	    echo '0};'; \
	  done; } > $@

# The page of `report --html` is made only on request, as it takes node and npm; once made, it is built
# in, and made anew when its sources change.
HTML_BUNDLE ?= build/html/page.html
HTML_SOURCES := $(sort $(wildcard analyzer/html/*))
$(eval $(call flags_file,$(BUILD)/flags/html_bundle,$$(wildcard $$(HTML_BUNDLE))))

$(HTML_BUNDLE): $(HTML_SOURCES)
	$(say) NODE $@
	$(Q)sh analyzer/html/bundle.sh $@

$(BUILD)/generated/html_bundle.c: $(wildcard $(HTML_BUNDLE)) $(BUILD)/flags/html_bundle Makefile
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q){ echo '#include "$(CURDIR)/analyzer/report/html_bundle.h"'; \
	  echo 'const char html_bundle[] = {'; \
	  $(if $(wildcard $(HTML_BUNDLE)),$(call bytes_of,$(HTML_BUNDLE));) \
	  echo '0};'; \
	  echo 'const size_t html_bundle_bytes = sizeof(html_bundle) - 1;'; } > $@

.PHONY: html-bundle
html-bundle: ## build the page of report --html with node and npm, and then the programs with it
	$(Q)$(MAKE) $(HTML_BUNDLE)
	$(Q)$(MAKE) all

# For targets that are better with the page and do without.
.PHONY: html-bundle-if-possible
html-bundle-if-possible:
	@if ! command -v npm >/dev/null 2>&1 || ! $(MAKE) $(HTML_BUNDLE); then \
	    echo 'allocaudit: going on without the page of report --html (it needs node and npm)'; \
	fi

$(BUILD)/obj/%.o: $(BUILD)/generated/%.c $(BUILD)/flags/core | $(BUILD)/flags/tools
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CORE_FLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(CORE_ARCHIVE): $(CORE_OBJECTS) $(BUILD)/flags/core_sources
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $(CORE_OBJECTS)

$(PROGRAM): $(BUILD)/obj/analyzer/main.o $(CORE_ARCHIVE) $(BUILD)/flags/core_link
	$(say) LINK $@
	$(Q)$(CC) $(CORE_LINK) $(if $(LTO),$(OPTIMIZE)) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(CORE_LIBS)

# What the library shows is what hook_list.h names, and the functions a program may call on purpose.
$(EXPORTS): interposer/hook_list.h tests/lint/list_hooks.sh
	@mkdir -p $(@D)
	$(say) GEN $@
	$(Q){ echo '{ global: allocaudit_*;'; CC='$(CC)' sh tests/lint/list_hooks.sh | sed 's/$$/;/'; \
	  echo 'local: *; };'; } > $@

$(LIBRARY): $(LIB_OBJECTS) $(EXPORTS) $(BUILD)/flags/pic $(BUILD)/flags/lib_sources
	$(say) LINK $@
	$(Q)$(CC) $(PIC_LINK) -Wl,--version-script=$(EXPORTS) $(LDFLAGS) -o $@ $(LIB_OBJECTS) $(PIC_LIBS)

$(BUILD)/plain/%.o: %.c $(BUILD)/flags/replay | $(BUILD)/flags/tools
	@mkdir -p $(@D)
	$(say) CC "$< (replay)"
	$(Q)$(CC) $(REPLAY_FLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(REPLAYER): $(REPLAY_OBJECTS)
	$(say) LINK $@
	$(Q)$(CC) $(REPLAY_LINK) $(LDFLAGS) -o $@ $(REPLAY_OBJECTS) -ldl

# ---- unit tests, sample apps ---------------------------------------------------------------------

UNIT_SUPPORT_OBJECTS := $(UNIT_SUPPORT:%.c=$(BUILD)/obj/%.o)

# Parts of the interposer that unit tests call: without the hooks, which would take over the test's
# own malloc. Only what a test refers to is linked.
UNIT_PARTS         := $(BUILD)/libinterposer_parts.a
UNIT_PARTS_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,\
                        $(filter-out interposer/hooks%.c,$(wildcard interposer/*.c)))
NEEDS_PARTS        := $(if $(UNIT_SOURCES),$(shell grep -lsE '"../../interposer/[a-z_]+\.h"' $(UNIT_SOURCES)))
$(UNIT_PARTS): $(UNIT_PARTS_OBJECTS) $(BUILD)/flags/lib_sources
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $(UNIT_PARTS_OBJECTS)
$(NEEDS_PARTS:%.c=$(BUILD)/%): $(UNIT_PARTS)

$(UNIT_TESTS): $(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(UNIT_SUPPORT_OBJECTS) \
               $(CORE_ARCHIVE) $(BUILD)/flags/core_link
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(CORE_LINK) $(if $(LTO),-fno-lto) $(LDFLAGS) -o $@ $(filter %.o,$^) \
	    $(filter-out $(CORE_ARCHIVE),$(filter %.a,$^)) $(CORE_ARCHIVE) $(TEST_LIBS) $(CORE_LIBS)
.SECONDARY: $(UNIT_SOURCES:%.c=$(BUILD)/obj/%.o)

.PHONY: unit-programs
unit-programs: $(UNIT_TESTS)

# One program per folder, from all its C or C++ files.
define app_rules
$(BUILD)/sample_apps/$(1): $$(wildcard sample_apps/$(1)/*.[ch] sample_apps/$(1)/*.cc sample_apps/*.h) $(BUILD)/flags/apps \
                           | $(BUILD)/flags/tools
	@mkdir -p $$(@D)
	$$(say) APP $$@
	$$(Q)$$(if $$(filter %.cc,$$^),$$(CXX) -std=c++17,$$(CC) -std=c11 -D_GNU_SOURCE) $$(APP_FLAGS) \
	    -o $$@ $$(filter %.c %.cc,$$^) -lm
endef
# Go is not needed for anything else: without it its sample apps are left out.
GO       ?= $(shell command -v go 2>/dev/null)
GO_NAMES := $(notdir $(patsubst %/,%,$(sort $(dir $(wildcard sample_apps/*/*.go)))))
define go_app_rules
$(BUILD)/sample_apps/$(1): $$(wildcard sample_apps/$(1)/*.go) | $(BUILD)/flags/tools
	@mkdir -p $$(@D)
	$$(say) GO $$@
	$$(Q)GO111MODULE=off GOFLAGS= GOCACHE=$(abspath $(BUILD))/go_cache $$(GO) build -o $$@ $$^
endef
$(foreach app,$(filter-out $(GO_NAMES),$(APP_NAMES)),$(eval $(call app_rules,$(app))))
$(foreach app,$(GO_NAMES),$(eval $(call go_app_rules,$(app))))

.PHONY: sample-apps
sample-apps: $(APPS) ## build the programs of sample_apps/

-include $(shell find $(BUILD)/obj $(BUILD)/pic $(BUILD)/plain -name '*.d' 2>/dev/null)

# ---- set-up, demo --------------------------------------------------------------------------------

SETUP ?= yes

.PHONY: setup
setup: ## install what is missing for building and testing (Debian packages, through apt)
	@sh .ci/setup build test lint

.PHONY: setup-build setup-test setup-bench
setup-build:
	@if [ '$(SETUP)' = yes ]; then sh .ci/setup build; fi
setup-test:
	@if [ '$(SETUP)' = yes ]; then sh .ci/setup build test lint; fi
setup-bench:
	@if [ '$(SETUP)' = yes ]; then sh .ci/setup build bench; fi

.PHONY: demo
demo: setup-build html-bundle-if-possible ## set up, build, record a sample app and print its report
	$(Q)$(MAKE) -j$(JOBS) all $(BUILD)/sample_apps/leaky_server
	@mkdir -p $(BUILD)/demo
	$(PROGRAM) run -o $(BUILD)/demo/allocaudit.db -- $(BUILD)/sample_apps/leaky_server
	$(PROGRAM) report $(BUILD)/demo/allocaudit.db
	@if [ -e $(HTML_BUNDLE) ]; then \
	    $(PROGRAM) report $(BUILD)/demo/allocaudit.db --html $(BUILD)/demo/report.html; \
	fi

# ---- tests ---------------------------------------------------------------------------------------

ASAN_BUILD := $(BUILD_ROOT)/san-address-undefined
TSAN_BUILD := $(BUILD_ROOT)/san-thread
# The thread sanitizer has something to say only about tests that start threads.
THREADED   := $(if $(UNIT_SOURCES),$(shell grep -lsE 'pthread_create|thrd_create' $(UNIT_SOURCES)))

.PHONY: test
test: setup-test html-bundle-if-possible ## set up, then every test: lint, unit, sanitizers, end to end
	$(Q)$(MAKE) -j$(JOBS) test-programs
	@$(PYTHON) tests/run_all.py --build $(BUILD) --asan $(ASAN_BUILD) --tsan $(TSAN_BUILD) $(ONLY:%=--only %)

.PHONY: test-programs
test-programs: all unit-programs sample-apps bench-programs
	$(Q)$(MAKE) SAN=address,undefined BUILD=$(ASAN_BUILD) unit-programs
	$(Q)$(MAKE) SAN=thread BUILD=$(TSAN_BUILD) $(THREADED:%.c=$(TSAN_BUILD)/%)

.PHONY: unit
unit: unit-programs ## the unit tests alone, without sanitizers
	@$(PYTHON) tests/run_all.py --build $(BUILD) --only unit

.PHONY: test-unwind
test-unwind: all ## compare every stack of long runs of real programs with libunwind's
	@$(PYTHON) tests/e2e/run.py --build $(BUILD) --long --jobs 1 --filter '^unwind'

# What reads data from outside, under libFuzzer; tests/unit/test_fuzz_corpora.c replays the corpora.
# FUZZ_SANITIZERS=undefined finds less in an execution, and makes ten times as many.
FUZZ_TARGETS    := baseline budget database events gctrace heaptrack journal object_trace plan pprof ring \
                   sanitizer suppressions
FUZZ_SECONDS    ?= 60
FUZZ_SANITIZERS ?= address,undefined
FUZZ_BUILD      := $(BUILD_ROOT)/fuzz-$(subst $(comma),-,$(FUZZ_SANITIZERS))
FUZZ_FLAGS      := -fsanitize=fuzzer,$(FUZZ_SANITIZERS) -fno-sanitize-recover=all

$(FUZZ_BUILD)/fuzz_%: tests/fuzz/fuzz_one.c $(wildcard tests/fuzz/*.h) FORCE
	$(Q)$(MAKE) CC=clang SAN=fuzzer-no-link,$(FUZZ_SANITIZERS) CFLAGS='-O2 -Wno-format-nonliteral' \
	    BUILD=$(FUZZ_BUILD) $(FUZZ_BUILD)/liballocaudit_core.a
	$(say) FUZZ $@
	$(Q)clang $(STANDARD) -g -O2 $(FUZZ_FLAGS) $(call pkg,--cflags,$(PACKAGES)) -DFUZZ_TARGET=fuzz_$* \
	    -o $@ $< $(FUZZ_BUILD)/liballocaudit_core.a $(CORE_LIBS) -pthread

.PHONY: fuzz
fuzz: $(FUZZ_TARGETS:%=$(FUZZ_BUILD)/fuzz_%) ## fuzz each reader of outside data for FUZZ_SECONDS=60 (needs clang)
	@$(PYTHON) tests/fuzz/run.py --build $(FUZZ_BUILD) --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# The same targets under AFL++ (Debian: afl++), which finds other ways in.
AFL_BUILD := $(BUILD_ROOT)/fuzz-afl

$(AFL_BUILD)/fuzz_%: tests/fuzz/fuzz_one.c $(wildcard tests/fuzz/*.h) FORCE
	$(Q)AFL_QUIET=1 $(MAKE) CC=afl-clang-fast CFLAGS=-Wno-format-nonliteral BUILD=$(AFL_BUILD) \
	    $(AFL_BUILD)/liballocaudit_core.a
	$(say) FUZZ $@
	$(Q)AFL_QUIET=1 afl-clang-fast $(STANDARD) -g -O2 -fsanitize=fuzzer $(call pkg,--cflags,$(PACKAGES)) \
	    -DFUZZ_TARGET=fuzz_$* -o $@ $< $(AFL_BUILD)/liballocaudit_core.a $(CORE_LIBS) -pthread

.PHONY: fuzz-afl
fuzz-afl: $(FUZZ_TARGETS:%=$(AFL_BUILD)/fuzz_%) ## the same by AFL++ (needs afl++)
	@$(PYTHON) tests/fuzz/run.py --afl --build $(AFL_BUILD) --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

.PHONY: torture
torture: all sample-apps ## kill, starve and flood programs and recorder, and print what came of it: up to 20 minutes
	@$(PYTHON) tests/torture.py --build $(BUILD)

.PHONY: torture-policies
torture-policies: test-programs ## 10^9 random calls under each policy, and its code under sanitizers: 10 minutes
	@$(PYTHON) tests/torture_policies.py --build $(BUILD) --asan $(ASAN_BUILD) --tsan $(TSAN_BUILD)

.PHONY: test-leaks
test-leaks: all ## compare the kinds of leaks with memcheck's, on 49 small programs and five real ones (needs valgrind)
	@$(PYTHON) tests/e2e/run.py --build $(BUILD) --long --jobs 1 --filter '^leaks.kinds'

.PHONY: test-gate
test-gate: all sample-apps ## hold 100 runs of ten programs against their baselines: no verdict may flip
	@$(PYTHON) tests/gate_stability.py --build $(BUILD)

.PHONY: test-clean-machine
test-clean-machine: ## make demo and make test in a fresh minimal Debian (needs root and debootstrap)
	@sh tests/e2e/clean_machine.sh

# Parts of ours alone, linked as the program is, so that what is measured is what runs.
BENCH_PARTS := $(BUILD)/bench/collecting $(BUILD)/bench/policies
$(BENCH_PARTS): $(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(CORE_ARCHIVE) $(BUILD)/flags/core_link
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(CORE_LINK) $(if $(LTO),$(OPTIMIZE)) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(CORE_LIBS)

.PHONY: bench-programs
bench-programs: $(BENCH_PARTS)

# BENCH holds options: make bench BENCH='--quick --check'
BENCH ?=
.PHONY: bench
bench: setup-bench ## measure against native runs and heaptrack, and print the targets: some 20 minutes
	$(Q)$(MAKE) -j$(JOBS) all bench-programs
	@$(PYTHON) tests/bench/run.py --build $(BUILD) $(BENCH)

.PHONY: validate
validate: all sample-apps ## compare the advice of 'recommend' with real runs of 20 programs: up to 40 minutes (VALIDATE=)
	@$(PYTHON) tests/bench/validate.py --build $(BUILD) $(VALIDATE)

.PHONY: selection
selection: all sample-apps ## compare the advice of 'recommend' with all allocators for six kinds of program (SELECTION=)
	@$(PYTHON) tests/bench/selection.py --build $(BUILD) $(SELECTION)

.PHONY: story
story: all sample-apps ## the sample app session_server before and after the advice of 'recommend'
	@$(PYTHON) tests/bench/session_story.py --build $(BUILD) $(STORY)

.PHONY: bench-plots
bench-plots: setup-bench ## measure how the cost grows, and draw the plots in docs/plots
	$(Q)$(MAKE) -j$(JOBS) all bench-programs
	@$(PYTHON) tests/bench/run.py --build $(BUILD) --only scaling --plots docs/plots $(BENCH)

# WORKLOAD is one of those that tests/bench/run.py --list prints.
WORKLOAD ?= pairs 20 1
.PHONY: profile
profile: setup-bench ## where the time goes in collector and program, by perf (WORKLOAD='pairs 20 1')
	$(Q)$(MAKE) -j$(JOBS) all bench-programs
	@$(PYTHON) tests/bench/profiling.py --build $(BUILD) '$(WORKLOAD)'

.PHONY: coverage
coverage: ## line coverage of the unit and end-to-end tests, in build/coverage
	$(Q)$(MAKE) -j$(JOBS) MODE=coverage BUILD=$(BUILD_ROOT)/coverage all unit-programs sample-apps \
	    bench-programs
	@$(PYTHON) tests/coverage.py --build $(BUILD_ROOT)/coverage

# ---- style ---------------------------------------------------------------------------------------

C_FILES := $(sort $(wildcard $(foreach d,analyzer analyzer/* analyzer/collect/* analyzer/replay/runner interposer interposer/* schema \
             tests/unit tests/programs tests/bench tests/e2e sample_apps/*,$(d)/*.c $(d)/*.h $(d)/*.cc)))

.PHONY: format
format: ## lay out all C files with clang-format
	$(Q)clang-format -i $(C_FILES)

.PHONY: check-format
check-format: ## fail where clang-format would change something
	$(Q)clang-format --dry-run -Werror $(C_FILES)

.PHONY: lint
lint: $(LIBRARY) ## clang-tidy (deeper than in make test), cppcheck, shellcheck, layers, exports, headers, names
	@TIDY_NODES=225000 $(PYTHON) tests/run_all.py --build $(BUILD) --only lint --only deep-lint

.PHONY: check
check: test ## what a change must pass: another name of test

# ---- install -------------------------------------------------------------------------------------

BIN_TO      = $(DESTDIR)$(PREFIX)/bin
LIB_TO      = $(DESTDIR)$(LIBDIR)
INCLUDE_TO  = $(DESTDIR)$(PREFIX)/include
MAN_TO      = $(DESTDIR)$(PREFIX)/share/man/man1
PC_TO       = $(DESTDIR)$(PREFIX)/lib/pkgconfig
DOC_TO      = $(DESTDIR)$(PREFIX)/share/doc/allocaudit
COMPLETE_TO = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
COMMANDS   := $(shell sed -n 's/^ *X(\([a-z]*\)).*/\1/p' analyzer/commands/cmd.h 2>/dev/null)
PUBLIC_H   := $(wildcard interposer/allocaudit.h interposer/allocaudit_cmocka.h interposer/allocaudit_gtest.h)
MAN_PAGES  := $(BUILD)/man/allocaudit.1 $(COMMANDS:%=$(BUILD)/man/allocaudit-%.1)

$(BUILD)/man/allocaudit.1: $(PROGRAM)
	@mkdir -p $(@D)
	$(say) MAN $@
	$(Q)$(PROGRAM) help --man > $@

$(BUILD)/man/allocaudit-%.1: $(PROGRAM)
	@mkdir -p $(@D)
	$(say) MAN $@
	$(Q)$(PROGRAM) help --man $* > $@

.PHONY: man
man: $(MAN_PAGES) ## the man pages, from the program's own help

.PHONY: install
install: all man ## install under PREFIX (/usr/local); DESTDIR for packagers
	install -d $(BIN_TO) $(LIB_TO) $(MAN_TO) $(PC_TO) $(DOC_TO) $(COMPLETE_TO)
	install -m 755 $(PROGRAM) $(BIN_TO)/allocaudit
	install -m 755 $(LIBRARY) $(LIB_TO)/liballocaudit.so
	install -m 755 $(REPLAYER) $(LIB_TO)/allocaudit-replay
	$(if $(PUBLIC_H),install -d $(INCLUDE_TO) && install -m 644 $(PUBLIC_H) $(INCLUDE_TO)/)
	install -m 644 $(MAN_PAGES) $(MAN_TO)/
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' \
	    docs/allocaudit.pc.in > $(PC_TO)/allocaudit.pc
	$(PROGRAM) help --completion bash > $(COMPLETE_TO)/allocaudit
	install -m 644 LICENSE README.md CHANGELOG.md $(DOC_TO)/
	$(if $(wildcard schema/README.md),install -m 644 schema/README.md $(DOC_TO)/schema.md)

.PHONY: uninstall
uninstall: ## remove what install put there (same PREFIX and DESTDIR)
	rm -f $(BIN_TO)/allocaudit $(LIB_TO)/liballocaudit.so $(LIB_TO)/allocaudit-replay $(PC_TO)/allocaudit.pc \
	    $(PUBLIC_H:interposer/%=$(INCLUDE_TO)/%) $(COMPLETE_TO)/allocaudit \
	    $(MAN_PAGES:$(BUILD)/man/%=$(MAN_TO)/%)
	rm -rf $(DOC_TO)
	-rmdir $(LIB_TO) 2>/dev/null

# ---- the rest ------------------------------------------------------------------------------------

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@echo 'usage: make [TARGET] [VARIABLE=VALUE ...]'
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 22
