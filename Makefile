# `make` lists what there is. Everything is built under build/.
BUILD ?= build
JOBS ?= $(shell nproc)

.PHONY: help deps build test docs api-docs obs-docs api-snippets demo up down status bench format style lint sanitize clean \
  image test-manifests test-images test-k8s

help:  ## lists these
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

deps:  ## installs what building and testing need (Debian packages; as root, or by sudo)
	scripts/install-deps

build: deps  ## builds everything
	cmake -S . -B $(BUILD) -G Ninja
	ninja -C $(BUILD) -j $(JOBS)

test: build  ## runs every test
	ctest --test-dir $(BUILD) --parallel 2 --timeout 180 --output-on-failure

docs: build  ## checks the documentation's links, and does what it says, in private clusters
	scripts/docs links
	PENSTOCK_BUILD=$(BUILD) scripts/docs run

api-docs:  ## writes docs/api.md from the protos
	scripts/api-docs

obs-docs:  ## writes docs/metrics.md, docs/logs.md and the golden file of metrics from the code
	ninja -C $(BUILD) obs_docs
	$(BUILD)/bin/obs_docs metrics >docs/metrics.md
	$(BUILD)/bin/obs_docs logs >docs/logs.md
	$(BUILD)/bin/obs_docs golden >tests/golden/metrics.txt

api-snippets: build  ## runs the documentation's Go and grpcurl; needs Go and its module registry
	PENSTOCK_BIN=$(BUILD)/bin scripts/api-snippets

image:  ## builds the images with docker, podman or buildah, into build/images
	scripts/image

test-manifests: build  ## checks deploy/k8s without a cluster; fetches a validator from PyPI, and kustomize where kubectl has none
	PENSTOCK_BIN=$(BUILD)/bin tests/manifests/run

test-images:  ## builds all archives that test-k8s loads, those of the version before too
	tests/k8s/images

test-k8s: build  ## tries deploy/k8s on the cluster of KUBECONFIG; LOAD_IMAGE is a command that loads archives. STAGE=…: some stages
	PENSTOCK_BIN=$(BUILD)/bin tests/k8s/run $(STAGE)

demo: build  ## shows a warehouse of 100,000 customers reaching a CRM, and only what changed after that
	PENSTOCK_BIN=$(BUILD)/bin scripts/demo

up: build  ## starts a private cluster with the example CRM and a warehouse, in .run/
	PENSTOCK_BIN=$(BUILD)/bin scripts/stack up
	scripts/stack warehouse
	@echo "Next: . .run/env && penstock apply -f .run/quickstart && penstock trigger customers-to-crm --wait"

down:  ## ends it
	scripts/stack down

status:  ## says what of it runs
	scripts/stack status

bench: build  ## measures, beside the numbers to beat
	@for program in $(BUILD)/bin/*_bench; do echo "== $$program"; $$program || exit 1; done

format:  ## formats the C++
	git ls-files '*.h' '*.cpp' | xargs clang-format-19 -i

style:  ## checks the format of the C++
	git ls-files '*.h' '*.cpp' | xargs clang-format-19 --dry-run -Werror

lint: style build  ## checks the C++ by clang-tidy, too
	git ls-files '*.cpp' | xargs -P $(JOBS) -n 1 clang-tidy-19 -p $(BUILD) --quiet

sanitize: deps  ## runs the tests under the address, undefined behaviour and thread sanitizers
	scripts/sanitize address,undefined
	scripts/sanitize thread -R '^integration_(common_pg|common_redis|queue|net)'

clean:  ## removes what was built, and the private cluster's directory
	scripts/stack down
	rm -rf $(BUILD) .run
