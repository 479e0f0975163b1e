GO   ?= go
TOOL := $(GO) tool -modfile=tools/go.mod

VERSION := $(shell cat VERSION)
# linux-amd64 and so on, from the list in .promu.yml.
PLATFORMS := $(shell sed -n 's|^ *- \([a-z]*\)/\([a-z0-9]*\)$$|\1-\2|p' .promu.yml)
SBOM := dist/zuora_exporter-$(VERSION).cdx.json

# Files of a release have the time of the commit: a second build then has the
# same bytes.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null)
endif
export VERSION SOURCE_DATE_EPOCH

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build ./zuora_exporter
	$(TOOL) promu build

.PHONY: test
test: ## Run the tests
	$(GO) test ./...

.PHONY: race
race: ## Run the tests with the race detector
	$(GO) test -race ./...

.PHONY: dashboards
dashboards: ## Bring dashboards exported by Grafana into their one form; needs jq
	mkdir -p .build
	for file in dashboards/*.json; do \
		jq -S -f dashboards/canonical.jq $$file >.build/dashboard.json && cp .build/dashboard.json $$file || exit; \
	done

.PHONY: checks
checks: ## Check documents, PromQL, chart, examples and the landing page with what reads them (takes minutes to build)
	$(GO) test -C test/checks -count=1 ./...

.PHONY: promtool
promtool: ## Test rules and panels with the promtool of Prometheus 3 (takes minutes to build)
	GOBIN=$(CURDIR)/.build $(GO) install github.com/prometheus/prometheus/cmd/promtool@$$($(GO) list -C test/checks -m -f '{{.Version}}' github.com/prometheus/prometheus)
	PATH=$(CURDIR)/.build:$$PATH ZUORA_E2E=required $(GO) test -count=1 ./alerts ./dashboards

.PHONY: e2e
e2e: ## Run the slow tests too: with Prometheus, promtool and Alertmanager
	ZUORA_E2E=required $(GO) test ./... -count=1

.PHONY: soak
soak: ## Scrape, probe and reload for ten minutes, with faults
	SOAK=10m $(GO) test ./test/e2e -count=1 -v -run Soak -timeout 20m

.PHONY: bench
bench: ## Measure what scrapes and probes cost
	$(GO) test -bench . -run '^$$' ./...

.PHONY: fuzz
fuzz: ## Run each fuzz target, for FUZZTIME=1m
	.ci/fuzz

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities
	$(TOOL) govulncheck ./...

.PHONY: lint
lint: ## Run the linters; needs shellcheck
	$(TOOL) golangci-lint run
	$(TOOL) actionlint
	# An action's tag can be moved to other code; a commit cannot.
	! grep -rE '^ *(- )?uses:' .github/workflows | grep -vE '@[0-9a-f]{40} # v[0-9.]+$$'
	shellcheck .ci/* packaging/documents packaging/licenses packaging/prometheusrule packaging/sbom packaging/*.sh

.PHONY: fmt
fmt: ## Format the code
	$(TOOL) golangci-lint fmt

.PHONY: demo
demo: ## Run against an embedded Zuora stand-in
	$(GO) run . --demo

.PHONY: dist
dist: ## Build everything that a release has, with checksums, into dist/
	rm -rf dist
	$(MAKE) tarballs packages sbom
	packaging/prometheusrule >dist/prometheusrule.yaml
	$(TOOL) promu checksum dist

.PHONY: reproducible
reproducible: dist ## Build the last commit's release again, elsewhere: it must have the same bytes
	rm -rf .build/again
	umask 077 && git clone -q . .build/again && \
		TZ=Pacific/Auckland GOCACHE=$(CURDIR)/.build/cache $(MAKE) -s -C .build/again dist
	diff dist/sha256sums.txt .build/again/dist/sha256sums.txt

.PHONY: tarballs
tarballs: $(PLATFORMS:%=tarball-%) ## Build a tarball for each platform

.PHONY: packages
packages: build-linux-amd64 build-linux-arm64 documents ## Build .deb and .rpm for amd64 and arm64
	for arch in amd64 arm64; do for packager in deb rpm; do \
		ARCH=$$arch $(TOOL) nfpm package --config packaging/nfpm.yml --packager $$packager --target dist || exit; \
	done; done

.PHONY: sbom
sbom: ## Write the bill of materials (CycloneDX); needs jq
	mkdir -p dist
	packaging/sbom >$(SBOM)

.PHONY: licenses
licenses: sbom ## Check the licences of the linked modules and collect their texts
	mkdir -p .build
	packaging/licenses $(SBOM) >.build/THIRD_PARTY_LICENSES

.PHONY: documents
documents: licenses ## Collect what packages and tarballs have besides the binary
	packaging/documents .build

.PHONY: image
image: tarball-linux-$(shell $(GO) env GOARCH) ## Build the container image zuora_exporter
	docker build -f packaging/Dockerfile -t zuora_exporter -t zuora_exporter:$(VERSION) --build-arg VERSION .

# promu is called by its path: `GOOS=windows go tool` would build a promu.exe.
build-%:
	promu=$$($(TOOL) -n promu) && \
		GOOS=$(firstword $(subst -, ,$*)) GOARCH=$(lastword $(subst -, ,$*)) $$promu build --prefix .build/$*

# promu tarball would name the tarball after the clone's origin and write the
# builder and the time into it. Needs GNU tar.
tarball-%: build-% documents
	tar --sort=name --transform='s|^|zuora_exporter-$(VERSION).$*/|' --mode=go=rX,u+rw,a-s \
		--owner=0 --group=0 --numeric-owner --mtime=@$(SOURCE_DATE_EPOCH) --use-compress-program='gzip -n' \
		-cf dist/zuora_exporter-$(VERSION).$*.tar.gz LICENSE -C examples zuora_exporter.yml \
		-C $(CURDIR)/.build THIRD_PARTY_LICENSES -C documents $$(ls .build/documents) \
		-C ../$* $$(ls .build/$*)

.PHONY: ci
ci: ## Run what CI runs (installs missing Debian packages)
	.ci/run

.PHONY: clean
clean: ## Remove what was built
	rm -rf zuora_exporter .build dist
