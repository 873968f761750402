# What can be made. Each of `make demo` and `make test` is enough by itself on a fresh Debian 12. See docs/building.md.

SHELL := /bin/bash
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
BUILD := build
generator := $(shell command -v ninja >/dev/null && echo -G Ninja)
configure = cmake --preset $(1) $(generator) $(2) --log-level=WARNING
compile = cmake --build $(BUILD)/$(1) -j $(JOBS)

.PHONY: help
help: ## this list
	@echo "What can be made:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

# Tests that open our files with the readers they are made for use this Python; without one they are skipped and say so.
ifneq ($(wildcard $(BUILD)/python/bin/python),)
export LOFI_TEST_PYTHON ?= $(abspath $(BUILD)/python/bin/python)
endif
# And those that run our ONNX models use its ONNX Runtime.
onnxruntime := $(lastword $(wildcard $(BUILD)/python/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so*))
ifneq ($(onnxruntime),)
export LOFI_ONNXRUNTIME ?= $(abspath $(onnxruntime))
endif

.PHONY: demo
demo: install-build-packages install-demo-packages ## install what is missing, build, and show the whole path on real songs
	@$(MAKE) --no-print-directory build
	$(BUILD)/release/lofi demo --output-dir $(BUILD)/demo

.PHONY: test
test: install-build-packages install-test-packages ## install what is missing, build, and run all tests
	@$(MAKE) --no-print-directory build TESTS=ON
	ctest --test-dir $(BUILD)/release --output-on-failure -j $(JOBS)

# TESTS=ON when the test libraries are there; a build for use does not need them.
TESTS ?= $(shell pkg-config --exists cmocka 2>/dev/null && echo ON || echo OFF)

.PHONY: build
build: ## the program, optimised: build/release/lofi
	@if [ -f $(BUILD)/release/CMakeCache.txt ]; then \
	    $(call configure,release,-DLOFI_TESTS=$(TESTS)) >/dev/null; \
	else \
	    $(call configure,release,-DLOFI_TESTS=$(TESTS)); \
	fi
	@$(call compile,release)

.PHONY: debug
debug: ## the program for the debugger: build/debug/lofi
	@$(call configure,debug) && $(call compile,debug)

.PHONY: asan
asan: ## the program with AddressSanitizer and UndefinedBehaviorSanitizer: build/asan/lofi
	@$(call configure,asan) && $(call compile,asan)

.PHONY: test-asan
test-asan: asan ## the unit tests under the sanitizers, leaks included
	ctest --test-dir $(BUILD)/asan -L unit --output-on-failure -j $(JOBS)

.PHONY: test-python
test-python: ## a Python in build/python with the real readers of our files, for the tests that use them
	tools/make-python $(BUILD)/python

.PHONY: torture
torture: install-demo-packages ## kill training and batches of songs again and again, feed 10,000 damaged files (about twenty minutes; needs ffmpeg)
	@$(MAKE) --no-print-directory build TESTS=ON
	tests/torture/kill_resume --lofi $(BUILD)/release/lofi --fault $(BUILD)/release/tests/libfault.so
	tests/torture/kill_audio --lofi $(BUILD)/release/lofi --songs /usr/share/games/singularity/music
	tests/torture/hostile_audio --lofi $(BUILD)/release/lofi --keep $(BUILD)/hostile-found

# TARGET=torch fuzzes one; each target runs for FUZZ_SECONDS.
TARGET ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: ## feed readers and tokenizers with damaged input (TARGET=torch FUZZ_SECONDS=3600; needs clang)
	@$(call configure,fuzz,-DLOFI_TESTS=ON) && cmake --build $(BUILD)/fuzz -j $(JOBS) --target $(addprefix fuzz_,$(TARGET))
	@for target in $(TARGET); do \
	    mkdir -p $(BUILD)/fuzz/found/$$target && echo "== $$target" && \
	    LSAN_OPTIONS=suppressions=tools/lsan.supp:print_suppressions=0 ASAN_OPTIONS=allocator_may_return_null=1 $(BUILD)/fuzz/tests/fuzz_$$target -max_total_time=$(FUZZ_SECONDS) -timeout=25 -rss_limit_mb=2048 \
	        -verbosity=0 -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/found/ $(BUILD)/fuzz/found/$$target tests/fuzz/corpus/$$target || exit 1; \
	done

.PHONY: mutate
mutate: ## break every gradient rule in turn, and demand that the operator tests notice (about ten minutes)
	tests/torture/mutate_gradients --folder $(BUILD)/mutate

.PHONY: clang
clang: ## the program built with clang: build/clang/lofi
	@$(call configure,clang) && $(call compile,clang)

# CUDA_ARCHITECTURES=90 compiles for one kind of GPU, which is quicker.
nvcc := $(firstword $(CUDACXX) $(shell command -v nvcc) $(wildcard /usr/local/cuda/bin/nvcc))
architectures := $(if $(CUDA_ARCHITECTURES),-DCMAKE_CUDA_ARCHITECTURES="$(CUDA_ARCHITECTURES)")
.PHONY: cuda
cuda: ## the program for NVIDIA GPUs, too: build/cuda/lofi (needs nvcc of CUDA 12 or newer)
	@if [ -z "$(nvcc)" ]; then echo "make cuda: there is no CUDA compiler: install CUDA 12 or newer, or name it with CUDACXX=PATH/nvcc" >&2; exit 1; fi
	@export CUDACXX="$(nvcc)"; $(call configure,cuda,-DLOFI_TESTS=$(TESTS) $(architectures)) && $(call compile,cuda)

.PHONY: check
check: ## rules of the source code: layers, sizes, format, cppcheck
	tools/check_sources

.PHONY: format
format: ## bring all sources into the format of .clang-format
	clang-format -i $$(git ls-files 'src/*.[ch]' 'src/*.cu' 'tests/*.[ch]' 'tests/*.cpp' 'bench/*.[ch]')

.PHONY: bench
bench: build ## measure speed and memory (tools/install-dependencies bench: what some of it compares with)
	@if [ -x bench/run ]; then bench/run $(BUILD)/release; else echo "make bench: there is no bench/run in this version"; exit 1; fi

.PHONY: install
install: build ## install the program, its aliases, data, manual pages and completion: make install PREFIX=DIR
	cmake --install $(BUILD)/release --prefix "$(abspath $(PREFIX))"

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)

.PHONY: install-build-packages install-test-packages install-demo-packages
install-build-packages:
	@tools/install-dependencies build
install-test-packages:
	@tools/install-dependencies test
install-demo-packages:
	@tools/install-dependencies demo
